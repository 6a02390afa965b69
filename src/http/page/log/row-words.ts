// A row in words, for everyone and for screen readers. Pure.
// Leaves to others: where the words are shown (row.ts).
import { countOf, formatBytes, formatCount } from "../parts/format.js";
import { nameInText } from "../parts/names.js";
import type { LogShape } from "./log-shape.js";
import type { GroupOffset, PartitionState } from "../wire.js";

interface RowWords {
  readonly watermark: string;
  readonly numbers: readonly string[];
  readonly groups: readonly string[];
}

/** Groups listed for a partition: the list of groups has all of them. */
const GROUPS_LISTED_MAX = 6;

export function rowWords(state: PartitionState, groups: readonly GroupOffset[]): RowWords {
  const segments = countOf(state.sealedCount + 1, "segment");
  const size = formatBytes(state.sealedBytes + state.activeBytes);
  const end = `end ${formatCount(state.logEnd)}`;
  const listed = groups.slice(0, GROUPS_LISTED_MAX).map(({ group, offset, lag, reader }) => {
    const place = offset < 0 ? "has committed nothing" : `at ${formatCount(offset)}`;
    const by = reader === null ? "" : `, read by ${reader}`;
    return `${nameInText(group)} ${place}, lag ${formatCount(lag)}${by}`;
  });
  const left = groups.length - listed.length;
  return {
    watermark: `high watermark ${formatCount(state.highWatermark)}`,
    numbers: [
      state.logStart > 0 ? `start ${formatCount(state.logStart)}, ${end}` : end,
      `${segments}, ${size}`,
    ],
    groups: left > 0 ? [...listed, `and ${countOf(left, "more group")}`] : listed,
  };
}

export function segmentWords(shape: LogShape, i: number): string {
  const { from, to } = shape.spanOf(i);
  const size = formatBytes(to - from);
  const { sealedCount } = shape.state;
  if (shape.isGap(i)) return `${countOf(sealedCount - i, "segment")}, not listed yet, ${size}`;
  const [base, next] = [shape.baseOf(i), shape.nextOf(i)];
  const isActive = shape.isActive(i);
  const number = isActive ? sealedCount : i;
  return [
    `segment ${formatCount(number + 1)} of ${formatCount(sealedCount + 1)}`,
    isActive ? "active" : "sealed",
    ...compactionWords(shape, i),
    next > base ? `offsets ${formatCount(base)} – ${formatCount(next - 1)}` : "empty",
    ...startWords(shape, i),
    size,
  ].join(", ");
}

/** Of a segment with records that were deleted: where the others start. */
function startWords(shape: LogShape, i: number): string[] {
  const { logStart } = shape.state;
  const [base, next] = [shape.baseOf(i), shape.nextOf(i)];
  if (logStart <= base) return [];
  return [logStart >= next ? "all deleted" : `deleted below ${formatCount(logStart)}`];
}

/** Of a sealed segment of a compacted topic: whether it is compacted. */
function compactionWords(shape: LogShape, i: number): string[] {
  const { compactedTo } = shape.state;
  if (compactedTo === null || shape.isActive(i)) return [];
  if (shape.nextOf(i) <= compactedTo) return ["compacted"];
  return [shape.baseOf(i) < compactedTo ? "compacted in part" : "not compacted yet"];
}
