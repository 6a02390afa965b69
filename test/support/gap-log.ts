// A handmade log with gaps, as compaction leaves it. No broker here writes such a log yet.
// Leaves to others: what readers must do with it.
//
//   segment 0    offsets 0–9 | 20–29 without 25          (10–19 are gone)
//   segment 30   30–31 | 32–33, no record left | 34, of 34–35   (36–39 are gone)
//   segment 40   42–43                                   (40–41 are gone)
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { FIELD, stampBaseOffset } from "../../src/record/batch.js";
import { writeI32, writeI64, writeU32 } from "../../src/record/bytes.js";
import { crc32c } from "../../src/record/crc32c.js";
import { BatchEncoder } from "../../src/record/encoder.js";
import { RealDisk } from "../../src/log/disk/real-disk.js";
import { DataDirectory } from "../../src/topics/data-directory.js";
import { ENDLESS } from "./log-fixture.js";

/** The offsets that have a record. */
export const OFFSETS: readonly number[] = [
  ...Array.from({ length: 10 }, (_, i) => i),
  ...[20, 21, 22, 23, 24, 26, 27, 28, 29],
  ...[30, 31, 34, 42, 43],
];

export const END_OFFSET = 44;

/** Base offsets of the segments. */
export const SEGMENTS = [0, 30, 40] as const;

/** The value of the record with an offset. */
export function valueAt(offset: number): string {
  return `v${offset}`;
}

/** The timestamp of the record with an offset, in milliseconds. */
export function timestampAt(offset: number): number {
  return 1_700_000_000_000 + offset * 1_000;
}

/** A batch that covers `covered` offsets from `base` on, of which these have a record. */
export function gapBatch(base: number, covered: number, offsets: readonly number[]): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const offset of offsets) parts.push(record(base, offset));
  const records = Buffer.concat(parts);
  const encoder = new BatchEncoder();
  encoder.append(timestampAt(base), null, "x");
  const batch = new Uint8Array(FIELD.records + records.length);
  batch.set(encoder.finish().subarray(0, FIELD.records));
  batch.set(records, FIELD.records);
  writeI32(batch, FIELD.batchLength, batch.length - FIELD.partitionLeaderEpoch);
  writeI32(batch, FIELD.lastOffsetDelta, covered - 1);
  // An empty batch keeps the timestamp of its former records.
  writeI64(batch, FIELD.maxTimestamp, timestampAt(offsets.at(-1) ?? base + covered - 1));
  writeI32(batch, FIELD.recordCount, offsets.length);
  writeU32(batch, FIELD.crc, crc32c(batch, FIELD.attributes, batch.length));
  stampBaseOffset(batch, 0, base);
  return batch;
}

/** length, attributes, timestampDelta, offsetDelta, key length -1, value length, value, no headers. */
function record(base: number, offset: number): Uint8Array {
  const value = Buffer.from(valueAt(offset));
  const [timestampDelta, offsetDelta] = [timestampAt(offset) - timestampAt(base), offset - base];
  const body = [0, ...varint(timestampDelta), ...varint(offsetDelta), 1, ...varint(value.length)];
  return Uint8Array.from([...varint(body.length + value.length + 1), ...body, ...value, 0]);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let left = value * 2;
  for (; left >= 0x80; left = Math.floor(left / 0x80)) bytes.push((left % 0x80) | 0x80);
  return [...bytes, left];
}

/** The `.log` files of the partition, by base offset. */
export function gapLog(): ReadonlyMap<number, Uint8Array> {
  const range = (from: number, to: number): number[] =>
    Array.from({ length: to - from }, (_, i) => from + i);
  const without25 = range(20, 30).filter((offset) => offset !== 25);
  return new Map([
    [0, Buffer.concat([gapBatch(0, 10, range(0, 10)), gapBatch(20, 10, without25)])],
    [30, Buffer.concat([gapBatch(30, 2, [30, 31]), gapBatch(32, 2, []), gapBatch(34, 2, [34])])],
    [40, gapBatch(42, 2, [42, 43])],
  ]);
}

/** The path of a file of the partition, from the data directory. */
export function gapFile(baseOffset: number, kind = "log"): string {
  return join("topics", "gaps", "0", `${String(baseOffset).padStart(20, "0")}.${kind}`);
}

/** Creates a data directory with the topic `gaps`, of one partition, as a killed broker leaves it. */
export async function makeGapDirectory(path: string): Promise<void> {
  const directory = await DataDirectory.open(path, {
    disk: new RealDisk(),
    flush: { kind: "never" },
    logDefaults: { ...ENDLESS, segmentMs: 2 ** 40 },
    autoCreateTopics: true,
    defaultPartitions: 1,
    now: () => timestampAt(100),
    report: () => {},
    onFatal: (error) => {
      throw error;
    },
  });
  await directory.registry.create("gaps", 1, {});
  directory.abandon();
  for (const kind of ["log", "index", "timeindex"]) {
    rmSync(join(path, gapFile(0, kind)), { force: true });
  }
  for (const [base, bytes] of gapLog()) {
    mkdirSync(dirname(join(path, gapFile(base))), { recursive: true });
    writeFileSync(join(path, gapFile(base)), bytes);
  }
}
