// The file of one index of the active segment: it follows the index in memory, and is never flushed alone.
// Leaves to others: what the entries are. A lost or torn index file is rebuilt from the log.
import type { AppendFile, Disk } from "../disk/disk.ts";

/** What both indexes have in common: entries of a fixed size, as they stand in the file. */
export interface IndexEntries {
  readonly count: number;
  /** The entries from number `first` up to number `end`, or to the last: a view. */
  bytesFrom(first: number, end?: number): Uint8Array;
}

/** An index file that follows an index in memory. */
export class IndexFile {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #entryBytes: number;
  readonly #index: IndexEntries;
  #savedEntries: number;
  #closed = false;
  /** Saves go one after the other: two at once would write the same entries. */
  #saving: Promise<void> = Promise.resolve();

  /** `savedEntries` is how many entries the file has already; 0 discards what it has. */
  constructor(
    disk: Disk,
    path: string,
    entryBytes: number,
    index: IndexEntries,
    savedEntries: number,
  ) {
    this.#disk = disk;
    this.#path = path;
    this.#entryBytes = entryBytes;
    this.#index = index;
    this.#savedEntries = savedEntries;
  }

  /** Whether the file has all entries of the index. */
  get complete(): boolean {
    return this.#savedEntries === this.#index.count;
  }

  /**
   * Appends the entries that the file does not have yet, of the first `entries`, creating it if need be. A failure (a full disk) is
   * no error: the file keeps what it had, and the next call tries again.
   */
  save(entries = this.#index.count): Promise<void> {
    this.#saving = this.#saving.then(() => this.#save(entries));
    return this.#saving;
  }

  /** Forgets the entries that the index does not have any more: their batches were taken back. */
  rewind(): void {
    if (this.#savedEntries <= this.#index.count) return;
    // The next save truncates the file.
    this.#savedEntries = this.#index.count;
  }

  /** Makes what was appended durable, as well as can be. */
  async sync(): Promise<void> {
    let file: AppendFile;
    try {
      file = this.#open();
    } catch {
      return; // It is not complete then, or the next start finds out.
    }
    try {
      await file.sync();
    } finally {
      file.close();
    }
  }

  /** Lets no save begin any more. */
  close(): void {
    this.#closed = true;
  }

  async #save(entries: number): Promise<void> {
    if (this.#closed) return;
    let file: AppendFile | undefined;
    try {
      file = this.#open();
      // Batches may have been taken back since it was called.
      const count = Math.max(this.#savedEntries, Math.min(entries, this.#index.count));
      file.write(this.#index.bytesFrom(this.#savedEntries, count));
      const pushed = file.push();
      if (pushed !== undefined) await pushed;
      this.#savedEntries = count;
      this.rewind();
    } catch {
      // What it has beyond the saved entries, the next save truncates.
    } finally {
      file?.close();
    }
  }

  /** The file, without what is not saved. It is open for a moment only: a partition may not take a descriptor for it. */
  #open(): AppendFile {
    const file = this.#disk.openAppend(this.#path);
    try {
      const size = this.#savedEntries * this.#entryBytes;
      if (file.size !== size) file.truncate(size);
      return file;
    } catch (error) {
      file.close();
      throw error;
    }
  }
}
