// The writing side of an append file: a `Bun.file(fd).writer()` on a descriptor opened for append.
// Leaves to others: the length of the file, reading, flushing to the disk (real-disk.ts).
//
// Observed in Bun 1.4.5 and relied on here; test/log/append-sink.test.ts has a test for each:
// - `write` of at least `highWaterMark` bytes reaches the kernel before it returns. Fewer bytes are copied into the
//   sink, and `flush` writes them before it returns.
// - When a write fails, `flush` throws, or `write` throws or returns a rejected promise. The file may then end with
//   some of the bytes, and the sink still holds the others.
// - A sink holds a duplicate of the descriptor. `end` closes it, on another thread, and an ended sink writes nothing
//   more. So the space of a removed file may be free a moment after the sink has ended.
//
// So a failed sink is ended immediately, before the caller truncates the file.
import type { FileSink } from "bun";

/** Smaller pieces of one write are copied together, to write them in one system call. */
const GATHERED_PIECE_BYTES_MAX = 128 * 1024;

/** Buffer for copying pieces together. All files share it: it is free again when the sink's `write` returns. */
const gathered = new Uint8Array(256 * 1024);

/** The sink buffers writes below this size and passes larger ones straight to the kernel. */
const SINK_BUFFER_BYTES = 16 * 1024;

/** Sinks kept open for the next write in the whole process. Each takes a descriptor. */
export const OPEN_SINKS_MAX = 100;

/** The open sinks, least recently used first. */
const openSinks = new Set<AppendSink>();

/**
 * Appends to one descriptor. Opens a sink when there is something to write, and keeps it for the next write, unless
 * OPEN_SINKS_MAX others are written to meanwhile.
 */
export class AppendSink {
  readonly #fd: number;
  #sink: FileSink | undefined;
  /** Bun is still writing; the sink ends when that write has finished. */
  #isWaiting = false;

  /** `fd` must be open for append, and stay open until `end`. */
  constructor(fd: number) {
    this.#fd = fd;
  }

  /**
   * Hands all pieces to the kernel, in order, before it returns. Returns a promise only if Bun does. Throws or rejects
   * with the system's error ("ENOSPC", "EFBIG", "EIO", …); the file may then end with some of the bytes.
   */
  write(pieces: readonly Uint8Array[]): void | Promise<void> {
    return this.#writeChunks(pieces.length === 1 ? pieces.values() : chunksOf(pieces));
  }

  /** Closes the sink and its descriptor. Drops what is buffered after a failed write; otherwise nothing is buffered. */
  end(): void {
    const sink = this.#sink;
    if (sink === undefined) return;
    this.#sink = undefined;
    openSinks.delete(this);
    try {
      const ended = sink.end();
      // Only a failed write leaves buffered bytes, and its error was already reported.
      if (typeof ended !== "number") ended.catch(() => {});
    } catch {
      // As above.
    }
  }

  #used(): void {
    openSinks.delete(this);
    openSinks.add(this);
    if (openSinks.size <= OPEN_SINKS_MAX) return;
    const [oldest] = openSinks;
    if (oldest === undefined) return;
    if (oldest.#isWaiting) openSinks.delete(oldest);
    else oldest.end();
  }

  #writeChunks(chunks: Iterator<Uint8Array>): void | Promise<void> {
    try {
      this.#sink ??= Bun.file(this.#fd).writer({ highWaterMark: SINK_BUFFER_BYTES });
      const sink = this.#sink;
      this.#used();
      for (let next = chunks.next(); !next.done; next = chunks.next()) {
        const written = sink.write(next.value);
        if (typeof written !== "number") return this.#waitFor(written, chunks);
      }
      const flushed = sink.flush();
      if (typeof flushed !== "number") return this.#waitFor(flushed, chunks);
    } catch (error) {
      this.end();
      throw error;
    }
  }

  async #waitFor(pending: Promise<number>, rest: Iterator<Uint8Array>): Promise<void> {
    this.#isWaiting = true;
    try {
      await pending;
    } finally {
      this.#isWaiting = false;
      this.end();
    }
    await this.#writeChunks(rest);
  }
}

/** The pieces, small neighbours copied together. A chunk is valid until the next one is requested. */
function* chunksOf(pieces: readonly Uint8Array[]): Generator<Uint8Array, void> {
  let filled = 0;
  for (const piece of pieces) {
    const isLarge = piece.length > GATHERED_PIECE_BYTES_MAX;
    if (filled > 0 && (isLarge || filled + piece.length > gathered.length)) {
      yield gathered.subarray(0, filled);
      filled = 0;
    }
    if (isLarge) {
      yield piece;
    } else {
      gathered.set(piece, filled);
      filled += piece.length;
    }
  }
  if (filled > 0) yield gathered.subarray(0, filled);
}
