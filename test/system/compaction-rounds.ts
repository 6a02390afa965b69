// A changelog topic that is compacted while producers and consumers of both protocols work, and its broker is killed again
// and again, in the middle of compactions too. After each restart, and at the end, the log is compared with a ledger.
// Leaves to others: the ledger and its checks (changelog.ts).
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type Consumer as KafkaConsumer, Kafka, logLevel, type Producer } from "kafkajs";
import { type Client, connect } from "../../src/client/client.js";
import { BrokerProcess, quietPort } from "../support/binary.js";
import { Random } from "../support/random.js";
import { tempDir } from "../support/tmp.js";
import { Changelog, PARTITIONS, type Reader, TOPIC } from "./changelog.js";

export interface CompactionRounds {
  readonly updates: number;
  readonly keys: number;
  /** Kills of the broker. */
  readonly rounds: number;
  readonly seed: number;
  readonly segmentBytes: number;
  /** Whether a producer and a consumer of Kafka's protocol take part. */
  readonly withKafka: boolean;
  /** Called after each round with its number, the updates so far, and what was read. */
  readonly onRound?: (round: number, updates: number, summary: string) => void;
}

export interface CompactionSummary {
  readonly updates: number;
  /** Records that were left at the end. */
  readonly records: number;
  /** Kills while files of a compaction were being written or put in place. */
  readonly killsInCompaction: number;
  readonly bytesWritten: number;
  readonly bytesLeft: number;
}

/** Updates that a writer sends before it waits for their acknowledgements. */
const NATIVE_UPDATES = 2_000;
const KAFKA_UPDATES = 200;

/** Longest wait for a compaction, in milliseconds: there may be none until more is written. */
const WAIT_MS_MAX = 1_000;

/** Writers of each protocol. A key belongs to one writer, so its versions ascend. */
const NATIVE_WRITERS = 2;
const WRITERS = NATIVE_WRITERS + 1;

/** Runs the rounds; throws an Error that says what was violated. */
export async function compactionRounds(options: CompactionRounds): Promise<CompactionSummary> {
  const random = new Random(options.seed);
  using directory = tempDir();
  const port = quietPort();
  const args = ["--port", `${port}`, "--compaction-check", "100ms", "--compaction-memory", "1MiB"];
  const launch = () => BrokerProcess.launch(directory.path, ...args);
  let broker = await launch();
  await using _last = { [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose]() };
  await mustStart(broker);
  const address = `127.0.0.1:${port}`;
  const load = new Load(address, options);
  const files = () => filesOfCompaction(directory.path);
  let killsInCompaction = 0;
  try {
    await load.begin();
    for (let round = 1; round <= options.rounds; round++) {
      await load.writeUntil(round / (options.rounds + 1));
      await load.race(atAnyTime(random, files));
      if (files() > 0) killsInCompaction++;
      await broker.end("SIGKILL");
      broker = await launch();
      await mustStart(broker);
      const records = await load.race(check(address, load.changelog));
      options.onRound?.(round, load.changelog.acknowledged, `${records} records in the log`);
    }
    await load.finish();
    await using reader = await connect({ broker: address });
    const before = await reader.admin().describeTopic(TOPIC);
    const rows = await reader.admin().compactTopic(TOPIC);
    const failed = rows.find(({ error }) => error !== undefined);
    if (failed !== undefined) throw new Error(`partition ${failed.partition}: ${failed.error}`);
    const records = await check(address, load.changelog, true);
    await load.readersAgree();
    const bytes = (topic: typeof before): number =>
      topic.partitions.reduce((sum, partition) => sum + partition.bytes, 0);
    const bytesLeft = bytes(await reader.admin().describeTopic(TOPIC));
    const reports = broker.reports.filter((line) => !line.includes("was recovered"));
    if (reports.some((line) => line.includes("could not be"))) throw new Error(reports.join("\n"));
    const updates = load.changelog.acknowledged;
    return { updates, records, killsInCompaction, bytesWritten: bytes(before), bytesLeft };
  } finally {
    await load.abandon();
  }
}

async function mustStart(broker: BrokerProcess): Promise<void> {
  if (await broker.hasStarted()) return;
  throw new Error(`the broker did not start: ${broker.lines.join("\n")}`);
}

/** Number of files of new segments that are not in place yet. */
function filesOfCompaction(dataDir: string): number {
  let count = 0;
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const names = readdirSync(join(dataDir, "topics", TOPIC, `${partition}`));
    count += names.filter((name) => name.endsWith(".cleaned")).length;
  }
  return count;
}

/** Waits for a random time and then, mostly, for a compaction. */
async function atAnyTime(random: Random, files: () => number): Promise<void> {
  await Bun.sleep(random.below(100));
  if (random.chance(0.2)) return;
  const untilMs = performance.now() + WAIT_MS_MAX;
  while (files() === 0 && performance.now() < untilMs) await Bun.sleep(1);
  // The files are there for some 50 ms.
  await Bun.sleep(random.pick([0, 0, 1, 5, 20]));
}

/** Reads everything and compares it with the ledger. Returns the number of records. */
async function check(address: string, changelog: Changelog, isAtEnd = false): Promise<number> {
  await using client = await connect({ broker: address });
  const reader = changelog.reader("check");
  const known = changelog.snapshot();
  await readAll(client, reader, false);
  reader.compare(known, isAtEnd);
  return reader.records;
}

async function readAll(client: Client, reader: Reader, follow: boolean): Promise<void> {
  const consumer = client.consumer({ topic: TOPIC, follow, maxWaitMs: 50 });
  for (;;) {
    const batch = await consumer.nextBatch();
    if (batch === null) return;
    while (batch.next()) {
      const { cursor, partition } = batch;
      const [header] = cursor.headerCount > 0 ? cursor.headers() : [];
      const value = header === undefined ? cursor.valueText() : text(header.value);
      reader.saw(partition, cursor.offset, cursor.keyText(), value, cursor.valueStart < 0);
    }
  }
}

function text(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : new TextDecoder().decode(bytes);
}

/** Producers and consumers that continue across restarts until they are told to stop. */
class Load {
  readonly changelog: Changelog;
  readonly #address: string;
  readonly #options: CompactionRounds;
  readonly #kafka: Kafka;
  readonly #clients: Client[] = [];
  readonly #kafkaClients: (Producer | KafkaConsumer)[] = [];
  readonly #writing: Promise<void>[] = [];
  readonly #native: Reader;
  readonly #kafkaReader: Reader;
  readonly #failure = Promise.withResolvers<never>();
  #isOver = false;
  /** Updates that may be sent so far. */
  #due = 0;

  constructor(address: string, options: CompactionRounds) {
    this.#address = address;
    this.#options = options;
    this.changelog = new Changelog(options.keys, WRITERS);
    this.#native = this.changelog.reader("our consumer");
    this.#kafkaReader = this.changelog.reader("kafkajs' consumer");
    const retry = { retries: 1_000_000, initialRetryTime: 20, maxRetryTime: 200 };
    this.#kafka = new Kafka({
      ...{ brokers: [address], clientId: "changelog", logLevel: logLevel.NOTHING, retry },
    });
    this.#failure.promise.catch(() => {});
  }

  /** Rejects when anything of the load fails that must not. */
  race<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#failure.promise]);
  }

  async begin(): Promise<void> {
    const client = await this.#connect();
    await client.admin().createTopic(TOPIC, {
      partitions: PARTITIONS,
      settings: {
        "cleanup.policy": "compact",
        "segment.bytes": `${this.#options.segmentBytes}`,
        "min.cleanable.dirty.ratio": "0.2",
        "delete.retention.ms": "500",
      },
    });
    for (let writer = 0; writer < NATIVE_WRITERS; writer++) {
      this.#writing.push(this.#watch(this.#write(await this.#connect(), writer)));
    }
    void this.#watch(readAll(await this.#connect(), this.#native, true));
    if (!this.#options.withKafka) return;
    this.#writing.push(this.#watch(this.#writeWithKafka(NATIVE_WRITERS)));
    await this.#readWithKafka();
  }

  /** Lets the writers go on, up to a share of all updates, and waits until half of the new ones are sent. */
  async writeUntil(share: number): Promise<void> {
    const due = Math.floor(share * this.#options.updates);
    const half = (this.#due + due) / 2;
    this.#due = due;
    while (this.changelog.sent < half) await this.race(Bun.sleep(2));
  }

  /** Waits until all updates are written and acknowledged. */
  async finish(): Promise<void> {
    this.#due = this.#options.updates;
    await this.race(Promise.all(this.#writing));
  }

  /** Waits until both consumers have read to the end; throws if one has another state than the ledger. */
  async readersAgree(): Promise<void> {
    const known = this.changelog.snapshot();
    const readers = [this.#native, ...(this.#options.withKafka ? [this.#kafkaReader] : [])];
    for (const reader of readers) {
      while (!reader.isComplete(known)) await this.race(Bun.sleep(5));
      reader.compare(known, true);
    }
  }

  async abandon(): Promise<void> {
    this.#isOver = true;
    await Promise.allSettled(this.#clients.map((client) => client.close()));
    await Promise.allSettled(this.#kafkaClients.map((client) => client.disconnect()));
  }

  async #connect(): Promise<Client> {
    const client = await connect({ broker: this.#address, retryBackoffMs: 5 });
    this.#clients.push(client);
    return client;
  }

  async #watch(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      if (!this.#isOver) this.#failure.reject(error);
    }
  }

  /** Resolves with whether there is something to write. */
  async #hasMore(): Promise<boolean> {
    while (!this.#isOver && this.changelog.sent >= this.#due) {
      if (this.#due >= this.#options.updates) return false;
      await Bun.sleep(2);
    }
    return !this.#isOver;
  }

  async #write(client: Client, writer: number): Promise<void> {
    const { changelog } = this;
    const random = new Random(this.#options.seed + writer);
    // Acknowledgements of a partition come in the order of its records.
    const pending = Array.from({ length: PARTITIONS }, () => ({ keys: [] as number[], done: 0 }));
    const producer = client.producer({
      lingerMs: 1,
      // kafkajs reads no other codec.
      compression: writer === 0 ? "none" : "gzip",
      onAcknowledged: ({ partition, baseOffset, records }) => {
        const queue = pending[partition]!;
        for (let i = 0; i < records; i++) {
          changelog.acknowledge(queue.keys[queue.done++]!, partition, baseOffset + i);
        }
        if (queue.done === queue.keys.length) queue.done = queue.keys.length = 0;
      },
    });
    while (await this.#hasMore()) {
      for (let i = 0; i < NATIVE_UPDATES; i++) {
        const { index, partition, key, value, version } = changelog.update(writer, random);
        pending[partition]?.keys.push(index);
        const headers = value === null ? [{ name: "v", value: version }] : [];
        const full = producer.enqueue(TOPIC, { key, value, partition, headers });
        if (full !== undefined) await full;
      }
      await producer.flush();
    }
    await producer.close();
  }

  async #writeWithKafka(writer: number): Promise<void> {
    const { changelog } = this;
    const random = new Random(this.#options.seed + writer);
    const producer = this.#kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
    this.#kafkaClients.push(producer);
    await producer.connect();
    while (await this.#hasMore()) {
      const sent = Array.from({ length: PARTITIONS }, (): number[] => []);
      const messages = Array.from({ length: KAFKA_UPDATES }, () => {
        const { index, partition, key, value, version } = changelog.update(writer, random);
        sent[partition]?.push(index);
        const headers = value === null ? { v: version } : {};
        return { key, value, partition, headers };
      });
      const rows = await producer.send({ topic: TOPIC, acks: -1, messages });
      for (const { partition, baseOffset = "" } of rows) {
        for (const [i, index] of sent[partition]!.entries()) {
          changelog.acknowledge(index, partition, Number(baseOffset) + i);
        }
      }
    }
  }

  async #readWithKafka(): Promise<void> {
    const reader = this.#kafkaReader;
    const consumer = this.#kafka.consumer({ groupId: "changelog", sessionTimeout: 6_000 });
    this.#kafkaClients.push(consumer);
    await consumer.connect();
    await consumer.subscribe({ topic: TOPIC, fromBeginning: true });
    consumer.on(consumer.events.CRASH, ({ payload: { error, restart } }) => {
      if (!restart && !this.#isOver) this.#failure.reject(error);
    });
    await consumer.run({
      eachMessage: async ({ partition, message: { key, value, offset, headers = {} } }) => {
        const { v } = headers;
        const version = v === undefined ? value : v;
        try {
          reader.saw(partition, Number(offset), `${key}`, `${version}`, value === null);
        } catch (error) {
          this.#failure.reject(error);
        }
      },
    });
  }
}
