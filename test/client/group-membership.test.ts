// The steps of a member, against a scripted broker: what it owns and when, heartbeats meanwhile, lost sessions and commits.
import { expect, test } from "bun:test";
import { parseBrokerAddress } from "../../src/client/broker-address.js";
import { type AssignedPartition, GroupMembership } from "../../src/client/group-membership.js";
import { BrokerLink } from "../../src/client/link.js";
import { RustLogError } from "../../src/errors.js";
import type { GroupHeartbeatRequest } from "../../src/protocol/native/membership.js";
import { FakeBroker } from "../support/fake-broker.js";
import { until } from "../support/until.js";

const TOPIC_ID = "6f1c2f0e-8d3b-4a57-9d52-2b7f6f0c9a11";

const textOf = (partitions: readonly AssignedPartition[]): string =>
  partitions.map(({ partition }) => partition).join();

/** A member whose reader notes its steps, and a broker that has one assignment for it. */
function setUp() {
  const broker = new FakeBroker();
  const state = { epoch: 1, assigned: [0, 1], intervalMs: 20 };
  const beats: GroupHeartbeatRequest[] = [];
  /** Ends the waits of heartbeats. */
  let news = Promise.withResolvers<void>();
  broker.heartbeat = async (request) => {
    beats.push(request);
    if (request.memberEpoch >= 0 && request.maxWaitMs > 0 && !hasNews(request)) await news.promise;
    const rows = state.assigned.map((partition) => ({ partition }));
    return {
      memberEpoch: state.epoch,
      heartbeatIntervalMs: state.intervalMs,
      assignment: [{ topic: "t", topicId: TOPIC_ID, partitions: rows }],
    };
  };
  const ownedIn = ({ owned }: GroupHeartbeatRequest): number[] =>
    owned.flatMap(({ partitions }) => partitions.map(({ partition }) => partition));
  const hasNews = (request: GroupHeartbeatRequest): boolean =>
    request.memberEpoch !== state.epoch || ownedIn(request).join() !== state.assigned.join();
  const link = new BrokerLink(parseBrokerAddress(broker.address), {
    ...{ connectTimeoutMs: 5_000, requestTimeoutMs: 5_000, retries: 3, retryBackoffMs: 1 },
  });
  const steps: string[] = [];
  const reader = {
    revoking: Promise.resolve(),
    async assign(partitions: readonly AssignedPartition[]) {
      steps.push(`assign ${textOf(partitions)}`);
    },
    async revoke(partitions: readonly AssignedPartition[]) {
      steps.push(`revoke ${textOf(partitions)}`);
      await reader.revoking;
    },
    lose: () => {
      steps.push("lose");
      return async () => {};
    },
    fail: (error: RustLogError) => void steps.push(`fail ${error.code}`),
  };
  const names = { group: "g", clientId: "c", instanceId: "", topics: ["t"], pattern: "" };
  const times = { retryMs: 5_000, sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 60_000 };
  const member = new GroupMembership({ link, ...names, ...times }, reader);
  return {
    ...{ broker, state, beats, steps, reader, member, link, ownedIn },
    /** Answers the heartbeats that wait. */
    tell(change: Partial<typeof state>): void {
      Object.assign(state, change);
      news.resolve();
      news = Promise.withResolvers();
    },
    [Symbol.dispose]() {
      link.close();
      broker[Symbol.dispose]();
    },
  };
}

test("a partition stays owned until the reader has given it up, and heartbeats go on meanwhile", async () => {
  using t = setUp();
  const given = Promise.withResolvers<void>();
  t.reader.revoking = given.promise;
  await t.member.join();
  await until(() => t.beats.length === 2);
  t.tell({ assigned: [0] });
  await until(() => t.steps.length === 2);
  await until(() => t.beats.length === 5);
  expect(t.beats.slice(2).map((beat) => [t.ownedIn(beat), beat.maxWaitMs])).toEqual(
    Array(3).fill([[0, 1], 0]),
  );
  given.resolve();
  await until(() => t.ownedIn(t.beats.at(-1)!).join() === "0");
  t.tell({ epoch: 2, assigned: [0, 3] });
  await until(() => t.steps.length === 3);
  expect(t.steps).toEqual(["assign 0,1", "revoke 1", "assign 3"]);
  expect(t.beats.every(({ memberId }) => memberId === t.member.memberId)).toBe(true);
});

test.each(["UNKNOWN_MEMBER_ID", "FENCED_MEMBER_EPOCH", "GROUP_NOT_FOUND"] as const)(
  "after %s everything is lost, and the member joins again",
  async (code) => {
    using t = setUp();
    await t.member.join();
    t.broker.script("GroupHeartbeat", new RustLogError(code, "gone"));
    await until(() => t.steps.length === 3);
    expect(t.steps).toEqual(["assign 0,1", "lose", "assign 0,1"]);
    const again = t.beats.findLast(({ memberEpoch }) => memberEpoch === 0);
    expect(again).toMatchObject({ memberId: t.member.memberId, owned: [], maxWaitMs: 0 });
  },
);

test("a revocation that is under way when the session is lost gives up nothing of the new session", async () => {
  using t = setUp();
  const given = Promise.withResolvers<void>();
  t.reader.revoking = given.promise;
  await t.member.join();
  await until(() => t.beats.length === 2);
  t.tell({ assigned: [0] });
  await until(() => t.steps.includes("revoke 1"));
  t.broker.script("GroupHeartbeat", new RustLogError("UNKNOWN_MEMBER_ID", "too slow"));
  await until(() => t.steps.includes("lose"));
  given.resolve();
  await until(() => t.steps.length === 4);
  expect(t.steps).toEqual(["assign 0,1", "revoke 1", "lose", "assign 0"]);
  await until(() => t.ownedIn(t.beats.at(-1)!).join() === "0");
});

test("lost connections do not end a session", async () => {
  using t = setUp();
  t.broker.script("GroupHeartbeat", "answer", "cutAfter", "cutBefore", "answer");
  await t.member.join();
  await until(() => t.broker.connections === 3);
  t.tell({ epoch: 2 });
  await until(() => t.beats.at(-1)?.memberEpoch === 2);
  expect(t.steps).toEqual(["assign 0,1"]);
  expect(t.beats.filter(({ memberEpoch }) => memberEpoch === 0)).toHaveLength(1);
});

test("a commit with an old epoch is repeated with the new one; in a lost session it is dropped", async () => {
  using t = setUp();
  await t.member.join();
  const offsets = () => [{ topic: "t", partition: 0, offset: 7 }];
  const stale = new RustLogError("STALE_MEMBER_EPOCH", "old");
  t.broker.script("OffsetCommit", stale);
  const commit = t.member.commit(offsets, {});
  await until(() => t.broker.requests.includes("OffsetCommit"));
  t.tell({ epoch: 2 });
  expect(await commit).toBe(true);
  expect(t.broker.commits).toMatchObject([{ memberId: t.member.memberId, memberEpoch: 2 }]);

  t.broker.script("OffsetCommit", new RustLogError("UNKNOWN_MEMBER_ID", "gone"));
  expect(await t.member.commit(offsets, {})).toBe(false);
  expect(t.steps).toContain("lose");
  expect(await t.member.commit(() => [], {})).toBe(false);
  expect(t.broker.commits).toHaveLength(1);
});

test("a member that leaves while it is joining leaves after it has joined", async () => {
  using t = setUp();
  const slow = Promise.withResolvers<void>();
  t.broker.script("GroupHeartbeat", slow.promise);
  const joining = t.member.join();
  await until(() => t.beats.length === 1);
  const leaving = t.member.leave();
  await t.link.ping();
  expect(t.beats).toHaveLength(1);
  slow.resolve();
  await Promise.all([joining, leaving]);
  expect(t.beats.map(({ memberEpoch }) => memberEpoch)).toEqual([0, -1]);
  expect(t.steps).toEqual([]);
});

test("a broker that does not let heartbeats wait gets no more of them", async () => {
  using t = setUp();
  t.state.intervalMs = 60_000;
  t.broker.heartbeat = (request) => {
    t.beats.push(request);
    return { memberEpoch: 1, heartbeatIntervalMs: 60_000, assignment: [] };
  };
  await t.member.join();
  await until(() => t.beats.length === 2);
  for (let i = 0; i < 10; i++) await t.link.ping();
  expect(t.beats).toHaveLength(2);
  await t.member.leave();
  expect(t.beats.map(({ memberEpoch }) => memberEpoch)).toEqual([0, 1, -1]);
});

test("an error of the group ends the membership", async () => {
  using t = setUp();
  t.broker.script("GroupHeartbeat", new RustLogError("GROUP_MAX_SIZE_REACHED", "full"));
  expect(t.member.join()).rejects.toThrow("full");
  await t.member.join();
  t.broker.script("GroupHeartbeat", new RustLogError("INVALID_REQUEST", "no"));
  await until(() => t.steps.at(-1) === "fail INVALID_REQUEST");
});
