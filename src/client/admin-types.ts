// The types of Admin's arguments and results.

/** A partition of a topic. */
export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
  /**
   * Id of the topic. If that topic was deleted, also if another one has its name now, the call is rejected with
   * UNKNOWN_TOPIC_ID. Without an id, the name alone counts.
   */
  readonly topicId?: string | undefined;
}

/** An offset in a partition. */
export interface PartitionOffset extends TopicPartition {
  readonly offset: number;
}

/** The committed offset of a group in a partition; both fields are undefined if there is none. */
export interface CommittedOffset {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number | undefined;
  /** Time of the commit, in milliseconds since 1970. */
  readonly commitTimestamp: number | undefined;
}

/** What the broker noticed at a commit. */
export interface CommitResult {
  /**
   * Whether another client reads one of the partitions with this group too, and neither is a member of it: both get every
   * record, and their commits overwrite one another.
   */
  readonly isShared: boolean;
}

/** A committed offset of a group that was deleted; undefined if there was none. */
export interface DeletedOffset {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number | undefined;
}

/** Options for a new topic. */
export interface CreateTopicOptions {
  /** Number of partitions (the broker's default). */
  readonly partitions?: number;
  /** Settings that differ from the broker's, such as `retention.ms`. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** What to change in a topic; at least one of the first three. */
export interface AlterTopicOptions {
  /** Settings of its own to set, such as `retention.ms`. The others stay as they are. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Settings that it leaves to the broker again. They need not be set. */
  readonly deleteSettings?: readonly string[];
  /** Number of partitions, more than now. Keys map to other partitions afterwards. */
  readonly partitions?: number;
  /** Whether the broker only makes all checks, and changes nothing (false). */
  readonly validateOnly?: boolean;
}

/** A topic after a change; with `validateOnly` as it would be. */
export interface AlteredTopic {
  readonly topicId: string | undefined;
  /** Number of partitions before the change. */
  readonly previousPartitions: number;
  readonly partitions: number;
  /** Its own settings. */
  readonly settings: Readonly<Record<string, string>>;
}

/** The records of a partition to delete: those below an offset. */
export interface RecordsToDelete extends TopicPartition {
  /** Offset of the first record to keep; `latest` for the high watermark, which keeps none. */
  readonly offset: number | "latest";
}

/** A partition whose records were deleted. */
export interface TrimmedPartition {
  readonly topic: string;
  readonly partition: number;
  /** Offset of the first remaining record. */
  readonly logStartOffset: number;
}

/** How to compact a topic. */
export interface CompactOptions {
  /** The partitions; all by default. */
  readonly partitions?: readonly number[];
  /** Called several times per second with what is known so far. */
  onProgress?(partitions: readonly CompactedPartition[]): void;
}

/** What the compaction of a partition saved. */
export interface CompactedPartition {
  readonly partition: number;
  readonly state: "waiting" | "running" | "done" | "failed";
  /** Bytes of log read so far, and to read. */
  readonly doneBytes: number;
  readonly totalBytes: number;
  /** Records and bytes of the compacted segments, before and after; 0 until it is done. */
  readonly recordsBefore: number;
  readonly recordsAfter: number;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  readonly durationMs: number;
  /** Why it failed. Undefined if it has not. */
  readonly error?: string;
}

/** A setting that counts for a topic. */
export interface EffectiveSetting {
  readonly name: string;
  readonly value: string;
  /** Who set it: `topic`, `broker` (an option), or `default` for nobody. */
  readonly source: string;
}

/** A topic in the list of topics. */
export interface TopicListing {
  readonly name: string;
  readonly partitions: number;
  readonly internal: boolean;
  /** Id of the topic; a recreated topic has a new one. Undefined if the broker does not support topic ids. */
  readonly topicId: string | undefined;
  /** Partitions that the broker can't open; undefined if there are none. */
  readonly offlinePartitions?: number;
}

/** The state of a partition. */
export interface PartitionDescription {
  readonly partition: number;
  /** Offset of the first remaining record. */
  readonly logStartOffset: number;
  /** Offset after the last readable record. */
  readonly highWatermark: number;
  /** Offset after the last written record. */
  readonly logEndOffset: number;
  readonly segments: number;
  readonly bytes: number;
  /** Why the broker can't open the partition, whose offsets are -1 then. Undefined if it is online. */
  readonly offline?: string;
}

/** The state of a topic. */
export interface TopicDescription {
  readonly name: string;
  readonly internal: boolean;
  /** Id of the topic; a recreated topic has a new one. Undefined if the broker does not support topic ids. */
  readonly topicId: string | undefined;
  /** Its own settings. */
  readonly settings: Readonly<Record<string, string>>;
  /** All settings, by name. A broker that does not report those that the topic leaves to it lists only its own. */
  readonly effectiveSettings: readonly EffectiveSetting[];
  readonly partitions: readonly PartitionDescription[];
}

/** A group in the list of groups. */
export interface GroupListing {
  readonly group: string;
  /** Number of partitions with committed offsets. */
  readonly partitions: number;
  /** Kafka's name of the state, such as `Stable`. Undefined if the broker does not say. */
  readonly state: string | undefined;
  /** `classic` or `consumer`. Undefined for a group that never had members, or if the broker does not say. */
  readonly type: string | undefined;
  /** Number of members. */
  readonly members: number;
}

/** A member of a group. */
export interface GroupMember {
  readonly memberId: string;
  /** Of a static member (`group.instance.id`). */
  readonly instanceId: string | undefined;
  readonly clientId: string;
  readonly host: string;
  /** Number of partitions that it reads. */
  readonly partitions: number;
}

/** A group without its offsets. */
export interface GroupState {
  /** Kafka's name of the state, such as `Stable`. */
  readonly state: string;
  /** `classic` or `consumer`; undefined for a group that never had members. */
  readonly type: string | undefined;
  /** `consumer` for consumers. Undefined for a group that never had members. */
  readonly protocolType: string | undefined;
  /** How partitions are assigned. Undefined without members, and while the group rebalances. */
  readonly assignor: string | undefined;
  /** Number of the current assignment; a rebalance increments it. */
  readonly generation: number;
  /** By id. */
  readonly members: readonly GroupMember[];
}

/** Position and lag of a group in a partition. */
export interface GroupOffset {
  readonly topic: string;
  readonly partition: number;
  /** -1 if the group has committed nothing for this partition; then its lag counts from the log start offset. */
  readonly committedOffset: number;
  /** Time of the commit, in milliseconds since 1970; -1 if there is none. */
  readonly commitTimestamp: number;
  readonly logStartOffset: number;
  readonly highWatermark: number;
  /** The member that reads the partition; undefined if none does. */
  readonly memberId: string | undefined;
}

/** Information about a broker. */
export interface BrokerInfo {
  readonly brokerVersion: string;
  /** Id of the data directory, unchanged by restarts. */
  readonly logDirectoryId: string;
  readonly maxFrameBytes: number;
  readonly maxBatchBytes: number;
}

/** A user who may log in. */
export interface UserListing {
  readonly name: string;
  /** SCRAM mechanisms for which there is a password. */
  readonly mechanisms: readonly string[];
}

/** How to set a password. */
export interface UserOptions {
  /** Whether a new user may do everything (false). The first user of a broker must be. */
  readonly administrator?: boolean;
}

/** A rule: who may, or may not, do what, as in Kafka. */
export interface Acl {
  readonly resourceType: "TOPIC" | "GROUP" | "CLUSTER" | "TRANSACTIONAL_ID";
  /** A name, or with PREFIXED its beginning; `*` for all; `kafka-cluster` for the cluster. */
  readonly resourceName: string;
  readonly patternType: "LITERAL" | "PREFIXED";
  /** `User:NAME`, or `User:*` for everyone. */
  readonly principal: string;
  /** IP address of the client; `*` for all. */
  readonly host: string;
  readonly operation:
    | "ALL"
    | "READ"
    | "WRITE"
    | "CREATE"
    | "DELETE"
    | "ALTER"
    | "DESCRIBE"
    | "CLUSTER_ACTION"
    | "DESCRIBE_CONFIGS"
    | "ALTER_CONFIGS"
    | "IDEMPOTENT_WRITE";
  readonly permissionType: "ALLOW" | "DENY";
}

/** Which rules are meant: those that have all of these values. */
export type AclFilter = Partial<Omit<Acl, "patternType">> & {
  /** MATCH stands for the rules that apply to `resourceName`, whatever their pattern. */
  readonly patternType?: Acl["patternType"] | "MATCH";
};

/** Whom a quota is for. Null stands for everyone of that type without a quota of their own. */
export interface QuotaEntity {
  readonly user?: string | null;
  /** With `user`, the clients of that user that call themselves so. Clients of this library have no client id. */
  readonly clientId?: string | null;
  /** An IP address, alone. */
  readonly ip?: string | null;
}

/** A kind of quota, by Kafka's name. */
export type QuotaKey =
  /** Bytes per second. */
  | "producer_byte_rate"
  | "consumer_byte_rate"
  /** Time of the broker. */
  | "request_percentage"
  /** Partitions created and deleted per second. */
  | "controller_mutation_rate"
  /** Connections per second, of an address. */
  | "connection_creation_rate";

/** What an entity may use, as in Kafka. */
export interface Quota {
  readonly entity: QuotaEntity;
  readonly values: Readonly<Partial<Record<QuotaKey, number>>>;
}

/** A change of quotas: null removes one, and those that are not named stay. */
export interface QuotaChange {
  readonly entity: QuotaEntity;
  readonly values: Readonly<Partial<Record<QuotaKey, number | null>>>;
}
