// The native protocol where other brokers are close: one acknowledged record of 1 KiB at a time, and the processor time of
// 1 KiB records. Beside a bare server in the same runtime, which moves the same bytes: the floor.
// Leaves to others: all other figures of this protocol (../e2e.ts).
import { makeBatch, type LoadResult, produceFrameBytes } from "../e2e/load.js";
import { adminClient, type Bench, cpuSeconds, inPairs } from "../e2e/setup.js";
import { median, threeDigits } from "../numbers.js";
import { barRow, type BarRow, Section } from "../report.js";

const KiB = 1024;
const SHARES = ["p50", "p99", "p999"] as const;

/** Milliseconds at each share, or below. */
const BARS = { never: [0.06, 0.14, 0.5], always: [0.23, 0.42, 1.6] } as const;

/** Requests of a run, times those of the scale: enough for the slowest of a thousand. */
const REQUESTS = { never: 50, always: 10 } as const;

const CPU_BAR_US = 0.8;

interface Row extends BarRow {
  /** Median of the bare server. */
  readonly floor?: number;
}

export async function nativeBars(bench: Bench): Promise<Section> {
  const rows: Row[] = [];
  for (const flush of ["never", "always"] as const) rows.push(...(await oneAtATime(bench, flush)));
  rows.push(await cpuOfRecords(bench));
  return Section.of("Native protocol: 1 KiB records; the floor is a bare server in Bun", rows, [
    { title: "what", cell: (row) => row.what },
    { title: "measured", cell: (row) => `${threeDigits(row.measured)} ${row.unit}` },
    {
      title: "lowest – highest",
      cell: (row) => `${threeDigits(row.lowest)} – ${threeDigits(row.highest)}`,
    },
    { title: "floor", cell: ({ floor }) => (floor === undefined ? "" : threeDigits(floor)) },
    { title: "bar", cell: (row) => `${row.direction} ${row.bar} ${row.unit}` },
    { title: "", cell: (row) => (row.passed ? "pass" : "miss") },
  ]);
}

/** In turns with a bare server that appends the frames to a file, and flushes it too if the broker does. */
async function oneAtATime(bench: Bench, flush: keyof typeof BARS): Promise<Row[]> {
  await using broker = await bench.broker("--flush", flush);
  await using client = await adminClient(broker);
  const { batch } = makeBatch(KiB, 1);
  const requests = bench.scale.requests * REQUESTS[flush];
  const byProbe = async (): Promise<LoadResult> => {
    const topic = bench.name();
    const frameBytes = produceFrameBytes(topic, batch.length);
    const port = await bench.probe.ask<number>({
      ...{ kind: "produce", frameBytes, file: bench.path(), flush: flush === "always" },
    });
    const result = await oneRecordLoad(bench, port, topic, requests);
    await bench.probe.ask({ kind: "stop" });
    return result;
  };
  const byBroker = async (): Promise<LoadResult> => {
    const topic = bench.name();
    await client.admin().createTopic(topic);
    return await oneRecordLoad(bench, broker.port, topic, requests);
  };
  const { first, second } = await inPairs(bench.scale.rounds, byBroker, byProbe);
  return SHARES.map((share, i) => {
    const of = (results: readonly LoadResult[]) => results.map((result) => result[share]);
    const what = `one record at a time, --flush ${flush}, ${share}`;
    return { ...barRow(what, "ms", "≤", BARS[flush][i]!, of(first)), floor: median(of(second)) };
  });
}

function oneRecordLoad(
  bench: Bench,
  port: number,
  topic: string,
  requests: number,
): Promise<LoadResult> {
  return bench.run({
    ...{ kind: "frames", protocol: "native", api: "produce", port, topic },
    ...{ recordBytes: KiB, batchBytes: 1, inFlight: 1, places: 1, requests },
  });
}

/** Processor time of the broker for a record, in batches of 1 MB. */
async function cpuOfRecords(bench: Bench): Promise<BarRow> {
  await using broker = await bench.broker("--flush", "never");
  await using client = await adminClient(broker);
  const taken: number[] = [];
  const requests = Math.ceil(bench.scale.runBytes / 1_000_000);
  for (let round = 0; round <= bench.scale.rounds; round++) {
    const topic = bench.name();
    await client.admin().createTopic(topic);
    const before = cpuSeconds(broker.pid);
    const { records } = await bench.run({
      ...{ kind: "frames", protocol: "native", api: "produce", port: broker.port, topic },
      ...{ recordBytes: KiB, batchBytes: 1_000_000, inFlight: 16, places: 1, requests },
    });
    if (round > 0) taken.push(((cpuSeconds(broker.pid) - before) / records) * 1e6);
    await client.admin().deleteTopic(topic);
  }
  return barRow(
    "CPU of the broker, batches of 1 MB, --flush never",
    "µs a record",
    "≤",
    CPU_BAR_US,
    taken,
  );
}
