// The configs of a topic: all that Kafka 4.4 reports, under Kafka's names. This table alone decides which values this
// broker accepts, and a value that it accepts holds:
// - with `field` or `effect`, the broker acts on the value;
// - without, and without `only`, it holds on one node, whatever the value is; the documentation says why;
// - with `only`, the broker does nothing about it, so that only the values listed are true.
// Leaves to others: parsing (config-value.ts), a topic's own values and the broker's defaults (topic-settings.ts).
import { INDEX_INTERVAL_BYTES, SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN } from "../limits.js";
import type { LogSettings } from "../log/log-context.js";
import { type ConfigRule, elementsOf, LONG_MAX } from "./config-value.js";
import type { FlushPolicy } from "./flush-policy.js";

export interface TopicConfig extends ConfigRule {
  /** The value when neither the topic nor the broker sets one; undefined if the broker's options decide. */
  readonly default?: string;
  /** The broker's configs that set the default of all topics; the first that is set counts. */
  readonly synonyms?: readonly string[];
  /** What the broker acts on, if that is a number. */
  readonly field?: NumericField;
  /** The same of other values. */
  readonly effect?: (value: string) => Partial<ActiveSettings>;
  /** The only values that it accepts. */
  readonly only?: readonly string[];
  /** Why this broker can't keep to the value; undefined if it can. */
  readonly conflict?: (value: string, bounds: SettingBounds) => string | undefined;
  readonly documentation: string;
}

/** The settings of a topic that the broker acts on. */
export interface ActiveSettings extends LogSettings {
  /** Largest batch that may be produced, in bytes. */
  readonly batchBytesMax: number;
}

type NumericField = {
  [Field in keyof ActiveSettings]: ActiveSettings[Field] extends number ? Field : never;
}[keyof ActiveSettings];

/** What the options of the broker allow a topic. */
export interface SettingBounds {
  /** Largest batch that fits a request, in bytes. */
  readonly batchBytesHighest: number;
  readonly flush: FlushPolicy;
}

const INT_MAX = 2 ** 31 - 1;

const THROTTLED_REPLICAS: TopicConfig = {
  type: "list",
  default: "",
  fault: throttleFault,
  documentation:
    "Replicas whose replication is throttled. There are no followers, so there is nothing to throttle.",
};

export const TOPIC_CONFIGS = {
  "cleanup.policy": {
    type: "list",
    oneOf: ["compact", "delete"],
    effect: (value) => {
      const policies = elementsOf(value);
      return { deletes: policies.includes("delete"), compacts: policies.includes("compact") };
    },
    default: "delete",
    synonyms: ["log.cleanup.policy"],
    documentation:
      "What happens to old records: delete, by size and age; compact, which keeps the last one of each key; both, or nothing.",
  },
  "compression.gzip.level": {
    type: "int",
    fault: (value) => {
      const isValid = value === "-1" || (Number(value) >= 1 && Number(value) <= 9);
      return isValid ? undefined : "Value must be between 1 and 9 or equal to -1";
    },
    default: "-1",
    synonyms: ["compression.gzip.level"],
    documentation:
      "Level for compression.type gzip, which is not supported: nothing is recompressed.",
  },
  "compression.lz4.level": {
    type: "int",
    ...{ min: 1, max: 17 },
    default: "9",
    synonyms: ["compression.lz4.level"],
    documentation:
      "Level for compression.type lz4, which is not supported: nothing is recompressed.",
  },
  "compression.type": {
    type: "string",
    oneOf: ["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"],
    only: ["producer"],
    default: "producer",
    synonyms: ["compression.type"],
    documentation:
      "Compression of stored batches. They are stored as the producer compressed them.",
  },
  "compression.zstd.level": {
    type: "int",
    ...{ min: -131_072, max: 22 },
    default: "3",
    synonyms: ["compression.zstd.level"],
    documentation:
      "Level for compression.type zstd, which is not supported: nothing is recompressed.",
  },
  "delete.retention.ms": {
    type: "long",
    min: 0,
    field: "deleteRetentionMs",
    default: "86400000",
    synonyms: ["log.cleaner.delete.retention.ms"],
    documentation:
      "How long a compacted topic keeps a tombstone after its first compaction, in milliseconds. Others keep it like other records.",
  },
  "errors.deadletterqueue.group.enable": {
    type: "boolean",
    only: ["false"],
    default: "false",
    documentation: "Whether share groups may use the topic for records that can't be delivered.",
  },
  "file.delete.delay.ms": {
    type: "long",
    min: 0,
    default: "60000",
    synonyms: ["log.segment.delete.delay.ms"],
    documentation:
      "How long readers may go on with a deleted file. They may for as long as they have it open.",
  },
  "flush.messages": {
    type: "long",
    min: 1,
    synonyms: ["log.flush.interval.messages"],
    conflict: (value, { flush }) =>
      flush.kind === "always" || value === LONG_MAX ? undefined : flushConflict(flush),
    documentation:
      "Records after which the log is flushed at the latest. See --flush of the broker.",
  },
  "flush.ms": {
    type: "long",
    min: 0,
    synonyms: ["log.flush.interval.ms"],
    conflict: (value, { flush }) => {
      if (flush.kind === "always" || value === LONG_MAX) return undefined;
      return flush.kind === "interval" && Number(value) >= flush.ms
        ? undefined
        : flushConflict(flush);
    },
    documentation:
      "Milliseconds after which the log is flushed at the latest. See --flush of the broker.",
  },
  "follower.replication.throttled.replicas": THROTTLED_REPLICAS,
  "index.interval.bytes": {
    type: "int",
    min: 0,
    only: [String(INDEX_INTERVAL_BYTES)],
    default: String(INDEX_INTERVAL_BYTES),
    synonyms: ["log.index.interval.bytes"],
    documentation: "Bytes of log between two entries of an index.",
  },
  "leader.replication.throttled.replicas": THROTTLED_REPLICAS,
  "local.retention.bytes": {
    type: "long",
    min: -2,
    default: "-2",
    synonyms: ["log.local.retention.bytes"],
    documentation: "Local size of a topic in remote storage. No topic is; see retention.bytes.",
  },
  "local.retention.ms": {
    type: "long",
    min: -2,
    default: "-2",
    synonyms: ["log.local.retention.ms"],
    documentation:
      "Local retention time of a topic in remote storage. No topic is; see retention.ms.",
  },
  "max.compaction.lag.ms": {
    type: "long",
    min: 1,
    field: "maxCompactionLagMs",
    default: LONG_MAX,
    synonyms: ["log.cleaner.max.compaction.lag.ms"],
    documentation:
      "Age at which a record of a compacted topic is compacted at the latest, in milliseconds.",
  },
  "max.decompressed.message.bytes": {
    type: "int",
    ...{ min: 1, max: INT_MAX - 8 },
    only: [String(INT_MAX - 8)],
    default: String(INT_MAX - 8),
    synonyms: ["max.decompressed.message.bytes"],
    documentation:
      "Largest record after decompression, in bytes. The broker opens no batch to check it.",
  },
  "max.message.bytes": {
    type: "int",
    min: 0,
    field: "batchBytesMax",
    synonyms: ["message.max.bytes"],
    conflict: (value, { batchBytesHighest }) =>
      Number(value) <= batchBytesHighest
        ? undefined
        : `a request of this broker has room for a batch of ${batchBytesHighest} bytes; raise --max-frame-bytes`,
    documentation: "Largest record batch that may be produced, compressed, in bytes.",
  },
  "message.timestamp.after.max.ms": {
    type: "long",
    min: 0,
    field: "timestampAfterMaxMs",
    default: "3600000",
    synonyms: ["log.message.timestamp.after.max.ms"],
    documentation:
      "How far a record's timestamp may be ahead of the broker's clock, in milliseconds.",
  },
  "message.timestamp.before.max.ms": {
    type: "long",
    min: 0,
    field: "timestampBeforeMaxMs",
    default: LONG_MAX,
    synonyms: ["log.message.timestamp.before.max.ms"],
    documentation:
      "How far a record's timestamp may be behind the broker's clock, in milliseconds.",
  },
  "message.timestamp.type": {
    type: "string",
    oneOf: ["CreateTime", "LogAppendTime"],
    effect: (value) => ({
      timestampType: value === "LogAppendTime" ? "LogAppendTime" : "CreateTime",
    }),
    default: "CreateTime",
    synonyms: ["log.message.timestamp.type"],
    documentation:
      "Whose time a record has: the producer's (CreateTime), or the broker's (LogAppendTime).",
  },
  "min.cleanable.dirty.ratio": {
    type: "double",
    ...{ min: 0, max: 1 },
    field: "minDirtyRatio",
    default: "0.5",
    synonyms: ["log.cleaner.min.cleanable.ratio"],
    documentation: "Share of a compacted topic that is not compacted yet, above which it is.",
  },
  "min.compaction.lag.ms": {
    type: "long",
    min: 0,
    field: "minCompactionLagMs",
    default: "0",
    synonyms: ["log.cleaner.min.compaction.lag.ms"],
    documentation:
      "Age before which a record of a compacted topic is not compacted, in milliseconds.",
  },
  "min.insync.replicas": {
    type: "int",
    min: 1,
    only: ["1"],
    default: "1",
    synonyms: ["min.insync.replicas"],
    documentation: "Replicas that an acknowledged record has. There is one.",
  },
  preallocate: {
    type: "boolean",
    default: "false",
    synonyms: ["log.preallocate"],
    documentation: "Whether space may be reserved for a segment in advance. It never is.",
  },
  "remote.copy.lag.bytes": {
    type: "long",
    min: -1,
    default: "-1",
    synonyms: ["log.remote.copy.lag.bytes"],
    documentation: "When a segment is copied to remote storage. No topic is in remote storage.",
  },
  "remote.copy.lag.ms": {
    type: "long",
    min: -1,
    default: "0",
    synonyms: ["log.remote.copy.lag.ms"],
    documentation: "When a segment is copied to remote storage. No topic is in remote storage.",
  },
  "remote.log.copy.disable": {
    type: "boolean",
    only: ["false"],
    default: "false",
    documentation: "Whether a topic in remote storage only reads from it.",
  },
  "remote.log.delete.on.disable": {
    type: "boolean",
    only: ["false"],
    default: "false",
    documentation: "Whether leaving remote storage deletes what is there.",
  },
  "remote.storage.enable": {
    type: "boolean",
    only: ["false"],
    default: "false",
    documentation: "Whether the topic is in remote storage.",
  },
  "retention.bytes": {
    type: "long",
    field: "retentionBytes",
    synonyms: ["log.retention.bytes"],
    documentation:
      "Size of a partition above which its oldest segments are deleted, in bytes; negative for no limit.",
  },
  "retention.ms": {
    type: "long",
    min: -1,
    field: "retentionMs",
    synonyms: ["log.retention.ms", "log.retention.minutes", "log.retention.hours"],
    documentation:
      "Age of its newest record at which a segment is deleted, in milliseconds; -1 for never.",
  },
  "segment.bytes": {
    type: "int",
    ...{ min: SEGMENT_BYTES_MIN, max: SEGMENT_BYTES_MAX },
    field: "segmentBytes",
    synonyms: ["log.segment.bytes"],
    documentation: "Size at which a segment is sealed and the next begun, in bytes.",
  },
  "segment.index.bytes": {
    type: "int",
    min: 4,
    default: "10485760",
    synonyms: ["log.index.size.max.bytes"],
    documentation:
      "Size to which an index may grow before its segment is full. Indexes grow as they need.",
  },
  "segment.jitter.ms": {
    type: "long",
    min: 0,
    default: "0",
    synonyms: ["log.roll.jitter.ms"],
    documentation: "The most by which a segment may be sealed before segment.ms. None is.",
  },
  "segment.ms": {
    type: "long",
    min: 1,
    field: "segmentMs",
    synonyms: ["log.roll.ms", "log.roll.hours"],
    documentation: "Age at which a segment is sealed, with the next batch, in milliseconds.",
  },
  "unclean.leader.election.enable": {
    type: "boolean",
    default: "false",
    synonyms: ["unclean.leader.election.enable"],
    documentation:
      "Whether a replica that lags may become the leader. There are no other replicas.",
  },
} as const satisfies Record<string, TopicConfig>;

export type TopicConfigName = keyof typeof TOPIC_CONFIGS;

export const TOPIC_CONFIG_NAMES = Object.keys(TOPIC_CONFIGS) as readonly TopicConfigName[];

/** Why settings that are valid one by one can't go together; undefined if they can. */
export function conflictAmong(settings: Readonly<Record<string, string>>): string | undefined {
  const [min, max] = (["min.compaction.lag.ms", "max.compaction.lag.ms"] as const).map((name) => ({
    name,
    ms: BigInt(settings[name] ?? TOPIC_CONFIGS[name].default),
  }));
  if (min === undefined || max === undefined || min.ms <= max.ms) return undefined;
  return `conflict topic config setting ${min.name} (${min.ms}) > ${max.name} (${max.ms})`;
}

/** Whether the broker acts on a config. */
export function isActive({ field, effect }: TopicConfig): boolean {
  return (field ?? effect) !== undefined;
}

/** The row of a name, or undefined if there is no such config. */
export function topicConfig(name: string): TopicConfig | undefined {
  return Object.hasOwn(TOPIC_CONFIGS, name) ? TOPIC_CONFIGS[name as TopicConfigName] : undefined;
}

function throttleFault(value: string, name: string): string | undefined {
  const isValid = value === "*" || elementsOf(value).every((it) => /^\d+:\d+$/.test(it));
  if (isValid) return undefined;
  return (
    `${name} must be the literal '*' or a list of replicas in the following format: ` +
    "[partitionId]:[brokerId],[partitionId]:[brokerId],..."
  );
}

function flushConflict(flush: FlushPolicy): string {
  const policy = flush.kind === "interval" ? `interval:${flush.ms}` : flush.kind;
  return `this broker flushes less often (--flush ${policy})`;
}
