// `bun run bench:page`: what open pages cost a broker. A producer at full speed, and one of 100 MB/s, in turns with nobody
// looking and with ten pages, two of each view, in a process of their own.
// With `--browser`: what a page costs its reader, with hundreds of topics and 10,000 partitions, each view in turn.
// Leaves to others: the pages (page/pages.ts), a page in a browser (page/smoothness.ts), the load (e2e/load-process.ts).
//
//   --pairs N              runs of each kind, with and without pages (7)
//   --pages N              open pages (10)
//   --view NAME            all pages show this view
//   --browser              measure a page in a browser instead; then --view NAME,NAME chooses views
//   --topics N             topics beside the large ones (500)
//   --seconds N            time for which each view is watched (10)
//   --dir DIR              directory for the data, on a real disk
//   --json, --markdown, --tiny   as for bench:e2e
import { parseArgs } from "node:util";
import { connect } from "../src/client/client.js";
import { BY_NO_MEMBER, OffsetCommit } from "../src/protocol/native/offsets.js";
import type { BrokerProcess } from "../test/support/binary.js";
import { Session } from "../test/support/broker.js";
import type { LoadResult } from "./e2e/load.js";
import { Bench, cpuSeconds, megabytesASecond, SCALES } from "./e2e/setup.js";
import { Worker } from "./e2e/worker.js";
import { median } from "./numbers.js";
import { type PagesQuestion, type PagesResult, type ViewName, VIEWS } from "./page/pages.js";
import { measureSmoothness } from "./page/smoothness.js";
import { type BarRow, barRow, barSection } from "./report.js";

const { values } = parseArgs({
  options: {
    pairs: { type: "string" },
    pages: { type: "string", default: "10" },
    view: { type: "string" },
    dir: { type: "string" },
    browser: { type: "boolean", default: false },
    topics: { type: "string", default: "500" },
    seconds: { type: "string", default: "10" },
    tiny: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    markdown: { type: "boolean", default: false },
  },
});
const pairs = Number(values.pairs ?? (values.tiny ? 1 : 7));
const pages = Number(values.pages);
if (values.browser) await showSmoothness();
const view = VIEWS.find((name) => name === values.view);
if (!(pairs > 0 && pages > 0) || (values.view !== undefined && view === undefined)) {
  console.error(`--pairs and --pages are numbers above 0, --view is one of ${VIEWS.join(", ")}`);
  process.exit(2);
}
const views = Array.from({ length: pages }, (_, i): ViewName => view ?? VIEWS[i % VIEWS.length]!);

const GROUP = "readers";
const PARTITIONS = 12;
const PACE = 100e6;
const LOSS_MAX = 0.02;

/** Other topics, which each page is told of. */
const OTHER_TOPICS = values.tiny ? 2 : 50;
const OTHER_PARTITIONS = 4;

/** How long a run takes, what it may write, and the time for the pages to be at work before it. */
const SECONDS = values.tiny ? 0.3 : 4;
const BYTES_MAX = values.tiny ? 1e6 : 2.5e9;
const SETTLE_MS = values.tiny ? 0 : 500;

const SHAPE = { partitions: PARTITIONS, connections: 4, inFlight: 4, recordBytes: 1024 };

interface Run extends LoadResult {
  readonly cpuSeconds: number;
  readonly pages: PagesResult | undefined;
}

interface Pair {
  readonly alone: Run;
  readonly beside: Run;
}

using bench = new Bench(values.tiny ? SCALES.tiny : SCALES.whole, values.dir);
using looking = new Worker<PagesQuestion>("../page/pages.ts");
const broker = await bench.broker("--flush", "never", "--ui", "0");
const client = await connect({ broker: broker.address });
const url = urlOf(broker);
for (let i = 0; i < OTHER_TOPICS; i++) {
  await client.admin().createTopic(`other-${i}`, { partitions: OTHER_PARTITIONS });
}
await measurePair(undefined);
const fast: Pair[] = [];
const paced: Pair[] = [];
for (let i = 0; i < pairs; i++) {
  // The second side of a pair is the first one of the next, so that neither profits from its place.
  fast.push(await measurePair(undefined, i % 2 === 0));
  paced.push(await measurePair(PACE, i % 2 === 0));
}

/** The other measurement: the cost for the reader instead of the broker. */
async function showSmoothness(): Promise<never> {
  using bench = new Bench(values.tiny ? SCALES.tiny : SCALES.whole, values.dir);
  const broker = await bench.broker("--flush", "never", "--ui", "0");
  const section = await measureSmoothness(broker, () => urlOf(broker), {
    topics: values.tiny ? 2 : Number(values.topics),
    topicPartitions: values.tiny ? 2 : Math.ceil(9_000 / Number(values.topics)),
    giantPartitions: values.tiny ? 3 : 500,
    segments: values.tiny ? 4 : 10_000,
    settleMs: values.tiny ? 0 : 3_000,
    seconds: values.tiny ? 0.2 : Number(values.seconds),
    only: values.view?.split(",") ?? [],
  });
  if (values.json) console.log(JSON.stringify(section.rows, null, 2));
  else process.stdout.write(values.markdown ? section.markdown : section.text);
  await broker.end("SIGKILL");
  process.exit(0);
}

/** Both runs write to one topic, which has some data then. */
async function measurePair(bytesPerSecond: number | undefined, isAloneFirst = true): Promise<Pair> {
  const topic = bench.name();
  const settings = { "segment.bytes": String(16 * 1024 * 1024) };
  await client.admin().createTopic(topic, { partitions: PARTITIONS, settings });
  await commit(topic);
  const first = await measure(topic, bytesPerSecond, !isAloneFirst);
  const second = await measure(topic, bytesPerSecond, isAloneFirst);
  await client.admin().deleteTopic(topic);
  return isAloneFirst ? { alone: first, beside: second } : { alone: second, beside: first };
}

async function measure(
  topic: string,
  bytesPerSecond: number | undefined,
  hasPages: boolean,
): Promise<Run> {
  if (hasPages) await looking.ask({ kind: "open", url, topic, group: GROUP, views });
  await Bun.sleep(SETTLE_MS);
  const before = cpuSeconds(broker.pid);
  const result = await bench.run({
    ...{ kind: "produce", port: broker.port, topic, ...SHAPE, batchBytes: 64 * 1024 },
    ...{ bytesMax: BYTES_MAX, secondsMax: SECONDS },
    ...(bytesPerSecond === undefined ? {} : { bytesPerSecond }),
  });
  const cpu = cpuSeconds(broker.pid) - before;
  const seen = hasPages ? await looking.ask<PagesResult>({ kind: "close" }) : undefined;
  return { ...result, cpuSeconds: cpu, pages: seen };
}

/** The group that pages show. */
async function commit(topic: string): Promise<void> {
  using session = await Session.connect(broker.port);
  const offsets = Array.from({ length: PARTITIONS }, (_, partition) => ({
    ...{ topic, partition, offset: 0 },
  }));
  session.client.send(OffsetCommit.encodeRequest(1, { ...BY_NO_MEMBER, group: GROUP, offsets }));
  await session.client.response(1);
}

function urlOf({ lines }: BrokerProcess): string {
  const found = lines.flatMap((line) => /^Page on (\S+)$/.exec(line)?.[1] ?? []).at(-1);
  if (found === undefined) throw new Error(`there is no page: ${lines.join("\n")}`);
  return found;
}

const none = Number.POSITIVE_INFINITY;
const cpuShare = ({ cpuSeconds: cpu, seconds }: Run): number => (100 * cpu) / seconds;
const perSecond = (of: (pages: PagesResult) => number): number[] =>
  [...fast, ...paced].map(({ beside }) => of(beside.pages!) / beside.seconds);
const rows: BarRow[] = [
  barRow(
    ...(["as fast as possible", "MB/s", "≥", 1 - LOSS_MAX] as const),
    fast.map(({ beside }) => megabytesASecond(beside)),
    fast.map(({ alone }) => megabytesASecond(alone)),
  ),
  barRow(
    ...(["at 100 MB/s", "MB/s", "≥", 1 - LOSS_MAX] as const),
    paced.map(({ beside }) => megabytesASecond(beside)),
    paced.map(({ alone }) => megabytesASecond(alone)),
  ),
  barRow(
    ...(["processor time of the broker at 100 MB/s", "%", "≤", none] as const),
    paced.map(({ beside }) => cpuShare(beside)),
    paced.map(({ alone }) => cpuShare(alone)),
  ),
  barRow(
    ...(["p99 of a produce at 100 MB/s", "ms", "≤", none] as const),
    paced.map(({ beside }) => beside.p99),
    paced.map(({ alone }) => alone.p99),
  ),
  barRow(
    "events of the pages",
    "/s",
    "≤",
    none,
    perSecond(({ events }) => events),
  ),
  barRow(
    "bytes of events",
    "kB/s",
    "≤",
    none,
    perSecond(({ eventBytes }) => eventBytes / 1e3),
  ),
  barRow(
    "requests of the pages",
    "/s",
    "≤",
    none,
    perSecond(({ answers }) => answers),
  ),
  barRow(
    "bytes of answers",
    "kB/s",
    "≤",
    none,
    perSecond(({ answerBytes }) => answerBytes / 1e3),
  ),
  barRow("requests that failed", "", "≤", 0, [
    ...[...fast, ...paced].map(({ beside }) => beside.pages!.failures),
  ]),
];
const title = `${pages} open pages${view === undefined ? "" : ` of ${view}`}, next to none`;
const section = barSection(title, rows);
if (values.json) console.log(JSON.stringify(section.rows, null, 2));
else process.stdout.write(values.markdown ? section.markdown : section.text);
if (!values.tiny && !values.json) {
  const paths = Object.keys(paced[0]!.beside.pages!.answerMs);
  for (const path of paths) {
    const ms = paced.map(({ beside }) => beside.pages!.answerMs[path] ?? 0);
    console.log(`waited for ${path}: ${median(ms).toFixed(0)} ms in a run at 100 MB/s`);
  }
}
await client.close();
await broker.end("SIGKILL");
process.exit(0);
