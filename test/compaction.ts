// Compacts a changelog topic under load while the compiled broker is killed: bun run test:compaction --updates 10000000
// Leaves to others: the rounds themselves (system/compaction-rounds.ts).
import { compactionRounds } from "./system/compaction-rounds.js";
import { runLong } from "./support/long-run.js";

const KEYS_MAX = 100_000;
const UPDATES_A_KILL = 500_000;

await runLong({ count: "updates", countDefault: 10_000_000 }, async ({ count, seed, progress }) => {
  const rounds = Math.max(3, Math.ceil(count / UPDATES_A_KILL));
  const summary = await compactionRounds({
    ...{ updates: count, keys: Math.min(KEYS_MAX, Math.ceil(count / 100)), rounds, seed },
    ...{ segmentBytes: 4 * 1024 * 1024, withKafka: true },
    onRound: (round, written, text) => progress(written, `${round} kills, ${text}`),
  });
  return (
    `${summary.updates} updates acknowledged; ${rounds} kills, ${summary.killsInCompaction} of them in a compaction; ` +
    `${summary.records} records left, the newest of each key, once, at its offset; ` +
    `${summary.bytesLeft} bytes`
  );
});
