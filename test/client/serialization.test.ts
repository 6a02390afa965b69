// Serializers, deserializers and headers as an object.
import { describe, expect, test } from "bun:test";
import {
  DamagedRecordsError,
  headersObject,
  jsonDeserializer,
  jsonSerializer,
  stringDeserializer,
} from "../../src/index.js";
import { codeOf, produce, setUp } from "../support/client-setup.js";

interface Order {
  readonly id: number;
}

const readOrders = {
  topic: "orders",
  follow: false,
  deserializers: { key: stringDeserializer, value: jsonDeserializer<Order> },
};

test("keys and values travel as the program's own types; null stays null", async () => {
  await using t = await setUp();
  const producer = t.client.producer<string, Order>({ serializers: { value: jsonSerializer } });
  await producer.send("orders", { key: "anna", value: { id: 1 } });
  await producer.enqueue("orders", { key: "anna", value: null });
  await producer.flush();
  const consumer = t.client.consumer(readOrders);
  const seen: [string | null, number | undefined][] = [];
  for await (const { key, value } of consumer) seen.push([key, value?.id]);
  expect(seen).toEqual([
    ["anna", 1],
    ["anna", undefined],
  ]);
  const batch = await t.client.consumer(readOrders).nextBatch();
  expect([...batch!].map(({ value }) => value)).toEqual([{ id: 1 }, null]);
});

test("a serializer knows the topic; what it throws rejects that record alone", async () => {
  await using t = await setUp();
  const producer = t.client.producer<never, number>({
    serializers: {
      value: (value, topic) => {
        if (value < 0) throw new Error("negative");
        return `${topic} ${value}`;
      },
    },
  });
  const sent = [1, -1, 2].map((value) => codeOf(producer.send("t", { value })));
  expect(await Promise.all(sent)).toEqual(["no error", "INVALID_RECORD", "no error"]);
  expect(() => producer.enqueue("t", { value: -1 })).toThrow(
    "value of the record for topic 't' can't be serialized: negative",
  );
  const values: string[] = [];
  for await (const { value } of t.client.consumer({
    ...{ topic: "t", follow: false, deserializers: { value: stringDeserializer } },
  })) {
    values.push(value!);
  }
  expect(values).toEqual(["t 1", "t 2"]);
});

describe("a record that a deserializer refuses", () => {
  test("ends reading at it, again and again, with its place; a seek passes it", async () => {
    await using t = await setUp();
    await produce(t.client, "orders", ['{"id":1}', "{", '{"id":3}']);
    const consumer = t.client.consumer({ ...readOrders, group: "g" });
    const seen: number[] = [];
    const read = async () => {
      for await (const { value } of consumer) seen.push(value!.id);
    };
    const failure = await read().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(DamagedRecordsError);
    expect(failure).toMatchObject({ code: "INVALID_RECORD", partition: 0, from: 1, to: 2 });
    expect(String(failure)).toContain("the value of the record at offset 1 can't be deserialized");
    expect(await codeOf(read())).toBe("INVALID_RECORD");
    expect(consumer.position(0)).toBe(1);
    await consumer.seek({ topic: "orders", partition: 0 }, 2);
    await read();
    expect(seen).toEqual([1, 3]);
  });

  test("is skipped and reported on request, also in loops", async () => {
    await using t = await setUp();
    await produce(t.client, "orders", ["{", '{"id":2}', "}", '{"id":4}']);
    const skipped: number[] = [];
    const consumer = t.client.consumer({
      ...{ ...readOrders, onDamaged: "skip" as const },
      onSkip: ({ from }) => void skipped.push(from),
    });
    const seen: unknown[] = [];
    await consumer.eachBatch(({ records }) => void seen.push(...records.map(({ value }) => value)));
    expect(seen).toEqual([{ id: 2 }, { id: 4 }]);
    expect(skipped).toEqual([0, 2]);
    expect(consumer.stats).toMatchObject({ records: 2, skips: 2 });
  });
});

test("headers can be an object; several values of a name stay several headers", async () => {
  await using t = await setUp();
  const headers = { source: "web", trace: ["a", Buffer.from("b")], none: null };
  await t.client.producer().send("t", { value: "v", headers });
  const [record] = await Array.fromAsync(t.client.consumer({ topic: "t", follow: false }));
  expect(
    record!.headers.map(({ name, value }) => [name, value && `${Buffer.from(value)}`]),
  ).toEqual([
    ["source", "web"],
    ["trace", "a"],
    ["trace", "b"],
    ["none", null],
  ]);
  const object = headersObject(record!.headers);
  expect(Object.keys(object)).toEqual(["source", "trace", "none"]);
  expect([`${Buffer.from(object.trace!)}`, object.none, object.toString]).toEqual([
    ...["b", null, undefined],
  ]);
  const wrong = [new Map([["a", "b"]]), { a: 7 }, { a: [7] }, "a=b"];
  for (const it of wrong) {
    const sent = t.client.producer().send("t", { value: "v", headers: it as never });
    expect(await codeOf(sent)).toBe("INVALID_RECORD");
  }
});
