// `bun run bench:compaction`: compacts 1 GiB of updates with values of 100 B, 9/10 of them dirty, to 1 million keys; and has
// Kafka's log cleaner do the same, if a Kafka is given. Then a quarter of that in a broker, beside a producer.
// Leaves to others: kills in a compaction (`bun run test:compaction`).
//
//   --only PARTS           some of: run, beside
//   --kafka HOST:PORT,DIR  an Apache Kafka that logs at level INFO to DIR/broker.log, with its data in DIR/data
//   --mb N                 bytes of log in MiB (1024; 256 beside a producer); 1000 keys for each
//   --map-mb N             memory for the map of keys in MiB (128), without a producer
//   --codec NAME           none, gzip, snappy, lz4 or zstd (none)
//   --rounds N             counted runs (3)
//   --flush POLICY         of the broker beside a producer: always or never (always)
//   --dir DIR              directory for the data, on a real disk
//   --json, --markdown, --tiny   as for bench:e2e
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { CompactionJob } from "../src/log/compaction/compaction-job.js";
import { segmentFileName } from "../src/log/segment/segment-files.js";
import { CODECS, type Codec } from "../src/record/batch.js";
import { RecordCursor } from "../src/record/cursor.js";
import {
  type Changelog,
  type ChangelogOptions,
  segmentBytesOf,
  writeChangelog,
} from "./compaction/changelog.js";
import { besideBars } from "./compaction/beside.js";
import { KafkaCleaner } from "./compaction/kafka-cleaner.js";
import type { RunResult } from "./compaction/run.js";
import { Bench, SCALES } from "./e2e/setup.js";
import { median, threeDigits } from "./numbers.js";
import { Section } from "./report.js";

const MiB = 1024 * 1024;
const MB_PER_SECOND_RATIO = 1.5;
const PEAK_MIB = 256;
const KEYS_PER_MIB = 1_000_000 / 1024;

/** How long the producer works with nothing else going on, before and after a compaction. */
const ALONE_MS = 3_000;
const ALONE_MS_TINY = 50;

const PARTS: Readonly<Record<string, (bench: Bench, codec: Codec) => Promise<Section>>> = {
  run: measure,
  beside: measureBeside,
};

const { values } = parseArgs({
  options: {
    only: { type: "string", default: Object.keys(PARTS).join(",") },
    flush: { type: "string", default: "always" },
    kafka: { type: "string" },
    mb: { type: "string" },
    "map-mb": { type: "string", default: "128" },
    codec: { type: "string", default: "none" },
    rounds: { type: "string" },
    dir: { type: "string" },
    tiny: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    markdown: { type: "boolean", default: false },
  },
});

const codec = CODECS.find((name) => name === values.codec);
const { flush } = values;
const mb = Number(values.mb ?? (values.tiny ? 1 : 1024));
const besideMb = Number(values.mb ?? (values.tiny ? 1 : 256));
const rounds = Number(values.rounds ?? (values.tiny ? 1 : 3));
const mapMb = Number(values["map-mb"]);
if (codec === undefined || !(mb > 0 && rounds > 0 && mapMb > 0)) {
  console.error(`codecs are ${CODECS.join(", ")}; the others are numbers above 0`);
  process.exit(2);
}
const parts = values.only.split(",");
const unknown = parts.filter((part) => PARTS[part] === undefined);
if (unknown.length > 0) {
  console.error(`no such part: ${unknown.join(", ")}; there are ${Object.keys(PARTS).join(", ")}`);
  process.exit(2);
}
if (flush !== "always" && flush !== "never") {
  console.error("--flush is always or never");
  process.exit(2);
}

/** What stays of a log, and a sum that depends on each record and its offset. */
interface Survivors {
  readonly records: number;
  readonly sum: number;
}

interface Row {
  readonly what: string;
  readonly unit: string;
  readonly rustlog: number;
  readonly kafka: number | undefined;
  readonly bar: string;
}

function jobOf(directory: string, changelog: Changelog, options: ChangelogOptions): CompactionJob {
  const { segments, firstDirtyOffset, endOffset } = changelog;
  return {
    ...{ directory, name: "changelog-0", segments, firstDirtyOffset, endOffset },
    ...{ lastBatches: [], deleteRetentionMs: 86_400_000, nowMs: Date.now() },
    ...{ segmentBytes: segmentBytesOf(options), mapBytes: mapMb * MiB },
  };
}

function compact(job: CompactionJob): RunResult {
  const script = join(import.meta.dir, "compaction/run.ts");
  const { stdout, success, stderr } = Bun.spawnSync([
    process.execPath,
    script,
    JSON.stringify(job),
  ]);
  if (!success) throw new Error(stderr.toString());
  return JSON.parse(stdout.toString()) as RunResult;
}

/** Reads the records of the files. */
function survivorsIn(paths: readonly string[]): Survivors {
  let records = 0;
  let sum = 0;
  for (const path of paths) {
    const cursor = new RecordCursor().reset(new Uint8Array(readFileSync(path)));
    while (cursor.next()) {
      records++;
      sum = (sum + Math.imul(cursor.offset, Bun.hash.crc32(cursor.key() ?? ""))) | 0;
    }
  }
  return { records, sum };
}

/** The logs after a run: the new ones, and those that did not change. */
function pathsAfter({ directory, segments }: CompactionJob, { result }: RunResult): string[] {
  const replaced = new Set(result.groups.flatMap((group) => group.replaced));
  const logs = segments.map(({ baseOffset }) => baseOffset).filter((base) => !replaced.has(base));
  const cleaned = result.groups.map(({ base }) => `${segmentFileName(base, "log")}.cleaned`);
  const names = [...logs.map((base) => segmentFileName(base, "log")), ...cleaned];
  return names.map((name) => join(directory, name));
}

/** Kafka's logs below an offset. */
function kafkaPaths(directory: string, { endOffset }: Changelog): string[] {
  const paths = [...new Bun.Glob("*.log").scanSync(directory)];
  return paths
    .filter((name) => Number.parseInt(name, 10) < endOffset)
    .map((name) => join(directory, name));
}

async function measure(bench: Bench, codecName: Codec): Promise<Section> {
  const options = { bytes: mb * MiB, keys: Math.ceil(mb * KEYS_PER_MIB), codec: codecName };
  const directory = bench.path("changelog");
  const changelog = writeChangelog(directory, options);
  const job = jobOf(directory, changelog, options);
  const kafka = values.kafka === undefined ? undefined : new KafkaCleaner(values.kafka);
  const rates: number[] = [];
  const peaks: number[] = [];
  const kafkaRates: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    if (kafka !== undefined && round > 0) {
      const topic = `changelog-${process.pid}-${round}`;
      const { mbPerSecond, directory: theirs } = await kafka.measure(topic, options);
      kafkaRates.push(mbPerSecond);
      const paths = kafkaPaths(theirs, changelog);
      if (round === 1 && existsSync(theirs)) compare(job, survivorsIn(paths));
      await kafka.remove(topic);
    }
    const run = compact(job);
    if (round === 0) continue;
    rates.push(changelog.bytes / MiB / run.seconds);
    peaks.push(run.peakKib / 1024);
  }
  rmSync(directory, { recursive: true });
  return sectionOf(rates, peaks, kafkaRates);
}

/** Throws unless Kafka's cleaner has left the same records. */
function compare(job: CompactionJob, theirs: Survivors): void {
  const ours = survivorsIn(pathsAfter(job, compact(job)));
  if (ours.records === theirs.records && ours.sum === theirs.sum) return;
  throw new Error(`other records stay: ${JSON.stringify({ ours, theirs })}`);
}

function sectionOf(rates: number[], peaks: number[], kafkaRates: number[]): Section {
  const kafkaRate = kafkaRates.length === 0 ? undefined : median(kafkaRates);
  const rows: Row[] = [
    {
      ...{ what: "log processed", unit: "MiB/s", rustlog: median(rates), kafka: kafkaRate },
      bar: `≥ ${MB_PER_SECOND_RATIO}×`,
    },
    {
      ...{ what: "peak memory of the process", unit: "MiB", rustlog: Math.max(...peaks) },
      ...{ kafka: undefined, bar: `≤ ${PEAK_MIB}` },
    },
  ];
  return Section.of(`Compaction: ${mb} MiB, ${codec}`, rows, [
    { title: "", cell: ({ what, unit }) => `${what}, ${unit}` },
    { title: "RustLog", cell: ({ rustlog }) => threeDigits(rustlog) },
    { title: "Kafka", cell: ({ kafka }) => (kafka === undefined ? "" : threeDigits(kafka)) },
    {
      title: "ratio",
      cell: ({ rustlog, kafka }) => (kafka === undefined ? "" : threeDigits(rustlog / kafka)),
    },
    { title: "bar", cell: ({ bar }) => bar },
  ]);
}

function measureBeside(bench: Bench, codecName: Codec): Promise<Section> {
  const keys = Math.ceil(besideMb * KEYS_PER_MIB);
  return besideBars(bench, {
    changelog: { bytes: besideMb * MiB, keys, codec: codecName },
    ...{ rounds, aloneMs: values.tiny ? ALONE_MS_TINY : ALONE_MS, flush: flush as "always" },
  });
}

using bench = new Bench(values.tiny ? SCALES.tiny : SCALES.whole, values.dir);
const sections: Section[] = [];
for (const part of parts) {
  const section = await PARTS[part]!(bench, codec);
  sections.push(section);
  if (!values.json) process.stdout.write(values.markdown ? section.markdown : section.text);
}
if (values.json) {
  const rows = sections.map(({ title, rows: all }) => ({ title, rows: all }));
  console.log(JSON.stringify(rows, null, 2));
}
process.exit(0);
