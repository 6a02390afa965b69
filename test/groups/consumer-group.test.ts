// A consumer group, step by step: what its members are told, and when.
// Leaves to others: random schedules (consumer-group-model.test.ts), the same over the wire (protocol/kafka/consumer-groups.test.ts).
import { describe, expect, test } from "bun:test";
import { decodeAssignment } from "../../src/groups/classic/consumer-protocol.js";
import type { HeartbeatResponse } from "../../src/groups/consumer/consumer-requests.js";
import {
  codeOf,
  ConsumerGroupTest,
  HEARTBEAT_MS,
  REBALANCE_MS,
  SESSION_MS,
  subscriptionBytes,
} from "../support/consumer-group-test.js";

/** The partitions of the only topic in a response; undefined if it has no assignment. */
function partitions({ assignment }: HeartbeatResponse): readonly number[] | undefined {
  return assignment?.flatMap((each) => each.partitions);
}

function setup(count = 4) {
  const t = new ConsumerGroupTest();
  const topic = t.topics.set("t", count);
  const owned = (...owns: number[]) =>
    owns.length === 0 ? [] : [{ topicId: topic.id, partitions: owns }];
  return { t, topic, owned };
}

describe("reconciliation", () => {
  test("the only member gets everything at once", () => {
    const { t } = setup();
    const a = t.join("a");
    expect(a.memberEpoch).toBe(2);
    expect(partitions(a)).toEqual([0, 1, 2, 3]);
    expect(t.group.state).toBe("Stable");
    expect(partitions(t.heartbeat({ memberId: "a", memberEpoch: 2 }))).toBeUndefined();
  });

  test("a partition is granted once its reader says that it has stopped", () => {
    const { t, owned } = setup();
    t.join("a");
    const b = t.join("b");
    expect(b.memberEpoch).toBe(3);
    expect(partitions(b)).toEqual([]);
    expect(b.heartbeatIntervalMs).toBeLessThan(HEARTBEAT_MS);
    expect(t.group.state).toBe("Reconciling");
    const told = t.heartbeat({ memberId: "a", memberEpoch: 2, owned: owned(0, 1, 2, 3) });
    expect([told.memberEpoch, partitions(told)]).toEqual([2, [0, 1]]);
    // It says nothing new, so it still reads all of them.
    t.heartbeat({ memberId: "a", memberEpoch: 2 });
    t.heartbeat({ memberId: "a", memberEpoch: 2, owned: owned(0, 1, 3) });
    expect(partitions(t.heartbeat({ memberId: "b", memberEpoch: 3 }))).toBeUndefined();
    expect(t.heartbeat({ memberId: "a", memberEpoch: 2, owned: owned(0, 1) }).memberEpoch).toBe(3);
    expect(partitions(t.heartbeat({ memberId: "b", memberEpoch: 3 }))).toEqual([2, 3]);
    expect(t.group.state).toBe("Stable");
  });

  test("a heartbeat without news writes nothing", () => {
    const { t } = setup();
    t.join("a");
    const { writes } = t;
    for (let i = 0; i < 3; i++) t.heartbeat({ memberId: "a", memberEpoch: 2 });
    expect(t.writes).toBe(writes);
  });

  test("a member that leaves frees its partitions at once", () => {
    const { t, owned } = setup();
    t.join("a");
    t.join("b");
    t.heartbeat({ memberId: "a", memberEpoch: 2, owned: owned(0, 1, 2, 3) });
    t.heartbeat({ memberId: "a", memberEpoch: -1 });
    expect(partitions(t.heartbeat({ memberId: "b", memberEpoch: 3 }))).toEqual([0, 1, 2, 3]);
  });

  test("a member is woken as soon as its next heartbeat has news, and only then", () => {
    const { t, owned } = setup();
    const woken: string[] = [];
    const watch = (id: string): void => t.group.onNews(id, () => woken.push(id));
    t.join("a");
    watch("a");
    t.join("b");
    expect(woken).toEqual(["a"]);
    watch("b");
    t.heartbeat({ memberId: "a", memberEpoch: 2, owned: owned(0, 1, 2, 3) });
    expect(woken).toEqual(["a"]);
    t.heartbeat({ memberId: "a", memberEpoch: 2, owned: owned(0, 1) });
    expect(woken).toContain("b");
    watch("a");
    t.clock.advance(SESSION_MS + 1_000);
    expect(woken.filter((id) => id === "a")).toHaveLength(2);
  });

  test("new partitions of a topic are assigned, and a recreated topic is another one", () => {
    const { t, topic } = setup(2);
    t.join("a");
    t.topics.set("t", 3, topic.id);
    t.changed("t");
    expect(partitions(t.heartbeat({ memberId: "a", memberEpoch: 2 }))).toEqual([0, 1, 2]);
    t.topics.delete("t");
    t.topics.set("t", 1);
    t.changed("t");
    const told = t.heartbeat({ memberId: "a", memberEpoch: 3 });
    expect([told.memberEpoch, partitions(told)]).toEqual([3, []]);
    const next = t.heartbeat({ memberId: "a", memberEpoch: 3, owned: [] });
    expect([next.memberEpoch, partitions(next)]).toEqual([4, [0]]);
  });

  test("an expression follows topics that are created and deleted", () => {
    const { t } = setup(1);
    expect(partitions(t.join("a", { pattern: "t.*" }))).toEqual([0]);
    t.topics.set("t2", 2);
    t.changed("t2");
    expect(t.heartbeat({ memberId: "a", memberEpoch: 2 }).assignment).toHaveLength(2);
    t.topics.delete("t2");
    t.changed("t2");
    expect(t.heartbeat({ memberId: "a", memberEpoch: 3 }).assignment).toHaveLength(1);
  });

  test("the assignor is the one that most members ask for", () => {
    const { t } = setup(4);
    t.join("z", { assignor: "range" });
    t.join("a", { assignor: "range" });
    t.join("b", { assignor: "uniform" });
    const { assignor, members } = t.group.describeConsumers();
    expect(assignor).toBe("range");
    const targets = members.map(({ memberId, target }) => [memberId, target[0]?.partitions]);
    expect(Object.fromEntries(targets)).toEqual({ a: [0, 1], b: [2], z: [3] });
  });

  test("a large group collects changes", () => {
    const t = new ConsumerGroupTest(1_000);
    t.leaveMemory(2 ** 40);
    t.topics.set("t", 5_000);
    t.join("a");
    t.join("b");
    expect(t.group.state).toBe("Assigning");
    t.join("c");
    t.clock.advance(60);
    expect(t.group.assignmentEpoch).toBe(t.group.groupEpoch);
  });
});

describe("time", () => {
  test("a silent member is removed after its session timeout", () => {
    const { t } = setup();
    t.join("a");
    t.join("b");
    t.clock.advance(SESSION_MS - 1);
    t.heartbeat({ memberId: "b", memberEpoch: 3 });
    t.clock.advance(201);
    expect(t.group.member("a")).toBeUndefined();
    expect(partitions(t.heartbeat({ memberId: "b", memberEpoch: 3 }))).toEqual([0, 1, 2, 3]);
    expect(t.codeOf({ memberId: "a", memberEpoch: 2 })).toBe("UNKNOWN_MEMBER_ID");
  });

  test("a member that is silent can be removed before its session is over", () => {
    const { t } = setup();
    t.join("a");
    const { memberEpoch } = t.join("b");
    t.clock.advance(30_000);
    t.heartbeat({ memberId: "b", memberEpoch });
    t.clock.advance(5_000);
    t.group.expireSilent(35_000);
    expect(t.group.memberCount).toBe(2);
    t.group.expireSilent(34_000);
    expect([t.group.member("a"), t.group.memberCount]).toEqual([undefined, 1]);
    expect(t.events).toContain("consumer member expired");
  });

  test("rebalances and silent members are counted", () => {
    const { t, owned } = setup();
    t.join("a");
    expect(t.events).toEqual(["consumer rebalanced in 0"]);
    t.join("b");
    t.clock.advance(30);
    t.heartbeat({ memberId: "a", memberEpoch: 2, owned: owned(0, 1) });
    expect(t.events).toHaveLength(1);
    t.clock.advance(10);
    t.heartbeat({ memberId: "b", memberEpoch: 3 });
    expect(t.events.slice(1)).toEqual(["consumer rebalanced in 40"]);
    t.clock.advance(SESSION_MS - 50);
    t.heartbeat({ memberId: "b", memberEpoch: 3 });
    t.clock.advance(1_000);
    expect(t.events.slice(2)).toEqual(["consumer member expired"]);
    t.heartbeat({ memberId: "b", memberEpoch: 3 });
    expect(t.events[3]).toStartWith("consumer rebalanced in ");
    t.heartbeat({ memberId: "b", memberEpoch: -1 });
    expect(t.events).toHaveLength(4);
  });

  test("a member that does not give up partitions is removed after its rebalance timeout", () => {
    const { t, owned } = setup();
    t.join("a");
    t.join("b");
    for (let ms = 0; ms < REBALANCE_MS + 2 * HEARTBEAT_MS; ms += HEARTBEAT_MS) {
      if (t.group.member("a") === undefined) break;
      t.heartbeat({ memberId: "a", memberEpoch: 2, owned: owned(0, 1, 2, 3) });
      t.heartbeat({ memberId: "b", memberEpoch: 3 });
      t.clock.advance(HEARTBEAT_MS);
    }
    expect(t.group.member("a")).toBeUndefined();
    expect(partitions(t.heartbeat({ memberId: "b", memberEpoch: 3 }))).toEqual([0, 1, 2, 3]);
  });

  test("nobody is removed because the broker stood still", () => {
    for (const ms of [SESSION_MS + 10, SESSION_MS + 5_000, 10 * SESSION_MS]) {
      const { t } = setup();
      t.join("a");
      t.clock.jump(ms);
      expect(t.codeOf({ memberId: "a", memberEpoch: 2 })).toBe("none");
    }
  });
});

describe("fencing", () => {
  test("epochs other than the member's are refused", () => {
    const { t } = setup();
    t.join("a");
    expect(t.codeOf({ memberId: "a", memberEpoch: 3 })).toBe("FENCED_MEMBER_EPOCH");
    expect(t.codeOf({ memberId: "a", memberEpoch: 1 })).toBe("FENCED_MEMBER_EPOCH");
    expect(t.codeOf({ memberId: "b", memberEpoch: 1 })).toBe("UNKNOWN_MEMBER_ID");
    expect(t.codeOf({ memberId: "b", memberEpoch: -1 })).toBe("UNKNOWN_MEMBER_ID");
  });

  test("the epoch before is accepted from a member that has not heard of the new one", () => {
    const { t, topic, owned } = setup(2);
    t.join("a");
    t.topics.set("t", 3, topic.id);
    t.changed("t");
    t.heartbeat({ memberId: "a", memberEpoch: 2 });
    const again = { memberId: "a", memberEpoch: 2, owned: owned(0, 1) };
    expect(t.heartbeat(again).memberEpoch).toBe(3);
    expect(t.codeOf({ ...again, owned: null })).toBe("FENCED_MEMBER_EPOCH");
  });

  test("only a member with its own epoch can commit, and anybody if there is none", () => {
    const { t } = setup();
    const check = (memberId: string, generation: number) =>
      codeOf(() => t.group.checkCommit({ memberId, generation, instanceId: null }));
    expect(check("", -1)).toBe("none");
    t.join("a");
    expect(check("", -1)).toBe("UNKNOWN_MEMBER_ID");
    expect(check("b", 2)).toBe("UNKNOWN_MEMBER_ID");
    expect(check("a", 1)).toBe("STALE_MEMBER_EPOCH");
    expect(check("a", 2)).toBe("none");
    t.clock.advance(2 * SESSION_MS);
    expect(check("a", 2)).toBe("UNKNOWN_MEMBER_ID");
  });

  test("a member that has not heard of its epoch commits for what it had before", () => {
    const { t, topic } = setup(1);
    t.join("a");
    t.topics.set("t", 2, topic.id);
    t.changed("t");
    t.heartbeat({ memberId: "a", memberEpoch: 2 });
    const check = (generation: number, ...partitions: number[]) =>
      codeOf(() =>
        t.group.checkCommit({
          ...{ memberId: "a", generation, instanceId: null },
          partitions: partitions.map((partition) => ({ topic: "t", partition })),
        }),
      );
    expect(check(3, 0, 1)).toBe("none");
    expect(check(2, 0)).toBe("none");
    expect(check(2, 0, 1)).toBe("STALE_MEMBER_EPOCH");
    expect(check(1, 0)).toBe("STALE_MEMBER_EPOCH");
    expect(check(4, 0)).toBe("STALE_MEMBER_EPOCH");
    expect(check(2, 7)).toBe("STALE_MEMBER_EPOCH");
  });

  test("a member that needs more memory than there is left is refused, and leaves nothing behind", () => {
    const { t } = setup();
    const topicNames = Array.from({ length: 1_000 }, (_, i) => `${"n".repeat(200)}${i}`);
    expect(codeOf(() => t.join("a", { topicNames }))).toBe("GROUP_MAX_SIZE_REACHED");
    expect(codeOf(() => t.join("i".repeat(200_000)))).toBe("GROUP_MAX_SIZE_REACHED");
    expect([t.group.memberCount, t.memory.bytes, t.subscribed.size]).toEqual([0, 0, 0]);
  });

  test("assigned partitions need memory as well, also in a restored group", () => {
    const { t } = setup(2_000);
    t.leaveMemory(250_000);
    t.join("a");
    expect(t.memory.left).toBeWithin(0, 50_000);
    t.leaveMemory(1_000);
    expect(codeOf(() => t.join("b"))).toBe("GROUP_MAX_SIZE_REACHED");
    t.restart();
    expect(t.memory.left).toBe(1_000);
    expect(codeOf(() => t.join("b"))).toBe("GROUP_MAX_SIZE_REACHED");
    t.leaveMemory(20_000);
    expect(codeOf(() => t.join("b"))).toBe("none");
  });

  test("a member that has joined can't grow without bound", () => {
    const { t } = setup();
    const { memberEpoch } = t.join("a");
    t.joinClassic("b");
    t.leaveMemory(1_900);
    const { bytes } = t.memory;
    const refused = [
      codeOf(() => t.heartbeat({ memberId: "a", memberEpoch, rackId: "r".repeat(1_000) })),
      codeOf(() => t.heartbeat({ memberId: "a", memberEpoch, instanceId: "i".repeat(1_000) })),
      codeOf(() =>
        t.joinClassic("b", [], {
          protocols: [
            { name: "range", metadata: subscriptionBytes(["t"], []) },
            { name: "large", metadata: new Uint8Array(10_000) },
          ],
        }),
      ),
    ];
    expect(refused).toEqual(Array(3).fill("GROUP_MAX_SIZE_REACHED"));
    expect(t.memory.bytes).toBe(bytes);
    t.heartbeat({ memberId: "a", memberEpoch, rackId: "r".repeat(500) });
    expect(t.memory.bytes).toBeGreaterThan(bytes + 500);
  });

  test("a topic that grows beyond what memory allows leaves the assignment as it is", () => {
    const { t } = setup(3);
    t.topics.set("u", 1);
    t.join("a", { topicNames: ["t", "u"] });
    t.leaveMemory(10_000);
    t.topics.set("u", 1_000, t.topics.find("u")!.id);
    t.changed("u");
    const targetOf = () =>
      t.group.describeConsumers().members.map(({ target }) => target.map((of) => of.partitions));
    expect(targetOf()).toEqual([[[0, 1, 2], [0]]]);
    expect(t.events.at(-1)).toBe("no memory");
    expect(t.memory.left).toBe(10_000);
    t.leaveMemory(1_000_000);
    t.changed("u");
    expect(targetOf()[0]![1]).toHaveLength(1_000);
  });

  test("a member names at most 10,000 topics", () => {
    const { t } = setup();
    t.leaveMemory(10_000_000);
    const names = (count: number) => Array.from({ length: count }, (_, i) => `${i}`);
    expect(codeOf(() => t.join("a", { topicNames: names(10_001) }))).toBe("INVALID_REQUEST");
    expect(t.group.memberCount).toBe(0);
    expect(codeOf(() => t.join("a", { topicNames: names(10_000) }))).toBe("none");
  });

  test("a member that says the same again needs no memory", () => {
    const { t } = setup();
    t.join("a", { pattern: "t.*" });
    t.join("b", { topicNames: ["t"] });
    t.leaveMemory(0);
    expect(codeOf(() => t.join("a", { pattern: "t.*" }))).toBe("none");
    expect(codeOf(() => t.join("b", { topicNames: ["t"] }))).toBe("none");
    expect(codeOf(() => t.join("b", { topicNames: ["t", "another"] }))).toBe(
      "GROUP_MAX_SIZE_REACHED",
    );
  });

  test("a full group refuses the next member", () => {
    const t = new ConsumerGroupTest(1);
    t.join("a");
    expect(codeOf(() => t.join("b"))).toBe("GROUP_MAX_SIZE_REACHED");
    expect(codeOf(() => t.join("a"))).toBe("none");
  });
});

describe("static members", () => {
  test("one that left for a while keeps its partitions, under another member id", () => {
    const { t } = setup();
    t.join("a", { instanceId: "i" });
    t.join("b");
    const left = t.heartbeat({ memberId: "a", memberEpoch: -2, instanceId: "i" });
    expect(left.memberEpoch).toBe(-2);
    expect(partitions(t.heartbeat({ memberId: "b", memberEpoch: 3 }))).toBeUndefined();
    const { groupEpoch } = t.group;
    const back = t.join("a2", { instanceId: "i" });
    expect(partitions(back)).toEqual([0, 1]);
    expect(t.group.groupEpoch).toBe(groupEpoch);
    expect(t.codeOf({ memberId: "a", memberEpoch: 2, instanceId: "i" })).toBe("FENCED_INSTANCE_ID");
    expect(t.codeOf({ memberId: "a", memberEpoch: 2 })).toBe("UNKNOWN_MEMBER_ID");
  });

  test("one that does not come back is removed", () => {
    const { t } = setup();
    t.join("a", { instanceId: "i" });
    t.heartbeat({ memberId: "a", memberEpoch: -2, instanceId: "i" });
    t.clock.advance(SESSION_MS + 200);
    expect(t.group.state).toBe("Empty");
  });

  test("an instance that is in use can't join again", () => {
    const { t } = setup();
    t.join("a", { instanceId: "i" });
    expect(codeOf(() => t.join("b", { instanceId: "i" }))).toBe("UNRELEASED_INSTANCE_ID");
    expect(t.codeOf({ memberId: "a", memberEpoch: 2, instanceId: "j" })).toBe("UNKNOWN_MEMBER_ID");
  });

  test("an administrator removes one by its instance", () => {
    const { t } = setup();
    t.join("a", { instanceId: "i" });
    expect(t.group.removeMember({ memberId: "", instanceId: "j" })?.code).toBe("UNKNOWN_MEMBER_ID");
    expect(t.group.removeMember({ memberId: "", instanceId: "i" })).toBeUndefined();
    expect(t.group.memberCount).toBe(0);
  });
});

describe("a restart", () => {
  test("members go on where they were", () => {
    const { t, owned } = setup();
    t.join("a", { instanceId: "i", rackId: "r" });
    t.join("b", { pattern: "t.*", assignor: "range" });
    t.heartbeat({ memberId: "a", memberEpoch: 2, instanceId: "i", owned: owned(0, 1, 2, 3) });
    const before = t.group.describeConsumers();
    t.restart();
    expect(t.group.describeConsumers()).toEqual(before);
    expect(t.codeOf({ memberId: "b", memberEpoch: 3 })).toBe("none");
    const a = { memberId: "a", memberEpoch: 2, instanceId: "i", owned: owned(0, 1) };
    expect(t.heartbeat(a).memberEpoch).toBe(3);
    expect(partitions(t.heartbeat({ memberId: "b", memberEpoch: 3 }))).toEqual([2, 3]);
  });

  test("topics that changed meanwhile are assigned anew", () => {
    const { t, topic } = setup(1);
    t.join("a");
    t.topics.set("t", 2, topic.id);
    t.restart();
    expect(partitions(t.heartbeat({ memberId: "a", memberEpoch: 2 }))).toEqual([0, 1]);
  });

  test("a group that all members have left keeps its epoch, and nothing else", () => {
    const { t } = setup();
    t.join("a", { pattern: "t.*" });
    t.heartbeat({ memberId: "a", memberEpoch: -1 });
    expect([...t.stored.of("g")]).toHaveLength(2);
    const { groupEpoch } = t.group;
    t.restart();
    expect(t.group.groupEpoch).toBe(groupEpoch);
    expect(t.group.state).toBe("Empty");
  });

  test("damaged records cost what they say, and nothing else", () => {
    const { t } = setup();
    t.join("a");
    t.join("b");
    for (const [key] of [...t.stored.of("g")]) {
      const text = new TextDecoder().decode(key);
      if (key[1] === 8 && text.endsWith("b")) t.stored.apply([key, null]);
    }
    t.restart();
    expect(t.group.memberCount).toBe(1);
    expect(t.codeOf({ memberId: "a", memberEpoch: 2 })).toBe("none");
  });
});

describe("members of the classic protocol", () => {
  test("join again for each new assignment, and are told to", () => {
    const { t } = setup();
    t.join("new");
    const joined = t.joinClassic("old");
    expect(joined).toMatchObject({ generation: 3, protocol: "range", leader: "", members: [] });
    expect(t.syncClassic("old", 3)).toEqual([]);
    expect(t.heartbeatClassic("old", 3)).toBe("none");
    const { topicPartitions } = {
      topicPartitions: t.heartbeat({ memberId: "new", memberEpoch: 2 }),
    };
    t.heartbeat({ memberId: "new", memberEpoch: 2, owned: topicPartitions.assignment ?? [] });
    expect(t.heartbeatClassic("old", 3)).toBe("REBALANCE_IN_PROGRESS");
    t.joinClassic("old");
    expect(t.syncClassic("old", 3)).toEqual([2, 3]);
    expect(t.heartbeatClassic("old", 3)).toBe("none");
    expect(t.heartbeatClassic("old", 2)).toBe("ILLEGAL_GENERATION");
    expect(t.heartbeatClassic("new", 3)).toBe("UNKNOWN_MEMBER_ID");
  });

  test("give up partitions step by step if they are cooperative", () => {
    const { t } = setup();
    t.join("new");
    t.heartbeat({ memberId: "new", memberEpoch: -1 });
    t.joinClassic("old");
    const { generation } = t.joinClassic("old", [0, 1, 2, 3]);
    expect(t.syncClassic("old", generation)).toEqual([0, 1, 2, 3]);
    const joined = t.join("new");
    expect(t.heartbeatClassic("old", generation)).toBe("REBALANCE_IN_PROGRESS");
    const again = t.joinClassic("old", [0, 1, 2, 3]);
    expect(t.syncClassic("old", again.generation)).toEqual([0, 1]);
    expect(partitions(t.heartbeat({ memberId: "new", memberEpoch: joined.memberEpoch }))).toBe(
      undefined,
    );
    expect(t.heartbeatClassic("old", again.generation)).toBe("REBALANCE_IN_PROGRESS");
    expect(t.joinClassic("old", [0, 1]).generation).toBe(joined.memberEpoch);
    expect(partitions(t.heartbeat({ memberId: "new", memberEpoch: joined.memberEpoch }))).toEqual([
      2, 3,
    ]);
  });

  test("are removed if they don't join again, or are silent for longer than they said", () => {
    const { t } = setup();
    t.join("new");
    t.joinClassic("old");
    t.clock.advance(10_200);
    expect(t.group.member("old")).toBeUndefined();
    t.joinClassic("old");
    const { generation } = t.joinClassic("old");
    t.syncClassic("old", generation);
    t.join("third");
    for (let ms = 0; ms < REBALANCE_MS + HEARTBEAT_MS; ms += HEARTBEAT_MS) {
      if (t.group.member("old") === undefined) break;
      expect(t.heartbeatClassic("old", generation)).toBe("REBALANCE_IN_PROGRESS");
      t.heartbeat({ memberId: "third", memberEpoch: t.group.member("third")!.position.epoch });
      t.clock.advance(HEARTBEAT_MS);
    }
    expect(t.group.member("old")).toBeUndefined();
  });

  test("are refused if they are not consumers, or have no assignor of the others", () => {
    const { t } = setup();
    t.join("new");
    t.joinClassic("old");
    const metadata = subscriptionBytes(["t"], []);
    for (const request of [
      { protocolType: "connect" },
      { protocols: [] },
      { protocols: [{ name: "own", metadata }] },
      { protocols: [{ name: "range", metadata: metadata.subarray(0, 5) }] },
    ]) {
      expect(codeOf(() => t.joinClassic("other", [], request))).toBe("INCONSISTENT_GROUP_PROTOCOL");
    }
    expect(t.group.memberCount).toBe(2);
  });

  test("go on after a restart, and can then be a classic group", () => {
    const { t } = setup();
    t.join("new");
    t.heartbeat({ memberId: "new", memberEpoch: -1 });
    const { generation } = t.joinClassic("old");
    t.restart();
    expect(t.heartbeatClassic("old", generation)).toBe("none");
    expect(t.group.isClassicOnly).toBe(true);
    const { members, ...group } = t.group.toClassic();
    expect(group).toMatchObject({ protocolType: "consumer", generation, protocol: "range" });
    expect(members[0]).toMatchObject({ memberId: "old", sessionTimeoutMs: 10_000 });
    const [assigned] = decodeAssignment(members[0]!.assignment);
    expect(assigned).toEqual({ topic: "t", partitions: [0, 1, 2, 3] });
  });
});

test("what is shared by all groups is given back", () => {
  const { t } = setup();
  t.join("a");
  t.join("b", { pattern: "t.*" });
  t.joinClassic("c");
  expect(t.members).toBe(3);
  expect(t.memory.bytes).toBeGreaterThan(0);
  for (const memberId of ["a", "b"]) t.heartbeat({ memberId, memberEpoch: -1 });
  t.group.close();
  expect([t.members, t.memory.bytes]).toEqual([0, 0]);
  expect([t.members, t.memory.bytes, t.subscribed.size, t.topics.users.size]).toEqual([0, 0, 0, 0]);
  expect(t.clock.timers).toBe(0);
});
