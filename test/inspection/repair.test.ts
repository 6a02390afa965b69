// What can be repaired is repaired and reported exactly; the rest is left alone. Afterwards everything is sound, and a
// broker reads the same records.
import { describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { tempDir } from "../support/tmp.js";
import {
  appendTo,
  type Damage,
  edit,
  END_OFFSET,
  filesIn,
  fileOf,
  LARGE,
  makeSample,
  readOrders,
  sampleBatch,
  START_MS,
  verify,
} from "./sample.js";

const VALUES = ["a", "b", "c", "d", LARGE, "e", "f", "g", LARGE, "h", "i", "j", "k"];
const RECORDS = VALUES.map((value, offset) => `${offset}:${value}`);

type Case = readonly [string, Damage, RegExp];

const repairable: readonly Case[] = [
  [
    "an index is missing",
    (path) => rmSync(path(fileOf(4, "index"))),
    /\.index: it is missing; repaired: rebuilt from the log, 16 bytes$/,
  ],
  [
    "an index is garbage",
    (path) => writeFileSync(path(fileOf(4, "index")), "garbage!garbage!"),
    /repaired: rebuilt from the log, 16 bytes$/,
  ],
  [
    "an index is huge",
    (path) => writeFileSync(path(fileOf(4, "index")), new Uint8Array(1e6)),
    /repaired: rebuilt from the log, 16 bytes$/,
  ],
  [
    "a time index is short",
    (path) => truncateSync(path(fileOf(4, "timeindex")), 13),
    /repaired: rebuilt from the log, 24 bytes$/,
  ],
  [
    "an index without a log",
    (path) => writeFileSync(path(fileOf(7, "index")), "12345678"),
    /repaired: removed, 8 bytes$/,
  ],
  [
    "leftovers of crashes",
    (path) => {
      mkdirSync(path("topics/+c-new"));
      writeFileSync(path("topics/+c-new/topic.json"), "{}");
      mkdirSync(path("topics/+d-old"));
      writeFileSync(path(`${fileOf(4, "index")}.tmp`), "x");
      writeFileSync(path("meta.json.tmp"), "x");
    },
    /repaired: removed(, 1 bytes)?$/,
  ],
  [
    "a torn tail",
    (path) => appendTo(path(fileOf(10)), sampleBatch(["x", "y"], START_MS).subarray(0, 70)),
    /position 162, offset 13: .*; repaired: truncated 70 bytes at position 162, kept in 00000000000000000010\.log\.cut-162; the next record gets offset 13$/,
  ],
  [
    "a tail of zeros",
    (path) => appendTo(path(fileOf(10)), new Uint8Array(5000)),
    /repaired: truncated 5000 bytes at position 162; the next record gets offset 13$/,
  ],
];

/** Files that only a clean stop creates or completes. */
const repairableAfterCleanStop: readonly Case[] = [
  [
    "the indexes of the last segment are wrong",
    (path) =>
      edit(path(fileOf(10, "timeindex")), (bytes) => {
        bytes[11]! ^= 1;
      }),
    /repaired: rebuilt from the log, 12 bytes$/,
  ],
  [
    "a snapshot is torn",
    (path) => truncateSync(path(fileOf(13, "snapshot")), 20),
    /repaired: rebuilt from the log, 194 bytes$/,
  ],
  [
    "clean-shutdown.json is invalid",
    (path) => writeFileSync(path("clean-shutdown.json"), "{"),
    /repaired: removed, 1 bytes$/,
  ],
];

const cases = {
  "a clean stop": [...repairable, ...repairableAfterCleanStop],
  "a kill": repairable,
};

describe.each(["a clean stop", "a kill"] as const)("after %s", (end) => {
  test.each(cases[end])("%s", async (_name, damage, line) => {
    using directory = tempDir();
    await makeSample(directory.path, end === "a clean stop");
    const path = (file: string): string => join(directory.path, file);
    const before = filesIn(directory.path);
    damage(path);
    const repaired = await verify(directory.path, true);
    expect(repaired.lines.length).toBeGreaterThan(0);
    for (const found of repaired.lines) expect(found).toMatch(line);
    expect(repaired.report.damage).toBe(0);
    expect(repaired.report.repaired).toBe(repaired.lines.length);
    expect(withoutKept((await verify(directory.path)).lines)).toEqual([]);
    const after = withoutKept(filesIn(directory.path));
    expect(after).toEqual(
      before.filter(
        (file) => after.includes("clean-shutdown.json") || file !== "clean-shutdown.json",
      ),
    );
    expect(await readOrders(directory.path)).toEqual(RECORDS);
    expect(withoutKept((await verify(directory.path)).lines)).toEqual([]);
  });
});

/** Names or lines except those that a repair has truncated and kept. */
function withoutKept(lines: readonly string[]): string[] {
  return lines.filter((line) => !line.includes(".log.cut-"));
}

test("without --repair nothing is changed", async () => {
  using directory = tempDir();
  await makeSample(directory.path);
  const path = (file: string): string => join(directory.path, file);
  for (const [, damage] of cases["a clean stop"]) damage(path);
  const contents = (): string[] =>
    filesIn(directory.path).map((file) => `${file} ${readFileSync(path(file)).toString("hex")}`);
  const before = contents();
  const { report } = await verify(directory.path);
  expect(report.damage).toBeGreaterThan(3);
  expect(contents()).toEqual(before);
});

test("after truncation at any length, the last segment holds only whole batches", async () => {
  using sample = tempDir();
  await makeSample(sample.path, false);
  const log = join(sample.path, fileOf(10));
  const bytes = readFileSync(log);
  const firstBytes = 85;
  for (let length = bytes.length; length >= 0; length -= 7) {
    writeFileSync(log, bytes.subarray(0, length));
    const { report, lines } = await verify(sample.path, true);
    const kept = length === bytes.length ? length : length >= firstBytes ? firstBytes : 0;
    expect(statSync(log).size).toBe(kept);
    if (length === kept) expect(lines).toEqual([]);
    else {
      const tail = bytes.subarray(kept, length);
      const keptFile = `${log}.cut-${kept}`;
      expect(lines[0]).toContain(`repaired: truncated ${length - kept} bytes at position ${kept}`);
      expect(existsSync(keptFile)).toBe(tail.some((byte) => byte !== 0));
      if (existsSync(keptFile)) {
        expect(readFileSync(keptFile).equals(tail)).toBe(true);
        unlinkSync(keptFile);
      }
    }
    expect(report.findings.filter(({ severity }) => severity === "damage").length).toBe(
      length === kept ? 0 : 1,
    );
  }
});

test("damage in a sealed segment is reported and kept, and its valid batches remain", async () => {
  using directory = tempDir();
  await makeSample(directory.path);
  const path = join(directory.path, fileOf(4));
  edit(path, (bytes) => {
    bytes[1000]! ^= 1;
  });
  const before = readFileSync(path);
  const { report, lines } = await verify(directory.path, true);
  expect(lines).toHaveLength(1);
  expect(lines[0]).not.toContain("repaired");
  expect(report.damage).toBe(1);
  expect(readFileSync(path).equals(before)).toBe(true);
});

test("an index is rebuilt for the valid part of a damaged segment", async () => {
  using directory = tempDir();
  await makeSample(directory.path);
  edit(join(directory.path, fileOf(4)), (bytes) => {
    bytes[1000]! ^= 1;
  });
  writeFileSync(join(directory.path, fileOf(4, "index")), "garbage!");
  const { report } = await verify(directory.path, true);
  expect(report.repaired).toBe(1);
  expect(report.damage).toBe(1);
  expect((await verify(directory.path)).report.damage).toBe(1);
});

test("a tail is truncated before a clean stop's note is trusted again", async () => {
  using directory = tempDir();
  await makeSample(directory.path);
  appendTo(join(directory.path, fileOf(10)), new Uint8Array(100));
  const { report, lines } = await verify(directory.path, true);
  expect(lines).toHaveLength(1);
  expect(report.damage).toBe(0);
  expect(existsSync(join(directory.path, "clean-shutdown.json"))).toBe(true);
  expect(await readOrders(directory.path)).toHaveLength(END_OFFSET);
});
