// The directories of deleted topics, which are removed in the background, one after the other.
// Leaves to others: renaming them out of the way first (topic-registry.ts).
import { type Disk, joinPath, reasonOf } from "../log/disk/disk.ts";

/** What begins the name of a directory that is to be removed; `+` can't be in a topic's name. */
export const DELETING = "+d-";

/** Removes directories. What cannot be removed is reported once, and stays until the next start tries again. */
export class Removals {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #report: (line: string) => void;
  /** Names that are taken. */
  readonly #names = new Set<string>();
  #running: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(disk: Disk, directory: string, report: (line: string) => void) {
    this.#disk = disk;
    this.#directory = directory;
    this.#report = report;
  }

  /** A path for a directory that is to be removed; none has it yet. */
  newPath(): string {
    for (let i = 0; ; i++) {
      const name = `${DELETING}${i}`;
      if (this.#names.has(name)) continue;
      this.#names.add(name);
      return joinPath(this.#directory, name);
    }
  }

  /** Gives a path back that was not used. */
  giveBack(path: string): void {
    this.#names.delete(nameOf(path));
  }

  /** Removes a directory once those before it are removed. */
  add(path: string): void {
    this.#names.add(nameOf(path));
    this.#running = this.#running.then(() => this.#remove(path));
  }

  /** Ends the removal. What is left is removed after the next start. */
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
