// The account of groups is about the memory that they take: a client can't take many times as much.
// Leaves to others: how the limit is enforced (classic-group.test.ts, consumer-group.test.ts).
import { heapStats } from "bun:jsc";
import { expect, test } from "bun:test";
import type { GroupCoordinator } from "../../src/groups/coordinator.js";
import { openServices } from "../support/services.js";

const GROUPS = 500;
const ROUNDS_MAX = 3;

function joinClassic(groups: GroupCoordinator, group: string, protocols: number): void {
  const request = {
    ...{ clientId: "client-1", clientHost: "/127.0.0.1", memberId: "", instanceId: null },
    ...{ sessionTimeoutMs: 60_000, rebalanceTimeoutMs: 60_000, protocolType: "consumer" },
    protocols: Array.from({ length: protocols }, (_, i) => ({
      name: `${group}-${i}`,
      metadata: new Uint8Array(30),
    })),
    ...{ needsMemberId: false, maySkipAssignment: true },
  };
  groups.join(group, request, (joined) => {
    if ("error" in joined) throw joined.error;
    const { memberId, generation } = joined;
    const member = { memberId, generation, instanceId: null, protocolType: null, protocol: null };
    const assignments = [{ memberId, assignment: new Uint8Array(30) }];
    groups.sync(group, { ...member, assignments }, () => {});
  });
}

async function joinConsumer(groups: GroupCoordinator, group: string, topics: number) {
  const topicNames = Array.from({ length: topics }, (_, i) => `${group}-${i}`);
  await groups.consumerHeartbeat(group, {
    ...{ memberId: `${group}-member`, memberEpoch: 0, instanceId: null, rackId: null },
    ...{ rebalanceTimeoutMs: 60_000, topicNames, pattern: null, assignor: null, owned: [] },
    ...{ clientId: "client-1", clientHost: "/127.0.0.1" },
  });
}

function heapBytes(): number {
  Bun.gc(true);
  return heapStats().heapSize;
}

test.each<[string, (groups: GroupCoordinator, group: string) => unknown, number]>([
  ["classic members", (groups, group) => joinClassic(groups, group, 1), GROUPS],
  ["classic members with many protocols", (groups, group) => joinClassic(groups, group, 50), 200],
  ["members of consumer groups", (groups, group) => joinConsumer(groups, group, 1), GROUPS],
  ["members that name many topics", (groups, group) => joinConsumer(groups, group, 500), 20],
])("%s are accounted for with what they take", async (_, join, count) => {
  const { groups } = await openServices();
  await join(groups, "before");
  let perGroup = Number.POSITIVE_INFINITY;
  let accounted = 0;
  // What other test files have left behind may still grow in the same heap, but not each time.
  for (let round = 0; round < ROUNDS_MAX && perGroup >= accounted; round++) {
    const before = heapBytes();
    for (let i = 0; i < count; i++) await join(groups, `group-${round}-${i}`);
    await Bun.sleep(0);
    perGroup = Math.min(perGroup, (heapBytes() - before) / count);
    accounted = groups.memoryBytes / (count * (round + 1) + 1);
  }
  // The process grows by more than the objects in it.
  expect(perGroup).toBeLessThan(accounted);
  await groups.close();
});
