// Context of the use cases: the topics, the committed offsets, the groups, facts about this broker, and who calls.
// Leaves to others: opening and closing them (broker/broker.ts), and knowing who calls (security/).
import type { GroupCoordinator } from "../groups/coordinator.js";
import type { OffsetStore } from "../groups/offsets/offset-store.js";
import type { CompactionRuns } from "./compaction-runs.js";
import type { ProducerIds } from "../topics/producer-ids.js";
import type { RivalReaders } from "./rival-readers.js";
import type { ConfigType } from "../topics/config-value.js";
import type { TopicRegistry } from "../topics/topic-registry.js";
import { type Audit, CERTIFICATE } from "../security/audit.js";
import type { Caller, Peer } from "../security/caller.js";
import type { Quotas } from "../security/quotas.js";
import type { Security } from "../security/security.js";
import type { ThrottleObserver } from "../security/quota.js";

/** An option of the broker as Kafka names and shows it. */
export interface BrokerConfig {
  readonly name: string;
  readonly type: ConfigType;
  /** Null if it is not set. */
  readonly value: string | null;
  /** The value that counts as not set by the operator; null if there is none. */
  readonly defaultValue: string | null;
  readonly documentation: string;
}

/** Where the logs are. */
export interface LogDirectory {
  /** Absolute. */
  readonly path: string;
  /** The size of the file system and what the broker can still use of it, in bytes. */
  space(): Promise<{ readonly totalBytes: number; readonly usableBytes: number }>;
}

/** What the broker as a whole knows of itself. */
export interface BrokerVitals {
  /** In milliseconds since the epoch. */
  readonly startedMs: number;
  /** Whether the broker before it had a stop of which it left a note; true if there was none before. */
  readonly wasClean: boolean;
  readonly connections: number;
  readonly connectionsMax: number;
  /** Connections that are not read for now, because their clients have used more than their quotas. */
  readonly mutedConnections: number;
  /** The certificate of the TLS ports, if there are any. */
  readonly certificate:
    | {
        /** When it expires, in milliseconds since the epoch. */
        readonly endsMs: number;
        /** Why its files can't be used any more, and what was read before still is. */
        readonly fault: string | undefined;
      }
    | undefined;
}

export interface ServiceContext {
  readonly registry: TopicRegistry;
  readonly offsets: OffsetStore;
  readonly groups: GroupCoordinator;
  readonly compactions: CompactionRuns;
  readonly rivals: RivalReaders;
  readonly producerIds: ProducerIds;
  readonly brokerVersion: string;
  /** Id of the data directory, chosen when it was created. */
  readonly logDirectoryId: string;
  /** Largest record batch that a client may produce to a topic without a limit of its own, in bytes. */
  readonly batchBytesMax: number;
  /** Whether a produce creates a missing topic. */
  readonly autoCreateTopics: boolean;
  /** Partitions of a topic created without a number of partitions. */
  readonly defaultPartitions: number;
  /** Whether a topic can't have a replication factor above 1, which is that of all topics. */
  readonly strictReplicationFactor: boolean;
  /** The options of the broker, and the defaults of topics that no option changes, by name. */
  readonly brokerConfigs: ReadonlyMap<string, BrokerConfig>;
  readonly logDirectory: LogDirectory;
  readonly vitals: BrokerVitals;
  readonly security: Security;
  readonly audit: Audit;
  readonly quotas: Quotas;
  /** Told how long clients have to wait. */
  readonly throttles: ThrottleObserver;
  /** Whose request it is. The broker's own requests may do everything. */
  readonly caller: Caller;
}

/** The context of the requests of a connection. */
export function contextFor(context: ServiceContext, peer: Peer): ServiceContext {
  const caller = context.security.callerOf(peer);
  // A certificate is a login by itself.
  if (caller.login !== undefined && caller.status === "known") {
    context.audit.loggedIn(caller, CERTIFICATE);
  }
  return withCaller(context, caller);
}

/** The context of the requests of a caller. */
export function withCaller(context: ServiceContext, caller: Caller): ServiceContext {
  if (caller === context.caller) return context;
  // Inherits everything else, so that a connection costs one small object.
  return Object.create(context, { caller: { value: caller } }) as ServiceContext;
}
