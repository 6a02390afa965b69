// Committed offsets and groups, with plain values. Leaves to others: the lag (group-lag.test.ts).
import { expect, test } from "bun:test";
import { RustLogError } from "../../src/errors.js";
import { NO_MEMBER } from "../../src/groups/group.js";
import {
  commitEach,
  commitOffsets,
  deleteEach,
  deleteOffsets,
  deleteTopicOffsets,
  fetchOffsets,
  storedOffset,
  storedOffsets,
} from "../../src/services/committed-offsets.js";
import { type Caller, EVERYONE } from "../../src/security/caller.js";
import { type ServiceContext, withCaller } from "../../src/services/context.js";
import { deleteGroup, describeGroup, listGroups } from "../../src/services/groups.js";
import { batchOf, codeOf, settle } from "../support/log-fixture.js";
import { openServices } from "../support/services.js";

const commit = (partition: number, offset: number, topic = "t") => ({ topic, partition, offset });

async function open() {
  const context = await openServices();
  await context.registry.create("t", 2, {});
  await context.registry.partition("t", 0).append(batchOf(["a", "b"]));
  return context;
}

test("a commit is all or nothing, and has an error for each wrong partition", async () => {
  const context = await open();
  const outcomes = await commitOffsets(context, "g", [
    ...[commit(0, 2), commit(1, 1), commit(2, 0), commit(0, 0, "missing")],
    { ...commit(1, 0, "u"), topicId: "00000000-0000-4000-8000-00000000000f" },
  ]);
  expect(outcomes.map((it): unknown => (it instanceof RustLogError ? it.code : it))).toEqual([
    ...[undefined, "OFFSET_OUT_OF_RANGE", "UNKNOWN_TOPIC_OR_PARTITION"],
    ...["UNKNOWN_TOPIC_OR_PARTITION", "UNKNOWN_TOPIC_ID"],
  ]);
  expect(fetchOffsets(context, "g", [commit(0, 0)])).toEqual([undefined]);
  expect(await commitOffsets(context, "g", [commit(0, 2), commit(1, 0)])).toEqual([
    undefined,
    undefined,
  ]);
  const fetched = fetchOffsets(context, "g", [commit(1, 0), commit(5, 0), commit(0, 0)]);
  expect(fetched.map((it): unknown => (it instanceof RustLogError ? it.code : it?.offset))).toEqual(
    [0, "UNKNOWN_TOPIC_OR_PARTITION", 2],
  );
});

test("who may not read a topic is not told whether a group has offsets in it", async () => {
  const context = await open();
  await commitOffsets(context, "g", [commit(0, 1)]);
  const may: Caller["may"] = (_, type) => type === "GROUP";
  const caller = withCaller(context, { ...EVERYONE, may });
  for (const topic of ["t", "missing"]) {
    expect(await codeOf(() => deleteTopicOffsets(caller, "g", topic))).toBe(
      "TOPIC_AUTHORIZATION_FAILED",
    );
  }
});

test("an error of the request belongs to no partition", async () => {
  const context = await open();
  const twice = [commit(0, 1), commit(0, 2)];
  expect(await codeOf(() => commitOffsets(context, "g", twice))).toBe("INVALID_REQUEST");
  expect(await codeOf(() => commitOffsets(context, "", [commit(0, 1)]))).toBe("INVALID_GROUP");
  expect(await codeOf(() => fetchOffsets(context, "", [commit(0, 1)]))).toBe("INVALID_GROUP");
});

const detailed = (partition: number, offset: number) => ({
  ...commit(partition, offset),
  ...{ leaderEpoch: 0, metadata: "m" },
});
const noPause = (): void => {};

test("commits at any offset say whether it was beyond the log", async () => {
  const context = await open();
  const all = [detailed(0, 2), detailed(1, 1), detailed(0, -3)];
  for (const [i, isAhead] of [false, true, false].entries()) {
    const { partition } = all[i]!;
    expect(await commitEach(context, "g", NO_MEMBER, [all[i]!], noPause)).toEqual([undefined]);
    const { details } = context.offsets.fetch("g", "t", partition)!;
    expect(details).toEqual({ leaderEpoch: 0, metadata: "m", isAhead });
  }
  // The native protocol has no negative offsets.
  expect(fetchOffsets(context, "g", [commit(0, 0)])).toEqual([undefined]);
  expect(
    [...(await describeGroup(context, "g"))].map(({ committedOffset }) => committedOffset),
  ).toEqual([-1, 1]);
  expect(storedOffset(context, "g", "t", 0)).toMatchObject({ offset: -3, metadata: "m" });
  expect(storedOffset(context, "g", "t", 7)).toMatchObject({ offset: -1, metadata: "" });
  expect([...storedOffsets(context, "g")].map(({ offset }) => offset)).toEqual([-3, 1]);
});

test("whoever may not commit gets that error for all that is valid, and stores nothing", async () => {
  const context = await open();
  const nobody = { memberId: "m", generation: 3, instanceId: null };
  const tooLong = { ...detailed(1, 1), metadata: "x".repeat(4097) };
  const outcomes = await commitEach(
    context,
    "g",
    nobody,
    [detailed(0, 2), detailed(5, 0), tooLong],
    noPause,
  );
  expect(outcomes.map((it): unknown => (it instanceof RustLogError ? it.code : it))).toEqual([
    ...["GROUP_NOT_FOUND", "UNKNOWN_TOPIC_OR_PARTITION", "GROUP_NOT_FOUND"],
  ]);
  expect(context.offsets.size).toBe(0);
});

test("long commits and deletions give others a turn", async () => {
  const context = await open();
  let paused = 0;
  const pause = (items: number): void => {
    paused += items;
  };
  const many = Array.from({ length: 10_700 }, (_, i) => detailed(i % 2, i % 3));
  const outcomes = await commitEach(context, "g", NO_MEMBER, many, pause);
  expect(outcomes.filter((it) => it !== undefined)).toEqual([]);
  expect(await deleteEach(context, "g", [commit(0, 0), commit(4, 0)], pause)).toEqual([
    ...[undefined, expect.any(RustLogError)],
  ]);
  expect(paused).toBe(10_500);
  expect(context.offsets.size).toBe(1);
});

/** Lets a member join, with a subscription to topic `t`, and returns its id. The group is waiting for its assignment then. */
async function join(context: ServiceContext, group: string, protocolType = "consumer") {
  const subscription = Uint8Array.fromHex("0000" + "00000001" + "0001" + "74" + "ffffffff");
  const { promise, resolve } = Promise.withResolvers<string>();
  context.groups.join(
    group,
    {
      ...{ clientId: "c", clientHost: "/127.0.0.1", memberId: "", instanceId: null },
      ...{ sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000, protocolType },
      ...{ protocols: [{ name: "range", metadata: subscription }] },
      ...{ needsMemberId: false, maySkipAssignment: false },
    },
    (outcome) => resolve("memberId" in outcome ? outcome.memberId : ""),
  );
  return await promise;
}

function sync(context: ServiceContext, group: string, memberId: string): void {
  const member = { memberId, instanceId: null, generation: 1 };
  context.groups.sync(
    group,
    { ...member, protocolType: null, protocol: null, assignments: [] },
    () => {},
  );
}

const codesOf = (outcomes: readonly unknown[]): unknown[] =>
  outcomes.map((it) => (it instanceof RustLogError ? it.code : it));

test("only current members of a group with members may commit, in either protocol", async () => {
  const context = await open();
  const commitAs = async (memberId: string, generation: number) => {
    const member = { memberId, generation, instanceId: null };
    return codesOf(await commitEach(context, "g", member, [detailed(0, 1)], noPause));
  };
  const memberId = await join(context, "g");
  expect(await commitAs(memberId, 1)).toEqual(["REBALANCE_IN_PROGRESS"]);
  sync(context, "g", memberId);
  await settle();
  expect(await commitAs(memberId, 1)).toEqual([undefined]);
  expect(await commitAs(memberId, 0)).toEqual(["ILLEGAL_GENERATION"]);
  expect(await commitAs("stranger", 1)).toEqual(["UNKNOWN_MEMBER_ID"]);
  expect(await commitAs("", -1)).toEqual(["UNKNOWN_MEMBER_ID"]);
  expect(await codeOf(() => commitOffsets(context, "g", [commit(0, 2)]))).toBe("UNKNOWN_MEMBER_ID");
  expect(storedOffset(context, "g", "t", 0).offset).toBe(1);
  context.groups.leave("g", [{ memberId, instanceId: null }]);
  await settle();
  expect(await commitAs("", -1)).toEqual([undefined]);
  await commitOffsets(context, "g", [commit(0, 2)]);
  expect(storedOffset(context, "g", "t", 0).offset).toBe(2);
});

test("offsets of a topic that members read can't be deleted, nor any if it is not known what they read", async () => {
  const context = await open();
  await context.registry.create("u", 1, {});
  for (const group of ["g", "connect"]) {
    await commitOffsets(context, group, [commit(0, 1), commit(0, 0, "u")]);
    sync(context, group, await join(context, group, group === "g" ? "consumer" : group));
  }
  await settle();
  const both = [commit(0, 0), commit(0, 0, "u")];
  const subscribed = ["GROUP_SUBSCRIBED_TO_TOPIC", undefined];
  expect(codesOf(await deleteOffsets(context, "g", both))).toEqual(subscribed);
  expect([...storedOffsets(context, "g")]).toHaveLength(2);
  expect(codesOf(await deleteEach(context, "g", both, noPause))).toEqual(subscribed);
  expect(await codeOf(() => deleteOffsets(context, "connect", both))).toBe("NON_EMPTY_GROUP");
  expect(await codeOf(() => deleteEach(context, "connect", both, noPause))).toBe("NON_EMPTY_GROUP");
  expect([...storedOffsets(context, "g")].map(({ topic }) => topic)).toEqual(["t"]);
});

test("groups are listed by name, described, and deleted", async () => {
  const context = await open();
  for (const group of ["c", "a", "b"]) await commitOffsets(context, group, [commit(0, 1)]);
  expect([...(await listGroups(context, ""))].map(({ group }) => group)).toEqual(["a", "b", "c"]);
  expect([...(await listGroups(context, "a"))].map(({ group }) => group)).toEqual(["b", "c"]);
  const described = [...(await describeGroup(context, "b"))];
  expect(
    described.map(({ partition, committedOffset, lag }) => [partition, committedOffset, lag]),
  ).toEqual([
    [0, 1, 1],
    [1, -1, 0],
  ]);
  const rest = [...(await describeGroup(context, "b", { topic: "t", partition: 0 }))];
  expect(rest.map(({ partition }) => partition)).toEqual([1]);
  await deleteGroup(context, "b");
  expect(await codeOf(() => describeGroup(context, "b"))).toBe("GROUP_NOT_FOUND");
  expect(await codeOf(() => deleteGroup(context, "b"))).toBe("GROUP_NOT_FOUND");
  expect(await codeOf(() => describeGroup(context, ""))).toBe("INVALID_GROUP");
});
