// The JSON about the segments and batches of a partition, as types used by the page and the broker.
// Leaves to others: filling them (http/api/log.ts).
import type { BatchDescription } from "../../../inspection/batch-description.js";
import type { FieldRole } from "../../../inspection/fields.js";

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
