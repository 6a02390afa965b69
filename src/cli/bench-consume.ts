// `rustlog bench consume`: reads a topic from its start with our consumer and visits every record.
// Leaves to others: the options (bench.ts) and the report (bench-report.ts).
import type { Client } from "../client/client.js";
import { LoadReport } from "./bench-report.js";
import { connectAll, type ConnectionFlags } from "./connection.js";
import { Interruption } from "./signals.js";

interface ConsumeLoad extends ConnectionFlags {
  readonly topic: string;
  /** Per connection; all existing records if undefined. */
  readonly records?: number;
  readonly connections: number;
  readonly json: boolean;
}

/** Runs the load and prints its summary, also when it fails. Throws the first error. */
export async function consumeLoad(load: ConsumeLoad): Promise<void> {
  const interruption = new Interruption();
  const clients = await connectAll(load, load.connections);
  const report = new LoadReport();
  const outcomes = await Promise.allSettled(
    clients.map((client) => readAll(client, load, report, interruption)),
  );
  report.end();
  const words = {
    of: `of '${load.topic}'`,
    latencyOf: "From requesting the next batch to receiving it (batches are fetched ahead)",
  };
  await report.print(words, load.json);
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
  if (interruption.exitCode !== undefined) process.exit(interruption.exitCode);
  await Promise.all(clients.map((client) => client.close()));
}

async function readAll(
  client: Client,
  { topic, records: recordsMax = Number.POSITIVE_INFINITY }: ConsumeLoad,
  report: LoadReport,
  interruption: Interruption,
): Promise<void> {
  await using consumer = client.consumer({ topic, offset: "earliest", follow: false });
  let count = 0;
  while (count < recordsMax) {
    const askedMs = performance.now();
    const portion = await interruption.orResult(consumer.nextBatch());
    if (portion === undefined || portion === null) return;
    report.addLatency(performance.now() - askedMs);
    const { cursor } = portion;
    let records = 0;
    let bytes = 0;
    try {
      while (count + records < recordsMax && portion.next()) {
        records++;
        bytes += Math.max(0, cursor.valueEnd - cursor.valueStart);
      }
    } finally {
      // Count records that were read before damage, too.
      count += records;
      report.addRecords(records, bytes);
    }
  }
}
