// A log file whose tail must be truncated but could not be copied, because the disk is full. The tail is hidden from
// readers and stays in place. The first write copies and truncates it, or fails.
// Leaves to others: copying the tail (cut-file.ts).
//
// So a broker can start on a full disk, serve its records, lose nothing, and accept records once there is space.
import type { AppendFile } from "../disk/disk.js";

/** An append file whose end is hidden until it is truncated. */
export class UncutFile implements AppendFile {
  readonly path: string;
  readonly #file: AppendFile;
  /** Length without the tail; undefined once the tail is truncated. */
  #hiddenFrom: number | undefined;
  readonly #keepTail: () => Promise<void>;
  #written: Uint8Array[] = [];

  /** `keepTail` makes the tail durable elsewhere; it throws the system's error if it can't. */
  constructor(file: AppendFile, size: number, keepTail: () => Promise<void>) {
    this.path = file.path;
    this.#file = file;
    this.#hiddenFrom = size;
    this.#keepTail = keepTail;
  }

  get size(): number {
    return this.#hiddenFrom ?? this.#file.size;
  }

  write(bytes: Uint8Array): void {
    if (this.#hiddenFrom === undefined) this.#file.write(bytes);
    else this.#written.push(bytes);
  }

  push(): void | Promise<void> {
    return this.#hiddenFrom === undefined ? this.#file.push() : this.#cutAndPush(this.#hiddenFrom);
  }

  sync(): Promise<void> {
    return this.#file.sync();
  }

  truncate(size: number): void {
    this.#written = [];
    // Bytes before the tail were in the file at the start, and are never rolled back.
    if (this.#hiddenFrom === undefined) this.#file.truncate(size);
  }

  read(into: Uint8Array, position: number): number {
    const left = this.size - position;
    return left <= 0 ? 0 : this.#file.read(into.subarray(0, Math.min(into.length, left)), position);
  }

  close(): void {
    this.#file.close();
  }

  async #cutAndPush(size: number): Promise<void> {
    await this.#keepTail();
    this.#file.truncate(size);
    this.#hiddenFrom = undefined;
    for (const bytes of this.#written) this.#file.write(bytes);
    this.#written = [];
    await this.#file.push();
  }
}
