// What Admin takes and gives. Leaves to others: getting it (admin).

/** A partition of a topic. */
export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
  /**
   * Identity of the topic that is meant. If it was deleted, and recreated with the same name, the call is rejected with
   * UNKNOWN_TOPIC_ID. Whichever topic has the name, if it is not given.
   */
  readonly topicId?: string | undefined;
}

/** An offset in a partition. */
export interface PartitionOffset extends TopicPartition {
  readonly offset: number;
}

/** What a group has committed in a partition; both undefined when nothing was. */
export interface CommittedOffset {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number | undefined;
  /** When, in milliseconds since 1970. */
  readonly commitTimestamp: number | undefined;
}

/** How a topic is created. */
export interface CreateTopicOptions {
  /** Number of partitions; the broker's default without it. */
  readonly partitions?: number;
  /** Settings that differ from the broker's, such as `retention.ms`. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A topic in a list. */
export interface TopicListing {
  readonly name: string;
  readonly partitions: number;
  readonly internal: boolean;
  /** Its identity: a topic that is recreated has another one. Undefined when the broker is older than topic ids. */
  readonly topicId: string | undefined;
  /** Partitions that the broker can't open; undefined when there are none. */
  readonly offlinePartitions?: number;
}

/** What a partition holds. */
export interface PartitionDescription {
  readonly partition: number;
  /** Offset of the first record that is still there. */
  readonly logStartOffset: number;
  /** Offset after the last record that can be read. */
  readonly highWatermark: number;
  /** Offset after the last record that was written. */
  readonly logEndOffset: number;
  readonly segments: number;
  readonly bytes: number;
  /** Why the broker can't open it: then its offsets are -1. Undefined when it is online. */
  readonly offline?: string;
}

/** What a topic holds. */
export interface TopicDescription {
  readonly name: string;
  readonly internal: boolean;
  /** Its identity: a topic that is recreated has another one. Undefined when the broker is older than topic ids. */
  readonly topicId: string | undefined;
  readonly settings: Readonly<Record<string, string>>;
  readonly partitions: readonly PartitionDescription[];
}

/** A group in a list. */
export interface GroupListing {
  readonly group: string;
  /** Partitions that it has committed offsets for. */
  readonly partitions: number;
}

/** How far a group is in a partition of a topic that it has committed an offset for. */
export interface GroupOffset {
  readonly topic: string;
  readonly partition: number;
  /** -1 when it has committed nothing for this partition: it is behind by all records from the log start on. */
  readonly committedOffset: number;
  /** When it was committed, in milliseconds since 1970; -1 when nothing was. */
  readonly commitTimestamp: number;
  readonly logStartOffset: number;
  readonly highWatermark: number;
}

/** What a broker says of itself. */
export interface BrokerInfo {
  readonly brokerVersion: string;
  /** Identity of the data directory, kept across restarts. */
  readonly logDirectoryId: string;
  readonly maxFrameBytes: number;
  readonly maxBatchBytes: number;
}
