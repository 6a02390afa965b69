// Ids of members that have not joined yet: they cost no place in a group, and nobody is kept out by them.
// Leaves to others: what a group does with them (classic-group.test.ts).
import { describe, expect, test } from "bun:test";
import { GroupCoordinator } from "../../src/groups/coordinator.js";
import { PendingMembers } from "../../src/groups/classic/pending-members.js";
import { ManualClock } from "../support/manual-clock.js";
import { GroupTest } from "../support/group-test.js";
import { settle } from "../support/log-fixture.js";
import { openServices } from "../support/services.js";

describe("an id", () => {
  test("is taken once, for its group, and before its time is over", () => {
    const clock = new ManualClock();
    const ids = new PendingMembers(clock);
    for (const id of ["a", "b", "c"]) ids.add("g", id, 10_000);
    expect([ids.take("other", "a"), ids.take("g", "a"), ids.take("g", "a")]).toEqual([
      false,
      true,
      false,
    ]);
    clock.advance(10_000);
    expect(ids.take("g", "b")).toBe(false);
    expect(ids.nextExpiry("g")).toBeUndefined();
    expect([ids.size, clock.timers]).toEqual([0, 0]);
  });

  test("is waited for until the first of its group expires", () => {
    const clock = new ManualClock();
    const ids = new PendingMembers(clock);
    ids.add("g", "a", 30_000);
    ids.add("g", "b", 10_000);
    ids.add("other", "c", 1_000);
    expect(ids.nextExpiry("g")).toBe(10_000);
    clock.advance(10_000);
    expect(ids.nextExpiry("g")).toBe(20_000);
    ids.take("g", "a");
    expect(ids.nextExpiry("g")).toBeUndefined();
  });

  test("is forgotten if there are too many, the oldest first, or when nobody asked for a long time", () => {
    const clock = new ManualClock();
    const ids = new PendingMembers(clock, 3);
    for (const id of ["a", "b", "c"]) ids.add(id, id, 1_800_000);
    ids.take("b", "b");
    for (const id of ["d", "e"]) ids.add(id, id, 1_800_000);
    expect(["a", "c", "d", "e"].map((id) => ids.has(id, id))).toEqual([false, true, true, true]);
    clock.advance(1_800_000);
    expect([ids.size, clock.timers]).toEqual([0, 0]);
  });
});

function joinRequest(memberId: string) {
  return {
    ...{ clientId: "c", clientHost: "/127.0.0.1", memberId, instanceId: null },
    ...{ sessionTimeoutMs: 1_800_000, rebalanceTimeoutMs: 1_800_000, protocolType: "consumer" },
    protocols: [{ name: "range", metadata: new Uint8Array(10) }],
    ...{ needsMemberId: true, maySkipAssignment: true },
  };
}

test("groups that nobody has joined are not in memory, and their clients can join them", async () => {
  const { groups } = await openServices();
  const before = groups.memoryBytes;
  const given: string[] = [];
  for (let i = 0; i < 1_000; i++) {
    groups.join(`g${i}`, joinRequest(""), (outcome) => given.push(outcome.memberId));
  }
  expect([groups.size, groups.memoryBytes - before]).toEqual([0, 0]);
  expect([...groups.names()]).toEqual([]);
  expect(groups.leave("g0", [{ memberId: given[0]!, instanceId: null }])).toEqual([undefined]);
  const outcomes: string[] = [];
  for (const i of [0, 1]) {
    groups.join(`g${i}`, joinRequest(given[i]!), (outcome) =>
      outcomes.push("error" in outcome ? outcome.error.code : "joined"),
    );
  }
  expect(outcomes).toEqual(["UNKNOWN_MEMBER_ID", "joined"]);
  expect([...groups.names()]).toEqual(["g1"]);
  await groups.close();
});

test("groups that members join and leave under ever new names don't stay", async () => {
  const { registry, offsets } = await openServices();
  const clock = new ManualClock();
  const groups = await GroupCoordinator.open({
    ...{ registry, offsets, clock, initialRebalanceDelayMs: 0, report: () => {} },
    unusedGroupsMax: 500,
  });
  const known = () => [...offsets.groupRecords.groups()].length;
  let most = 0;
  for (let i = 0; i < 3_000; i++) {
    let memberId = "";
    groups.join(`g${i}`, { ...joinRequest(""), needsMemberId: false }, (outcome) => {
      ({ memberId } = outcome);
    });
    groups.leave(`g${i}`, [{ memberId, instanceId: null }]);
    if (i % 100 < 99) continue;
    for (let turn = 0; turn < 10; turn++) await settle();
    clock.advance(0);
    most = Math.max(most, known());
  }
  expect(most).toBeLessThan(2_000);
  expect(groups.size).toBe(0);
  await groups.close();
});

test("members that are silent make room for others once memory is scarce, whatever their session", async () => {
  const { registry, offsets } = await openServices();
  const clock = new ManualClock();
  const groups = await GroupCoordinator.open({
    ...{ registry, offsets, clock, initialRebalanceDelayMs: 0, report: () => {} },
    memoryBytesMax: 100_000,
  });
  const memberIds = new Map<string, string>();
  const join = (group: string): string => {
    let code = "waits";
    groups.join(group, { ...joinRequest(""), needsMemberId: false }, (outcome) => {
      code = "error" in outcome ? outcome.error.code : "joined";
      memberIds.set(group, outcome.memberId);
    });
    return code;
  };
  const codes = Array.from({ length: 100 }, (_, i) => join(`g${i}`));
  expect([codes[0], codes.at(-1)]).toEqual(["joined", "GROUP_MAX_SIZE_REACHED"]);
  const heartbeat = () =>
    groups.heartbeat("g3", { memberId: memberIds.get("g3")!, instanceId: null, generation: 1 });
  for (let i = 0; i < 70; i++) {
    clock.advance(1_000);
    heartbeat();
    for (let turn = 0; turn < 5; turn++) await settle();
  }
  expect([...groups.inMemory()].map(({ name }) => name)).toEqual(["g3"]);
  expect(join("g99")).toBe("joined");
  heartbeat();
  await groups.close();
});

test("ids that are never used keep nobody out of a group", async () => {
  const t = new GroupTest({ membersMax: 2 });
  await t.settle(["a"]);
  for (let i = 0; i < 10; i++) t.join("nobody");
  const b = t.joinWithId("b");
  expect(b.failure).toBeUndefined();
});

test("a rebalance waits for a client with an id until the id expires", async () => {
  const t = new GroupTest();
  const { a } = await t.settle(["a"]);
  t.join("nobody", { sessionTimeoutMs: 6_000 });
  const again = t.join("a", { memberId: a!.memberId });
  expect(again.isWaiting).toBe(true);
  t.clock.advance(6_000);
  expect(again.result?.generation).toBe(2);
});
