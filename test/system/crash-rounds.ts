// Rounds of kill -9: a load whose clients outlive the broker, a broker that is killed at random moments, also
// while it recovers, and after each restart the check of the whole log against the ledger.
// Leaves to others: the ledger and its check (ledger.ts).
import { type Client, connect } from "../../src/client/client.js";
import { RustLogError } from "../../src/errors.js";
import { CODECS } from "../../src/record/batch.js";
import { BrokerProcess, quietPort } from "../support/binary.js";
import { Random } from "../support/random.js";
import { tempDir } from "../support/tmp.js";
import { Ledger, TOPICS, valueFor } from "./ledger.js";

/** The outcome of the rounds. */
export interface CrashSummary {
  readonly rounds: number;
  readonly killsDuringStart: number;
  readonly acknowledged: number;
  readonly records: number;
  readonly commits: number;
}

/** The number of rounds, and the seed of their timing. */
export interface CrashOptions {
  readonly rounds: number;
  readonly seed: number;
  /** Longest time under load before a kill, in milliseconds. */
  readonly loadMsMax: number;
  /** Called after each round. */
  readonly onRound?: (round: number, records: number) => void;
}

/** Runs the rounds; throws an Error that says what was violated. */
export async function crashRounds(options: CrashOptions): Promise<CrashSummary> {
  const random = new Random(options.seed);
  using directory = tempDir("on disk");
  const port = quietPort();
  const args = ["--port", `${port}`, "--segment-bytes", "32KiB", "--max-batch-bytes", "1MiB"];
  const launch = () => BrokerProcess.launch(directory.path, ...args);
  let broker = await launch();
  await using _last = { [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose]() };
  await mustStart(broker);
  const load = new Load(`127.0.0.1:${port}`, random);
  let killsDuringStart = 0;
  let records = 0;
  try {
    await load.begin();
    for (let round = 1; round <= options.rounds; round++) {
      await Promise.race([Bun.sleep(random.below(options.loadMsMax)), load.failed]);
      await broker.end("SIGKILL");
      while (random.chance(0.3)) {
        broker = await launch();
        await Bun.sleep(random.below(80));
        await broker.end("SIGKILL");
        killsDuringStart++;
      }
      broker = await launch();
      await mustStart(broker);
      await using reader = await connect({ broker: `127.0.0.1:${port}` });
      records = await Promise.race([load.ledger.check(reader), load.failed]);
      options.onRound?.(round, records);
    }
    await load.finish();
    await using reader = await connect({ broker: `127.0.0.1:${port}` });
    records = await load.ledger.check(reader);
    if (records !== load.sent) throw new Error(`${load.sent} were sent, ${records} are there`);
  } finally {
    await load.abandon();
  }
  const { commits, ledger } = load;
  const acknowledged = ledger.acknowledged;
  return { rounds: options.rounds, killsDuringStart, acknowledged, records, commits };
}

async function mustStart(broker: BrokerProcess): Promise<void> {
  if (await broker.hasStarted()) return;
  throw new Error(`the broker did not start: ${broker.lines.join("\n")}`);
}

/** Producers and consumers that continue across restarts until they are told to stop. */
class Load {
  readonly ledger = new Ledger();
  sent = 0;
  commits = 0;
  readonly #broker: string;
  readonly #random: Random;
  readonly #clients: Client[] = [];
  readonly #producing: Promise<void>[] = [];
  readonly #failure = Promise.withResolvers<never>();
  #isFinishing = false;

  constructor(broker: string, random: Random) {
    this.#broker = broker;
    this.#random = random;
    this.#failure.promise.catch(() => {});
  }

  /** Rejects when anything of the load fails that must not. */
  get failed(): Promise<never> {
    return this.#failure.promise;
  }

  async begin(): Promise<void> {
    const first = await this.#connect();
    for (const [name, partitions] of Object.entries(TOPICS)) {
      await first.admin().createTopic(name, { partitions });
    }
    let producers = 0;
    for (const [topic, partitions] of Object.entries(TOPICS)) {
      for (let partition = 0; partition < partitions; partition++) {
        for (let i = 0; i < 2; i++) {
          const client = this.#random.chance(0.5) ? first : await this.#connect();
          this.#producing.push(
            this.#watch(this.#produce(client, `p${producers++}`, topic, partition)),
          );
        }
      }
      void this.#watch(this.#consume(await this.#connect(), topic));
    }
  }

  /** Ends producing: everything that was sent is acknowledged. */
  async finish(): Promise<void> {
    this.#isFinishing = true;
    await Promise.race([Promise.all(this.#producing), this.failed]);
  }

  async abandon(): Promise<void> {
    this.#isFinishing = true;
    await Promise.allSettled(this.#clients.map((client) => client.close()));
  }

  async #connect(): Promise<Client> {
    const client = await connect({ broker: this.#broker, retryBackoffMs: 5 });
    this.#clients.push(client);
    return client;
  }

  async #watch(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      if (!this.#isFinishing) this.#failure.reject(error);
    }
  }

  async #produce(client: Client, name: string, topic: string, partition: number): Promise<void> {
    const random = this.#random;
    const producer = client.producer({
      lingerMs: random.below(3),
      batchBytes: random.pick([1, 500, 4_000, 40_000]),
      compression: random.pick(CODECS),
    });
    for (let number = 0; !this.#isFinishing;) {
      const acks: Promise<void>[] = [];
      for (let i = random.below(40); i >= 0; i--) {
        const value = valueFor(name, number++, random.below(random.chance(0.05) ? 20_000 : 300));
        this.sent++;
        const ack = producer.send(topic, { value, partition });
        acks.push(
          ack.then(({ offset }) => {
            this.ledger.note(topic, partition, offset, value);
            this.ledger.acknowledged++;
          }),
        );
      }
      await Promise.all(acks);
    }
  }

  async #consume(client: Client, topic: string): Promise<void> {
    const group = `readers-of-${topic}`;
    const consumer = client.consumer({ topic, group, maxWaitMs: 50, maxBytes: 50_000 });
    while (!this.#isFinishing) {
      const batch = await consumer.nextBatch();
      if (batch === null) return;
      while (batch.next()) {
        const value = batch.cursor.value() ?? new Uint8Array(0);
        this.ledger.note(topic, batch.partition, batch.cursor.offset, value);
      }
      const position = batch.cursor.offset + 1;
      try {
        await consumer.commit();
      } catch (error) {
        if (error instanceof RustLogError && error.code === "CONNECTION_LOST") continue;
        throw error;
      }
      this.ledger.noteCommit(group, topic, batch.partition, position);
      this.commits++;
    }
  }
}
