// The files of one sealed segment: a log and two indexes, which are only read, replaced as a whole, or unlinked.
// Leaves to others: their contents (log-bytes.ts, sealed-indexes.ts).
import { RustLogError } from "../../errors.js";
import { NO_BYTES } from "../../record/bytes.js";
import {
  type Disk,
  isUnusable,
  joinPath,
  reasonOf,
  removeQuietly,
  systemErrorCode,
} from "../disk/disk.js";
import type { SegmentContext } from "../log-context.js";
import { FileLog, type LogBytes, MappedLog } from "./log-bytes.js";
import { segmentFileName } from "./segment-files.js";

/** Smaller indexes are read into memory, because the number of mappings per process is limited. */
const INDEX_MAPPED_BYTES_MIN = 64 * 1024;

type Kind = "log" | "index" | "timeindex";

export class SealedFiles {
  readonly #context: SegmentContext;
  readonly #disk: Disk;
  readonly #baseOffset: number;
  #closed = false;

  constructor(context: SegmentContext, baseOffset: number) {
    this.#context = context;
    this.#disk = context.disk;
    this.#baseOffset = baseOffset;
  }

  /** Length of a file in bytes; undefined if it is missing, or if it is unusable, which is reported. */
  size(kind: Kind): number | undefined {
    try {
      return this.#disk.fileSize(this.#path(kind));
    } catch (error) {
      if (!isUnusable(error)) throw error;
      this.#context.report(reasonOf(error));
      return undefined;
    }
  }

  /** When the log was last written, in milliseconds since the epoch; undefined if it is missing. */
  get modifiedMs(): number | undefined {
    return this.#disk.modifiedMs(this.#path("log"));
  }

  /** Opens the log, which is `bytes` long: mapped, or read by position if the system refuses the mapping. */
  openLog(bytes: number): LogBytes {
    // The system can't map an empty file.
    if (bytes === 0) return new MappedLog(NO_BYTES);
    const path = this.#openPath("log");
    try {
      return new MappedLog(this.#disk.map(path));
    } catch (error) {
      if (systemErrorCode(error) === "ENOENT") throw unreadable(path, error);
      const read = (into: Uint8Array, at: number): number => this.#readAt("log", into, at);
      return new FileLog(path, { size: bytes, read });
    }
  }

  /**
   * Opens an index; maps it only if it is large. Undefined if it is missing, or unreadable, which is reported. Throws
   * STORAGE_ERROR if it disappears meanwhile.
   */
  readIndex(kind: "index" | "timeindex"): Uint8Array | undefined {
    const bytes = this.size(kind);
    if (bytes === undefined) return undefined;
    if (bytes === 0) return NO_BYTES;
    const path = this.#openPath(kind);
    try {
      if (bytes >= INDEX_MAPPED_BYTES_MIN) return this.#disk.map(path);
    } catch {
      // The system refused the mapping, or the file is gone.
    }
    try {
      const content = this.#disk.readFile(path);
      if (content !== undefined) return content;
    } catch (error) {
      if (!isUnusable(error)) throw unreadable(path, error);
      this.#context.report(reasonOf(error));
      return undefined;
    }
    throw unreadable(path, new Error("it is missing"));
  }

  #readAt(kind: Kind, into: Uint8Array, position: number): number {
    const path = this.#openPath(kind);
    try {
      return this.#disk.readAt(path, into, position);
    } catch (error) {
      throw unreadable(path, error);
    }
  }

  #openPath(kind: Kind): string {
    const path = this.#path(kind);
    if (this.#closed) throw new RustLogError("STORAGE_ERROR", `${path} is gone`);
    return path;
  }

  /** Replaces an index in the background. If that fails, the next start rebuilds it again on first use. */
  save(kind: "index" | "timeindex", entries: Uint8Array): void {
    // Write a new file and rename it: the old one may be mapped, and a mapped file must never be truncated.
    const path = this.#path(kind);
    const temporary = `${path}.tmp`;
    this.#disk
      .writeFile(temporary, entries)
      .then(() => {
        if (this.#closed || this.size("log") === undefined) this.#disk.remove(temporary);
        else this.#disk.rename(temporary, path);
      })
      .catch((error: unknown) => {
        removeQuietly(this.#disk, temporary);
        this.#context.report(`${path}: could not be saved: ${reasonOf(error)}`);
      });
  }

  /** Prevents further opens and replacements. */
  close(): void {
    this.#closed = true;
  }

  /** Unlinks the files, the log last, so that no index is left without its log. Throws the system's error. */
  remove(): void {
    this.#disk.remove(this.#path("timeindex"));
    this.#disk.remove(this.#path("index"));
    this.#disk.remove(this.#path("log"));
  }

  #path(kind: Kind): string {
    return joinPath(this.#context.directory, segmentFileName(this.#baseOffset, kind));
  }
}

function unreadable(path: string, error: unknown): RustLogError {
  const message = `${path} can't be read: ${reasonOf(error)}`;
  return new RustLogError("STORAGE_ERROR", message, { cause: error });
}
