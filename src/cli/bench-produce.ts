// `rustlog bench produce`: passes records of random letters to our producer one by one, as an application does.
// Leaves to others: the options (bench.ts) and the report (bench-report.ts).
//
// With a rate, the latency of a record starts when the record is due, not when it is sent. A broker that stalls for a
// second then shows in every record of that second rather than in one ("coordinated omission").
import type { Client } from "../client/client.js";
import type { Producer } from "../client/producer.js";
import { RustLogError } from "../errors.js";
import type { Codec } from "../record/batch.js";
import { LoadReport } from "./bench-report.js";
import { connectAll, type ConnectionFlags } from "./connection.js";
import { Interruption, GRACE_MS } from "./signals.js";

export interface ProduceLoad extends ConnectionFlags {
  readonly topic: string;
  readonly records: number;
  /** Bytes per value. */
  readonly size: number;
  /** Records per second, over all connections. */
  readonly rate?: number;
  readonly connections: number;
  readonly compression: Codec;
  readonly batchBytes?: number;
  readonly linger?: number;
  /** Partitions of the topic if it has to be created. */
  readonly partitions?: number;
  readonly json: boolean;
}

/** Without a rate, the clock is read once per this many records. */
const BLOCK = 64;

/** Number of distinct values, as long as they fit into VALUES_BYTES: making a value takes longer than sending it. */
const VALUES_MAX = 256;
const VALUES_BYTES = 1024 * 1024;

/** The most that one call of `crypto.getRandomValues` fills. */
const RANDOM_BYTES_MAX = 65_536;

/** Bytes of consecutive records sent to one partition: enough to fill several batches before moving to the next. */
const RUN_BYTES = 1024 * 1024;

/** Runs the load and prints its summary, also when it fails. Throws the first error. */
export async function produceLoad(load: ProduceLoad): Promise<void> {
  const interruption = new Interruption();
  const clients = await connectAll(load, load.connections);
  const partitions = await partitionsOf(clients[0]!, load);
  const values = randomValues(load.size);
  const report = new LoadReport();
  const beganMs = performance.now();
  const outcomes = await Promise.allSettled(
    clients.map((client, i) => {
      const connection = new LoadingConnection({ client, load, partitions, values, report });
      return connection.run(beganMs, i, interruption);
    }),
  );
  report.end();
  const words = {
    of: `of ${load.size} B to '${load.topic}'`,
    latencyOf: "From sending a record (with --rate: from when it was due) to its acknowledgement",
  };
  await report.print(words, load.json);
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
  if (interruption.exitCode !== undefined) process.exit(interruption.exitCode);
  await Promise.all(clients.map((client) => client.close()));
}

/** Returns the topic's number of partitions; creates the topic if it is missing. */
async function partitionsOf(client: Client, load: ProduceLoad): Promise<number> {
  const { topic, partitions } = load;
  const admin = client.admin();
  await admin
    .createTopic(topic, partitions === undefined ? {} : { partitions })
    .catch((error: unknown) => {
      const isThere = error instanceof RustLogError && error.code === "TOPIC_ALREADY_EXISTS";
      if (!isThere) throw error;
    });
  return (await admin.describeTopic(topic)).partitions.length;
}

/** Values of random letters; a letter compresses to 4.7 bits. */
function randomValues(size: number): readonly Uint8Array[] {
  const count = Math.max(1, Math.min(VALUES_MAX, Math.floor(VALUES_BYTES / Math.max(1, size))));
  const bytes = new Uint8Array(count * size);
  for (let at = 0; at < bytes.length; at += RANDOM_BYTES_MAX) {
    crypto.getRandomValues(bytes.subarray(at, at + RANDOM_BYTES_MAX));
  }
  for (let i = 0; i < bytes.length; i++) bytes[i] = 65 + (bytes[i]! % 26);
  return Array.from({ length: count }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
}

interface LoadingConnectionOptions {
  readonly client: Client;
  readonly load: ProduceLoad;
  readonly partitions: number;
  readonly values: readonly Uint8Array[];
  readonly report: LoadReport;
}

class LoadingConnection {
  readonly #load: ProduceLoad;
  readonly #partitions: number;
  readonly #values: readonly Uint8Array[];
  readonly #producer: Producer;
  /** Per partition, when each unacknowledged record was sent. */
  readonly #times: readonly TimeQueue[];

  constructor({ client, load, partitions, values, report }: LoadingConnectionOptions) {
    const { size, compression, batchBytes, linger } = load;
    this.#load = load;
    this.#partitions = partitions;
    this.#values = values;
    this.#times = Array.from({ length: partitions }, () => new TimeQueue());
    this.#producer = client.producer({
      compression,
      ...(batchBytes === undefined ? {} : { batchBytes }),
      ...(linger === undefined ? {} : { lingerMs: linger }),
      onAcknowledged: ({ partition, records }) => {
        const nowMs = performance.now();
        const times = this.#times[partition]!;
        times.take(records, (timeMs, count) => report.addLatency(nowMs - timeMs, count));
        report.addRecords(records, records * size);
      },
    });
  }

  /** Writes this connection's share: records `number`, `number + connections`, and so on. */
  async run(beganMs: number, number: number, interruption: Interruption): Promise<void> {
    const { records, connections, rate } = this.#load;
    const share = Math.ceil((records - number) / connections);
    const intervalMs = rate === undefined ? 0 : (1_000 * connections) / rate;
    // Stagger the connections so that together they send evenly.
    const firstMs = beganMs + (intervalMs * number) / connections;
    try {
      for (let sent = 0; sent < share && interruption.exitCode === undefined;) {
        const nowMs = performance.now();
        const due =
          rate === undefined ? sent + BLOCK : 1 + Math.floor((nowMs - firstMs) / intervalMs);
        if (due <= sent) {
          await Bun.sleep(Math.max(1, firstMs + sent * intervalMs - nowMs));
          continue;
        }
        let wait: Promise<void> | undefined;
        for (const end = Math.min(due, share); sent < end && wait === undefined; sent++) {
          wait = this.#enqueue(
            number,
            sent,
            rate === undefined ? nowMs : firstMs + sent * intervalMs,
          );
        }
        if (wait !== undefined) await interruption.orResult(wait);
      }
    } finally {
      // Flush after a failure or signal too, so that the summary counts everything that was acknowledged.
      const isGivenUp = interruption.requested().then(() => Bun.sleep(GRACE_MS));
      await Promise.race([this.#producer.flush(), isGivenUp]);
    }
  }

  #enqueue(connection: number, index: number, timeMs: number): Promise<void> | undefined {
    const { size } = this.#load;
    const run = Math.floor((index * Math.max(1, size)) / RUN_BYTES);
    const partition = (connection + run) % this.#partitions;
    const value = this.#values[index % this.#values.length]!;
    const wait = this.#producer.enqueueRaw(this.#load.topic, partition, null, value);
    this.#times[partition]!.add(timeMs);
    return wait instanceof Promise ? wait : undefined;
  }
}

/** Send times of a partition's records, in order. Consecutive records with the same time share an entry. */
export class TimeQueue {
  #entries: { readonly timeMs: number; count: number }[] = [];
  #first = 0;

  add(timeMs: number): void {
    const last = this.#entries.at(-1);
    if (last?.timeMs === timeMs) last.count++;
    else this.#entries.push({ timeMs, count: 1 });
  }

  /** Removes `records` records from the front and calls `tell` for each distinct time with its number of records. */
  take(records: number, tell: (timeMs: number, count: number) => void): void {
    for (let left = records; left > 0;) {
      const entry = this.#entries[this.#first];
      if (entry === undefined) break;
      const count = Math.min(left, entry.count);
      tell(entry.timeMs, count);
      entry.count -= count;
      left -= count;
      if (entry.count === 0) this.#first++;
    }
    // This also clears a fully used last entry, so `push` never finds one.
    if (this.#first < this.#entries.length / 2) return;
    this.#entries = this.#entries.slice(this.#first);
    this.#first = 0;
  }
}
