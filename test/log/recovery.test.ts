// Opening a log after a crash: what was whole stays, what was not is cut, and both are said.
import { describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { RustLogError } from "../../src/errors.js";
import {
  BATCH_HEADER_BYTES,
  BATCH_OVERHEAD_BYTES,
  batchBytes,
  FIELD,
  stampBaseOffset,
} from "../../src/record/batch.js";
import { writeI32, writeU32 } from "../../src/record/bytes.js";
import { crc32c } from "../../src/record/crc32c.js";
import { combineCrc32c } from "../../src/record/crc32c-combine.js";
import { BatchEncoder } from "../../src/record/encoder.js";
import type { Disk } from "../../src/log/disk/disk.js";
import { Log } from "../../src/log/log.js";
import { readAll } from "../../src/log/segment/log-slice.js";
import { RealDisk } from "../../src/log/disk/real-disk.js";
import type { CleanSegment } from "../../src/log/recovery/noted-segment.js";
import { segmentFileName } from "../../src/log/segment/segment-files.js";
import {
  allRecords,
  appendAll,
  batchOf,
  codeOf,
  contextOf,
  DIRECTORY,
  diskWithDirectory,
  openLog,
  recordsIn,
  settle,
} from "../support/log-fixture.js";
import { Random } from "../support/random.js";
import type { SimulatedDisk } from "../support/simulated-disk.js";
import { withTempDir } from "../support/tmp.js";
import { concat } from "../support/bytes.js";

const LOG = `${DIRECTORY}/00000000000000000000.log`;
/** The machine has stopped: pages may have been written out of order. */
const REBOOTED = { clean: undefined, rewrite: false, rebooted: true };
const VALUES = [["a", "b"], ["c"], ["d", "e", "f".repeat(200)], ["g"], ["h", "i"]];

/** The bytes of a log file with all of VALUES, and where its batches end. */
function validFile(): { bytes: Uint8Array; ends: number[] } {
  const parts: Uint8Array[] = [];
  const ends: number[] = [];
  let offset = 0;
  let end = 0;
  for (const values of VALUES) {
    const batch = batchOf(values);
    stampBaseOffset(batch, 0, offset);
    offset += values.length;
    end += batch.length;
    parts.push(batch);
    ends.push(end);
  }
  return { bytes: concat(parts), ends };
}

async function diskWithLog(bytes: Uint8Array, seed = 1): Promise<SimulatedDisk> {
  const disk = await diskWithDirectory(seed);
  disk.overwrite(LOG, bytes);
  return disk;
}

/** Opens the log, checks that it has exactly the first `batches` of VALUES, and that it can go on. */
async function expectRecovered(
  disk: Disk,
  directory: string,
  batches: number,
  cut: number,
): Promise<void> {
  const context = contextOf(disk, {}, { directory });
  const log = await Log.open(context);
  const values = VALUES.slice(0, batches).flat();
  expect(allRecords(log).map((record) => record.value)).toEqual(values);
  expect(log.logEndOffset).toBe(values.length);
  expect(disk.fileSize(`${directory}/00000000000000000000.log`)).toBe(log.segments.bytes);
  if (cut === 0) expect(context.lines).toEqual([]);
  else {
    expect(context.lines).toHaveLength(1);
    expect(context.lines[0]).toContain(`orders-0: truncated ${cut} bytes`);
    expect(context.lines[0]).toContain(
      `at position ${log.segments.bytes} (next offset ${values.length})`,
    );
  }
  await appendAll(log, [batchOf(["after"])]);
  expect(allRecords(log).at(-1)).toEqual({ offset: values.length, value: "after" });
  log.close();
  const again = await Log.open(contextOf(disk, {}, { directory }));
  expect(allRecords(again).map((record) => record.value)).toEqual([...values, "after"]);
  again.close();
}

test("every prefix of a log is truncated after its last whole batch", async () => {
  const { bytes, ends } = validFile();
  for (let length = 0; length <= bytes.length; length++) {
    const disk = await diskWithLog(bytes.slice(0, length));
    const batches = ends.filter((end) => end <= length).length;
    await expectRecovered(disk, DIRECTORY, batches, length - (ends[batches - 1] ?? 0));
  }
});

test("so is a prefix on the real disk", async () => {
  const { bytes, ends } = validFile();
  await withTempDir(async (path) => {
    for (let length = 0; length <= bytes.length; length += 13) {
      const directory = `${path}/${length}`;
      mkdirSync(directory);
      writeFileSync(`${directory}/00000000000000000000.log`, bytes.subarray(0, length));
      const batches = ends.filter((end) => end <= length).length;
      await expectRecovered(new RealDisk(), directory, batches, length - (ends[batches - 1] ?? 0));
    }
  });
});

describe("a tail truncated after a stop of the machine", () => {
  /** Where the cut-off bytes of a log that is damaged in its third batch are. */
  const { bytes, ends } = validFile();
  const at = ends[1] ?? 0;
  const KEPT = `${LOG}.cut-${at}`;
  const damaged = bytes.slice();
  damaged[at + 70] = (damaged[at + 70] ?? 0) ^ 1;

  test("is kept beside the log and never touched again", async () => {
    const disk = await diskWithLog(damaged);
    const context = contextOf(disk);
    (await Log.open(context, REBOOTED)).close();
    expect(disk.readFile(KEPT)).toEqual(damaged.slice(at));
    expect(disk.fileSize(LOG)).toBe(at);
    expect(context.lines).toEqual([
      expect.stringMatching(
        /^orders-0: truncated \d+ bytes .*kept in 00000000000000000000.log.cut-\d+$/,
      ),
    ]);
    const again = contextOf(disk);
    (await Log.open(again, REBOOTED)).close();
    expect(again.lines).toEqual([
      expect.stringContaining(`.cut-${at} holds bytes that an earlier start truncated`),
    ]);
    // The same place is cut again: the first file stays as it is.
    disk.overwrite(LOG, concat([bytes.subarray(0, at), Uint8Array.of(0), bytes.subarray(at)]));
    (await Log.open(contextOf(disk), REBOOTED)).close();
    expect(disk.readFile(KEPT)).toEqual(damaged.slice(at));
    expect(disk.fileSize(`${KEPT}-2`)).toBe(bytes.length - at + 1);
  });

  test("is kept if it is torn", async () => {
    for (let length = at + 1; length < (ends[2] ?? 0); length += 7) {
      const disk = await diskWithLog(bytes.slice(0, length));
      const tail = bytes.slice(at, length);
      (await Log.open(contextOf(disk), REBOOTED)).close();
      const isZero = tail.every((byte) => byte === 0);
      expect(disk.readFile(KEPT)).toEqual(isZero ? undefined : tail);
    }
  });

  test("is not kept if it is all zero", async () => {
    const disk = await diskWithLog(concat([bytes, new Uint8Array(5_000_000)]));
    const context = contextOf(disk);
    (await Log.open(context)).close();
    expect(disk.list(DIRECTORY).filter((name) => name.includes("cut"))).toEqual([]);
    expect(context.lines).toEqual([expect.stringContaining("; they are all zero")]);
  });

  test("survives a crash at any operation of the truncation, or the log is unchanged", async () => {
    let before = 0;
    for (let seed = 1; seed <= 10; seed++) {
      for (let operation = 0, done = false; !done; operation++) {
        const disk = await diskWithLog(damaged, 100 * seed + operation);
        disk.crashAfter(operation);
        await codeOf(() => Log.open(contextOf(disk), REBOOTED));
        await settle();
        done = !disk.crashed;
        disk.restart();
        const log = disk.readFile(LOG) ?? new Uint8Array(0);
        if (log.length === damaged.length) before++;
        else expect(disk.readFile(KEPT)).toEqual(damaged.slice(at));
      }
    }
    expect(before).toBeGreaterThan(20);
  });

  describe("that can't be kept because the disk is full", () => {
    const values = VALUES.slice(0, 2).flat();
    const opened = async () => {
      const disk = await diskWithLog(damaged);
      disk.setCapacity(disk.usedBytes + 10);
      const context = contextOf(disk, { retentionMs: 1 });
      const log = await Log.open(context, REBOOTED);
      return { disk, context, log };
    };
    const listed = (disk: SimulatedDisk) =>
      disk.list(DIRECTORY).filter((name) => name !== "00000000000000000000.log");

    test("stays in place, and the batches before it are served", async () => {
      const { disk, context, log } = await opened();
      expect(disk.readFile(LOG)).toEqual(damaged);
      expect(allRecords(log).map((record) => record.value)).toEqual(values);
      expect(log.segments.bytes).toBe(at);
      expect(context.lines).toEqual([
        expect.stringMatching(
          /^orders-0: no space to keep \d+ bytes that must be truncated from .*; they stay/,
        ),
      ]);
      log.close();
    });

    test("is not sealed, written to or forgotten until there is space", async () => {
      const { disk, log } = await opened();
      log.append([batchOf(["refused"])]);
      expect(await codeOf(async () => log.push())).toBe("ENOSPC");
      expect(await codeOf(() => log.roll())).toBe("ENOSPC");
      expect(disk.readFile(LOG)).toEqual(damaged);
      expect(listed(disk)).toEqual([]);
      expect(log.logEndOffset).toBe(values.length);
      expect(await log.closeCleanly()).toBeUndefined();
      expect(disk.readFile(LOG)).toEqual(damaged);
    });

    test("is kept and truncated by the first append after that", async () => {
      const { disk, context, log } = await opened();
      disk.setCapacity(Number.POSITIVE_INFINITY);
      await appendAll(log, [batchOf(["after"])]);
      expect(disk.readFile(KEPT)).toEqual(damaged.slice(at));
      expect(context.lines.at(-1)).toContain(`they are kept in 00000000000000000000.log.cut-${at}`);
      expect(allRecords(log).map((record) => record.value)).toEqual([...values, "after"]);
      log.close();
      await settle();
      disk.restart();
      const again = await openLog(disk);
      expect(allRecords(again).map((record) => record.value)).toEqual([...values, "after"]);
    });

    test("is kept and truncated before the segment is sealed", async () => {
      const { disk, log } = await opened();
      disk.setCapacity(Number.POSITIVE_INFINITY);
      await log.roll();
      expect(disk.readFile(KEPT)).toEqual(damaged.slice(at));
      expect(disk.fileSize(LOG)).toBe(at);
      expect(allRecords(log).map((record) => record.value)).toEqual(values);
      log.close();
    });
  });
});

/** Possible bytes after the last valid batch. */
function tails(): [string, Uint8Array][] {
  const { bytes } = validFile();
  const next = VALUES.flat().length;
  const batch = (offset: number): Uint8Array => {
    const made = batchOf(["tail", "tail"]);
    stampBaseOffset(made, 0, offset);
    return made;
  };
  const damaged = (at: number, value: number): Uint8Array => {
    const made = batch(next);
    made[at] = value;
    return made;
  };
  const random = new Random(5);
  return [
    ["zeroes", new Uint8Array(500)],
    ["one zero", new Uint8Array(1)],
    ["garbage", random.bytes(700)],
    ["a batch that repeats an offset", batch(next - 1)],
    ["a batch from the start of the log", bytes.slice(0, 80)],
    ["a batch with a flipped byte in a record", damaged(70, 255)],
    ["a batch of another magic", damaged(16, 1)],
    [
      "a length that is right but for its content",
      Uint8Array.from([...batch(next).subarray(0, 12), ...new Uint8Array(90)]),
    ],
    ["a length of 2 GiB", damaged(8, 0x7f)],
    ["a negative length", damaged(8, 0xff)],
    [
      "a length of zero",
      Uint8Array.from([...batch(next).subarray(0, 8), 0, 0, 0, 0, ...batch(next).subarray(12)]),
    ],
    [
      "a batch with a hole of one sector",
      (() => {
        const made = batchOf(["x".repeat(1_000)]);
        stampBaseOffset(made, 0, next);
        made.fill(0, 512, 1_024);
        return made;
      })(),
    ],
  ];
}

test.each(tails())("%s after the last batch is truncated", async (_name, tail) => {
  const { bytes } = validFile();
  const disk = await diskWithLog(concat([bytes, tail]));
  await expectRecovered(disk, DIRECTORY, VALUES.length, tail.length);
});

/** Values of all records that can be read, and the offsets of those that can't. */
function readAround(log: Log): { values: string[]; lost: number[] } {
  const values: string[] = [];
  const lost: number[] = [];
  for (let offset = log.logStartOffset; offset < log.logEndOffset; offset++) {
    try {
      const records = recordsIn(readAll(log.segments.read(offset, 1, log.pushedEnd)), offset);
      values.push(records[0]!.value);
    } catch (error) {
      if (!(error instanceof RustLogError && error.code === "CORRUPT_MESSAGE")) throw error;
      lost.push(offset);
    }
  }
  return { values, lost };
}

describe("damage in the last segment", () => {
  const { bytes, ends } = validFile();
  const all = VALUES.flat();
  const [, second = 0, third = 0] = ends;
  const intact = all.toSpliced(3, 3);

  test("before whole batches costs only its own batch, whichever bit is flipped, also after more starts", async () => {
    for (let bit = second * 8; bit < third * 8; bit++) {
      const inBatch = (bit >>> 3) - second;
      // The rest of a long value is like its beginning; nobody reads the leader epoch.
      if (inBatch > 90 || (inBatch >= 12 && inBatch < 16)) continue;
      const disk = await diskWithLog(bytes);
      disk.flipBit(LOG, bit);
      const before = disk.readFile(LOG);
      const context = contextOf(disk);
      const log = await Log.open(context);
      expect(context.lines).toEqual([
        expect.stringContaining(`00000000000000000000.log is damaged at position ${second}, `),
      ]);
      expect(context.lines[0]).toContain("offsets 3 to 5 can't be read");
      const place = `bit ${bit & 7} of byte ${inBatch}`;
      expect({ place, ...readAround(log) }).toEqual({ place, values: intact, lost: [3, 4, 5] });
      // Records acknowledged from now on are not written after the damage.
      await appendAll(log, [batchOf(["after"])]);
      expect(disk.readFile(LOG)).toEqual(before);
      expect(disk.fileSize(`${DIRECTORY}/${segmentFileName(9, "log")}`)).toBeGreaterThan(0);
      log.close();
      disk.restart();
      const again = await openLog(disk);
      expect(readAround(again)).toEqual({ values: [...intact, "after"], lost: [3, 4, 5] });
      again.close();
    }
  });

  test("of several batches: each is reported, and the rest is served", async () => {
    const damaged = bytes.slice();
    for (const end of [ends[0]!, third]) damaged[end - 1]! ^= 0x40;
    const context = contextOf(await diskWithLog(damaged));
    const log = await Log.open(context);
    expect(context.lines.length).toBe(2);
    expect(readAround(log)).toEqual({ values: ["c", "g", "h", "i"], lost: [0, 1, 3, 4, 5] });
  });

  test("and a torn tail: only the tail is truncated", async () => {
    const damaged = bytes.slice(0, -5);
    damaged[ends[0]! - 1]! ^= 0x40;
    const context = contextOf(await diskWithLog(damaged));
    const log = await Log.open(context);
    expect(readAround(log)).toEqual({ values: all.slice(2, 7), lost: [0, 1] });
    expect(context.lines[1]).toContain(`truncated ${damaged.length - ends[3]!} bytes`);
  });

  test("that a clean stop vouches for is never truncated, and its offsets are not reused", async () => {
    const disk = await diskWithDirectory();
    const log = await openLog(disk);
    await appendAll(
      log,
      VALUES.map((values) => batchOf(values)),
    );
    const clean = await log.closeCleanly();
    disk.flipBit(LOG, 8 * (bytes.length - 1));
    const context = contextOf(disk);
    const again = await Log.open(context, { clean, rewrite: false });
    expect(context.lines[0]).toContain("offsets 7 to 8 can't be read");
    expect(again.logEndOffset).toBe(9);
    await appendAll(again, [batchOf(["after"])]);
    expect(readAround(again)).toEqual({ values: [...all.slice(0, 7), "after"], lost: [7, 8] });
  });

  test.each([
    ["the last bytes", bytes.length - 5, 7],
    ["all bytes", 0, 0],
  ])("%s missing since a clean stop: no offset is reused", async (_, left, readable) => {
    const disk = await diskWithDirectory();
    const log = await openLog(disk);
    await appendAll(
      log,
      VALUES.map((values) => batchOf(values)),
    );
    const clean = await log.closeCleanly();
    const file = disk.openAppend(LOG);
    file.truncate(left);
    file.close();
    const context = contextOf(disk);
    const again = await Log.open(context, { clean, rewrite: false });
    expect(context.lines[0]).toContain(`offsets ${readable} to 8 can't be read`);
    expect(again.logEndOffset).toBe(9);
    await appendAll(again, [batchOf(["after"])]);
    const lost = Array.from({ length: 9 - readable }, (_value, i) => readable + i);
    const expected = { values: [...all.slice(0, readable), "after"], lost };
    expect(readAround(again)).toEqual(expected);
    await again.closeCleanly();
    expect(readAround(await openLog(disk))).toEqual(expected);
  });

  test("a last segment missing since a clean stop: no offset is reused", async () => {
    const disk = await diskWithDirectory();
    const log = await openLog(disk);
    await appendAll(log, [batchOf(["a"])]);
    await log.roll();
    await appendAll(log, [batchOf(["b", "c"])]);
    const clean = await log.closeCleanly();
    disk.remove(`${DIRECTORY}/${segmentFileName(1, "log")}`);
    const context = contextOf(disk);
    const again = await Log.open(context, { clean, rewrite: false });
    expect(context.lines[0]).toContain("offsets 1 to 2 can't be read");
    expect(again.logEndOffset).toBe(3);
    await appendAll(again, [batchOf(["after"])]);
    expect(again.segments.read(3, 1, again.pushedEnd).nextOffset).toBe(4);
    again.close();
  });

  test("after a stop of the machine is kept in the part that was certainly flushed, and truncated after it", async () => {
    const disk = await diskWithDirectory();
    const log = await openLog(disk);
    const values = Array.from({ length: 12 }, (_, i) => `${i}`.padEnd(1_000, "x"));
    await appendAll(
      log,
      values.map((value) => batchOf([value])),
    );
    log.close();
    const size = batchOf([values[0]!]).length;
    // The index has entries for batches 4 and 8: all before 8 was flushed.
    for (const damaged of [3, 10]) disk.flipBit(LOG, 8 * (damaged * size + 100));
    const context = contextOf(disk);
    const again = await Log.open(context, REBOOTED);
    expect(again.logEndOffset).toBe(10);
    expect(readAround(again).lost).toEqual([3]);
    expect(context.lines.map((line) => line.replace(/:.*/, ""))).toEqual(["orders-0", "orders-0"]);
    expect(context.lines[1]).toContain(`truncated ${2 * size} bytes`);
  });

  test("in a batch whose value contains whole batches costs that batch, and none of them is served", async () => {
    const inner = bytes.slice();
    for (let at = 0, offset = 10; at < inner.length; at += batchBytes(inner, at), offset += 3) {
      stampBaseOffset(inner, at, offset);
    }
    const outer = batchOf(["x"]);
    const encoder = new BatchEncoder();
    encoder.append(1_000, null, Buffer.concat([inner, new Uint8Array(40), inner]));
    const holder = encoder.finish();
    stampBaseOffset(holder, 0, 9);
    stampBaseOffset(outer, 0, 10);
    const last = batchOf(["last"]);
    stampBaseOffset(last, 0, 11);
    const whole = concat([bytes, holder, outer, last]);
    const damagedBits = [
      ...Array(61 * 8).keys(),
      ...Array.from({ length: 40 }, (_, i) => 700 + i * 211),
    ];
    for (const bit of damagedBits) {
      if (bit >= 12 * 8 && bit < 16 * 8) continue;
      const disk = await diskWithLog(whole);
      disk.flipBit(LOG, 8 * bytes.length + bit);
      const log = await openLog(disk);
      expect({ bit, ...readAround(log) }).toEqual({
        bit,
        values: [...all, "x", "last"],
        lost: [9],
      });
      log.close();
    }
  });

  test("is not assumed for whole batches in the value of a torn batch, which are never served", async () => {
    const inner = bytes.slice();
    for (let at = 0, offset = 10; at < inner.length; at += batchBytes(inner, at), offset += 3) {
      stampBaseOffset(inner, at, offset);
    }
    const encoder = new BatchEncoder();
    encoder.append(1_000, null, Buffer.concat([inner, inner, new Uint8Array(500)]));
    const outer = encoder.finish();
    stampBaseOffset(outer, 0, 9);
    for (let length = 61; length < outer.length; length += 40) {
      const disk = await diskWithLog(concat([bytes, outer.subarray(0, length)]));
      const log = await openLog(disk);
      expect(log.logEndOffset).toBe(9);
      expect(readAround(log)).toEqual({ values: all, lost: [] });
      log.close();
    }
  });
});

test("a batch larger than the scan buffer is found whole", async () => {
  const disk = await diskWithDirectory();
  const log = await openLog(disk);
  const sizes = [3_000_000, 9_000_000, 10, 4 * 1024 * 1024 - 61, 2_000_000, 10];
  await appendAll(
    log,
    sizes.map((size) => batchOf(["x".repeat(size)])),
  );
  disk.restartProcess();
  const context = contextOf(disk);
  const again = await Log.open(context);
  expect(context.lines).toEqual([]);
  expect(allRecords(again).map((record) => record.value.length)).toEqual(sizes);
});

test("a batch of 300 MiB, which an earlier release may have taken, is found whole", () =>
  withTempDir(async (directory) => {
    const bytes = 300 * 1024 * 1024;
    const batch = sparseBatch(bytes);
    const path = `${directory}/00000000000000000000.log`;
    writeFileSync(path, batch);
    truncateSync(path, bytes);
    const after = batchOf(["after"]);
    stampBaseOffset(after, 0, 1);
    writeFileSync(path, after, { flag: "a" });
    const context = contextOf(new RealDisk(), {}, { directory });
    const log = await Log.open(context);
    expect(context.lines).toEqual([]);
    expect(log.segments.bytes).toBe(bytes + after.length);
    expect(log.logEndOffset).toBe(2);
    log.close();
  }));

/** The header of a batch of that many bytes, whose record is nothing but zeroes: recovery does not look into it. */
function sparseBatch(bytes: number): Uint8Array {
  const header = batchOf(["x"]).slice(0, BATCH_HEADER_BYTES);
  writeI32(header, FIELD.batchLength, bytes - BATCH_OVERHEAD_BYTES);
  const zeroes = new Uint8Array(1024 * 1024);
  const crcOfZeroes = crc32c(zeroes, 0, zeroes.length);
  let crc = crc32c(header, FIELD.attributes, header.length);
  let left = bytes - header.length;
  for (; left > zeroes.length; left -= zeroes.length) {
    crc = combineCrc32c(crc, crcOfZeroes, zeroes.length);
  }
  writeU32(header, FIELD.crc, crc32c(zeroes, 0, left, crc));
  return header;
}

test("crashes during recovery, one at each operation, lose nothing", async () => {
  const { bytes, ends } = validFile();
  const values = VALUES.slice(0, 3).flat();
  for (let seed = 1; seed <= 10; seed++) {
    const disk = await diskWithLog(bytes.slice(0, ends[2]! + 50), seed);
    for (let operation = 0; ; operation++) {
      disk.crashAfter(operation);
      let opened = false;
      try {
        (await openLog(disk)).close();
        opened = true;
      } catch (error) {
        if (!disk.crashed) throw error;
      }
      await settle();
      const done = opened && !disk.crashed;
      disk.restart();
      if (done) break;
    }
    const log = await openLog(disk);
    expect(allRecords(log).map((record) => record.value)).toEqual(values);
    log.close();
  }
});

test("after a failed flush the segment is rewritten, and a crash during that is harmless", async () => {
  const { bytes, ends } = validFile();
  for (let operation = 0, done = false; !done; operation++) {
    const disk = await diskWithLog(bytes.slice(0, ends[1]!), operation);
    // Bytes that the cache has, but no disk: a failed flush leaves them so.
    const file = disk.openAppend(LOG);
    file.write(bytes.slice(ends[1]!));
    await file.push();
    disk.failSyncs(1);
    await file.sync().catch(() => {});
    file.close();
    disk.restartProcess();
    disk.crashAfter(operation);
    try {
      const log = await openLog(disk, {}, { clean: undefined, rewrite: true });
      log.close();
      done = !disk.crashed;
    } catch (error) {
      if (!disk.crashed) throw error;
    }
    await settle();
    disk.restart();
    const context = contextOf(disk);
    const again = await Log.open(context);
    const recovered = allRecords(again).map((record) => record.value);
    const all = VALUES.flat();
    expect(recovered).toEqual(all.slice(0, recovered.length));
    expect(recovered.length).toBeGreaterThanOrEqual(VALUES.slice(0, 2).flat().length);
    // Once the start has said that it is done, all that it served is on the disk.
    if (done) expect(recovered).toEqual(all);
    expect(disk.list(DIRECTORY).some((name) => name.endsWith(".tmp"))).toBe(false);
    again.close();
  }
});

describe("the note of a clean stop", () => {
  const stopped = async () => {
    const disk = await diskWithDirectory();
    const log = await openLog(disk);
    await appendAll(
      log,
      VALUES.map((values) => batchOf(values)),
    );
    const clean = await log.closeCleanly();
    if (clean === undefined) throw new Error("a clean stop has left no note");
    const { bytes } = validFile();
    return { disk, clean, bytes };
  };
  const open = async (disk: SimulatedDisk, clean: CleanSegment) => {
    const context = contextOf(disk);
    const log = await Log.open(context, { clean, rewrite: false });
    return { log, lines: context.lines };
  };

  test("avoids the scan: a byte damaged meanwhile is not checked", async () => {
    const { disk, clean, bytes } = await stopped();
    const damaged = bytes.slice();
    damaged[70] = damaged[70]! ^ 1;
    disk.overwrite(LOG, damaged);
    const { log, lines } = await open(disk, clean);
    expect(log.logEndOffset).toBe(VALUES.flat().length);
    expect(lines).toEqual([]);
  });

  test("is rejected if the log is longer, shorter, or another segment", async () => {
    const all = VALUES.flat().length;
    for (const [change, other, expected] of [
      [(bytes: Uint8Array) => Uint8Array.from([...bytes, 0]), {}, "truncated 1 bytes"],
      [(bytes: Uint8Array) => bytes.slice(0, -1), {}, "offsets 7 to 8 can't be read"],
      [
        (bytes: Uint8Array) => bytes.slice(0, -1),
        { baseOffset: 7, bytes: validFile().bytes.length - 1 },
        "offsets 7 to 8 can't be read",
      ],
    ] as const) {
      const { disk, clean, bytes } = await stopped();
      disk.overwrite(LOG, change(bytes));
      const { log, lines } = await open(disk, { ...clean, ...other });
      expect(log.logEndOffset).toBe(all);
      expect(lines[0]).toContain(expected);
    }
  });

  test("leaves a producer snapshot, which is removed if a scan ends the log before it", async () => {
    const { disk, bytes } = await stopped();
    const snapshots = () => disk.list(DIRECTORY).filter((name) => name.endsWith(".snapshot"));
    expect(snapshots()).toEqual([segmentFileName(VALUES.flat().length, "snapshot")]);
    disk.overwrite(LOG, bytes.slice(0, -1));
    const log = await openLog(disk);
    expect(log.logEndOffset).toBe(VALUES.flat().length - 2);
    expect(snapshots()).toEqual([]);
  });

  test("is rejected without the producer snapshot written with it", async () => {
    const { disk, clean, bytes } = await stopped();
    for (const name of disk.list(DIRECTORY)) {
      if (name.endsWith(".snapshot")) disk.overwrite(`${DIRECTORY}/${name}`, undefined);
    }
    const damaged = bytes.slice();
    damaged[70]! ^= 1;
    disk.overwrite(LOG, damaged);
    const { lines } = await open(disk, clean);
    expect(lines[0]).toContain("is damaged at position 0");
  });

  test("is not written if there is no space for the indexes, but the log is complete", async () => {
    const disk = await diskWithDirectory();
    const log = await openLog(disk);
    await appendAll(log, [
      batchOf(["x".repeat(5_000)]),
      batchOf(["y".repeat(5_000)]),
      batchOf(["z"], 5_000),
    ]);
    disk.setCapacity(disk.usedBytes);
    expect(await log.closeCleanly()).toBeUndefined();
    disk.setCapacity(Number.POSITIVE_INFINITY);
    disk.restart();
    const again = await openLog(disk);
    expect(allRecords(again).length).toBe(3);
    expect(again.findTimestamp(4_000, again.pushedEnd)).toEqual({ offset: 2, timestamp: 5_000 });
  });

  test("a failed flush during the stop makes it unclean", async () => {
    const disk = await diskWithDirectory();
    const log = await openLog(disk);
    await appendAll(log, [batchOf(["a"])]);
    disk.failSyncs(1);
    await expect(log.closeCleanly()).rejects.toThrow("could not be flushed");
  });
});

test("a log is recovered the same on the real disk, over rolls and restarts", () =>
  withTempDir(async (directory) => {
    const disk = new RealDisk();
    const random = new Random(11);
    const expected: string[] = [];
    const settings = { segmentBytes: 4_000 };
    let clean: CleanSegment | undefined;
    for (let start = 0; start < 12; start++) {
      const context = contextOf(disk, settings, { directory });
      const log = await Log.open(context, { clean, rewrite: random.chance(0.2) });
      expect(allRecords(log, 1_000).map((record) => record.value)).toEqual(expected);
      for (let i = 0; i < 10; i++) {
        const values = [`${start}-${i}`.padEnd(random.below(600), "x"), `${i}`];
        expected.push(...values);
        await appendAll(log, [batchOf(values)]);
      }
      clean = undefined;
      if (random.chance(0.5)) clean = await log.closeCleanly();
      else {
        log.close();
        const last = disk.list(directory).findLast((name) => name.endsWith(".log"));
        writeFileSync(`${directory}/${last}`, random.bytes(random.below(50)), { flag: "a" });
      }
    }
    expect(readFileSync(`${directory}/00000000000000000000.log`).length).toBeGreaterThan(0);
  }));
