// Receives the comparisons of a binary search in an index, for `explain` and the page.
// Leaves to others: the rest of a lookup (segment/lookup-trace.ts).

export interface EntryTrace {
  /** The target was compared with entry number `i`: with its relative offset, or its timestamp. */
  comparedEntry(i: number, value: number): void;
}
