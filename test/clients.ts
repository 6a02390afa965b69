// Thousands of stuck clients on the compiled broker beside a good one: bun run test:clients --clients 1000
// Leaves to others: what the stuck ones do (system/stuck-clients.ts).
import { BrokerProcess } from "./support/binary.js";
import { runLong } from "./support/long-run.js";
import { tempDir } from "./support/tmp.js";
import { formatRounds } from "./system/good-client.js";
import { startGoodClient } from "./system/good-client-process.js";
import {
  fillTopic,
  holdHalfFrames,
  neverReadFetches,
  StuckClients,
} from "./system/stuck-clients.js";

const MiB = 1024 * 1024;

/** More than the budget of 512 MiB, its garbage, and the other memory of a broker and its connections. */
const RSS_ANON_MIB_MAX = 800;

/** How long to wait once all of them are stuck. */
const STUCK_MS = 5_000;

/** The kinds of stuck clients. All of them are stuck before the broker is examined. */
const KINDS: Readonly<Record<string, (port: number, count: number) => Promise<StuckClients>>> = {
  "say nothing": (port, count) => StuckClients.connect(port, count * 10, () => {}),
  "never read what they fetch": (port, count) => neverReadFetches(port, count, "filled", 10),
  "hold 9.9 MiB of a frame": (port, count) => holdHalfFrames(port, count, 10 * MiB, 9.9 * MiB),
};

await runLong({ count: "clients", countDefault: 1_000 }, async ({ count, progress }) => {
  using directory = tempDir();
  const args = ["--flush", "never", "--max-connections", `${count * 11}`];
  await using broker = await BrokerProcess.start(directory.path, ...args);
  await fillTopic(broker.port, "filled", 16);
  const results: string[] = [];
  for (const [kind, begin] of Object.entries(KINDS)) {
    const good = await startGoodClient(broker.address, `good-${results.length}`);
    const max = await Promise.race([watch(broker, begin(broker.port, count)), good.failed]);
    const rounds = await good.stop();
    const memory = `RssAnon ${max.toFixed(0)} MiB at most`;
    const result = `${kind}: ${memory}, good client ${formatRounds(rounds)}`;
    results.push(result);
    progress(count, result);
    if (max > RSS_ANON_MIB_MAX) throw new Error(`too much memory: ${result}`);
  }
  return results.join("; ");
});

/** Peak memory of the broker while the clients connected and were stuck. */
async function watch(broker: BrokerProcess, connecting: Promise<StuckClients>): Promise<number> {
  let max = 0;
  const look = setInterval(() => {
    max = Math.max(max, broker.rssAnonMiB);
  }, 100);
  try {
    using stuck = await connecting;
    await stuck.settled();
    await Bun.sleep(STUCK_MS);
    return Math.max(max, broker.rssAnonMiB);
  } finally {
    clearInterval(look);
  }
}
