// The story of a record that was written. Leaves to others: playing it (player.test.ts).
import { expect, test } from "bun:test";
import { LogShape } from "../../../../src/http/page/log/log-shape.js";
import { produceStory } from "../../../../src/http/page/produce/produce-steps.js";
import type { ProduceReport } from "../../../../src/http/page/produce/produce-wire.js";

const SHAPE = new LogShape({
  ...{ topic: "orders", partition: 3, firstBase: 0, logStart: 0, highWatermark: 8, logEnd: 8 },
  ...{ endSegment: 0, endPosition: 160, activeBase: 0, activeBytes: 160 },
  ...{ sealedCount: 0, sealedBytes: 0, revision: 0, newestMs: null, compactedTo: null },
});

const REPORT: ProduceReport = {
  ...{ topic: "orders", partition: 3, partitions: 4, chosenBy: "key", offset: 7, codec: "none" },
  ...{ hex: "00".repeat(80), bytes: 80, crc: "0x00000000", segment: 0, position: 80 },
  ...{ hasRolled: false, indexEntry: null, bytesSinceEntry: 80, intervalBytes: 4096 },
  ...{ flush: "always", acknowledgedMs: 1, highWatermarkBefore: 7, highWatermark: 8 },
};

test("begins with the partition, and ends where the record can be read", () => {
  const { title, steps, result } = produceStory(REPORT, SHAPE);
  expect(title).toBe("How record 7 got into orders, partition 3");
  expect(steps.map((step) => step.title)).toEqual([
    ...["Partition 3", "Encoded as a batch", "Offset 7", "Appended to the segment"],
    ...["No index entry", "Acknowledged", "Readable"],
  ]);
  expect(steps.at(-1)?.place?.span).toEqual({ from: 80, to: 160 });
  expect(result).toEqual({ topic: "orders", partition: 3, segment: 0, position: 80, offset: 7 });
});

test("says why this partition, and with which codec", () => {
  const said = (report: Partial<ProduceReport>, step = 0) =>
    produceStory({ ...REPORT, ...report }, SHAPE).steps[step]?.text;
  expect(said({})).toContain("murmur2 of its bytes, without the sign bit, modulo 4 is 3");
  expect(said({ chosenBy: "order" })).toBe(
    "You chose it: the topic has 4 partitions, numbered from 0.",
  );
  expect(said({ chosenBy: "chance" })).toStartWith("The record has no key, so any of 4 partitions");
  expect(said({ partitions: 1 })).toStartWith("The topic has only this partition");
  expect(said({}, 1)).not.toContain("compressed");
  expect(said({ codec: "zstd" }, 1)).toContain("then the record, compressed with zstd.");
});
