// The options of the broker under the names of Kafka's broker configs, for clients and tools that look for them.
// Leaves to others: the configs that only give topics their defaults (topics/topic-configs.ts).
import { OFFSET_METADATA_LENGTH_MAX, OFFSETS_RETENTION_CHECK_MS } from "../limits.js";
import { NODE_ID } from "../protocol/kafka/server/cluster-of-one.js";
import { FAILED_LOGIN_DELAY_MS } from "../security/failed-logins.js";
import { CLOCK_SKEW_SECONDS, OAUTHBEARER, PRINCIPAL_CLAIM_DEFAULT } from "../security/oauth.js";
import { KEYS_REFRESH_MS } from "../security/oauth-keys.js";
import { PASSWORD_MECHANISMS } from "../security/sasl.js";
import { WINDOW_SECONDS } from "../security/token-bucket.js";
import type { BrokerConfig } from "../services/context.js";
import { type ConfigType, LONG_MAX } from "../topics/config-value.js";
import {
  isActive,
  TOPIC_CONFIG_NAMES,
  TOPIC_CONFIGS,
  topicConfig,
} from "../topics/topic-configs.js";
import {
  CONSUMER_HEARTBEAT_INTERVAL_MS,
  CONSUMER_SESSION_TIMEOUT_MS,
  GROUP_MEMBERS_MAX,
  SESSION_TIMEOUT_MS_MAX,
  SESSION_TIMEOUT_MS_MIN,
} from "../limits.js";
import { type ResolvedOptions, resolveOptions } from "./options.js";

interface Row {
  readonly type: ConfigType;
  /** The value with these options; null if it is not set. */
  readonly value: (options: ResolvedOptions) => string | null;
  /** For a value without a default: it is always set. */
  readonly isAlwaysSet?: boolean;
  readonly documentation: string;
}

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

const ROWS: Readonly<Record<string, Row>> = {
  "auto.create.topics.enable": {
    type: "boolean",
    value: (options) => String(options.autoCreateTopics),
    documentation:
      "Whether a client's use of a missing topic creates it (--no-auto-create-topics).",
  },
  "broker.id": { type: "int", value: () => String(NODE_ID), documentation: "As node.id." },
  "connections.max.idle.ms": {
    type: "long",
    value: (options) => String(options.idleTimeoutMs),
    documentation: "Time after which an idle connection is closed (--idle-timeout).",
  },
  "connections.max.reauth.ms": {
    type: "long",
    value: (options) => String(Math.max(0, options.connectionsMaxReauthMs)),
    documentation:
      "Longest time that a login holds before its client has to log in again (--connections-max-reauth); 0 for no limit.",
  },
  "connection.failed.authentication.delay.ms": {
    type: "int",
    value: () => String(FAILED_LOGIN_DELAY_MS),
    documentation: "Time that a failed login takes; more after several from the same address.",
  },
  "default.replication.factor": {
    type: "int",
    value: () => "1",
    documentation: "Replicas of a partition. There is one broker, so there is one.",
  },
  "delete.topic.enable": {
    type: "boolean",
    value: () => "true",
    documentation: "Whether topics can be deleted.",
  },
  "group.consumer.assignors": {
    type: "list",
    value: () => "uniform,range",
    documentation: "The broker's assignors for members with group.protocol=consumer.",
  },
  "group.consumer.heartbeat.interval.ms": {
    type: "int",
    value: () => String(CONSUMER_HEARTBEAT_INTERVAL_MS),
    documentation:
      "Longest time between heartbeats of members with group.protocol=consumer. Few members are asked for more.",
  },
  "group.consumer.max.size": {
    type: "int",
    value: () => String(GROUP_MEMBERS_MAX),
    documentation: "As group.max.size, for members with group.protocol=consumer.",
  },
  "group.consumer.migration.policy": {
    type: "string",
    value: () => "bidirectional",
    documentation: "Groups with members can change to the other protocol, and back.",
  },
  "group.consumer.session.timeout.ms": {
    type: "int",
    value: () => String(CONSUMER_SESSION_TIMEOUT_MS),
    documentation: "Session timeout of members with group.protocol=consumer.",
  },
  "group.coordinator.rebalance.protocols": {
    type: "list",
    value: () => "classic,consumer",
    documentation: "The protocols that members of groups can use.",
  },
  "group.initial.rebalance.delay.ms": {
    type: "int",
    value: (options) => String(options.groupInitialRebalanceDelayMs),
    documentation:
      "Time that an empty group waits for more members (--group-initial-rebalance-delay).",
  },
  "group.max.session.timeout.ms": {
    type: "int",
    value: () => String(SESSION_TIMEOUT_MS_MAX),
    documentation: "Longest session timeout of a member of a group.",
  },
  "group.max.size": {
    type: "int",
    value: () => String(GROUP_MEMBERS_MAX),
    documentation: "Most members of a group.",
  },
  "group.min.session.timeout.ms": {
    type: "int",
    value: () => String(SESSION_TIMEOUT_MS_MIN),
    documentation: "Shortest session timeout of a member of a group.",
  },
  "log.cleaner.backoff.ms": {
    type: "long",
    value: (options) => String(options.compactionCheckMs),
    documentation: "Time between two searches for logs to compact (--compaction-check).",
  },
  "log.cleaner.dedupe.buffer.size": {
    type: "long",
    value: (options) => String(options.compactionMemory),
    documentation: "Memory for the keys of a log that is compacted (--compaction-memory).",
  },
  "log.cleaner.enable": {
    type: "boolean",
    value: () => "true",
    documentation: "Compacted topics are always compacted.",
  },
  "log.cleaner.threads": {
    type: "int",
    value: () => "1",
    documentation: "One log is compacted at a time.",
  },
  "log.dirs": {
    type: "list",
    value: (options) => options.dataDir,
    isAlwaysSet: true,
    documentation: "The data directory (--data-dir).",
  },
  "log.flush.interval.messages": {
    type: "long",
    value: ({ flush }) => (flush.kind === "always" ? "1" : LONG_MAX),
    documentation: "1 with --flush always, which flushes each batch before it is acknowledged.",
  },
  "log.flush.interval.ms": {
    type: "long",
    value: ({ flush }) => (flush.kind === "interval" ? String(flush.ms) : LONG_MAX),
    documentation: "Time between two flushes with --flush interval.",
  },
  "log.retention.bytes": {
    type: "long",
    value: (options) => String(options.retentionBytes),
    documentation: "Default of retention.bytes (--retention-bytes).",
  },
  "log.retention.check.interval.ms": {
    type: "long",
    value: (options) => String(options.retentionCheckMs),
    documentation: "Time between two searches for segments to delete (--retention-check).",
  },
  "log.retention.hours": {
    type: "int",
    value: (options) => inUnits(options.retentionMs, HOUR_MS),
    documentation: "log.retention.ms in hours; not set if it is no whole number of them.",
  },
  "log.retention.minutes": {
    type: "int",
    value: (options) => inUnits(options.retentionMs, MINUTE_MS),
    documentation: "log.retention.ms in minutes; not set if it is no whole number of them.",
  },
  "log.retention.ms": {
    type: "long",
    value: (options) => String(options.retentionMs),
    documentation: "Default of retention.ms (--retention-ms).",
  },
  "log.roll.hours": {
    type: "int",
    value: (options) => inUnits(options.segmentMs, HOUR_MS),
    documentation: "log.roll.ms in hours; not set if it is no whole number of them.",
  },
  "log.roll.ms": {
    type: "long",
    value: (options) => String(options.segmentMs),
    documentation: "Default of segment.ms (--segment-ms).",
  },
  "log.segment.bytes": {
    type: "int",
    value: (options) => String(options.segmentBytes),
    documentation: "Default of segment.bytes (--segment-bytes).",
  },
  "max.connections": {
    type: "int",
    value: (options) => String(options.maxConnections),
    documentation: "Largest number of connections (--max-connections).",
  },
  "max.connections.per.ip": {
    type: "int",
    value: (options) => String(options.maxConnectionsPerIp),
    documentation: "Largest number of connections from one address (--max-connections-per-ip).",
  },
  "max.connections.per.user": {
    type: "int",
    value: (options) => String(options.maxConnectionsPerUser),
    documentation:
      "Largest number of connections of a user who has logged in (--max-connections-per-user). RustLog's own.",
  },
  "message.max.bytes": {
    type: "int",
    value: (options) => String(options.maxBatchBytes),
    documentation: "Default of max.message.bytes (--max-batch-bytes).",
  },
  "node.id": {
    type: "int",
    value: () => String(NODE_ID),
    documentation: "Id of the broker. It is always 1.",
  },
  "num.partitions": {
    type: "int",
    value: (options) => String(options.defaultPartitions),
    documentation: "Partitions of a topic created without a number (--default-partitions).",
  },
  "offset.metadata.max.bytes": {
    type: "int",
    value: () => String(OFFSET_METADATA_LENGTH_MAX),
    documentation: "Longest metadata of a committed offset, in characters. It can't be changed.",
  },
  "offsets.retention.check.interval.ms": {
    type: "long",
    value: () => String(OFFSETS_RETENTION_CHECK_MS),
    documentation: "Longest time between two searches for unused committed offsets.",
  },
  "offsets.retention.minutes": {
    type: "int",
    value: (options) => inUnits(options.offsetsRetentionMs, MINUTE_MS),
    documentation:
      "How long unused committed offsets are kept (--offsets-retention); -1 for ever, and not set if it is no whole number of minutes.",
  },
  "sasl.enabled.mechanisms": {
    type: "list",
    value: ({ oauth }) => [...PASSWORD_MECHANISMS, ...(oauth ? [OAUTHBEARER] : [])].join(","),
    documentation: "Ways to log in (--bootstrap-admin-file, --oauth-jwks).",
  },
  "sasl.oauthbearer.clock.skew.seconds": {
    type: "int",
    value: () => String(CLOCK_SKEW_SECONDS),
    documentation: "Difference between the clocks of the broker and of the issuer of tokens.",
  },
  "sasl.oauthbearer.expected.audience": {
    type: "list",
    value: ({ oauth }) => oauth?.audience?.join(",") ?? null,
    documentation: "Whom tokens must be for, one of these (--oauth-audience).",
  },
  "sasl.oauthbearer.expected.issuer": {
    type: "string",
    value: ({ oauth }) => oauth?.issuer ?? null,
    documentation: "Who must have issued the tokens (--oauth-issuer).",
  },
  "sasl.oauthbearer.jwks.endpoint.refresh.ms": {
    type: "long",
    value: () => String(KEYS_REFRESH_MS),
    documentation: "Age at which the keys of tokens are loaded again from their URL.",
  },
  "sasl.oauthbearer.jwks.endpoint.url": {
    type: "string",
    value: ({ oauth }) => oauth?.jwks ?? null,
    documentation: "Path or URL of the keys that tokens are signed with (--oauth-jwks).",
  },
  "sasl.oauthbearer.sub.claim.name": {
    type: "string",
    value: ({ oauth }) => oauth?.principalClaim ?? PRINCIPAL_CLAIM_DEFAULT,
    documentation: "Claim of a token with the name of the user (--oauth-principal-claim).",
  },
  "quota.window.num": {
    type: "int",
    value: () => String(WINDOW_SECONDS),
    documentation: "Samples of a quota's window. It can't be changed.",
  },
  "quota.window.size.seconds": {
    type: "int",
    value: () => "1",
    documentation: "Length of a sample of a quota's window. It can't be changed.",
  },
  "socket.request.max.bytes": {
    type: "int",
    value: (options) => String(options.maxFrameBytes),
    documentation: "Largest request (--max-frame-bytes).",
  },
};

/**
 * The configs of a broker that listens on these addresses, by name, with the defaults of topics. One
 * that differs from its default is set.
 */
export function brokerConfigs(
  options: ResolvedOptions,
  listeners: string,
): ReadonlyMap<string, BrokerConfig> {
  const configs = new Map<string, BrokerConfig>();
  const add = (config: BrokerConfig) => configs.set(config.name, config);
  const defaults = resolveOptions({ dataDir: options.dataDir });
  for (const [name, row] of Object.entries(ROWS)) {
    const { type, documentation, isAlwaysSet = false } = row;
    const value = row.value(options);
    const defaultValue = isAlwaysSet ? null : row.value(defaults);
    add({ name, type, value, defaultValue, documentation });
  }
  add({
    ...{ name: "listeners", type: "list", defaultValue: null },
    value: listeners,
    documentation: "Where the broker listens (--host, --port, --listen).",
  });
  for (const topicName of TOPIC_CONFIG_NAMES) {
    const { type, default: defaultValue, synonyms = [] } = topicConfig(topicName) ?? {};
    const name = synonyms[0];
    if (name === undefined || type === undefined || defaultValue === undefined) continue;
    if (configs.has(name)) continue;
    const value = options.topicDefaults[topicName] ?? defaultValue;
    const isSettable = isActive(TOPIC_CONFIGS[topicName]);
    const option = isSettable ? `See --${flagOf(topicName)}.` : "No option changes it.";
    const documentation = `Default of ${topicName} of a topic. ${option}`;
    add({ name, type, value, defaultValue, documentation });
  }
  return configs;
}

/** The flag of `rustlog broker` that sets the default of a setting, without the dashes before it. */
export function flagOf(topicConfigName: string): string {
  return topicConfigName.replaceAll(".", "-");
}

/** The flag that sets the default of a setting, which may be older than the rule for names; undefined if none does. */
export function flagOfDefault(name: string): string | undefined {
  const config = topicConfig(name);
  if (Object.hasOwn(OLDER_FLAGS, name)) return OLDER_FLAGS[name];
  return config !== undefined && isActive(config) ? flagOf(name) : undefined;
}

const OLDER_FLAGS: Readonly<Record<string, string>> = {
  "max.message.bytes": "max-batch-bytes",
  "flush.messages": "flush",
  "flush.ms": "flush",
};

/** A time in larger units, or null if it is no whole number of them; -1, for never, in any unit. */
function inUnits(ms: number, unitMs: number): string | null {
  if (ms < 0) return "-1";
  return ms % unitMs === 0 ? String(ms / unitMs) : null;
}
