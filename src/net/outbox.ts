// Unsent bytes of a socket, in the broker and in the client.
// Log data waits here as slices of the log and is read as the socket drains, so a client that never reads costs no memory
// for the log it asked for. Leaves to others: when to write (connection.ts, broker-connection.ts).
//
// Observed in Bun 1.4.5, and relied on here: `socket.write` buffers nothing. It returns the number of bytes that the kernel
// took (3.9 of 20 MB on loopback; 0 when its buffer is full), or -1 once the socket is closed. After a short write, `drain`
// is called when there is space again, even while the socket is paused.

/** Entries shorter than this are combined, so that many small answers leave in one system call. */
const COALESCE_BYTES = 64 * 1024;

/** Longest single read of a slice. */
const READ_BYTES_MAX = 4 * 1024 * 1024;

/** Bytes written to a socket before other connections get their turn. */
export const FLUSH_BYTES_MAX = 1024 * 1024;

/** Where small entries are combined. Shared by all outboxes, because `write` keeps no reference to it. */
const gathered = new Uint8Array(COALESCE_BYTES);

/** The part of a socket that an outbox needs: `Bun.Socket.write`. */
export interface ByteSink {
  /** Returns the number of bytes taken; -1 if the socket is closed. */
  write(bytes: Uint8Array): number;
}

/** Bytes that are read only when they are sent, such as a slice of the log. */
export interface ByteSource {
  readonly bytes: number;
  /**
   * Returns between 1 and `bytesMax` bytes, starting at byte `from`. The view is valid until the next read of any source.
   */
  read(from: number, bytesMax: number): Uint8Array;
}

/** Bytes must not change until they are sent. */
export type OutboxEntry = Uint8Array | ByteSource;

/** The result of a flush: all is sent, the socket is full, `bytesMax` is reached, or the socket is closed. */
export type FlushOutcome = "empty" | "blocked" | "more" | "closed";

/** A queue of entries. Invariant: 0 ≤ `#sent` < length of the first entry. */
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

  /** Unsent bytes, in memory and in the log. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes of the unsent entries that are in memory. */
  get memoryBytes(): number {
    return this.#memoryBytes;
  }

  /** Number of entries that are not completely sent. */
  get entries(): number {
    return this.#entries.length;
  }

  /** Adds an entry, unless it is empty. Nothing is written until `flush`. */
  push(entry: OutboxEntry): void {
    const length = lengthOf(entry);
    if (length === 0) return;
    this.#entries.push(entry);
    this.#bytes += length;
    if (entry instanceof Uint8Array) this.#memoryBytes += length;
  }

  /** Writes until everything is sent, the socket is full, or `bytesMax` are written. Throws if a slice can't be read. */
  flush(bytesMax = Number.POSITIVE_INFINITY): FlushOutcome {
    for (let left = bytesMax; this.#bytes > 0;) {
      if (left <= 0) return "more";
      const next = this.#next();
      const bytes = next.length <= left ? next : next.subarray(0, left);
      left -= bytes.length;
      const taken = this.#sink.write(bytes);
      if (taken < 0 || this.#bytes === 0) return "closed"; // the write may have called `clear`, through `close`
      this.#advance(taken);
      if (taken < bytes.length) return "blocked";
    }
    return "empty";
  }

  clear(): void {
    this.#entries = [];
    this.#sent = 0;
    this.#bytes = 0;
    this.#memoryBytes = 0;
  }

  /** Returns the bytes to write next. The view is valid until the next call. */
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
      if (entry instanceof Uint8Array && from === 0 && entry.length === end) {
        gathered.set(entry, length); // without a view, which takes longer than the copy
        length += end;
        continue;
      }
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
  if (entry instanceof Uint8Array) {
    return from === 0 && entry.length <= lengthMax ? entry : entry.subarray(from, from + lengthMax);
  }
  const view = entry.read(from, Math.min(lengthMax, READ_BYTES_MAX));
  if (view.length === 0) throw new Error(`a slice of ${entry.bytes} bytes gave none at ${from}`);
  return view;
}
