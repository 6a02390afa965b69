// Removes the directories of deleted topics in the background, one at a time.
// Leaves to others: renaming them out of the way first (topic-registry.ts).
import { type Disk, joinPath, reasonOf } from "../log/disk/disk.js";

/** Name prefix of a directory to be removed. Topic names can't contain `+`. */
export const DELETING = "+d-";

/** Removes directories. A directory that can't be removed is reported once; the next start tries again. */
export class Removals {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #report: (line: string) => void;
  readonly #names = new Set<string>();
  /** Only grows: to search for the smallest free number would take long with thousands of directories. */
  #nextNumber = 0;
  #running: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(disk: Disk, directory: string, report: (line: string) => void) {
    this.#disk = disk;
    this.#directory = directory;
    this.#report = report;
  }

  /** Returns a free path for a directory to be removed. */
  newPath(): string {
    for (;;) {
      const name = `${DELETING}${this.#nextNumber++}`;
      if (this.#names.has(name)) continue; // left over from before the start
      this.#names.add(name);
      return joinPath(this.#directory, name);
    }
  }

  /** Releases an unused path. */
  giveBack(path: string): void {
    this.#names.delete(nameOf(path));
  }

  /** Removes a directory after the earlier ones. */
  add(path: string): void {
    this.#names.add(nameOf(path));
    this.#running = this.#running.then(() => this.#remove(path));
  }

  /** Stops. The next start removes what is left. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  async #remove(path: string): Promise<void> {
    if (this.#isStopped) return;
    try {
      await this.#disk.removeDirectory(path, () => this.#isStopped);
      this.giveBack(path);
    } catch (error) {
      this.#report(
        `${path}, which held a deleted topic, could not be removed: ${reasonOf(error)}; ` +
          "the next start tries again",
      );
    }
  }
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
