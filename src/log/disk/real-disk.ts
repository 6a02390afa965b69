// The file system behind the disk interface: appends, positioned reads, mmap, fdatasync, flock.
// Leaves to others: all knowledge of segments, indexes and topics.
import { dlopen, FFIType } from "bun:ffi";
import {
  closeSync,
  fchmodSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  fsync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { RustLogError } from "../../errors.js";
import { nextTurn } from "../event-loop.js";
import { AppendSink } from "./append-sink.js";
import {
  type AppendFile,
  type DirectoryLock,
  type Disk,
  isDiskFull,
  systemErrorCode,
  type WriteOptions,
} from "./disk.js";
import { releasing } from "./deferred-release.js";
import { mapFile } from "./mapped-file.js";
import { OPEN, openRegular, readRegular, requireRegular } from "./regular-file.js";
import { QuickFlushes } from "./quick-flush.js";
import { removeTree } from "./remove-directory.js";

/** Bytes of a whole file written in one turn of the event loop. */
const WRITE_PORTION_BYTES = 1024 * 1024;

/** Decides which flushes run on the thread that asks for them. */
type FlushDecision = Pick<QuickFlushes, "allow" | "run">;

/** An append file over one descriptor: a sink writes to it, positioned reads read from it. */
export class RealAppendFile implements AppendFile {
  readonly path: string;
  readonly #fd: number;
  readonly #sink: AppendSink;
  #size: number;
  #written: Uint8Array[] = [];
  readonly #quick: FlushDecision;
  #closed = false;
  #flushes = 0;
  /**
   * Writes since the last flush. Infinite before the first one, because an earlier process may have left unflushed
   * writes.
   */
  #unflushed = { writes: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY };

  /** `fd` is open for append and reading. */
  constructor(path: string, fd: number, quick: FlushDecision) {
    this.path = path;
    this.#quick = quick;
    this.#fd = fd;
    this.#sink = new AppendSink(fd);
    this.#size = fstatSync(this.#fd).size;
  }

  get size(): number {
    return this.#size;
  }

  write(bytes: Uint8Array): void {
    this.#written.push(bytes);
  }

  push(): void | Promise<void> {
    if (this.#written.length === 0) return;
    const written = this.#written;
    this.#written = [];
    const outcome = this.#sink.write(written);
    if (outcome === undefined) this.#pushed(written);
    else return outcome.then(() => this.#pushed(written));
  }

  #pushed(written: readonly Uint8Array[]): void {
    let bytes = 0;
    for (const piece of written) bytes += piece.length;
    this.#size += bytes;
    this.#unflushed.writes += written.length;
    this.#unflushed.bytes += bytes;
  }

  async sync(): Promise<void> {
    const inPlace = this.#quick.allow(this, this.#unflushed);
    this.#unflushed = { writes: 0, bytes: 0 };
    if (inPlace) this.#quick.run(() => fdatasyncSync(this.#fd));
    else await this.#syncInBackground();
  }

  #syncInBackground(): Promise<void> {
    this.#flushes++;
    return new Promise((resolve, reject) => {
      fdatasync(this.#fd, (error) => {
        this.#flushes--;
        if (this.#closed && this.#flushes === 0) closeSync(this.#fd);
        if (error) reject(error);
        else resolve();
      });
    });
  }

  truncate(size: number): void {
    this.#written = [];
    // An open sink could write after the new end.
    this.#sink.end();
    ftruncateSync(this.#fd, size);
    this.#size = size;
  }

  read(into: Uint8Array, position: number): number {
    // The number of a closed descriptor may belong to another file by now.
    if (this.#closed) throw new RustLogError("STORAGE_ERROR", `${this.path} is closed`);
    return readSync(this.#fd, into, 0, into.length, position);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#sink.end();
    // A background flush would fail, or flush the next file that gets the same descriptor number.
    if (this.#flushes === 0) closeSync(this.#fd);
  }
}

/** The file system of this machine. */
export class RealDisk implements Disk {
  readonly #quick: FlushDecision;

  /** `quick` decides which flushes of append files run on the thread that asks for them. */
  constructor(quick: FlushDecision = new QuickFlushes()) {
    this.#quick = quick;
  }

  openAppend(path: string): AppendFile {
    return new RealAppendFile(path, openRegular(path, OPEN.append), this.#quick);
  }

  createAppend(path: string): AppendFile {
    return new RealAppendFile(path, openRegular(path, OPEN.create), this.#quick);
  }

  map(path: string): Uint8Array {
    const found = statSync(path);
    requireRegular(path, found);
    return mapFile(path, found);
  }

  readAt(path: string, into: Uint8Array, position: number): number {
    const fd = openRegular(path, OPEN.read);
    try {
      return readSync(fd, into, 0, into.length, position);
    } finally {
      closeSync(fd);
    }
  }

  readFile(path: string): Uint8Array | undefined {
    try {
      return orUndefinedIfMissing(() => readRegular(path));
    } catch (error) {
      if (systemErrorCode(error) === "EISDIR") return undefined;
      throw error;
    }
  }

  async writeFile(path: string, bytes: Uint8Array, options?: WriteOptions): Promise<void> {
    const fd = openRegular(path, OPEN.replace);
    try {
      // Before there is anything to read.
      if (options?.isPrivate === true) fchmodSync(fd, 0o600);
      for (let done = 0; done < bytes.length; done += WRITE_PORTION_BYTES) {
        if (done > 0) await nextTurn();
        const portion = bytes.subarray(done, done + WRITE_PORTION_BYTES);
        writeFully(fd, portion, portion.length);
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
    const found = orUndefinedIfMissing(() => statSync(path));
    if (found === undefined || found.isDirectory()) return undefined;
    requireRegular(path, found);
    return found.size;
  }

  modifiedMs(path: string): number | undefined {
    return orUndefinedIfMissing(() => statSync(path))?.mtimeMs;
  }

  makeDirectory(path: string): void {
    mkdirSync(path, { recursive: true });
  }

  rename(from: string, to: string): void {
    releasing(to, () => renameSync(from, to));
  }

  remove(path: string): void {
    releasing(path, () => orUndefinedIfMissing(() => unlinkSync(path)));
  }

  removeDirectory(path: string, isStopped = () => false): Promise<void> {
    return removeTree(path, isStopped);
  }

  async syncDirectory(path: string): Promise<void> {
    let fd: number;
    try {
      fd = openSync(path, "r");
    } catch (error) {
      // A parent directory that we may traverse but not open is not ours to flush.
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

  bootId(): string | undefined {
    try {
      return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    } catch {
      return undefined; // Not Linux, or hidden from this process.
    }
  }

  lock(path: string): DirectoryLock {
    const fd = openRegular(path, OPEN.append);
    takeLock(fd, LOCK_EXCLUSIVE, path);
    notePid(fd);
    // The kernel releases the lock when the descriptor is closed, also when the process is killed.
    return { release: () => closeSync(fd) };
  }

  lockToRead(path: string): DirectoryLock {
    let fd: number;
    try {
      fd = openRegular(path, OPEN.read);
    } catch (error) {
      const code = systemErrorCode(error);
      if (code !== "ENOENT" && code !== "EACCES") throw error;
      return { release: () => {} };
    }
    takeLock(fd, LOCK_SHARED, path);
    return { release: () => closeSync(fd) };
  }
}

function takeLock(fd: number, kind: number, path: string): void {
  if (tryLock(fd, kind)) return;
  const holder = readFileSync(path, "utf8").trim();
  closeSync(fd);
  throw new RustLogError(
    "DATA_DIRECTORY_UNUSABLE",
    `${path} is held by ${holder === "" ? "another process" : `process ${holder}`}: ` +
      "one broker per data directory; stop that one, or choose another --data-dir",
  );
}

/** Writes the holder's process id into the lock file. Ignores a full disk: the lock is held anyway. */
function notePid(fd: number): void {
  try {
    ftruncateSync(fd, 0);
    writeSync(fd, `${process.pid}\n`);
  } catch (error) {
    if (!isDiskFull(error)) throw error;
  }
}

/** Writes the first `length` bytes, in several writes if the kernel takes only a part. */
function writeFully(fd: number, bytes: Uint8Array, length: number): void {
  for (let done = 0; done < length;) done += writeSync(fd, bytes, done, length - done);
}

function orUndefinedIfMissing<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    const code = systemErrorCode(error);
    // ENOTDIR: a parent in the path is a file.
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
}

const LOCK_SHARED = 1;
const LOCK_EXCLUSIVE = 2;
const LOCK_NON_BLOCKING = 4;

/** `flock(2)`, which neither Bun nor node:fs provides. */
function tryLock(fd: number, kind: number): boolean {
  const library = process.platform === "darwin" ? "libSystem.B.dylib" : "libc.so.6";
  const libc = dlopen(library, {
    flock: { args: [FFIType.i32, FFIType.i32], returns: FFIType.i32 },
  });
  try {
    return libc.symbols.flock(fd, kind | LOCK_NON_BLOCKING) === 0;
  } finally {
    libc.close();
  }
}
