// Pauses and seeks of a consumer.
import { expect, test } from "bun:test";
import type { Consumer } from "../../src/index.js";
import { batchOf } from "../support/broker.js";
import { errorOf, fill, offsetsOf, range, setUp, TOPIC } from "../support/consumer-setup.js";
import { setUp as setUpReal } from "../support/client-setup.js";
import { until } from "../support/until.js";

const P0 = { topic: TOPIC, partition: 0 };
const P1 = { topic: TOPIC, partition: 1 };

/** Reads so many records. */
async function take(consumer: Consumer, count: number): Promise<string[]> {
  const seen: string[] = [];
  if (count === 0) return seen;
  for await (const { partition, offset } of consumer) {
    seen.push(`${partition}/${offset}`);
    if (seen.length === count) break;
  }
  return seen;
}

test("a paused partition returns nothing, also of what was fetched, until it is resumed", async () => {
  await using t = await setUp({ partitions: 2 });
  fill(t.broker, 0, 3, 3);
  fill(t.broker, 1, 2);
  const consumer = t.consumer();
  await consumer.start();
  consumer.pause([P0, { topic: "other", partition: 9 }]);
  expect(consumer.paused).toMatchObject([P0]);
  expect(await take(consumer, 2)).toEqual(["1/0", "1/1"]);
  const rest = take(consumer, 6);
  consumer.resume();
  expect(await rest).toEqual(range(0, 6).map((offset) => `0/${offset}`));
  expect(await take(consumer, 1)).toEqual([]);
});

test("a pause inside of a loop takes effect at once, and the batch is read on later", async () => {
  await using t = await setUp({ partitions: 2 });
  fill(t.broker, 0, 4);
  fill(t.broker, 1, 4);
  const seen: string[] = [];
  const consumer = t.consumer();
  for await (const { partition, offset } of consumer) {
    seen.push(`${partition}/${offset}`);
    if (seen.length === 2) consumer.pause([{ topic: TOPIC, partition }]);
    if (seen.length === 6) consumer.resume();
  }
  const first = seen[0]!.startsWith("0") ? [0, 1] : [1, 0];
  const places = (partition: number, offsets: number[]) =>
    offsets.map((it) => `${partition}/${it}`);
  expect(seen).toEqual([
    ...[...places(first[0]!, [0, 1]), ...places(first[1]!, range(0, 4))],
    ...places(first[0]!, [2, 3]),
  ]);
});

test("a paused partition is not fetched", async () => {
  await using t = await setUp();
  fill(t.broker, 0, ...Array<number>(10).fill(1));
  const consumer = t.consumer({ maxBytes: 1 });
  expect(await take(consumer, 1)).toEqual(["0/0"]);
  await until(() => t.broker.requests.filter((name) => name === "Fetch").length === 2);
  consumer.pause([P0]);
  const next = take(consumer, 9);
  await t.client.ping();
  await t.client.ping();
  expect(t.broker.requests.filter((name) => name === "Fetch")).toHaveLength(2);
  consumer.resume([P0]);
  expect(await next).toEqual(range(1, 10).map((offset) => `0/${offset}`));
});

test("a seek goes back and forth, in the middle of a batch or not", async () => {
  await using t = await setUp();
  fill(t.broker, 0, 5, 5);
  const consumer = t.consumer();
  const batch = await consumer.nextBatch();
  expect([batch?.next(), batch?.cursor.offset]).toEqual([true, 0]);
  await consumer.seek(P0, 8);
  expect(batch?.next()).toBe(false);
  expect(consumer.position(0)).toBe(8);
  expect(await take(consumer, 1)).toEqual(["0/8"]);
  await consumer.seek(P0, 0);
  expect(await offsetsOf(consumer)).toEqual(range(0, 10));
  await consumer.seek(P0, "earliest");
  expect(await take(consumer, 2)).toEqual(["0/0", "0/1"]);
  await consumer.seek(P0, { fromEnd: 1 });
  expect(await offsetsOf(consumer)).toEqual([9]);
  await consumer.seek(P0, "latest");
  expect(await offsetsOf(consumer)).toEqual([]);
});

test("a seek does not wait for the fetch that waits at the end, whose response is void", async () => {
  await using t = await setUp();
  fill(t.broker, 0, 2);
  const consumer = t.consumer({ follow: true, maxWaitMs: 60_000 });
  expect(await take(consumer, 2)).toEqual(["0/0", "0/1"]);
  const next = take(consumer, 3);
  await until(() => t.broker.requests.filter((name) => name === "Fetch").length === 2);
  await consumer.seek(P0, 1);
  t.broker.append(TOPIC, 0, batchOf("2"));
  t.broker.append(TOPIC, 0, batchOf("3"));
  expect(await next).toEqual(["0/1", "0/2", "0/3"]);
});

test("a seek ends the error of a position out of range", async () => {
  await using t = await setUp();
  fill(t.broker, 0, 3, 3);
  const consumer = t.consumer({ follow: true, maxWaitMs: 1 });
  await consumer.seek(P0, 100);
  expect(await errorOf(take(consumer, 1))).toMatchObject({ code: "OFFSET_OUT_OF_RANGE" });
  expect(await errorOf(take(consumer, 1))).toMatchObject({ code: "OFFSET_OUT_OF_RANGE" });
  await consumer.seek(P0, 4);
  expect(await take(consumer, 2)).toEqual(["0/4", "0/5"]);
  expect(await errorOf(consumer.seek(P1, 0))).toMatchObject({ code: "INVALID_REQUEST" });
  expect(await errorOf(consumer.seek(P0, -1))).toMatchObject({ code: "INVALID_REQUEST" });
});

test("a seek is committed, and finds the record of a time", async () => {
  await using t = await setUpReal();
  const producer = t.client.producer();
  for (const timestamp of [1000, 2000, 3000]) {
    await producer.send(TOPIC, { value: "v", partition: 0, timestamp });
  }
  const consumer = t.client.consumer({ topic: TOPIC, group: "g", follow: false });
  expect(await take(consumer, 3)).toHaveLength(3);
  await consumer.commit();
  await consumer.seek(P0, { timestamp: 1500 });
  await consumer.commit();
  const committed = await t.admin.fetchOffsets("g", [P0]);
  expect(committed).toMatchObject([{ offset: 1 }]);
  expect(await take(consumer, 1)).toEqual(["0/1"]);
});

test("a balanced consumer pauses and seeks the partitions that it has", async () => {
  await using t = await setUpReal();
  const producer = t.client.producer();
  for (const value of ["a", "b", "c", "d"]) await producer.send(TOPIC, { value, partition: 0 });
  const consumer = t.client.consumer({ balance: true, topics: [TOPIC], group: "g" });
  const first = await consumer.nextBatch();
  expect(first?.next()).toBe(true);
  await consumer.seek(P0, 3);
  consumer.pause([P0]);
  const next = consumer.nextBatch();
  consumer.resume();
  const batch = await next;
  expect([batch?.next(), batch?.cursor.offset]).toEqual([true, 3]);
  await consumer.seek(P0, 1);
  await consumer.close();
  // The seek counts at the handover.
  expect(await t.admin.fetchOffsets("g", [P0])).toMatchObject([{ offset: 1 }]);
});
