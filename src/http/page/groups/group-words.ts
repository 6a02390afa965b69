// Numbers and partitions of a group as short texts.
// Leaves to others: sentences (diagnosis.ts), numbers of any kind (parts/format.ts).
import { countOf, formatAge, formatCount } from "../parts/format.js";
import type { UnreadAge } from "./lag-series.js";

/** An age of which only a minimum is known is not shown while that minimum is shorter. */
const AGE_MS_MIN = 60_000;

/** Topics, and ranges of partitions of each, that are named; the others are counted. */
const NAMED_TOPICS_MAX = 3;
const NAMED_RANGES_MAX = 6;

/** `—` if nothing is unread, `…` until it is known. */
export function ageText(age: UnreadAge | undefined): string {
  if (age === undefined) return "—";
  if (age.isMore && age.ms < AGE_MS_MIN) return "…";
  return `${age.isMore ? "over " : ""}${formatAge(age.ms)}`;
}

/** `…` until it is known. */
export function rateText(perSecond: number | undefined): string {
  return perSecond === undefined ? "…" : formatRate(perSecond);
}

/** A number per second with a useful number of digits. */
export function formatRate(perSecond: number): string {
  const digits = perSecond === 0 || perSecond >= 10 ? 0 : perSecond >= 1 ? 1 : 2;
  return formatCount(Number(perSecond.toFixed(digits)));
}

/** `partitions 0–5 and 7 of orders`. */
export function partitionWords(
  rows: readonly { readonly topic: string; readonly partition: number }[],
): string {
  const byTopic = Map.groupBy(rows, ({ topic }) => topic);
  const texts = [...byTopic].slice(0, NAMED_TOPICS_MAX).map(([topic, its]) => {
    const ranges = rangesOf(its.map(({ partition }) => partition));
    const named = ranges.slice(0, NAMED_RANGES_MAX);
    const left = ranges.length - named.length;
    const list = left > 0 ? [...named, `${formatCount(left)} more`] : named;
    return `${its.length === 1 ? "partition" : "partitions"} ${listWords(list)} of ${topic}`;
  });
  const left = byTopic.size - texts.length;
  return listWords(left > 0 ? [...texts, countOf(left, "more topic")] : texts);
}

/** `["0–5", "7"]`. */
function rangesOf(numbers: readonly number[]): string[] {
  const ranges: [number, number][] = [];
  for (const number of numbers.toSorted((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last !== undefined && number === last[1] + 1) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges.flatMap(([from, to]) =>
    to - from < 2
      ? Array.from({ length: to - from + 1 }, (_, i) => `${from + i}`)
      : [`${from}–${to}`],
  );
}

function listWords(texts: readonly string[]): string {
  if (texts.length < 2) return texts.join("");
  return `${texts.slice(0, -1).join(", ")} and ${texts.at(-1)}`;
}
