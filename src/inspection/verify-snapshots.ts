// Checks the producer snapshots of a partition: they decode and agree with the batches of the log.
// Leaves to others: their layout (log/producer-snapshot.ts), and the walk over the log (verify-segment.ts).
import { joinPath, reasonOf } from "../log/disk/disk.js";
import { decodeProducerSnapshot, encodeProducerSnapshot } from "../log/producer-snapshot.js";
import type { ProducerState, ProducerStates } from "../log/producer-states.js";
import { segmentFileName } from "../log/segment/segment-files.js";
import type { Place } from "./finding.js";
import { rebuildFile, removeFile } from "./repair.js";
import type { Verification } from "./verification.js";
import { PRODUCERS_MAX } from "../limits.js";

interface OffsetRange {
  /** Base offset of the first segment. */
  readonly logStart: number;
  /** Below it, compaction has removed batches that no producer needs. */
  readonly firstDirtyOffset: number;
}

interface SnapshotPlace {
  readonly topic: string;
  readonly partition: number;
  /** Relative to the data directory. */
  readonly directory: string;
}

export class SnapshotCheck {
  readonly #run: Verification;
  readonly #place: SnapshotPlace;
  readonly #range: OffsetRange;
  /** Offsets of snapshots that the walk has not reached yet. */
  readonly #left: Set<number>;

  /** `offsets` are those in the names of the files. */
  constructor(
    run: Verification,
    place: SnapshotPlace,
    range: OffsetRange,
    offsets: readonly number[],
  ) {
    this.#run = run;
    this.#place = place;
    this.#range = range;
    this.#left = new Set(offsets);
  }

  /** Checks the snapshot at an offset, if there is one, against the producers as of that offset. */
  reached(offset: number, producers: ProducerStates, isDamaged: boolean): void {
    if (!this.#left.delete(offset)) return;
    const decoded = this.#decode(offset);
    const found = typeof decoded === "string" ? decoded : undefined;
    const fault =
      found ??
      (isDamaged ? undefined : difference(decoded as ProducerStates, producers, this.#range));
    if (fault === undefined) return;
    // Encode now: the producers change as the walk continues.
    const content = encodeProducerSnapshot(producers);
    const { disk } = this.#run;
    const directory = this.#run.path(this.#place.directory);
    const repair = rebuildFile(disk, directory, segmentFileName(offset, "snapshot"), () => content);
    this.#run.damage(this.#where(offset), fault, repair);
  }

  /** Reports the snapshots that the walk never reached. `isUncertain`: the walk may have ended too early. */
  finish(endOffset: number, isUncertain: boolean): void {
    for (const offset of this.#left) {
      const decoded = this.#decode(offset);
      const name = segmentFileName(offset, "snapshot");
      const remove = removeFile(this.#run.disk, this.#run.path(this.#place.directory), name);
      if (typeof decoded === "string") this.#run.damage(this.#where(offset), decoded, remove);
      else if (offset >= this.#range.logStart && !isUncertain) {
        const where = offset > endOffset ? `beyond the end of the log, ${endOffset}` : "in a batch";
        this.#run.damage(this.#where(offset), `its offset is ${where}`, remove);
      }
    }
  }

  #where(offset: number): Place {
    const { topic, partition, directory } = this.#place;
    const file = joinPath(directory, segmentFileName(offset, "snapshot"));
    return { file, topic, partition, offset };
  }

  /** Decodes a snapshot, or returns why that failed. */
  #decode(offset: number): ProducerStates | string {
    let bytes: Uint8Array | undefined;
    try {
      bytes = this.#run.disk.readFile(this.#run.path(this.#where(offset).file));
    } catch (error) {
      return reasonOf(error);
    }
    if (bytes === undefined) return "it can't be read: it was removed";
    const states = decodeProducerSnapshot(bytes);
    return states ?? `its ${bytes.length} bytes do not match their CRC-32C, or are not a snapshot`;
  }
}

/** The first difference between a snapshot and the batches of the log. */
function difference(
  snapshot: ProducerStates,
  walked: ProducerStates,
  { logStart, firstDirtyOffset }: OffsetRange,
): string | undefined {
  // Evictions depend on batches that may be deleted by now.
  if (snapshot.size >= PRODUCERS_MAX || walked.size >= PRODUCERS_MAX) return undefined;
  const stated = new Map(snapshot.entries());
  for (const [id, state] of walked.entries()) {
    const other = stated.get(id);
    stated.delete(id);
    if (other === undefined) return `producer ${id} is missing, although the log has its batches`;
    if (summary(other) !== summary(state) && !isPredecessor(state, other, firstDirtyOffset)) {
      return `it has ${summary(other)} for producer ${id}, but the log has ${summary(state)}`;
    }
  }
  for (const [id, { batches }] of stated) {
    if ((batches.at(-1)?.baseOffset ?? 0) < Math.max(logStart, firstDirtyOffset)) continue;
    return `it has producer ${id}, but the log has no batch of it`;
  }
  return undefined;
}

/**
 * Whether a snapshot has a later batch of a producer than the log, or the same, and compaction has come past it: the
 * producer had gone on when that removed it, or some of its records.
 */
function isPredecessor(
  walked: ProducerState,
  stated: ProducerState,
  firstDirtyOffset: number,
): boolean {
  const [found, noted] = [walked.batches.at(-1)?.baseOffset, stated.batches.at(-1)?.baseOffset];
  return (noted ?? 0) < firstDirtyOffset && (found ?? 0) <= (noted ?? 0);
}

function summary({ epoch, batches }: ProducerState): string {
  const last = batches.at(-1);
  if (last === undefined) return `epoch ${epoch}`;
  const { baseOffset, baseSequence, recordCount, timestamp } = last;
  return `epoch ${epoch}, sequence ${baseSequence} (${recordCount} records) at offset ${baseOffset}, timestamp ${timestamp}`;
}
