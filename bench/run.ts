// `bun run bench`: the read path on real segments, encoding, checksums and metrics, with mitata.
// Leaves to others: sockets and whole processes (e2e.ts). All data is made here, warmed, and removed.
//
// Each read is reported in two ways: "locate" finds and slices the bytes and touches none of them; "decode" walks every
// record with the cursor, CRC check included, and touches its value. Between them are "checksum", which only computes
// the CRCs, and "decode, no CRC", which skips them, as a consumer may because the broker has checked them. Bytes are
// those that a call covers.
//
//   --json       for a machine; --markdown: as the table stands in docs/PERFORMANCE.md
//   --tiny       runs each body once, on little data
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bench, group, run } from "mitata";
import { Broker } from "../src/broker/broker.js";
import { RequestMetrics } from "../src/net/request-metrics.js";
import { metricsText } from "../src/http/metrics-text.js";
import { API } from "../src/protocol/native/messages.js";
import { crc32c, tableCrc32c } from "../src/record/crc32c.js";
import { RecordCursor } from "../src/record/cursor.js";
import { BatchEncoder } from "../src/record/encoder.js";
import type { Log } from "../src/log/log.js";
import { threeDigits } from "./numbers.js";
import { checksum, decodeWith, locate, makeLog, type Touch, walk } from "./read/logs.js";
import { Section } from "./report.js";

const KiB = 1024;
const GiB = KiB ** 3;
const tiny = process.argv.includes("--tiny");
const json = process.argv.includes("--json");
const markdown = process.argv.includes("--markdown");
const RECORDS = tiny ? 100 : 10_000;

/** A benchmark: its group, what it does, and the bytes that a call covers and touches, if any. */
interface Definition {
  readonly of: string;
  readonly what: string;
  readonly bytes: number;
  readonly touched: boolean;
}

const defined: Definition[] = [];
const root = mkdtempSync(join(tmpdir(), "rustlog-bench-"));

/** Defines a benchmark. With `--tiny` its body runs once, so that a test can check it. */
function define(definition: Definition, body: () => unknown): void {
  const { of, what } = definition;
  defined.push(definition);
  if (tiny) {
    body();
    console.log(`${of}: ${what}: ran`);
  } else group(of, () => void bench(what, body));
}

/** The same read by each of `touches`. */
function defineReads(
  of: string,
  read: (touch: Touch) => number,
  touches: Readonly<Record<string, Touch>>,
): void {
  const bytes = read(locate);
  for (const [name, touch] of Object.entries(touches)) {
    define({ of, what: name, bytes, touched: touch !== locate }, () => read(touch));
  }
}

/** As in the original: all of 10,000 records, here in fetches of 256 KiB. */
async function sequentialReads(kind: "sealed" | "active", recordBytes: number): Promise<void> {
  const log = await oneSegment(kind, recordBytes, 100);
  const touches = { locate, checksum, decode, "decode, no CRC": decodeUnchecked };
  defineReads(
    `sequential_reads/${kind}/${recordBytes} B`,
    (touch) => walk(log, 256 * KiB, touch),
    touches,
  );
}

/** One fetch of at most 256 KiB from the start. */
async function mmapVsActive(kind: "sealed" | "active"): Promise<void> {
  const log = await oneSegment(kind, 512, 100);
  defineReads(`mmap_vs_active/${kind}`, fetchAt(log, 0, 256 * KiB), { locate, decode });
}

/** One fetch from the start; batches of one record, so that a small limit means a small answer. */
async function maxBytes(kind: "sealed" | "active"): Promise<void> {
  const log = await oneSegment(kind, 512, 1);
  for (const max of [KiB, 10 * KiB, KiB * KiB]) {
    defineReads(`max_bytes/${kind}/${max}`, fetchAt(log, 0, max), { locate, decode });
  }
  // The original reads from the start only, where no index is needed.
  defineReads(`max_bytes/${kind}/${KiB}/middle`, fetchAt(log, RECORDS / 2, KiB), { locate });
}

/** Three sealed segments and the active one, of 1,000 records each: across all of them, and into one. */
async function partitionReads(): Promise<void> {
  const records = RECORDS / 10;
  const sealed = [records, records, records];
  const shape = { recordBytes: 512, recordsABatch: records / 10, sealed, active: records };
  const log = await makeLog(root, "partition", shape);
  const touches = { locate, decode };
  const fetchBytes = 128 * KiB;
  defineReads("partition_reads/all four", (touch) => walk(log, fetchBytes, touch), touches);
  defineReads("partition_reads/middle", fetchAt(log, records, fetchBytes), touches);
  defineReads("partition_reads/active", fetchAt(log, 3 * records, fetchBytes), touches);
}

function oneSegment(
  kind: "sealed" | "active",
  recordBytes: number,
  recordsABatch: number,
): Promise<Log> {
  const records =
    kind === "sealed" ? { sealed: [RECORDS], active: 0 } : { sealed: [], active: RECORDS };
  return makeLog(root, `log-${defined.length}`, { recordBytes, recordsABatch, ...records });
}

function fetchAt(log: Log, offset: number, bytesMax: number): (touch: Touch) => number {
  return (touch) => touch(log.segments.read(offset, bytesMax, log.pushedEnd));
}

function encodingAndChecksums(): void {
  const encoder = new BatchEncoder();
  const value = new Uint8Array(100).fill(0x61);
  define({ of: "encode", what: "1,000 records of 100 B", bytes: 100_000, touched: true }, () => {
    for (let i = 0; i < 1_000; i++) encoder.append(i, null, value);
    return encoder.finish();
  });
  for (const bytes of [64, 512, 4 * KiB, KiB * KiB]) {
    const data = new Uint8Array(bytes).fill(7);
    const shown = { bytes, touched: true };
    define({ of: "crc32c", what: `${bytes} B`, ...shown }, () => crc32c(data, 0, bytes));
    define({ of: "crc32c", what: `${bytes} B, by table`, ...shown }, () =>
      tableCrc32c(data, 0, bytes),
    );
  }
}

function metrics(broker: Broker): void {
  const untouched = { bytes: 0, touched: false };
  const scrape = { of: "metrics", what: "scrape of 1,000 partitions, 10 groups on each" };
  define({ ...scrape, ...untouched }, async () => {
    let bytes = 0;
    for await (const part of metricsText(broker)) bytes += part.length;
    return bytes;
  });
  const apis = Object.entries(API).map(([name, key]) => [key, name] as const);
  const keys = { produceKey: API.Produce, fetchKey: API.Fetch };
  const counted = new RequestMetrics({ protocol: "native", apis, ...keys, errors: ["none"] });
  define({ of: "metrics", what: "count a produce", ...untouched }, () =>
    counted.answered(API.Produce, 0, 0, false),
  );
}

/** A broker with `topics` times 100 partitions, and 10 groups that have committed on each of them. */
async function makeBroker(topics: number): Promise<Broker> {
  const options = { port: 0, log: () => {}, flush: { kind: "never" } } as const;
  const broker = await Broker.start({ ...options, dataDir: join(root, "broker") });
  const { registry, offsets } = broker.context;
  for (let i = 0; i < topics; i++) {
    const topic = `topic-${i}`;
    await registry.create(topic, 100, {});
    const commits = Array.from({ length: 100 }, (_, partition) => ({
      topic,
      partition,
      offset: 0,
    }));
    for (let group = 0; group < 10; group++) await offsets.commit(`group-${group}`, commits);
  }
  return broker;
}

/** The medians, as one table. */
function tableOf(medians: readonly number[]): Section {
  const rows = defined.map((definition, i) => ({ ...definition, nanoseconds: medians[i] ?? 0 }));
  return Section.of("Reading, encoding, checksums and metrics: medians", rows, [
    { title: "benchmark", cell: (row) => row.of },
    { title: "what", cell: (row) => row.what },
    { title: "bytes covered", cell: (row) => (row.bytes === 0 ? "" : row.bytes) },
    { title: "µs", cell: (row) => threeDigits(row.nanoseconds / 1000) },
    {
      title: "GiB/s",
      cell: (row) => (row.touched ? threeDigits(row.bytes / GiB / (row.nanoseconds / 1e9)) : ""),
    },
  ]);
}

const decode = decodeWith(new RecordCursor());
const decodeUnchecked = decodeWith(new RecordCursor(), false);
const broker = await makeBroker(tiny ? 1 : 10);
try {
  for (const kind of ["sealed", "active"] as const) {
    for (const size of tiny ? [128] : [128, 512, 1024]) await sequentialReads(kind, size);
  }
  for (const kind of ["sealed", "active"] as const) await mmapVsActive(kind);
  for (const kind of ["sealed", "active"] as const) await maxBytes(kind);
  await partitionReads();
  encodingAndChecksums();
  metrics(broker);
  if (!tiny) {
    const { benchmarks } = await run(json || markdown ? { format: "quiet" } : {});
    const table = tableOf(benchmarks.map(({ runs }) => runs[0]?.stats?.p50 ?? Number.NaN));
    if (json) console.log(JSON.stringify([{ title: table.title, rows: table.rows }], null, 2));
    else process.stdout.write(markdown ? table.markdown : table.text);
  }
} finally {
  await broker.stop();
  rmSync(root, { recursive: true, force: true });
}
