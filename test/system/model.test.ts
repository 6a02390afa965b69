// A day's work in seconds: produce, fetch, commit, roll, create, delete, restart and kill in a random mix, on the
// compiled broker, against a model of arrays and maps.
import { expect, test } from "bun:test";
import { connect, type Client } from "../../src/client/client.js";
import { CODECS } from "../../src/record/batch.js";
import { BrokerProcess } from "../support/binary.js";
import { Random } from "../support/random.js";
import { tempDir } from "../support/tmp.js";

const OPERATIONS = 250;
const SEED = 5;
const NAMES = ["a", "b", "c"];

/** The broker as it should be: values by partition, and committed offsets by group. */
class Model {
  readonly topics = new Map<string, string[][]>();
  readonly commits = new Map<string, number>();
}

/** One run: the broker, a client of it, and the model. */
class Run {
  readonly model = new Model();
  readonly #random = new Random(SEED);
  readonly #dataDir: string;
  #broker!: BrokerProcess;
  #client!: Client;
  #values = 0;

  constructor(dataDir: string) {
    this.#dataDir = dataDir;
  }

  async start(): Promise<void> {
    this.#broker = await BrokerProcess.start(this.#dataDir, "--segment-bytes", "4KiB");
    this.#client = await connect({ broker: this.#broker.address });
  }

  async end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    await this.#client?.close();
    await this.#broker?.end(signal);
  }

  async step(): Promise<void> {
    const random = this.#random;
    const topic = random.pick(NAMES);
    const partitions = this.model.topics.get(topic);
    if (partitions === undefined) return await this.#create(topic);
    const partition = random.below(partitions.length);
    const values = partitions[partition]!;
    const chance = random.below(100);
    if (chance < 50) await this.#produce(topic, partition, values);
    else if (chance < 75)
      await this.#fetch(topic, partition, values, random.below(values.length + 1));
    else if (chance < 90) await this.#commit(topic, partition, values);
    else if (chance < 95) await this.#restart(random.pick(["SIGTERM", "SIGKILL"] as const));
    else if (chance < 98) await this.#delete(topic);
    else await this.checkAll();
  }

  /** Checks everything against the model. */
  async checkAll(): Promise<void> {
    const admin = this.#client.admin();
    const listed = (await admin.listTopics()).map(
      ({ name, partitions }) => `${name} ${partitions}`,
    );
    const expected = [...this.model.topics].map(([name, { length }]) => `${name} ${length}`).sort();
    expect(listed).toEqual(expected);
    for (const [topic, partitions] of this.model.topics) {
      for (const [partition, values] of partitions.entries()) {
        await this.#fetch(topic, partition, values, 0);
        const [committed] = await admin.fetchOffsets("g", [{ topic, partition }]);
        expect(committed?.offset).toBe(this.model.commits.get(`${topic} ${partition}`));
      }
    }
  }

  async #create(topic: string): Promise<void> {
    const partitions = 1 + this.#random.below(3);
    await this.#client.admin().createTopic(topic, { partitions });
    this.model.topics.set(
      topic,
      Array.from({ length: partitions }, () => []),
    );
  }

  async #produce(topic: string, partition: number, values: string[]): Promise<void> {
    const compression = this.#random.pick(CODECS);
    const producer = this.#client.producer({ compression, lingerMs: 0 });
    const more = Array.from({ length: 1 + this.#random.below(20) }, () =>
      `${this.#values++}`.padEnd(this.#random.below(300), "."),
    );
    const sent = await Promise.all(more.map((value) => producer.send(topic, { value, partition })));
    await producer.close();
    expect(sent.map(({ offset }) => offset)).toEqual(more.map((_, i) => values.length + i));
    values.push(...more);
  }

  async #fetch(topic: string, partition: number, values: string[], offset: number): Promise<void> {
    const maxBytes = this.#random.pick([1, 1_000, 100_000]);
    const range = { topic, partitions: [partition], offset, maxBytes, follow: false };
    await using consumer = this.#client.consumer(range);
    const read: string[] = [];
    for await (const { value } of consumer) read.push(new TextDecoder().decode(value ?? undefined));
    expect(read).toEqual(values.slice(offset));
  }

  async #commit(topic: string, partition: number, values: string[]): Promise<void> {
    const offset = this.#random.below(values.length + 1);
    await this.#client.admin().commitOffsets("g", [{ topic, partition, offset }]);
    this.model.commits.set(`${topic} ${partition}`, offset);
  }

  async #delete(topic: string): Promise<void> {
    await this.#client.admin().deleteTopic(topic);
    this.model.topics.delete(topic);
    for (const key of this.model.commits.keys()) {
      if (key.startsWith(`${topic} `)) this.model.commits.delete(key);
    }
  }

  async #restart(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    await this.end(signal);
    await this.start();
    if (signal === "SIGTERM") expect(this.#broker.reports).toEqual([]);
  }
}

test(`${OPERATIONS} random operations leave the same state as a model`, async () => {
  using directory = tempDir();
  const run = new Run(directory.path);
  try {
    await run.start();
    for (let i = 0; i < OPERATIONS; i++) await run.step();
    await run.checkAll();
  } finally {
    await run.end("SIGKILL");
  }
}, 60_000);
