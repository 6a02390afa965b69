// The curves: the same work on brokers of growing size.
// Leaves to others: drawing them (plot.ts).
import { BrokerProcess } from "../../test/support/binary.js";
import { type LoadQuestion, type LoadResult, makeBatch } from "../e2e/load.js";
import { median } from "../numbers.js";
import { adminClient, type Bench, megabytesASecond } from "../e2e/setup.js";
import { addSegments, SMALL_SEGMENTS, startMs } from "../e2e/start.js";
import { Worker } from "../e2e/worker.js";

const KiB = 1024;
const RECORD_BYTES = KiB;
const BATCH_BYTES = 64 * KiB;
const IN_FLIGHT = 16;

/** The measurements at one size. */
export interface Point {
  readonly x: number;
  /** From the start of the process to serving, after a clean stop, in milliseconds. */
  readonly startMs: number;
  /** RssAnon after the work, in MiB. */
  readonly memoryMiB: number;
  /** Producing batches of 64 KiB, `--flush never`, in MB/s. */
  readonly throughput: number;
  /** p50 of a fetch of one batch at a random old offset, one at a time, after a warm-up over all batches, in µs. */
  readonly lookupUs: number;
}

/** Growth of cost with one quantity. */
export interface Curve {
  readonly title: string;
  /** What x counts. */
  readonly unit: string;
  readonly points: readonly Point[];
}

/** The work at one size. */
interface Work {
  readonly x: number;
  readonly dataDir: string;
  readonly topic: string;
  readonly partitions?: number;
  readonly connections?: number;
  /** Bytes written before the measurement, and during it. */
  readonly fillBytes: number;
  readonly produceBytes: number;
  /** If set, lookups go to this many batches of one record each instead of to all batches. */
  readonly singleRecords?: number;
}

/** A topic with a growing number of partitions, all written and read. */
export async function byPartitions(bench: Bench, counts: readonly number[]): Promise<Curve> {
  const points: Point[] = [];
  for (const x of counts) {
    points.push(await pointOf(bench, { ...newWork(bench, x), partitions: x }));
  }
  return { title: "Partitions of a topic", unit: "partitions", points };
}

/** A growing number of connections, all of which produce; during lookups all but one are silent. */
export async function byConnections(bench: Bench, counts: readonly number[]): Promise<Curve> {
  const points: Point[] = [];
  for (const x of counts) {
    points.push(await pointOf(bench, { ...newWork(bench, x), connections: x }));
  }
  return { title: "Connections", unit: "connections", points };
}

/** A partition with a growing number of sealed segments. */
export async function bySegments(bench: Bench, counts: readonly number[]): Promise<Curve> {
  const points: Point[] = [];
  for (const x of counts) {
    const work = newWork(bench, x);
    const broker = await BrokerProcess.start(work.dataDir, "--flush", "never", ...SMALL_SEGMENTS);
    await addSegments(bench, broker, work.topic, x);
    await broker.end("SIGTERM");
    points.push(await pointOf(bench, { ...work, singleRecords: x }));
  }
  return { title: "Sealed segments of a partition", unit: "segments", points };
}

/**
 * One growing log. Its data is real rather than a sparse file, because each batch needs its offsets and its checksum.
 */
export async function byLogSize(bench: Bench, megabytes: readonly number[]): Promise<Curve> {
  const points: Point[] = [];
  const work = newWork(bench, 0);
  let written = 0;
  for (const x of megabytes) {
    const more = x * 1e6 - written;
    const produceBytes = Math.min(more / 2, bench.scale.runBytes);
    points.push(await pointOf(bench, { ...work, x, fillBytes: more - produceBytes, produceBytes }));
    written = x * 1e6;
  }
  return { title: "Size of a log", unit: "MB", points };
}

/** Work on a new broker and topic. */
function newWork(bench: Bench, x: number): Work {
  const { runBytes } = bench.scale;
  const where = { dataDir: bench.path(), topic: bench.name() };
  return { ...where, x, fillBytes: runBytes / 4, produceBytes: runBytes };
}

async function pointOf(bench: Bench, work: Work): Promise<Point> {
  const { x, dataDir, topic, partitions = 1, connections = 1 } = work;
  const { requests } = bench.scale;
  const rounds = Math.min(3, bench.scale.rounds);
  const { records } = makeBatch(RECORD_BYTES, BATCH_BYTES);
  const broker = await BrokerProcess.start(dataDir, "--flush", "never");
  await using client = await adminClient(broker);
  const admin = client.admin();
  if (!(await admin.listTopics()).some(({ name }) => name === topic)) {
    await admin.createTopic(topic, { partitions });
  }
  const { port } = broker;
  const produce = (bytesMax: number) =>
    bench.run({
      ...{ kind: "produce", port, topic, partitions, connections },
      inFlight: Math.max(1, Math.floor(IN_FLIGHT / connections)),
      ...{ recordBytes: RECORD_BYTES, batchBytes: BATCH_BYTES },
      ...{ bytesMax, secondsMax: Number.MAX_SAFE_INTEGER },
    });
  await produce(work.fillBytes);
  await Bun.spawn(["sync", "-f", dataDir]).exited;
  const result = await produce(work.produceBytes);

  // A new process, because the producing one has thousands of closed sockets to collect.
  using reader = new Worker<LoadQuestion>("load-process.ts");
  using silent = connections > 1 ? new Worker<LoadQuestion>("load-process.ts") : undefined;
  await silent?.ask({ kind: "connect", port, connections: connections - 1 });
  const { highWatermark = 0 } = (await admin.describeTopic(topic)).partitions.at(-1) ?? {};
  const batches = { step: records, places: Math.max(1, Math.floor(highWatermark / records)) };
  const places =
    work.singleRecords === undefined ? batches : { step: 1, places: work.singleRecords };
  const lookUp = (requests: number, random: boolean, inFlight: number) =>
    reader.ask<LoadResult>({
      ...{ kind: "client", port, topic, partitions, requests, inFlight, maxBytes: 1 },
      ...{ ...places, random, responseBytes: 0 },
    });
  // Fetch everything once: the CRCs of sealed segments are checked when they are first served.
  await lookUp(places.places * partitions, false, IN_FLIGHT);
  await lookUp(requests, true, 1);
  const lookups: number[] = [];
  for (let round = 0; round < rounds; round++) {
    lookups.push((await lookUp(requests, true, 1)).p50 * 1000);
  }
  const memoryMiB = broker.rssAnonMiB;
  await client.close();
  await broker.end("SIGTERM");

  const starts: number[] = [];
  for (let round = 0; round < rounds; round++) starts.push(await startMs(dataDir));
  return {
    x,
    startMs: median(starts),
    memoryMiB,
    throughput: megabytesASecond(result),
    lookupUs: median(lookups),
  };
}
