// The simulation of a compacted topic: a fixed set of seeds, and the proof that it would find something.
// Long runs are `bun run test:sim --compaction`.
import { expect, test } from "bun:test";
import {
  type CompactionSimulationOptions,
  simulateCompaction,
} from "../support/compaction-simulation.js";
import type { Sabotage } from "../support/simulated-disk.js";

/** Runs seeds until one breaks a promise; undefined if none does. */
async function firstViolation(
  from: number,
  count: number,
  options: CompactionSimulationOptions = {},
): Promise<string | undefined> {
  for (let seed = from; seed < from + count; seed++) {
    const { violation } = await simulateCompaction(seed, options);
    if (violation !== undefined) return `seed ${seed}: ${violation}`;
  }
  return undefined;
}

test("15 seeds with crashes of the machine, and 5 with kills of the process, break no promise", async () => {
  expect(await firstViolation(1, 15)).toBeUndefined();
  expect(await firstViolation(1, 5, { processes: true })).toBeUndefined();
}, 60_000);

const hasNewFiles = (names: readonly string[]): boolean =>
  names.some((name) => name.endsWith(".cleaned"));

/** Ignores the flush that follows when all new files are in place. */
function ignoringFlushOfRenames(): Sabotage {
  let hadNewFiles = false;
  const ignoreDirectorySync = (names: readonly string[]): boolean => {
    if (!names.some((name) => name.endsWith(".log"))) return false;
    const isIgnored = hadNewFiles && !hasNewFiles(names);
    hadNewFiles = hasNewFiles(names);
    return isIgnored;
  };
  return { ignoreDirectorySync };
}

// One seed in ten finds the last two. Which ones changes with each change of the code.
test.each<[string, Sabotage]>([
  ["a new log that is not flushed", { ignoreSync: ".log.cleaned" }],
  ["a decision that is not flushed", { ignoreSync: "compaction.json.tmp" }],
  ["a decision whose name is not flushed", { ignoreDirectorySync: hasNewFiles }],
  ["new segments whose names are not flushed", ignoringFlushOfRenames()],
])("%s is found", async (_name, sabotage) => {
  expect(await firstViolation(1, 100, { sabotage })).toBeDefined();
});

test("a seed is replayed exactly", async () => {
  for (const seed of [1, 77]) {
    const [first, second] = [await simulateCompaction(seed), await simulateCompaction(seed)];
    expect(second).toEqual(first);
    expect(first.operations).toBeGreaterThan(100);
  }
});
