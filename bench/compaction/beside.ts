// A producer beside a compaction: what it loses of its throughput at full speed, and how much longer it waits at a fixed
// rate. Each round fills a log, and then produces: for a while with nothing else going on, until the log is compacted, and for
// a while again.
// Leaves to others: a compaction with nothing beside it (../compaction.ts).
import { LatencyHistogram } from "../../src/cli/latency-histogram.js";
import { TimeQueue } from "../../src/cli/bench-produce.js";
import type { Client, Producer } from "../../src/index.js";
import type { BrokerProcess } from "../../test/support/binary.js";
import { adminClient, type Bench } from "../e2e/setup.js";
import { type BarRow, barRow, barSection, type Section } from "../report.js";
import { batchesOf, type ChangelogOptions, segmentBytesOf } from "./changelog.js";
import { BrokerConnection } from "../../src/client/broker-connection.js";
import { parseBrokerAddress } from "../../src/client/broker-address.js";
import { encodeProduceRequestHead, Produce } from "../../src/protocol/native/produce.js";

const THROUGHPUT_BAR = 0.9;
const P99_BAR_MS = 20;

const RECORD_BYTES = 1024;
const RECORDS_A_SECOND = 5_000;

/** Without a rate, the clock is read once per this many records. */
const BLOCK = 64;

const FILL_IN_FLIGHT = 64;
const TIMEOUT_MS = 120_000;

/** For the disk and the broker to come to rest after a fill, and for the load to reach its speed. */
const SETTLE_MS = 1_500;

/** After a compaction, the old files are freed: a producer that waits for that waits for the compaction. */
const FREED_MS = 1_000;

export interface BesideOptions {
  /** The log to compact. */
  readonly changelog: ChangelogOptions;
  readonly rounds: number;
  /** How long to produce with nothing else going on, before and after. */
  readonly aloneMs: number;
  readonly flush: "always" | "never";
}

/** A round: the load alone, and beside a compaction. */
interface Pair {
  readonly alone: Window;
  readonly beside: Window;
}

/** What a load has done in a time. */
interface Window {
  readonly seconds: number;
  readonly records: number;
  readonly latencies: LatencyHistogram;
}

/** The bars of a producer beside a compaction. */
export async function besideBars(bench: Bench, options: BesideOptions): Promise<Section> {
  await using broker = await bench.broker("--flush", options.flush);
  await using client = await adminClient(broker);
  const fast: Pair[] = [];
  const paced: Pair[] = [];
  for (let round = 0; round < options.rounds; round++) {
    fast.push(await measurePair(bench, broker, client, options, undefined));
    paced.push(await measurePair(bench, broker, client, options, RECORDS_A_SECOND));
  }
  const { mib, codec } = { mib: options.changelog.bytes / 2 ** 20, codec: options.changelog.codec };
  return barSection(
    `A producer of records of 1 KiB beside a compaction of ${mib} MiB, ${codec}, --flush ${options.flush}`,
    rowsOf(fast, paced),
  );
}

function rowsOf(fast: readonly Pair[], paced: readonly Pair[]): BarRow[] {
  const rate = ({ records, seconds }: Window): number => records / seconds;
  const at = (percent: number, which: keyof Pair): number[] =>
    paced.map((pair) => pair[which].latencies.percentile(percent));
  const more = paced.map(
    ({ alone, beside }) => beside.latencies.percentile(99) - alone.latencies.percentile(99),
  );
  const none = Number.POSITIVE_INFINITY;
  const seconds = (pairs: readonly Pair[]): number[] => pairs.map(({ beside }) => beside.seconds);
  return [
    barRow(
      ...(["records a second, as many as possible", "/s", "≥", THROUGHPUT_BAR] as const),
      fast.map(({ beside }) => rate(beside)),
      fast.map(({ alone }) => rate(alone)),
    ),
    barRow("that compaction", "s", "≤", none, seconds(fast)),
    barRow(`${RECORDS_A_SECOND} a second: p50, alone`, "ms", "≤", none, at(50, "alone")),
    barRow("p50, beside", "ms", "≤", none, at(50, "beside")),
    barRow("p99, alone", "ms", "≤", none, at(99, "alone")),
    barRow("p99, beside", "ms", "≤", none, at(99, "beside")),
    barRow("p99, beside minus alone", "ms", "≤", P99_BAR_MS, more),
    barRow("p99.9, beside", "ms", "≤", none, at(99.9, "beside")),
    barRow("longest, beside", "ms", "≤", none, at(100, "beside")),
    barRow("that compaction", "s", "≤", none, seconds(paced)),
  ];
}

async function measurePair(
  bench: Bench,
  broker: BrokerProcess,
  client: Client,
  { changelog, aloneMs }: BesideOptions,
  rate: number | undefined,
): Promise<Pair> {
  const [compacted, topic] = [bench.name(), bench.name()];
  const admin = client.admin();
  const settings = {
    "cleanup.policy": "compact",
    "segment.bytes": String(segmentBytesOf(changelog)),
    // Not before it is asked for.
    "min.cleanable.dirty.ratio": "1",
  };
  await admin.createTopic(compacted, { partitions: 1, settings });
  await admin.createTopic(topic, { partitions: 1 });
  await fill(broker, compacted, changelog);
  bench.warmMemory();
  const load = new Load(client, topic, rate);
  load.begin();
  await Bun.sleep(SETTLE_MS);
  load.window();
  await Bun.sleep(aloneMs);
  const before = load.window();
  const rows = await admin.compactTopic(compacted);
  const beside = load.window();
  await Bun.sleep(FREED_MS);
  beside.latencies.addAll(load.window().latencies);
  await Bun.sleep(aloneMs);
  const after = load.window();
  await load.end();
  const failed = rows.find(({ state }) => state !== "done");
  if (failed !== undefined) throw new Error(`not compacted: ${failed.error}`);
  await admin.deleteTopic(compacted);
  await admin.deleteTopic(topic);
  await Bun.sleep(SETTLE_MS);
  return { alone: sumOf(before, after), beside };
}

function sumOf(a: Window, b: Window): Window {
  a.latencies.addAll(b.latencies);
  const [seconds, records] = [a.seconds + b.seconds, a.records + b.records];
  return { seconds, records, latencies: a.latencies };
}

/** Produces the batches of a changelog. */
async function fill(
  { port }: BrokerProcess,
  topic: string,
  options: ChangelogOptions,
): Promise<void> {
  const address = parseBrokerAddress(`127.0.0.1:${port}`);
  const connection = await BrokerConnection.open(address, TIMEOUT_MS);
  const inFlight: Promise<void>[] = [];
  for (const { batch } of batchesOf(options)) {
    const encode = (id: number): Uint8Array => encodeProduceRequestHead(id, topic, 0, batch.length);
    const request = connection.request(encode, TIMEOUT_MS, batch);
    inFlight.push(request.then((payload) => void Produce.decodeResponse(payload)));
    if (inFlight.length === FILL_IN_FLIGHT) await inFlight.shift();
  }
  await Promise.all(inFlight);
  connection.close();
}

/** A producer that sends records evenly, or as many as possible. */
class Load {
  readonly #topic: string;
  readonly #intervalMs: number;
  readonly #producer: Producer;
  readonly #value = new Uint8Array(RECORD_BYTES).fill(0x61);
  readonly #times = new TimeQueue();
  #latencies = new LatencyHistogram();
  #records = 0;
  #sinceMs = performance.now();
  #sent = 0;
  #running: Promise<void> | undefined;
  #isEnded = false;

  constructor(client: Client, topic: string, rate: number | undefined) {
    this.#topic = topic;
    this.#intervalMs = rate === undefined ? 0 : 1000 / rate;
    this.#producer = client.producer({
      onAcknowledged: ({ records }) => {
        const nowMs = performance.now();
        this.#times.take(records, (ms, count) => this.#latencies.add(nowMs - ms, count));
        this.#records += records;
      },
    });
  }

  begin(): void {
    this.#running = this.#run();
  }

  /** What was acknowledged since the last call. */
  window(): Window {
    const nowMs = performance.now();
    const seconds = (nowMs - this.#sinceMs) / 1000;
    const window = { seconds, records: this.#records, latencies: this.#latencies };
    this.#latencies = new LatencyHistogram();
    this.#records = 0;
    this.#sinceMs = nowMs;
    return window;
  }

  async end(): Promise<void> {
    this.#isEnded = true;
    await this.#running;
    await this.#producer.close();
  }

  async #run(): Promise<void> {
    const beganMs = performance.now();
    while (!this.#isEnded) {
      const nowMs = performance.now();
      const isPaced = this.#intervalMs > 0;
      const due = isPaced ? Math.floor((nowMs - beganMs) / this.#intervalMs) : this.#sent + BLOCK;
      if (due <= this.#sent) {
        await Bun.sleep(1);
        continue;
      }
      let wait: Promise<void> | undefined;
      for (; this.#sent < due && wait === undefined; this.#sent++) {
        // A record that is late counts from when it was due.
        this.#times.add(isPaced ? beganMs + this.#sent * this.#intervalMs : nowMs);
        const full = this.#producer.enqueueRaw(this.#topic, 0, null, this.#value);
        if (full instanceof Promise) wait = full;
      }
      if (wait !== undefined) await wait;
    }
    await this.#producer.flush();
  }
}
