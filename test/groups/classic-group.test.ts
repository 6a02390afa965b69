// A classic group, state by state: what its members are told, and when. Time is the test's.
// Leaves to others: the same over the wire (protocol/kafka/groups.test.ts), and random schedules (group-model.test.ts).
import { describe, expect, test } from "bun:test";
import { UNREAD_MS } from "../../src/groups/group-clock.js";
import { GroupMemory } from "../../src/groups/group-memory.js";
import { GroupTest } from "../support/group-test.js";

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

describe("joining", () => {
  test("a new member is told its id first, and joins with it", () => {
    const t = new GroupTest();
    const first = t.join("a");
    expect(first.failure).toBe("MEMBER_ID_REQUIRED");
    expect(t.group.state).toBe("Empty");
    const joined = t.join("a", { memberId: first.memberId });
    expect(joined.result).toMatchObject({
      generation: 1,
      leader: first.memberId,
      protocol: "range",
    });
    expect(
      joined.result?.members.map(({ memberId, metadata }) => [memberId, text(metadata)]),
    ).toEqual([[first.memberId, "a"]]);
    expect(t.group.state).toBe("CompletingRebalance");
  });

  test("an id that nobody comes back with expires with the session timeout", () => {
    const t = new GroupTest();
    const { memberId } = t.join("a");
    expect(t.isDropped).toBe(true);
    t.clock.advance(10_000);
    expect(t.join("a", { memberId }).failure).toBe("UNKNOWN_MEMBER_ID");
  });

  test("clients that start together share the first generation", () => {
    const t = new GroupTest({ initialRebalanceDelayMs: 50 });
    const a = t.joinWithId("a");
    t.clock.advance(40);
    const b = t.joinWithId("b");
    t.clock.advance(49);
    expect([a.isWaiting, b.isWaiting]).toEqual([true, true]);
    t.clock.advance(1);
    expect(a.isWaiting).toBe(true);
    t.clock.advance(50);
    expect([a.result?.generation, b.result?.generation]).toEqual([1, 1]);
    expect(a.result?.members.length).toBe(2);
    expect(b.result?.members.length).toBe(0);
  });

  test.each([
    ["INVALID_SESSION_TIMEOUT", { sessionTimeoutMs: 5_999 }],
    ["INVALID_SESSION_TIMEOUT", { sessionTimeoutMs: 1_800_001 }],
    ["INCONSISTENT_GROUP_PROTOCOL", { protocols: [] }],
    ["INCONSISTENT_GROUP_PROTOCOL", { protocolType: "" }],
    ["UNKNOWN_MEMBER_ID", { memberId: "nobody" }],
  ])("is refused with %s for %j", (code, request) => {
    expect(new GroupTest().join("a", request).failure).toBe(code);
  });

  test("a member without a protocol of the others is refused", () => {
    const t = new GroupTest();
    t.joinWithId("a");
    for (const request of [
      { protocolType: "connect" },
      { protocols: [t.protocol("sticky", "b")] },
    ]) {
      expect(t.join("b", request).failure).toBe("INCONSISTENT_GROUP_PROTOCOL");
    }
  });

  test("the protocol is the one that most members prefer among those that all have", () => {
    const t = new GroupTest({ initialRebalanceDelayMs: 10 });
    const [range, sticky, own] = [t.protocol("range"), t.protocol("sticky"), t.protocol("own")];
    const a = t.joinWithId("a", { protocols: [own, range, sticky] });
    t.joinWithId("b", { protocols: [sticky, range] });
    t.joinWithId("c", { protocols: [sticky, range] });
    t.clock.advance(20);
    expect(a.result?.protocol).toBe("sticky");
  });

  test("a full group refuses the next member", () => {
    const t = new GroupTest({ membersMax: 2 });
    t.settle(["a", "b"]);
    const c = t.join("c");
    expect(c.failure).toBe("GROUP_MAX_SIZE_REACHED");
    expect(c.error?.message).toContain("2 members, the maximum");
  });
});

describe("rebalancing", () => {
  test("a second member waits until the first has joined again", async () => {
    const t = new GroupTest();
    const { a } = await t.settle(["a"]);
    const b = t.joinWithId("b");
    expect(b.isWaiting).toBe(true);
    expect(t.heartbeat(a!)).toBe("REBALANCE_IN_PROGRESS");
    const again = t.join("a", { memberId: a!.memberId });
    expect([again.result?.generation, b.result?.generation]).toEqual([2, 2]);
    expect(again.result?.members.length).toBe(2);
  });

  test("members that do not come back in time are left behind", async () => {
    const t = new GroupTest();
    const { a } = await t.settle(["a"]);
    const b = t.joinWithId("b");
    for (let i = 0; i < 6; i++) {
      t.clock.advance(5_000);
      if (b.isWaiting) expect(t.heartbeat(a!)).toBe("REBALANCE_IN_PROGRESS");
    }
    expect(b.result).toMatchObject({ generation: 2, leader: b.result?.memberId });
    expect(t.heartbeat(a!)).toBe("UNKNOWN_MEMBER_ID");
  });

  test("a follower that joins again with the same subscription changes nothing", async () => {
    const t = new GroupTest();
    const { b } = await t.settle(["a", "b"]);
    const again = t.join("b", { memberId: b!.memberId });
    expect(again.result).toMatchObject({ generation: b!.generation, members: [] });
    expect(t.group.state).toBe("Stable");
    expect(t.join("changed", { memberId: b!.memberId }).isWaiting).toBe(true);
    expect(t.group.state).toBe("PreparingRebalance");
  });

  test("the leader can ask for a rebalance", async () => {
    const t = new GroupTest();
    const { a } = await t.settle(["a", "b"]);
    expect(t.join("a", { memberId: a!.memberId }).isWaiting).toBe(true);
    expect(t.group.state).toBe("PreparingRebalance");
  });

  test("before the assignment, a member that missed its answer gets it again", () => {
    const t = new GroupTest();
    const a = t.joinWithId("a");
    const again = t.join("a", { memberId: a.memberId });
    expect(again.result).toEqual(a.result!);
  });
});

describe("assigning", () => {
  test("followers wait for the leader, and members that it forgot get nothing", async () => {
    const t = new GroupTest({ initialRebalanceDelayMs: 10 });
    const a = t.joinWithId("a");
    const b = t.joinWithId("b");
    t.clock.advance(30);
    const follower = t.sync(b.member);
    expect(follower.isWaiting).toBe(true);
    const leader = t.sync(a.member, { [a.memberId]: "all" });
    expect(leader.isWaiting).toBe(true);
    await t.stored();
    expect(text(leader.result!.assignment)).toBe("all");
    expect(text(follower.result!.assignment)).toBe("");
    expect(t.group.state).toBe("Stable");
    expect(text(t.sync(a.member).result!.assignment)).toBe("all");
  });

  test("a leader that assigns again, while the first assignment is being stored, gets the first", async () => {
    const t = new GroupTest();
    const a = t.joinWithId("a");
    const first = t.sync(a.member, { [a.memberId]: "first" });
    const second = t.sync(a.member, { [a.memberId]: "second" });
    expect(first.failure).toBe("REBALANCE_IN_PROGRESS");
    await t.stored();
    expect(text(second.result!.assignment)).toBe("first");
    expect(t.records.map(({ members }) => text(members[0]!.assignment))).toEqual(["first"]);
  });

  test("memory for members and assignments is given back, and more than there is is refused", async () => {
    const memory = new GroupMemory(20_000);
    const t = new GroupTest({ memory });
    const { a, b } = await t.settle(["a", "b"]);
    const large = [{ name: "range", metadata: new Uint8Array(6_000) }];
    expect(t.join("c", { instanceId: "i", protocols: large }).failure).toBe(
      "GROUP_MAX_SIZE_REACHED",
    );
    t.leave([{ memberId: a!.memberId }]);
    const alone = t.join("b", { memberId: b!.memberId });
    const assignment = { [alone.memberId]: "x".repeat(10_000) };
    expect(t.sync(alone.member, assignment).failure).toBe("GROUP_MAX_SIZE_REACHED");
    expect(memory.bytes).toBeGreaterThan(0);
    t.clock.advance(60_000);
    expect([t.group.memberCount, memory.bytes]).toEqual([0, 0]);
  });

  test("a rebalance ends the wait", () => {
    const t = new GroupTest({ initialRebalanceDelayMs: 10 });
    t.joinWithId("a");
    const b = t.joinWithId("b");
    t.clock.advance(30);
    const waiting = t.sync(b.member);
    t.joinWithId("c");
    expect(waiting.failure).toBe("REBALANCE_IN_PROGRESS");
    expect(t.sync(b.member).failure).toBe("REBALANCE_IN_PROGRESS");
  });

  test("a leader that does not assign is left behind", () => {
    const t = new GroupTest({ initialRebalanceDelayMs: 10 });
    const a = t.joinWithId("a", { rebalanceTimeoutMs: 8_000 });
    const b = t.joinWithId("b", { rebalanceTimeoutMs: 8_000 });
    t.clock.advance(30);
    const waiting = t.sync(b.member);
    t.clock.advance(8_000);
    expect(waiting.failure).toBe("REBALANCE_IN_PROGRESS");
    expect(t.heartbeat(a.member)).toBe("UNKNOWN_MEMBER_ID");
    expect(t.join("b", { memberId: b.memberId }).result?.leader).toBe(b.memberId);
  });

  test("an assignment that can't be stored is not handed out", async () => {
    const t = new GroupTest();
    const a = t.joinWithId("a");
    t.failNextStore();
    const leader = t.sync(a.member, { [a.memberId]: "all" });
    await t.stored();
    expect(leader.failure).toBe("COORDINATOR_NOT_AVAILABLE");
    expect(t.group.state).toBe("PreparingRebalance");
  });

  test("a group that can't be stored when its last member has left is stored later", async () => {
    const t = new GroupTest();
    const { a } = await t.settle(["a"]);
    t.failNextStore();
    t.leave([{ memberId: a!.memberId }]);
    await t.stored();
    expect([t.records.at(-1)?.members.length, t.isDropped]).toEqual([1, false]);
    t.clock.advance(10_000);
    await t.stored();
    expect([t.records.at(-1)?.members.length, t.isDropped]).toEqual([0, true]);
  });

  test.each([
    ["ILLEGAL_GENERATION", { generation: 9 }],
    ["UNKNOWN_MEMBER_ID", { memberId: "nobody" }],
  ])("is refused with %s", async (code, change) => {
    const t = new GroupTest();
    const { a } = await t.settle(["a"]);
    const member = { ...a!, ...change };
    expect(t.sync(member).failure).toBe(code);
    expect(t.heartbeat(member)).toBe(code);
    expect(t.commit(member)).toBe(code);
  });

  test("the protocol has to be the group's, if it is stated", async () => {
    const t = new GroupTest();
    const { a } = await t.settle(["a"]);
    expect(t.sync(a!, {}, { protocol: "sticky" }).failure).toBe("INCONSISTENT_GROUP_PROTOCOL");
    expect(t.sync(a!, {}, { protocolType: "connect" }).failure).toBe("INCONSISTENT_GROUP_PROTOCOL");
  });
});

describe("sessions", () => {
  test("a silent member is removed, and the others are asked to join again", async () => {
    const t = new GroupTest();
    const { a, b } = await t.settle(["a", "b"]);
    t.clock.advance(9_999);
    expect(t.heartbeat(b!)).toBe("ok");
    t.clock.advance(1 + UNREAD_MS);
    expect(t.heartbeat(b!)).toBe("REBALANCE_IN_PROGRESS");
    expect(t.heartbeat(a!)).toBe("UNKNOWN_MEMBER_ID");
  });

  test("rebalances and the members that they cost are counted", async () => {
    const t = new GroupTest();
    const { b } = await t.settle(["a", "b"]);
    t.events.length = 0;
    t.clock.advance(9_999);
    t.heartbeat(b!);
    t.clock.advance(1 + UNREAD_MS);
    expect(t.events).toEqual(["classic member expired"]);
    t.clock.advance(700);
    const again = t.join("b", { memberId: b!.memberId });
    t.clock.advance(300);
    t.sync(again.member, { [b!.memberId]: "all" });
    await t.stored();
    expect(t.events).toEqual(["classic member expired", "classic rebalanced in 1000"]);
    t.leave([{ memberId: b!.memberId }]);
    expect(t.events).toHaveLength(2);
  });

  test("heartbeats and commits keep a member, with one timer", async () => {
    const t = new GroupTest();
    const { a } = await t.settle(["a"]);
    for (let i = 0; i < 50; i++) {
      t.clock.advance(6_000);
      expect(i % 2 === 0 ? t.heartbeat(a!) : t.commit(a!)).toBe("ok");
      expect(t.clock.timers).toBe(1);
    }
  });

  test("a member is not removed because the broker stood still", async () => {
    const t = new GroupTest();
    const { a } = await t.settle(["a"]);
    for (const ms of [10_010, 10_500, 60_000]) {
      t.clock.jump(ms);
      expect(t.heartbeat(a!)).toBe("ok");
    }
    t.clock.jump(60_000);
    t.clock.advance(1_000 + UNREAD_MS);
    expect(t.heartbeat(a!)).toBe("UNKNOWN_MEMBER_ID");
  });

  test("a member whose connection closed while it waited has a session timeout to come back", () => {
    const t = new GroupTest({ initialRebalanceDelayMs: 30_000 });
    const a = t.joinWithId("a");
    t.clock.advance(20_000);
    a.abandon!();
    t.clock.advance(9_999);
    expect(t.group.memberCount).toBe(1);
    t.clock.advance(1 + UNREAD_MS);
    expect(t.group.memberCount).toBe(0);
    expect(a.isWaiting).toBe(true);
  });

  test("it takes part in the generation that begins meanwhile", async () => {
    const t = new GroupTest({ initialRebalanceDelayMs: 50 });
    const a = t.joinWithId("a");
    const b = t.joinWithId("b");
    b.abandon!();
    t.clock.advance(100);
    expect(a.result?.members.length).toBe(2);
    const again = t.join("b", { memberId: b.memberId });
    expect(again.result).toMatchObject({ generation: 1, leader: a.memberId });
  });

  test("the last member leaves an empty group, which keeps its generation", async () => {
    const t = new GroupTest();
    const { a } = await t.settle(["a"]);
    expect(t.leave([{ memberId: a!.memberId }])).toEqual(["ok"]);
    expect(t.group.state).toBe("Empty");
    await t.stored();
    expect(t.isDropped).toBe(true);
    expect(t.records.at(-1)).toMatchObject({
      generation: 2,
      members: [],
      protocolType: "consumer",
    });
  });

  test("several members leave at once", async () => {
    const t = new GroupTest();
    const { a, b } = await t.settle(["a", "b", "c"]);
    const leaving = [a!.memberId, "nobody", b!.memberId].map((memberId) => ({ memberId }));
    expect(t.leave(leaving)).toEqual(["ok", "UNKNOWN_MEMBER_ID", "ok"]);
    expect([t.group.state, t.group.memberCount]).toEqual(["PreparingRebalance", 1]);
  });
});

describe("a static member", () => {
  test("takes its place again without a rebalance, and fences the one before", async () => {
    const t = new GroupTest();
    const { a } = await t.settle(["a"], { a: { instanceId: "i" } });
    const again = t.join("a", { instanceId: "i", maySkipAssignment: true });
    await t.stored();
    expect(again.result).toMatchObject({ generation: 1, skipAssignment: true });
    expect(again.result?.memberId).not.toBe(a!.memberId);
    expect(again.result?.leader).toBe(again.memberId);
    expect(again.result?.members.length).toBe(1);
    expect(t.group.state).toBe("Stable");
    expect(t.heartbeat(a!)).toBe("FENCED_INSTANCE_ID");
    expect(t.commit(a!)).toBe("FENCED_INSTANCE_ID");
    expect(t.heartbeat({ ...a!, memberId: again.memberId })).toBe("ok");
    expect(text(t.sync({ ...a!, memberId: again.memberId }).result!.assignment)).toBe("for a");
  });

  test("is not told that it leads if it would assign then", async () => {
    const t = new GroupTest();
    const { a } = await t.settle(["a"], { a: { instanceId: "i" } });
    const again = t.join("a", { instanceId: "i", maySkipAssignment: false });
    await t.stored();
    expect(again.result).toMatchObject({ leader: a!.memberId, skipAssignment: false, members: [] });
  });

  test("rebalances if its protocol is another one now, or the group is not stable", async () => {
    const t = new GroupTest();
    const protocols = [t.protocol("range"), t.protocol("sticky")];
    await t.settle(["a"], { a: { instanceId: "i", protocols } });
    const turned = t.join("a", { instanceId: "i", protocols: protocols.toReversed() });
    expect(turned.result).toMatchObject({ generation: 2, protocol: "sticky" });
    const again = t.join("a", { instanceId: "i", protocols });
    expect(again.result?.generation).toBe(3);
    expect(t.sync(turned.member).failure).toBe("FENCED_INSTANCE_ID");
  });

  test("that is replaced while it waits for its assignment leaves nothing behind", () => {
    const t = new GroupTest({ initialRebalanceDelayMs: 10 });
    const a = t.joinWithId("a");
    const b = t.joinWithId("b", { instanceId: "i" });
    t.clock.advance(30);
    const waiting = t.sync(b.member);
    t.join("b", { instanceId: "i" });
    expect(waiting.failure).toBe("FENCED_INSTANCE_ID");
    const again = t.join("a", { memberId: a.memberId });
    // The session of the old one would end now.
    for (let i = 0; i < 4; i++) {
      t.clock.advance(4_000);
      t.heartbeat(again.member);
    }
    expect(t.group.memberCount).toBe(1);
    expect(t.join("c").failure).toBe("MEMBER_ID_REQUIRED");
  });

  test("stays through a rebalance that it does not take part in", async () => {
    const t = new GroupTest();
    const { a, b } = await t.settle(["a", "b"], {
      a: { instanceId: "i", sessionTimeoutMs: 60_000 },
    });
    t.join("changed", { memberId: b!.memberId });
    t.clock.advance(30_000);
    expect([t.group.state, t.group.memberCount]).toEqual(["CompletingRebalance", 2]);
    expect(t.heartbeat(a!)).toBe("ILLEGAL_GENERATION");
  });

  test("can be removed by its instance id alone", async () => {
    const t = new GroupTest();
    await t.settle(["a"], { a: { instanceId: "i" } });
    expect(t.leave([{ memberId: "", instanceId: "j" }])).toEqual(["UNKNOWN_MEMBER_ID"]);
    expect(t.leave([{ memberId: "", instanceId: "i" }])).toEqual(["ok"]);
  });

  test("has a session from when it knows its id", async () => {
    const t = new GroupTest();
    const { a } = await t.settle(["a"], { a: { instanceId: "i" } });
    const again = t.join("a", { instanceId: "i" });
    t.clock.advance(60_000);
    await t.stored();
    t.clock.advance(9_999);
    expect(t.heartbeat({ ...a!, memberId: again.memberId })).toBe("ok");
    t.clock.advance(10_000 + UNREAD_MS);
    expect(t.group.memberCount).toBe(0);
  });

  test("has time to ask for its assignment when it comes back", async () => {
    const t = new GroupTest({ initialRebalanceDelayMs: 10 });
    const a = t.joinWithId("a", { sessionTimeoutMs: 100_000 });
    t.joinWithId("b", { instanceId: "i", sessionTimeoutMs: 100_000 });
    t.clock.advance(30);
    t.sync(a.member, {});
    await t.stored();
    t.clock.advance(29_000);
    t.join("b", { instanceId: "i", sessionTimeoutMs: 100_000 });
    await t.stored();
    t.clock.advance(29_000);
    expect([t.group.state, t.group.memberCount]).toEqual(["Stable", 2]);
    t.clock.advance(1_000);
    expect([t.group.state, t.group.memberCount]).toEqual(["PreparingRebalance", 1]);
  });

  test("whose place is taken again before it was told its id is fenced", async () => {
    const t = new GroupTest();
    await t.settle(["a"], { a: { instanceId: "i" } });
    const [second, third] = [t.join("a", { instanceId: "i" }), t.join("a", { instanceId: "i" })];
    await t.stored();
    expect([second.failure, third.result?.generation]).toEqual(["FENCED_INSTANCE_ID", 1]);
  });

  test("has its old place back if the new one can't be stored", async () => {
    const t = new GroupTest();
    const { a } = await t.settle(["a"], { a: { instanceId: "i" } });
    t.failNextStore();
    const again = t.join("a", { instanceId: "i" });
    await t.stored();
    expect(again.failure).toBe("COORDINATOR_NOT_AVAILABLE");
    expect(t.heartbeat(a!)).toBe("ok");
  });
});

describe("committing", () => {
  test("without membership is possible only while there are no members", async () => {
    const t = new GroupTest();
    const nobody = { memberId: "", instanceId: null, generation: -1 };
    expect(t.commit(nobody)).toBe("ok");
    await t.settle(["a"]);
    expect(t.commit(nobody)).toBe("UNKNOWN_MEMBER_ID");
  });

  test("waits for the assignment, but not for the next generation", async () => {
    const t = new GroupTest();
    const { a } = await t.settle(["a"]);
    const b = t.joinWithId("b");
    expect(t.commit(a!)).toBe("ok");
    t.join("a", { memberId: a!.memberId });
    expect(t.commit(b.member)).toBe("REBALANCE_IN_PROGRESS");
  });
});

test("a restored group goes on where it was, with new sessions", async () => {
  const t = new GroupTest();
  const { a, b } = await t.settle(["a", "b"], { b: { instanceId: "i" } });
  t.restart();
  expect(t.group.state).toBe("Stable");
  t.clock.advance(9_000);
  for (const member of [a!, b!]) expect(t.heartbeat(member)).toBe("ok");
  expect(text(t.sync(b!).result!.assignment)).toBe("for b");
  expect(t.join("a", { memberId: a!.memberId }).isWaiting).toBe(true);
  t.restart();
  t.clock.advance(10_000 + UNREAD_MS);
  expect(t.group.memberCount).toBe(0);
});
