// The order of records that came in several answers. Pure. Leaves to others: asking for them (record-load.ts).
import type { RecordItem } from "../../../services/records/record-item.js";

/** First offset of an item. */
export function firstOf(item: RecordItem): number {
  return "offset" in item ? item.offset : item.from;
}

/** A name of an item that no other item of its topic has at the same time. */
export function keyOf(item: RecordItem): string {
  return `${item.kind} ${item.partition} ${firstOf(item)}`;
}

/**
 * Merges by time: of each partition in the order of its offsets, and of all partitions the one whose next record is the oldest. Items
 * that are no records come before the next record of their partition. Gaps that lie side by side become one.
 */
export function inOrder(items: readonly RecordItem[]): RecordItem[] {
  const byPartition = Map.groupBy(items, ({ partition }) => partition);
  const all: { readonly item: RecordItem; readonly key: number }[] = [];
  for (const of of byPartition.values()) {
    let key = Number.NEGATIVE_INFINITY;
    for (const item of joined(of.toSorted((a, b) => firstOf(a) - firstOf(b)))) {
      if ("timestamp" in item) key = Math.max(key, item.timestamp);
      all.push({ item, key });
    }
  }
  // The sort is stable, so a partition keeps its order.
  return all
    .sort((a, b) => a.key - b.key || a.item.partition - b.item.partition)
    .map(({ item }) => item);
}

function joined(items: readonly RecordItem[]): RecordItem[] {
  const result: RecordItem[] = [];
  for (const item of items) {
    const last = result.at(-1);
    if (
      item.kind === "gap" &&
      last?.kind === "gap" &&
      last.why === item.why &&
      last.to === item.from
    ) {
      result[result.length - 1] = { ...last, to: item.to };
    } else result.push(item);
  }
  return result;
}
