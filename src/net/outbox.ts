// What a socket has not taken yet: the one place that owns unsent bytes, in the broker as in the client.
// Log data waits here as slices, not as bytes: it is read as the socket drains, so that a client that never
// reads costs no memory for the log it asked for. Leaves to others: when to write (connection.ts, broker-connection.ts).
//
// Seen of Bun 1.4.5, and relied on here: `socket.write` buffers nothing; it returns how many bytes the kernel
// took (3.9 of 20 MB on loopback; 0 when it is full), or -1 once the socket is closed. After a short write
// `drain` is called when there is space again, also while the socket is paused.
/** Entries shorter than this are put together, so that many small answers leave in one system call. */
const COALESCE_BYTES = 64 * 1024;

/** Longest piece of a slice that is asked for at once; a sealed segment is a mapping and costs nothing. */
const READ_BYTES_MAX = 4 * 1024 * 1024;

/** Bytes that a socket is given before other connections have their turn. */
export const FLUSH_BYTES_MAX = 1024 * 1024;

/** Where small entries are put together. One for all: `write` is done with it when it returns. */
const gathered = new Uint8Array(COALESCE_BYTES);

/** The part of a socket that an outbox needs: `Bun.Socket.write`. */
export interface ByteSink {
  /** Takes what fits and returns how many bytes that was; -1 when it is closed. */
  write(bytes: Uint8Array): number;
}

/** Bytes that are read when they are sent: a run of the log. */
export interface ByteSource {
  /** How many there are. */
  readonly bytes: number;
  /**
   * Up to `bytesMax` bytes from byte `from` on, at least one. The view is good until anything else is read, from
   * whatever source.
   */
  read(from: number, bytesMax: number): Uint8Array;
}

/** One thing to send: bytes that will not change, or a source of them. */
export type OutboxEntry = Uint8Array | ByteSource;

/**
 * What `flush` came to: all is sent, the rest waits for `drain`, the socket would take more than it was to take, or it is
 * closed.
 */
export type FlushOutcome = "empty" | "blocked" | "more" | "closed";

/** A queue of entries and how far the first one is sent. Invariant: 0 ≤ `#sent` < bytes of the first. */
export class Outbox {
  readonly #sink: ByteSink;
  #entries: OutboxEntry[] = [];
  /** Bytes of the first entry that the socket has taken. */
  #sent = 0;
  #bytes = 0;
  #memoryBytes = 0;

  constructor(sink: ByteSink) {
    this.#sink = sink;
  }

  /** Bytes not sent yet, whether in memory or in the log. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes of the entries that are in memory, and not in the log. */
  get memoryBytes(): number {
    return this.#memoryBytes;
  }

  /** Entries not sent whole yet. */
  get entries(): number {
    return this.#entries.length;
  }

  /** Adds an entry; nothing is written until `flush`. Empty ones are dropped. */
  push(entry: OutboxEntry): void {
    const length = lengthOf(entry);
    if (length === 0) return;
    this.#entries.push(entry);
    this.#bytes += length;
    if (entry instanceof Uint8Array) this.#memoryBytes += length;
  }

  /**
   * Writes until everything is sent, the socket takes no more, or it has taken `bytesMax`. Throws what reading a slice
   * throws.
   */
  flush(bytesMax = Number.POSITIVE_INFINITY): FlushOutcome {
    for (let left = bytesMax; this.#bytes > 0;) {
      if (left <= 0) return "more";
      const bytes = this.#next().subarray(0, left);
      left -= bytes.length;
      const taken = this.#sink.write(bytes);
      if (taken < 0 || this.#bytes === 0) return "closed"; // the write may have called `close`, which clears
      this.#advance(taken);
      if (taken < bytes.length) return "blocked";
    }
    return "empty";
  }

  /** Forgets everything, and with it what the entries kept alive. */
  clear(): void {
    this.#entries = [];
    this.#sent = 0;
    this.#bytes = 0;
    this.#memoryBytes = 0;
  }

  /** The bytes to write next: a view that is good until the next call. */
  #next(): Uint8Array {
    const first = this.#entries[0]!;
    const rest = lengthOf(first) - this.#sent;
    if (rest >= COALESCE_BYTES || this.#entries.length === 1)
      return viewOf(first, this.#sent, rest);
    let length = 0;
    let from = this.#sent;
    for (let i = 0; i < this.#entries.length && length < COALESCE_BYTES; i++) {
      const entry = this.#entries[i]!;
      const end = Math.min(lengthOf(entry), from + COALESCE_BYTES - length);
      while (from < end) {
        const view = viewOf(entry, from, end - from);
        gathered.set(view, length);
        length += view.length;
        from += view.length;
      }
      from = 0;
    }
    return gathered.subarray(0, length);
  }

  #advance(taken: number): void {
    this.#bytes -= taken;
    let done = 0;
    for (let left = taken; left > 0;) {
      const entry = this.#entries[done]!;
      const rest = lengthOf(entry) - this.#sent;
      if (left < rest) {
        this.#sent += left;
        break;
      }
      left -= rest;
      if (entry instanceof Uint8Array) this.#memoryBytes -= entry.length;
      done++;
      this.#sent = 0;
    }
    if (done === this.#entries.length) this.#entries.length = 0;
    else if (done > 0) this.#entries.splice(0, done);
  }
}

function lengthOf(entry: OutboxEntry): number {
  return entry instanceof Uint8Array ? entry.length : entry.bytes;
}

function viewOf(entry: OutboxEntry, from: number, lengthMax: number): Uint8Array {
  if (entry instanceof Uint8Array) return entry.subarray(from, from + lengthMax);
  const view = entry.read(from, Math.min(lengthMax, READ_BYTES_MAX));
  if (view.length === 0) throw new Error(`a slice of ${entry.bytes} bytes gave none at ${from}`);
  return view;
}
