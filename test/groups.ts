// Plays the lives of many groups with random members:
//   bun run test:groups --rounds 10000 [--seed 1]
// Leaves to others: one such life (support/group-model.ts). Exits with 1 if a promise was broken; the error has the seed.
import { playGroup } from "./support/group-model.js";
import { runLong } from "./support/long-run.js";

const RUNS_PER_LINE = 500;

await runLong({ count: "rounds", countDefault: 2_000 }, async ({ count, seed, progress }) => {
  let generations = 0;
  for (let i = 0; i < count; i++) {
    generations += await playGroup(seed + i);
    if ((i + 1) % RUNS_PER_LINE === 0) progress(i + 1, `${generations} generations`);
  }
  return `${count} groups with ${generations} generations, and no broken promise`;
});
