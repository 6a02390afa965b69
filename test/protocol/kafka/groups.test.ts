// Groups over real connections: members that share, leave, fall silent and come back after a restart of the broker.
// Leaves to others: the rules of a group (groups/classic-group.test.ts), and Kafka's answers to single requests (oracle.test.ts).
import { describe, expect, test } from "bun:test";
import { UNREAD_MS } from "../../../src/groups/group-clock.js";
import {
  DeleteGroups,
  DescribeGroups,
  FindCoordinator,
  Heartbeat,
  JoinGroup,
  LeaveGroup,
  ListGroups,
  SyncGroup,
} from "../../../src/protocol/kafka/groups.js";
import { decodeResponse } from "../../../src/protocol/kafka/headers.js";
import type { RequestOf, ResponseOf } from "../../../src/protocol/kafka/schema.js";
import { startBroker, type TestBroker } from "../../support/broker.js";
import { KafkaClient } from "../../support/kafka-client.js";
import { ManualClock } from "../../support/manual-clock.js";
import { tempDir } from "../../support/tmp.js";
import { until } from "../../support/until.js";

type Joined = ResponseOf<typeof JoinGroup>;

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (value: Uint8Array): string => new TextDecoder().decode(value);

/** A member with a connection of its own. */
class Member implements Disposable {
  readonly client: KafkaClient;
  readonly name: string;
  memberId = "";
  generation = -1;
  leader = "";
  members: readonly string[] = [];

  private constructor(client: KafkaClient, name: string) {
    this.client = client;
    this.name = name;
  }

  static async connect({ broker }: TestBroker, name: string): Promise<Member> {
    return new Member(await KafkaClient.connect(broker.port), name);
  }

  /** Joins; the promise resolves when the group has a generation. Returns when the broker has the request. */
  async join(): Promise<{ readonly joined: Promise<number> }> {
    if (this.memberId === "") {
      const first = await this.client.call(JoinGroup, 9, this.#joinRequest());
      expect(first.errorCode).toBe(79);
      this.memberId = first.memberId;
    }
    const id = this.client.send(JoinGroup, 9, this.#joinRequest());
    const joined = this.client.raw.response(id).then((payload) => {
      const { value } = decodeResponse(JoinGroup, 9, payload);
      this.#take(value as Joined);
      return value.errorCode;
    });
    return { joined };
  }

  async sync(assignments: Readonly<Record<string, string>> = {}): Promise<string> {
    const { errorCode, assignment } = await this.client.call(SyncGroup, 5, {
      ...{ groupId: "g", generationId: this.generation, memberId: this.memberId },
      ...{ groupInstanceId: null, protocolType: "consumer", protocolName: "range" },
      assignments: Object.entries(assignments).map(([memberId, each]) => ({
        memberId,
        assignment: bytes(each),
      })),
    });
    return errorCode === 0 ? text(assignment) : `error ${errorCode}`;
  }

  async heartbeat(): Promise<number> {
    const { errorCode } = await this.client.call(Heartbeat, 4, {
      ...{ groupId: "g", generationId: this.generation, memberId: this.memberId },
      groupInstanceId: null,
    });
    return errorCode;
  }

  async leave(): Promise<unknown> {
    const response = await this.client.call(LeaveGroup, 5, {
      ...{ groupId: "g", memberId: "" },
      members: [{ memberId: this.memberId, groupInstanceId: null, reason: "done" }],
    });
    return [response.errorCode, response.members.map(({ errorCode }) => errorCode)];
  }

  [Symbol.dispose](): void {
    this.client[Symbol.dispose]();
  }

  #joinRequest(): RequestOf<typeof JoinGroup> {
    return {
      ...{ groupId: "g", sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 30_000 },
      ...{ memberId: this.memberId, groupInstanceId: null, protocolType: "consumer", reason: null },
      protocols: [{ name: "range", metadata: bytes(this.name) }],
    };
  }

  #take({ generationId = -1, leader, members }: Joined): void {
    this.generation = generationId;
    this.leader = leader;
    this.members = members.map((each) => text(each.metadata));
  }
}

const OPTIONS = { groupInitialRebalanceDelayMs: 0 };

/** Two members in a stable generation. */
async function two(running: TestBroker): Promise<[Member, Member]> {
  const a = await Member.connect(running, "a");
  const b = await Member.connect(running, "b");
  expect(await (await a.join()).joined).toBe(0);
  expect(await a.sync({ [a.memberId]: "0 1" })).toBe("0 1");
  const second = await b.join();
  expect(await a.heartbeat()).toBe(27);
  const first = await a.join();
  expect(await Promise.all([first.joined, second.joined])).toEqual([0, 0]);
  const follower = b.sync();
  expect(await a.sync({ [a.memberId]: "0", [b.memberId]: "1" })).toBe("0");
  expect(await follower).toBe("1");
  return [a, b];
}

describe("two members", () => {
  test("share, and one goes on alone when the other leaves", async () => {
    await using running = await startBroker(OPTIONS, undefined, new ManualClock());
    const [a, b] = await two(running);
    expect([a.generation, a.leader, a.members]).toEqual([2, a.memberId, ["a", "b"]]);
    expect([b.generation, b.leader, b.members]).toEqual([2, a.memberId, []]);
    expect(await b.leave()).toEqual([0, [0]]);
    expect(await b.leave()).toEqual([0, [25]]);
    expect(await a.heartbeat()).toBe(27);
    expect(await (await a.join()).joined).toBe(0);
    expect([a.generation, a.members]).toEqual([3, ["a"]]);
    for (const member of [a, b]) member[Symbol.dispose]();
  });

  test("one is silent for its session timeout, and the other goes on", async () => {
    const clock = new ManualClock();
    await using running = await startBroker(OPTIONS, undefined, clock);
    const [a, b] = await two(running);
    clock.advance(6_000);
    expect(await b.heartbeat()).toBe(0);
    clock.advance(6_000);
    expect(await b.heartbeat()).toBe(27);
    expect(await (await b.join()).joined).toBe(0);
    expect([b.leader, b.members]).toEqual([b.memberId, ["b"]]);
    expect(await a.heartbeat()).toBe(25);
    for (const member of [a, b]) member[Symbol.dispose]();
  });

  test("a closed connection ends the wait, and the member can come back on another one", async () => {
    const clock = new ManualClock();
    await using running = await startBroker(OPTIONS, undefined, clock);
    const [a, b] = await two(running);
    const { joined } = await a.join();
    joined.catch(() => {});
    await until(() => running.broker.inflight.waits === 1);
    a[Symbol.dispose]();
    await until(() => running.broker.inflight.waits === 0);
    clock.advance(9_000);
    using again = await Member.connect(running, "a");
    again.memberId = a.memberId;
    const first = await again.join();
    await until(() => running.broker.inflight.waits === 1);
    clock.advance(9_000);
    expect(await (await b.join()).joined).toBe(25);
    expect(await first.joined).toBe(0);
    expect([again.generation, again.members]).toEqual([3, ["a"]]);
    b[Symbol.dispose]();
  });

  test.each(["a stop", "a crash"])(
    "go on without a rebalance after %s of the broker",
    async (end) => {
      using directory = tempDir();
      const options = { ...OPTIONS, dataDir: directory.path };
      const ids: string[] = [];
      {
        const running = await startBroker(options, undefined, new ManualClock());
        const [a, b] = await two(running);
        ids.push(a.memberId, b.memberId);
        for (const member of [a, b]) member[Symbol.dispose]();
        await running.broker.stop();
        if (end === "a crash") await Bun.file(`${directory.path}/clean-shutdown.json`).delete();
      }
      const clock = new ManualClock();
      await using running = await startBroker(options, undefined, clock);
      clock.advance(9_000);
      const members: Member[] = [];
      for (const id of ids) {
        const member = await Member.connect(running, "");
        [member.memberId, member.generation] = [id, 2];
        members.push(member);
        expect(await member.heartbeat()).toBe(0);
      }
      expect(await members[1]!.sync()).toBe("1");
      clock.advance(10_000 + UNREAD_MS);
      expect(await members[0]!.heartbeat()).toBe(25);
      for (const member of members) member[Symbol.dispose]();
    },
  );
});

test("a stop of the broker ends the waits: members look for the coordinator again", async () => {
  await using running = await startBroker(OPTIONS, undefined, new ManualClock());
  const [a, b] = await two(running);
  const { joined } = await a.join();
  await until(() => running.broker.inflight.waits === 1);
  const stopped = running.broker.stop();
  expect(await joined).toBe(16);
  await stopped;
  for (const member of [a, b]) member[Symbol.dispose]();
});

test("groups are listed, described and deleted", async () => {
  await using running = await startBroker(OPTIONS, undefined, new ManualClock());
  const [a, b] = await two(running);
  using client = await KafkaClient.connect(running.broker.port);
  const list = async (statesFilter: string[], typesFilter: string[] = []) =>
    (await client.call(ListGroups, 5, { statesFilter, typesFilter })).groups;
  const row = (groupState: string) => [
    { groupId: "g", protocolType: "consumer", groupState, groupType: "classic" },
  ];
  expect(await list([])).toEqual(row("Stable"));
  expect(await list(["empty", "STABLE"], ["Classic"])).toEqual(row("Stable"));
  expect(await list(["Empty"])).toEqual([]);
  expect(await list([], ["consumer"])).toEqual([]);

  const describe = async (version: number) =>
    (
      await client.call(DescribeGroups, version, {
        ...{ groups: ["g", "nope"], includeAuthorizedOperations: true },
      })
    ).groups;
  const [known, missing] = await describe(6);
  expect(known).toMatchObject({
    groupState: "Stable",
    protocolData: "range",
    authorizedOperations: 3400,
  });
  expect(
    known!.members.map(({ memberId, clientId, clientHost, memberMetadata, memberAssignment }) => [
      ...[memberId, clientId, clientHost, text(memberMetadata), text(memberAssignment)],
    ]),
  ).toEqual([
    [a.memberId, "test", "/127.0.0.1", "a", "0"],
    [b.memberId, "test", "/127.0.0.1", "b", "1"],
  ]);
  expect(missing).toMatchObject({ errorCode: 69, groupState: "Dead", members: [] });
  expect((await describe(5))[1]).toMatchObject({ errorCode: 0, groupState: "Dead" });

  const remove = async () =>
    (await client.call(DeleteGroups, 2, { groupsNames: ["g", "nope"] })).results.map(
      ({ errorCode }) => errorCode,
    );
  expect(await remove()).toEqual([68, 69]);
  for (const member of [a, b]) await member.leave();
  expect(await list([])).toEqual(row("Empty"));
  expect(await remove()).toEqual([0, 69]);
  expect(await list([])).toEqual([]);
  for (const member of [a, b]) member[Symbol.dispose]();
});

test("only a member that joins makes a group", async () => {
  await using running = await startBroker(OPTIONS, undefined, new ManualClock());
  using stranger = await Member.connect(running, "stranger");
  // Without an id, as a member that has not joined has none.
  expect(await stranger.sync()).toBe("error 25");
  expect(await stranger.heartbeat()).toBe(25);
  const { groups } = await stranger.client.call(ListGroups, 5, {
    statesFilter: [],
    typesFilter: [],
  });
  expect(groups).toEqual([]);
});

test("a group that is described again and again ends the connection", async () => {
  await using running = await startBroker(OPTIONS, undefined, new ManualClock());
  using client = await KafkaClient.connect(running.broker.port);
  const { memberId, generationId } = await client.call(JoinGroup, 0, {
    ...{ groupId: "g", sessionTimeoutMs: 10_000, memberId: "", protocolType: "consumer" },
    protocols: [{ name: "range", metadata: new Uint8Array(1_000_000) }],
  });
  await client.call(SyncGroup, 0, { groupId: "g", generationId, memberId, assignments: [] });
  const groups = Array.from({ length: 200 }, () => "g");
  const described = client.call(DescribeGroups, 5, { groups, includeAuthorizedOperations: false });
  await expect(described).rejects.toThrow("the connection ended");
});

test("this broker coordinates every group, at the address that the client uses", async () => {
  await using running = await startBroker();
  using client = await KafkaClient.connect(running.broker.port);
  const { port } = running.broker;
  for (let version = 0; version <= 6; version++) {
    const ask = { key: "g", keyType: 0, coordinatorKeys: ["g", "h"] };
    const response = await client.call(FindCoordinator, version, ask);
    const here = { errorCode: 0, nodeId: 1, host: "127.0.0.1", port };
    if (version < 4) expect(response).toMatchObject(here);
    else {
      const rows = ["g", "h"].map((key) => ({ key, ...here, errorMessage: "" }));
      expect(response.coordinators).toEqual(rows);
    }
  }
});

test("a LeaveGroup of very many members lets others have their turn", async () => {
  await using running = await startBroker(OPTIONS, undefined, new ManualClock());
  using many = await KafkaClient.connect(running.broker.port);
  using other = await KafkaClient.connect(running.broker.port);
  const order: string[] = [];
  const members = Array.from({ length: 20_000 }, (_, i) => ({
    ...{ memberId: `m${i}`, groupInstanceId: null, reason: null },
  }));
  const request = { groupId: "g", memberId: "", members };
  const beat = { groupId: "g", generationId: 1, memberId: "m", groupInstanceId: null };
  // The first request of a connection takes more turns than others.
  await other.call(Heartbeat, 4, beat);
  const left = many.call(LeaveGroup, 5, request).then((response) => {
    order.push("left");
    return response.members;
  });
  for (let i = 0; i < 3; i++) await other.call(Heartbeat, 4, beat);
  order.push("heartbeats");
  const codes = new Set((await left).map(({ errorCode }) => errorCode));
  expect([codes.size, codes.has(25), (await left).length]).toEqual([1, true, 20_000]);
  expect(order).toEqual(["heartbeats", "left"]);
});

test("a member with too many protocols, or too long an instance id, is refused", async () => {
  await using running = await startBroker(OPTIONS, undefined, new ManualClock());
  using client = await KafkaClient.connect(running.broker.port);
  const join = async (count: number, groupInstanceId: string | null = null): Promise<number> => {
    const { errorCode } = await client.call(JoinGroup, 7, {
      ...{ groupId: `g${count}`, sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 30_000 },
      ...{ memberId: "", groupInstanceId, protocolType: "consumer", reason: null },
      protocols: Array.from({ length: count }, () => ({ name: "", metadata: bytes("") })),
    });
    return errorCode;
  };
  expect([await join(101), await join(100)]).toEqual([42, 79]);
  expect([await join(1, "i".repeat(1_001)), await join(2, "i".repeat(1_000))]).toEqual([42, 0]);
});
