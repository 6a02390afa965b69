// A data directory with a partition that cannot be opened.
// Leaves to others: what a broker does with it.
import { mkdirSync, rmSync } from "node:fs";
import { batchOf, startBroker } from "./broker.js";

/** Creates topic `t` of two partitions, with a record in each and a commit of group `g`, and breaks partition 0. */
export async function makeOfflinePartition(dataDir: string): Promise<void> {
  const running = await startBroker({ dataDir });
  const { registry, offsets } = running.broker.context;
  const { online } = await registry.create("t", 2, {});
  for (const partition of online) await partition.append(batchOf("kept"));
  await offsets.commit("g", [
    { topic: "t", partition: 0, offset: 1 },
    { topic: "t", partition: 1, offset: 1 },
  ]);
  await running[Symbol.asyncDispose]();
  const log = `${dataDir}/topics/t/0/00000000000000000000.log`;
  rmSync(log);
  mkdirSync(log);
}
