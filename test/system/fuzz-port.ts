// Fuzzes the port of a broker while a good client works. Leaves to others: the cases (hostile-input.ts).
import { Ping } from "../../src/protocol/native/meta.js";
import type { BrokerProcess } from "../support/binary.js";
import { RawClient } from "../support/raw-client.js";
import { Random } from "../support/random.js";
import { goodClient, type RoundsMs } from "./good-client.js";
import { hostileInput } from "./hostile-input.js";
import { connect } from "../../src/client/client.js";
import { TARGET } from "./hostile-input.js";

/** The outcome of a run. */
export interface FuzzSummary {
  readonly cases: number;
  readonly goodRounds: number;
  readonly roundsMs: RoundsMs;
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

/**
 * Sends each case on a connection of its own, cut into random pieces, and waits until the broker has closed
 * it. Throws when the good client fails, when the broker logs a bug, or when a connection is not answered.
 */
export async function fuzzPort(broker: BrokerProcess, options: FuzzOptions): Promise<FuzzSummary> {
  const { cases, seed } = options;
  await using admin = await connect({ broker: broker.address });
  await admin.admin().createTopic(TARGET, { partitions: 2, settings: { "retention.bytes": "1" } });
  const good = await goodClient(broker.address);
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
      options.progress?.(number + 1, `${rss}, good client ${good.rounds} rounds`);
      checkLines(broker);
    }
  };
  await Promise.race([Promise.all(Array.from({ length: AT_ONCE }, worker)), good.failed]);
  await good.progress(1);
  await good.stop();
  checkLines(broker);
  const rssAnonMiB = { before, tenths, max: Math.max(max, ...tenths) };
  return { cases, goodRounds: good.rounds, roundsMs: good.roundsMs, rssAnonMiB };
}

async function oneCase(port: number, random: Random): Promise<void> {
  using client = await RawClient.connect(port, { allowHalfOpen: true });
  const bytes = hostileInput(random);
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
  const bugs = broker.reports;
  if (bugs.length > 0) throw new Error(`the broker reports: ${bugs.slice(0, 5).join("\n")}`);
}
