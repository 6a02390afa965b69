// AbortSignals that end calls and consumers, events, and counters.
import { expect, test } from "bun:test";
import { connect } from "../../src/index.js";
import { codeOf, produce, setUp } from "../support/client-setup.js";
import { FakeBroker } from "../support/fake-broker.js";
import { until } from "../support/until.js";

const reason = new Error("enough");

/** A signal that is aborted once the broker has received a request. */
async function onceAsked(broker: FakeBroker, name: (typeof broker.requests)[number]) {
  const before = broker.requests.length;
  const stopping = new AbortController();
  void until(() => broker.requests.slice(before).includes(name)).then(() => stopping.abort(reason));
  return stopping.signal;
}

test("a signal ends calls that wait for the broker, with its reason", async () => {
  using broker = new FakeBroker();
  const silence = new Promise<void>(() => {});
  broker.script("Ping", silence);
  const slow = { broker: broker.address, signal: await onceAsked(broker, "Ping") };
  expect(await codeOf(connect(slow))).toBe("Error: enough");

  await using client = await connect({ broker: broker.address });
  broker.script("DescribeTopic", silence);
  const admin = client.admin({ signal: await onceAsked(broker, "DescribeTopic") });
  expect(await codeOf(admin.describeTopic("t"))).toBe("Error: enough");
  expect(await codeOf(admin.describeTopic("t"))).toBe("Error: enough");
  broker.script("Ping", silence);
  const ping = client.ping({ signal: await onceAsked(broker, "Ping") });
  expect(await codeOf(ping)).toBe("Error: enough");

  const gate = Promise.withResolvers<void>();
  broker.script("Produce", gate.promise);
  const producer = client.producer();
  const signal = await onceAsked(broker, "Produce");
  const sent = producer.send("t", { value: "v", partition: 0 }, { signal });
  const flushed = producer.flush({ signal });
  expect([await codeOf(sent), await codeOf(flushed)]).toEqual(["Error: enough", "Error: enough"]);
  expect(await codeOf(producer.send("t", { value: "w" }, { signal }))).toBe("Error: enough");
  gate.resolve();
  await producer.flush();
  // The first one was on its way; the last one was never taken.
  expect(producer.stats).toMatchObject({ records: 1, acknowledgedRecords: 1 });
});

test.each(["plain", "balanced"])(
  "a signal closes a %s consumer, and its loop ends",
  async (kind) => {
    await using t = await setUp();
    await produce(t.client, "t", ["a", "b"]);
    const stopping = new AbortController();
    const { signal } = stopping;
    const make = () =>
      kind === "plain"
        ? t.client.consumer({ topic: "t", signal })
        : t.client.consumer({ balance: true, topics: ["t"], group: "g", signal });
    const consumer = make();
    const seen: number[] = [];
    for await (const { offset } of consumer) {
      seen.push(offset);
      if (offset === 1) stopping.abort();
    }
    expect(seen).toEqual([0, 1]);
    expect(await consumer.nextBatch()).toBeNull();
    const late = make();
    expect(await late.nextBatch()).toBeNull();
    await late.close();
  },
);

test("a client tells about its connection", async () => {
  using broker = new FakeBroker();
  await using client = await connect({ broker: broker.address, retryBackoffMs: 1 });
  const seen: string[] = [];
  client.on(
    "connected",
    ({ brokerVersion }) => void seen.push(`connected ${brokerVersion !== ""}`),
  );
  const stop = client.on("disconnected", ({ code }) => void seen.push(code));
  broker.cutAll();
  await until(() => seen.length === 1);
  await client.ping();
  stop();
  expect(seen).toEqual(["CONNECTION_LOST", "connected true"]);
  expect(() => client.on("connect" as "connected", () => {})).toThrow(
    "event must be one of connected, disconnected, not 'connect'",
  );
});

test("a producer and a consumer tell what they do, and count it", async () => {
  await using t = await setUp();
  const producer = t.client.producer({ deliveryTimeoutMs: 2_000 });
  const batches: unknown[] = [];
  producer.on("acknowledged", (batch) => void batches.push(batch));
  producer.on(
    "failed",
    ({ topic, records, error }) => void batches.push([topic, records, error.code]),
  );
  await producer.send("t", { value: "a", partition: 0 });
  expect(await codeOf(producer.send("t", { value: "b", partition: 7 }))).toBe(
    "UNKNOWN_TOPIC_OR_PARTITION",
  );
  expect(batches).toEqual([
    { topic: "t", partition: 0, baseOffset: 0, records: 1 },
    ["t", 1, "UNKNOWN_TOPIC_OR_PARTITION"],
  ]);
  const consumer = t.client.consumer({ balance: true, topics: ["t"], group: "g" });
  const events: unknown[] = [];
  consumer.on("assigned", ([first]) => void events.push(["assigned", first?.topic]));
  consumer.on("revoked", (_, why) => void events.push(["revoked", why]));
  consumer.on("committed", ([first]) => void events.push(["committed", first?.offset]));
  consumer.on("lag", ({ lag }) => void events.push(["lag", lag]));
  const batch = await consumer.nextBatch();
  while (batch?.next());
  const partition = { topic: "t", partition: 0, position: 1, highWatermark: 1, lag: 0 };
  expect(consumer.stats).toEqual({
    ...{ records: 1, batches: 1, bytes: batch!.bytes, skips: 0, commits: 0, lag: 0 },
    partitions: [{ ...partition, isPaused: false }],
  });
  await consumer.commit();
  await consumer.close();
  expect(consumer.stats).toMatchObject({ records: 1, commits: 1, partitions: [] });
  expect(events).toEqual([
    ["assigned", "t"],
    ["lag", 1],
    ["committed", 1],
    ["revoked", "handover"],
  ]);
});
