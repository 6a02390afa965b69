// Records over time, against a count of what was written. Leaves to others: the route (test/http/api/records.test.ts).
import { expect, test } from "bun:test";
import {
  recordsOverTime,
  type TimeQuery,
} from "../../../src/services/records/records-over-time.js";
import { FIELD, LOG_APPEND_TIME_BIT } from "../../../src/record/batch.js";
import { DELETE_HORIZON_BIT } from "../../../src/record/delete-horizon.js";
import { BatchEncoder } from "../../../src/record/encoder.js";
import { stampCrc } from "../../record/batches.js";
import { batchOf, codeOf } from "../../support/log-fixture.js";
import { Random } from "../../support/random.js";
import { SimulatedDisk } from "../../support/simulated-disk.js";
import { openServices } from "../../support/services.js";

const NEVER = new AbortController().signal;
const BEGIN = 1_000_000;

const ALL: TimeQuery = { topic: "t", partition: undefined, fromMs: undefined, toMs: undefined };

/** A topic with batches at these times, one after the other in each partition. */
async function contextWith(
  batches: readonly (readonly [partition: number, ms: number, records: number])[],
) {
  const context = await openServices();
  await context.registry.create("t", 3, { "segment.bytes": "1500" });
  for (const [partition, ms, records] of batches) {
    const batch = batchOf(Array(records).fill("x"), BEGIN + ms);
    await context.registry.partition("t", partition).append(batch);
  }
  return context;
}

const written = (random: Random) =>
  Array.from({ length: 100 }, (_, i) => [random.below(2), 600 * i, 1 + random.below(9)] as const);

test("each part has the records of its time, over all partitions or in one", async () => {
  const batches = written(new Random(7));
  const context = await contextWith(batches);
  for (const [query, from, to] of [
    [{}, 0, 59_400],
    [
      { partition: 1 },
      batches.find(([each]) => each === 1)![1],
      batches.findLast(([each]) => each === 1)![1],
    ],
    [{ fromMs: BEGIN + 12_000, toMs: BEGIN + 24_000 }, 12_000, 24_000],
  ] as const) {
    const found = await recordsOverTime(context, { ...ALL, ...query }, NEVER);
    expect([found.fromMs, found.toMs]).toEqual([BEGIN + from, BEGIN + to]);
    const expected = new Array<number>(60).fill(0);
    for (const [partition, ms, records] of batches) {
      if (ms < from || ms > to || ("partition" in query && partition !== query.partition)) continue;
      expected[Math.max(0, Math.ceil((60 * (ms - from)) / (to - from)) - 1)]! += records;
    }
    expect(found.counts).toEqual(expected);
  }
});

test("without records there are no times, and a record alone has one", async () => {
  const context = await contextWith([]);
  const none = { fromMs: null, toMs: null, counts: [] };
  expect(await recordsOverTime(context, ALL, NEVER)).toEqual(none);
  await context.registry.partition("t", 2).append(batchOf(["x"], BEGIN));
  const { counts } = await recordsOverTime(context, ALL, NEVER);
  expect(counts.reduce((sum, each) => sum + each)).toBe(1);
  expect(await recordsOverTime(context, { ...ALL, fromMs: 2, toMs: 1 }, NEVER)).toEqual(none);
});

test("the records of a batch are spread over its time, unless it has only the time of its append", async () => {
  const context = await contextWith([]);
  const append = async (partition: number, attributes: number) => {
    const encoder = new BatchEncoder({ codec: "gzip" });
    for (let i = 0; i <= 120; i++) encoder.append(BEGIN + 1_000 * i, null, "x");
    const batch = encoder.finish().slice();
    batch[FIELD.attributes + 1]! |= attributes;
    await context.registry.partition("t", partition).append(stampCrc(batch));
  };
  await append(0, 0);
  const spread = await recordsOverTime(context, ALL, NEVER);
  expect([spread.fromMs, spread.toMs]).toEqual([BEGIN, BEGIN + 120_000]);
  expect(Math.min(...spread.counts)).toBeGreaterThanOrEqual(2);
  expect(Math.max(...spread.counts)).toBeLessThanOrEqual(3);
  expect(spread.counts.reduce((sum, each) => sum + each)).toBe(121);
  await append(1, LOG_APPEND_TIME_BIT);
  await append(2, DELETE_HORIZON_BIT);
  for (const partition of [1, 2]) {
    const { fromMs, counts } = await recordsOverTime(context, { ...ALL, partition }, NEVER);
    expect(fromMs).toBe(BEGIN + 120_000);
    expect(counts.filter((count) => count > 0)).toEqual([121]);
  }
});

test("records that are older than those before them are not lost", async () => {
  const context = await contextWith([
    [0, 500, 3],
    [0, 100, 4],
    [1, 300, 5],
    [0, 900, 6],
  ]);
  const { counts } = await recordsOverTime(context, ALL, NEVER);
  expect(counts.reduce((sum, each) => sum + each)).toBe(18);
});

test("the work ends when the browser goes away", async () => {
  const context = await contextWith(written(new Random(1)));
  const gone = AbortSignal.abort();
  expect(await codeOf(() => recordsOverTime(context, ALL, gone))).toBe("INVALID_REQUEST");
});

test("a few segments are opened in a turn, also in a part of the time", async () => {
  const disk = new SimulatedDisk(new Random(1));
  const context = await openServices({}, { disk });
  await context.registry.create("t", 1, { "segment.bytes": "1024" });
  const partition = context.registry.partition("t", 0);
  for (let i = 0; i < 100; i++) await partition.append(batchOf(["x".repeat(900)], BEGIN + i));
  let opened = 0;
  let openedMost = 0;
  const map = disk.map.bind(disk);
  disk.map = (path) => {
    if (opened++ === 0) setImmediate(() => (opened = 0));
    openedMost = Math.max(openedMost, opened);
    return map(path);
  };
  const query = { ...ALL, fromMs: BEGIN, toMs: BEGIN + 98 };
  const { counts } = await recordsOverTime(context, query, NEVER);
  expect(counts.reduce((sum, each) => sum + each)).toBe(99);
  // At most the log and two indexes of each.
  expect(openedMost).toBeLessThanOrEqual(3 * 16);
  expect(openedMost).toBeGreaterThan(0);
});
