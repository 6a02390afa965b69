// The counters of a consumer.

/** How far a consumer is in a partition. */
export interface PartitionProgress {
  readonly topic: string;
  readonly partition: number;
  /** Offset after the last returned record. */
  readonly position: number;
  /** Offset after the last readable record, when the partition was last fetched. */
  readonly highWatermark: number;
  /** Offsets from the position to the high watermark: at least as many as there are records to read. */
  readonly lag: number;
  readonly isPaused: boolean;
}

/** What a consumer has done since it was created, and how far it is. */
export interface ConsumerStats {
  /** Records returned. */
  readonly records: number;
  /** Fetched portions returned. */
  readonly batches: number;
  /** Size of these portions, as they were received. */
  readonly bytes: number;
  /** Skips of unreadable records. */
  readonly skips: number;
  /** Commits that the broker has acknowledged. */
  readonly commits: number;
  /** Sum over the partitions that are read now. */
  readonly lag: number;
  readonly partitions: readonly PartitionProgress[];
}
