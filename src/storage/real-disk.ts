// The file system, as storage sees it: Bun's file sink for appends, positioned reads, mmap, fdatasync, flock.
// Leaves to others: all knowledge of segments, indexes and topics.
import { dlopen, FFIType } from "bun:ffi";
import {
  closeSync,
  fdatasync,
  fstatSync,
  fsync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { RustLogError } from "../errors.ts";
import { type AppendFile, type DirectoryLock, type Disk, systemErrorCode } from "./disk.ts";

/** Small appends are gathered up to this many bytes before they cost a system call. */
const SINK_BUFFER_BYTES = 256 * 1024;

type Sink = ReturnType<ReturnType<typeof Bun.file>["writer"]>;

/**
 * An append file over `Bun.file(fd).writer()`.
 *
 * Seen of Bun 1.4.5: the sink of a *path* starts at byte 0, so the descriptor is opened for append; `write`
 * returns a number, or a rejected promise when the write fails; `flush` throws or rejects then; after a
 * failure part of the bytes may be in the file and the sink forgets the rest, so a new sink is made; `end`
 * leaves the descriptor open. Each of these has a test in test/storage/real-disk.test.ts.
 */
class RealAppendFile implements AppendFile {
  readonly path: string;
  readonly #fd: number;
  #sink: Sink;
  #size: number;
  #writtenBytes = 0;
  #pending: Promise<unknown> | undefined;
  #closed = false;

  constructor(path: string) {
    this.path = path;
    this.#fd = openSync(path, "a+");
    this.#sink = this.#newSink();
    this.#size = fstatSync(this.#fd).size;
  }

  get size(): number {
    return this.#size;
  }

  write(bytes: Uint8Array): void {
    this.#writtenBytes += bytes.length;
    const outcome: number | Promise<number> = this.#sink.write(bytes);
    if (typeof outcome !== "number") this.#remember(outcome);
  }

  push(): void | Promise<void> {
    if (this.#pending !== undefined) return this.#pushAfterPending(this.#pending);
    if (this.#writtenBytes === 0) return;
    const outcome: number | Promise<number> = this.#sink.flush();
    if (typeof outcome !== "number") {
      this.#remember(outcome);
      return this.#pushAfterPending(outcome);
    }
    this.#size += this.#writtenBytes;
    this.#writtenBytes = 0;
  }

  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fdatasync(this.#fd, (error) => (error ? reject(error) : resolve()));
    });
  }

  truncate(size: number): void {
    this.#sink = this.#newSink();
    this.#pending = undefined;
    this.#writtenBytes = 0;
    ftruncateSync(this.#fd, size);
    this.#size = size;
  }

  read(into: Uint8Array, position: number): number {
    return readSync(this.#fd, into, 0, into.length, position);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.#fd);
  }

  #newSink(): Sink {
    return Bun.file(this.#fd).writer({ highWaterMark: SINK_BUFFER_BYTES });
  }

  /** Keeps the first outcome that is not known yet, and keeps the runtime from calling it unhandled. */
  #remember(outcome: Promise<number>): void {
    outcome.catch(() => {});
    const earlier = this.#pending;
    this.#pending = earlier === undefined ? outcome : earlier.then(() => outcome);
    this.#pending.catch(() => {});
  }

  async #pushAfterPending(pending: Promise<unknown>): Promise<void> {
    await pending;
    if (this.#pending === pending) this.#pending = undefined;
    await this.push();
  }
}

/** The file system of this machine. */
export class RealDisk implements Disk {
  openAppend(path: string): AppendFile {
    return new RealAppendFile(path);
  }

  map(path: string): Uint8Array {
    // Unless it is private, a Bun mapping writes through to the file.
    return Bun.mmap(path, { shared: false });
  }

  readFile(path: string): Uint8Array | undefined {
    return orUndefinedIfMissing(() => readFileSync(path));
  }

  async writeFile(path: string, bytes: Uint8Array): Promise<void> {
    const fd = openSync(path, "w");
    try {
      let written = 0;
      while (written < bytes.length) {
        written += writeSync(fd, bytes, written, bytes.length - written);
      }
      await new Promise<void>((resolve, reject) => {
        fdatasync(fd, (error) => (error ? reject(error) : resolve()));
      });
    } finally {
      closeSync(fd);
    }
  }

  list(directory: string): string[] {
    return orUndefinedIfMissing(() => readdirSync(directory).sort()) ?? [];
  }

  fileSize(path: string): number | undefined {
    return statSync(path, { throwIfNoEntry: false })?.size;
  }

  makeDirectory(path: string): void {
    mkdirSync(path, { recursive: true });
  }

  rename(from: string, to: string): void {
    renameSync(from, to);
  }

  remove(path: string): void {
    orUndefinedIfMissing(() => unlinkSync(path));
  }

  removeDirectory(path: string): void {
    rmSync(path, { recursive: true, force: true });
  }

  async syncDirectory(path: string): Promise<void> {
    let fd: number;
    try {
      fd = openSync(path, "r");
    } catch (error) {
      // A directory above ours that we may pass through but not open is not ours to flush.
      if (systemErrorCode(error) === "EACCES") return;
      throw error;
    }
    try {
      await new Promise<void>((resolve, reject) => {
        fsync(fd, (error) => (error ? reject(error) : resolve()));
      });
    } finally {
      closeSync(fd);
    }
  }

  lock(path: string): DirectoryLock {
    const fd = openSync(path, "a+");
    if (!tryLockExclusive(fd)) {
      const holder = readFileSync(path, "utf8").trim();
      closeSync(fd);
      throw new RustLogError(
        "DATA_DIRECTORY_UNUSABLE",
        `${path} is held by ${holder === "" ? "another process" : `process ${holder}`}: ` +
          "one broker per data directory; stop that one, or choose another --data-dir",
      );
    }
    ftruncateSync(fd, 0);
    writeSync(fd, `${process.pid}\n`);
    // The kernel releases the lock when the descriptor is closed, also when the process is killed.
    return { release: () => closeSync(fd) };
  }
}

function orUndefinedIfMissing<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

const LOCK_EXCLUSIVE = 2;
const LOCK_NON_BLOCKING = 4;

/** `flock(2)`; neither Bun nor node:fs has it. */
function tryLockExclusive(fd: number): boolean {
  const library = process.platform === "darwin" ? "libSystem.B.dylib" : "libc.so.6";
  const libc = dlopen(library, {
    flock: { args: [FFIType.i32, FFIType.i32], returns: FFIType.i32 },
  });
  try {
    return libc.symbols.flock(fd, LOCK_EXCLUSIVE | LOCK_NON_BLOCKING) === 0;
  } finally {
    libc.close();
  }
}
