// One segment of a log, sealed or active. Both have the bytes of a `.log` file (log-bytes.ts), the batches in them
// (segment-batches.ts), indexes, and a lookup over all of these (segment-lookup.ts).
// Leaves to others: what differs (active-segment.ts, sealed-segment.ts).
import type { IndexView } from "../index/segment-index.js";
import type { LogSlice } from "./log-slice.js";
import type { SegmentLookup } from "./segment-lookup.js";
import type { TimeLookup } from "./time-lookup.js";

export interface Segment {
  /** Offset in the name of the file; no record is below it. */
  readonly baseOffset: number;
  /** Base offset of the segment after this one; Infinity for the active one. */
  readonly endOffset: number;
  /** Length of the readable part, in bytes. */
  readonly bytes: number;
  /** Length of the `.log` file, in bytes; equals `bytes` unless its end is damaged. */
  readonly fileBytes: number;
  /** Largest timestamp of any record, in milliseconds; -Infinity if there are no records. */
  readonly maxTimestamp: number;
  readonly lookup: SegmentLookup;
  readonly times: TimeLookup;
  index(): IndexView;
  /** A run of whole batches, from `position`. */
  slice(position: number, bytes: number): LogSlice;
}
