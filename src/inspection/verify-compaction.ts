// Checks what compaction has left in the directory of a partition: its note, new files, and the segments it wrote.
// Leaves to others: the content of the segments (verify-segment.ts).
import { joinPath, reasonOf } from "../log/disk/disk.js";
import {
  COMPACTION_FILE,
  type CompactionNote,
  NOT_COMPACTED,
  readCompactionNote,
} from "../log/compaction/compaction-note.js";
import {
  type PendingReplacements,
  pendingReplacements,
  settleCompaction,
} from "../log/compaction/segment-swap.js";
import { isCleanedFileName, segmentFileName } from "../log/segment/segment-files.js";
import { removeFile } from "./repair.js";
import type { Verification } from "./verification.js";

interface PartitionPlace {
  readonly topic: string;
  readonly partition: number;
  /** Relative to the data directory. */
  readonly directory: string;
}

export class CompactionCheck {
  readonly #run: Verification;
  readonly #place: PartitionPlace;
  #note: CompactionNote | undefined;
  #pending: PendingReplacements = { unplaced: new Map(), replaced: new Set() };

  constructor(run: Verification, place: PartitionPlace) {
    this.#run = run;
    this.#place = place;
  }

  /** Below it, gaps are normal; undefined if nothing is known of a compaction. */
  get firstDirtyOffset(): number | undefined {
    return this.#note?.firstDirtyOffset;
  }

  /** Checks the note and the new files, and finishes a compaction if that is allowed. To be called first. */
  async begin(): Promise<void> {
    const { disk } = this.#run;
    const path = this.#run.path(this.#place.directory);
    const names = this.#run.list(this.#place.directory);
    const cleaned = names.filter(isCleanedFileName);
    try {
      this.#note = readCompactionNote(disk, path);
    } catch (error) {
      const kept = cleaned.length > 0 ? "" : "; the log counts as not compacted";
      this.#run.damage(this.#where(COMPACTION_FILE), `${reasonOf(error)}${kept}`);
      return;
    }
    const note = this.#note ?? NOT_COMPACTED;
    if (note.replacements.length > 0) await this.#finish(note, cleaned);
    for (const name of this.#run.list(this.#place.directory).filter(isCleanedFileName)) {
      if ([...this.#pending.unplaced.values()].includes(name)) continue;
      const reason = "left over from a compaction that was not finished; the next start removes it";
      this.#run.note(this.#where(name), reason, removeFile(disk, path, name));
    }
  }

  /** The base offsets of the segments, given those of the `.log` files. */
  segments(logs: readonly number[]): number[] {
    const { unplaced, replaced } = this.#pending;
    const bases = new Set(logs.filter((base) => !replaced.has(base)));
    for (const { base } of this.#note?.replacements ?? []) {
      if (unplaced.has(segmentFileName(base, "log"))) bases.add(base);
    }
    return [...bases].sort((a, b) => a - b);
  }

  /** Whether the files of a segment are there only until a compaction is finished. */
  isReplaced(base: number): boolean {
    return this.#pending.replaced.has(base);
  }

  /** The name of the file that has the content of the one with this name. */
  nameOf(name: string): string {
    return this.#pending.unplaced.get(name) ?? name;
  }

  /** Finds compacted segments that are missing, or have another length: otherwise they would look like gaps. */
  checkLosses(bases: readonly number[]): void {
    const here = new Set(bases);
    for (const { base, bytes: noted } of this.#note?.compacted ?? []) {
      // Retention deletes the oldest segments.
      if (base < (bases[0] ?? 0)) continue;
      const name = this.nameOf(segmentFileName(base, "log"));
      const where = this.#where(name);
      const bytes = here.has(base) ? this.#run.size(where.file) : 0;
      if (bytes === noted) continue;
      const fault = here.has(base) ? `it has ${bytes} bytes` : "it is missing";
      this.#run.damage(
        { ...where, offset: base },
        `${fault}, but had ${noted} bytes when it was compacted`,
      );
    }
  }

  async #finish(note: CompactionNote, cleaned: readonly string[]): Promise<void> {
    const { disk, isRepairing } = this.#run;
    const { topic, partition, directory } = this.#place;
    const path = this.#run.path(directory);
    const count = note.replacements.length;
    const reason = `${count} compacted ${count === 1 ? "segment is" : "segments are"} not in place yet; the next start does that`;
    const name = `${topic}-${partition}`;
    this.#run.note(this.#where(COMPACTION_FILE), reason, {
      description: "put them in place",
      run: async () => {
        const context = { disk, directory: path, name, report: () => {} };
        this.#note = (await settleCompaction(context, cleaned)).note;
        return "put in place";
      },
    });
    await this.#run.settle();
    const rest = isRepairing ? (this.#note ?? note) : note;
    this.#pending = pendingReplacements(disk, path, rest);
  }

  #where(name: string): { file: string; topic: string; partition: number } {
    const { topic, partition, directory } = this.#place;
    return { file: joinPath(directory, name), topic, partition };
  }
}
