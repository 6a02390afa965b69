// Reads both index files of a segment for a check, and reports their faults.
// Leaves to others: the checks themselves (verify-index.ts).
import { BATCH_HEADER_BYTES } from "../record/batch.js";
import { type Disk, joinPath, reasonOf } from "../log/disk/disk.js";
import { OFFSET_ENTRY_BYTES } from "../log/index/offset-index.js";
import type { SegmentIndex } from "../log/index/segment-index.js";
import { TIME_ENTRY_BYTES } from "../log/index/time-index.js";
import type { Repair } from "./finding.js";
import { rebuildFile } from "./repair.js";
import type { Verification } from "./verification.js";
import {
  type IndexExtent,
  type IndexFault,
  OffsetIndexCheck,
  TimeIndexCheck,
} from "./verify-index.js";

const NOTHING = new Uint8Array(0);

export interface SegmentPlace {
  readonly topic: string;
  readonly partition: number;
  /** The partition's directory, relative to the data directory. */
  readonly directory: string;
  readonly baseOffset: number;
  /** The name of a file of the segment. */
  nameOf(kind: "log" | "index" | "timeindex"): string;
}

/** The readable part of an index file. */
interface IndexBytes {
  readonly bytes: Uint8Array;
  /** Whether the file exists. */
  readonly isThere: boolean;
  /** Why it was not read. */
  readonly fault: string | undefined;
}

/** Both indexes of one segment while its log is walked. */
export class SegmentIndexes {
  readonly #run: Verification;
  readonly #place: SegmentPlace;
  readonly #offsetFile: IndexBytes;
  readonly #timeFile: IndexBytes;
  /** The check of the offset index; give it every batch and every damaged range. */
  readonly offsets: OffsetIndexCheck;
  /** The same for the time index. */
  readonly times: TimeIndexCheck;

  constructor(run: Verification, place: SegmentPlace, logBytes: number) {
    this.#run = run;
    this.#place = place;
    const { baseOffset, nameOf } = place;
    const read = (kind: "index" | "timeindex", entryBytes: number): IndexBytes =>
      readIndexFile(
        run.disk,
        joinPath(run.path(place.directory), nameOf(kind)),
        entryBytes,
        logBytes,
      );
    this.#offsetFile = read("index", OFFSET_ENTRY_BYTES);
    this.#timeFile = read("timeindex", TIME_ENTRY_BYTES);
    this.offsets = new OffsetIndexCheck(this.#offsetFile.bytes, baseOffset);
    this.times = new TimeIndexCheck(this.#timeFile.bytes, baseOffset);
  }

  /** Reports the faults. `rebuilt` holds the correct indexes. */
  finish(rebuilt: SegmentIndex, extent: IndexExtent): void {
    this.#report("index", OFFSET_ENTRY_BYTES, this.#offsetFile, extent, rebuilt, () =>
      this.offsets.finish(rebuilt, extent),
    );
    this.#report("timeindex", TIME_ENTRY_BYTES, this.#timeFile, extent, rebuilt, () =>
      this.times.finish(rebuilt, extent),
    );
  }

  /** Rebuilds the files that exist. */
  async rebuild(rebuilt: SegmentIndex): Promise<void> {
    if (this.#offsetFile.isThere) await this.#repair("index", rebuilt).run();
    if (this.#timeFile.isThere) await this.#repair("timeindex", rebuilt).run();
  }

  #report(
    kind: "index" | "timeindex",
    entryBytes: number,
    read: IndexBytes,
    extent: IndexExtent,
    rebuilt: SegmentIndex,
    faultsOf: () => readonly IndexFault[],
  ): void {
    const { topic, partition, directory } = this.#place;
    const file = joinPath(directory, this.#place.nameOf(kind));
    if (!read.isThere && extent === "prefix") return;
    const single = read.isThere ? read.fault : "it is missing";
    const faults = single === undefined ? faultsOf() : [{ reason: single }];
    for (const { entry, reason } of faults) {
      const what = entry === undefined ? reason : `entry ${entry} ${reason}`;
      const position = entry === undefined ? {} : { position: entry * entryBytes };
      this.#run.damage({ file, topic, partition, ...position }, what, this.#repair(kind, rebuilt));
    }
  }

  #repair(kind: "index" | "timeindex", rebuilt: SegmentIndex): Repair {
    const { directory } = this.#place;
    const name = this.#place.nameOf(kind);
    return rebuildFile(this.#run.disk, this.#run.path(directory), name, () =>
      kind === "index" ? rebuilt.offsets.bytesFrom(0) : rebuilt.times.bytesFrom(0),
    );
  }
}

function readIndexFile(disk: Disk, path: string, entryBytes: number, logBytes: number): IndexBytes {
  try {
    const size = disk.fileSize(path);
    if (size === undefined) return { bytes: NOTHING, isThere: false, fault: undefined };
    // A larger index can't belong to this log: it would have more entries than batch headers fit into the log.
    if (size > (Math.floor(logBytes / BATCH_HEADER_BYTES) + 1) * entryBytes) {
      const fault = `its ${size} bytes are too many for a log of ${logBytes} bytes`;
      return { bytes: NOTHING, isThere: true, fault };
    }
    return { bytes: disk.readFile(path) ?? NOTHING, isThere: true, fault: undefined };
  } catch (error) {
    return { bytes: NOTHING, isThere: true, fault: `it can't be read: ${reasonOf(error)}` };
  }
}
