// Latency of one acknowledged produce on an idle broker, compared with the costs that can't be avoided.
// Leaves to others: latency under load (the matrix of produce.ts).
import { makeBatch, produceFrameBytes } from "./load.js";
import { percentile } from "../numbers.js";
import { barRow, barSection, type Section } from "../report.js";
import { type Bench, inPairs } from "./setup.js";

const SHAPE = { recordBytes: 900, batchBytes: 1024, partitions: 1, connections: 1, inFlight: 1 };
const FLUSHED_BYTES = 4096;
const BAR = 1.5;

/** The bar of latency: the p50 against an echo's p50 and the median fdatasync; and against a server of both. */
export async function latencyBars(bench: Bench): Promise<Section> {
  const { requests, rounds } = bench.scale;
  await using broker = await bench.broker("--flush", "always");
  const topic = bench.name();
  const { batch } = makeBatch(SHAPE.recordBytes, SHAPE.batchBytes);
  const frameBytes = produceFrameBytes(topic, batch.length);
  const bounds = { bytesMax: requests * batch.length, secondsMax: 60 };
  const p50 = async (port: number): Promise<number> =>
    (await bench.run({ kind: "produce", ...SHAPE, ...bounds, port, topic })).p50;
  const byProbe = async (flushed: { file: string; flush: true } | object): Promise<number> => {
    const port = await bench.probe.ask<number>({ kind: "produce", frameBytes, ...flushed });
    const result = await p50(port);
    await bench.probe.ask({ kind: "stop" });
    return result;
  };
  const echoAndFlush = async (): Promise<number> => {
    const echo = await byProbe({});
    const file = bench.path();
    const question = { kind: "fdatasync", file, bytes: FLUSHED_BYTES, times: requests } as const;
    const taken = await bench.probe.ask<number[]>(question);
    return echo + percentile(Float64Array.from(taken).sort(), 0.5);
  };
  const byBroker = () => p50(broker.port);
  const sum = await inPairs(rounds, byBroker, echoAndFlush);
  const server = await inPairs(rounds, byBroker, () =>
    byProbe({ file: bench.path(), flush: true }),
  );
  const microseconds = (values: readonly number[]): number[] => values.map((ms) => ms * 1000);
  const row = (what: string, { first, second }: typeof sum) =>
    barRow(what, "µs", "≤", BAR, microseconds(first), microseconds(second));
  return barSection(`Latency: one produce of ${batch.length} bytes at a time, p50 of ${requests}`, [
    row("against an echo, plus an fdatasync of 4 KiB", sum),
    row("against a bare server that appends and flushes", server),
  ]);
}
