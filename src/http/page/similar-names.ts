// The existing names that a mistyped one may stand for. Pure.

import { TOPIC_NAME_LENGTH_MAX } from "../../limits.js";

/** Names that are suggested. */
const SUGGESTED_MAX = 5;

/** The names most like `name`, the most alike first; none that is not alike at all. */
export function similarNames(name: string, names: readonly string[]): readonly string[] {
  const meant = name.toLowerCase();
  return names
    .map((each) => ({ each, unlikeness: unlikeness(meant, each.toLowerCase()) }))
    .filter(({ unlikeness: far }) => far <= Math.max(1, Math.floor(meant.length / 3)))
    .sort((a, b) => a.unlikeness - b.unlikeness)
    .slice(0, SUGGESTED_MAX)
    .map(({ each }) => each);
}

/** Shortest part of a name by which it is known. */
const PART_LENGTH_MIN = 3;

/** A name that only goes on, or has something before it, is nearly the same. */
function unlikeness(meant: string, name: string): number {
  const [short, long] = meant.length < name.length ? [meant, name] : [name, meant];
  if (short.length >= PART_LENGTH_MIN && short !== long && long.includes(short)) return 1;
  return distance(meant.slice(0, TOPIC_NAME_LENGTH_MAX), name);
}

/** Letters to change, add, remove or exchange with the next one (restricted Damerau-Levenshtein). */
function distance(a: string, b: string): number {
  let [before, last] = [[] as number[], Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      let least = Math.min(last[j - 1]! + Number(!isSame), last[j]! + 1, row[j - 1]! + 1);
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwapped) least = Math.min(least, before[j - 2]! + 1);
      row.push(least);
    }
    [before, last] = [last, row];
  }
  return last[b.length]!;
}
