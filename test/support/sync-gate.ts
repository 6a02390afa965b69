// Holds back the flushes of a disk's log files, so that a test decides when each one ends.
// Leaves to others: everything else about the disk.
import type { AppendFile, Disk } from "../../src/log/disk/disk.js";

/** The flushes of `.log` files on one disk. Initially open: flushes pass. */
export class SyncGate {
  /** Number of flushes begun so far. */
  begun = 0;
  #open = true;
  #held: (() => void)[] = [];
  readonly #gated = new WeakSet<AppendFile>();

  constructor(disk: Disk) {
    const gated = (file: AppendFile): AppendFile => {
      // A disk may create a new file by opening it.
      if (!file.path.endsWith(".log") || this.#gated.has(file)) return file;
      this.#gated.add(file);
      const sync = file.sync.bind(file);
      file.sync = async () => {
        this.begun++;
        if (!this.#open) await new Promise<void>((resolve) => this.#held.push(resolve));
        await sync();
      };
      return file;
    };
    const openAppend = disk.openAppend.bind(disk);
    const createAppend = disk.createAppend.bind(disk);
    disk.openAppend = (path) => gated(openAppend(path));
    disk.createAppend = (path) => gated(createAppend(path));
  }

  /** Number of flushes that are held back. */
  get held(): number {
    return this.#held.length;
  }

  /** Holds back new flushes. */
  close(): void {
    this.#open = false;
  }

  /** Releases the flush that has waited longest. */
  releaseOne(): void {
    this.#held.shift()?.();
  }

  /** Releases all flushes, and lets new ones pass. */
  open(): void {
    this.#open = true;
    for (const release of this.#held.splice(0)) release();
  }
}
