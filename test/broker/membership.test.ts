// GroupHeartbeat over real sockets: members of a group share partitions, hand them over, and leave.
import { expect, test } from "bun:test";
import {
  GroupHeartbeat,
  type GroupHeartbeatRequest,
  type GroupHeartbeatResponse,
  EPOCH_TO_JOIN,
  EPOCH_TO_LEAVE,
} from "../../src/protocol/native/membership.js";
import { OffsetCommit } from "../../src/protocol/native/offsets.js";
import { errorOf as messageOf, type Session, startBroker } from "../support/broker.js";
import { until } from "../support/until.js";

/** The name of the error in a response. */
const errorOf = (payload: Uint8Array): string | undefined => messageOf(payload)?.split(":")[0];

/** A member that states what it was assigned last, as soon as it knows. */
class Member {
  readonly session: Session;
  readonly id: string = crypto.randomUUID();
  epoch = EPOCH_TO_JOIN;
  assignment: GroupHeartbeatResponse["assignment"] = [];

  constructor(session: Session) {
    this.session = session;
  }

  get partitions(): readonly string[] {
    return this.assignment.flatMap(({ topic, partitions }) =>
      partitions.map(({ partition }) => `${topic}-${partition}`),
    );
  }

  frame(id: number, changes: Partial<GroupHeartbeatRequest> = {}): Uint8Array {
    return GroupHeartbeat.encodeRequest(id, {
      ...{ group: "g", memberId: this.id, memberEpoch: this.epoch, instanceId: "" },
      ...{ clientId: "test", sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 5_000 },
      ...{ topics: [{ topic: "t" }], pattern: "", owned: this.assignment, maxWaitMs: 0 },
      ...changes,
    });
  }

  async beat(changes: Partial<GroupHeartbeatRequest> = {}): Promise<void> {
    const response = await this.session.call(
      (id) => this.frame(id, changes),
      (payload) => GroupHeartbeat.decodeResponse(payload),
    );
    this.epoch = response.memberEpoch;
    this.assignment = response.assignment;
  }
}

test("members share the partitions, and one that leaves hands its own over", async () => {
  await using running = await startBroker();
  await running.broker.context.registry.create("t", 4, {});
  const first = new Member(await running.session());
  const second = new Member(await running.session());
  await first.beat();
  expect(first.partitions).toEqual(["t-0", "t-1", "t-2", "t-3"]);
  await second.beat();
  expect(second.partitions).toEqual([]);
  // The first one learns what to give up, and the second one gets it once the first has said that it did.
  await first.beat();
  expect(first.partitions).toHaveLength(2);
  await first.beat();
  await second.beat();
  expect([...first.partitions, ...second.partitions].sort()).toEqual(["t-0", "t-1", "t-2", "t-3"]);

  await first.beat({ memberEpoch: EPOCH_TO_LEAVE });
  await second.beat();
  expect(second.partitions).toHaveLength(4);
  first.session[Symbol.dispose]();
  second.session[Symbol.dispose]();
});

test("a heartbeat waits for news, and a wait ends with its connection", async () => {
  await using running = await startBroker();
  await running.broker.context.registry.create("t", 2, {});
  const first = new Member(await running.session());
  await first.beat();
  const news = first.beat({ maxWaitMs: 60_000 });
  await until(() => running.broker.inflight.waits === 1);
  const second = new Member(await running.session());
  await second.beat();
  await news;
  expect(first.partitions).toHaveLength(1);

  second.session.client.send(second.frame(99, { maxWaitMs: 60_000 }));
  await until(() => running.broker.inflight.waits === 1);
  second.session[Symbol.dispose]();
  await until(() => running.broker.inflight.waits === 0);
  first.session[Symbol.dispose]();
});

test("commits come from members with their epoch, and from nobody else", async () => {
  await using running = await startBroker();
  await running.broker.context.registry.create("t", 1, {});
  const member = new Member(await running.session());
  await member.beat();
  const commit = (memberId: string, memberEpoch: number) =>
    member.session.call(
      (id) =>
        OffsetCommit.encodeRequest(
          id,
          {
            ...{ group: "g", memberId, memberEpoch },
            offsets: [{ topic: "t", partition: 0, offset: 0 }],
          },
          3,
        ),
      errorOf,
    );
  expect(await commit(member.id, member.epoch)).toBeUndefined();
  expect(await commit("", -1)).toBe("UNKNOWN_MEMBER_ID");
  expect(await commit("other", 1)).toBe("UNKNOWN_MEMBER_ID");
  expect(await commit(member.id, member.epoch + 1)).toBe("STALE_MEMBER_EPOCH");
  member.session[Symbol.dispose]();
});

test("a member with an impossible session or pattern is refused", async () => {
  await using running = await startBroker();
  const session = await running.session();
  const member = new Member(session);
  const refused = (changes: Partial<GroupHeartbeatRequest>) =>
    session.call((id) => member.frame(id, changes), errorOf);
  expect(await refused({ sessionTimeoutMs: 10 })).toBe("INVALID_SESSION_TIMEOUT");
  expect(await refused({ pattern: "(" })).toBe("INVALID_REGULAR_EXPRESSION");
  expect(await refused({ memberId: "" })).toBe("INVALID_REQUEST");
  expect(await refused({ memberEpoch: 7 })).toBe("GROUP_NOT_FOUND");
  session[Symbol.dispose]();
});

test("a member without partitions leaves with a request that would wait", async () => {
  await using running = await startBroker();
  const member = new Member(await running.session());
  await member.beat();
  await member.beat({ memberEpoch: EPOCH_TO_LEAVE, maxWaitMs: 5_000 });
  expect([member.epoch, member.partitions]).toEqual([EPOCH_TO_LEAVE, []]);
  member.session[Symbol.dispose]();
});
