// A file that is only read, by position: of a running broker too, so it is never mapped, locked or created.
// Leaves to others: what its bytes mean.
import { closeSync, fstatSync, readSync } from "node:fs";
import { OPEN, openRegular } from "../log/disk/regular-file.ts";

/** An open file. Its size is that of the moment it was opened: what is added later is not seen. */
export class FileReader implements Disposable {
  readonly path: string;
  /** Size in bytes. */
  readonly size: number;
  readonly #fd: number;

  /** Throws the system's error when the file can't be opened, STORAGE_ERROR if it is no regular file. */
  constructor(path: string) {
    this.path = path;
    this.#fd = openRegular(path, OPEN.read);
    this.size = fstatSync(this.#fd).size;
  }

  /**
   * Fills `into` from `position`, as far as the file goes; returns how many bytes there were. Throws the
   * system's error, such as EIO for a bad sector.
   */
  read(into: Uint8Array, position: number): number {
    const wanted = Math.min(into.length, this.size - position);
    let filled = 0;
    while (filled < wanted) {
      const count = readSync(this.#fd, into, filled, wanted - filled, position + filled);
      if (count === 0) break;
      filled += count;
    }
    return filled;
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}
