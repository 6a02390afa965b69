// The JSON of records, as types used by the page and the broker. Leaves to others: filling them (http/api/records.ts).
import type { RecordPage } from "../../../services/records/browse.js";
import type { LogPlace } from "../../../services/records/log-pieces.js";
import type { OneRecord } from "../../../services/records/one-record.js";

export type { RecordsOverTime } from "../../../services/records/records-over-time.js";

/**
 * A page of records. Places are texts: an offset, or of all partitions an offset in each. They can be sent back, and are not to be
 * understood.
 */
export interface RecordRows extends Omit<RecordPage, "from" | "to" | "start" | "end"> {
  readonly from: string;
  readonly to: string;
  readonly start: string;
  readonly end: string;
}

/** Bytes of a record, or the first of them. */
export interface ShownBytes {
  readonly bytes: number;
  readonly base64: string;
}

/** A record with its bytes, of which there is a limit. */
export interface ShownRecord extends Omit<
  OneRecord,
  "key" | "value" | "headers" | "place" | "decoded" | "tombstoneMs"
> {
  readonly key: ShownBytes | null;
  readonly value: ShownBytes | null;
  readonly headers: readonly { readonly name: ShownBytes; readonly value: ShownBytes | null }[];
  readonly headerCount: number;
  /** Null if damage hides it. */
  readonly place: LogPlace | null;
  readonly decoded: string | null;
  /** Null if the topic is not compacted. */
  readonly tombstoneMs: number | null;
}
