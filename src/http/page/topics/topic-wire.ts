// The JSON of the routes about topics, as types used by the page and the broker.
// Leaves to others: filling them (http/api/topics.ts), and the live state of topics (wire.ts).

/** What a visitor may do to a topic; only what the page offers. */
export type TopicRight = "READ" | "WRITE" | "ALTER" | "ALTER_CONFIGS" | "DELETE";

/** Who set a value: the topic's owner, the broker's operator, or nobody. */
type SettingSource = "topic" | "broker" | "default";

export interface TopicSetting {
  readonly name: string;
  readonly value: string;
  readonly source: SettingSource;
  /** What the topic has without a value of its own. */
  readonly inherited: { readonly value: string; readonly source: SettingSource };
  readonly type: string;
  /** The possible values, if they are few. */
  readonly choices: readonly string[];
  /** Whether the broker acts on it. */
  readonly isActive: boolean;
  readonly documentation: string;
  /** The broker's flag that sets the default, or null. */
  readonly flag: string | null;
}

export interface TopicDetail {
  readonly id: string;
  readonly internal: boolean;
  readonly partitions: number;
  readonly offline: number;
  readonly segments: number;
  readonly bytes: number;
  readonly records: number;
  /** Bytes that are not compacted yet; null if the topic is not compacted. */
  readonly dirtyBytes: number | null;
  readonly may: readonly TopicRight[];
  /** Empty if they could not be read from the disk. */
  readonly settings: readonly TopicSetting[];
  /** Time between two checks of retention. */
  readonly retentionCheckMs: number;
}

export interface PartitionRow {
  readonly partition: number;
  /** Why it is offline, or null; nothing else is known then. */
  readonly offline: string | null;
  readonly logStart: number;
  readonly highWatermark: number;
  readonly logEnd: number;
  readonly segments: number;
  readonly bytes: number;
  /** Null if the topic is not compacted. */
  readonly compactedTo: number | null;
  readonly dirtyBytes: number | null;
}

export interface PartitionRows {
  readonly partitions: readonly PartitionRow[];
  /** Number of the next partition; null at the end. */
  readonly next: number | null;
}

export interface TopicReader {
  readonly group: string;
  readonly state: string;
  readonly members: number;
  /** Partitions of the topic that its members read. */
  readonly assigned: number;
  readonly lag: number;
}

export interface TopicReaderRows {
  readonly readers: readonly TopicReader[];
  /** Continue after this group; null at the end. */
  readonly next: string | null;
}

export interface CreateOrder {
  readonly name: string;
  /** 0 for the broker's default. */
  readonly partitions: number;
  /** Values may have units, such as 7d and 1GiB. */
  readonly settings: Readonly<Record<string, string>>;
  /** Whether to make all checks, and to create nothing. */
  readonly validateOnly: boolean;
}

/** What was, or would be, created. */
export interface NewTopic {
  readonly name: string;
  readonly partitions: number;
  readonly settings: readonly { readonly name: string; readonly value: string }[];
  /** An existing topic of almost the same name, which Kafka's metrics can't tell from this one; or null. */
  readonly similar: string | null;
}

export interface AlterOrder {
  readonly id: string;
  readonly set: Readonly<Record<string, string>>;
  /** Settings that the broker decides on again. */
  readonly unset: readonly string[];
  /** Number of partitions; 0 for as many as now. */
  readonly partitions: number;
}

/** What a change would do, or has done. */
export interface AlterOutcome {
  /** The settings in question, before and after. */
  readonly settings: readonly {
    readonly name: string;
    readonly before: string;
    readonly after: string;
    readonly source: SettingSource;
  }[];
  readonly previousPartitions: number;
  readonly partitions: number;
  /** What the next check of retention would delete; null if the change does not matter for it. */
  readonly deletes: {
    readonly segments: number;
    readonly bytes: number;
    readonly records: number;
    /** Partitions that lose records. */
    readonly partitions: number;
    /** Partitions of which nothing can be said. */
    readonly unknown: number;
  } | null;
}

interface TrimRow {
  readonly partition: number;
  readonly logStart: number;
  /** The new log start. */
  readonly offset: number;
  readonly records: number;
  readonly bytes: number;
  readonly freedBytes: number;
}

export interface TrimPlan {
  readonly id: string;
  /** Those that lose records. */
  readonly partitions: readonly TrimRow[];
}

export interface TrimOrder {
  readonly id: string;
  readonly offsets: readonly { readonly partition: number; readonly offset: number }[];
}

export interface TrimOutcome {
  readonly partitions: readonly {
    readonly partition: number;
    readonly logStart: number | null;
    /** Why nothing was deleted, or null. */
    readonly error: string | null;
  }[];
}

export interface CompactOrder {
  readonly id: string;
  /** Chosen by the page, and the same in all requests about one compaction. */
  readonly run: string;
}

export interface CompactionRow {
  readonly partition: number;
  readonly state: "waiting" | "running" | "done" | "failed";
  readonly doneBytes: number;
  readonly totalBytes: number;
  readonly recordsBefore: number;
  readonly recordsAfter: number;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  readonly durationMs: number;
  /** Why it failed, or null. */
  readonly error: string | null;
}

export interface CompactionReport {
  readonly isDone: boolean;
  /** Of all partitions. */
  readonly partitions: number;
  readonly done: number;
  readonly failed: number;
  readonly recordsBefore: number;
  readonly recordsAfter: number;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  readonly durationMs: number;
  /** The one that is running, those that failed and those that are done; only the first if there are many. */
  readonly rows: readonly CompactionRow[];
}
