// Kafka's protocol against the native one: the same batches and fetches, from the same bare client.
// Leaves to others: Kafka's own clients (../kafka.ts).
import type { BrokerProcess } from "../../test/support/binary.js";
import { barRow, type BarRow, barSection, type Section } from "../report.js";
import type { FramesLoad, Protocol } from "./frames.js";
import { adminClient, type Bench, cpuSeconds, inPairs } from "./setup.js";

const KiB = 1024;

/** Kafka's clients have at most five requests in flight. */
const IN_FLIGHT = 5;

/** Nine tenths of the native protocol's requests from the same processor time. */
const BAR = 1.11;

/** The resolution of the measured processor time. */
const CPU_SECONDS_MIN = 0.01;

type Shape = Omit<FramesLoad, "kind" | "protocol" | "port" | "topic">;

/** Work that both protocols do, with the bytes of a whole run at most. */
const WORK: readonly (readonly [what: string, shape: Omit<Shape, "requests">])[] = [
  ["produce, 100 B records, batches of 1 MB", produceShape(100, 1_000_000)],
  ["produce, 1 KiB records, batches of 1 MB", produceShape(KiB, 1_000_000)],
  ["produce, 100 B records, batches of 16 KiB", produceShape(100, 16 * KiB)],
  ["produce, one record of 100 B", { ...produceShape(100, 1), inFlight: 64 }],
  ["fetch of one record of 100 B", { ...produceShape(100, 1), api: "fetch", inFlight: 1 }],
];

function produceShape(recordBytes: number, batchBytes: number): Omit<Shape, "requests"> {
  return { api: "produce", recordBytes, batchBytes, inFlight: IN_FLIGHT, places: 1_000 };
}

export async function protocolBars(bench: Bench): Promise<Section> {
  await using broker = await bench.broker("--flush", "never");
  const rows: BarRow[] = [];
  for (const [what, shape] of WORK) {
    const requests = requestsOf(bench, shape);
    const run = (protocol: Protocol) => () =>
      perRequest(bench, broker, { ...shape, requests, protocol });
    const { first, second } = await inPairs(bench.scale.rounds, run("kafka"), run("native"));
    const micros = (values: readonly number[]) => values.map((seconds) => seconds * 1e6);
    rows.push(barRow(what, "µs", "≤", BAR, micros(first), micros(second)));
  }
  const title =
    "Protocols: CPU of the broker for a request of Kafka's, beside the same in the native one";
  return barSection(title, rows);
}

function requestsOf(bench: Bench, { batchBytes }: Omit<Shape, "requests">): number {
  return Math.min(bench.scale.frames, Math.ceil(bench.scale.runBytes / batchBytes));
}

/** Seconds of the broker's processor time for a request. */
async function perRequest(
  bench: Bench,
  broker: BrokerProcess,
  load: Shape & Pick<FramesLoad, "protocol">,
): Promise<number> {
  await using client = await adminClient(broker);
  const topic = bench.name();
  await client.admin().createTopic(topic);
  const place = { kind: "frames", port: broker.port, topic } as const;
  if (load.api === "fetch") {
    const filled = { api: "produce", protocol: "native", requests: load.places } as const;
    await bench.run({ ...place, ...load, ...filled });
  }
  const before = cpuSeconds(broker.pid);
  await bench.run({ ...place, ...load });
  const taken = cpuSeconds(broker.pid) - before;
  await client.admin().deleteTopic(topic);
  return Math.max(taken, CPU_SECONDS_MIN) / load.requests;
}
