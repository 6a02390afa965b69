// log-start.json, the stored log start offset: records below it are deleted, even while their segment still exists.
// Leaves to others: deleting the segments (retention.ts).
//
//   log-start.json   { "version": 1, "logStartOffset": N, "crc32c": … }
//
// Without the file, or if retention has deleted segments above that offset, the log starts with its first segment.
import { RustLogError } from "../errors.js";
import { type CheckedFormat, decodeCheckedFile, encodeCheckedFile } from "./disk/checked-file.js";
import { type Disk, joinPath, reasonOf, replaceFile } from "./disk/disk.js";
import type { SegmentContext } from "./log-context.js";

export const LOG_START_FILE = "log-start.json";

const FORMAT: CheckedFormat = { versionField: "version", version: 1, fields: ["logStartOffset"] };

/** The log start offset stored in a directory; 0 without a file. Throws STORAGE_ERROR if the file is unusable. */
export function readLogStart(disk: Disk, directory: string): number {
  const path = joinPath(directory, LOG_START_FILE);
  const bytes = disk.readFile(path);
  if (bytes === undefined) return 0;
  try {
    const { logStartOffset } = decodeCheckedFile(FORMAT, bytes).fields;
    if (typeof logStartOffset === "number" && Number.isSafeInteger(logStartOffset)) {
      if (logStartOffset >= 0) return logStartOffset;
    }
    throw new Error("its logStartOffset is not an offset");
  } catch (error) {
    throw new RustLogError(
      "STORAGE_ERROR",
      `${path} can't be used: ${reasonOf(error)}; correct it, or remove it to start with the first segment`,
      { cause: error },
    );
  }
}

export class LogStart {
  readonly #context: SegmentContext;
  #offset: number;
  #advancing: Promise<void> = Promise.resolve();

  constructor(context: SegmentContext) {
    this.#context = context;
    this.#offset = readLogStart(context.disk, context.directory);
  }

  get offset(): number {
    return this.#offset;
  }

  /** Raises the log start to `offset`. The change is durable before it becomes visible. Throws the system's error. */
  advance(offset: number): Promise<void> {
    const advanced = this.#advancing.then(() => this.#advance(offset));
    this.#advancing = advanced.catch(() => {});
    return advanced;
  }

  async #advance(offset: number): Promise<void> {
    if (offset <= this.#offset) return;
    const { disk, directory } = this.#context;
    const bytes = encodeCheckedFile(FORMAT, { logStartOffset: offset });
    await replaceFile(disk, directory, LOG_START_FILE, bytes);
    this.#offset = offset;
  }
}
