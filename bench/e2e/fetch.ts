// Fetches sealed data over loopback, compared with a bare server that writes slices of one mapping.
// Leaves to others: what a client does with the records (clients.ts).
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { encodeFetchResponseHead } from "../../src/protocol/native/fetch.js";
import { type FetchLoad, fetchFrameBytes, makeBatch } from "./load.js";
import { barRow, barSection, type Section } from "../report.js";
import { adminClient, type Bench, inPairs, megabytesASecond } from "./setup.js";

const KiB = 1024;
const RECORD_BYTES = KiB;
const BATCH_BYTES = 64 * KiB;
const BATCHES_A_FETCH = 16;
const IN_FLIGHT = 4;
const BAR = 0.8;

/** The bar of fetching. */
export async function fetchBars(bench: Bench): Promise<Section> {
  const { sealedBytes, rounds, runBytes } = bench.scale;
  const segmentBytes = sealedBytes / 4;
  await using broker = await bench.broker("--flush", "never", "--segment-bytes", `${segmentBytes}`);
  await using client = await adminClient(broker);
  const topic = bench.name();
  const { batch, records } = makeBatch(RECORD_BYTES, BATCH_BYTES);
  const batches = Math.ceil(sealedBytes / batch.length / BATCHES_A_FETCH) * BATCHES_A_FETCH;
  await bench.run({
    kind: "produce",
    ...{ port: broker.port, topic, partitions: 1, connections: 1, inFlight: 1 },
    ...{ recordBytes: RECORD_BYTES, batchBytes: BATCH_BYTES },
    // One more segment, so that all fetched data is sealed.
    ...{ bytesMax: batches * batch.length + segmentBytes, secondsMax: Number.MAX_SAFE_INTEGER },
  });
  const { partitions } = await client.admin().describeTopic(topic);
  if ((partitions[0]?.segments ?? 0) < 4) throw new Error("nothing was sealed");

  const maxBytes = BATCHES_A_FETCH * batch.length;
  const load: FetchLoad = {
    ...{ kind: "bare", port: broker.port, topic, partitions: 1, inFlight: IN_FLIGHT },
    ...{ maxBytes, random: false },
    requests: Math.max(4, Math.ceil((4 * runBytes) / maxBytes)),
    step: BATCHES_A_FETCH * records,
    places: batches / BATCHES_A_FETCH,
    responseBytes: responseHeadBytes() + maxBytes,
  };
  const directory = join(broker.dataDir, "topics", topic, "0");
  const file = join(directory, readdirSync(directory).filter((name) => name.endsWith(".log"))[0]!);
  const port = await bench.probe.ask<number>({
    ...{ kind: "fetch", file, requestBytes: fetchFrameBytes(topic) },
    responseBytes: load.responseBytes,
  });
  const byProbe = () => bench.run({ ...load, port });
  const bare = await inPairs(rounds, () => bench.run(load), byProbe);
  const framed = await inPairs(rounds, () => bench.run({ ...load, kind: "client" }), byProbe);
  await bench.probe.ask({ kind: "stop" });
  const row = (what: string, { first, second }: typeof bare) =>
    barRow(what, "MB/s", "≥", BAR, first.map(megabytesASecond), second.map(megabytesASecond));
  return barSection(`Fetch: one connection, ${IN_FLIGHT} fetches of 1 MiB in flight, sealed data`, [
    row("fetch, the bytes counted as the probe's are", bare),
    row("fetch, cut into frames by our connection", framed),
  ]);
}

function responseHeadBytes(): number {
  const head = { startOffset: 0, nextOffset: 0, highWatermark: 0, logStartOffset: 0 };
  return encodeFetchResponseHead(1, head, 0).length;
}
