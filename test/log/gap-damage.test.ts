// Damage in a log with gaps: nothing wrong is served as right, but for a base offset that still fits into a gap.
// Leaves to others: damage in a log without gaps (segment-damage.test.ts), and gaps without damage (test/system/gaps.test.ts).
import { describe, expect, test } from "bun:test";
import { RustLogError } from "../../src/errors.js";
import { Log } from "../../src/log/log.js";
import { readAll } from "../../src/log/segment/log-slice.js";
import { batchBytes, FIELD, isMisplaced, nextOffset } from "../../src/record/batch.js";
import {
  contextOf,
  DIRECTORY,
  diskWithDirectory,
  openLog,
  recordsIn,
} from "../support/log-fixture.js";
import { gapBatch, gapLog, OFFSETS, valueAt } from "../support/gap-log.js";
import type { SimulatedDisk } from "../support/simulated-disk.js";

const name = (offset: number, kind = "log"): string =>
  `${DIRECTORY}/${String(offset).padStart(20, "0")}.${kind}`;

async function diskWithGaps(): Promise<SimulatedDisk> {
  const disk = await diskWithDirectory();
  for (const [base, bytes] of gapLog()) disk.overwrite(name(base), Uint8Array.from(bytes));
  return disk;
}

/** Offsets and values for a consumer that continues after damage where the error says. */
function readThrough(log: Log): Map<number, string> {
  const found = new Map<number, string>();
  for (let offset = log.logStartOffset; offset < log.logEndOffset;) {
    try {
      const read = log.segments.read(offset, 150, log.pushedEnd);
      for (const record of recordsIn(readAll(read), offset)) found.set(record.offset, record.value);
      if (read.nextOffset <= offset) throw new Error(`a read at ${offset} does not go on`);
      offset = read.nextOffset;
    } catch (error) {
      if (!(error instanceof RustLogError) || error.code !== "CORRUPT_MESSAGE") throw error;
      const next = log.segments.offsetAfterDamage(offset, log.pushedEnd);
      if (next <= offset) throw new Error(`damage at ${offset} has no end`);
      offset = next;
    }
  }
  return found;
}

/** Undetectable: the base offset of these two batches may be a little higher or lower, inside the adjacent gap. */
const BESIDE_A_GAP = new Map([
  [0, [20]],
  [30, [34]],
]);

test("a flipped bit in a sealed segment with gaps costs its own batch, unless a base offset moves into a gap", async () => {
  const all = new Map(OFFSETS.map((offset) => [offset, valueAt(offset)]));
  const disk = await diskWithGaps();
  expect(readThrough(await openLog(disk))).toEqual(all);
  for (const base of [0, 30]) {
    const bytes = disk.readFile(name(base))!;
    const batches: { start: number; end: number; first: number; next: number }[] = [];
    for (let at = 0; at < bytes.length; at += batchBytes(bytes, at)) {
      const first = Number(Buffer.from(bytes).readBigInt64BE(at));
      const next = nextOffset(bytes, at);
      batches.push({ start: at, end: at + batchBytes(bytes, at), first, next });
    }
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const batch = batches.find(({ end }) => bit < 8 * end)!;
      const inBatch = (bit >> 3) - batch.start;
      if (inBatch >= FIELD.partitionLeaderEpoch && inBatch < FIELD.magic) continue;
      disk.flipBit(name(base), bit);
      const log = await openLog(disk);
      const found = readThrough(log);
      log.close();
      disk.flipBit(name(base), bit);
      const isBaseOffset = inBatch < FIELD.batchLength;
      for (const [offset, value] of all) {
        if (offset >= batch.first && offset < batch.next) continue;
        // One that moved into a gap may have pushed its neighbour aside.
        if (isBaseOffset && BESIDE_A_GAP.get(base)?.includes(batch.first) === true) continue;
        expect({ base, bit, inBatch, offset, value: found.get(offset) }).toEqual({
          ...{ base, bit, inBatch, offset, value },
        });
      }
      if (isBaseOffset) continue;
      for (const [offset, value] of found) expect(value).toBe(all.get(offset)!);
    }
  }
});

describe("a base offset", () => {
  test.each([
    ["right behind the batch before it", 10, 20, false],
    ["a gap before it", 12, 20, false],
    ["a gap before it, up to the next batch", 15, 20, false],
    ["back into the batch before it", 9, 20, true],
    ["over the next batch", 16, 20, true],
    ["far behind the next batch", 1_000, 20, true],
    ["nothing behind it", 1_000, Number.POSITIVE_INFINITY, false],
    ["over a batch that is itself too low", 12, 13, false],
  ])("%s", (_name, stated, next, expected) => {
    expect(isMisplaced(stated, 10, 5, next)).toBe(expected);
  });
});

test("recovery tells a torn tail from a gap by its CRC", async () => {
  const disk = await diskWithGaps();
  const whole = gapLog().get(40)!;
  const torn = gapBatch(60, 3, [60, 62]).subarray(0, 80);
  disk.overwrite(name(40), Uint8Array.from([...whole, ...torn]));
  const context = contextOf(disk);
  const log = await Log.open(context);
  expect(log.logEndOffset).toBe(44);
  expect(context.lines.at(-1)).toContain("(next offset 44)");
  log.close();
  disk.overwrite(name(40), Uint8Array.from([...whole, ...gapBatch(60, 3, [60, 62])]));
  const reopened = await openLog(disk);
  expect(reopened.logEndOffset).toBe(63);
  expect([...readThrough(reopened).keys()].slice(-2)).toEqual([60, 62]);
});

test("a base offset that goes back or overlaps costs one batch at a start, and nothing is truncated", async () => {
  const batches = [gapBatch(40, 2, [40, 41]), gapBatch(50, 3, [50]), gapBatch(53, 2, [53, 54])];
  for (const wrong of [7, 41, 52, 1_000]) {
    const disk = await diskWithGaps();
    const bytes = Buffer.concat([...batches, gapBatch(60, 1, [60])]);
    const second = batches[0]!.length;
    bytes.writeBigInt64BE(BigInt(wrong), second);
    disk.overwrite(name(40), Uint8Array.from(bytes));
    const context = contextOf(disk);
    const log = await Log.open(context);
    expect(context.lines).toEqual([
      expect.stringContaining(
        `is damaged at position ${second}, ${batches[1]!.length} bytes: a batch has base offset ${wrong}, not 42`,
      ),
    ]);
    expect([...readThrough(log).keys()].slice(-5)).toEqual([40, 41, 53, 54, 60]);
    log.close();
  }
});
