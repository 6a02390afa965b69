// What a page and a probe are told is wrong, with a broker whose files were damaged. Leaves to others: the list
// (services/problems.test.ts), and the sentences (page/problems/).
import { expect, spyOn, test } from "bun:test";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import type { ProblemList } from "../../../src/http/page/problems/problem-wire.js";
import { batchOf, startBroker } from "../../support/broker.js";
import { makeOfflinePartition } from "../../support/offline.js";
import { startPage } from "../../support/page-sample.js";
import { addUsers, logInOnPage } from "../../support/page-users.js";
import { withTempDir } from "../../support/tmp.js";
import { until } from "../../support/until.js";

/** Topic `t` with an offline partition, and topic `orders` with damage at offset 1. */
async function makeTrouble(dataDir: string): Promise<void> {
  await makeOfflinePartition(dataDir);
  const batches = ["a", "b", "c"].map((value) => batchOf(value));
  const running = await startBroker({ dataDir });
  const { online } = await running.broker.context.registry.create("orders", 1, {});
  for (const batch of batches) await online[0]!.append(batch.slice());
  await running[Symbol.asyncDispose]();
  const path = `${dataDir}/topics/orders/0/00000000000000000000.log`;
  const bytes = readFileSync(path);
  bytes[batches[0]!.length + 65]! ^= 1;
  writeFileSync(path, bytes);
}

function told({ problems }: Pick<ProblemList, "problems">): unknown[] {
  // The disk of this machine may be full.
  return problems
    .filter(({ kind }) => kind !== "disk")
    .map((problem) => [
      problem.severity,
      problem.kind,
      "topic" in problem ? `${problem.topic}-${problem.partition}` : "",
    ]);
}

test("an offline partition and a damaged segment are told, to each user those that it may see", () =>
  withTempDir(async (dataDir) => {
    await makeTrouble(dataDir);
    await using page = await startPage({ dataDir });
    const { context } = page.broker;
    using session = await page.running.session();
    await expect(session.fetch({ topic: "orders", offset: 1 })).rejects.toMatchObject({
      code: "CORRUPT_MESSAGE",
    });
    const list = async (get: (path: string) => Promise<Response>): Promise<ProblemList> =>
      (await (await get("api/problems")).json()) as ProblemList;
    const whole = await list((path) => fetch(new URL(path, page.url)));
    const offline = ["error", "offline", "t-0"];
    const damage = ["warning", "damage", "orders-0"];
    expect(told(whole)).toEqual([offline, damage]);
    expect(whole.disk?.totalBytes).toBeGreaterThan(0);
    expect(whole.startedMs).toBeLessThanOrEqual(whole.nowMs);
    const health = await fetch(`${page.url}health`);
    expect(told((await health.json()) as ProblemList)).toEqual([offline, damage]);
    await addUsers(context, {
      ann: ["DESCRIBE TOPIC orders"],
      bob: ["DESCRIBE TOPIC t", "DESCRIBE CLUSTER kafka-cluster"],
    });
    const ofAnn = await list((await logInOnPage(page.url, "ann")).fetch);
    expect(told(ofAnn)).toEqual([damage]);
    expect(ofAnn).toMatchObject({ disk: null, startedMs: null, counts: { error: 0, warning: 1 } });
    expect(told(await list((await logInOnPage(page.url, "bob")).fetch))).toEqual([offline]);
    await context.registry.deleteRecords(context.registry.partition("orders", 0), 2);
    expect(told(await list((await logInOnPage(page.url, "ann")).fetch))).toEqual([]);
  }));

test("a start after a broker that was not stopped tells so", () =>
  withTempDir(async (dataDir) => {
    const unclean = async (): Promise<boolean> => {
      await using running = await startBroker({ dataDir });
      return !running.broker.context.vitals.wasClean;
    };
    expect(await unclean()).toBe(false);
    expect(await unclean()).toBe(false);
    rmSync(`${dataDir}/clean-shutdown.json`);
    expect(await unclean()).toBe(true);
    expect(await unclean()).toBe(false);
  }));

test("those who ask at the same time get one list", async () => {
  await using page = await startPage();
  const { registry, logDirectory } = page.broker.context;
  const { online } = await registry.create("t", 1, {});
  registry.faults.note(online[0]!, { kind: "compaction", reason: "x" });
  for (const path of ["api/problems", "health"]) {
    const lists = spyOn(registry.faults, "list");
    const visits = spyOn(page.access, "visitorOf");
    const { promise: everybody, reject: go } = Promise.withResolvers<never>();
    const space = spyOn(logDirectory, "space").mockReturnValue(everybody);
    const answers = Array.from({ length: 20 }, async () => (await fetch(page.url + path)).json());
    await until(() => visits.mock.calls.length >= 20);
    go(new Error("unknown"));
    for (const answer of await Promise.all(answers)) {
      expect(told(answer as ProblemList)).toEqual([["warning", "compaction", "t-0"]]);
    }
    // One, unless some came late.
    expect(lists.mock.calls.length).toBeLessThan(20);
    for (const spy of [lists, visits, space]) spy.mockRestore();
  }
});
