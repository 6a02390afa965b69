// One kind of heavy client after another on the compiled broker, beside a steady one: bun run test:fairness
// Prints for each the steady client's longest wait and the broker's anonymous memory. `--only TEXT` selects those whose
// name contains it. Leaves to others: the steady client (system/steady-client.ts), heavy clients (system/heavy-requests.ts,
// system/heavy-pages.ts, system/heavy-topics.ts, system/heavy-kafka.ts, system/heavy-members.ts).
import { parseArgs } from "node:util";
import { BrokerProcess } from "./support/binary.js";
import { tempDir } from "./support/tmp.js";
import { HEAVY_PAGES } from "./system/heavy-pages.js";
import { HEAVY, type Heavy } from "./system/heavy-requests.js";
import { HEAVY_TOPICS } from "./system/heavy-topics.js";
import { HEAVY_KAFKA } from "./system/heavy-kafka.js";
import { HEAVY_MEMBERS } from "./system/heavy-members.js";
import { MANY_GROUPS } from "./system/many-groups.js";
import { SteadyClient } from "./system/steady-client.js";

/** How long the steady client continues after the heavy ones have sent everything, in milliseconds. */
const AFTER_MS = 1_000;

const { values } = parseArgs({ options: { only: { type: "string", default: "" } } });
for (const heavy of [
  ...HEAVY,
  ...HEAVY_PAGES,
  ...HEAVY_TOPICS,
  ...HEAVY_KAFKA,
  ...HEAVY_MEMBERS,
  ...MANY_GROUPS,
]) {
  if (heavy.name.includes(values.only)) console.log(await measure(heavy));
}
process.exit(0);

async function measure({ name, args = [], openFiles, prepare, run }: Heavy): Promise<string> {
  using directory = tempDir();
  await using broker =
    openFiles === undefined
      ? await BrokerProcess.start(directory.path, ...args)
      : await BrokerProcess.startWithOpenFiles(openFiles, directory.path, ...args);
  await prepare(broker);
  const before = broker.rssAnonMiB;
  const steady = await SteadyClient.start(broker.port, "steady");
  let memory = before;
  const look = setInterval(() => {
    memory = Math.max(memory, broker.rssAnonMiB);
  }, 20);
  const note = await run(broker);
  await Bun.sleep(AFTER_MS);
  clearInterval(look);
  const { pingMs, produceMs } = await steady.stop();
  const waits = `longest wait: ping ${pingMs.toFixed(0)} ms, produce ${produceMs.toFixed(0)} ms`;
  const reports = broker.reports.length === 0 ? "" : `; ${broker.reports[0]}`;
  return `${name}: ${waits}; memory ${before.toFixed(0)} → ${memory.toFixed(0)} MiB; ${note}${reports}`;
}
