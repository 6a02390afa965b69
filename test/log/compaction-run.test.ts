// One run of compaction beside a model: the last record of each key stays, at its offset, and everything else goes.
// Leaves to others: which range is compacted, and the crash-safe replacement of segments (log-compaction.test.ts).
import { describe, expect, test } from "bun:test";
import { SimulatedDisk } from "../support/simulated-disk.js";
import {
  batchesOf,
  compactFully,
  jobOf,
  type KeyedRecord,
  logBytes,
  recordsOf,
  writeRandomLog,
} from "../support/compaction-log.js";
import { Random } from "../support/random.js";

/** The last record of each key. */
function survivors(records: readonly KeyedRecord[]): KeyedRecord[] {
  const lastOf = new Map(records.map((record) => [record.key, record]));
  return records.filter((record) => record.key !== null && lastOf.get(record.key) === record);
}

describe("a run", () => {
  test("leaves the last record of each key, with every codec and any memory", async () => {
    for (let seed = 0; seed < 20; seed++) {
      const random = new Random(seed);
      const disk = new SimulatedDisk(random);
      const log = writeRandomLog(disk, random, {
        segments: 1 + random.below(5),
        batches: 8,
        records: 20,
        keys: random.pick([1, 10, 100]),
        keyless: random.pick([0, 0.1]),
        tombstones: random.pick([0, 0.3]),
      });
      const expected = survivors(log.records);
      const mapBytes = random.pick([1, 200, 2 ** 16]);
      const segmentBytes = random.pick([1, 2_000, 2 ** 20]);
      const job = jobOf(log, { mapBytes, segmentBytes });
      const { segments, runs } = await compactFully(disk, job);
      const bytes = logBytes(disk, segments);
      expect({ seed, records: recordsOf(bytes) }).toEqual({ seed, records: expected });
      batchesOf(bytes);
      if (mapBytes === 2 ** 16) expect(runs.length).toBe(1);

      const later = { ...job, segments, nowMs: job.nowMs + job.deleteRetentionMs };
      const soon = { ...later, nowMs: later.nowMs - 1, firstDirtyOffset: job.endOffset };
      const again = await compactFully(disk, soon);
      expect(recordsOf(logBytes(disk, again.segments))).toEqual(expected);
      const last = await compactFully(disk, { ...later, segments: again.segments });
      const values = expected.filter(({ value }) => value !== null);
      expect({ seed, records: recordsOf(logBytes(disk, last.segments)) }).toEqual({
        seed,
        records: values,
      });
    }
  });
});
