// Where a record is: its segment, its batch, and the index entry that leads to it, in words and on the drawing. Pure.
// Leaves to others: the search (inspection/explain-lookup.ts), and showing it (row.ts).
import type { LookupExplanation } from "../../../inspection/lookup-explanation.js";
import { formatCount } from "../parts/format.js";
import type { Highlight } from "./drawing.js";
import type { LogShape } from "./log-shape.js";

interface RecordPlace {
  readonly words: readonly string[];
  readonly highlights: readonly Highlight[];
  /** Missing if there is no such batch. */
  readonly batch?: { readonly segment: number; readonly position: number };
}

/** The place of the record at an offset of a partition drawn as `shape`. */
export function recordPlace(explanation: LookupExplanation, shape: LogShape): RecordPlace {
  const { offset = 0, segment, batch, index, record, nextOffset, failure } = explanation;
  const name = `offset ${formatCount(offset)}`;
  if (segment === undefined || batch === undefined) {
    const why = failure?.message ?? "not written yet";
    return { words: [failure === undefined ? `${name}: ${why}` : why], highlights: [] };
  }
  const before = index?.before ?? undefined;
  const end = before?.position;
  const segmentSpan = spanOf(shape, segment.baseOffset);
  const from = shape.placeOf(segment.baseOffset, batch.position);
  const entry = end === undefined ? undefined : shape.placeOf(segment.baseOffset, end);
  return {
    words: [
      ...gapWords(name, offset, record?.offset ?? nextOffset),
      `segment ${formatCount(segment.baseOffset)} (${segment.kind})`,
      `batch at position ${formatCount(batch.position)}, offsets ${range(batch)}`,
      end === undefined
        ? "no index entry before it"
        : `index entry ${formatCount(before?.entry ?? 0)}, to position ${formatCount(end)}`,
    ],
    highlights: [
      ...(segmentSpan === undefined ? [] : [{ span: segmentSpan, kind: "look" as const }]),
      ...(entry === undefined ? [] : [{ span: { from: entry, to: entry }, kind: "look" as const }]),
      ...(from === undefined
        ? []
        : [{ span: { from, to: from + batch.bytes }, kind: "found" as const }]),
    ],
    batch: { segment: segment.baseOffset, position: batch.position },
  };
}

function gapWords(name: string, offset: number, next: number | undefined): string[] {
  if (next === undefined || next === offset) return [name];
  return [`no record has ${name}, the next is ${formatCount(next)}`];
}

function range({ baseOffset, lastOffset }: NonNullable<LookupExplanation["batch"]>): string {
  const [first, last] = [baseOffset ?? 0, lastOffset ?? 0];
  return first === last ? formatCount(first) : `${formatCount(first)} – ${formatCount(last)}`;
}

function spanOf(shape: LogShape, base: number) {
  const number = shape.numberOf(base);
  return number === undefined ? undefined : shape.spanOf(number);
}
