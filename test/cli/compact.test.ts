// What `rustlog compact` prints. Leaves to others: the fields of --json (json-fields.test.ts).
import { expect, test } from "bun:test";
import type { CompactedPartition } from "../../src/client/admin-types.js";
import { formatCompacted } from "../../src/cli/compact.js";

const DONE = {
  ...{ partition: 0, state: "done", doneBytes: 100, totalBytes: 100, durationMs: 20 },
  ...{ recordsBefore: 10, recordsAfter: 2, bytesBefore: 1_000, bytesAfter: 250 },
} satisfies CompactedPartition;

const NOTHING = { ...DONE, recordsBefore: 0, recordsAfter: 0, bytesBefore: 0, bytesAfter: 0 };

const FAILED: CompactedPartition = { ...NOTHING, partition: 1, state: "failed", error: "why" };

test("a table has the partitions that were compacted, and a total", () => {
  expect(formatCompacted([DONE, FAILED]).split("\n")).toEqual([
    "PARTITION  RECORDS  AFTER  SIZE     AFTER  SAVED  SECONDS",
    "        0  10       2      1.00 kB  250 B  75 %   0.02",
    "",
    "Removed 8 records and 750 B (75 %) in 0.02 s",
    "",
  ]);
});

test("there was nothing to compact only if no partition failed", () => {
  expect(formatCompacted([NOTHING])).toStartWith("Nothing to compact");
  expect(formatCompacted([FAILED])).toBe("");
});
