// Fuzzes the port of a broker in both protocols, while a good client of each works.
// Leaves to others: the cases (hostile-input.ts, hostile-kafka.ts).
import { Ping } from "../../src/protocol/native/meta.js";
import type { BrokerProcess } from "../support/binary.js";
import { RawClient } from "../support/raw-client.js";
import { Random } from "../support/random.js";
import { type GoodClient, goodClient, type RoundsMs } from "./good-client.js";
import { goodKafkaClient } from "./good-kafka-client.js";
import { hostileInput } from "./hostile-input.js";
import { hostileKafka } from "./hostile-kafka.js";
import { connect } from "../../src/client/client.js";
import { TARGET } from "./hostile-input.js";

/** What a good client did meanwhile. */
export interface GoodRounds {
  readonly rounds: number;
  readonly roundsMs: RoundsMs;
}

/** The outcome of a run. */
export interface FuzzSummary {
  readonly cases: number;
  /** Of the good client of our own protocol, and of that of Kafka's. */
  readonly native: GoodRounds;
  readonly kafka: GoodRounds;
  readonly rssAnonMiB: {
    readonly before: number;
    /** After each tenth of the cases. */
    readonly tenths: readonly number[];
    readonly max: number;
  };
}

/** The number of cases, and their seed. */
export interface FuzzOptions {
  readonly cases: number;
  readonly seed: number;
  readonly progress?: (done: number, more: string) => void;
}

const AT_ONCE = 16;

/** A Kafka request that can't be served ends the connection, and a line in the log says why. */
const REFUSED = /closed a kafka connection from (?!.*\bbug\b)|more lines like this/;

/**
 * Sends each case on a connection of its own, cut into random pieces, and waits until the broker has closed
 * it. Throws when the good client fails, when the broker logs a bug, or when a connection is not answered.
 */
export async function fuzzPort(broker: BrokerProcess, options: FuzzOptions): Promise<FuzzSummary> {
  const { cases, seed } = options;
  await using admin = await connect({ broker: broker.address });
  await admin.admin().createTopic(TARGET, { partitions: 2, settings: { "retention.bytes": "1" } });
  const native = await goodClient(broker.address);
  const kafka = await goodKafkaClient(broker.port);
  const before = broker.rssAnonMiB;
  const tenths: number[] = [];
  let max = before;
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < cases) {
      const number = next++;
      await oneCase(broker.port, new Random(seed * 1_000_003 + number));
      if ((number + 1) % Math.ceil(cases / 10) === 0) tenths.push(broker.rssAnonMiB);
      if (number % 1_000 !== 999) continue;
      max = Math.max(max, broker.rssAnonMiB);
      const rss = `RssAnon ${broker.rssAnonMiB.toFixed(0)} MiB`;
      options.progress?.(
        number + 1,
        `${rss}, good clients ${native.rounds} and ${kafka.rounds} rounds`,
      );
      checkLines(broker);
    }
  };
  const workers = Promise.all(Array.from({ length: AT_ONCE }, worker));
  await Promise.race([workers, native.failed, kafka.failed]);
  for (const good of [native, kafka]) {
    await good.progress(1);
    await good.stop();
  }
  checkLines(broker);
  const rssAnonMiB = { before, tenths, max: Math.max(max, ...tenths) };
  return { cases, native: roundsOf(native), kafka: roundsOf(kafka), rssAnonMiB };
}

function roundsOf({ rounds, roundsMs }: GoodClient): GoodRounds {
  return { rounds, roundsMs };
}

async function oneCase(port: number, random: Random): Promise<void> {
  using client = await RawClient.connect(port, { allowHalfOpen: true });
  const bytes = random.chance(0.5) ? hostileInput(random) : hostileKafka(random);
  if (random.chance(0.3)) {
    // In pieces, each in its own packet if the kernel permits.
    for (let at = 0; at < bytes.length;) {
      const end = at + 1 + random.below(random.chance(0.5) ? 3 : 200);
      client.send(bytes.subarray(at, end));
      at = end;
      if (random.chance(0.1)) await Promise.resolve();
    }
  } else client.send(bytes);
  if (random.chance(0.1)) return; // it leaves with a reset
  if (random.chance(0.1)) client.send(Ping.encodeRequest(9, {}));
  client.shutdown();
  await client.closed;
}

function checkLines(broker: BrokerProcess): void {
  const bugs = broker.reports.filter((line) => !REFUSED.test(line));
  if (bugs.length > 0) throw new Error(`the broker reports: ${bugs.slice(0, 5).join("\n")}`);
}
