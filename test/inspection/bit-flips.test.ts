// Every single-bit flip in the files of a small data directory is found, with its file (RELIABILITY, catalogue 6).
// Several files are damaged at once to need fewer runs, but never a log together with its own indexes, because an entry
// that names a damaged batch can't be checked.
import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BATCH_HEADER_BYTES, batchBytes, FIELD } from "../../src/record/batch.js";
import { withTempDir } from "../support/tmp.js";
import { fileOf, LARGE, makeSample, verify } from "./sample.js";

interface Flip {
  readonly at: number;
  readonly bit: number;
}

const OFFSETS = "__consumer_offsets";

/** Each of these has one flipped bit in the same run. */
const GROUPS = [
  [
    fileOf(0),
    fileOf(10),
    fileOf(0, "log", OFFSETS),
    fileOf(4, "index"),
    fileOf(4, "timeindex"),
    fileOf(10, "snapshot"),
    fileOf(13, "snapshot"),
    fileOf(2, "snapshot", OFFSETS),
  ],
  [fileOf(4), fileOf(0, "timeindex"), fileOf(10, "timeindex"), fileOf(0, "timeindex", OFFSETS)],
] as const;

/** All bits; for a log with large values, one bit per byte of a header, and some bytes of the values. */
function flipsOf(file: string, bytes: Uint8Array): Flip[] {
  const isLarge = bytes.length > LARGE.length;
  const flips: Flip[] = [];
  const headers = isLarge ? batchStarts(bytes) : [];
  for (let at = 0; at < bytes.length; at++) {
    const isHeader = headers.some((start) => at >= start && at < start + BATCH_HEADER_BYTES);
    if (isLarge && !isHeader && at % 127 !== 0) continue;
    for (let bit = 0; bit < 8; bit++) if (!isLarge || at % 8 === bit) flips.push({ at, bit });
  }
  return file.endsWith(".log") ? flips.filter(({ at }) => !isLeaderEpoch(bytes, at)) : flips;
}

function batchStarts(bytes: Uint8Array): number[] {
  const starts: number[] = [];
  for (let at = 0; at < bytes.length; at += batchBytes(bytes, at)) starts.push(at);
  return starts;
}

/** The only field that no CRC covers and nobody reads: a single node has no leaders. */
function isLeaderEpoch(bytes: Uint8Array, at: number): boolean {
  return batchStarts(bytes).some(
    (start) => at >= start + FIELD.partitionLeaderEpoch && at < start + FIELD.magic,
  );
}

test.each([0, 1] as const)(
  "group %d: every flip is found",
  async (group) => {
    await withTempDir(async (directory) => {
      await makeSample(directory);
      const files = GROUPS[group].map((file) => {
        const bytes = readFileSync(join(directory, file));
        return { file, path: join(directory, file), bytes, flips: flipsOf(file, bytes) };
      });
      const rounds = Math.max(...files.map(({ flips }) => flips.length));
      expect(Math.min(...files.map(({ flips }) => flips.length))).toBeGreaterThan(50);
      for (let round = 0; round < rounds; round++) {
        const flipped: string[] = [];
        for (const { file, path, bytes, flips } of files) {
          const flip = flips[round];
          const changed = bytes.slice();
          if (flip !== undefined) {
            changed[flip.at]! ^= 1 << flip.bit;
            flipped.push(file);
          }
          if (round <= flips.length) writeFileSync(path, changed);
        }
        const { report, lines } = await verify(directory);
        const damaged = report.findings.filter(({ severity }) => severity === "damage");
        const named = new Set(damaged.map(({ file }) => file));
        const missed = flipped.filter((file) => !named.has(file));
        expect({ round, missed, lines: missed.length > 0 ? lines : [] }).toEqual({
          round,
          missed: [],
          lines: [],
        });
      }
    });
  },
  30_000,
);

test("a flipped leader epoch changes nothing that is read", async () => {
  await withTempDir(async (directory) => {
    await makeSample(directory);
    const path = join(directory, fileOf(0));
    const bytes = readFileSync(path);
    bytes[FIELD.partitionLeaderEpoch]! ^= 0x40;
    writeFileSync(path, bytes);
    expect((await verify(directory)).lines).toEqual([]);
  });
});
