// What each API of Kafka's protocol needs. An API without a row here does not compile.
// Leaves to others: what a row means (row.ts).
import type { KAFKA_APIS, KafkaApiName } from "../../src/protocol/kafka/apis.js";
import type { Api, WriteOf } from "../../src/protocol/kafka/schema.js";
import { ZERO_UUID } from "../../src/record/bytes.js";
import { batchOf } from "../support/broker.js";
import { type Row, TRANSACTION } from "./row.js";

type RequestTo<A> = A extends Api<infer Q, infer _R> ? WriteOf<Q> : never;

/** A row, with the version that is asked: the highest, unless that names topics by their secret ids. */
export interface KafkaRow<Request> extends Row<Request> {
  readonly version?: number;
}

type RowOf<N extends KafkaApiName> = KafkaRow<RequestTo<(typeof KAFKA_APIS)[N]>>;

type KafkaRows = { readonly [N in KafkaApiName]: readonly [RowOf<N>, ...RowOf<N>[]] };

const PARTITION_0 = { partitionIndex: 0 };
const NO_TIMES = { timeoutMs: 0 };

export const KAFKA_ROWS: KafkaRows = {
  Produce: [
    {
      needs: ["WRITE topic"],
      version: 12,
      request: ({ topic }) => produceTo(topic, null),
    },
  ],
  Fetch: [
    {
      needs: ["READ topic"],
      version: 12,
      request: ({ topic }) => ({
        ...{ clusterId: null, replicaId: -1 },
        ...{ maxWaitMs: 0, minBytes: 0, maxBytes: 1024, isolationLevel: 0 },
        ...{ sessionId: 0, sessionEpoch: -1, forgottenTopicsData: [], rackId: "" },
        topics: [{ topic, topicId: ZERO_UUID, partitions: [FETCHED] }],
      }),
    },
  ],
  ListOffsets: [
    {
      needs: ["DESCRIBE topic"],
      request: ({ topic }) => ({
        ...{ replicaId: -1, isolationLevel: 0, ...NO_TIMES },
        topics: [{ name: topic, partitions: [{ ...PARTITION_0, timestamp: -1 }] }],
      }),
    },
  ],
  Metadata: [
    { needs: ["DESCRIBE topic"], request: ({ topic }) => metadataOf([topic], false) },
    { needs: ["DESCRIBE topic"], request: () => metadataOf(null, false), shows: "topic" },
    {
      needs: ["DESCRIBE newTopic", "CREATE newTopic"],
      request: ({ newTopic }) => metadataOf([newTopic], true),
    },
  ],
  OffsetCommit: [
    {
      needs: ["READ group", "READ topic"],
      version: 9,
      request: ({ group, topic }) => ({
        ...{ groupId: group, memberId: "", retentionTimeMs: -1, groupInstanceId: null },
        topics: [
          {
            ...{ name: topic, topicId: ZERO_UUID },
            partitions: [{ ...PARTITION_0, committedOffset: 0, committedMetadata: "" }],
          },
        ],
      }),
    },
  ],
  OffsetFetch: [
    {
      needs: ["DESCRIBE group", "DESCRIBE topic"],
      version: 9,
      request: ({ group, topic }) =>
        offsetsOf(group, [{ name: topic, topicId: ZERO_UUID, partitionIndexes: [0] }]),
    },
    {
      needs: ["DESCRIBE group", "DESCRIBE topic"],
      version: 9,
      request: ({ group }) => offsetsOf(group, null),
      shows: "topic",
    },
  ],
  FindCoordinator: [
    {
      needs: ["DESCRIBE group"],
      request: ({ group }) => ({ key: "", keyType: 0, coordinatorKeys: [group] }),
    },
    {
      needs: ["DESCRIBE transaction"],
      request: () => ({ key: "", keyType: 1, coordinatorKeys: [TRANSACTION] }),
    },
  ],
  JoinGroup: [
    {
      needs: ["READ group"],
      request: ({ group }) => ({
        ...{ groupId: group, sessionTimeoutMs: 6_000, rebalanceTimeoutMs: 6_000, memberId: "" },
        ...{ protocolType: "consumer", protocols: [{ name: "p", metadata: new Uint8Array(0) }] },
      }),
      failsWith: "MEMBER_ID_REQUIRED",
    },
  ],
  Heartbeat: [
    {
      needs: ["READ group"],
      request: ({ group }) => ({ groupId: group, generationId: 1, memberId: "m" }),
      failsWith: "UNKNOWN_MEMBER_ID",
    },
  ],
  LeaveGroup: [
    {
      needs: ["READ group"],
      request: ({ group }) => ({ groupId: group, memberId: "", members: [{ memberId: "m" }] }),
      failsWith: "UNKNOWN_MEMBER_ID",
    },
  ],
  SyncGroup: [
    {
      needs: ["READ group"],
      request: ({ group }) => ({
        ...{ groupId: group, generationId: 1, memberId: "m", assignments: [] },
        ...{ protocolType: "consumer", protocolName: "p" },
      }),
      failsWith: "UNKNOWN_MEMBER_ID",
    },
  ],
  DescribeGroups: [
    {
      needs: ["DESCRIBE group"],
      request: ({ group }) => ({ groups: [group], includeAuthorizedOperations: true }),
    },
  ],
  ListGroups: [
    {
      needs: ["DESCRIBE group"],
      request: () => ({ statesFilter: [], typesFilter: [] }),
      shows: "group",
    },
    {
      needs: ["DESCRIBE cluster"],
      request: () => ({ statesFilter: [], typesFilter: [] }),
      shows: "group",
    },
  ],
  SaslHandshake: [{ needs: [], request: () => ({ mechanism: "PLAIN" }) }],
  ApiVersions: [
    { needs: [], request: () => ({ clientSoftwareName: "c", clientSoftwareVersion: "1" }) },
  ],
  CreateTopics: [
    { needs: ["CREATE newTopic"], request: ({ newTopic }) => creationOf(newTopic) },
    {
      needs: ["CREATE cluster"],
      refusal: "TOPIC_AUTHORIZATION_FAILED",
      request: ({ newTopic }) => creationOf(newTopic),
    },
    {
      needs: ["CREATE topic"],
      request: ({ topic }) => creationOf(topic),
      failsWith: "TOPIC_ALREADY_EXISTS",
    },
  ],
  DeleteTopics: [
    {
      needs: ["DELETE topic"],
      version: 5,
      request: ({ topic }) => ({ topics: [], topicNames: [topic], ...NO_TIMES }),
    },
  ],
  DeleteRecords: [
    {
      needs: ["DELETE topic"],
      request: ({ topic }) => ({
        topics: [{ name: topic, partitions: [{ ...PARTITION_0, offset: -1 }] }],
        ...NO_TIMES,
      }),
    },
  ],
  InitProducerId: [
    { needs: ["IDEMPOTENT_WRITE cluster"], request: () => producerOf(null) },
    {
      needs: ["WRITE topic"],
      refusal: "CLUSTER_AUTHORIZATION_FAILED",
      request: () => producerOf(null),
    },
    {
      needs: ["WRITE transaction"],
      request: () => producerOf(TRANSACTION),
      failsWith: "UNSUPPORTED_VERSION",
    },
  ],
  OffsetForLeaderEpoch: [
    {
      needs: ["DESCRIBE topic"],
      request: ({ topic }) => ({
        topics: [{ topic, partitions: [{ partition: 0, leaderEpoch: 0 }] }],
      }),
    },
  ],
  DescribeAcls: [{ needs: ["DESCRIBE cluster"], request: () => ({ ...FILTER }) }],
  CreateAcls: [
    {
      needs: ["ALTER cluster"],
      request: () => ({
        creations: [
          {
            ...{ resourceType: 2, resourceName: "any", resourcePatternType: 3 },
            ...{ principal: "User:zoe", host: "*", operation: 3, permissionType: 3 },
          },
        ],
      }),
    },
  ],
  DeleteAcls: [
    {
      needs: ["ALTER cluster"],
      request: () => ({ filters: [{ ...FILTER, principalFilter: "User:zoe" }] }),
    },
  ],
  DescribeConfigs: [
    { needs: ["DESCRIBE_CONFIGS topic"], request: ({ topic }) => configsOf(2, topic) },
    { needs: ["DESCRIBE_CONFIGS cluster"], request: () => configsOf(4, "1") },
    { needs: ["DESCRIBE_CONFIGS cluster"], request: () => configsOf(4, "") },
    { needs: ["DESCRIBE_CONFIGS cluster"], request: () => configsOf(8, "1") },
    { needs: ["DESCRIBE_CONFIGS cluster"], request: () => configsOf(16, "metrics") },
    { needs: ["DESCRIBE_CONFIGS group"], request: ({ group }) => configsOf(32, group) },
  ],
  AlterConfigs: [
    { needs: ["ALTER_CONFIGS topic"], request: ({ topic }) => alterationOf(2, topic) },
    {
      needs: ["ALTER_CONFIGS cluster"],
      request: () => alterationOf(4, "1"),
      failsWith: "INVALID_REQUEST",
    },
  ],
  DescribeLogDirs: [
    {
      needs: ["DESCRIBE cluster"],
      request: ({ topic }) => ({ topics: [{ topic, partitions: [0] }] }),
    },
    { needs: ["DESCRIBE cluster"], request: () => ({ topics: null }) },
  ],
  SaslAuthenticate: [
    {
      needs: [],
      // After a handshake, without which it is refused; whoever the caller is.
      request: () => ({ authBytes: new TextEncoder().encode("\0ann\0s3cret") }),
      failsWith: "ILLEGAL_SASL_STATE",
    },
  ],
  CreatePartitions: [
    {
      needs: ["ALTER topic"],
      request: ({ topic }) => partitionsOf(topic, 2),
    },
    {
      needs: ["ALTER topic"],
      request: ({ topic }) => partitionsOf(topic, 2_000_000),
      failsWith: "POLICY_VIOLATION",
    },
  ],
  DeleteGroups: [{ needs: ["DELETE group"], request: ({ group }) => ({ groupsNames: [group] }) }],
  ElectLeaders: [
    {
      needs: ["ALTER cluster"],
      request: ({ topic }) => ({
        ...{ electionType: 0, topicPartitions: [{ topic, partitions: [0] }], ...NO_TIMES },
      }),
      failsWith: "ELECTION_NOT_NEEDED",
    },
    {
      needs: ["ALTER cluster"],
      request: () => ({ electionType: 0, topicPartitions: null, ...NO_TIMES }),
    },
  ],
  IncrementalAlterConfigs: [
    { needs: ["ALTER_CONFIGS topic"], request: ({ topic }) => changeOf(2, topic) },
    {
      needs: ["ALTER_CONFIGS cluster"],
      request: () => changeOf(4, "1"),
      failsWith: "INVALID_REQUEST",
    },
    {
      needs: ["ALTER_CONFIGS cluster"],
      request: () => changeOf(8, "1"),
      failsWith: "INVALID_CONFIG",
    },
    {
      needs: ["ALTER_CONFIGS cluster"],
      request: () => changeOf(16, "metrics"),
      failsWith: "INVALID_CONFIG",
    },
    {
      needs: ["ALTER_CONFIGS group"],
      request: ({ group }) => changeOf(32, group),
      failsWith: "INVALID_CONFIG",
    },
  ],
  AlterPartitionReassignments: [
    {
      needs: ["ALTER cluster"],
      request: ({ topic }) => ({
        topics: [{ name: topic, partitions: [{ ...PARTITION_0, replicas: [1] }] }],
        ...NO_TIMES,
      }),
    },
  ],
  ListPartitionReassignments: [
    { needs: ["DESCRIBE cluster"], request: () => ({ topics: null, ...NO_TIMES }) },
  ],
  OffsetDelete: [
    {
      needs: ["DELETE group", "READ topic"],
      request: ({ group, topic }) => ({
        ...{ groupId: group, topics: [{ name: topic, partitions: [PARTITION_0] }] },
      }),
    },
  ],
  DescribeClientQuotas: [
    { needs: ["DESCRIBE_CONFIGS cluster"], request: () => ({ components: [], strict: false }) },
  ],
  AlterClientQuotas: [
    {
      needs: ["ALTER_CONFIGS cluster"],
      request: () => ({
        validateOnly: false,
        entries: [
          {
            entity: [{ entityType: "user", entityName: "zoe" }],
            ops: [{ key: "producer_byte_rate", value: 1e9, remove: false }],
          },
        ],
      }),
    },
  ],
  DescribeUserScramCredentials: [
    { needs: ["DESCRIBE cluster"], request: () => ({ users: null }) },
    { needs: ["DESCRIBE cluster"], request: ({ user }) => ({ users: [{ name: user }] }) },
  ],
  AlterUserScramCredentials: [
    {
      needs: ["ALTER cluster"],
      request: ({ user }) => ({ deletions: [{ name: user, mechanism: 1 }], upsertions: [] }),
    },
    {
      needs: ["ALTER cluster"],
      request: ({ user }) => ({
        deletions: [],
        upsertions: [
          {
            ...{ name: user, mechanism: 1, iterations: 4096 },
            ...{ salt: new Uint8Array(16), saltedPassword: new Uint8Array(32) },
          },
        ],
      }),
    },
  ],
  DescribeCluster: [
    // The addresses of the brokers, which a client needs for anything else.
    {
      needs: [],
      request: () => ({ includeClusterAuthorizedOperations: true, includeFencedBrokers: false }),
    },
  ],
  DescribeProducers: [
    {
      needs: ["READ topic"],
      request: ({ topic }) => ({ topics: [{ name: topic, partitionIndexes: [0] }] }),
    },
  ],
  ConsumerGroupHeartbeat: [
    {
      needs: ["READ group", "DESCRIBE topic"],
      request: ({ group, topic }) => heartbeatOf(group, [topic], null),
    },
    {
      needs: ["READ group"],
      request: ({ group }) => heartbeatOf(group, null, ".*"),
    },
  ],
  ConsumerGroupDescribe: [
    {
      needs: ["DESCRIBE group"],
      request: ({ group }) => ({ groupIds: [group], includeAuthorizedOperations: true }),
      failsWith: "GROUP_NOT_FOUND",
    },
  ],
  DescribeTopicPartitions: [
    { needs: ["DESCRIBE topic"], request: ({ topic }) => partitionsAsked([topic]) },
    { needs: ["DESCRIBE topic"], request: () => partitionsAsked([]), shows: "topic" },
  ],
};

const FETCHED = {
  ...{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1024, replicaDirectoryId: ZERO_UUID },
};

const FILTER = {
  ...{ resourceTypeFilter: 1, resourceNameFilter: null, patternTypeFilter: 1 },
  ...{ principalFilter: null, hostFilter: null, operation: 1, permissionType: 1 },
};

function produceTo(topic: string, transactionalId: string | null) {
  return {
    ...{ transactionalId, acks: -1, timeoutMs: 1_000 },
    topicData: [
      {
        ...{ name: topic, topicId: ZERO_UUID },
        partitionData: [{ index: 0, records: [batchOf("x")] as const }],
      },
    ],
  };
}

function metadataOf(topics: readonly string[] | null, allowAutoTopicCreation: boolean) {
  return {
    topics: topics?.map((name) => ({ topicId: ZERO_UUID, name })) ?? null,
    ...{ allowAutoTopicCreation, includeClusterAuthorizedOperations: false },
    includeTopicAuthorizedOperations: true,
  };
}

function offsetsOf(
  groupId: string,
  topics: { name: string; topicId: string; partitionIndexes: number[] }[] | null,
) {
  return { groupId: "", topics: null, groups: [{ groupId, topics }], requireStable: false };
}

function creationOf(name: string) {
  return {
    topics: [{ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }],
    ...{ ...NO_TIMES, validateOnly: false },
  };
}

function producerOf(transactionalId: string | null) {
  return {
    ...{ transactionalId, transactionTimeoutMs: 1_000 },
    ...{ enable2Pc: false, keepPreparedTxn: false },
  };
}

function configsOf(resourceType: number, resourceName: string) {
  return {
    resources: [{ resourceType, resourceName, configurationKeys: null }],
    ...{ includeSynonyms: true, includeDocumentation: true },
  };
}

function alterationOf(resourceType: number, resourceName: string) {
  const configs = [{ name: "retention.ms", value: "1000000" }];
  return { resources: [{ resourceType, resourceName, configs }], validateOnly: false };
}

function changeOf(resourceType: number, resourceName: string) {
  const configs = [{ name: "retention.ms", configOperation: 0, value: "1000000" }];
  return { resources: [{ resourceType, resourceName, configs }], validateOnly: false };
}

function partitionsOf(name: string, count: number) {
  return { topics: [{ name, count, assignments: null }], ...NO_TIMES, validateOnly: false };
}

function heartbeatOf(
  group: string,
  subscribedTopicNames: readonly string[] | null,
  subscribedTopicRegex: string | null,
) {
  return {
    ...{ groupId: group, memberId: "m", memberEpoch: 0, rebalanceTimeoutMs: 6_000 },
    ...{ subscribedTopicNames, subscribedTopicRegex, topicPartitions: [] },
  };
}

function partitionsAsked(topics: readonly string[]) {
  return {
    topics: topics.map((name) => ({ name })),
    ...{ responsePartitionLimit: 2_000, cursor: null },
  };
}
