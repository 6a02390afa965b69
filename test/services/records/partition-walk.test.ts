// How a walk leaves the event loop to others. Leaves to others: what it finds (browse.test.ts).
import { expect, test } from "bun:test";
import {
  type Direction,
  type FoundItem,
  PartitionWalk,
} from "../../../src/services/records/partition-walk.js";
import { RecordMatch } from "../../../src/services/records/record-match.js";
import { Selection } from "../../../src/services/records/selection.js";
import { WorkSlices } from "../../../src/services/records/work-slices.js";
import { BatchEncoder } from "../../../src/record/encoder.js";
import { openServices } from "../../support/services.js";

/** Counts the looks at the clock, and how many records were searched at most between two. */
class CountedSlices extends WorkSlices {
  looks = 0;

  override pause(): Promise<void> | undefined {
    this.looks++;
    return undefined;
  }
}

test.each(["newer", "older"] as const)(
  "the clock is looked at after some records, sooner if they are large: %s",
  async (direction: Direction) => {
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
      const slices = new CountedSlices(new AbortController().signal);
      const match = new RecordMatch({ field: "json", text: "$.wanted < 0", ignoresCase: false });
      const [start, stop] = direction === "newer" ? [0, 96] : [96, 0];
      const walk = new PartitionWalk(partition, direction, start, stop, {
        ...{ selection: new Selection<FoundItem>(10), match, slices, isInternal: false },
        done: { records: 0, bytes: 0, openedBytes: 0 },
        evict: () => {},
      });
      while (!walk.isOver) await walk.advance();
      looks.push(slices.looks);
    }
    const [small = 0, large = 0] = looks;
    expect(small).toBeGreaterThanOrEqual(3);
    expect(small).toBeLessThan(10);
    expect(large).toBeGreaterThanOrEqual(30);
  },
);
