// Produce, with plain values. Leaves to others: acknowledgement and flushes (topics/partition.test.ts).
import { expect, test } from "bun:test";
import { RustLogError } from "../../src/errors.js";
import type { Outcome } from "../../src/services/outcome.js";
import { produce } from "../../src/services/produce.js";
import { type Appended, produceAll } from "../../src/services/produce-all.js";
import { batchOf, codeOf, recordsFrom } from "../support/log-fixture.js";
import { openServices } from "../support/services.js";

/** A result in a form that tests compare. */
const shown = (result: { readonly baseOffset: number } | RustLogError) =>
  result instanceof RustLogError ? result.code : result.baseOffset;

test("a failed batch has its error in its place, and the others are appended", async () => {
  const context = await openServices();
  await context.registry.create("t", 2, {});
  const damaged = batchOf(["x"]);
  damaged.fill(1, damaged.length - 2);
  const batches = [
    { topic: "t", partition: 0, batch: [batchOf(["a", "b"])] },
    { topic: "t", partition: 2, batch: [batchOf(["c"])] },
    { topic: "t", partition: 1, batch: [damaged] },
    { topic: "__consumer_offsets", partition: 0, batch: [batchOf(["d"])] },
    { topic: "t", partition: 0, batch: [batchOf(["e"])] },
    { topic: "new", partition: 0, batch: [batchOf(["f"])] },
    { topic: "t", partition: 1, batch: [batchOf(["h".repeat(10_000)])] },
  ] as const;
  const results = await new Promise<readonly Outcome<Appended>[]>((resolve) => {
    produceAll(context, batches, resolve);
  });
  expect(results.map(shown)).toEqual([
    0,
    "UNKNOWN_TOPIC_OR_PARTITION",
    "CORRUPT_MESSAGE",
    "INVALID_TOPIC",
    2,
    "UNKNOWN_TOPIC_OR_PARTITION",
    "MESSAGE_TOO_LARGE",
  ]);
  expect(context.registry.partition("t", 1).highWatermark).toBe(0);
  expect(context.registry.find("new")).toBeUndefined();
});

test("max.message.bytes of a topic counts instead of the broker's limit, from the next batch on", async () => {
  const context = await openServices({ batchBytesMax: 200 });
  const [small, large] = [batchOf(["x".repeat(50)]), batchOf(["x".repeat(300)])];
  const outcome = (batch: Uint8Array) =>
    codeOf(() => produce(context, { topic: "t", partition: 0, batch: [batch] }));
  await context.registry.create("t", 1, { "max.message.bytes": `${large.length}` });
  expect(await outcome(large)).toBeUndefined();
  await context.registry.alterSettings("t", { "max.message.bytes": `${small.length - 1}` });
  expect(await outcome(small)).toBe("MESSAGE_TOO_LARGE");
  await context.registry.alterSettings("t", {});
  expect(await outcome(small)).toBeUndefined();
  expect(await outcome(large)).toBe("MESSAGE_TOO_LARGE");
});

test("batches that arrive while their topic is created are appended in order of arrival", async () => {
  const context = await openServices({ defaultPartitions: 1 });
  const values: string[] = [];
  const produced: Promise<number>[] = [];
  const next = (): void => {
    const value = `${values.length}`;
    values.push(value);
    produced.push(produce(context, { topic: "new", partition: 0, batch: [batchOf([value])] }));
  };
  // One in each step of the creation, until some find the existing topic, so that none can overtake another.
  next();
  const creating = context.registry.ensure("new");
  let isCreated = false;
  void Promise.resolve(creating).then(() => {
    isCreated = true;
  });
  for (let after = 0; after < 10; after += isCreated ? 1 : 0) {
    await undefined;
    next();
    if (values.length % 50 === 0) await new Promise<void>((resolve) => setImmediate(resolve));
  }
  expect(await Promise.all(produced)).toEqual(values.map((_, i) => i));
  const partition = context.registry.partition("new", 0);
  const found = recordsFrom((offset, bytes) => partition.read(offset, bytes), 0, values.length);
  expect(found.map(({ value }) => value)).toEqual(values);
});

test("no topic is created for a batch that is rejected, or if the broker creates no topics", async () => {
  const context = await openServices({ autoCreateTopics: false });
  const batch = batchOf(["a"]);
  const invalid = batch.subarray(0, 40);
  const outcome = (topic: string, partition: number, bytes: Uint8Array) =>
    codeOf(() => produce(context, { topic, partition, batch: [bytes] }));
  expect(await outcome("new", 0, batch)).toBe("UNKNOWN_TOPIC_OR_PARTITION");
  expect(await outcome("new", 0, invalid)).toBe("CORRUPT_MESSAGE");
  const creating = await openServices();
  const invalidOne = produce(creating, { topic: "new", partition: 0, batch: [invalid] });
  expect(await codeOf(() => invalidOne)).toBe("CORRUPT_MESSAGE");
  expect(creating.registry.list()).toEqual([]);
});
