// Kills the compiled broker under load, again and again: bun run test:crash --rounds 100 --seed 1
// Leaves to others: the rounds themselves (system/crash-rounds.ts).
import { crashRounds } from "./system/crash-rounds.js";
import { runLong } from "./support/long-run.js";

await runLong({ count: "rounds", countDefault: 100 }, async ({ count, seed, progress }) => {
  const summary = await crashRounds({
    rounds: count,
    seed,
    loadMsMax: 600,
    onRound: (round, records) => progress(round, `${records} records checked`),
  });
  return (
    `${summary.rounds} rounds, ${summary.killsDuringStart} more kills during recovery; ` +
    `${summary.acknowledged} records acknowledged, ${summary.records} there, each once; ` +
    `${summary.commits} commits`
  );
});
