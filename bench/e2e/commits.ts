// Commits of offsets on one connection, durable, over both protocols: pipelined, and one at a time.
// Leaves to others: the requests (load.ts).
import { percentile } from "../numbers.js";
import { barRow, barSection, type Section } from "../report.js";
import { adminClient, type Bench, inPairs } from "./setup.js";

const IN_FLIGHT = 1_000;
const FLUSHED_BYTES = 4096;
const PARTITIONS = 8;
/** Pipelined commits for each one that is measured alone. */
const PIPELINED = 40;

export async function commitBars(bench: Bench): Promise<Section> {
  const { rounds, requests } = bench.scale;
  await using broker = await bench.broker("--flush", "always");
  const topic = bench.name();
  await using client = await adminClient(broker);
  await client.admin().createTopic(topic, { partitions: PARTITIONS });
  const load = { kind: "commit", port: broker.port, topic, partitions: PARTITIONS } as const;
  const rows = [];
  for (const protocol of ["native", "kafka"] as const) {
    const rates: number[] = [];
    for (let round = 0; round <= rounds; round++) {
      const all = { ...load, protocol, requests: PIPELINED * requests, inFlight: IN_FLIGHT };
      const result = await bench.run(all);
      if (round > 0) rates.push(result.requests / result.seconds);
    }
    rows.push(barRow(`${protocol}, ${IN_FLIGHT} in flight`, "commits/s", "≥", 20_000, rates));
    const { first, second } = await inPairs(
      rounds,
      async () => (await bench.run({ ...load, protocol, requests, inFlight: 1 })).p50 * 1000,
      async () => {
        const question = { kind: "fdatasync", bytes: FLUSHED_BYTES, times: requests } as const;
        const taken = await bench.probe.ask<number[]>({ ...question, file: bench.path() });
        return percentile(Float64Array.from(taken).sort(), 0.5) * 1000;
      },
    );
    rows.push(
      barRow(`${protocol}, one at a time, p50, against an fdatasync`, "µs", "≤", 2, first, second),
    );
  }
  return barSection(`Commits: one partition each, one connection, --flush always`, rows);
}
