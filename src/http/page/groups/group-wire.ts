// The JSON about groups that the page and the broker exchange, as types used by both. Text that a client chose is safe to
// show; names of groups and topics are unchanged.
// Leaves to others: filling them (http/api/groups.ts).

/** A row of the list of groups. */
export interface GroupRow {
  readonly group: string;
  readonly state: string;
  /** `classic` or `consumer`; empty for a group that never had members. */
  readonly type: string;
  readonly members: number;
  readonly partitions: number;
  /** Null if it was not counted, because the groups before it have very many partitions. */
  readonly lag: number | null;
}

export interface GroupRows {
  readonly rows: readonly GroupRow[];
  /** Where the next page begins; null on the last one. */
  readonly next: { readonly after: string; readonly value: string } | null;
  readonly matching: number;
  /** False if there are too many groups to compare all. */
  readonly isComplete: boolean;
}

export interface GroupMemberRow {
  readonly id: string;
  readonly instanceId: string | null;
  readonly clientId: string;
  /** Its address. */
  readonly host: string;
  /** Name and version of its library, if its connection says it and the visitor may see connections. */
  readonly software: string | null;
  /** Who has logged in on that connection. */
  readonly user: string | null;
  /** When that connection was opened, in milliseconds since the epoch by the broker's clock; null if it is not known. */
  readonly connectedMs: number | null;
  /** Whether that connection has the client id, too. In our own protocol only heartbeats have it. */
  readonly isNamed: boolean;
  /** In a consumer group, the epoch that it has reached. */
  readonly epoch: number | null;
  /** How many partitions it reads. */
  readonly partitions: number;
}

export interface GroupPartitionRow {
  readonly topic: string;
  readonly partition: number;
  /** -1 if nothing is committed, and the same for the time. */
  readonly committed: number;
  readonly commitMs: number;
  readonly metadata: string;
  readonly logStart: number;
  /** Offset after the last readable record. */
  readonly end: number;
  readonly lag: number;
  /** Mean size of a record in the log, in bytes, with its share of its batch. */
  readonly recordBytes: number;
  /** Id of the member that reads it. */
  readonly member: string | null;
}

export interface GroupTopic {
  readonly topic: string;
  readonly partitions: number;
  /** How many of them have a committed offset. */
  readonly committed: number;
  readonly lag: number;
  /** Whether the visitor may change offsets in it, as far as the topic is concerned. */
  readonly mayRead: boolean;
}

export interface GroupDetail {
  readonly group: string;
  /** By the broker's clock, in milliseconds since the epoch. */
  readonly nowMs: number;
  readonly state: string;
  readonly type: string;
  readonly protocolType: string;
  /** Empty without members, and while the group rebalances. */
  readonly assignor: string;
  /** Generation of a classic group, epoch of a consumer group. */
  readonly generation: number;
  readonly assignmentEpoch: number | null;
  /** Address of the broker, which coordinates all groups. */
  readonly coordinator: string;
  readonly memberCount: number;
  /** Some of the members, by id. */
  readonly members: readonly GroupMemberRow[];
  readonly partitionCount: number;
  readonly lag: number;
  /** The topics by name; only the first if there are many. */
  readonly topics: readonly GroupTopic[];
  /** The partitions by topic and number; if there are too many, those with the largest lag. */
  readonly partitions: readonly GroupPartitionRow[];
  readonly may: {
    readonly reset: boolean;
    readonly deleteOffsets: boolean;
    readonly delete: boolean;
  };
}

/** Numbers of a partition, or of all partitions, at each of the times. */
interface LagSeries {
  readonly ends: readonly number[];
  /** -1 for nothing committed; null where the log does not tell, and the same for the lag. */
  readonly committed: readonly (number | null)[];
  readonly lags: readonly (number | null)[];
}

/** The last hour of a group. */
export interface LagHistory {
  /** Milliseconds since the epoch by the broker's clock, ascending. */
  readonly times: readonly number[];
  /** Sums over all partitions; null where one of them is not known, and before the group has committed anything. */
  readonly lags: readonly (number | null)[];
  /** Why the first ones are not known: it had committed nothing, or that is no longer in the log. */
  readonly gap: "uncommitted" | "compacted" | null;
  readonly partitions: readonly (LagSeries & {
    readonly topic: string;
    readonly partition: number;
  })[];
}

/** What a reset changes in a partition: what the dry run says, and what is then asked for. */
export interface ResetMoveRow {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  /** -1 if nothing was committed. */
  readonly from: number;
  readonly to: number;
}

export interface ResetPlan {
  readonly moves: readonly (ResetMoveRow & {
    readonly logStart: number;
    readonly end: number;
  })[];
}

export interface ResetOrder {
  readonly group: string;
  readonly moves: readonly ResetMoveRow[];
}

export interface OffsetDeletionOrder {
  readonly group: string;
  readonly topic: string;
}

export interface GroupDeletionOrder {
  readonly group: string;
}

/** How many partitions were changed. */
export interface GroupChange {
  readonly partitions: number;
}
