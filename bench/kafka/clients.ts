// franz-go: produce, consume, and one acknowledged record at a time, in turns with Apache Kafka if there is one.
// Leaves to others: the program (franz-go.ts).
import type { BrokerProcess } from "../../test/support/binary.js";
import type { Bench } from "../e2e/setup.js";
import { barRow, type BarRow, barSection, type Section } from "../report.js";
import type { FranzGo, FranzGoLoad, FranzGoResult, KafkaBroker, Target } from "./franz-go.js";

interface Context {
  readonly bench: Bench;
  readonly franzGo: FranzGo;
  /** Undefined if there is none to compare with. */
  readonly kafka: KafkaBroker | undefined;
}

type Flush = "never" | "always";

const KiB = 1024;
const SIZES = [100, KiB] as const;
const FLUSHES = ["never", "always"] as const;

/** The setting with which Kafka flushes before it answers. */
const DURABLE = "flush.messages=1";

const CPU_BAR = 0.5;
const LATENCY_BAR = 0.5;

export async function produceBars(context: Context): Promise<Section> {
  const rows: BarRow[] = [];
  for (const flush of FLUSHES) {
    await using broker = await context.bench.broker("--flush", flush);
    for (const bytes of SIZES) {
      const load = { mode: "produce", bytes, records: recordsOf(context, bytes) } as const;
      const results = await compared(context, broker, load, flush);
      const what = `produce, ${bytes} B, --flush ${flush}`;
      rows.push(rateRow(what, flush === "never" ? 1.3 : 1.8, results), cpuRow(what, results));
    }
  }
  return barSection(
    "franz-go: produce, records of one size, one partition, against Apache Kafka",
    rows,
  );
}

export async function consumeBars(context: Context): Promise<Section> {
  const rows: BarRow[] = [];
  await using broker = await context.bench.broker("--flush", "never");
  for (const bytes of SIZES) {
    const load = { mode: "consume", bytes, records: recordsOf(context, bytes) } as const;
    const results = await compared(context, broker, load, "never");
    const what = `consume, ${bytes} B`;
    rows.push(rateRow(what, 1.2, results), cpuRow(what, results));
  }
  return barSection("franz-go: consume from the start, one partition, against Apache Kafka", rows);
}

export async function latencyBars(context: Context): Promise<Section> {
  const rows: BarRow[] = [];
  for (const flush of FLUSHES) {
    await using broker = await context.bench.broker("--flush", flush);
    const load = {
      mode: "latency",
      bytes: KiB,
      records: context.bench.scale.requests * 10,
    } as const;
    const { ours, kafkas } = await compared(context, broker, load, flush);
    for (const share of ["p50", "p99"] as const) {
      const of = (results: readonly FranzGoResult[]) =>
        results.map((result) => result[share] * 1000);
      const what = `one record of 1 KiB, --flush ${flush}, ${share}`;
      rows.push(
        barRow(what, "µs", "≤", limit("≤", LATENCY_BAR, kafkas), of(ours), kafkas && of(kafkas)),
      );
    }
  }
  return barSection("franz-go: one acknowledged record at a time, against Apache Kafka", rows);
}

function recordsOf({ bench }: Context, bytes: number): number {
  return Math.min(bench.scale.records, Math.ceil(bench.scale.runBytes / bytes));
}

interface Compared {
  readonly ours: readonly FranzGoResult[];
  readonly kafkas: readonly FranzGoResult[] | undefined;
}

/** Runs in turns, after one of each that does not count. */
async function compared(
  context: Context,
  broker: BrokerProcess,
  load: Omit<FranzGoLoad, "topic">,
  flush: Flush,
): Promise<Compared> {
  const { bench, kafka } = context;
  const [ours, kafkas]: [FranzGoResult[], FranzGoResult[]] = [[], []];
  for (let round = 0; round <= bench.scale.rounds; round++) {
    const own = await once(context, broker, load);
    const theirs =
      kafka && (await once(context, kafka, load, flush === "always" ? DURABLE : undefined));
    if (round === 0) continue;
    ours.push(own);
    if (theirs !== undefined) kafkas.push(theirs);
  }
  return { ours, kafkas: kafka === undefined ? undefined : kafkas };
}

/** One run on a new topic, which is deleted afterwards. */
async function once(
  { bench, franzGo }: Context,
  target: Target,
  load: Omit<FranzGoLoad, "topic">,
  config?: string,
): Promise<FranzGoResult> {
  const topic = bench.name();
  bench.warmMemory();
  await franzGo.run(target, { mode: "create", topic, ...(config === undefined ? {} : { config }) });
  if (load.mode === "consume") await franzGo.run(target, { ...load, mode: "produce", topic });
  const result = await franzGo.run(target, { ...load, topic });
  await franzGo.run(target, { mode: "delete", topic });
  return result;
}

/** The limit of a ratio; none without a Kafka to compare with. */
function limit(direction: "≥" | "≤", bar: number, kafkas: unknown): number {
  if (kafkas !== undefined) return bar;
  return direction === "≥" ? 0 : Number.POSITIVE_INFINITY;
}

function rateRow(what: string, bar: number, { ours, kafkas }: Compared): BarRow {
  const rates = (results: readonly FranzGoResult[]) => results.map((r) => r.recordsASecond / 1e6);
  return barRow(
    what,
    "M records/s",
    "≥",
    limit("≥", bar, kafkas),
    rates(ours),
    kafkas && rates(kafkas),
  );
}

function cpuRow(what: string, { ours, kafkas }: Compared): BarRow {
  const cpu = (results: readonly FranzGoResult[]) => results.map((result) => result.brokerCpu);
  return barRow(
    `${what}: CPU of the broker`,
    "µs a record",
    "≤",
    limit("≤", CPU_BAR, kafkas),
    cpu(ours),
    kafkas && cpu(kafkas),
  );
}
