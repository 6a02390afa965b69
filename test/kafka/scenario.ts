// The scenario that every Kafka client goes through: one check a feature, each with a topic of its own, so that they
// pass in any order. Leaves to others: whether what one client wrote reads the same with every other (samples.ts).
import { Absent, type TestedClient, KafkaError, textRecord } from "./client.js";

/** What a check may use. */
interface Surroundings {
  readonly client: TestedClient;
  /** Another client, to act while the first one waits. */
  readonly other: TestedClient;
  /** The address that the client was given. */
  readonly broker: string;
  /** A name for a topic that nothing else uses. */
  readonly topic: string;
}

/** Error codes of Kafka that the scenario expects. */
const CODE = {
  offsetOutOfRange: 1,
  unknownTopicOrPartition: 3,
  messageTooLarge: 10,
  invalidTopic: 17,
  topicAlreadyExists: 36,
  invalidPartitions: 37,
  invalidConfig: 40,
} as const;

const SECOND = 1000;

/** The checks, by name. Each throws what is wrong, or `Absent` when the client has no such function. */
export const CHECKS: Readonly<Record<string, (by: Surroundings) => Promise<void>>> = {
  "finds the one broker": async ({ client, broker }) => {
    // The broker advertises the address that the client's connection has, not the name it was given.
    const expected = broker.startsWith("localhost:")
      ? /^1 (?:127\.0\.0\.1|::1|localhost):/
      : broker;
    const found = await client.brokers();
    if (found.length !== 1 || found[0]?.match(expected) === null) {
      throw new Error(`expected broker 1 at ${broker}, found ${found}`);
    }
  },
  "creates a topic": async ({ client, topic }) => {
    await client.create(topic, 3);
    equal(await client.partitions(topic), 3);
    await fails(CODE.topicAlreadyExists, client.create(topic, 3));
  },
  "is refused a bad name": async ({ client }) => {
    await fails(CODE.invalidTopic, client.create("no spaces allowed", 1));
  },
  "finds no unknown topic": async ({ client, topic }) => {
    await fails(CODE.unknownTopicOrPartition, client.partitions(topic));
  },
  "produces with acks 0, 1 and all": async ({ client, other, topic }) => {
    await other.create(topic, 3);
    const records = [textRecord("a"), textRecord("b")];
    equalUnlessEmpty(await client.produce(topic, records, { acks: 1 }), [0, 1]);
    equalUnlessEmpty(await client.produce(topic, records, { acks: -1 }), [2, 3]);
    await client.produce(topic, records, { acks: 0 });
    // Nothing acknowledges these two.
    for (let look = 0; look < 100 && (await other.offset(topic, 0, "latest")) < 6; look++) {
      await Bun.sleep(20);
    }
    equal(await client.offset(topic, 0, "latest"), 6);
  },
  "produces idempotently": async ({ client, other, topic }) => {
    await other.create(topic, 3);
    const records = [textRecord("a"), textRecord("b"), textRecord("c", { partition: 2 })];
    equalUnlessEmpty(await client.produce(topic, records, { idempotent: true }), [0, 1, 0]);
    equal(values(await client.consume(topic, 0, 0, 2)), ["a", "b"]);
  },
  "consumes from an offset": async ({ client, other, topic }) => {
    await other.create(topic, 3);
    await other.produce(
      topic,
      [..."abcdef"].map((value) => textRecord(value)),
    );
    equal(values(await client.consume(topic, 0, 0, 6)), [..."abcdef"]);
    const middle = await client.consume(topic, 0, 3, 3);
    equal(values(middle), [..."def"]);
    equal(
      middle.map(({ offset }) => offset),
      [3, 4, 5],
    );
    equal(await client.offset(topic, 0, "earliest"), 0);
    equal(await client.offset(topic, 0, "latest"), 6);
  },
  "finds the record of a timestamp": async ({ client, other, topic }) => {
    await other.create(topic, 3);
    const first = Date.now() - 60 * SECOND;
    const records = [..."abcdef"].map((value, i) =>
      textRecord(value, { partition: 1, timestamp: first + i * SECOND }),
    );
    await other.produce(topic, records, { codec: "gzip" });
    const offset = await client.offset(topic, 1, first + 2.5 * SECOND);
    equal(offset, 3);
    equal(values(await client.consume(topic, 1, offset, 3)), [..."def"]);
  },
  "finds the largest timestamp": async ({ client, other, topic }) => {
    await other.create(topic, 1);
    const now = Date.now();
    const times = [3, 1, 9, 2].map((seconds) => now - 60 * SECOND + seconds * SECOND);
    await other.produce(
      topic,
      times.map((timestamp) => textRecord("v", { timestamp })),
    );
    equal(await client.offset(topic, 0, "max"), 2);
  },
  "waits at the end": async ({ client, other, topic }) => {
    await other.create(topic, 1);
    await other.produce(topic, [textRecord("before")]);
    const ready = Promise.withResolvers<void>();
    const waiting = client.consume(topic, 0, "latest", 1, ready.resolve);
    await Promise.race([ready.promise, waiting]);
    await other.produce(topic, [textRecord("after")]);
    equal(values(await waiting), ["after"]);
  },
  "is out of range": async ({ client, other, topic }) => {
    await other.create(topic, 1);
    await other.produce(topic, [textRecord("a")]);
    await fails(CODE.offsetOutOfRange, client.consume(topic, 0, 1000, 1));
  },
  "describes configs": async ({ client, topic }) => {
    await client.create(topic, 1, { "retention.ms": "3600000" });
    const configs = await client.configs(topic);
    equal(configs.get("retention.ms"), "3600000");
    equal(configs.get("cleanup.policy"), "delete");
  },
  "alters configs": async ({ client, other, topic }) => {
    await other.create(topic, 1);
    await client.setConfig(topic, "retention.ms", "7200000");
    equal((await client.configs(topic)).get("retention.ms"), "7200000");
    await fails(CODE.invalidConfig, client.setConfig(topic, "retention.years", "7"));
    await fails(CODE.invalidConfig, client.setConfig(topic, "retention.ms", "long"));
  },
  "adds partitions": async ({ client, other, topic }) => {
    await other.create(topic, 3);
    await client.addPartitions(topic, 5);
    equal(await client.partitions(topic), 5);
    await client.produce(topic, [textRecord("a", { partition: 4 })]);
    equal(values(await client.consume(topic, 4, 0, 1)), ["a"]);
    await fails(CODE.invalidPartitions, client.addPartitions(topic, 2));
  },
  "deletes records": async ({ client, other, topic }) => {
    await other.create(topic, 1);
    await other.produce(
      topic,
      [..."abcdef"].map((value) => textRecord(value)),
    );
    const start = await client.deleteRecords(topic, 0, 4);
    if (start !== undefined) equal(start, 4);
    equal(await client.offset(topic, 0, "earliest"), 4);
    equal(values(await client.consume(topic, 0, 4, 2)), [..."ef"]);
    await fails(CODE.offsetOutOfRange, client.consume(topic, 0, 0, 1));
  },
  "is refused a batch that is too large": async ({ client, other, topic }) => {
    await other.create(topic, 1, { "max.message.bytes": "20000" });
    await fails(CODE.messageTooLarge, client.produce(topic, [textRecord("x".repeat(100_000))]));
    await client.produce(topic, [textRecord("small")]);
    equal(values(await client.consume(topic, 0, 0, 1)), ["small"]);
  },
  "deletes a topic": async ({ client, other, topic }) => {
    await other.create(topic, 1);
    await client.delete(topic);
    await fails(CODE.unknownTopicOrPartition, client.partitions(topic));
    await fails(CODE.unknownTopicOrPartition, client.delete(topic));
  },
};

/** The outcome of one check. */
export interface CheckResult {
  readonly name: string;
  readonly outcome: "ok" | "absent" | "failed";
  readonly problem: string;
}

/** Runs all checks, one after another. */
export async function runScenario(
  client: TestedClient,
  other: TestedClient,
  broker: string,
  prefix: string,
): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  for (const [number, [name, check]] of Object.entries(CHECKS).entries()) {
    try {
      await check({ client, other, broker, topic: `${prefix}-${number}` });
      results.push({ name, outcome: "ok", problem: "" });
    } catch (error) {
      const outcome = error instanceof Absent ? "absent" : "failed";
      results.push({ name, outcome, problem: `${error}` });
    }
  }
  return results;
}

function values(records: readonly { value: Buffer | null }[]): string[] {
  return records.map(({ value }) => `${value}`);
}

function equal(actual: unknown, expected: unknown): void {
  if (!Bun.deepEquals(actual, expected)) {
    throw new Error(`expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`);
  }
}

/** Some clients do not tell at which offsets they wrote. */
function equalUnlessEmpty(actual: readonly number[], expected: readonly number[]): void {
  if (actual.length > 0) equal(actual, expected);
}

async function fails(code: number, call: Promise<unknown>): Promise<void> {
  let outcome = "it succeeded";
  try {
    await call;
  } catch (error) {
    if (error instanceof Absent) throw error;
    if (error instanceof KafkaError && error.code === code) return;
    outcome = `${error}`;
  }
  throw new Error(`expected error ${code}, but ${outcome}`);
}
