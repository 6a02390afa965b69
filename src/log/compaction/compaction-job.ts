// What one run of compaction is told, and what it reports. Plain values: they cross to a worker thread and back.
// Leaves to others: choosing the range and putting the new files in place (log-compaction.ts), and the work
// (compact-segments.ts).

/** A sealed segment: its file is `<baseOffset>.log`. */
export interface SourceSegment {
  readonly baseOffset: number;
  /** Base offset of the segment after it. */
  readonly nextOffset: number;
}

export interface CompactionJob {
  readonly directory: string;
  /** For messages: `orders-3`. */
  readonly name: string;
  /** All sealed segments of the range, oldest first. None may change or disappear while the job runs. */
  readonly segments: readonly SourceSegment[];
  /** Earlier runs have entered the records below into a map, so each key has at most one record there. */
  readonly firstDirtyOffset: number;
  /** Where the range ends: `nextOffset` of the last segment. */
  readonly endOffset: number;
  /** The remembered batches of idempotent producers. Such a batch is kept, without records if need be. */
  readonly lastBatches: readonly { readonly producerId: number; readonly lastOffset: number }[];
  /** How long a tombstone is kept after the first run that reaches it, in milliseconds. */
  readonly deleteRetentionMs: number;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
  /** Small segments are merged up to this size. */
  readonly segmentBytes: number;
  /** Memory for the map of keys, in bytes. If it does not hold all keys, several runs are needed. */
  readonly mapBytes: number;
}

/** One new segment in place of one or more neighbours. Its files are `<base>.log.cleaned` and so on, and are flushed. */
export interface CompactedSegment {
  /** Base offsets of the segments that it replaces, oldest first. The first is also its own. */
  readonly replaced: readonly number[];
  readonly base: number;
  /** Size of the new log. It has at least one batch, without records if need be: an empty file would be a lost one. */
  readonly bytes: number;
  /** Size of the replaced logs. */
  readonly bytesBefore: number;
}

export interface CompactionStats {
  /** Bytes of log read, in both passes. */
  readonly bytesRead: number;
  /** Bytes of log written. */
  readonly bytesWritten: number;
  /** Records in the segments that the second pass read. */
  readonly recordsRead: number;
  /** Records of those that are left. */
  readonly recordsKept: number;
  /**
   * Batches that could not be opened, because they decompress to too much or need a dictionary. They stay as they are,
   * and so do all tombstones after them.
   */
  readonly batchesUnopened: number;
  /** Where segments are damaged, and how. They stay as they are, and so do all tombstones after them. */
  readonly damage: readonly string[];
}

export interface CompactionResult {
  /** The new segments, in order. A segment that is in none of them stays as it is. */
  readonly groups: readonly CompactedSegment[];
  /** New `firstDirtyOffset`. Below `endOffset` if the map was full; then another run continues. */
  readonly cleanedTo: number;
  readonly stats: CompactionStats;
}
