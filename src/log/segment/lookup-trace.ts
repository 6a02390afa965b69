// Receives the steps of a lookup, for `explain` and the page. Costs nothing without a listener.
// Leaves to others: the search itself (segment-list.ts, segment.ts, the indexes), and showing it (inspection/).
import type { EntryTrace } from "../index/entry-trace.js";
import type { IndexView } from "../index/segment-index.js";

/** Listener for the steps of one lookup, by offset or by time. */
export interface LookupTrace extends EntryTrace {
  /** The target was compared with segment number `i`: with its base offset, or its largest timestamp. */
  comparedSegment(i: number, value: number): void;
  /** The search enters segment number `i`; for an offset in a gap at its end, it then enters the next one. */
  enteredSegment(i: number): void;
  /** A search in the index of a segment begins. Called again if an entry was wrong and the index was rebuilt. */
  search(index: IndexView): void;
  /** The scan begins at the batch of this entry, or at the start of the segment for -1. */
  found(entry: number): void;
  /** The scan passed over a batch that ends with this offset, or has this largest timestamp. */
  passedBatch(position: number, bytes: number, value: number): void;
}
