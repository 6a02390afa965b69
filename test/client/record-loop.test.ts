// eachMessage and eachBatch: what is committed and when, errors of handlers, several handlers at a time, and how a loop ends.
import { describe, expect, test } from "bun:test";
import { connect, type ConsumerOptions, type LoopOptions } from "../../src/index.js";
import { codeOf, numbers, produce, setUp } from "../support/client-setup.js";
import { until } from "../support/until.js";

const T0 = { topic: "t", partition: 0 };

async function setUpTopic(values: number, partitions = 1) {
  const t = await setUp();
  await t.admin.createTopic("t", { partitions });
  await produce(t.client, "t", numbers(values));
  const committed = async () => (await t.admin.fetchOffsets("g", [T0]))[0]?.offset;
  const plain = (options: ConsumerOptions = {}) =>
    t.client.consumer({ topic: "t", group: "g", follow: false, ...options });
  const balanced = () => t.client.consumer({ balance: true, topics: ["t"], group: "g" });
  return { ...t, committed, plain, balanced };
}

describe("eachMessage", () => {
  test("handles every record in order, and commits what was processed", async () => {
    await using t = await setUpTopic(5);
    const seen: number[] = [];
    await t.plain().eachMessage(async ({ offset }) => {
      await Promise.resolve();
      seen.push(offset);
    });
    expect(seen).toEqual([0, 1, 2, 3, 4]);
    expect(await t.committed()).toBe(5);
    // Without a group there is nothing to commit.
    const { stats } = await (async () => {
      const consumer = t.client.consumer({ topic: "t", follow: false });
      await consumer.eachMessage(() => {});
      return consumer;
    })();
    expect(stats).toMatchObject({ records: 5, batches: expect.any(Number), commits: 0, lag: 0 });
  });

  test.each(["plain", "balanced"] as const)(
    "of a %s consumer gives a record back if its handler fails, and commits those before it",
    async (kind) => {
      await using t = await setUpTopic(5);
      const consumer = t[kind]();
      const failing = consumer.eachMessage(({ offset }) => {
        if (offset === 3) throw new Error("no");
      });
      expect(await codeOf(failing)).toBe("Error: no");
      expect(await t.committed()).toBe(3);
      const again: number[] = [];
      const stopping = new AbortController();
      await consumer.eachMessage(
        ({ offset }) => {
          again.push(offset);
          if (offset === 4) stopping.abort();
        },
        { signal: stopping.signal },
      );
      expect(again).toEqual([3, 4]);
      expect(await t.committed()).toBe(5);
    },
  );

  test("commits in the background while it waits for records", async () => {
    await using t = await setUpTopic(2);
    const stopping = new AbortController();
    const options: LoopOptions = { signal: stopping.signal, commitIntervalMs: 1 };
    const consumer = t.plain({ follow: true });
    const loop = consumer.eachMessage(() => {}, options);
    await until(() => consumer.stats.commits > 0);
    await until(async () => (await t.committed()) === 2);
    stopping.abort();
    await loop;
  });

  test("leaves commits to the program, which then commits what was processed so far", async () => {
    await using t = await setUpTopic(3);
    const consumer = t.plain();
    const found: unknown[] = [];
    await consumer.eachMessage(
      async ({ offset }) => {
        if (offset === 2) await consumer.commit();
        found.push(await t.committed());
      },
      { commitIntervalMs: false },
    );
    expect(found).toEqual([undefined, undefined, 2]);
    expect(await t.committed()).toBe(2);
  });

  test("handles several partitions at the same time, each in order", async () => {
    await using t = await setUpTopic(0, 3);
    const producer = t.client.producer();
    for (let i = 0; i < 9; i++) await producer.send("t", { value: "v", partition: i % 3 });
    let running = 0;
    let most = 0;
    const seen = new Map<number, number[]>();
    const together = Promise.withResolvers<void>();
    await t.plain().eachMessage(
      async ({ partition, offset }) => {
        most = Math.max(most, ++running);
        if (running === 3) together.resolve();
        if (offset === 0) await together.promise;
        seen.set(partition, [...(seen.get(partition) ?? []), offset]);
        running--;
      },
      { concurrency: 8 },
    );
    expect(most).toBe(3);
    expect([...seen.values()]).toEqual(Array(3).fill([0, 1, 2]));
    const places = [0, 1, 2].map((partition) => ({ topic: "t", partition }));
    expect((await t.admin.fetchOffsets("g", places)).map(({ offset }) => offset)).toEqual(
      Array(3).fill(3),
    );
  });

  test("tells the other handlers when one fails, and waits for them", async () => {
    await using t = await setUpTopic(0, 2);
    const producer = t.client.producer();
    for (const partition of [0, 1]) await producer.send("t", { value: "v", partition });
    let isOther = false;
    const began = Promise.withResolvers<void>();
    const loop = t.plain().eachMessage(
      async ({ partition }, { signal }) => {
        if (partition === 0) {
          await began.promise;
          throw new Error("no");
        }
        began.resolve();
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        isOther = true;
      },
      { concurrency: 2 },
    );
    expect(await codeOf(loop)).toBe("Error: no");
    expect(isOther).toBe(true);
  });

  test.each(["plain", "balanced"] as const)(
    "of a %s consumer ends when it is closed, and commits what was processed",
    async (kind) => {
      await using t = await setUpTopic(3);
      const consumer = t[kind]();
      const seen: number[] = [];
      let closing: Promise<void> | undefined;
      await consumer.eachMessage(({ offset }) => {
        seen.push(offset);
        if (offset === 1) closing = consumer.close();
      });
      await closing;
      expect(seen).toEqual([0, 1]);
      expect(await t.committed()).toBe(2);
    },
  );

  test("checks its options", async () => {
    await using t = await setUpTopic(0);
    const consumer = t.plain();
    const code = (options: unknown) =>
      codeOf(consumer.eachMessage(() => {}, options as LoopOptions));
    expect(await code({ concurrency: 0 })).toBe("INVALID_CONFIG");
    expect(await code({ commitIntervalMs: 0 })).toBe("INVALID_CONFIG");
    expect(await code({ signal: 7 })).toBe("INVALID_CONFIG");
    expect(await codeOf(consumer.eachBatch(undefined as never))).toBe("INVALID_CONFIG");
  });
});

describe("eachBatch", () => {
  test("handles the records of a fetch together, and gives all back if the handler fails", async () => {
    await using t = await setUpTopic(4);
    const consumer = t.plain();
    const failing = consumer.eachBatch(() => Promise.reject(new Error("no")));
    expect(await codeOf(failing)).toBe("Error: no");
    expect(await t.committed()).toBeUndefined();
    const seen: unknown[] = [];
    await consumer.eachBatch(({ topic, partition, records, highWatermark }) => {
      seen.push([topic, partition, records.map(({ offset }) => offset), highWatermark]);
    });
    expect(seen).toEqual([["t", 0, [0, 1, 2, 3], 4]]);
    expect(await t.committed()).toBe(4);
  });
});

test.each([true, false])("a handover waits for the handler, which fails: %p", async (fails) => {
  await using t = await setUpTopic(0, 2);
  const producer = t.client.producer();
  for (const partition of [0, 1]) await producer.send("t", { value: "v", partition });
  await using other = await connect({ broker: t.broker.address });
  const options = { balance: true, topics: ["t"], group: "g", maxWaitMs: 10 } as const;
  const first = t.client.consumer(options);
  const began = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const handled: number[] = [];
  const loop = first.eachMessage(
    async ({ partition }) => {
      handled.push(partition);
      if (handled.length === 2) began.resolve();
      await released.promise;
      if (fails) throw new Error("no");
    },
    { concurrency: 2 },
  );
  const outcome = codeOf(loop);
  await began.promise;
  const second = other.consumer(options);
  const next = second.nextBatch();
  // The broker has asked for a partition once a heartbeat is answered without it.
  const isAsked = async () => (await t.admin.describeMembers("g")).state === "Reconciling";
  await until(isAsked);
  await t.client.ping();
  released.resolve();
  await until(() => second.assignment.length > 0);
  // What was handled is committed, and not returned again.
  if (fails) expect((await next)?.next()).toBe(true);
  await second.close();
  if (!fails) expect(await next).toBeNull();
  await first.close();
  expect(await outcome).toBe(fails ? "Error: no" : "no error");
  const places = [0, 1].map((partition) => ({ topic: "t", partition }));
  const offsets = (await t.admin.fetchOffsets("g", places)).map(({ offset }) => offset ?? 0);
  expect(offsets).toEqual(fails ? [0, 0] : [1, 1]);
});
