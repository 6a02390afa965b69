// How a walk leaves the event loop to others. Leaves to others: what it finds (browse.test.ts).
import { expect, test } from "bun:test";
import {
  type Direction,
  type FoundItem,
  PartitionWalk,
} from "../../../src/services/records/partition-walk.js";
import { RecordMatch, type RecordSearch } from "../../../src/services/records/record-match.js";
import { Selection } from "../../../src/services/records/selection.js";
import { WorkSlices } from "../../../src/services/records/work-slices.js";
import { BatchEncoder } from "../../../src/record/encoder.js";
import type { Partition } from "../../../src/topics/partition.js";
import { batchOf } from "../../support/broker.js";
import { openServices } from "../../support/services.js";

/** Counts the looks at the clock. */
class CountedSlices extends WorkSlices {
  looks = 0;

  override pause(): Promise<void> | undefined {
    this.looks++;
    return undefined;
  }
}

/** Searches all of a partition. Returns the looks at the clock, and the most bytes of log read at once. */
async function searched(
  partition: Partition,
  direction: Direction,
  search: RecordSearch,
): Promise<{ readonly looks: number; readonly bytesAtOnce: number }> {
  const done = { records: 0, bytes: 0, openedBytes: 0 };
  let bytesAtOnce = 0;
  const slices = new CountedSlices(new AbortController().signal);
  const end = partition.highWatermark;
  const [start, stop] = direction === "newer" ? [0, end] : [end, 0];
  const walk = new PartitionWalk(partition, direction, start, stop, {
    ...{ selection: new Selection<FoundItem>(10), match: new RecordMatch(search), slices },
    ...{ done, isInternal: false, evict: () => {} },
  });
  while (!walk.isOver) {
    const before = done.bytes;
    await walk.advance();
    bytesAtOnce = Math.max(bytesAtOnce, done.bytes - before);
  }
  return { looks: slices.looks, bytesAtOnce };
}

test.each(["newer", "older"] as const)(
  "small batches are read some hundreds at once, and the clock is looked at after each: %s",
  async (direction) => {
    const context = await openServices();
    await context.registry.create("t", 1, {});
    const partition = context.registry.partition("t", 0);
    await Promise.all(Array.from({ length: 3_000 }, () => partition.append(batchOf("x"))));
    const search = [{ field: "value", text: "absent", ignoresCase: true }] as const;
    const { looks, bytesAtOnce } = await searched(partition, direction, search);
    expect(looks).toBeGreaterThanOrEqual(3_000);
    expect(bytesAtOnce).toBeLessThanOrEqual(80 * 1024);
  },
);

test.each(["newer", "older"] as const)(
  "the clock is looked at after some records, sooner if they are large: %s",
  async (direction) => {
    const context = await openServices();
    await context.registry.create("t", 2, {});
    const looks: number[] = [];
    for (const [index, bytes] of [10, 3_000].entries()) {
      const encoder = new BatchEncoder();
      for (let i = 0; i < 96; i++) {
        encoder.append(i, null, JSON.stringify({ wanted: i, text: "x".repeat(bytes) }));
      }
      const partition = context.registry.partition("t", index);
      await partition.append(encoder.finish());
      const search = [{ field: "json", text: "$.wanted < 0", ignoresCase: false }] as const;
      looks.push((await searched(partition, direction, search)).looks);
    }
    const [small = 0, large = 0] = looks;
    expect(small).toBeGreaterThanOrEqual(3);
    expect(small).toBeLessThan(10);
    expect(large).toBeGreaterThanOrEqual(30);
  },
);
