// A compacted log, whole, damaged, or with a compaction that was not finished: what `verify`, `explain` and `inspect` find.
// Leaves to others: compaction itself (test/log/log-compaction.test.ts), and other damage (damage.test.ts).
import { expect, test } from "bun:test";
import {
  cpSync,
  existsSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { listIndex } from "../../src/inspection/index-entries.js";
import { explainLookup } from "../../src/inspection/explain-lookup.js";
import { openLogFiles } from "../../src/inspection/log-files.js";
import { compactSegments } from "../../src/log/compaction/compact-segments.js";
import {
  type CompactionNote,
  encodeCompactionNote,
  readCompactionNote,
} from "../../src/log/compaction/compaction-note.js";
import { readAll } from "../../src/log/segment/log-slice.js";
import { RealDisk } from "../../src/log/disk/real-disk.js";
import { RecordCursor } from "../../src/record/cursor.js";
import { BatchEncoder } from "../../src/record/encoder.js";
import { withTempDir } from "../support/tmp.js";
import { filesIn, openDirectory, START_MS, verify } from "./sample.js";

const PARTITION = "topics/orders/0";

/** Offsets of the records that are left: the newest of each key below 40, and everything from 40 on. */
const LEFT = [32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42];

/** A directory with a log of 40 compacted offsets and 3 others, and a copy from before the compaction. */
async function compacted(path: string): Promise<{ before: string; after: string }> {
  const [before, after] = [join(path, "before"), join(path, "after")];
  const directory = await openDirectory(after);
  await directory.registry.create("orders", 1, { "segment.bytes": "2000" });
  const partition = directory.registry.find("orders")!.online[0]!;
  for (let i = 0; i < 43; i++) {
    const encoder = new BatchEncoder();
    encoder.append(START_MS + i, `key ${i % 8}`, "x".repeat(400));
    await partition.append(encoder.finish({ producerId: 7, producerEpoch: 0, baseSequence: i }));
    if (i === 39) await partition.roll();
  }
  await partition.sync();
  cpSync(after, before, { recursive: true });
  const disk = new RealDisk();
  const options = { minLagMs: 0, deleteRetentionMs: 0, mapBytes: 2 ** 16 };
  await partition.compaction.compact((job) => compactSegments(disk, job), options);
  await directory.closeCleanly();
  for (const name of ["clean-shutdown.json", "LOCK"]) rmSync(join(before, name), { force: true });
  return { before, after };
}

function noteOf(path: string): CompactionNote {
  return readCompactionNote(new RealDisk(), join(path, PARTITION))!;
}

/** The directory as a crash leaves it right after the decision. */
function decide({ before, after }: { before: string; after: string }): CompactionNote {
  const note = noteOf(after);
  const logs = filesIn(join(before, PARTITION)).filter((name) => name.endsWith(".log"));
  const bases = logs.map((name) => Number.parseInt(name, 10)).filter((base) => base < 40);
  const replacements = note.compacted.map(({ base, bytes }, i) => ({
    base,
    bytes,
    replaced: bases.filter(
      (it) => it >= base && it < (note.compacted[i + 1]?.base ?? Number.POSITIVE_INFINITY),
    ),
  }));
  for (const { base } of note.compacted) {
    for (const kind of ["log", "index", "timeindex"]) {
      const name = `${String(base).padStart(20, "0")}.${kind}`;
      cpSync(join(after, PARTITION, name), join(before, PARTITION, `${name}.cleaned`));
    }
  }
  const decided = { ...note, replacements };
  writeFileSync(join(before, PARTITION, "compaction.json"), encodeCompactionNote(decided));
  return decided;
}

function offsetsIn(path: string): number[] {
  using log = openLogFiles(path, "orders", 0);
  const offsets: number[] = [];
  for (let next = log.logStartOffset; next < log.end.offset;) {
    const read = log.segments.read(next, 10_000, log.end);
    const cursor = new RecordCursor().reset(readAll(read));
    while (cursor.next()) offsets.push(cursor.offset);
    next = read.nextOffset;
  }
  return offsets;
}

test("a compacted log is sound, and its gaps are not worth a note", async () => {
  await withTempDir(async (path) => {
    const { after } = await compacted(path);
    expect((await verify(after)).lines).toEqual([]);
    expect(offsetsIn(after)).toEqual(LEFT);
    using log = openLogFiles(after, "orders", 0);
    const explanation = await explainLookup(log, { offset: 3 });
    expect(explanation.outcome).toBe("found");
    expect(explanation.record?.offset).toBe(32);
  });
});

test("a compacted segment that is missing or has another length is damage", async () => {
  await withTempDir(async (path) => {
    const { after } = await compacted(path);
    const [, second] = noteOf(after).compacted;
    const file = join(after, PARTITION, `${String(second!.base).padStart(20, "0")}.log`);
    const whole = readFileSync(file);
    truncateSync(file, second!.bytes / 2);
    expect((await verify(after)).lines.join()).toMatch(/damage: .*bytes, but had/);
    renameSync(file, join(path, "elsewhere"));
    expect((await verify(after)).lines.join()).toMatch(/it is missing, but had/);
    writeFileSync(file, whole);
    expect((await verify(after)).lines).toEqual([]);
  });
});

test("a gap where nothing was compacted is a loss", async () => {
  await withTempDir(async (path) => {
    const { after } = await compacted(path);
    const note = noteOf(after);
    const file = join(after, PARTITION, "compaction.json");
    writeFileSync(file, encodeCompactionNote({ ...note, firstDirtyOffset: 10 }));
    expect((await verify(after)).lines.join()).toMatch(/and were not compacted/);
  });
});

test("a compaction that was decided is seen as finished, and --repair finishes it", async () => {
  await withTempDir(async (path) => {
    const places = await compacted(path);
    decide(places);
    const { before } = places;
    expect(offsetsIn(before)).toEqual(LEFT);
    const found = await verify(before);
    expect(found.report.damage).toBe(0);
    expect(found.lines.join()).toMatch(/compacted segments? (is|are) not in place yet/);
    const repaired = await verify(before, true);
    expect(repaired.report.damage).toBe(0);
    expect(repaired.lines.join()).toMatch(/repaired: put in place/);
    expect(filesIn(join(before, PARTITION)).filter((name) => name.includes("cleaned"))).toEqual([]);
    expect(offsetsIn(before)).toEqual(LEFT);
    expect((await verify(before)).lines).toEqual([]);
  });
});

test("new files without a decision are left over, and their index can be inspected", async () => {
  await withTempDir(async (path) => {
    const places = await compacted(path);
    const { before } = places;
    const [first] = decide(places).compacted;
    rmSync(join(before, PARTITION, "compaction.json"));
    const index = `${String(first!.base).padStart(20, "0")}.index.cleaned`;
    const listing = listIndex(new RealDisk(), join(before, PARTITION, index), "index");
    expect(listing.isChecked).toBe(false);
    expect(listing.faults).toEqual([]);
    const found = await verify(before);
    expect(found.report.damage).toBe(0);
    expect(found.lines.join()).toMatch(/left over from a compaction that was not finished/);
    await verify(before, true);
    expect(existsSync(join(before, PARTITION, index))).toBe(false);
    expect(offsetsIn(before).length).toBe(43);
  });
});

test("a damaged note is damage", async () => {
  await withTempDir(async (path) => {
    const { after } = await compacted(path);
    writeFileSync(join(after, PARTITION, "compaction.json"), "{}");
    const found = await verify(after);
    expect(found.lines.join()).toMatch(
      /damage: .*compaction.json.*the log counts as not compacted/,
    );
    expect(offsetsIn(after)).toEqual(LEFT);
  });
});
