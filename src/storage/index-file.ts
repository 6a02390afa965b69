// The file of one index of the active segment: entries are added as they come, and never flushed alone.
// Leaves to others: what the entries are. A lost or torn index file is rebuilt from the log.
import type { AppendFile, Disk } from "./disk.ts";

/** An index file that follows an index in memory. */
export class IndexFile {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #entryBytes: number;
  #file: AppendFile | undefined;
  #savedEntries: number;

  /** `savedEntries` is how many entries the file has already; 0 discards what it has. */
  constructor(disk: Disk, path: string, entryBytes: number, savedEntries: number) {
    this.#disk = disk;
    this.#path = path;
    this.#entryBytes = entryBytes;
    this.#savedEntries = savedEntries;
  }

  /** Number of entries that the file has. */
  get savedEntries(): number {
    return this.#savedEntries;
  }

  /**
   * Appends entries that the file does not have yet, creating it if need be. A failure (a full disk) is
   * no error: the file keeps what it had, and the next call tries again.
   */
  async append(entries: Uint8Array): Promise<void> {
    try {
      this.#file ??= this.#open();
      this.#file.write(entries);
      const pushed = this.#file.push();
      if (pushed !== undefined) await pushed;
      this.#savedEntries += entries.length / this.#entryBytes;
    } catch {
      this.#discardTail();
    }
  }

  /** Forgets the entries from number `entries` on: the batches they point at were taken back. */
  discardAfter(entries: number): void {
    if (this.#savedEntries <= entries) return;
    this.#savedEntries = entries;
    this.#discardTail();
  }

  /** Makes what was appended durable, as well as can be. */
  async sync(): Promise<void> {
    await this.#file?.sync();
  }

  /** Closes the file. */
  close(): void {
    this.#file?.close();
    this.#file = undefined;
  }

  #open(): AppendFile {
    const file = this.#disk.openAppend(this.#path);
    const size = this.#savedEntries * this.#entryBytes;
    if (file.size !== size) file.truncate(size);
    return file;
  }

  #discardTail(): void {
    try {
      this.#file?.truncate(this.#savedEntries * this.#entryBytes);
    } catch {
      this.close();
    }
  }
}
