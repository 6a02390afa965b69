// Balanced consumers against the real broker: they share partitions, hand them over, and take over from others, and every
// record is read once.
import { expect, test } from "bun:test";
import {
  type BalancedConsumer,
  type BalancedConsumerOptions,
  Broker,
  type Client,
  connect,
  type TopicPartition,
} from "../../src/index.js";
import { GroupHeartbeat } from "../../src/protocol/native/membership.js";
import { type Session, startBroker, type TestBroker } from "../support/broker.js";
import { codeOf } from "../support/client-setup.js";
import { ManualClock } from "../support/manual-clock.js";
import { tempDir } from "../support/tmp.js";
import { until } from "../support/until.js";

const nameOf = ({ topic, partition }: TopicPartition): string => `${topic}-${partition}`;
const namesOf = (partitions: readonly TopicPartition[]): string =>
  partitions.map(nameOf).sort().join(" ");

/** A consumer that reads in a loop, and notes records and callbacks. */
class Reader {
  readonly consumer: BalancedConsumer;
  /** Records, as topic-partition:offset. */
  readonly records: string[] = [];
  /** What the callbacks were told. */
  readonly events: string[] = [];
  /** What the loop waits for after each record. */
  hold: Promise<void> = Promise.resolve();
  readonly done: Promise<void>;

  constructor(client: Client, options: Partial<BalancedConsumerOptions> = {}) {
    this.consumer = client.consumer({
      ...{ balance: true, topics: ["t"], group: "g", maxWaitMs: 10 },
      onAssigned: (partitions) => void this.events.push(`assigned ${namesOf(partitions)}`),
      onRevoked: (partitions, reason) => {
        this.events.push(`${reason} ${namesOf(partitions)}`);
      },
      ...options,
    });
    this.done = this.#read();
  }

  async #read(): Promise<void> {
    for await (const record of this.consumer) {
      this.records.push(`${nameOf(record)}:${record.offset}`);
      await this.hold;
    }
  }

  get names(): string {
    return namesOf(this.consumer.assignment);
  }
}

async function setUp(topics: Readonly<Record<string, number>> = { t: 4 }) {
  const clock = new ManualClock();
  const running = await startBroker({ flush: { kind: "never" } }, undefined, clock);
  const { registry } = running.broker.context;
  for (const [topic, partitions] of Object.entries(topics)) {
    await registry.create(topic, partitions, {});
  }
  const clients: Client[] = [];
  const newClient = async (): Promise<Client> => {
    const client = await connect({ broker: running.broker.address, retryBackoffMs: 5 });
    clients.push(client);
    return client;
  };
  const client = await newClient();
  const producer = client.producer();
  let produced = 0;
  return {
    ...{ running, clock, registry, client, newClient },
    /** Writes `count` records to each partition. */
    async produce(count: number, topic = "t"): Promise<void> {
      const partitions = registry.find(topic)?.partitions.length ?? 0;
      for (let i = 0; i < count * partitions; i++) {
        await producer.enqueue(topic, { value: `${produced++}`, partition: i % partitions });
      }
      await producer.flush();
    },
    committed: async (topic = "t") => {
      const rows = await client.admin().describeGroup("g");
      return rows.filter((row) => row.topic === topic).map((row) => row.committedOffset);
    },
    async [Symbol.asyncDispose]() {
      for (const each of clients) await each.close();
      await running[Symbol.asyncDispose]();
    },
  };
}

/** The records of all partitions from one offset on, each once. */
function expected(from: number, to: number, topic = "t", partitions = 4): string[] {
  const names = Array.from({ length: partitions }, (_, partition) => `${topic}-${partition}`);
  return names.flatMap((name) =>
    Array.from({ length: to - from }, (_, i) => `${name}:${from + i}`),
  );
}

/** A member that joins and is never heard of again. */
async function joinAndDie(running: TestBroker, instanceId = ""): Promise<Session> {
  const session = await running.session();
  const fields = { group: "g", memberId: "dead", memberEpoch: 0, instanceId, clientId: "" };
  const times = { sessionTimeoutMs: 6_000, rebalanceTimeoutMs: 60_000, maxWaitMs: 0 };
  const topics = { topics: [{ topic: "t" }], pattern: "", owned: [] };
  await session.call(
    (id) => GroupHeartbeat.encodeRequest(id, { ...fields, ...times, ...topics }),
    GroupHeartbeat.decodeResponse,
  );
  return session;
}

test("a second consumer gets half of the partitions, and everything when the first one leaves", async () => {
  await using t = await setUp();
  await t.produce(2);
  const first = new Reader(t.client);
  await until(() => first.records.length === 8);
  const second = new Reader(await t.newClient());
  await until(() => second.consumer.assignment.length === 2);
  expect(first.events[0]).toBe("assigned t-0 t-1 t-2 t-3");
  expect(first.events[1]).toBe(`handover ${second.names}`);
  // What the first one had processed is committed, so the second one starts there.
  await t.produce(3);
  await until(() => first.records.length + second.records.length === 8 + 12);
  expect(first.records.length).toBe(8 + 6);

  await first.consumer.close();
  await first.done;
  await until(() => second.consumer.assignment.length === 4);
  await t.produce(1);
  await until(() => second.records.length === 6 + 4);
  expect([...first.records, ...second.records].sort()).toEqual(expected(0, 6));
  await second.consumer.close();
  expect(await t.committed()).toEqual([6, 6, 6, 6]);
});

test("a partition is handed over once the application has asked for its next record", async () => {
  await using t = await setUp({ t: 1, u: 1 });
  await t.produce(3);
  const events: string[] = [];
  const first = t.client.consumer({
    ...{ balance: true, topics: ["t", "u"], group: "g" },
    onRevoked: (partitions, reason) => void events.push(`${reason} ${namesOf(partitions)}`),
  });
  const batch = await first.nextBatch();
  expect(batch?.next()).toBe(true);
  // Only the first one reads u, so the second one gets t.
  const second = new Reader(await t.newClient(), { commitOnHandover: false });
  await until(() => batch?.isDone === true);
  expect(batch?.next()).toBe(false);
  expect([events, second.events]).toEqual([[], []]);
  const next = first.nextBatch();
  await until(() => second.records.length === 2);
  expect(events).toEqual(["handover t-0"]);
  expect(second.records).toEqual(["t-0:1", "t-0:2"]);
  expect(namesOf(first.assignment)).toBe("u-0");
  await second.consumer.close();
  expect(await t.committed()).toEqual([1]);
  await first.close();
  expect(await next).toBeNull();
});

test("closing commits the records before the last one, which the application may be working on", async () => {
  await using t = await setUp({ t: 1 });
  await t.produce(3);
  const read = async (commits: boolean): Promise<number> => {
    const consumer = t.client.consumer({ balance: true, topics: ["t"], group: "g" });
    let last = -1;
    for await (const { offset } of consumer) {
      last = offset;
      if (offset >= 1) break;
    }
    if (commits) await consumer.commit();
    await consumer.close();
    expect(await consumer.nextBatch()).toBeNull();
    return last;
  };
  expect(await read(false)).toBe(1);
  expect(await t.committed()).toEqual([1]);
  expect(await read(true)).toBe(1);
  expect(await t.committed()).toEqual([2]);
});

test("closing counts a record that the application finishes in the meantime", async () => {
  await using t = await setUp({ t: 1 });
  await t.produce(3);
  const busy = Promise.withResolvers<void>();
  const reader = new Reader(t.client);
  reader.hold = busy.promise;
  await until(() => reader.records.length === 1);
  const closing = reader.consumer.close();
  busy.resolve();
  await Promise.all([closing, reader.done]);
  expect(reader.records).toEqual(["t-0:0"]);
  expect(await t.committed()).toEqual([1]);
});

test("closing ends a handover that waits for the application", async () => {
  await using t = await setUp({ t: 1, u: 1 });
  await t.produce(3);
  const events: string[] = [];
  const first = t.client.consumer({
    ...{ balance: true, topics: ["t", "u"], group: "g" },
    onRevoked: (partitions, reason) => void events.push(`${reason} ${namesOf(partitions)}`),
  });
  const batch = await first.nextBatch();
  batch?.next();
  const second = new Reader(await t.newClient());
  await until(() => batch?.isDone === true);
  await first.close();
  await until(() => second.records.length === 3);
  expect(events).toEqual(["handover t-0 u-0"]);
});

test("partitions of a member that is silent for its session are taken over", async () => {
  await using t = await setUp();
  await t.produce(1);
  const dead = await joinAndDie(t.running);
  const reader = new Reader(t.client, { sessionTimeoutMs: 60_000 });
  await reader.consumer.start();
  dead[Symbol.dispose]();
  t.clock.advance(6_200);
  await until(() => reader.records.length === 4);
  expect(reader.records.sort()).toEqual(expected(0, 1));
});

test("a consumer that the broker has given up loses its partitions, and joins again", async () => {
  await using t = await setUp({ t: 1 });
  await t.produce(2);
  const reader = new Reader(t.client);
  await until(() => reader.records.length === 2);
  await reader.consumer.commit();
  t.clock.advance(10_200);
  await until(() => reader.events.length === 3);
  expect(reader.events).toEqual(["assigned t-0", "lost t-0", "assigned t-0"]);
  await t.produce(1);
  await until(() => reader.records.length === 3);
  expect(reader.records).toEqual(expected(0, 3, "t", 1));
});

test("an application that does not give a partition up in time loses everything, and commits nothing", async () => {
  await using t = await setUp({ t: 1, u: 1 });
  await t.produce(1);
  const sessionTimeoutMs = 1_800_000;
  const busy = Promise.withResolvers<void>();
  const topics = ["t", "u"];
  const first = new Reader(t.client, { topics, sessionTimeoutMs, rebalanceTimeoutMs: 1_000 });
  first.hold = busy.promise;
  await until(() => first.records.length === 1);
  const second = new Reader(await t.newClient(), { sessionTimeoutMs });
  await second.consumer.start();
  await until(() => {
    t.clock.advance(200);
    return first.events.length === 3;
  });
  expect(first.events).toEqual(["assigned t-0 u-0", "lost t-0 u-0", "assigned u-0"]);
  await until(() => second.records.length === 1);
  expect(await t.committed()).toEqual([-1]);
  busy.resolve();
});

test("names and patterns: topics are read as soon as they exist, and all their partitions", async () => {
  await using t = await setUp({ a: 1, "b-1": 1, "c-b-": 1 });
  for (const topic of ["a", "b-1", "c-b-"]) await t.produce(1, topic);
  const reader = new Reader(t.client, { topics: ["a", /^B-/i, "later"] });
  await until(() => reader.records.length === 2);
  expect(reader.names).toBe("a-0 b-1-0");
  await t.registry.create("b-2", 1, {});
  await t.registry.create("later", 1, {});
  await until(() => reader.consumer.assignment.length === 4);
  expect(reader.names).toBe("a-0 b-1-0 b-2-0 later-0");
  await t.produce(1, "b-2");
  await until(() => reader.records.includes("b-2-0:0"));
  await t.registry.addPartitions("b-2", 2);
  await until(() => reader.names === "a-0 b-1-0 b-2-0 b-2-1 later-0");
  await t.client.admin().deleteTopic("a");
  await until(() => reader.names === "b-1-0 b-2-0 b-2-1 later-0");
  await reader.consumer.close();
});

test("a restart of the broker goes unnoticed", async () => {
  using directory = tempDir();
  const start = (port: number) =>
    Broker.start({ dataDir: directory.path, port, flush: { kind: "never" }, log: () => {} });
  let broker = await start(0);
  await broker.context.registry.create("t", 2, {});
  await using client = await connect({ broker: broker.address, retryBackoffMs: 5 });
  const first = new Reader(client);
  await until(() => first.consumer.assignment.length === 2);
  const second = new Reader(client);
  await until(() => second.consumer.assignment.length === 1);
  await broker.stop();
  broker = await start(broker.port);
  const producer = client.producer();
  for (let i = 0; i < 6; i++) await producer.enqueue("t", { value: "v", partition: i % 2 });
  await producer.close();
  await until(() => first.records.length + second.records.length === 6);
  await Promise.all([first.consumer.commit(), second.consumer.commit()]);
  expect([...first.events, ...second.events].filter((event) => /lost/.test(event))).toEqual([]);
  await client.close();
  await broker.stop();
});

test("partitions share the buffer, however many there are", async () => {
  await using t = await setUp({ t: 4 });
  const producer = t.client.producer({ lingerMs: 0 });
  const value = "v".repeat(1000);
  for (let i = 0; i < 12; i++) {
    await Promise.all([0, 1, 2, 3].map((partition) => producer.send("t", { value, partition })));
  }
  const bufferBytesMax = 4 * 2 * 4096;
  const consumer = t.client.consumer({ balance: true, topics: ["t"], group: "g", bufferBytesMax });
  for (let count = 0; count < 48;) {
    const batch = await consumer.nextBatch();
    expect(batch?.bytes).toBeLessThanOrEqual(4096);
    while (batch?.next()) count++;
  }
});

test("errors of callbacks and of the group end the consumer, and its partitions go to others", async () => {
  await using t = await setUp({ t: 1 });
  const failing = t.client.consumer({
    ...{ balance: true, topics: ["t"], group: "g" },
    onAssigned: () => {
      throw new Error("no disk");
    },
  });
  expect(failing.nextBatch()).rejects.toThrow("no disk");
  await failing.nextBatch().catch(() => {});
  const reader = new Reader(await t.newClient());
  await until(() => reader.names === "t-0");
  await reader.consumer.close();

  const bad = t.client.consumer({ balance: true, topics: [/(a)\1/], group: "g" });
  expect(await codeOf(bad.start())).toBe("INVALID_REGULAR_EXPRESSION");
  await bad.close();
});

test("options that contradict each other are refused", async () => {
  await using t = await setUp({});
  const consumer = (options: object) => () =>
    t.client.consumer({ balance: true, topics: ["t"], group: "g", ...options });
  expect(consumer({ partitions: [0] })).toThrow("partitions can't be combined with balance");
  expect(consumer({ topics: [] })).toThrow("topics of a consumer must not be empty");
  expect(consumer({ topics: [/a/g] })).toThrow("has the flags 'g'");
  expect(consumer({ topics: [7] })).toThrow("must be a name or a RegExp, not a number");
  expect(consumer({ offset: 7 })).toThrow("must be earliest, latest or a timestamp");
  expect(consumer({ group: undefined })).toThrow("group of a balanced consumer must be a string");
  expect(consumer({ sessionTimeoutMs: 100 })).toThrow("sessionTimeoutMs is from 6000 to 1800000");
  expect(consumer({ balance: undefined, topic: "t" })).toThrow("topic and topics of a consumer");
});

test("two consumers of one group without balance are warned, once, and told about it", async () => {
  await using t = await setUp({ t: 1 });
  await t.produce(3);
  const warnings: string[] = [];
  const onWarning = ({ message }: Error): void => void warnings.push(message);
  process.on("warning", onWarning);
  try {
    for (const client of [t.client, await t.newClient()]) {
      const consumer = client.consumer({ topic: "t", group: "g", follow: false });
      for await (const _ of consumer) await consumer.commit();
      await t.produce(3);
    }
    await until(() => warnings.some((message) => message.includes("balance: true")));
  } finally {
    process.off("warning", onWarning);
  }
  expect(warnings.filter((message) => message.includes("balance: true"))).toHaveLength(1);
});

test("a static member comes back to its partitions, and nothing is rebalanced meanwhile", async () => {
  await using t = await setUp();
  await t.produce(1);
  const first = new Reader(t.client, { instanceId: "one" });
  await until(() => first.records.length === 4);
  const second = new Reader(await t.newClient(), { instanceId: "two", sessionTimeoutMs: 60_000 });
  await until(() => second.consumer.assignment.length === 2);
  const { names } = first;
  await first.consumer.close();
  const { members } = await t.client.admin().describeMembers("g");
  expect(members.map(({ instanceId }) => instanceId).sort()).toEqual(["one", "two"]);
  await t.produce(1);
  const again = new Reader(t.client, { instanceId: "one" });
  await until(() => again.consumer.assignment.length === 2 && second.records.length === 2);
  expect(again.names).toBe(names);
  expect(second.events).toEqual([`assigned ${second.names}`]);
  await until(() => again.records.length === 2);
  const records = [...first.records, ...again.records, ...second.records];
  expect(records.sort()).toEqual(expected(0, 2));
  // One that does not come back loses them when its session is over.
  await again.consumer.close();
  t.clock.advance(10_200);
  await until(() => second.consumer.assignment.length === 4);
});

test("a static member that was killed comes back once its session is over", async () => {
  await using t = await setUp();
  await t.produce(1);
  using _dead = await joinAndDie(t.running, "one");
  const again = new Reader(t.client, { instanceId: "one", sessionTimeoutMs: 6_000 });
  const early = t.client.consumer({
    ...{ balance: true, topics: ["t"], group: "g", instanceId: "one" },
  });
  // It waits too, but is closed before.
  const failed = codeOf(early.start());
  await t.client.ping();
  await early.close();
  expect(await failed).toBe("UNRELEASED_INSTANCE_ID");
  t.clock.advance(6_200);
  await until(() => again.records.length === 4);
});
