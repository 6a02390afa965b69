// Kills the compiled broker under load, again and again: bun run test:crash --rounds 100 --seed 1
// With --users the load is changes of users, rules and quotas.
// Leaves to others: the rounds themselves (system/crash-rounds.ts, system/security-rounds.ts).
import { securityRounds } from "./system/security-rounds.js";
import { crashRounds } from "./system/crash-rounds.js";
import { runLong } from "./support/long-run.js";

const flags = { count: "rounds", countDefault: 100, switches: ["users"] };
await runLong(flags, async ({ count, seed, switches, progress }) => {
  if (switches.has("users")) {
    const { rounds, acknowledged, underWay, made } = await securityRounds({
      ...{ rounds: count, seed, loadMsMax: 600 },
      onRound: (round, changes) => progress(round, `${changes} changes`),
    });
    return `${rounds} rounds; ${acknowledged} changes acknowledged, all there; ${underWay} under way, ${made} of them made`;
  }
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
