// What code above a log may see of it: its segments and their indexes, to read and not to change.
import type { ActiveSegment } from "./segment/active-segment.js";
import type { SealedSegment } from "./segment/sealed-segment.js";
import type { Segment } from "./segment/segment.js";
import type { SegmentLookup } from "./segment/segment-lookup.js";
import type { SegmentList } from "./segment/segment-list.js";

export interface SegmentView extends Pick<
  Segment,
  "baseOffset" | "endOffset" | "bytes" | "fileBytes" | "maxTimestamp" | "index"
> {
  readonly lookup: Pick<SegmentLookup, "locate" | "scan">;
}

interface SealedView
  extends SegmentView, Pick<SealedSegment, "rebuildReason" | "nextOffset" | "isReadyForTimes"> {}

interface ActiveView
  extends SegmentView, Pick<ActiveSegment, "writtenBytes" | "isDamaged" | "firstAppendMs"> {}

export interface SegmentsView extends Pick<
  SegmentList,
  | "count"
  | "bytes"
  | "read"
  | "findTimestamp"
  | "prepareTimeSearch"
  | "offsetAfterDamage"
  | "placeOf"
> {
  readonly sealed: readonly SealedView[];
  readonly active: ActiveView;
  /** Segment number `i`, from 0; undefined past the last. */
  at(i: number): SegmentView | undefined;
}
