// A well-behaved client beside hostile ones: it produces, reads back and commits again and again, and measures each
// round. Any error is a violation.
// Leaves to others: what the others do meanwhile.
import { connect } from "../../src/client/client.js";

/** Between two rounds. Without it the client and the broker would keep both processors of a small machine busy. */
const PAUSE_MS = 2;

/** Durations of rounds, in milliseconds. */
export interface RoundsMs {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** A running good client. */
export interface GoodClient {
  /** Rounds so far. */
  readonly rounds: number;
  /** Durations of its rounds so far, in milliseconds. */
  readonly roundsMs: RoundsMs;
  /** Rejects when it fails; never resolves. */
  readonly failed: Promise<never>;
  /** Resolves after `count` more rounds; rejects if it fails. */
  progress(count: number): Promise<void>;
  /** Ends it; throws its error, if any. */
  stop(): Promise<void>;
}

/** Does one round, counted from 0. Throws if the broker did not do what it should. */
export type Round = (number: number) => Promise<void>;

/** Starts a good client with its own topic. */
export async function goodClient(broker: string, topic = "good"): Promise<GoodClient> {
  const client = await connect({ broker, retries: 0, requestTimeoutMs: 20_000 });
  const admin = client.admin();
  await admin.createTopic(topic, { partitions: 1 });
  const producer = client.producer({ lingerMs: 0, deliveryTimeoutMs: 20_000 });
  const consumer = client.consumer({ topic, group: topic, retryTimeoutMs: 20_000 });
  const round: Round = async (number) => {
    const value = `round ${number} ${"x".repeat(number % 1000)}`;
    const { offset } = await producer.send(topic, { value });
    if (offset !== number) throw new Error(`round ${number} is at offset ${offset}`);
    const batch = await consumer.nextBatch();
    if (batch === null || !batch.next()) throw new Error(`round ${number} can't be read`);
    const read = new TextDecoder().decode(batch.cursor.value() ?? new Uint8Array(0));
    if (read !== value) throw new Error(`round ${number} reads as ${read.slice(0, 40)}`);
    await consumer.commit();
    while (batch.next());
  };
  return worker(round, () => client.close());
}

/** Repeats a round until it is stopped or fails. */
export function worker(round: Round, close: () => Promise<void>): GoodClient {
  const failure = Promise.withResolvers<never>();
  failure.promise.catch(() => {});
  let waiters: { readonly at: number; readonly resolve: () => void }[] = [];
  let stopped = false;
  let rounds = 0;
  const roundsMs: number[] = [];

  const work = async (): Promise<void> => {
    while (!stopped) {
      const began = performance.now();
      await round(rounds);
      rounds++;
      roundsMs.push(performance.now() - began);
      await Bun.sleep(PAUSE_MS);
      for (const { at, resolve } of waiters) if (at <= rounds) resolve();
      waiters = waiters.filter(({ at }) => at > rounds);
    }
  };
  const working = work().catch((error: unknown) => {
    failure.reject(new Error(`the good client failed in round ${rounds}`, { cause: error }));
  });
  return {
    get rounds() {
      return rounds;
    },
    get roundsMs() {
      return percentiles(roundsMs);
    },
    failed: failure.promise,
    async progress(count) {
      const reached = new Promise<void>((resolve) => {
        waiters.push({ at: rounds + count, resolve });
      });
      await Promise.race([reached, failure.promise]);
    },
    async stop() {
      stopped = true;
      await Promise.race([working, failure.promise]);
      await close();
    },
  };
}

function percentiles(times: readonly number[]): RoundsMs {
  const sorted = Float64Array.from(times).sort();
  const at = (share: number) => sorted[Math.ceil(sorted.length * share) - 1] ?? 0;
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

/** "p50 1.2 ms, p99 8.0 ms, longest 25.1 ms". */
export function formatRounds({ p50, p99, max }: RoundsMs): string {
  return `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, longest ${max.toFixed(1)} ms`;
}
