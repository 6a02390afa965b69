// What an open page costs its reader: frames, tasks of the main thread, heap and elements, in a real Chromium, beside a broker
// with very many topics and partitions that takes 100 MB/s. Leaves to others: the load (../e2e/load-process.ts), driving the
// browser (../../test/support/browser.ts).
import { connect } from "../../src/client/client.js";
import { BrokerConnection } from "../../src/client/broker-connection.js";
import { parseBrokerAddress } from "../../src/client/broker-address.js";
import { encodeProduceRequestHead, Produce } from "../../src/protocol/native/produce.js";
import { BY_NO_MEMBER, OffsetCommit } from "../../src/protocol/native/offsets.js";
import type { BrokerProcess } from "../../test/support/binary.js";
import { Session } from "../../test/support/broker.js";
import { Browser, type BrowserPage, CHROMIUM } from "../../test/support/browser.js";
import { type LoadQuestion, makeBatch, type ProduceLoad } from "../e2e/load.js";
import { Worker } from "../e2e/worker.js";
import { threeDigits } from "../numbers.js";
import { Section } from "../report.js";

/** How much there is to show, and for how long each view is watched. */
export interface SmoothnessScale {
  readonly topics: number;
  readonly topicPartitions: number;
  readonly giantPartitions: number;
  readonly segments: number;
  /** Time for a view to have loaded, and to have drawn what there is. */
  readonly settleMs: number;
  readonly seconds: number;
  /** Names of views, as in the table; all if empty. */
  readonly only: readonly string[];
}

/** Places of the page, by what they show. */
const PLACES = {
  log: "log",
  "log of 500 partitions": "log/giant",
  "log of 10,000 segments": "log/deep/0",
  records: "records/busy",
  "live tail": "records/busy?tail=1",
  "live tail, 500 partitions": "records/giant?tail=1",
  "live tail, 100 KB records": "records/large?tail=1",
  topics: "topics",
  "topics by rate": "topics?order=-bytes-in",
  topic: "topics/busy",
  "topic of 500 partitions": "topics/giant",
  groups: "groups",
  group: "groups/readers",
  "group of 7,000 partitions": "groups/wide",
  connections: "connections",
} as const;

/** Topics with much traffic, together 100 MB/s. */
const BUSY_PARTITIONS = 12;
const PACE = 90e6;
const LARGE_PACE = 9e6;
const LARGE_PARTITIONS = 4;
const LARGE_RECORD_BYTES = 100_000;

/** The loads are ended before. */
const SECONDS_MAX = 3_600;

/** Records a second of each of the many topics, and of the giant one. */
const RECORDS_A_SECOND = 2;
const GIANT_RECORDS_A_SECOND = 500;
const SMALL_RECORD_BYTES = 200;
const GROUP_PARTITIONS = 7_000;
const COMMIT_PARTITIONS = 500;

/** Batches in flight of the topic with many segments. */
const IN_FLIGHT = 32;

const TIMEOUT_MS = 60_000;

/** A task that works for longer delays a frame, and one that works for much longer is felt. */
const FRAME_MS = 1000 / 60;
const LONG_MS = 50;

interface Row {
  readonly view: string;
  readonly framesASecond: number;
  readonly longestFrameMs: number;
  readonly longestTaskMs: number;
  /** Time that the processor worked on it. */
  readonly longestWorkMs: number;
  readonly overFrame: number;
  readonly long: number;
  readonly busy: number;
  readonly heapBefore: number;
  readonly heapAfter: number;
  readonly nodesBefore: number;
  readonly nodes: number;
  readonly height: number;
}

const COLUMNS = [
  { title: "view", cell: (row: Row) => row.view },
  { title: "frames/s", cell: (row: Row) => row.framesASecond.toFixed(1) },
  { title: "longest frame", cell: (row: Row) => ms(row.longestFrameMs) },
  { title: "longest task", cell: (row: Row) => ms(row.longestTaskMs) },
  { title: "work in a task", cell: (row: Row) => ms(row.longestWorkMs) },
  { title: "tasks over 17 ms", cell: (row: Row) => row.overFrame },
  { title: "over 50 ms", cell: (row: Row) => row.long },
  { title: "busy", cell: (row: Row) => `${(100 * row.busy).toFixed(0)} %` },
  {
    title: "heap",
    cell: (row: Row) => `${megabytes(row.heapBefore)} → ${megabytes(row.heapAfter)} MB`,
  },
  { title: "nodes", cell: (row: Row) => `${row.nodesBefore} → ${row.nodes}` },
  { title: "height", cell: (row: Row) => `${row.height} px` },
];

const ms = (value: number): string => `${threeDigits(value)} ms`;
const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);

/** Measures each view in turn. The address of the page is known once the broker serves it. */
export async function measureSmoothness(
  broker: BrokerProcess,
  url: () => string,
  scale: SmoothnessScale,
): Promise<Section> {
  if (CHROMIUM === undefined) throw new Error("chromium was not found (set CHROMIUM=PATH)");
  await fill(broker, scale);
  const only = Object.entries(PLACES).filter(
    ([name]) => scale.only.length === 0 || scale.only.includes(name),
  );
  const loads = startLoads(broker, scale);
  const rows: Row[] = [];
  for (const [view, hash] of only) {
    await using browser = await Browser.start(CHROMIUM);
    const page = await browser.open(`${url()}#/${hash}`, {
      width: 1280,
      height: 860,
      isStill: false,
    });
    await Bun.sleep(scale.settleMs);
    rows.push({ view, ...(await watch(page, scale.seconds)) });
    if (page.complaints.length > 0) throw new Error(page.complaints.join("\n"));
  }
  for (const load of loads) load[Symbol.dispose]();
  return Section.of(`A page in a browser, each view for ${scale.seconds} s`, rows, COLUMNS);
}

/** The broker's work: each load in a process of its own, until it is killed. */
function startLoads(
  { port }: BrokerProcess,
  scale: SmoothnessScale,
): readonly Worker<LoadQuestion>[] {
  const endless = { bytesMax: Number.MAX_SAFE_INTEGER, secondsMax: SECONDS_MAX };
  const few = { connections: 1, inFlight: 4 };
  const small = { ...few, recordBytes: SMALL_RECORD_BYTES, batchBytes: SMALL_RECORD_BYTES };
  const loads: Omit<ProduceLoad, "kind" | "port" | "bytesMax" | "secondsMax">[] = [
    {
      ...{ topic: "busy", partitions: BUSY_PARTITIONS, bytesPerSecond: PACE },
      ...{ connections: 4, inFlight: 4, recordBytes: 1024, batchBytes: 64 * 1024 },
    },
    {
      ...{ topic: "small", topics: scale.topics, partitions: scale.topicPartitions, ...small },
      bytesPerSecond: scale.topics * RECORDS_A_SECOND * SMALL_RECORD_BYTES,
    },
    {
      ...{ topic: "giant", partitions: scale.giantPartitions, ...small },
      bytesPerSecond: GIANT_RECORDS_A_SECOND * SMALL_RECORD_BYTES,
    },
    {
      ...{ topic: "large", partitions: LARGE_PARTITIONS, bytesPerSecond: LARGE_PACE, ...few },
      ...{ recordBytes: LARGE_RECORD_BYTES, batchBytes: LARGE_RECORD_BYTES },
    },
  ];
  return loads.map((load) => {
    const worker = new Worker<LoadQuestion>("load-process.ts");
    worker.ask({ kind: "produce", port, ...endless, ...load }).catch(() => {});
    return worker;
  });
}

async function watch(page: BrowserPage, seconds: number): Promise<Omit<Row, "view">> {
  const before = await memory(page);
  const tasks = await trace(page, async () => {
    await page.evaluate(`(() => {
      const times = (window.frameTimes = []);
      const next = (ms) => { times.push(ms); requestAnimationFrame(next); };
      requestAnimationFrame(next);
    })()`);
    await Bun.sleep(seconds * 1000);
  });
  const times = await page.evaluate<number[]>("frameTimes");
  const frames = times.slice(1).map((time, i) => time - times[i]!);
  const after = await memory(page);
  const height = await page.evaluate<number>("document.documentElement.scrollHeight");
  return {
    framesASecond: frames.length / seconds,
    longestFrameMs: Math.max(...frames),
    longestTaskMs: Math.max(...tasks.map(({ wallMs }) => wallMs)),
    longestWorkMs: Math.max(...tasks.map(({ workMs }) => workMs)),
    overFrame: tasks.filter(({ workMs }) => workMs > FRAME_MS).length,
    long: tasks.filter(({ workMs }) => workMs > LONG_MS).length,
    busy: tasks.reduce((sum, { workMs }) => sum + workMs, 0) / seconds / 1000,
    heapBefore: before.bytes,
    heapAfter: after.bytes,
    nodesBefore: before.nodes,
    nodes: after.nodes,
    height,
  };
}

async function memory(page: BrowserPage): Promise<{ bytes: number; nodes: number }> {
  for (let i = 0; i < 2; i++) await page.send("HeapProfiler.collectGarbage");
  const { usedSize } = await page.send("Runtime.getHeapUsage");
  const { nodes } = await page.send("Memory.getDOMCounters");
  return { bytes: Number(usedSize), nodes: Number(nodes) };
}

interface Task {
  readonly wallMs: number;
  readonly workMs: number;
}

interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  readonly dur?: number;
  readonly tdur?: number;
  readonly args: { readonly name?: string };
}

/** The tasks of the page's main thread while something runs. */
async function trace(page: BrowserPage, work: () => Promise<void>): Promise<readonly Task[]> {
  const events: TraceEvent[] = [];
  const complete = Promise.withResolvers<void>();
  page.listeners.set("Tracing.dataCollected", ({ value }) =>
    events.push(...(value as TraceEvent[])),
  );
  page.listeners.set("Tracing.tracingComplete", () => complete.resolve());
  await page.send("Tracing.start", {
    transferMode: "ReportEvents",
    traceConfig: { includedCategories: ["disabled-by-default-devtools.timeline"] },
  });
  await work();
  await page.send("Tracing.end");
  await complete.promise;
  const keyOf = ({ pid, tid }: TraceEvent) => `${pid} ${tid}`;
  const mains = new Set(
    events
      .filter(({ name, args }) => name === "thread_name" && args.name === "CrRendererMain")
      .map(keyOf),
  );
  const tasks = events.filter((event) => event.name === "RunTask" && mains.has(keyOf(event)));
  return tasks.map(({ dur = 0, tdur = 0 }) => ({ wallMs: dur / 1000, workMs: tdur / 1000 }));
}

/** Creates what the views show. */
async function fill(broker: BrokerProcess, scale: SmoothnessScale): Promise<void> {
  await using client = await connect({ broker: broker.address });
  const admin = client.admin();
  const settings = {
    "segment.bytes": String(16 * 1024 * 1024),
    "retention.bytes": String(64 * 1024 * 1024),
  };
  await admin.createTopic("busy", { partitions: BUSY_PARTITIONS, settings });
  await admin.createTopic("large", { partitions: LARGE_PARTITIONS, settings });
  await admin.createTopic("giant", { partitions: scale.giantPartitions });
  await admin.createTopic("deep", { partitions: 1, settings: { "segment.bytes": "1024" } });
  for (let i = 0; i < scale.topics; i++)
    await admin.createTopic(`small-${i}`, { partitions: scale.topicPartitions });
  const { batch } = makeBatch(1024, 1024);
  const connection = await BrokerConnection.open(parseBrokerAddress(broker.address), TIMEOUT_MS);
  const produce = async (): Promise<void> => {
    Produce.decodeResponse(
      await connection.request(
        (id) => encodeProduceRequestHead(id, "deep", 0, batch.length),
        TIMEOUT_MS,
        batch,
      ),
    );
  };
  for (let i = 0; i < scale.segments; i += IN_FLIGHT) {
    await Promise.all(Array.from({ length: IN_FLIGHT }, produce));
  }
  connection.close();
  const all = Array.from({ length: scale.topics * scale.topicPartitions }, (_, i) => ({
    topic: `small-${i % scale.topics}`,
    partition: Math.floor(i / scale.topics),
    offset: 0,
  }));
  await commit(broker, "wide", all.slice(0, GROUP_PARTITIONS));
  await commit(
    broker,
    "readers",
    Array.from({ length: BUSY_PARTITIONS }, (_, partition) => ({
      topic: "busy",
      partition,
      offset: 0,
    })),
  );
}

async function commit(
  broker: BrokerProcess,
  group: string,
  offsets: readonly { topic: string; partition: number; offset: number }[],
): Promise<void> {
  using session = await Session.connect(broker.port);
  for (let i = 0; i < offsets.length; i += COMMIT_PARTITIONS) {
    const some = offsets.slice(i, i + COMMIT_PARTITIONS);
    session.client.send(OffsetCommit.encodeRequest(1, { ...BY_NO_MEMBER, group, offsets: some }));
    await session.client.response(1);
  }
}
