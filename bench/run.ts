// `bun run bench`: the read path on real segments, encoding, decoding, checksums and metrics, with mitata.
// Leaves to others: sockets and whole processes. All data is made here, warmed, and removed.
//
// Each read is reported in two honest ways: "locate" finds and slices the bytes and touches none of them;
// "decode" walks every record with the cursor, CRC check included, and touches its value.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bench, group, run } from "mitata";
import { Broker } from "../src/broker/broker.ts";
import { BrokerMetrics } from "../src/broker/metrics.ts";
import { metricsText } from "../src/http/metrics-text.ts";
import { API } from "../src/protocol/messages.ts";
import { BatchEncoder } from "../src/record/encoder.ts";
import { RecordCursor } from "../src/record/cursor.ts";
import { crc32c, tableCrc32c } from "../src/record/crc32c.ts";
import { Log } from "../src/storage/log.ts";
import { readAll } from "../src/storage/log-slice.ts";
import { RealDisk } from "../src/storage/real-disk.ts";

const tiny = process.argv.includes("--tiny");
const RECORDS = tiny ? 100 : 10_000;
const RECORDS_A_BATCH = 100;
const SIZES = tiny ? [128] : [128, 512, 1024];

const root = mkdtempSync(join(tmpdir(), "rustlog-bench-"));
const disk = new RealDisk();

/** Names a set of benchmarks that are shown together. */
function together(name: string, body: () => void): void {
  if (tiny) {
    console.log(name);
    body();
  } else group(name, body);
}

/** Defines a benchmark; with `--tiny` its body runs once, so that a test sees that it works. */
function define(name: string, body: () => unknown): void {
  if (!tiny) {
    bench(name, body);
    return;
  }
  body();
  console.log(`${name}: ran`);
}

/** A log of 10,000 records; with `seal`, all of them in a sealed segment. */
async function makeLog(recordBytes: number, seal: boolean): Promise<Log> {
  const directory = join(root, `${recordBytes}-${seal ? "sealed" : "active"}`);
  disk.makeDirectory(directory);
  const unlimited = Number.MAX_SAFE_INTEGER;
  const settings = {
    segmentBytes: 2 ** 31 - 1,
    segmentMs: unlimited,
    retentionBytes: -1,
    retentionMs: -1,
  };
  const log = await Log.open({
    disk,
    directory,
    name: "bench-0",
    settings,
    now: Date.now,
    report: () => {},
  });
  const encoder = new BatchEncoder();
  const value = new Uint8Array(recordBytes).fill(0x61);
  for (let i = 0; i < RECORDS; i += RECORDS_A_BATCH) {
    for (let k = 0; k < RECORDS_A_BATCH; k++) encoder.append(i + k, null, value);
    log.append(encoder.finish());
  }
  await log.push();
  await log.sync();
  if (seal) await log.roll();
  return log;
}

/** Walks a whole log in reads of `bytesMax`; returns the bytes covered. */
function walk(log: Log, bytesMax: number, touch: RecordCursor | undefined): number {
  let offset = 0;
  let bytes = 0;
  let sum = 0;
  while (offset < log.logEndOffset) {
    const read = log.read(offset, bytesMax, log.pushedEnd);
    bytes += read.bytes;
    if (touch !== undefined) {
      for (const slice of read.slices) {
        const whole = slice.read(0, slice.bytes);
        touch.reset(whole.length === slice.bytes ? whole : readAll(read));
        while (touch.next()) sum += touch.buffer[touch.valueStart] ?? 0;
      }
    }
    offset = read.nextOffset;
  }
  if (sum < 0) throw new Error("unreachable: keeps the sum alive");
  return bytes;
}

/** A broker with `topics` times 100 partitions, and 10 groups that have committed on each of them. */
async function makeBroker(topics: number): Promise<Broker> {
  const options = { port: 0, log: () => {}, flush: { kind: "never" } } as const;
  const broker = await Broker.start({ ...options, dataDir: join(root, "broker") });
  const { registry, offsets } = broker.services;
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

const cursor = new RecordCursor();
const broker = await makeBroker(tiny ? 1 : 10);
try {
  for (const size of SIZES) {
    for (const kind of ["sealed", "active"] as const) {
      const log = await makeLog(size, kind === "sealed");
      const bytes = walk(log, 1 << 20, cursor);
      together(`sequential_reads/${kind}/${size} B (${bytes} bytes a walk)`, () => {
        define("locate, 256 KiB fetches", () => walk(log, 256 * 1024, undefined));
        define("decode, 256 KiB fetches", () => walk(log, 256 * 1024, cursor));
      });
      if (size === 1024 || tiny) {
        together(`max_bytes/${kind}`, () => {
          for (const max of [1024, 10 * 1024, 1024 * 1024]) {
            define(`locate, ${max} bytes at the middle`, () =>
              log.read(RECORDS / 2, max, log.pushedEnd),
            );
          }
        });
      }
    }
  }
  together("encode and checksum", () => {
    const encoder = new BatchEncoder();
    const value = new Uint8Array(100).fill(0x61);
    define("encode 1,000 records of 100 B", () => {
      for (let i = 0; i < 1_000; i++) encoder.append(i, null, value);
      return encoder.finish();
    });
    for (const bytes of [64, 512, 4096, 1 << 20]) {
      const data = new Uint8Array(bytes).fill(7);
      define(`crc32c, ${bytes} B`, () => crc32c(data, 0, bytes));
      define(`crc32c by table, ${bytes} B`, () => tableCrc32c(data, 0, bytes));
    }
  });
  together("metrics", () => {
    define("a scrape of 1,000 partitions, 10 groups on each", () => metricsText(broker));
    const metrics = new BrokerMetrics();
    const request = { apiKey: API.Produce, error: undefined, beganMs: 0, hasWaited: false };
    define("count a produce", () => metrics.answered(request));
  });
  if (!tiny) await run(process.argv.includes("--json") ? { format: "json" } : {});
} finally {
  await broker.stop();
  rmSync(root, { recursive: true, force: true });
}
