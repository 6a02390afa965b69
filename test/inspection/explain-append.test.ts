// Where a batch is and whether it got an index entry, compared with the index file that the broker's code wrote.
// Leaves to others: finding it (explain-lookup.test.ts).
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { explainAppend } from "../../src/inspection/explain-append.js";
import { openLogFiles } from "../../src/inspection/log-files.js";
import { Random } from "../support/random.js";
import { tempDir } from "../support/tmp.js";
import { fileOf, openDirectory, sampleBatch, START_MS } from "./sample.js";

test.each([1, 2, 3])(
  "random batches, seed %i: exactly those have an entry that are said to",
  async (seed) => {
    const random = new Random(seed);
    using directory = tempDir();
    const data = await openDirectory(directory.path);
    const partition = (await data.registry.create("orders", 1, {})).online[0]!;
    const told = new Map<number, number[]>();
    let nextOffset = 0;
    for (let i = 0; i < 40; i++) {
      const values = Array.from({ length: 1 + random.below(3) }, () =>
        "v".repeat(random.below(1500)),
      );
      const offset = await partition.append(sampleBatch(values, START_MS + i));
      expect(offset).toBe(nextOffset);
      nextOffset += values.length;
      using log = openLogFiles(directory.path, "orders", 0);
      const { segment, position, entry } = (await explainAppend(
        log,
        offset + random.below(values.length),
      ))!;
      expect(entry.isWritten).toBe(entry.bytesSinceEntry > entry.intervalBytes);
      const positions = told.get(segment.baseOffset) ?? [];
      told.set(segment.baseOffset, positions);
      if (entry.isWritten) positions.push(position);
      if (random.chance(0.1)) await partition.roll();
    }
    await data.closeCleanly();
    expect(Math.max(...[...told.values()].map(({ length }) => length))).toBeGreaterThan(1);
    for (const [base, positions] of told) {
      const bytes = readFileSync(join(directory.path, fileOf(base, "index")));
      const written = [];
      for (let at = 4; at < bytes.length; at += 8) written.push(bytes.readUInt32BE(at));
      expect(written).toEqual(positions);
    }
  },
);

test("an offset that does not exist has no place", async () => {
  using directory = tempDir();
  const data = await openDirectory(directory.path);
  await data.registry.create("orders", 1, {});
  using log = openLogFiles(directory.path, "orders", 0);
  expect(await explainAppend(log, 0)).toBeUndefined();
  expect(await explainAppend(log, 5)).toBeUndefined();
  await data.closeCleanly();
});
