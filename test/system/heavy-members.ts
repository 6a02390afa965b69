// What one client can do to the memory of the group coordinator, for test/fairness.ts: groups, members and offsets without
// end, each of which costs it a few bytes. Afterwards another client must still be able to join a group.
// Leaves to others: measuring the effect on another client.
import { connect } from "../../src/client/client.js";
import { KAFKA_APIS } from "../../src/protocol/kafka/apis.js";

import type { Api, Fields, ReadOf, WriteOf } from "../../src/protocol/kafka/schema.js";
import { ZERO_UUID } from "../../src/record/bytes.js";
import type { BrokerProcess } from "../support/binary.js";
import { KafkaClient } from "../support/kafka-client.js";
import type { Heavy } from "./heavy-requests.js";

/** Kafka's code: join again with the id in the answer. */
const MEMBER_ID_REQUIRED = 79;

const { ConsumerGroupHeartbeat, JoinGroup, LeaveGroup, OffsetCommit } = KAFKA_APIS;

/** Members that are silent for a minute make room for others. */
const ANOTHER_MS_MAX = 90_000;

const SESSION_MS = 1_800_000;

/** Requests that are sent before their answers are read. */
const AT_ONCE = 500;

/** So that a member of a new group is answered at once. */
const NO_DELAY = ["--group-initial-rebalance-delay", "0ms"];

const NOBODY = { memberId: "", groupInstanceId: null };

async function createTopics(broker: BrokerProcess): Promise<void> {
  await using client = await connect({ broker: broker.address, requestTimeoutMs: 120_000 });
  await client.admin().createTopic("t", { partitions: 1_000 });
}

function joinRequest(groupId: string, protocols = 1) {
  return {
    ...NOBODY,
    ...{ groupId, sessionTimeoutMs: SESSION_MS, rebalanceTimeoutMs: SESSION_MS },
    ...{ protocolType: "consumer", reason: null },
    protocols: Array.from({ length: protocols }, (_, i) => ({
      name: `protocol-${i}`,
      metadata: new Uint8Array(20),
    })),
  };
}

/** Sends `count` requests on one connection. Resolves with how often each error was the answer. */
async function flood<Q extends Fields, R extends Fields>(
  { port }: BrokerProcess,
  count: number,
  [api, version]: readonly [Api<Q, R>, number],
  request: (i: number) => WriteOf<Q>,
  errorOf: (answer: ReadOf<R>) => number,
): Promise<string> {
  using client = await KafkaClient.connect(port);
  const outcomes = new Map<number, number>();
  for (let first = 0; first < count; first += AT_ONCE) {
    const answers = Array.from({ length: Math.min(AT_ONCE, count - first) }, (_, i) =>
      client.call(api, version, request(first + i)),
    );
    for (const answer of await Promise.all(answers)) {
      const error = errorOf(answer);
      outcomes.set(error, (outcomes.get(error) ?? 0) + 1);
    }
  }
  return [...outcomes].map(([error, times]) => `${times} times error ${error}`).join(", ");
}

/** How long a client has to try until it joins a group of its own. */
async function another({ port }: BrokerProcess): Promise<string> {
  using client = await KafkaClient.connect(port);
  const beganMs = performance.now();
  let errorCode = -1;
  while (errorCode !== 0 && performance.now() - beganMs < ANOTHER_MS_MAX) {
    if (errorCode > 0) await Bun.sleep(1_000);
    errorCode = await joinOnce(client);
  }
  const seconds = ((performance.now() - beganMs) / 1_000).toFixed(1);
  return `another client joins after ${seconds} s with error ${errorCode}`;
}

async function joinOnce(client: KafkaClient): Promise<number> {
  const first = await client.call(JoinGroup, 9, joinRequest("another"));
  if (first.errorCode !== MEMBER_ID_REQUIRED) return first.errorCode;
  const { memberId } = first;
  return (await client.call(JoinGroup, 9, { ...joinRequest("another"), memberId })).errorCode;
}

function subscriber(group: string, topics: number) {
  return {
    ...{ groupId: group, memberId: "member", memberEpoch: 0, instanceId: null, rackId: null },
    ...{ rebalanceTimeoutMs: SESSION_MS, subscribedTopicRegex: null, serverAssignor: null },
    subscribedTopicNames: Array.from({ length: topics }, (_, i) => `${group}-${i}`),
    topicPartitions: [],
  };
}

/** All of them. */
export const HEAVY_MEMBERS: readonly Heavy[] = [
  {
    name: "300,000 member ids in ever new groups, none of them used",
    prepare: createTopics,
    run: async (broker) => {
      const answers = await flood(
        ...[broker, 300_000, [JoinGroup, 9] as const],
        (i) => joinRequest(`group-${i}`),
        ({ errorCode }) => errorCode,
      );
      return `${answers}; ${await another(broker)}`;
    },
  },
  {
    name: "members of ever new groups",
    args: NO_DELAY,
    prepare: createTopics,
    run: async (broker) => {
      const answers = await flood(
        ...[broker, 100_000, [JoinGroup, 3] as const],
        (i) => joinRequest(`group-${i}`),
        ({ errorCode }) => errorCode,
      );
      return `${answers}; ${await another(broker)}`;
    },
  },
  {
    name: "members with 100 protocols of ever new groups",
    args: NO_DELAY,
    prepare: createTopics,
    run: async (broker) => {
      const answers = await flood(
        ...[broker, 10_000, [JoinGroup, 3] as const],
        (i) => joinRequest(`group-${i}`, 100),
        ({ errorCode }) => errorCode,
      );
      return `${answers}; ${await another(broker)}`;
    },
  },
  {
    name: "members that name 5,000 topics",
    prepare: createTopics,
    run: async (broker) => {
      const answers = await flood(
        ...[broker, 400, [ConsumerGroupHeartbeat, 1] as const],
        (i) => subscriber(`g${i}`, 5_000),
        ({ errorCode }) => errorCode,
      );
      return `${answers}; ${await another(broker)}`;
    },
  },
  {
    name: "members join and leave under ever new names",
    args: NO_DELAY,
    prepare: createTopics,
    run: async (broker) => {
      using client = await KafkaClient.connect(broker.port);
      for (let first = 0; first < 250_000; first += AT_ONCE) {
        const names = Array.from({ length: AT_ONCE }, (_, i) => `group-${first + i}`);
        const joined = await Promise.all(
          names.map((name) => client.call(JoinGroup, 3, joinRequest(name))),
        );
        await Promise.all(
          names.map((groupId, i) =>
            client.call(LeaveGroup, 1, {
              ...{ groupId, memberId: joined[i]!.memberId, members: [] },
            }),
          ),
        );
      }
      return await another(broker);
    },
  },
  {
    name: "committed offsets with 4,096 characters of metadata",
    prepare: createTopics,
    run: async (broker) => {
      const metadata = "m".repeat(4_096);
      const partitions = Array.from({ length: 900 }, (_, partitionIndex) => ({
        ...{ partitionIndex, committedOffset: 0, committedLeaderEpoch: -1 },
        committedMetadata: metadata,
      }));
      return await flood(
        ...[broker, 250, [OffsetCommit, 8] as const],
        (i) => ({
          ...{
            groupId: `group-${i}`,
            generationIdOrMemberEpoch: -1,
            ...NOBODY,
            retentionTimeMs: -1,
          },
          topics: [{ name: "t", topicId: ZERO_UUID, partitions }],
        }),
        ({ topics }) => topics[0]!.partitions[0]!.errorCode,
      );
    },
  },
];
