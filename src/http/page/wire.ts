// What the page and the broker say to each other: JSON, in the types of both.
// Leaves to others: where the numbers come from (http/page-feed.ts, http/page-routes.ts).
import type { BatchDescription } from "../../inspection/batch-description.ts";
import type { FieldRole } from "../../inspection/fields.ts";

/** A partition at one moment. Positions are bytes from the start of a segment's file. */
export interface PartitionState {
  readonly topic: string;
  readonly partition: number;
  readonly logStart: number;
  readonly highWatermark: number;
  /** The segment that the high watermark is in, by its base offset, and where in it. */
  readonly endSegment: number;
  readonly endPosition: number;
  readonly logEnd: number;
  readonly activeBase: number;
  /** Bytes of the active segment, flushed or not. */
  readonly activeBytes: number;
  readonly sealedCount: number;
  readonly sealedBytes: number;
}

/** A topic; its partitions come with ticks. */
export interface TopicState {
  readonly name: string;
  /** A topic that was deleted and created again has another one. */
  readonly id: string;
  readonly internal: boolean;
  readonly partitions: number;
  /** Partitions that can't be opened, and why; of very many, the first. */
  readonly offline: readonly { readonly partition: number; readonly reason: string }[];
}

/** A group in a partition of a topic that it has committed an offset for. */
export interface GroupOffset {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  /** -1 when it has committed nothing for this partition. */
  readonly offset: number;
  readonly lag: number;
}

/** Some of the groups, by name. */
export interface GroupsState {
  /** All groups there are. */
  readonly count: number;
  /** Whether there are more of those that were asked for. */
  readonly hasMore: boolean;
  readonly groups: readonly {
    readonly group: string;
    /** The sum over all partitions. */
    readonly lag: number;
    readonly partitions: number;
  }[];
  /** Their partitions; of a group with very many, none. */
  readonly offsets: readonly GroupOffset[];
}

/** What has gone through the broker since it started. */
export interface Totals {
  /** Of the broker's clock, in milliseconds. */
  readonly atMs: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly connections: number;
}

/** What a page is sent first, and again when topics came or went: then all partitions follow in ticks. */
export interface Overview {
  /** Names this page's stream of events when it says that it reads. */
  readonly page: string;
  readonly version: string;
  readonly address: string;
  readonly flush: string;
  /** By name; of very many, the first. */
  readonly topics: readonly TopicState[];
  readonly topicCount: number;
  readonly totals: Totals;
}

/** What changed since the last one; of very much, a part. */
export interface Tick {
  readonly totals: Totals;
  readonly partitions: readonly PartitionState[];
  /** The first groups, if something about them changed. */
  readonly groups?: GroupsState;
}

/** Segments, sealed ones first, as base offsets and lengths side by side: there can be very many. */
export interface SegmentRows {
  readonly bases: readonly number[];
  readonly bytes: readonly number[];
  readonly hasMore: boolean;
}

/** Entries of the offset indexes of some segments, by base offset: thinned positions, and how many there are. */
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
  readonly batches: readonly BatchDescription[];
  /** Where the next one begins; null at the end. */
  readonly next: number | null;
  /** Why there is no batch at `next`. */
  readonly damage: string | null;
}

/** A field of a batch, or a line above fields. */
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
  /** Number of the row to ask for next; null when these were the last. */
  readonly next: number | null;
}

export interface ProduceOrder {
  readonly topic: string;
  readonly partition: number;
  readonly key: string | null;
  readonly value: string;
}

/** The way of a record in, step by step. */
export interface ProduceReport {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** The batch as it was handed to the log, in hexadecimal. */
  readonly hex: string;
  readonly bytes: number;
  readonly crc: string;
  /** The segment that it went to, and where in it. */
  readonly segment: number;
  readonly position: number;
  /** Whether that segment was begun for it. */
  readonly hasRolled: boolean;
  /** Number of the index entry that points at it, or null; and bytes of log since the entry before it. */
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
