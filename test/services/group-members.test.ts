// Who reads what in a group, and the groups in lists, with real coordinator, registry and store.
// Leaves to others: joining (test/groups, test/protocol/kafka), and showing it (test/cli, test/http).
import { expect, test } from "bun:test";
import { assignedPartitions } from "../../src/groups/classic/consumer-protocol.js";
import { type Caller, EVERYONE } from "../../src/security/caller.js";
import { withCaller } from "../../src/services/context.js";
import { readGroupLags } from "../../src/services/group-lag.js";
import { describeMembers, partitionOwners } from "../../src/services/group-members.js";
import {
  deleteGroup,
  describeConsumerGroup,
  describeGroup,
  listGroups,
} from "../../src/services/groups.js";
import { codeOf } from "../support/client-setup.js";
import { assignment, joinGroup } from "../support/group-members.js";
import { batchOf, startBroker } from "../support/broker.js";
import { turnsOf } from "../support/turns.js";

test("a group has its members by id, with what each reads", async () => {
  await using running = await startBroker();
  const { context } = running.broker;
  await context.registry.create("t", 3, {});
  await context.registry.create("u", 1, {});
  const ids = await joinGroup(context.groups, "g", [
    { clientId: "one", assigned: { t: [0, 2] } },
    { clientId: "two", instanceId: "i", assigned: { t: [1], u: [0] } },
  ]);
  const { members, ...state } = await describeMembers(context, "g");
  expect(state).toEqual({
    ...{ state: "Stable", type: "classic", protocolType: "consumer" },
    ...{ assignor: "range", generation: 1, assignmentEpoch: undefined },
  });
  expect(members).toEqual(
    [
      {
        ...{ memberId: ids[0]!, instanceId: null, clientId: "one", host: "10.0.0.7" },
        epoch: undefined,
        assignment: [{ topic: "t", partitions: [0, 2] }],
      },
      {
        ...{ memberId: ids[1]!, instanceId: "i", clientId: "two", host: "10.0.0.7" },
        epoch: undefined,
        assignment: [
          { topic: "t", partitions: [1] },
          { topic: "u", partitions: [0] },
        ],
      },
    ].sort((a, b) => (a.memberId < b.memberId ? -1 : 1)),
  );
});

test("a group whose assignment the broker makes has them too", async () => {
  await using running = await startBroker();
  const { context } = running.broker;
  await context.registry.create("t", 2, {});
  await context.groups.consumerHeartbeat("g", {
    ...{ memberId: "member-1", memberEpoch: 0, instanceId: null, rackId: null },
    ...{ rebalanceTimeoutMs: 30_000, topicNames: ["t"], pattern: null, assignor: null },
    ...{ owned: [], clientId: "one", clientHost: "/10.0.0.7" },
  });
  const described = await describeMembers(context, "g");
  expect(described).toMatchObject({
    type: "consumer",
    protocolType: "consumer",
    assignor: "uniform",
    ...{ generation: 2, assignmentEpoch: 2 },
  });
  expect(described.members).toEqual([
    {
      ...{ memberId: "member-1", instanceId: null, clientId: "one", host: "10.0.0.7" },
      epoch: 2,
      assignment: [{ topic: "t", partitions: [0, 1] }],
    },
  ]);
  expect([...(await describeGroup(context, "g"))].map(({ memberId }) => memberId)).toEqual([
    "member-1",
    "member-1",
  ]);
  // Who may not see the topic does not learn its name.
  const may: Caller["may"] = (_, type) => type === "GROUP";
  const stranger = withCaller(context, { ...EVERYONE, may });
  expect((await describeMembers(stranger, "g")).members.map((member) => member.assignment)).toEqual(
    [[]],
  );
  expect(() => describeConsumerGroup(stranger, "g")).toThrow(
    "User:ANONYMOUS has no permission DESCRIBE on a topic that group 'g' reads",
  );
});

test("the topics of a group are those with a commit and those that its members read", async () => {
  await using running = await startBroker();
  const { context } = running.broker;
  for (const topic of ["a", "b", "c"]) {
    await context.registry.create(topic, 2, {});
    await context.registry.partition(topic, 1).append(batchOf("x", "y"));
  }
  const [id] = await joinGroup(context.groups, "g", [{ clientId: "c", assigned: { b: [1] } }]);
  await context.offsets.commit("g", [{ topic: "c", partition: 1, offset: 1 }]);
  const found = [...(await describeGroup(context, "g"))];
  expect(
    found.map(({ topic, partition, lag, memberId }) => [topic, partition, lag, memberId]),
  ).toEqual([
    ["b", 0, 0, undefined],
    ["b", 1, 2, id],
    ["c", 0, 0, undefined],
    ["c", 1, 1, undefined],
  ]);
  expect([...(await describeGroup(context, "g", { topic: "b", partition: 1 }))]).toHaveLength(2);
});

test("the members of a large group are looked at in several turns of the event loop", async () => {
  await using running = await startBroker();
  const { context } = running.broker;
  await context.registry.create("t", 1, {});
  const specs = Array.from({ length: 1_100 }, (_, i) => ({
    clientId: `client-${i}`,
    assigned: { t: i === 700 ? [0] : [] },
  }));
  const ids = await joinGroup(context.groups, "g", specs);
  const members = await turnsOf(describeMembers(context, "g"));
  expect(members.result.members.map(({ memberId }) => memberId)).toEqual(ids.toSorted());
  expect(members.turns).toBeGreaterThanOrEqual(1_100 / 250 - 1);
  const owners = await turnsOf(partitionOwners(context, "g"));
  expect(owners.result.get("t")).toEqual(new Map([[0, ids[700]!]]));
  expect(owners.turns).toBeGreaterThanOrEqual(1_100 / 250 - 1);
});

test("groups with members and those with offsets are listed together, by name", async () => {
  await using running = await startBroker({ offsets: "memory" });
  const { context } = running.broker;
  await context.registry.create("t", 1, {});
  for (const group of ["b", "d", "f"]) {
    await context.offsets.commit(group, [{ topic: "t", partition: 0, offset: 0 }]);
  }
  for (const group of ["a", "d", "e", "g"]) {
    await joinGroup(context.groups, group, [{ clientId: "c", assigned: { t: [0] } }]);
  }
  const listed = [...(await listGroups(context, ""))];
  expect(
    listed.map(({ group, state, type, members, partitions }) => [
      group,
      state,
      type,
      members,
      partitions,
    ]),
  ).toEqual([
    ["a", "Stable", "classic", 1, 0],
    ["b", "Empty", "", 0, 1],
    ["d", "Stable", "classic", 1, 1],
    ["e", "Stable", "classic", 1, 0],
    ["f", "Empty", "", 0, 1],
    ["g", "Stable", "classic", 1, 0],
  ]);
  expect([...(await listGroups(context, "d"))].map(({ group }) => group)).toEqual(["e", "f", "g"]);
  const lags = await readGroupLags(context, { groupsMax: 3, partitionsMax: 10 });
  expect(lags.groups.map(({ group }) => group)).toEqual(["a", "b", "d"]);
  expect(lags.hasMore).toBe(true);
});

test("a group that never was is not found, and one with members is not deleted", async () => {
  await using running = await startBroker();
  const { context } = running.broker;
  await joinGroup(context.groups, "g", [{ clientId: "c", assigned: {} }]);
  expect(await codeOf(describeMembers(context, "h"))).toBe("GROUP_NOT_FOUND");
  expect(await codeOf(describeMembers(context, ""))).toBe("INVALID_GROUP");
  expect(await codeOf(deleteGroup(context, "g"))).toBe("NON_EMPTY_GROUP");
});

test("an assignment that is cut off anywhere has no partitions, and nothing is read past its end", () => {
  const bytes = assignment({ topic: [0, 7], other: [1] });
  expect(assignedPartitions(bytes)).toEqual([
    { topic: "topic", partitions: [0, 7] },
    { topic: "other", partitions: [1] },
  ]);
  const end = bytes.length - 4;
  for (let length = 0; length < end; length++) {
    expect(assignedPartitions(bytes.subarray(0, length))).toEqual([]);
  }
  const many = bytes.slice();
  many.fill(0x7f, 2, 6);
  expect(assignedPartitions(many)).toEqual([]);
  const negative = bytes.slice();
  negative.fill(0xff, 0, 2);
  expect(assignedPartitions(negative)).toEqual([]);
});
