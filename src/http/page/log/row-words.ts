// A row in words, for everyone and for screen readers. Pure.
// Leaves to others: where the words are shown (row.ts).
import { countOf, formatBytes, formatCount } from "../parts/format.js";
import type { LogShape } from "./log-shape.js";
import type { GroupOffset, PartitionState } from "../wire.js";

interface RowWords {
  readonly watermark: string;
  readonly numbers: readonly string[];
  readonly groups: readonly string[];
}

export function rowWords(state: PartitionState, groups: readonly GroupOffset[]): RowWords {
  const segments = countOf(state.sealedCount + 1, "segment");
  const size = formatBytes(state.sealedBytes + state.activeBytes);
  return {
    watermark: `high watermark ${formatCount(state.highWatermark)}`,
    numbers: [`end ${formatCount(state.logEnd)}`, `${segments}, ${size}`],
    groups: groups.map(({ group, offset, lag, reader }) => {
      const place = offset < 0 ? "has committed nothing" : `at ${formatCount(offset)}`;
      const by = reader === null ? "" : `, read by ${reader}`;
      return `${group} ${place}, lag ${formatCount(lag)}${by}`;
    }),
  };
}

export function segmentWords(shape: LogShape, i: number): string {
  const { from, to } = shape.spanOf(i);
  const [base, next] = [shape.baseOf(i), shape.nextOf(i)];
  return [
    `segment ${formatCount(i + 1)} of ${formatCount(shape.count)}`,
    shape.isActive(i) ? "active" : "sealed",
    ...compactionWords(shape, i),
    next > base ? `offsets ${formatCount(base)} – ${formatCount(next - 1)}` : "empty",
    formatBytes(to - from),
  ].join(", ");
}

/** Of a sealed segment of a compacted topic: whether it is compacted. */
function compactionWords(shape: LogShape, i: number): string[] {
  const { compactedTo } = shape.state;
  if (compactedTo === null || shape.isActive(i)) return [];
  if (shape.nextOf(i) <= compactedTo) return ["compacted"];
  return [shape.baseOf(i) < compactedTo ? "compacted in part" : "not compacted yet"];
}
