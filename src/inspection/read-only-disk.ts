// A disk that can read but not write, truncate or remove. It lets the storage code run a lookup on files that a broker
// owns. Leaves to others: the lookup.
import { type AppendFile, type DirectoryLock, type Disk, joinPath } from "../log/disk/disk.js";
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

/** The real file system, read-only. Renames and removals only change how it looks from here. */
export class ReadOnlyDisk implements Disk {
  readonly #disk: Disk = new RealDisk();
  /** Real paths by those under which the files appear here. */
  readonly #renamed = new Map<string, string>();
  readonly #removed = new Set<string>();

  openAppend(path: string): AppendFile {
    return new ReadOnlyFile(this.#real(path));
  }

  createAppend(path: string): AppendFile {
    throw readOnly(path);
  }

  map(path: string): Uint8Array {
    return this.#disk.map(this.#real(path));
  }

  readAt(path: string, into: Uint8Array, position: number): number {
    return this.#disk.readAt(this.#real(path), into, position);
  }

  readFile(path: string): Uint8Array | undefined {
    return this.#disk.readFile(this.#real(path));
  }

  /** Rejects: a lookup does not need to save anything. */
  async writeFile(path: string): Promise<void> {
    throw readOnly(path);
  }

  list(directory: string): string[] {
    const names = new Set(this.#disk.list(directory));
    const prefix = joinPath(directory, "");
    for (const path of this.#removed) {
      if (path.startsWith(prefix)) names.delete(path.slice(prefix.length));
    }
    for (const path of this.#renamed.keys()) {
      if (path.startsWith(prefix)) names.add(path.slice(prefix.length));
    }
    return [...names].sort();
  }

  fileSize(path: string): number | undefined {
    return this.#removed.has(path) ? undefined : this.#disk.fileSize(this.#real(path));
  }

  modifiedMs(path: string): number | undefined {
    return this.#disk.modifiedMs(path);
  }

  makeDirectory(): void {}

  rename(from: string, to: string): void {
    this.#renamed.set(to, this.#real(from));
    this.#removed.delete(to);
    this.remove(from);
  }

  remove(path: string): void {
    this.#renamed.delete(path);
    this.#removed.add(path);
  }

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

  #real(path: string): string {
    return this.#renamed.get(path) ?? path;
  }
}

function readOnly(path: string): Error {
  return new Error(`${path} is read-only`);
}
