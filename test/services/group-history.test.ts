// The lag of a group in the last hour, from its commits and the timestamps of records.
// Leaves to others: the commits in the log (test/groups/offset-history.test.ts).
import { expect, test } from "bun:test";
import { GroupCoordinator } from "../../src/groups/coordinator.js";
import { OffsetStore } from "../../src/groups/offsets/offset-store.js";
import { readGroupHistory } from "../../src/services/group-history.js";
import { batchOf, codeOf } from "../support/log-fixture.js";
import { ManualClock } from "../support/manual-clock.js";
import { openServices } from "../support/services.js";

const MINUTE = 60_000;
const BEGIN = 100 * MINUTE;
const NOW = BEGIN + 60 * MINUTE;
const SIGNAL = new AbortController().signal;

async function setUp(mode: "durable" | "memory" = "durable") {
  const services = await openServices();
  const { registry } = services;
  let now = 0;
  const offsets = await OffsetStore.open({ registry, mode, now: () => now, report() {} });
  const groups = await GroupCoordinator.open({
    ...{ registry, offsets, clock: new ManualClock(), initialRebalanceDelayMs: 0, report() {} },
  });
  const context = { ...services, offsets, groups };
  const write = async (minute: number, records: number, partition = 0) => {
    const batch = batchOf(Array(records).fill(""), BEGIN + minute * MINUTE);
    await registry.partition("t", partition).append(batch);
  };
  const commit = async (minute: number, offset: number, partition = 0) => {
    now = BEGIN + minute * MINUTE;
    await offsets.commit("g", [{ topic: "t", partition, offset }]);
  };
  await registry.create("t", 2, {});
  return { context, write, commit };
}

test("the lag at a time is what was written by then and not committed", async () => {
  const { context, write, commit } = await setUp();
  await write(10, 100);
  await commit(15, 40);
  await write(20, 10, 1);
  await write(30, 100);
  await commit(40, 200);
  // Still unread, and with a time that is still to come.
  await write(70, 5);
  const { times, partitions } = await readGroupHistory(context, "g", NOW, SIGNAL);
  expect(times).toEqual(Array.from({ length: 61 }, (_, i) => BEGIN + i * MINUTE));
  const [first, second] = partitions;
  const at = (values: readonly number[] = []) =>
    [0, 9, 10, 14, 15, 29, 30, 39, 40, 59, 60].map((minute) => values[minute]);
  expect(at(first?.ends)).toEqual([0, 0, 100, 100, 100, 100, 200, 200, 200, 200, 205]);
  expect(at(first?.committed)).toEqual([-1, -1, -1, -1, 40, 40, 40, 40, 200, 200, 200]);
  expect(at(first?.lags)).toEqual([0, 0, 100, 100, 60, 60, 160, 160, 0, 0, 5]);
  expect(at(second?.lags)).toEqual([0, 0, 0, 0, 0, 10, 10, 10, 10, 10, 10]);
});

test("a group that has committed nothing for an hour needs no log of commits", async () => {
  const { context, write, commit } = await setUp("memory");
  await write(-10, 50);
  await commit(-5, 20);
  await write(30, 7);
  const { partitions } = await readGroupHistory(context, "g", NOW, SIGNAL);
  expect(new Set(partitions[0]?.lags.slice(0, 30))).toEqual(new Set([30]));
  expect(new Set(partitions[0]?.lags.slice(30))).toEqual(new Set([37]));
  // Without a commit, nothing tells whether there was one.
  expect(partitions[1]?.committed.slice(-2)).toEqual([Number.NaN, -1]);
});

test("many partitions have fewer times, and very many no history", async () => {
  const { context } = await setUp("memory");
  await context.registry.create("many", 300, {});
  const commit = (topic: string) =>
    context.offsets.commit("g", [{ topic, partition: 0, offset: 0 }]);
  await commit("many");
  const { times, partitions } = await readGroupHistory(context, "g", NOW, SIGNAL);
  expect([times.length, partitions.length]).toEqual([31, 300]);
  await context.registry.create("more", 900, {});
  await commit("more");
  const read = () => readGroupHistory(context, "g", NOW, SIGNAL);
  expect(await codeOf(read)).toBe("INVALID_REQUEST");
});
