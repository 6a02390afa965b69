// Binary output to stdout: buffered, with back-pressure, and exact about what was really written.
// Leaves to others: the bytes (format.ts, json-record.ts, table.ts) and stderr (exit.ts).
//
// There are two buffers: one fills while the kernel takes the other, so memory is bounded however slow the reader is.
// `mark` notes where a record ends. The record counts as printed once its last byte is written; a group commits exactly
// that, even when the reader closes the pipe in the middle.
import { write as writeToDescriptor } from "node:fs";
import { printable, printableJson } from "../printable.js";

export const STDOUT = 1;

const BUFFER_BYTES = 256 * 1024;
const SHORT_BYTES = 48;
const AGAIN_DELAY_MS = 5;

/** Writes at least one byte of bytes[start..end) and returns how many. Rejects with EPIPE when nobody reads. */
export type WriteFrom = (bytes: Uint8Array, start: number, end: number) => Promise<number>;

/** The partition of marked records. */
export interface MarkedPartition {
  readonly topic: string;
  readonly partition: number;
}

/** Called when marked records are written, with the offset after the last one of a partition. */
type PrintedListener = (from: MarkedPartition, nextOffset: number) => void;

interface PendingBytes {
  bytes: Buffer;
  length: number;
  /** Where records end in `bytes`, and the offset after each. All are of one partition. */
  ends: number[];
  nextOffsets: number[];
  from: MarkedPartition | undefined;
}

function emptyBuffer(): PendingBytes {
  return {
    bytes: Buffer.allocUnsafe(BUFFER_BYTES),
    length: 0,
    ends: [],
    nextOffsets: [],
    from: undefined,
  };
}

/** A buffer of bytes that is flushed piece by piece. */
export class ByteOutput {
  readonly #writeSome: WriteFrom;
  #filling = emptyBuffer();
  #spare = emptyBuffer();
  #writing: Promise<void> = Promise.resolve();
  #failure: Error | undefined;
  #isClosed = false;
  readonly #onPrinted: PrintedListener | undefined;

  constructor(writeSome: WriteFrom, onPrinted?: PrintedListener) {
    this.#writeSome = writeSome;
    this.#onPrinted = onPrinted;
  }

  /** Whether it is time to call flush(). */
  get isFull(): boolean {
    return this.#filling.length >= BUFFER_BYTES;
  }

  /** Whether the reader has closed the pipe; later writes are discarded. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  byte(value: number): void {
    const filling = this.#room(1);
    filling.bytes[filling.length++] = value;
  }

  copy(source: Uint8Array, start: number, end: number): void {
    const count = end - start;
    const filling = this.#room(count);
    const { bytes, length } = filling;
    if (count <= SHORT_BYTES) {
      for (let i = 0; i < count; i++) bytes[length + i] = source[start + i]!;
    } else {
      bytes.set(source.subarray(start, end), length);
    }
    filling.length = length + count;
  }

  text(text: string): void {
    // Counting first takes time and only pays for long text: three times its length may exceed the largest buffer.
    const atMost = text.length * 3;
    const filling = this.#room(atMost <= BUFFER_BYTES ? atMost : Buffer.byteLength(text));
    filling.length += filling.bytes.write(text, filling.length, "utf8");
  }

  /** Marks the end of a record. All marks between two flushes must be of one partition. */
  mark(from: MarkedPartition, nextOffset: number): void {
    const filling = this.#filling;
    filling.from = from;
    filling.ends.push(filling.length);
    filling.nextOffsets.push(nextOffset);
  }

  /**
   * Starts writing the buffered bytes once the previous flush is written. Throws the error of an earlier write. A
   * closed pipe is not an error; see isClosed.
   */
  async flush(): Promise<void> {
    await this.#writing;
    if (this.#failure !== undefined) throw this.#failure;
    const full = this.#filling;
    if (full.length === 0 && full.ends.length === 0) return;
    this.#filling = this.#spare;
    this.#spare = full;
    this.#writing = this.#write(full);
  }

  /** Flushes and waits until everything is written. Throws as flush does. */
  async drain(): Promise<void> {
    await this.flush();
    await this.#writing;
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Waits until flushed bytes are written or have failed. Leaves unflushed bytes alone. Never throws. */
  settled(): Promise<void> {
    return this.#writing;
  }

  #room(count: number): PendingBytes {
    const filling = this.#filling;
    const needed = filling.length + count;
    if (needed > filling.bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, filling.bytes.length * 2));
      grown.set(filling.bytes.subarray(0, filling.length));
      filling.bytes = grown;
    }
    return filling;
  }

  /** Never rejects: the next flush reports the failure. */
  async #write(pending: PendingBytes): Promise<void> {
    let written = 0;
    // After a lost piece nothing counts as printed, not even an empty record.
    const isLost = this.#isClosed || this.#failure !== undefined;
    while (written < pending.length && !this.#isClosed && this.#failure === undefined) {
      try {
        written += await this.#writeSome(pending.bytes, written, pending.length);
      } catch (error) {
        if (isClosedPipe(error)) this.#isClosed = true;
        else this.#failure = error instanceof Error ? error : new Error(String(error));
      }
    }
    if (!isLost) this.#notePrinted(pending, written);
    clear(pending);
  }

  #notePrinted(pending: PendingBytes, written: number): void {
    let last = pending.ends.length - 1;
    while (last >= 0 && pending.ends[last]! > written) last--;
    if (last < 0 || pending.from === undefined) return;
    this.#onPrinted?.(pending.from, pending.nextOffsets[last]!);
  }
}

/** Writes text to stdout and waits for it. A closed pipe is not an error. */
export async function writeText(text: string): Promise<void> {
  const output = new ByteOutput(writeDescriptor(STDOUT));
  output.text(text);
  await output.drain();
}

/** Like writeText, but for lines, with terminal control characters escaped. */
export function writeLines(...lines: readonly string[]): Promise<void> {
  return writeText(lines.map((line) => `${printable(line)}\n`).join(""));
}

/** Writes a value to stdout as indented JSON. */
export function writeJson(value: unknown): Promise<void> {
  return writeText(`${printableJson(value, 2)}\n`);
}

function clear(pending: PendingBytes): void {
  if (pending.bytes.length > 4 * BUFFER_BYTES) pending.bytes = Buffer.allocUnsafe(BUFFER_BYTES);
  pending.length = 0;
  pending.ends.length = 0;
  pending.nextOffsets.length = 0;
  pending.from = undefined;
}

/** Writes to a file descriptor: a file, a pipe or a terminal. */
export function writeDescriptor(descriptor: number): WriteFrom {
  return async (bytes, start, end) => {
    for (;;) {
      const count = await new Promise<number | undefined>((resolve, reject) => {
        writeToDescriptor(descriptor, bytes, start, end - start, null, (error, written) => {
          if (error === null) resolve(written);
          else if (error.code === "EAGAIN") resolve(undefined);
          else reject(error);
        });
      });
      if (count !== undefined) return count;
      // Another program made the terminal or pipe non-blocking, and it is full.
      await Bun.sleep(AGAIN_DELAY_MS);
    }
  };
}

function isClosedPipe(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EPIPE";
}
