// Random members of a group, under a random clock, on a disk that fills up. `bun run test:groups` runs it for longer.
// Leaves to others: the members, and what must hold (support/group-model.ts).
import { expect, test } from "bun:test";
import { playGroup } from "../support/group-model.js";

const RUNS = 60;

test(`random members find the promises of a group kept, ${RUNS} times`, async () => {
  let generations = 0;
  for (let seed = 1; seed <= RUNS; seed++) generations += await playGroup(seed);
  expect(generations).toBeGreaterThan(RUNS * 10);
});
