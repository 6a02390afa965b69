// A disk that can read but not write, truncate or remove. It lets the storage code run a lookup on files that a broker
// owns. Leaves to others: the lookup.
import type { AppendFile, DirectoryLock, Disk } from "../log/disk/disk.js";
import { RealDisk } from "../log/disk/real-disk.js";
import { FileReader } from "./file-reader.js";

/** A file as of its opening. Truncating it only shortens this view. */
class ReadOnlyFile implements AppendFile {
  readonly path: string;
  readonly #reader: FileReader;
  #size: number;

  constructor(path: string) {
    this.path = path;
    this.#reader = new FileReader(path);
    this.#size = this.#reader.size;
  }

  get size(): number {
    return this.#size;
  }

  write(): never {
    throw readOnly(this.path);
  }

  push(): void {}

  async sync(): Promise<void> {}

  truncate(size: number): void {
    this.#size = Math.min(this.#size, size);
  }

  read(into: Uint8Array, position: number): number {
    const bytes = Math.max(0, Math.min(into.length, this.#size - position));
    return this.#reader.read(into.subarray(0, bytes), position);
  }

  close(): void {
    this.#reader[Symbol.dispose]();
  }
}

/** The real file system, read-only. */
export class ReadOnlyDisk implements Disk {
  readonly #disk: Disk = new RealDisk();

  openAppend(path: string): AppendFile {
    return new ReadOnlyFile(path);
  }

  createAppend(path: string): AppendFile {
    throw readOnly(path);
  }

  map(path: string): Uint8Array {
    return this.#disk.map(path);
  }

  readAt(path: string, into: Uint8Array, position: number): number {
    return this.#disk.readAt(path, into, position);
  }

  readFile(path: string): Uint8Array | undefined {
    return this.#disk.readFile(path);
  }

  /** Rejects: a lookup does not need to save anything. */
  async writeFile(path: string): Promise<void> {
    throw readOnly(path);
  }

  list(directory: string): string[] {
    return this.#disk.list(directory);
  }

  fileSize(path: string): number | undefined {
    return this.#disk.fileSize(path);
  }

  modifiedMs(path: string): number | undefined {
    return this.#disk.modifiedMs(path);
  }

  makeDirectory(): void {}

  rename(): void {}

  remove(): void {}

  async removeDirectory(): Promise<void> {}

  async syncDirectory(): Promise<void> {}

  bootId(): string | undefined {
    return this.#disk.bootId();
  }

  lock(): DirectoryLock {
    return { release: () => {} };
  }

  lockToRead(): DirectoryLock {
    return { release: () => {} };
  }
}

function readOnly(path: string): Error {
  return new Error(`${path} is read-only`);
}
