// A small data directory created by the broker's own code: two topics, sealed and active segments, every codec,
// idempotent producers, committed offsets. Its bytes are always the same, except for the directory's id.
// Leaves to others: damaging it (the tests).
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { OffsetStore } from "../../src/groups/offsets/offset-store.js";
import { BatchEncoder } from "../../src/record/encoder.js";
import type { Codec } from "../../src/record/batch.js";
import type { ProducerSequence } from "../../src/record/batch.js";
import { RecordCursor } from "../../src/record/cursor.js";
import { readAll } from "../../src/log/segment/log-slice.js";
import type { DirectoryLock } from "../../src/log/disk/disk.js";
import { RealDisk } from "../../src/log/disk/real-disk.js";
import { DataDirectory } from "../../src/topics/data-directory.js";
import type { Partition } from "../../src/topics/partition.js";
import { ENDLESS } from "../support/log-fixture.js";
import { tempDir } from "../support/tmp.js";
import { formatFinding } from "../../src/inspection/finding.js";
import { type VerificationReport, verifyDirectory } from "../../src/inspection/verify.js";

export const START_MS = 1_700_000_000_000;

/** A log file of the sample, by topic and base offset, relative to the data directory. */
export function fileOf(
  baseOffset: number,
  kind: "log" | "index" | "timeindex" | "snapshot" = "log",
  topic = "orders",
): string {
  return `topics/${topic}/0/${String(baseOffset).padStart(20, "0")}.${kind}`;
}

/** A batch of records with keys, values and headers. */
export function sampleBatch(
  values: readonly string[],
  timestamp: number,
  codec: Codec = "none",
  sequence?: ProducerSequence,
): Uint8Array {
  const encoder = new BatchEncoder({ codec });
  for (const [i, value] of values.entries()) {
    const headers = i === 0 ? [{ name: "h", value: Uint8Array.of(1, 2) }] : [];
    encoder.append(timestamp + i, i % 2 === 0 ? "key" : null, value, headers);
  }
  return encoder.finish(sequence);
}

/** Opens a data directory as a broker would, without the parts that only a broker has. */
export function openDirectory(path: string): Promise<DataDirectory> {
  return DataDirectory.open(path, {
    disk: new RealDisk(),
    flush: { kind: "never" },
    logDefaults: { ...ENDLESS, segmentMs: 2 ** 40 },
    autoCreateTopics: true,
    defaultPartitions: 1,
    now: () => START_MS,
    report: () => {},
    onFatal: (error) => {
      throw error;
    },
  });
}

/** A value that no codec can compress: large enough for an index entry after it. */
export const LARGE = Array.from({ length: 5000 }, (_, i) =>
  String.fromCharCode(33 + ((i * i * 7 + i * 31) % 90)),
).join("");

/** Files of a sample, by their relative paths. */
type Files = ReadonlyMap<string, Uint8Array>;

const samples = new Map<boolean, Promise<Files>>();

/**
 * Creates the sample; the first time with the broker's code. With `isClean` false, as a killed broker would leave it.
 */
export async function makeSample(path: string, isClean = true): Promise<void> {
  const sample = samples.get(isClean) ?? sampleFiles(isClean);
  samples.set(isClean, sample);
  for (const [file, bytes] of await sample) {
    mkdirSync(dirname(join(path, file)), { recursive: true });
    writeFileSync(join(path, file), bytes);
  }
}

async function sampleFiles(isClean: boolean): Promise<Files> {
  using directory = tempDir();
  await writeSample(directory.path, isClean);
  return new Map(
    filesIn(directory.path).map((file) => [file, readFileSync(join(directory.path, file))]),
  );
}

async function writeSample(path: string, isClean: boolean): Promise<void> {
  const directory = await openDirectory(path);
  const { registry } = directory;
  const orders = (await registry.create("orders", 1, {})).online[0]!;
  const append = (batch: Uint8Array): Promise<number> => orders.append(batch);
  const producer = (baseSequence: number) => ({ producerId: 77, producerEpoch: 0, baseSequence });
  await append(sampleBatch(["a", "b"], START_MS, "none", producer(0)));
  await append(sampleBatch(["c", "d"], START_MS + 10, "gzip", producer(2)));
  await orders.roll();
  await append(sampleBatch([LARGE], START_MS + 20, "none", producer(4)));
  await append(sampleBatch(["e", "f", "g"], START_MS + 30, "zstd"));
  await append(sampleBatch([LARGE], START_MS + 5));
  await append(sampleBatch(["h"], START_MS + 40));
  await orders.roll();
  await append(sampleBatch(["i", "j"], START_MS + 50, "none", producer(5)));
  await append(sampleBatch(["k"], START_MS + 60));
  const context = { registry, mode: "durable", now: () => START_MS, report: () => {} } as const;
  const offsets = await OffsetStore.open(context);
  await offsets.commit("billing", [{ topic: "orders", partition: 0, offset: 3 }]);
  await offsets.commit("billing", [{ topic: "orders", partition: 0, offset: 9 }]);
  if (isClean) await directory.closeCleanly();
  else directory.abandon();
}

/** Base offsets of the segments of `orders`, and its end. */
export const SEGMENTS = [0, 4, 10] as const;
export const END_OFFSET = 13;

/** The real disk without its lock, which takes longer than everything else in such a small directory. */
class UnlockedDisk extends RealDisk {
  override lock(): DirectoryLock {
    return { release: () => {} };
  }

  override lockToRead(): DirectoryLock {
    return { release: () => {} };
  }
}

/** The report of verify, and each finding as its line. */
export async function verify(
  directory: string,
  isRepairing = false,
): Promise<{ readonly report: VerificationReport; readonly lines: readonly string[] }> {
  const report = await verifyDirectory({ disk: new UnlockedDisk(), directory, isRepairing });
  return { report, lines: report.findings.map(formatFinding) };
}

/** Values of all records of `orders`, as served by a broker that starts on the directory. */
export async function readOrders(path: string): Promise<string[]> {
  const directory = await openDirectory(path);
  try {
    return readValues(directory.registry.partition("orders", 0));
  } finally {
    await directory.closeCleanly();
  }
}

function readValues(partition: Partition): string[] {
  const values: string[] = [];
  const cursor = new RecordCursor();
  for (let offset = partition.logStartOffset; offset < partition.highWatermark;) {
    const read = partition.read(offset, 1024 * 1024);
    cursor.reset(readAll(read), 0, undefined, { fromOffset: offset });
    while (cursor.next()) values.push(`${cursor.offset}:${cursor.valueText()}`);
    offset = read.nextOffset;
  }
  return values;
}

/** Changes the bytes of a file, in place or to those that `change` returns. */
export function edit(path: string, change: (bytes: Buffer) => unknown): void {
  const bytes = readFileSync(path);
  const changed = change(bytes);
  writeFileSync(path, changed instanceof Uint8Array ? changed : bytes);
}

/** A way to damage a directory; `path` finds its files. */
export type Damage = (path: (file: string) => string) => void;

/** The findings of verify for a sample with some damage. */
export async function linesAfter(damage: Damage, isClean = true): Promise<readonly string[]> {
  using directory = tempDir();
  await makeSample(directory.path, isClean);
  damage((file) => join(directory.path, file));
  return (await verify(directory.path)).lines;
}

/** Adds bytes to the end of a file. */
export function appendTo(path: string, bytes: Uint8Array): void {
  edit(path, (before) => Buffer.concat([before, bytes]));
}

/** All files of a directory, sorted, with relative paths. */
export function filesIn(path: string): string[] {
  return (readdirSync(path, { recursive: true, withFileTypes: true }) as never[] as FileEntry[])
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1))
    .sort();
}

interface FileEntry {
  readonly name: string;
  readonly parentPath: string;
  isFile(): boolean;
}
