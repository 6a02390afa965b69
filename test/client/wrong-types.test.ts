// Programs in JavaScript may pass anything: a wrong type is an error of that call, and names the field.
// Against the real broker.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Client, ProducerRecord } from "../../src/index.js";
import { connect, RustLogError } from "../../src/index.js";
import { setUp } from "../support/client-setup.js";

let broker: Awaited<ReturnType<typeof setUp>>;
let client: Client;
beforeAll(async () => {
  broker = await setUp();
  ({ client } = broker);
});
afterAll(() => broker[Symbol.asyncDispose]());

/** Invalid keys, values and header values, with their names in messages. */
const WRONG: readonly (readonly [kind: string, value: unknown])[] = [
  ["a number", 42],
  ["an object", { a: 1 }],
  ["a Date", new Date(0)],
  ["an ArrayBuffer", new ArrayBuffer(3)],
  ["an array", ["a", "b"]],
  ["a DataView", new DataView(new ArrayBuffer(2))],
  ["a Uint16Array", Uint16Array.of(1, 2)],
  ["a Uint8ClampedArray", Uint8ClampedArray.of(1)],
  ["a String", Object("text")],
  ["a boolean", true],
  ["a bigint", 5n],
  ["a function", () => "x"],
  ["a Promise", Promise.resolve("x")],
];

const record = (fields: object): ProducerRecord => fields as ProducerRecord;

/** Bad records, by the field that the message names. */
const BAD: readonly (readonly [message: string, fields: object])[] = [
  ...WRONG.flatMap(([kind, wrong]): [string, object][] => [
    [
      `value of the record for topic 'types' must be a string, a Uint8Array or null, not ${kind}`,
      { value: wrong },
    ],
    [
      `key of the record for topic 'types' must be a string, a Uint8Array or null, not ${kind}`,
      { key: wrong, value: "x" },
    ],
    [
      `value of header 1 ('h') of the record for topic 'types' must be a string, a Uint8Array or null, not ${kind}`,
      {
        value: "x",
        headers: [
          { name: "ok", value: "v" },
          { name: "h", value: wrong },
        ],
      },
    ],
  ]),
  [
    "value of the record for topic 'types' must be a string, a Uint8Array or null, not undefined",
    {},
  ],
  [
    "value of header 0 ('h') of the record for topic 'types' must be",
    { value: "x", headers: [{ name: "h" }] },
  ],
  [
    "name of header 0 of the record for topic 'types' must be a string, not a number",
    { value: "x", headers: [{ name: 1, value: null }] },
  ],
  [
    "header 0 of the record for topic 'types' must be an object, not null",
    { value: "x", headers: [null] },
  ],
  [
    "headers of the record for topic 'types' must be an array or a plain object, not a Map",
    { value: "x", headers: new Map([["a", "b"]]) },
  ],
  [
    "timestamp of the record for topic 'types' must be a whole number of milliseconds, not NaN",
    { value: "x", timestamp: Number.NaN },
  ],
  [
    "timestamp of the record for topic 'types' must be a whole number of milliseconds, not 1.5",
    { value: "x", timestamp: 1.5 },
  ],
  [
    "timestamp of the record for topic 'types' must be a whole number of milliseconds, not Infinity",
    { value: "x", timestamp: Number.POSITIVE_INFINITY },
  ],
  [
    "timestamp of the record for topic 'types' must be a whole number of milliseconds, not a Date",
    { value: "x", timestamp: new Date() },
  ],
  [
    "partition of the record for topic 'types' must be a number, not a string",
    { value: "x", partition: "0" },
  ],
];

function rustLogError(error: unknown): RustLogError {
  if (error instanceof RustLogError) return error;
  throw new Error(`expected a RustLogError, got ${error}`);
}

describe("a record with a field of a wrong type", () => {
  test("fails alone: the records around it, in the same batch, are written", async () => {
    const producer = client.producer({ lingerMs: 20 });
    const sent: Promise<unknown>[] = [];
    for (const [index, [, fields]] of BAD.entries()) {
      sent.push(producer.send("types", { value: `good ${index}` }));
      sent.push(producer.send("types", record(fields)));
    }
    const outcomes = await Promise.allSettled(sent);
    for (const [index, [message]] of BAD.entries()) {
      expect(outcomes[2 * index]).toMatchObject({ status: "fulfilled", value: { offset: index } });
      const bad = outcomes[2 * index + 1]!;
      const error = rustLogError(bad.status === "rejected" ? bad.reason : "no error");
      expect(error.code).toBe("INVALID_RECORD");
      expect(error.message).toStartWith(message);
    }
    expect(producer.stats).toMatchObject({ records: BAD.length, failedRecords: 0, batches: 1 });
    await producer.close();
  });

  test("is rejected by enqueue immediately, also while partitions are looked up, and flush throws nothing", async () => {
    const producer = client.producer();
    for (const [index, [message, fields]] of BAD.entries()) {
      void producer.enqueue("types", { value: `good ${index}` });
      expect(() => producer.enqueue("types", record(fields))).toThrow(message);
    }
    await producer.close();
    expect(producer.stats).toMatchObject({ acknowledgedRecords: BAD.length, failedRecords: 0 });
  });

  test("that is not a record, or has an invalid topic name, is rejected", async () => {
    const producer = client.producer();
    for (const wrong of [undefined, null, "text", 5, []]) {
      const error = await producer
        .send("types", wrong as unknown as ProducerRecord)
        .catch((e) => e);
      expect(rustLogError(error).message).toStartWith("the record must be an object, not ");
    }
    for (const wrong of [undefined, null, 5, {}]) {
      const topic = wrong as unknown as string;
      const error = rustLogError(await producer.send(topic, { value: "x" }).catch((e) => e));
      expect(error).toMatchObject({ code: "INVALID_TOPIC" });
      expect(error.message).toStartWith("topic must be a string, not ");
    }
    await producer.close();
  });

  test("that is too large is rejected immediately, also while partitions are looked up", async () => {
    const producer = client.producer();
    const value = new Uint8Array(9 * 1024 * 1024);
    void producer.enqueue("large", { value: "good" });
    expect(() => producer.enqueue("large", { value })).toThrow(/a record of about \d+ bytes/);
    await producer.close();
    expect(producer.stats).toMatchObject({ acknowledgedRecords: 1, failedRecords: 0 });
  });

  test("is not caused by timestamps that are far apart: each gets its own batch", async () => {
    const settings = { "message.timestamp.after.max.ms": "9223372036854775807" };
    await client.admin().createTopic("times", { settings });
    const producer = client.producer({ lingerMs: 20 });
    const times = [2 ** 53 - 1, -(2 ** 53 - 1), 0, -1];
    const sent = times.map((timestamp) => producer.send("times", { value: "x", timestamp }));
    expect((await Promise.all(sent)).map(({ offset }) => offset)).toEqual([0, 1, 2, 3]);
    await producer.close();
    const consumer = client.consumer({ topic: "times", follow: false });
    expect(await Array.fromAsync(consumer, ({ timestamp }) => timestamp)).toEqual(times);
  });
});

test("header values may be texts, and Buffers are Uint8Arrays", async () => {
  const producer = client.producer();
  await producer.send("texts", {
    key: Buffer.from("k"),
    value: Buffer.from("v"),
    headers: [
      { name: "text", value: "żółć".repeat(30) },
      { name: "bytes", value: Uint8Array.of(1, 2) },
      { name: "null", value: null },
    ],
  });
  await producer.close();
  const [only] = await Array.fromAsync(client.consumer({ topic: "texts", follow: false }));
  expect(
    only!.headers.map(({ name, value }) => [name, value && Buffer.from(value).toString()]),
  ).toEqual([
    ["text", "żółć".repeat(30)],
    ["bytes", "\u0001\u0002"],
    ["null", null],
  ]);
});

describe("every other public call names an argument of a wrong type", () => {
  const admin = () => client.admin();
  const calls: readonly (readonly [message: string, call: () => unknown])[] = [
    ["broker must be a string, not a number", () => connect({ broker: 9092 as never })],
    ["the options of connect must be an object, not a string", () => connect("x" as never)],
    ["onConnectionLost must be a function", () => connect({ onConnectionLost: "x" as never })],
    ["requestTimeoutMs is from 1 to", () => connect({ requestTimeoutMs: "5" as never })],
    [
      "compression must be one of none, gzip, snappy, lz4, zstd, not 'brotli'",
      () => client.producer({ compression: "brotli" as never }),
    ],
    [
      "onAcknowledged must be a function, not a number",
      () => client.producer({ onAcknowledged: 1 as never }),
    ],
    ["lingerMs is from 0 to", () => client.producer({ lingerMs: "5" as never })],
    ["the options of a producer must be an object", () => client.producer(null as never)],
    [
      "the options of a consumer must be an object, not undefined",
      () => client.consumer(undefined as never),
    ],
    ["topic of a consumer must be a string, not undefined", () => client.consumer({} as never)],
    [
      "group of a consumer must be a string",
      () => client.consumer({ topic: "t", group: 5 as never }),
    ],
    [
      "partitions of a consumer must be an array, not a number",
      () => client.consumer({ topic: "t", partitions: 0 as never }),
    ],
    [
      "a partition of a consumer must be a whole number of 0 or more, not a string",
      () => client.consumer({ topic: "t", partitions: ["0" as never] }),
    ],
    [
      "a partition of a consumer must be a whole number of 0 or more, not -1",
      () => client.consumer({ topic: "t", partitions: [-1] }),
    ],
    [
      'offset of a consumer must be "earliest", "latest", a number',
      () => client.consumer({ topic: "t", offset: "first" as never }),
    ],
    [
      "timestamp in offset of a consumer must be a number, not a Date",
      () => client.consumer({ topic: "t", offset: { timestamp: new Date() as never } }),
    ],
    [
      "end of partition 0 of a consumer must be",
      () => client.consumer({ topic: "t", end: new Map([[0, null as never]]) }),
    ],
    [
      "onDamaged must be one of throw, skip, not 'ignore'",
      () => client.consumer({ topic: "t", onDamaged: "ignore" as never }),
    ],
    [
      "onOutOfRange must be one of",
      () => client.consumer({ topic: "t", onOutOfRange: 1 as never }),
    ],
    [
      "onSkip must be a function, not an object",
      () => client.consumer({ topic: "t", onSkip: {} as never }),
    ],
    ["maxBytes is a whole number", () => client.consumer({ topic: "t", maxBytes: "1" as never })],
    [
      "name of the topic must be a string, not undefined",
      () => admin().createTopic(undefined as never),
    ],
    [
      "partitions of topic 't' must be a whole number of 0 or more, not NaN",
      () => admin().createTopic("t", { partitions: Number.NaN }),
    ],
    [
      "partitions of topic 't' must be a whole number of 0 or more, not a string",
      () => admin().createTopic("t", { partitions: "3" as never }),
    ],
    [
      "setting retention.ms of topic 't' must be a string, not a number",
      () => admin().createTopic("t", { settings: { "retention.ms": 5 as never } }),
    ],
    ["settings of topic 't' must be", () => admin().createTopic("t", { settings: [] as never })],
    ["name of the topic must be a string", () => admin().alterTopic(5 as never, {})],
    ["the changes of a topic must be", () => admin().alterTopic("t", undefined as never)],
    ["partitions of topic 't' must be", () => admin().alterTopic("t", { partitions: 1.5 })],
    ["topic 't' needs at least one partition", () => admin().alterTopic("t", { partitions: 0 })],
    ["deleteSettings must be", () => admin().alterTopic("t", { deleteSettings: "a" as never })],
    [
      "an item of deleteSettings must be a string, not null",
      () => admin().alterTopic("t", { deleteSettings: [null as never] }),
    ],
    [
      "validateOnly must be true or false, not a string",
      () => admin().alterTopic("t", { validateOnly: "yes" as never }),
    ],
    ["records must be an array", () => admin().deleteRecords("t" as never)],
    [
      "offset of an item of records must be a whole number of 0 or more, not -1",
      () => admin().deleteRecords([{ topic: "t", partition: 0, offset: -1 }]),
    ],
    ["name of the topic must be a string, not a number", () => admin().describeTopic(5 as never)],
    ["name of the topic must be a string, not an object", () => admin().deleteTopic({} as never)],
    [
      "partition must be a whole number of 0 or more, not a string",
      () => admin().offsetFor("t", "0" as never, "latest"),
    ],
    ["the offset that is asked for must be", () => admin().offsetFor("t", 0, "end" as never)],
    ["group must be a string, not null", () => admin().describeGroup(null as never)],
    ["group must be a string, not a number", () => admin().deleteGroup(7 as never)],
    ["group must be a string, not undefined", () => admin().commitOffsets(undefined as never, [])],
    ["offsets must be an array, not an object", () => admin().commitOffsets("g", {} as never)],
    [
      "an item of offsets must be an object, not null",
      () => admin().commitOffsets("g", [null as never]),
    ],
    [
      "offset of an item of offsets must be a whole number of 0 or more, not 0.5",
      () => admin().commitOffsets("g", [{ topic: "t", partition: 0, offset: 0.5 }]),
    ],
    [
      "topic of an item of partitions must be a string",
      () => admin().fetchOffsets("g", [{ topic: 1 as never, partition: 0 }]),
    ],
    [
      "partition of an item of partitions must be",
      () => admin().fetchOffsets("g", [{ topic: "t", partition: -1 }]),
    ],
  ];
  test.each(calls)("%s", async (message, call) => {
    let error: unknown;
    try {
      await call();
    } catch (thrown) {
      error = thrown;
    }
    expect(rustLogError(error).message).toStartWith(message);
  });
});
