// Runs of compaction that clients ask for: one for each id, with the progress of its partitions, and not too many.
import { expect, test } from "bun:test";
import { RustLogError } from "../../src/errors.js";
import { compactTopic } from "../../src/services/compact-topic.js";
import { CompactionRuns } from "../../src/services/compaction-runs.js";
import { type ServiceContext, withCaller } from "../../src/services/context.js";
import { EVERYONE } from "../../src/security/caller.js";
import type { Compacted, OnCompactionProgress } from "../../src/topics/log-cleaner.js";
import type { Partition } from "../../src/topics/partition.js";
import { codeOf } from "../support/log-fixture.js";
import { openServices } from "../support/services.js";

const SAVED = { recordsBefore: 9, recordsAfter: 1, bytesBefore: 900, bytesAfter: 100 };

interface Demand extends PromiseWithResolvers<Compacted> {
  readonly partition: Partition;
  readonly onProgress: OnCompactionProgress;
}

async function setUp() {
  const demands: Demand[] = [];
  const compactions = new CompactionRuns({
    compactNow: (partition, onProgress = () => {}) => {
      const demand = { ...Promise.withResolvers<Compacted>(), partition, onProgress };
      demands.push(demand);
      return demand.promise;
    },
  });
  const context: ServiceContext = { ...(await openServices()), compactions };
  await context.registry.create("t", 2, { "cleanup.policy": "compact" });
  await context.registry.create("u", 1, { "cleanup.policy": "compact,delete" });
  const ask = (runId: string, topic = "t", partitions: number[] = []) =>
    compactTopic(context, { topic, runId, partitions });
  return { demands, ask, context };
}

test("requests with one id look at one run, which compacts one partition after another", async () => {
  const { demands, ask } = await setUp();
  const run = ask("a");
  expect(ask("a", "t", [1])).toBe(run);
  expect(await codeOf(() => ask("a", "u"))).toBe("INVALID_REQUEST");
  const states = () => run.partitions.map(({ state }) => state);
  expect(states()).toEqual(["waiting", "waiting"]);
  demands[0]?.onProgress(10, 100);
  expect(run.partitions[0]).toMatchObject({ state: "running", doneBytes: 10, totalBytes: 100 });
  demands[0]?.resolve(SAVED);
  await run.wait(0);
  expect(states()).toEqual(["done", "waiting"]);
  expect(run.partitions[0]).toMatchObject(SAVED);
  demands[1]?.reject(new Error("the disk is odd"));
  await run.wait(10_000);
  expect([run.isDone, states()]).toEqual([true, ["done", "failed"]]);
  expect(run.partitions[1]?.error).toBeInstanceOf(RustLogError);
  expect(run.partitions[1]?.error?.message).toBe("t-1: the disk is odd");
  expect(demands.map(({ partition }) => partition.name)).toEqual(["t-0", "t-1"]);
  expect(ask("a")).toBe(run);
});

test("a caller needs the permission to alter the topic, also to look at a run", async () => {
  const { ask, context } = await setUp();
  ask("a");
  const readOnly = { ...EVERYONE, may: (operation: string) => operation !== "ALTER" };
  const asked = () =>
    compactTopic(withCaller(context, readOnly), { topic: "t", runId: "a", partitions: [] });
  expect(await codeOf(asked)).toBe("TOPIC_AUTHORIZATION_FAILED");
});

test("at most 100 runs are under way, and runs that are over are forgotten after 100 others", async () => {
  const { demands, ask } = await setUp();
  const first = ask("0", "u");
  for (let i = 1; i < 100; i++) ask(`${i}`, "u");
  expect(await codeOf(() => ask("100", "u"))).toBe("BROKER_OVERLOADED");
  const endAll = async (): Promise<void> => {
    for (const { resolve } of demands) resolve(SAVED);
    await first.wait(0);
  };
  await endAll();
  expect(ask("0", "u")).toBe(first);
  ask("100", "u");
  expect(ask("0", "u")).not.toBe(first);
});
