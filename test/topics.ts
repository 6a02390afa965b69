// Creates and deletes a thousand topics on the compiled broker: bun run test:topics --topics 1000
// Leaves to others: the work itself (system/topic-churn.ts).
import { BrokerProcess } from "./support/binary.js";
import { runLong } from "./support/long-run.js";
import { tempDir } from "./support/tmp.js";
import { churnTopics, SPARE } from "./system/topic-churn.js";

await runLong({ count: "topics", countDefault: 1_000 }, async ({ count, progress }) => {
  using directory = tempDir();
  const args = ["--flush", "never", "--segment-bytes", "2KiB"];
  await using broker = await BrokerProcess.start(directory.path, ...args);
  const { before, after } = await churnTopics(broker, count, (done) => {
    progress(done, `${broker.descriptors} descriptors, ${broker.mappings} mappings`);
  });
  const held = (holdings: typeof before): string =>
    `${holdings.descriptors} descriptors and ${holdings.mappings} mappings`;
  const grown = Math.max(
    after.descriptors - before.descriptors,
    after.mappings - before.mappings,
    after.directories.length - before.directories.length,
  );
  if (grown > SPARE) throw new Error(`${held(before)} have become ${held(after)}`);
  return `${count} topics; ${held(before)} before, ${held(after)} afterwards`;
});
