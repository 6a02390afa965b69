// The JSON exchanged by the page and the broker, as types used by both.
// Leaves to others: filling them (http/api/feed/page-feed.ts, http/api/routes.ts).
import type { BatchDescription } from "../../inspection/batch-description.js";
import type { FieldRole } from "../../inspection/fields.js";
import type { Codec } from "../../record/batch.js";

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

/** What clients use; rates are bytes per second. */
export interface ClientUse {
  readonly receivedRate: number;
  readonly sentRate: number;
  /** Bytes of requests without an answer, and of answers that the client has not read. */
  readonly inflightBytes: number;
  /** Requests without an answer; some of them are fetches that wait for data. */
  readonly inflightRequests: number;
  readonly waitingFetches: number;
}

/** A client connection. Text that a client chose is safe to show. */
export interface ConnectionState extends ClientUse {
  /** Number of the connection, which no other one of this run of the broker has. */
  readonly serial: number;
  /** Address and port of the client. */
  readonly address: string;
  /** `native`, `kafka`, or `unknown` before the first bytes. */
  readonly protocol: string;
  readonly clientId: string | null;
  /** Name and version of the client's library, if its protocol says it. */
  readonly software: string | null;
  /** Null if it has not logged in. */
  readonly user: string | null;
  readonly isTls: boolean;
  /** When it was opened, in milliseconds since 1970. */
  readonly sinceMs: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  /** Whether it is not read now because of a quota, and for which share of the time it was not, from 0 to 1. */
  readonly isThrottled: boolean;
  readonly throttledShare: number;
}

/** What connections can be summed by. */
export type ClientGroup = "client" | "user" | "host" | "software";

/** Connections that have something in common. */
export interface ClientSum extends ClientUse {
  /** Null for those that do not say it. */
  readonly name: string | null;
  readonly connections: number;
  /** Those that are not read now because of a quota. */
  readonly throttled: number;
}

export interface ConnectionsState {
  /** Number of connections by protocol. */
  readonly protocols: Readonly<Record<string, number>>;
  /** When this was so, by the broker's clock, in milliseconds since 1970. */
  readonly atMs: number;
  /** The time that the rates are of, in milliseconds; 0 if there are none yet. */
  readonly spanMs: number;
  /** The rates of all connections. */
  readonly receivedRate: number;
  readonly sentRate: number;
  /** The client with the most traffic: a client id, or an address without one. Null if there is no traffic. */
  readonly busiest: (ClientSum & { readonly by: "client" | "host" }) | null;
  /** Connections that match the filter. */
  readonly matching: number;
  /** The first of them in the order that was asked for; none if they are summed. */
  readonly connections: readonly ConnectionState[];
  /** The first sums in that order; null if they are not summed. */
  readonly sums: readonly ClientSum[] | null;
  /** Whether there are more connections, or sums. */
  readonly hasMore: boolean;
}

/** A connection to close: also by its address, because after a restart another one may have its number. */
export interface CloseOrder {
  readonly serial: number;
  readonly address: string;
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

/** Segments as parallel arrays of base offsets and lengths, sealed ones first: there can be very many. */
export interface SegmentRows {
  readonly bases: readonly number[];
  readonly bytes: readonly number[];
  readonly hasMore: boolean;
}

/** Entries of the offset indexes of some segments, by base offset: thinned positions, and the number of entries. */
export interface IndexTicks {
  readonly segments: readonly {
    readonly base: number;
    readonly entries: number;
    readonly positions: readonly number[];
  }[];
}

export interface BatchRows {
  readonly file: string;
  readonly bytes: number;
  readonly indexEntries: number;
  /** Whether batches may still be added. */
  readonly isActive: boolean;
  readonly batches: readonly BatchDescription[];
  /** Where the list continues, behind damage if there is any; null at the end. */
  readonly next: number | null;
  /** Why the batches end before `next`, or, if asked for those before a position, start there. */
  readonly damage: string | null;
}

/** A field of a batch, or a heading. */
export type DumpRow =
  | { readonly heading: string; readonly isBroken: boolean }
  | {
      readonly position: number;
      readonly bytes: number;
      /** The first bytes in hexadecimal. */
      readonly hex: string;
      readonly name: string;
      readonly text: string | null;
      readonly role: FieldRole;
    };

export interface BatchDump {
  readonly batch: BatchDescription;
  readonly rows: readonly DumpRow[];
  /** The next row to request; null at the end. */
  readonly next: number | null;
}

/** Bytes in an order: text, or binary data that is written as text. */
export type OrderedBytes = string | { readonly hex: string } | { readonly base64: string };

export interface ProduceOrder {
  readonly topic: string;
  /** Null for the partition of the key, or any if there is no key. */
  readonly partition: number | null;
  readonly key: OrderedBytes | null;
  /** Null for a tombstone. */
  readonly value: OrderedBytes | null;
  readonly headers?: readonly { readonly name: string; readonly value: OrderedBytes | null }[];
  /** The codec of its batch; `none` by default. */
  readonly codec?: Codec;
  /** In milliseconds since 1970; the broker's time by default. */
  readonly timestamp?: number;
  /** Whether a missing topic is created. */
  readonly create?: boolean;
}

/** How a record was written, step by step. */
export interface ProduceReport {
  readonly topic: string;
  readonly partition: number;
  /** Why this partition: the order named it, it is that of the key, or there was no key and any would do. */
  readonly chosenBy: "order" | "key" | "chance";
  readonly partitions: number;
  readonly offset: number;
  readonly codec: Codec;
  /** The batch as passed to the log, in hexadecimal. */
  readonly hex: string;
  readonly bytes: number;
  readonly crc: string;
  /** The segment it was written to; the position in it follows. */
  readonly segment: number;
  readonly position: number;
  /** Whether a new segment was started for it. */
  readonly hasRolled: boolean;
  /** Number of the index entry for the batch, or null. Followed by the bytes of log since the previous entry. */
  readonly indexEntry: number | null;
  readonly bytesSinceEntry: number;
  readonly intervalBytes: number;
  readonly flush: string;
  /** From the append to its acknowledgement, in milliseconds. */
  readonly acknowledgedMs: number;
  readonly highWatermarkBefore: number;
  readonly highWatermark: number;
}

export interface Refusal {
  readonly code: string;
  readonly message: string;
}
