// What each API of the native protocol needs. An API without a row here does not compile.
// Leaves to others: what a row means (row.ts).
import type { APIS } from "../../src/protocol/native/api-versions.js";
import type { ApiName } from "../../src/protocol/native/messages.js";
import type { RequestOf } from "../../src/protocol/native/schema.js";
import { batchOf } from "../support/broker.js";
import type { Row } from "./row.js";

type NativeRows = {
  readonly [N in ApiName]: readonly [
    Row<RequestOf<(typeof APIS)[N]>>,
    ...Row<RequestOf<(typeof APIS)[N]>>[],
  ];
};

const RUN_ID = "00000000-0000-4000-8000-000000000001";

export const NATIVE_ROWS: NativeRows = {
  Produce: [
    {
      needs: ["WRITE topic"],
      request: ({ topic }) => ({ topic, partition: 0, batch: batchOf("x") }),
    },
    {
      needs: ["WRITE newTopic", "CREATE newTopic"],
      request: ({ newTopic }) => ({ topic: newTopic, partition: 0, batch: batchOf("x") }),
    },
  ],
  Fetch: [
    {
      needs: ["READ topic", "READ group"],
      request: ({ topic, group }) => ({
        ...{ group, topic, partition: 0, offset: 0 },
        ...{ maxBytes: 1024, minBytes: 0, maxWaitMs: 0 },
      }),
    },
    {
      needs: ["READ topic"],
      request: ({ topic }) => ({
        ...{ group: "", topic, partition: 0, offset: 0 },
        ...{ maxBytes: 1024, minBytes: 0, maxWaitMs: 0 },
      }),
    },
  ],
  OffsetCommit: [
    {
      needs: ["READ group", "READ topic"],
      request: ({ group, topic, topicId }) => ({
        ...{ group, offsets: [{ topic, partition: 0, offset: 0, topicId }] },
        ...{ memberId: "", memberEpoch: -1 },
      }),
    },
  ],
  OffsetFetch: [
    {
      needs: ["DESCRIBE group", "DESCRIBE topic"],
      request: ({ group, topic, topicId }) => ({
        ...{ group, partitions: [{ topic, partition: 0, topicId }] },
      }),
    },
  ],
  CreateTopic: [
    {
      needs: ["CREATE newTopic"],
      request: ({ newTopic }) => ({ topic: newTopic, partitions: 1, settings: [] }),
    },
    {
      needs: ["CREATE topic"],
      request: ({ topic }) => ({ topic, partitions: 1, settings: [] }),
      failsWith: "TOPIC_ALREADY_EXISTS",
    },
    {
      needs: ["CREATE cluster"],
      refusal: "TOPIC_AUTHORIZATION_FAILED",
      request: ({ newTopic }) => ({ topic: newTopic, partitions: 1, settings: [] }),
    },
  ],
  ListTopics: [
    { needs: ["DESCRIBE topic"], request: () => ({ after: "", limit: 0 }), shows: "topic" },
  ],
  DescribeTopic: [
    {
      needs: ["DESCRIBE topic"],
      request: ({ topic }) => ({ topic, createIfMissing: false }),
    },
    {
      needs: ["DESCRIBE newTopic", "CREATE newTopic"],
      request: ({ newTopic }) => ({ topic: newTopic, createIfMissing: true }),
    },
  ],
  DeleteTopic: [{ needs: ["DELETE topic"], request: ({ topic }) => ({ topic }) }],
  ListOffsets: [
    {
      needs: ["DESCRIBE topic"],
      request: ({ topic, topicId }) => ({ topic, partition: 0, timestamp: -1, topicId }),
    },
  ],
  Ping: [{ needs: [], request: () => ({}) }],
  ListGroups: [
    { needs: ["DESCRIBE group"], request: () => ({ after: "", limit: 0 }), shows: "group" },
    { needs: ["DESCRIBE cluster"], request: () => ({ after: "", limit: 0 }), shows: "group" },
  ],
  DescribeGroup: [
    {
      needs: ["DESCRIBE group"],
      request: ({ group }) => ({ group, afterTopic: "", afterPartition: 0, limit: 0 }),
    },
    {
      needs: ["DESCRIBE group", "DESCRIBE topic"],
      request: ({ group }) => ({ group, afterTopic: "", afterPartition: 0, limit: 0 }),
      shows: "topic",
    },
  ],
  DeleteGroup: [{ needs: ["DELETE group"], request: ({ group }) => ({ group }) }],
  ApiVersions: [{ needs: [], request: () => ({}) }],
  OffsetDelete: [
    {
      needs: ["DELETE group", "READ topic"],
      request: ({ group, topic, topicId }) => ({
        ...{ group, partitions: [{ topic, partition: 0, topicId }] },
      }),
    },
  ],
  DescribeMembers: [
    { needs: ["DESCRIBE group"], request: ({ group }) => ({ group, after: "", limit: 0 }) },
  ],
  GroupHeartbeat: [
    {
      needs: ["READ group", "DESCRIBE topic"],
      request: ({ group, topic }) => heartbeat(group, [topic], ""),
    },
    {
      needs: ["READ group"],
      request: ({ group, topic }) => heartbeat(group, [], topic),
    },
  ],
  AlterTopic: [
    {
      needs: ["ALTER topic", "ALTER_CONFIGS topic"],
      request: ({ topic }) => ({
        ...{ topic, settings: [{ name: "retention.ms", value: "1000000" }], deletedSettings: [] },
        ...{ partitions: 2, validateOnly: false },
      }),
    },
    {
      needs: ["ALTER topic"],
      request: ({ topic }) => ({
        ...{ topic, settings: [], deletedSettings: [], partitions: 3, validateOnly: true },
      }),
    },
    {
      needs: ["ALTER_CONFIGS topic"],
      request: ({ topic }) => ({
        ...{ topic, settings: [], deletedSettings: [{ name: "retention.ms" }] },
        ...{ partitions: 0, validateOnly: true },
      }),
    },
  ],
  DeleteRecords: [
    {
      needs: ["DELETE topic"],
      request: ({ topic, topicId }) => ({
        partitions: [{ topic, partition: 0, offset: -1, topicId }],
      }),
    },
  ],
  CompactTopic: [
    {
      needs: ["ALTER topic"],
      request: ({ topic, topicId }) => ({
        ...{ topic, topicId, runId: RUN_ID, partitions: [], waitMs: 0 },
      }),
      failsWith: "POLICY_VIOLATION",
    },
  ],
  Authenticate: [
    {
      needs: [],
      request: () => ({ mechanism: "PLAIN", message: new TextEncoder().encode("\0ann\0s3cret") }),
    },
  ],
  DescribeUsers: [{ needs: ["DESCRIBE cluster"], request: () => ({ after: "", limit: 0 }) }],
  AlterUser: [
    {
      needs: ["ALTER cluster"],
      request: ({ user }) => ({ user, isAdministrator: false, credentials: [] }),
    },
    {
      needs: ["ALTER cluster"],
      request: ({ user }) => ({ user, isAdministrator: true, credentials: [SALTED] }),
    },
  ],
  DescribeAcls: [{ needs: ["DESCRIBE cluster"], request: () => ({ skip: 0, limit: 0, ...RULE }) }],
  AlterAcls: [
    { needs: ["ALTER cluster"], request: () => ({ added: [RULE], deleted: [] }) },
    { needs: ["ALTER cluster"], request: () => ({ added: [], deleted: [RULE] }) },
  ],
  DescribeQuotas: [{ needs: ["DESCRIBE_CONFIGS cluster"], request: () => ({ skip: 0, limit: 0 }) }],
  AlterQuotas: [
    {
      needs: ["ALTER_CONFIGS cluster"],
      request: () => ({
        quotas: [
          {
            entity: [{ type: "user", isDefault: false, name: "zoe" }],
            values: [{ key: "producer_byte_rate", value: "1000000000" }],
          },
        ],
      }),
    },
  ],
};

const SALTED = {
  ...{ mechanism: "SCRAM-SHA-256", iterations: 4096 },
  ...{ salt: new Uint8Array(16), saltedPassword: new Uint8Array(32) },
};

const RULE = {
  ...{ resourceType: "TOPIC", resourceName: "any", patternType: "LITERAL" },
  ...{ principal: "User:zoe", host: "*", operation: "READ", permissionType: "ALLOW" },
};

function heartbeat(group: string, topics: readonly string[], pattern: string) {
  return {
    ...{ group, memberId: "m", memberEpoch: 0, instanceId: "", clientId: "c" },
    ...{ sessionTimeoutMs: 6_000, rebalanceTimeoutMs: 6_000 },
    ...{ topics: topics.map((topic) => ({ topic })), pattern, owned: [], maxWaitMs: 0 },
  };
}
