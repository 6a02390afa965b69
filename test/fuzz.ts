// Fuzzes the port of the compiled broker: bun run test:fuzz --cases 1000000 --seed 1
// Leaves to others: the cases and what is expected (system/fuzz-port.ts).
import { BrokerProcess } from "./support/binary.js";
import { runLong } from "./support/long-run.js";
import { tempDir } from "./support/tmp.js";
import { fuzzPort } from "./system/fuzz-port.js";
import { formatRounds } from "./system/good-client.js";

await runLong({ count: "cases", countDefault: 1_000_000 }, async ({ count, seed, progress }) => {
  using directory = tempDir();
  await using broker = await BrokerProcess.start(directory.path, "--flush", "never");
  const summary = await fuzzPort(broker, { cases: count, seed, progress });
  const { before, tenths, max } = summary.rssAnonMiB;
  return (
    `${count} cases; the good clients did ${summary.native.rounds} rounds over the native protocol, ` +
    `${formatRounds(summary.native.roundsMs)}, and ${summary.kafka.rounds} over Kafka's, ` +
    `${formatRounds(summary.kafka.roundsMs)}; RssAnon ${before.toFixed(0)} MiB before, after each tenth ` +
    `${tenths.map((mebibytes) => mebibytes.toFixed(0)).join(" ")}, ${max.toFixed(0)} at most`
  );
});
