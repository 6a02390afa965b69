// The file of one index of the active segment. It follows the index in memory.
// Leaves to others: the entries. A lost or torn index file is rebuilt from the log.
import type { AppendFile, Disk } from "../disk/disk.js";

/** Fixed-size entries in file format, which both indexes provide. */
export interface IndexEntries {
  readonly entryBytes: number;
  readonly count: number;
  /** View of the entries from `first` up to but not including `end`, or to the last. */
  bytesFrom(first: number, end?: number): Uint8Array;
}

interface IndexFileOptions {
  readonly disk: Disk;
  readonly path: string;
  readonly index: IndexEntries;
  /** Number of entries already in the file; 0 discards its content. */
  readonly savedEntries: number;
}

export class IndexFile {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #index: IndexEntries;
  #savedEntries: number;
  #closed = false;
  /** Saves run one at a time: two at once would write the same entries. */
  #saving: Promise<void> = Promise.resolve();

  constructor({ disk, path, index, savedEntries }: IndexFileOptions) {
    this.#disk = disk;
    this.#path = path;
    this.#index = index;
    this.#savedEntries = savedEntries;
  }

  get complete(): boolean {
    return this.unsavedEntries === 0;
  }

  get unsavedEntries(): number {
    return this.#index.count - this.#savedEntries;
  }

  /**
   * Appends those of the first `entries` entries that are not yet in the file, creating it if needed. A failure such as
   * a full disk is ignored: the file keeps its content, and the next call retries.
   */
  save(entries = this.#index.count): Promise<void> {
    this.#saving = this.#saving.then(() => this.#save(entries));
    return this.#saving;
  }

  /** Forgets saved entries whose batches were rolled back. */
  rewind(): void {
    if (this.#savedEntries <= this.#index.count) return;
    // The next save truncates the file.
    this.#savedEntries = this.#index.count;
  }

  /** Makes the saved entries durable, on a best-effort basis. */
  async sync(): Promise<void> {
    let file: AppendFile;
    try {
      file = this.#open();
    } catch {
      return; // Either `complete` is false, or the next start detects it.
    }
    try {
      await file.sync();
    } finally {
      file.close();
    }
  }

  /** Prevents further saves. */
  close(): void {
    this.#closed = true;
  }

  async #save(entries: number): Promise<void> {
    if (this.#closed) return;
    let file: AppendFile | undefined;
    try {
      file = this.#open();
      // Batches may have been rolled back since the call.
      const count = Math.max(this.#savedEntries, Math.min(entries, this.#index.count));
      file.write(this.#index.bytesFrom(this.#savedEntries, count));
      const pushed = file.push();
      if (pushed !== undefined) await pushed;
      this.#savedEntries = count;
      this.rewind();
    } catch {
      // The next save truncates anything after the saved entries.
    } finally {
      file?.close();
    }
  }

  /**
   * Opens the file, truncated to the saved entries. It is closed again after each save, so that it keeps no descriptor.
   */
  #open(): AppendFile {
    const file = this.#disk.openAppend(this.#path);
    try {
      const size = this.#savedEntries * this.#index.entryBytes;
      if (file.size !== size) file.truncate(size);
      return file;
    } catch (error) {
      file.close();
      throw error;
    }
  }
}
