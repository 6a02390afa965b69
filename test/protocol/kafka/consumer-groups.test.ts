// Groups that the broker assigns, over real connections: topics that come and go, commits, conversions, a restart.
// Leaves to others: the rules of a group (groups/consumer-group.test.ts), and Kafka's answers to single requests (oracle.test.ts).
import { describe, expect, test } from "bun:test";
import { OffsetCommit } from "../../../src/protocol/kafka/committed-offsets.js";
import {
  ConsumerGroupDescribe,
  ConsumerGroupHeartbeat,
} from "../../../src/protocol/kafka/consumer-groups.js";
import {
  DeleteGroups,
  DescribeGroups,
  Heartbeat,
  JoinGroup,
  LeaveGroup,
  ListGroups,
  SyncGroup,
} from "../../../src/protocol/kafka/groups.js";
import type { RequestOf, ResponseOf } from "../../../src/protocol/kafka/schema.js";
import {
  CreatePartitions,
  CreateTopics,
  DeleteTopics,
} from "../../../src/protocol/kafka/topics.js";
import {
  decodeAssignment,
  encodeAssignment,
} from "../../../src/groups/classic/consumer-protocol.js";
import { ZERO_UUID } from "../../../src/record/bytes.js";
import { subscriptionBytes } from "../../support/consumer-group-test.js";
import { startBroker } from "../../support/broker.js";
import { KafkaClient } from "../../support/kafka-client.js";
import { ManualClock } from "../../support/manual-clock.js";
import { tempDir } from "../../support/tmp.js";

type Request = RequestOf<typeof ConsumerGroupHeartbeat>;
type Response = ResponseOf<typeof ConsumerGroupHeartbeat>;

const BEAT = {
  ...{ groupId: "g", memberId: "a", memberEpoch: 0, instanceId: null, rackId: null },
  ...{ rebalanceTimeoutMs: -1, subscribedTopicNames: null, subscribedTopicRegex: null },
  ...{ serverAssignor: null, topicPartitions: null },
};

const JOIN = { rebalanceTimeoutMs: 60_000, subscribedTopicNames: ["t"], topicPartitions: [] };

function beat(client: KafkaClient, request: Partial<Request> = {}): Promise<Response> {
  return client.call(ConsumerGroupHeartbeat, 1, { ...BEAT, ...request });
}

/** Sends heartbeats until there is an assignment of so many partitions. */
async function until(
  client: KafkaClient,
  count: number,
  request: Partial<Request>,
): Promise<Response> {
  for (let memberEpoch = request.memberEpoch!; ;) {
    const response = await beat(client, { ...request, memberEpoch });
    expect(response.errorCode).toBe(0);
    memberEpoch = response.memberEpoch;
    const partitions = response.assignment?.topicPartitions.flatMap((each) => each.partitions);
    if (partitions?.length === count) return response;
  }
}

async function create(client: KafkaClient, name: string, numPartitions: number): Promise<void> {
  const topic = { name, numPartitions, replicationFactor: 1, assignments: [], configs: [] };
  const { topics } = await client.call(CreateTopics, 7, {
    topics: [topic],
    timeoutMs: 1_000,
    validateOnly: false,
  });
  expect(topics[0]?.errorCode).toBe(0);
}

async function describeGroup(client: KafkaClient) {
  const request = { groupIds: ["g"], includeAuthorizedOperations: true };
  return (await client.call(ConsumerGroupDescribe, 1, request)).groups[0]!;
}

describe("a group that the broker assigns", () => {
  test("is joined, described, listed and left", async () => {
    await using broker = await startBroker();
    using client = await KafkaClient.connect(broker.broker.port);
    await create(client, "t", 3);
    const joined = await beat(client, { ...JOIN, instanceId: "i", rackId: "r" });
    expect(joined).toMatchObject({ errorCode: 0, memberId: "a", memberEpoch: 2 });
    const [assigned] = joined.assignment?.topicPartitions ?? [];
    expect(assigned?.partitions).toEqual([0, 1, 2]);
    const named = { topicPartitions: [{ ...assigned, topicName: "t" }] };
    expect(await describeGroup(client)).toMatchObject({
      ...{ errorCode: 0, groupState: "Stable", groupEpoch: 2, assignmentEpoch: 2 },
      assignorName: "uniform",
      members: [
        {
          ...{ memberId: "a", instanceId: "i", rackId: "r", memberEpoch: 2, clientId: "test" },
          ...{ clientHost: "/127.0.0.1", subscribedTopicNames: ["t"], memberType: 1 },
          ...{ assignment: named, targetAssignment: named },
        },
      ],
    });
    const { groups } = await client.call(ListGroups, 5, {
      statesFilter: ["stable"],
      typesFilter: ["Consumer"],
    });
    expect(groups).toEqual([
      { groupId: "g", protocolType: "consumer", groupState: "Stable", groupType: "consumer" },
    ]);
    const asClassic = { groups: ["g"], includeAuthorizedOperations: false };
    const { groups: rows } = await client.call(DescribeGroups, 6, asClassic);
    expect(rows[0]?.errorCode).toBe(69);
    const left = await client.call(LeaveGroup, 5, {
      groupId: "g",
      memberId: "",
      members: [{ memberId: "", groupInstanceId: "i", reason: null }],
    });
    expect(left.members[0]?.errorCode).toBe(0);
    expect((await describeGroup(client)).groupState).toBe("Empty");
    const deleted = await client.call(DeleteGroups, 2, { groupsNames: ["g"] });
    expect(deleted.results[0]?.errorCode).toBe(0);
    expect((await describeGroup(client)).errorCode).toBe(69);
  });

  test("follows topics that are created, get partitions, and are deleted", async () => {
    await using broker = await startBroker();
    using client = await KafkaClient.connect(broker.broker.port);
    const joining = { ...JOIN, subscribedTopicNames: [], subscribedTopicRegex: "(?:t|u).*" };
    const joined = await beat(client, joining);
    expect(joined.assignment?.topicPartitions).toEqual([]);
    await create(client, "t1", 1);
    const first = await until(client, 1, { memberEpoch: joined.memberEpoch });
    await client.call(CreatePartitions, 3, {
      topics: [{ name: "t1", count: 2, assignments: null }],
      timeoutMs: 1_000,
      validateOnly: false,
    });
    await create(client, "not-t", 1);
    const second = await until(client, 2, { memberEpoch: first.memberEpoch });
    await client.call(DeleteTopics, 6, {
      topics: [{ name: "t1", topicId: ZERO_UUID }],
      topicNames: [],
      timeoutMs: 1_000,
    });
    await until(client, 0, { memberEpoch: second.memberEpoch });
  });

  test("commits are accepted from a member with its epoch only", async () => {
    await using broker = await startBroker();
    using client = await KafkaClient.connect(broker.broker.port);
    await create(client, "t", 1);
    const { memberEpoch } = await beat(client, JOIN);
    const commit = async (epoch: number): Promise<number | undefined> => {
      const partition = { partitionIndex: 0, committedOffset: 0, committedMetadata: null };
      const topicId = ZERO_UUID;
      const { topics } = await client.call(OffsetCommit, 9, {
        ...{ groupId: "g", generationIdOrMemberEpoch: epoch, memberId: "a" },
        ...{ groupInstanceId: null, topics: [{ name: "t", topicId, partitions: [partition] }] },
      });
      return topics[0]?.partitions[0]?.errorCode;
    };
    expect(await commit(memberEpoch)).toBe(0);
    expect(await commit(memberEpoch + 1)).toBe(113);
    await beat(client, { memberEpoch: -1 });
    expect(await commit(memberEpoch)).toBe(25);
  });

  test("is made of a classic group by the first member that wants it, and made one again", async () => {
    await using broker = await startBroker();
    using client = await KafkaClient.connect(broker.broker.port);
    using classic = await KafkaClient.connect(broker.broker.port);
    await create(client, "t", 2);
    const joining = {
      ...{ groupId: "g", sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000 },
      ...{ groupInstanceId: null, protocolType: "consumer", reason: null },
      protocols: [{ name: "range", metadata: subscriptionBytes(["t"], []) }],
    };
    const join = (memberId: string) => classic.call(JoinGroup, 9, { ...joining, memberId });
    const sync = async (memberId: string, generationId: number) => {
      const assignment = encodeAssignment(1, [{ topic: "t", partitions: [0, 1] }]);
      const request = { groupId: "g", generationId, memberId, groupInstanceId: null };
      const { errorCode, assignment: got } = await classic.call(SyncGroup, 5, {
        ...{ ...request, protocolType: "consumer", protocolName: "range" },
        assignments: [{ memberId, assignment }],
      });
      return [errorCode, decodeAssignment(got).flatMap(({ partitions }) => partitions)];
    };
    const beatClassic = async (memberId: string, generationId: number): Promise<number> => {
      const request = { groupId: "g", generationId, memberId, groupInstanceId: null };
      return (await classic.call(Heartbeat, 4, request)).errorCode;
    };
    const { memberId } = await join("");
    const first = await join(memberId);
    expect(await sync(memberId, first.generationId)).toEqual([0, [0, 1]]);

    const joined = await beat(client, JOIN);
    expect(joined).toMatchObject({ errorCode: 0, memberEpoch: first.generationId + 1 });
    expect(joined.assignment?.topicPartitions).toEqual([]);
    const described = await describeGroup(client);
    expect(described.members.map((member) => member.memberType).toSorted()).toEqual([0, 1]);
    expect(await beatClassic(memberId, first.generationId)).toBe(27);
    const second = await join(memberId);
    expect(second).toMatchObject({ errorCode: 0, generationId: joined.memberEpoch, members: [] });
    expect(await sync(memberId, second.generationId)).toEqual([0, [0]]);
    expect(await beatClassic(memberId, second.generationId)).toBe(0);
    await until(client, 1, { memberEpoch: joined.memberEpoch });

    await beat(client, { memberEpoch: -1 });
    expect((await describeGroup(client)).errorCode).toBe(69);
    expect(await beatClassic(memberId, second.generationId)).toBe(27);
    const third = await join(memberId);
    expect(third).toMatchObject({ errorCode: 0, leader: memberId });
    expect(await sync(memberId, third.generationId)).toEqual([0, [0, 1]]);
  });

  test("is of the other protocol if a member of that joins when it is empty", async () => {
    await using broker = await startBroker();
    using client = await KafkaClient.connect(broker.broker.port);
    await create(client, "t", 1);
    const classic = async (): Promise<number> => {
      const { errorCode } = await client.call(JoinGroup, 9, {
        ...{ groupId: "g", sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000, memberId: "" },
        ...{ groupInstanceId: null, protocolType: "consumer", reason: null },
        protocols: [{ name: "range", metadata: new Uint8Array() }],
      });
      return errorCode;
    };
    await beat(client, JOIN);
    await beat(client, { memberEpoch: -1 });
    expect(await classic()).toBe(79);
    const { errorCode, memberEpoch } = await beat(client, JOIN);
    expect(errorCode).toBe(0);
    expect((await beat(client, { memberEpoch })).errorCode).toBe(0);
  });

  test.each([
    ["no group", { groupId: "" }, 42],
    ["no member", { memberId: "" }, 42],
    ["a member epoch that means nothing", { memberEpoch: -3 }, 42],
    ["no rebalance timeout", { rebalanceTimeoutMs: -1 }, 42],
    ["partitions", { topicPartitions: null }, 42],
    ["no subscription", { subscribedTopicNames: null }, 42],
    ["an assignor that the broker does not have", { serverAssignor: "own" }, 112],
    ["an expression that is none", { subscribedTopicRegex: "[" }, 128],
    ["an epoch in a group that does not exist", { memberEpoch: 1 }, 69],
  ])("refuses a member that comes with %s", async (_, request, code) => {
    await using broker = await startBroker();
    using client = await KafkaClient.connect(broker.broker.port);
    const response = await beat(client, { ...JOIN, ...request });
    expect(response.errorCode).toBe(code);
    expect(response.errorMessage).not.toBeNull();
    expect(
      (await client.call(ListGroups, 5, { statesFilter: [], typesFilter: [] })).groups,
    ).toEqual([]);
  });

  test("goes on after a restart, within the session timeouts", async () => {
    using dir = tempDir();
    const clock = new ManualClock();
    {
      await using broker = await startBroker({ dataDir: dir.path }, undefined, clock);
      using client = await KafkaClient.connect(broker.broker.port);
      await create(client, "t", 2);
      await beat(client, { ...JOIN, subscribedTopicNames: [], subscribedTopicRegex: "t" });
      await beat(client, { ...JOIN, memberId: "b" });
    }
    await using broker = await startBroker({ dataDir: dir.path }, undefined, clock);
    using client = await KafkaClient.connect(broker.broker.port);
    const told = await beat(client, { memberEpoch: 2 });
    expect(told).toMatchObject({ errorCode: 0, memberEpoch: 2 });
    expect(told.assignment?.topicPartitions[0]?.partitions).toHaveLength(1);
    clock.advance(60_000);
    expect((await describeGroup(client)).groupState).toBe("Empty");
    expect((await beat(client, { memberEpoch: 2 })).errorCode).toBe(25);
  });
});
