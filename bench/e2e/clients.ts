// Records one by one through the public API: one producer process, and one consumer process.
// Leaves to others: encoded batches (produce.ts, fetch.ts).
import type { LoadResult } from "./load.js";
import { barRow, barSection, type Section } from "../report.js";
import type { Bench } from "./setup.js";

/** The bars of the clients: durable means that every record was acknowledged after an fdatasync. */
export async function clientBars(bench: Bench): Promise<Section> {
  const { rounds, records } = bench.scale;
  await using broker = await bench.broker("--flush", "always");
  const topic = bench.name();
  const { port } = broker;
  const write = (count: number) => bench.run({ kind: "write", port, topic, records: count });
  const all = (rounds + 1) * records;
  const visit = () => bench.run({ kind: "visit", port, topic, records: all });
  const written = await repeated(rounds, () => write(records));
  const visited = await repeated(rounds, visit);
  return barSection("Clients: records of 100 B, one partition, producer's batches of 1 MiB", [
    barRow("one producer, --flush always, enqueueRaw", "M records/s", "≥", 3, written),
    barRow("one consumer, every record visited, nextBatch", "M records/s", "≥", 5, visited),
  ]);
}

/** Millions of records per second of each run, after a warm-up run. */
async function repeated(rounds: number, run: () => Promise<LoadResult>): Promise<number[]> {
  await run();
  const rates: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const { records, seconds } = await run();
    rates.push(records / seconds / 1e6);
  }
  return rates;
}
