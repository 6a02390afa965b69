// Reads a file by position. The broker may be running, so the file is never mapped, locked or created.
import { closeSync, fstatSync, readSync } from "node:fs";
import { OPEN, openRegular } from "../log/disk/regular-file.js";

/** An open file. The size is fixed on opening; bytes appended later are not seen. */
export class FileReader implements Disposable {
  readonly path: string;
  readonly size: number;
  readonly #fd: number;

  /** Throws the system's error if the file can't be opened, or STORAGE_ERROR if it is not a regular file. */
  constructor(path: string) {
    this.path = path;
    this.#fd = openRegular(path, OPEN.read);
    this.size = fstatSync(this.#fd).size;
  }

  /**
   * Fills `into` from `position` as far as the file goes and returns the number of bytes. Throws the system's error,
   * such as EIO for a bad sector.
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

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}
