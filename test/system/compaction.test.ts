// Compaction in the compiled broker, in its thread, while it is killed: the small version of `bun run test:compaction`.
import { expect, test } from "bun:test";
import { compactionRounds } from "./compaction-rounds.js";

test("kills in the middle of compactions lose no key, double no record and move none", async () => {
  const summary = await compactionRounds({
    ...{ updates: 8_000, keys: 200, rounds: 1, seed: 5 },
    ...{ segmentBytes: 32 * 1024, withKafka: false },
  });
  expect(summary.updates).toBeGreaterThanOrEqual(8_000);
  expect(summary.bytesLeft).toBeLessThan(summary.bytesWritten / 2);
}, 60_000);
