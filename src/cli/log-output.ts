// The broker's log on stdout. Lines are written immediately while the reader keeps up. Otherwise they wait in a bounded
// buffer, so that an unread pipe never blocks the event loop.
// Leaves to others: the lines, and limiting repeated ones (net/log-limit.ts).
//
// Pipes and terminals are reopened through /proc/self/fd, because O_NONBLOCK belongs to the open file, not to the
// descriptor: setting it on our stdout would also set it for the shell and every other process that shares it. Files
// never block. A socket can't be reopened (nor can anything without /proc), so a thread writes to it.
import { constants, fstatSync, openSync, write as writeToDescriptor, writeSync } from "node:fs";
import { printableTrace } from "../printable.js";
import { reasonOf } from "../log/disk/disk.js";

/** Bytes of lines that may wait for the reader. Lines beyond that are counted and dropped. */
export const LOG_BUFFER_BYTES_MAX = 1024 * 1024;

/** Delay before writing to a full pipe again, in milliseconds. */
const AGAIN_MS = 20;

/** Delay before writing to a full or failing disk again, in milliseconds. */
const FAILED_AGAIN_MS = 1_000;

/** How long a process that ends waits for its last lines to be read, in milliseconds. */
const LOG_DRAIN_MS_MAX = 2_000;

interface LogSink {
  /** Writes some of the bytes and returns how many. Throws or rejects with the system's error. */
  write(bytes: Uint8Array): number | Promise<number>;
}

interface LineOptions {
  /** Never drop this line, however full the buffer is. For rare lines only. */
  readonly isKept?: boolean;
}

export class LogOutput {
  readonly #sink: LogSink;
  readonly #later: (call: () => void, ms: number) => void;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #dropped = 0;
  #failure: string | undefined;
  /** A write is in progress, or scheduled for later. */
  #isWaiting = false;
  #drained: (() => void)[] = [];

  constructor(
    sink: LogSink,
    later = (call: () => void, ms: number): void => {
      setTimeout(call, ms);
    },
  ) {
    this.#sink = sink;
    this.#later = later;
  }

  /** Lines dropped since the last report of dropped lines. */
  get dropped(): number {
    return this.#dropped;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** Writes a line, which may contain a stack trace, now or when the reader is ready. Never blocks or throws. */
  line(text: string, { isKept = false }: LineOptions = {}): void {
    const bytes = Buffer.from(`${printableTrace(text)}\n`);
    if (!isKept && this.#pendingBytes + bytes.length > LOG_BUFFER_BYTES_MAX) {
      this.#dropped++;
      return;
    }
    this.#reportDropped();
    this.#push(bytes);
    this.#pump();
  }

  /** Resolves when everything is written, when nobody can read it any more, or after `ms`. */
  async drain(ms = LOG_DRAIN_MS_MAX): Promise<void> {
    if (this.#pending.length === 0 || this.#failure !== undefined) return;
    await new Promise<void>((resolve) => {
      this.#drained.push(resolve);
      this.#later(resolve, ms);
    });
  }

  #push(bytes: Uint8Array): void {
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
  }

  #pump(): void {
    while (!this.#isWaiting && this.#pending.length > 0) {
      let taken: number | Promise<number>;
      try {
        taken = this.#sink.write(this.#pending[0]!);
      } catch (error) {
        this.#failed(error);
        return;
      }
      if (typeof taken === "number") this.#advance(taken);
      else this.#await(taken);
    }
  }

  #await(taking: Promise<number>): void {
    this.#isWaiting = true;
    taking.then(
      (taken) => {
        this.#isWaiting = false;
        this.#advance(taken);
        this.#pump();
      },
      (error: unknown) => {
        this.#isWaiting = false;
        this.#failed(error);
      },
    );
  }

  #advance(taken: number): void {
    const first = this.#pending[0]!;
    this.#pendingBytes -= taken;
    if (taken < first.length) this.#pending[0] = first.subarray(taken);
    else this.#pending.shift();
    if (this.#pending.length === 0) this.#reportDropped();
    if (this.#pending.length === 0) this.#resolveDrained();
  }

  /** Writes how many lines were dropped, in their place. */
  #reportDropped(): void {
    if (this.#dropped === 0) return;
    const why = this.#failure ?? "nobody read them";
    this.#push(Buffer.from(`${this.#dropped} lines of this log were dropped: ${why}\n`));
    this.#dropped = 0;
  }

  #failed(error: unknown): void {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "EAGAIN") {
      this.#failure = undefined;
      this.#again(AGAIN_MS);
    } else if (code === "ENOSPC" || code === "EDQUOT" || code === "EFBIG" || code === "EIO") {
      this.#failure = reasonOf(error);
      this.#again(FAILED_AGAIN_MS);
    } else {
      // EPIPE and the like: the broker keeps running when the reader of its log is gone.
      this.#pending = [];
      this.#pendingBytes = 0;
      this.#dropped = 0;
      this.#resolveDrained();
    }
  }

  #again(ms: number): void {
    this.#isWaiting = true;
    this.#later(() => {
      this.#isWaiting = false;
      this.#pump();
    }, ms);
  }

  #resolveDrained(): void {
    const drained = this.#drained;
    this.#drained = [];
    for (const resolve of drained) resolve();
  }
}

/** A sink that never blocks, for a descriptor that may. */
export function unblockedSink(descriptor: number): LogSink {
  const direct: LogSink = { write: (bytes) => writeSync(descriptor, bytes) };
  const byThread: LogSink = { write: (bytes) => writeByThread(descriptor, bytes) };
  let reopened: number;
  try {
    const stat = fstatSync(descriptor);
    if (stat.isFile()) return direct;
    if (!stat.isFIFO() && !stat.isCharacterDevice()) return byThread;
    const { O_WRONLY, O_APPEND, O_NONBLOCK, O_NOCTTY } = constants;
    reopened = openSync(`/proc/self/fd/${descriptor}`, O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY);
  } catch {
    return byThread;
  }
  return { write: (bytes) => writeSync(reopened, bytes) };
}

function writeByThread(descriptor: number, bytes: Uint8Array): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  writeToDescriptor(descriptor, bytes, 0, bytes.length, null, (error, written) => {
    if (error === null) resolve(written);
    else reject(error);
  });
  return promise;
}
