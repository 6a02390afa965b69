// What a broker with users is asked about its permissions: every API, by users with one kind of permission each.
// Leaves to others: Kafka's answers (permissions.jsonl), and asking (permissions.test.ts, record-permissions.ts).
import { encodeRequest } from "../../../src/protocol/kafka/headers.js";
import { KAFKA_APIS } from "../../../src/protocol/kafka/apis.js";
import type { Api, Fields, WriteOf } from "../../../src/protocol/kafka/schema.js";
import { ZERO_UUID } from "../../../src/record/bytes.js";
import {
  OPERATIONS,
  OPERATIONS_OF,
  type Operation,
  RESOURCE_TYPES,
  type ResourceType,
} from "../../../src/security/permission.js";
import { encodeBatch } from "../../record/batches.js";

/** May do everything, and prepares what the others ask about. */
export const ADMIN = "admin";

/** Asks without a login. */
export const UNKNOWN = "unknown";

type Permission = readonly [ResourceType, Operation, "DENY"?];

interface TestUser {
  readonly name: string;
  /** On topics and groups whose name begins with the user's, and on the cluster. */
  readonly permissions: readonly Permission[];
  /** The questions that its permissions are about. */
  readonly asks: readonly ResourceType[];
}

const EVERYTHING = ["TOPIC", "GROUP", "CLUSTER"] as const;

export const USERS: readonly TestUser[] = [
  { name: "none", permissions: [], asks: EVERYTHING },
  {
    name: "deny",
    permissions: [
      ["TOPIC", "ALL"],
      ["GROUP", "ALL"],
      ["TOPIC", "READ", "DENY"],
    ],
    asks: ["TOPIC", "GROUP"],
  },
  {
    name: "reader",
    permissions: [
      ["TOPIC", "READ"],
      ["GROUP", "READ"],
    ],
    asks: ["TOPIC", "GROUP"],
  },
  {
    name: "describer",
    permissions: [
      ["TOPIC", "DESCRIBE"],
      ["GROUP", "DESCRIBE"],
    ],
    asks: ["GROUP"],
  },
  {
    name: "writer",
    permissions: [
      ["TOPIC", "WRITE"],
      ["TOPIC", "CREATE"],
    ],
    asks: ["TOPIC"],
  },
  ...EVERYTHING.flatMap((type) =>
    (["ALL", ...OPERATIONS_OF[type]] as const).map((operation) => ({
      name: `${type.toLowerCase()}-${operation}`,
      permissions: [[type, operation] as const],
      asks: [type],
    })),
  ),
];

export function passwordOf(user: string): string {
  return `${user}-secret`;
}

/** Finds the id of a topic, as the broker that is asked has it. */
export type TopicIds = (topic: string) => string;

/** Makes a request once the ids of topics are known. */
export interface UnaskedQuestion {
  readonly name: string;
  readonly user: string;
  readonly request: (idOf: TopicIds) => Uint8Array;
}

let lastId = 0;

function question<Q extends Fields, R extends Fields>(
  user: string,
  what: string,
  api: Api<Q, R>,
  version: number,
  value: (idOf: TopicIds) => WriteOf<Q>,
): UnaskedQuestion {
  const [name] = Object.entries(KAFKA_APIS).find(([, each]) => each.key === api.key)!;
  const correlationId = ++lastId;
  return {
    name: `${user}: ${name}${what === "" ? "" : ` ${what}`} v${version}`,
    user,
    request: (idOf) =>
      encodeRequest(api, { apiVersion: version, correlationId, clientId: "test" }, value(idOf)),
  };
}

/** Topics and groups that are there and that nobody has a permission on. */
const HIDDEN = "hidden";

/** What all questions need. */
export function setupQuestions(): UnaskedQuestion[] {
  const topics = [HIDDEN, ...USERS.map(({ name }) => `${name}-t`)];
  const groups = topics.map((topic) => topic.replace(/(-t)?$/, "-g"));
  return [
    question(ADMIN, "", KAFKA_APIS.CreateTopics, 4, () => ({
      topics: topics.map((name) => newTopic(name)),
      timeoutMs: 30_000,
      validateOnly: false,
    })),
    question(ADMIN, "", KAFKA_APIS.Metadata, 12, () => ({
      topics: topics.map((name) => ({ name, topicId: ZERO_UUID })),
      ...NO_OPERATIONS,
    })),
    // Makes Kafka get ready to coordinate groups, and to give out producer ids.
    question(ADMIN, "", KAFKA_APIS.FindCoordinator, 3, () => ({
      ...{ key: HIDDEN, keyType: 0, coordinatorKeys: [] },
    })),
    question(ADMIN, "", KAFKA_APIS.InitProducerId, 4, () => ({
      ...{ transactionalId: null, transactionTimeoutMs: 1000, producerId: -1, producerEpoch: -1 },
      ...{ enable2Pc: false, keepPreparedTxn: false },
    })),
    ...groups.map((groupId, i) =>
      question(ADMIN, groupId, KAFKA_APIS.OffsetCommit, 8, () => ({
        ...{ groupId, generationIdOrMemberEpoch: -1, memberId: "", groupInstanceId: null },
        topics: [topics[i]!, HIDDEN].map((name) => committed(name)).slice(0, i === 0 ? 1 : 2),
      })),
    ),
    question(ADMIN, "", KAFKA_APIS.CreateAcls, 3, () => ({
      creations: USERS.flatMap(({ name, permissions }) =>
        permissions.map(([type, operation, effect]) => ({
          resourceType: RESOURCE_TYPES[type],
          resourceName: type === "CLUSTER" ? "kafka-cluster" : `${name}-`,
          resourcePatternType: type === "CLUSTER" ? 3 : 4,
          principal: `User:${name}`,
          host: "*",
          operation: OPERATIONS[operation],
          permissionType: effect === "DENY" ? 2 : 3,
        })),
      ),
    })),
  ];
}

const NO_OPERATIONS = {
  allowAutoTopicCreation: false,
  includeClusterAuthorizedOperations: false,
  includeTopicAuthorizedOperations: false,
} as const;

function newTopic(name: string) {
  return { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] };
}

function committed(name: string, topicId = ZERO_UUID) {
  const partition = { partitionIndex: 0, committedOffset: 0, committedLeaderEpoch: -1 };
  return { name, topicId, partitions: [{ ...partition, committedMetadata: null }] };
}

/** What a user asks, in the order in which the answers don't depend on each other. */
export function questionsOf({ name, asks }: TestUser): UnaskedQuestion[] {
  const families = { TOPIC: topicQuestions, GROUP: groupQuestions, CLUSTER: clusterQuestions };
  const questions = EVERYTHING.filter((type) => asks.includes(type)).flatMap((type) =>
    families[type](name),
  );
  if (asks.includes("TOPIC")) questions.push(...lastQuestions(name));
  return questions;
}

/** Topics with and without a permission, that are there and that are not. */
function topicsOf(user: string): string[] {
  return [`${user}-t`, `${user}-missing`, HIDDEN, "missing"];
}

function topicQuestions(user: string): UnaskedQuestion[] {
  const topics = topicsOf(user);
  const present = [topics[0]!, HIDDEN];
  const named = (name: string) => ({ name, topicId: ZERO_UUID });
  const ids = (idOf: TopicIds) => present.map((topic) => ({ name: topic, topicId: idOf(topic) }));
  const batch = encodeBatch([{ timestamp: Date.now(), key: null, value: "v", headers: [] }]);
  const partitionData = [{ index: 0, records: [batch] as const }];
  const position = {
    partition: 0,
    currentLeaderEpoch: -1,
    fetchOffset: 0,
    partitionMaxBytes: 1000,
  };
  const fetch = { replicaId: -1, maxWaitMs: 0, minBytes: 0, maxBytes: 10_000, isolationLevel: 0 };
  const noSession = { sessionId: 0, sessionEpoch: -1, forgottenTopicsData: [], rackId: "" };
  const setting = { name: "retention.ms", value: "60000" };
  const resources = topics.map((resourceName) => ({ resourceType: 2, resourceName }));
  const { Metadata, DescribeTopicPartitions, Produce, Fetch, ListOffsets } = KAFKA_APIS;
  const { OffsetForLeaderEpoch, DescribeProducers, InitProducerId, DeleteRecords } = KAFKA_APIS;
  const { DescribeConfigs, AlterConfigs, IncrementalAlterConfigs, CreatePartitions } = KAFKA_APIS;
  return [
    question(user, "", Metadata, 9, () => ({
      topics: topics.map(named),
      allowAutoTopicCreation: false,
      includeClusterAuthorizedOperations: true,
      includeTopicAuthorizedOperations: true,
    })),
    question(user, "all", Metadata, 12, () => ({ topics: null, ...NO_OPERATIONS })),
    question(user, "by id", Metadata, 12, (idOf) => ({
      topics: ids(idOf).map(({ topicId }) => ({ name: null, topicId })),
      ...NO_OPERATIONS,
      includeTopicAuthorizedOperations: true,
    })),
    question(user, "", DescribeTopicPartitions, 0, () => ({
      topics: topics.map((name) => ({ name })),
      responsePartitionLimit: 100,
      cursor: null,
    })),
    question(user, "all", DescribeTopicPartitions, 0, () => ({
      ...{ topics: [], responsePartitionLimit: 100, cursor: null },
    })),
    question(user, "", Produce, 9, () => ({
      ...{ transactionalId: null, acks: -1, timeoutMs: 1000 },
      topicData: topics.map((topic) => ({ ...named(topic), partitionData })),
    })),
    question(user, "by id", Produce, 13, (idOf) => ({
      ...{ transactionalId: null, acks: 1, timeoutMs: 1000 },
      topicData: ids(idOf).map((topic) => ({ ...topic, partitionData })),
    })),
    question(user, "", Fetch, 12, () => ({
      ...{ ...fetch, ...noSession },
      topics: topics.map((topic) => ({ topic, topicId: ZERO_UUID, partitions: [position] })),
    })),
    question(user, "by id", Fetch, 17, (idOf) => ({
      ...{ ...fetch, ...noSession },
      topics: ids(idOf).map(({ topicId }) => ({ topic: "", topicId, partitions: [position] })),
    })),
    question(user, "", ListOffsets, 9, () => ({
      ...{ replicaId: -1, isolationLevel: 0, timeoutMs: 1000 },
      topics: topics.map((name) => ({
        name,
        partitions: [{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp: -2 }],
      })),
    })),
    question(user, "", OffsetForLeaderEpoch, 4, () => ({
      replicaId: -1,
      topics: topics.map((topic) => ({
        topic,
        partitions: [{ partition: 0, currentLeaderEpoch: -1, leaderEpoch: 0 }],
      })),
    })),
    question(user, "", DescribeProducers, 0, () => ({
      topics: topics.map((name) => ({ name, partitionIndexes: [0] })),
    })),
    question(user, "", InitProducerId, 4, () => ({
      ...{ transactionalId: null, transactionTimeoutMs: 1000, producerId: -1, producerEpoch: -1 },
      ...{ enable2Pc: false, keepPreparedTxn: false },
    })),
    question(user, "", DeleteRecords, 2, () => ({
      topics: topics.map((name) => ({ name, partitions: [{ partitionIndex: 0, offset: 0 }] })),
      timeoutMs: 1000,
    })),
    question(user, "", DescribeConfigs, 4, () => ({
      resources: resources.map((each) => ({ ...each, configurationKeys: ["cleanup.policy"] })),
      ...{ includeSynonyms: false, includeDocumentation: false },
    })),
    question(user, "", AlterConfigs, 2, () => ({
      resources: resources.map((each) => ({ ...each, configs: [setting] })),
      validateOnly: false,
    })),
    question(user, "", IncrementalAlterConfigs, 1, () => ({
      resources: resources.map((each) => ({
        ...each,
        configs: [{ ...setting, configOperation: 0 }],
      })),
      validateOnly: false,
    })),
    question(user, "", CreatePartitions, 3, () => ({
      topics: topics.map((name) => ({ name, count: 2, assignments: null })),
      ...{ timeoutMs: 5000, validateOnly: false },
    })),
    ...creationQuestions(user),
  ];
}

function creationQuestions(user: string): UnaskedQuestion[] {
  const topics = [`${user}-t`, `${user}-new`, HIDDEN, `new-${user}`];
  const { Metadata, CreateTopics } = KAFKA_APIS;
  return [
    question(user, "validate", CreateTopics, 7, () => ({
      ...{ topics: topics.map(newTopic), timeoutMs: 5000, validateOnly: true },
    })),
    question(user, "", CreateTopics, 7, () => ({
      ...{ topics: topics.map(newTopic), timeoutMs: 5000, validateOnly: false },
    })),
    question(user, "auto", Metadata, 12, () => ({
      topics: [`${user}-auto`, `auto-${user}`].map((name) => ({ name, topicId: ZERO_UUID })),
      ...NO_OPERATIONS,
      allowAutoTopicCreation: true,
    })),
  ];
}

/** What ends the topics that the others are about. */
function lastQuestions(user: string): UnaskedQuestion[] {
  const topics = topicsOf(user);
  return [
    question(user, "by id", KAFKA_APIS.DeleteTopics, 6, (idOf) => ({
      topics: [{ name: null, topicId: idOf(HIDDEN) }],
      topicNames: [],
      timeoutMs: 5000,
    })),
    question(user, "", KAFKA_APIS.DeleteTopics, 6, () => ({
      topics: topics.map((name) => ({ name, topicId: ZERO_UUID })),
      topicNames: [],
      timeoutMs: 5000,
    })),
  ];
}

function groupQuestions(user: string): UnaskedQuestion[] {
  const groups = [`${user}-g`, `${user}-missing`, `${HIDDEN}-g`, "missing"];
  const topics = topicsOf(user);
  const member = { memberId: "m", groupInstanceId: null };
  const partitions = [{ partitionIndex: 0 }];
  const { ListGroups, DescribeGroups, ConsumerGroupDescribe, FindCoordinator } = KAFKA_APIS;
  const { OffsetFetch, OffsetCommit, OffsetDelete, DeleteGroups } = KAFKA_APIS;
  const { JoinGroup, SyncGroup, Heartbeat, LeaveGroup, ConsumerGroupHeartbeat } = KAFKA_APIS;
  return [
    question(user, "", ListGroups, 5, () => ({ statesFilter: [], typesFilter: [] })),
    question(user, "", DescribeGroups, 5, () => ({ groups, includeAuthorizedOperations: true })),
    question(user, "", ConsumerGroupDescribe, 1, () => ({
      ...{ groupIds: groups, includeAuthorizedOperations: true },
    })),
    question(user, "", FindCoordinator, 4, () => ({
      ...{ key: "", keyType: 0, coordinatorKeys: groups },
    })),
    question(user, "granted", FindCoordinator, 3, () => ({
      ...{ key: groups[0]!, keyType: 0, coordinatorKeys: [] },
    })),
    question(user, "refused", FindCoordinator, 3, () => ({
      ...{ key: groups[2]!, keyType: 0, coordinatorKeys: [] },
    })),
    question(user, "", OffsetFetch, 8, () => ({
      ...{ groupId: "", topics: [], requireStable: true },
      groups: groups.map((groupId) => ({
        groupId,
        topics: topics.map((name) => ({ name, topicId: ZERO_UUID, partitionIndexes: [0] })),
      })),
    })),
    question(user, "all", OffsetFetch, 8, () => ({
      ...{ groupId: "", topics: [], requireStable: true },
      groups: groups.map((groupId) => ({ groupId, topics: null })),
    })),
    ...groups.flatMap((groupId, i) => [
      question(user, `${i}`, OffsetCommit, 8, () => ({
        ...{ groupId, generationIdOrMemberEpoch: -1, memberId: "", groupInstanceId: null },
        topics: topics.map((name) => committed(name)),
      })),
      question(user, `${i}`, JoinGroup, 9, () => ({
        ...{ groupId, sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000, memberId: "" },
        ...{ groupInstanceId: null, protocolType: "consumer", reason: null },
        protocols: [{ name: "range", metadata: new Uint8Array(0) }],
      })),
      question(user, `${i}`, SyncGroup, 5, () => ({
        ...{ groupId, generationId: 1, ...member, protocolType: null, protocolName: null },
        assignments: [],
      })),
      question(user, `${i}`, Heartbeat, 4, () => ({ groupId, generationId: 1, ...member })),
      question(user, `${i}`, LeaveGroup, 5, () => ({
        ...{ groupId, memberId: "", members: [{ ...member, reason: null }] },
      })),
      question(user, `unknown member ${i}`, ConsumerGroupHeartbeat, 1, () => ({
        ...{ groupId, memberId: "m", memberEpoch: 7, instanceId: null, rackId: null },
        ...{ rebalanceTimeoutMs: -1, subscribedTopicNames: null, subscribedTopicRegex: null },
        ...{ serverAssignor: null, topicPartitions: null },
      })),
      question(user, `${i}`, OffsetDelete, 0, () => ({
        ...{ groupId, topics: topics.map((name) => ({ name, partitions })) },
      })),
    ]),
    ...[topics[0]!, HIDDEN].map((topic, i) =>
      question(user, `joins for topic ${i}`, ConsumerGroupHeartbeat, 1, () => ({
        ...{ groupId: `${user}-consumers`, memberId: `m${i}`, memberEpoch: 0, instanceId: null },
        ...{ rackId: null, rebalanceTimeoutMs: 10_000, subscribedTopicNames: [topic] },
        ...{ subscribedTopicRegex: null, serverAssignor: null, topicPartitions: [] },
      })),
    ),
    question(user, "of consumers", ConsumerGroupDescribe, 1, () => ({
      ...{ groupIds: [`${user}-consumers`], includeAuthorizedOperations: false },
    })),
    question(user, "", DeleteGroups, 2, () => ({ groupsNames: groups })),
  ];
}

function clusterQuestions(user: string): UnaskedQuestion[] {
  const topics = topicsOf(user);
  const rule = {
    ...{ resourceType: 2, principal: `User:x-${user}`, host: "*" },
    ...{ operation: 3, permissionType: 3 },
  };
  const filter = {
    ...{ resourceTypeFilter: 2, resourceNameFilter: null, patternTypeFilter: 1 },
    ...{ principalFilter: `User:x-${user}`, hostFilter: null, operation: 1, permissionType: 1 },
  };
  const salted = { salt: new Uint8Array(16), saltedPassword: new Uint8Array(32) };
  const broker = { resourceType: 4, resourceName: "1" };
  const apis = KAFKA_APIS;
  return [
    question(user, "", apis.DescribeCluster, 2, () => ({
      ...{ includeClusterAuthorizedOperations: true, endpointType: 1, includeFencedBrokers: false },
    })),
    question(user, "", apis.Metadata, 8, () => ({
      ...{ topics: [], ...NO_OPERATIONS, includeClusterAuthorizedOperations: true },
    })),
    question(user, "of the cluster", apis.ListGroups, 5, () => ({
      ...{ statesFilter: [], typesFilter: [] },
    })),
    question(user, "for the cluster", apis.InitProducerId, 4, () => ({
      ...{ transactionalId: null, transactionTimeoutMs: 1000, producerId: -1, producerEpoch: -1 },
      ...{ enable2Pc: false, keepPreparedTxn: false },
    })),
    question(user, "", apis.DescribeLogDirs, 4, () => ({
      topics: [{ topic: HIDDEN, partitions: [0] }],
    })),
    question(user, "of a broker", apis.DescribeConfigs, 4, () => ({
      resources: [{ ...broker, configurationKeys: ["num.partitions"] }],
      ...{ includeSynonyms: false, includeDocumentation: false },
    })),
    question(user, "of a broker", apis.IncrementalAlterConfigs, 1, () => ({
      resources: [
        { ...broker, configs: [{ name: "log.retention.ms", configOperation: 0, value: "60000" }] },
      ],
      validateOnly: true,
    })),
    question(user, "of a group", apis.DescribeConfigs, 4, () => ({
      resources: [{ resourceType: 32, resourceName: `${HIDDEN}-g`, configurationKeys: [] }],
      ...{ includeSynonyms: false, includeDocumentation: false },
    })),
    question(user, "", apis.ElectLeaders, 2, () => ({
      electionType: 0,
      topicPartitions: topics.map((topic) => ({ topic, partitions: [0] })),
      timeoutMs: 1000,
    })),
    question(user, "", apis.AlterPartitionReassignments, 0, () => ({
      timeoutMs: 1000,
      topics: topics.map((name) => ({
        name,
        partitions: [{ partitionIndex: 0, replicas: null }],
      })),
    })),
    question(user, "", apis.ListPartitionReassignments, 0, () => ({
      ...{ timeoutMs: 1000, topics: null },
    })),
    question(user, "", apis.CreateAcls, 3, () => ({
      creations: [
        { ...rule, resourceName: "x", resourcePatternType: 3 },
        { ...rule, resourceName: "", resourcePatternType: 3 },
      ],
    })),
    question(user, "", apis.DescribeAcls, 3, () => filter),
    question(user, "", apis.DeleteAcls, 3, () => ({ filters: [filter] })),
    question(user, "", apis.DescribeUserScramCredentials, 0, () => ({
      users: [{ name: `nobody-${user}` }],
    })),
    question(user, "", apis.AlterUserScramCredentials, 0, () => ({
      deletions: [{ name: `nobody-${user}`, mechanism: 1 }],
      upsertions: [{ name: `new-${user}`, mechanism: 1, iterations: 4096, ...salted }],
    })),
    question(user, "", apis.DescribeClientQuotas, 1, () => ({ components: [], strict: true })),
    ...creationQuestions(user),
  ];
}

/** Every API that is advertised, asked before the login. The broker must close the connection. */
export function unknownQuestions(): UnaskedQuestion[] {
  return USERS.slice(0, 1)
    .flatMap((user) => questionsOf(user))
    .filter(({ name }, i, all) => {
      const api = (each: string): string => each.split(" ")[1]!;
      return all.findIndex((other) => api(other.name) === api(name)) === i;
    })
    .map((each) => ({ ...each, name: each.name.replace(/^.*?:/, `${UNKNOWN}:`), user: UNKNOWN }));
}
