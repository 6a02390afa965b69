// Fetch of many partitions, with plain values: what is read, and when a fetch that waits ends.
// Leaves to others: connections that wait (broker/fetch-wait.test.ts).
import { describe, expect, test } from "bun:test";
import { readAll } from "../../src/log/segment/log-slice.js";
import { EVERYONE } from "../../src/security/caller.js";
import { type ServiceContext, withCaller } from "../../src/services/context.js";
import {
  fetch,
  type FetchPosition,
  type FetchQuery,
  type FetchResult,
  WaitingFetch,
} from "../../src/services/fetch.js";
import type { Partition } from "../../src/topics/partition.js";
import { batchOf, codeOf, recordsIn } from "../support/log-fixture.js";
import { Random } from "../support/random.js";
import { openServices } from "../support/services.js";
import { SimulatedDisk } from "../support/simulated-disk.js";

const MUCH = 1_000_000;
const FOREVER_MS = 600_000;

/** Size of a batch with one value of one byte. */
const BATCH_BYTES = batchOf(["a"]).length;

async function open(partitions = 3): Promise<ServiceContext> {
  const context = await openServices();
  await context.registry.create("t", partitions, {});
  return context;
}

const at = (partition: number, offset = 0, bytesMax = MUCH): FetchPosition => ({
  ...{ topic: "t", partition, offset, bytesMax },
});

const query = (positions: FetchPosition[], others: Partial<FetchQuery> = {}): FetchQuery => ({
  ...{ positions, bytesMax: MUCH, bytesMin: 1, waitMs: 0 },
  ...others,
});

async function append(context: ServiceContext, partition: number, ...values: string[]) {
  for (const value of values) {
    await context.registry.partition("t", partition).append(batchOf([value]));
  }
}

/** Values of the records in a result, or its error. */
function shown(result: FetchResult): string {
  if ("error" in result) return result.error.code;
  return recordsIn(readAll(result), result.startOffset)
    .map(({ value }) => value)
    .join("");
}

const read = (context: ServiceContext, ask: FetchQuery): string[] => {
  const results = fetch(context, ask);
  if (results instanceof WaitingFetch) throw new Error("the fetch would wait");
  return results.map(shown);
};

/** Starts a fetch that must wait; `results` is filled when it ends, and `turns` counts how often it was due. */
function wait(context: ServiceContext, ask: FetchQuery) {
  const waiting = fetch(context, ask);
  if (!(waiting instanceof WaitingFetch)) throw new Error("the fetch does not wait");
  const state = { waiting, turns: 0, results: [] as string[][], bugs: [] as unknown[] };
  waiting.begin({
    whenTime(call) {
      state.turns++;
      call();
    },
    done: (results) => state.results.push(results.map(shown)),
    failed: (error) => state.bugs.push(error),
  });
  return state;
}

/** Counts how often partitions are read from now on. */
function countReads(context: ServiceContext, ...partitions: number[]): () => number {
  let reads = 0;
  for (const index of partitions) {
    const partition: Partition = context.registry.partition("t", index);
    const original = partition.read.bind(partition);
    partition.read = (offset, bytesMax) => {
      reads++;
      return original(offset, bytesMax);
    };
  }
  return () => reads;
}

describe("a fetch of many partitions", () => {
  test("has a result for each, in order; a failed one does not affect the others", async () => {
    const context = await open();
    await append(context, 0, "a", "b");
    await append(context, 2, "c");
    const missing = { ...at(0), topic: "missing" };
    const old = { ...at(0), topicId: "00000000-0000-4000-8000-00000000000f" };
    const asked = [at(2), missing, at(0, 1), at(7), at(0, -1), at(1), old];
    expect(read(context, query(asked))).toEqual([
      ...["c", "UNKNOWN_TOPIC_OR_PARTITION", "b", "UNKNOWN_TOPIC_OR_PARTITION"],
      ...["OFFSET_OUT_OF_RANGE", "", "UNKNOWN_TOPIC_ID"],
    ]);
    const [result] = fetch(context, query([at(0, 1)])) as readonly FetchResult[];
    expect(result).toMatchObject({
      ...{ startOffset: 1, nextOffset: 2, highWatermark: 2, logStartOffset: 0 },
      topicId: context.registry.find("t")?.id,
    });
  });

  test("stays within the limits of each partition and of all, but returns at least one batch", async () => {
    const context = await open();
    for (const partition of [0, 1, 2]) await append(context, partition, "a", "b", "c");
    const bounded = (bytesMax: number, each = MUCH) =>
      read(context, query([at(0, 0, each), at(1, 0, each), at(2, 0, each)], { bytesMax }));
    expect(bounded(MUCH)).toEqual(["abc", "abc", "abc"]);
    expect(bounded(MUCH, 2 * BATCH_BYTES)).toEqual(["ab", "ab", "ab"]);
    expect(bounded(5 * BATCH_BYTES)).toEqual(["abc", "ab", ""]);
    expect(bounded(4 * BATCH_BYTES - 1)).toEqual(["abc", "", ""]);
    expect(bounded(4 * BATCH_BYTES - 1, 2 * BATCH_BYTES)).toEqual(["ab", "a", ""]);
    expect(bounded(1)).toEqual(["a", "", ""]);
    expect(bounded(0)).toEqual(["a", "", ""]);
    expect(read(context, query([at(0, 3), at(1)], { bytesMax: 1 }))).toEqual(["", "a"]);
  });

  test("says for each partition where reading can continue after damage", async () => {
    const disk = new SimulatedDisk(new Random(1));
    const context = await openServices({}, { disk });
    await context.registry.create("t", 2, {});
    for (const partition of [0, 1]) {
      await append(context, partition, "a", "b", "c");
      await context.registry.partition("t", partition).roll();
    }
    disk.flipBit("data/topics/t/1/00000000000000000000.log", 8 * (2 * BATCH_BYTES - 1));
    const [whole, failure] = fetch(context, query([at(0, 1), at(1, 1)])) as readonly FetchResult[];
    expect(whole && shown(whole)).toBe("bc");
    expect(failure).toMatchObject({ error: { code: "CORRUPT_MESSAGE" }, offsetAfterDamage: 2 });
    expect(read(context, query([at(1), at(1, 2)]))).toEqual(["a", "c"]);
  });

  test("starts at the group's committed offset if that is larger", async () => {
    const context = await open();
    for (const partition of [0, 1]) await append(context, partition, "a", "b", "c");
    await context.offsets.commit("g", [{ topic: "t", partition: 1, offset: 2 }]);
    const ask = query([at(0, 1), at(1, 1)], { group: "g" });
    expect(read(context, ask)).toEqual(["bc", "c"]);
    expect(await codeOf(() => fetch(context, { ...ask, group: "" }))).toBe("INVALID_GROUP");
  });
});

describe("a fetch that waits", () => {
  test("ends once all partitions together have enough bytes, and reads only when they may be there", async () => {
    const context = await open();
    await append(context, 0, "a");
    const reads = countReads(context, 0, 1, 2);
    const bytesMin = 4 * BATCH_BYTES;
    const state = wait(context, query([at(0), at(1), at(2)], { bytesMin, waitMs: FOREVER_MS }));
    expect(reads()).toBe(3);
    await append(context, 1, "b");
    expect([state.turns, reads()]).toEqual([1, 6]);
    await append(context, 1, "c");
    expect(state.results).toEqual([]);
    await append(context, 2, "d");
    expect(state.results).toEqual([["a", "bc", "d"]]);
    await append(context, 2, "e");
    expect(state.results).toHaveLength(1);
  });

  test("locates nothing twice: one read at the start, one when its bytes have arrived", async () => {
    const context = await open(1);
    await append(context, 0, "a");
    const reads = countReads(context, 0);
    const bytesMin = 3 * BATCH_BYTES;
    const state = wait(context, query([at(0)], { bytesMin, waitMs: FOREVER_MS }));
    await append(context, 0, "b");
    expect(reads()).toBe(1);
    await append(context, 0, "c");
    expect(state.results).toEqual([["abc"]]);
    expect(reads()).toBe(2);
    expect(read(context, query([at(0)], { bytesMin, waitMs: FOREVER_MS }))).toEqual(["abc"]);
    expect(reads()).toBe(3);
  });

  test("does not begin if waiting is useless: an error, or more data than fits", async () => {
    const context = await open();
    await append(context, 0, "a", "b", "c");
    const others = { waitMs: FOREVER_MS, bytesMin: MUCH };
    expect(read(context, query([at(1), at(9)], others))).toEqual([
      "",
      "UNKNOWN_TOPIC_OR_PARTITION",
    ]);
    for (let bytesMax = 1; bytesMax < 3 * BATCH_BYTES; bytesMax++) {
      const whole = Math.max(1, Math.floor(bytesMax / BATCH_BYTES));
      expect(read(context, query([at(0)], { ...others, bytesMax }))).toEqual([
        "abc".slice(0, whole),
      ]);
    }
    expect(read(context, query([at(1), at(0, 0, 1)], others))).toEqual(["", "a"]);
    expect(read(context, query([at(1)], { ...others, bytesMin: 0 }))).toEqual([""]);
  });

  test("ends with the available data when its time is up, or its caller ends it", async () => {
    const context = await open();
    await append(context, 0, "a");
    const others = { bytesMin: MUCH, waitMs: FOREVER_MS };
    const told = wait(context, query([at(0), at(1)], others));
    await append(context, 1, "b");
    told.waiting.finish();
    told.waiting.finish();
    expect(told.results).toEqual([["a", "b"]]);
    const timed = wait(context, query([at(0)], { ...others, waitMs: 1 }));
    while (timed.results.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(timed.results).toEqual([["a"]]);
  });

  test("ends with an error when a partition closes; a cancelled one calls nobody", async () => {
    const context = await open();
    const topicId = context.registry.find("t")?.id;
    const others = { bytesMin: MUCH, waitMs: FOREVER_MS };
    const state = wait(context, query([at(0), { ...at(1), topicId }], others));
    const cancelled = wait(context, query([at(0), at(1)], others));
    cancelled.waiting.cancel();
    cancelled.waiting.finish();
    await context.registry.delete("t");
    expect(state.results).toEqual([["UNKNOWN_TOPIC_OR_PARTITION", "UNKNOWN_TOPIC_ID"]]);
    expect(cancelled.results).toEqual([]);
  });

  test("reports a bug to its caller, and ends", async () => {
    const context = await open(1);
    const state = wait(context, query([at(0)], { waitMs: FOREVER_MS }));
    const bug = new TypeError("a bug");
    context.registry.partition("t", 0).read = () => {
      throw bug;
    };
    await append(context, 0, "a", "b");
    state.waiting.finish();
    expect([state.bugs, state.results]).toEqual([[bug], []]);
  });

  test("past the end waits for its offset", async () => {
    const context = await open(1);
    const state = wait(context, query([at(0, 2)], { waitMs: FOREVER_MS }));
    await append(context, 0, "a", "b");
    expect(state.results).toEqual([]);
    await append(context, 0, "c");
    expect(state.results).toEqual([["c"]]);
  });
});

test("a fetch that waits gets nothing once the permission is taken away", async () => {
  const context = await open();
  let mayRead = true;
  const ann = withCaller(context, { ...EVERYONE, may: () => mayRead });
  const waiting = fetch(ann, query([at(0)], { waitMs: FOREVER_MS }));
  if (!(waiting instanceof WaitingFetch)) throw new Error("the fetch does not wait");
  const results = await new Promise<readonly FetchResult[]>((done, failed) => {
    waiting.begin({ whenTime: (call) => call(), done, failed });
    mayRead = false;
    void append(context, 0, "secret");
  });
  expect(results).toMatchObject([{ error: { code: "TOPIC_AUTHORIZATION_FAILED" } }]);
});
