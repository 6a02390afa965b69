// Ids for producers that ask the broker for one, each given out once in the life of the data directory.
// Leaves to others: what a partition remembers of producers (log/producer-states.ts).
//
//   producer-ids.json   { "version": 1, "next": …, "crc32c": … }
//
// The file reserves a block of ids before the first of them is given out. A crash wastes the rest of the block.
import { RustLogError } from "../errors.js";
import { OFFSET_MAX } from "../limits.js";
import {
  type CheckedFormat,
  decodeCheckedFile,
  encodeCheckedFile,
} from "../log/disk/checked-file.js";
import { type Disk, isDiskFull, joinPath, reasonOf, replaceFile } from "../log/disk/disk.js";

export const PRODUCER_IDS = "producer-ids.json";

/** Native clients choose their own ids, below this one. */
export const FIRST_PRODUCER_ID = 2 ** 52;

/** Ids reserved by one write of the file. */
const BLOCK_IDS = 1_000;

const FORMAT: CheckedFormat = { versionField: "version", version: 1, fields: ["next"] };

export class ProducerIds {
  readonly #disk: Disk;
  readonly #directory: string;
  #next = 0;
  /** The end of the reserved ids. */
  #end = 0;
  #reserving: Promise<void> | undefined;

  constructor(disk: Disk, directory: string) {
    this.#disk = disk;
    this.#directory = directory;
  }

  /**
   * An id that no other producer has had. Rejects with DISK_FULL, or with STORAGE_ERROR if the file is damaged or can't
   * be written: an id given out twice would make batches look like repetitions of others.
   */
  async take(): Promise<number> {
    while (this.#next === this.#end) {
      this.#reserving ??= this.#reserve().finally(() => {
        this.#reserving = undefined;
      });
      await this.#reserving;
    }
    return this.#next++;
  }

  async #reserve(): Promise<void> {
    const path = joinPath(this.#directory, PRODUCER_IDS);
    try {
      const next = this.#end === 0 ? readNextProducerId(this.#disk, this.#directory) : this.#end;
      const end = next + BLOCK_IDS;
      const content = encodeCheckedFile(FORMAT, { next: end });
      await replaceFile(this.#disk, this.#directory, PRODUCER_IDS, content);
      this.#next = next;
      this.#end = end;
    } catch (error) {
      throw new RustLogError(
        isDiskFull(error) ? "DISK_FULL" : "STORAGE_ERROR",
        `no producer id can be given out: ${path}: ${reasonOf(error)}`,
        { cause: error },
      );
    }
  }
}

/** The first id that is not reserved. Throws an error that says why the file is unusable. */
export function readNextProducerId(disk: Disk, directory: string): number {
  const bytes = disk.readFile(joinPath(directory, PRODUCER_IDS));
  if (bytes === undefined) return FIRST_PRODUCER_ID;
  const { next } = decodeCheckedFile(FORMAT, bytes).fields;
  const isValid = Number.isSafeInteger(next) && Number(next) >= FIRST_PRODUCER_ID;
  if (!isValid || Number(next) > OFFSET_MAX - BLOCK_IDS) {
    throw new Error(`${JSON.stringify(next)} is not an id to continue with`);
  }
  return Number(next);
}
