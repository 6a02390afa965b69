// The JSON of the session, of the live events and of refusals, as types used by the page and the broker.
// Leaves to others: filling them (http/api/feed/, http/api/access.ts, http/api/answer.ts), and the JSON of each view (its folder).

/** A partition at one moment. Positions are bytes from the start of a segment's file. */
export interface PartitionState {
  readonly topic: string;
  readonly partition: number;
  readonly firstBase: number;
  /** Offset of the first record, which may be inside the first segment. */
  readonly logStart: number;
  readonly highWatermark: number;
  /** Base offset of the segment with the high watermark; the position in it follows. */
  readonly endSegment: number;
  readonly endPosition: number;
  readonly logEnd: number;
  readonly activeBase: number;
  /** Bytes of the active segment, flushed or not. */
  readonly activeBytes: number;
  readonly sealedCount: number;
  readonly sealedBytes: number;
  /** Changes when compaction has replaced segments: what was known of them is out of date. */
  readonly revision: number;
  /**
   * Largest timestamp in the active segment or, while that is empty, in the one before it if that is known without opening a file;
   * otherwise null. In milliseconds since 1970.
   */
  readonly newestMs: number | null;
  /** Records below it were compacted; null if the topic is not compacted. */
  readonly compactedTo: number | null;
}

/** A topic; its partitions follow in ticks. */
export interface TopicState {
  readonly name: string;
  /** Changes when the topic is deleted and created again. */
  readonly id: string;
  readonly internal: boolean;
  readonly partitions: number;
  /** `delete`, `compact`, both with a comma, or nothing. */
  readonly cleanup: string;
  /** Negative for no limit. */
  readonly retentionMs: number;
  readonly retentionBytes: number;
  /** Partitions that can't be opened, and why; only the first if there are many. */
  readonly offline: readonly { readonly partition: number; readonly reason: string }[];
}

/** A group's position in a partition of one of its topics. */
export interface GroupOffset {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  /** -1 if it has committed nothing for this partition. */
  readonly offset: number;
  readonly lag: number;
  /** Id of the member that reads it, or null. */
  readonly member: string | null;
  /** What the member calls itself, and its address. */
  readonly reader: string | null;
}

/** A member of a group. Text that a client chose is safe to show. */
export interface MemberState {
  readonly id: string;
  /** What it calls itself, and its address. */
  readonly name: string;
}

export interface GroupsState {
  readonly count: number;
  /** Whether more groups match. */
  readonly hasMore: boolean;
  readonly groups: readonly {
    readonly group: string;
    /** Total over all partitions. */
    readonly lag: number;
    readonly partitions: number;
    readonly state: string;
    readonly memberCount: number;
    /** Some of its members. */
    readonly members: readonly MemberState[];
  }[];
  /** Their partitions; none for a group with very many. */
  readonly offsets: readonly GroupOffset[];
}

/** Counters of the broker since it started; 0 for a visitor who may not see them. */
export interface Totals {
  /** By the broker's clock, in milliseconds. */
  readonly atMs: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly connections: number;
}

/** What a page may know about who looks at it. */
export interface SessionState {
  /** Null while the broker has no security. */
  readonly user: string | null;
  /** What each request that changes something has to carry; null while the broker has no security. */
  readonly csrfToken: string | null;
  /** Whether nobody may change anything on the page (`--ui-read-only`), whatever the permissions. */
  readonly isReadOnly: boolean;
  /** Whether the visitor may do this to any topic. */
  readonly mayRead: boolean;
  readonly mayProduce: boolean;
  /** Whether it may create topics, of any name or of some. */
  readonly mayCreateTopics: boolean;
  /** Whether it may see the connections and their traffic. */
  readonly seesCluster: boolean;
  readonly mayCloseConnections: boolean;
  /** Partitions that a topic gets which this visitor creates with a record; null if a record creates none. */
  readonly newTopicPartitions: number | null;
}

/** Sent to a page first, and again when topics were created or deleted; all partitions follow in ticks. */
export interface Overview {
  /** Id of this page's event stream, for reporting that it reads. */
  readonly page: string;
  readonly version: string;
  readonly address: string;
  readonly flush: string;
  /** By name; only the first if there are many. */
  readonly topics: readonly TopicState[];
  readonly topicCount: number;
  readonly totals: Totals;
}

/** Changes since the last tick; if there are many, some of them. */
export interface Tick {
  readonly totals: Totals;
  readonly partitions: readonly PartitionState[];
  /** The first groups, if any of them changed. */
  readonly groups?: GroupsState;
}

export interface Refusal {
  readonly code: string;
  readonly message: string;
}
