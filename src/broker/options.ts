// The options of a broker, their defaults, and the check that they fit together.
// Leaves to others: flags and environment variables (cli/), and the limits themselves (limits.ts).
import { resolve } from "node:path";
import { RustLogError } from "../errors.js";
import {
  BATCH_BYTES_MAX_DEFAULT,
  CONNECTION_BYTES_MAX_DEFAULT,
  CONNECTIONS_MAX_DEFAULT,
  CONNECTIONS_PER_IP_MAX_DEFAULT,
  CONNECTIONS_PER_USER_MAX_DEFAULT,
  COMPACTION_CHECK_MS,
  COMPACTION_MEMORY_DEFAULT,
  COMPACTION_MEMORY_MAX,
  COMPACTION_MEMORY_MIN,
  checkLimits,
  FRAME_BYTES_MAX_DEFAULT,
  GROUP_INITIAL_REBALANCE_DELAY_MS_DEFAULT,
  IDLE_TIMEOUT_MS_DEFAULT,
  INFLIGHT_BYTES_MAX_DEFAULT,
  OFFSETS_RETENTION_MS_DEFAULT,
  PARTITIONS_MAX,
  RETENTION_CHECK_MS,
  SEGMENT_BYTES_DEFAULT,
  SEGMENT_MS_DEFAULT,
  TIMER_MS_MAX,
} from "../limits.js";
import {
  formatAddress,
  type HostAndPort,
  parseAdvertisedFor,
  parseListen,
} from "../net/address.js";
import type { AddressFlags } from "../net/listen.js";
import { CLIENT_AUTHS, type ClientAuth, type TlsPaths } from "../net/tls-files.js";
import { printableTrace } from "../printable.js";
import type { OauthOptions } from "../security/oauth.js";
import type { FlushPolicy } from "../topics/flush-policy.js";
import type { TopicConfigName } from "../topics/topic-configs.js";
import { topicDefaults } from "../topics/topic-defaults.js";
import { ownLimits, type TopicSettings } from "../topics/topic-settings.js";

/** Where committed offsets are stored: in a log, or in memory until the broker stops. */
type OffsetsMode = "durable" | "memory";

/** The options of a broker. Everything except the data directory has a default. */
export interface BrokerOptions {
  /** Directory of all data; created if missing. */
  readonly dataDir: string;
  /**
   * Address to listen on; 127.0.0.1 by default, which includes ::1, as ::1 and localhost include 127.0.0.1. Others need users,
   * or `allowAnonymous`.
   */
  readonly host?: string;
  /**
   * Whether to listen on an address that other machines can reach although nobody has to log in; false by default, and then
   * such a start is refused.
   */
  readonly allowAnonymous?: boolean;
  /** Port to listen on; 9092 by default. 0 picks a free one. */
  readonly port?: number;
  /**
   * The addresses that Kafka clients are told to use, "HOST:PORT" with brackets around IPv6, after "plain://" or "tls://" if
   * there are ports of both kinds. By default each is told the one that it has connected to.
   */
  readonly advertise?: string | readonly string[] | undefined;
  /**
   * Addresses to listen on, "plain://HOST:PORT" or "tls://HOST:PORT"; beside that of `host` and `port` if one of these is
   * given, and instead of it otherwise.
   */
  readonly listen?: readonly string[];
  /** PEM file with the certificate of the ports with TLS, and those between it and the root. Read again when it changes. */
  readonly tlsCert?: string | undefined;
  /** PEM file with its key. */
  readonly tlsKey?: string | undefined;
  /**
   * PEM file with the certificates that sign those of clients. The subject of its certificate is then the user of a client,
   * which need not log in, and security is on.
   */
  readonly tlsClientCa?: string | undefined;
  /** Whether clients with TLS must have a certificate, or may log in instead; `required` by default. */
  readonly tlsClientAuth?: ClientAuth;
  /**
   * File whose first line is NAME:PASSWORD of the first administrator. From then on everybody has to log in. Not read once
   * there are users.
   */
  readonly bootstrapAdminFile?: string | undefined;
  /** Which tokens (JWTs) clients can log in with, by OAUTHBEARER; none by default. With any, everybody has to log in. */
  readonly oauth?: OauthOptions | undefined;
  /**
   * File to which the audit log is appended, a JSON object a line: logins, refusals, and changes. Without it, those but
   * successful logins are in the broker's log, once clients have to log in.
   */
  readonly auditLog?: string | undefined;
  /** When an append is acknowledged; `always` (after an fdatasync) by default. */
  readonly flush?: FlushPolicy;
  /** Where committed offsets are stored; `durable` by default. */
  readonly offsets?: OffsetsMode;
  /**
   * How long committed offsets are kept that no member of their group uses and nobody commits again, in milliseconds; 7
   * days by default, and -1 means for ever.
   */
  readonly offsetsRetentionMs?: number;
  /** Whether a produce creates a missing topic; true by default. */
  readonly autoCreateTopics?: boolean;
  /** Partitions of a topic created without a number; 1 by default. */
  readonly defaultPartitions?: number;
  /**
   * Whether to reject a topic with a replication factor above 1 instead of creating it with 1; false by default, because
   * many applications insist on 3.
   */
  readonly strictReplicationFactor?: boolean;
  /** Time that an empty group waits for more members before it assigns partitions, in milliseconds; 50 by default. */
  readonly groupInitialRebalanceDelayMs?: number;
  /** Size at which a segment is rolled, in bytes; 256 MiB by default. */
  readonly segmentBytes?: number;
  /** Age at which a segment is rolled, in milliseconds; 7 days by default. */
  readonly segmentMs?: number;
  /** Partition size above which its oldest segments are deleted, in bytes; -1, the default, means never. */
  readonly retentionBytes?: number;
  /** Age at which segments are deleted, in milliseconds; -1, the default, means never. */
  readonly retentionMs?: number;
  /**
   * Other settings of topics that do not set them, by Kafka's names for a topic or a broker, such as
   * "message.timestamp.type"; numbers as text. Kafka's defaults by default.
   */
  readonly topicDefaults?: TopicSettings;
  /** Time between two retention passes, in milliseconds; 5 minutes by default. */
  readonly retentionCheckMs?: number;
  /** Memory for the keys of a log that is compacted, in bytes; 128 MiB by default. Fewer need several runs for many keys. */
  readonly compactionMemory?: number;
  /** Time between two searches for logs to compact, in milliseconds; 15 seconds by default. */
  readonly compactionCheckMs?: number;
  /** Largest frame payload, in bytes; 10 MiB by default. */
  readonly maxFrameBytes?: number;
  /** Largest record batch, in bytes; 8 MiB by default. */
  readonly maxBatchBytes?: number;
  /** Maximum number of connections; 10,000 by default. */
  readonly maxConnections?: number;
  /** Maximum number of connections from one address; no limit by default. */
  readonly maxConnectionsPerIp?: number;
  /** Maximum number of connections of a user who has logged in; no limit by default. */
  readonly maxConnectionsPerUser?: number;
  /** Longest time that a login holds before its client has to log in again, in milliseconds; by default for ever, as with 0 or -1. */
  readonly connectionsMaxReauthMs?: number;
  /** Unanswered and unsent bytes of a connection beyond which it is not read; 32 MiB by default. */
  readonly maxConnectionBytes?: number;
  /** Bytes that requests and responses of all connections may keep in memory; 512 MiB by default. */
  readonly maxInflightBytes?: number;
  /** Time after which an idle connection is closed, in milliseconds; 10 minutes by default. */
  readonly idleTimeoutMs?: number;
  /** How long a stop waits for requests in flight, in milliseconds; 10,000 by default. */
  readonly stopGraceMs?: number;
  /** Receives lines for the operator; stderr by default. */
  log?(line: string): void;
  /** Called once, after the broker has stopped serving because its disk failed. */
  onFatal?(error: Error): void;
}

/** An address to listen on, and the one that its clients are told to use. */
export interface ResolvedEndpoint extends HostAndPort {
  readonly isTls: boolean;
  readonly advertise: HostAndPort | undefined;
  readonly flags: AddressFlags;
}

/** Options with all defaults filled in. */
export interface ResolvedOptions extends Required<
  Omit<
    BrokerOptions,
    | "host"
    | "port"
    | "listen"
    | "advertise"
    | "tlsCert"
    | "tlsKey"
    | "tlsClientCa"
    | "tlsClientAuth"
    | "bootstrapAdminFile"
    | "auditLog"
    | "oauth"
  >
> {
  readonly bootstrapAdminFile: string | undefined;
  readonly auditLog: string | undefined;
  readonly oauth: OauthOptions | undefined;
  readonly endpoints: readonly [ResolvedEndpoint, ...ResolvedEndpoint[]];
  /** Undefined if no port uses TLS. */
  readonly tls: TlsPaths | undefined;
}

/** How long a stop waits for requests in flight, in milliseconds. */
const STOP_GRACE_MS_DEFAULT = 10_000;

/**
 * Fills in the defaults. Throws a RangeError that names the flag to change, or an unknown option, if something does not
 * fit.
 */
export function resolveOptions(options: BrokerOptions): ResolvedOptions {
  const topics = resolveTopicDefaults(options);
  const resolved: ResolvedOptions = {
    dataDir: resolve(options.dataDir),
    endpoints: resolveEndpoints(options),
    tls: resolveTls(options),
    allowAnonymous: options.allowAnonymous ?? false,
    bootstrapAdminFile: options.bootstrapAdminFile,
    auditLog: options.auditLog,
    oauth: options.oauth,
    flush: options.flush ?? { kind: "always" },
    offsets: options.offsets ?? "durable",
    offsetsRetentionMs: options.offsetsRetentionMs ?? OFFSETS_RETENTION_MS_DEFAULT,
    autoCreateTopics: options.autoCreateTopics ?? true,
    defaultPartitions: options.defaultPartitions ?? 1,
    strictReplicationFactor: options.strictReplicationFactor ?? false,
    groupInitialRebalanceDelayMs:
      options.groupInitialRebalanceDelayMs ?? GROUP_INITIAL_REBALANCE_DELAY_MS_DEFAULT,
    segmentBytes: topics.segmentBytes ?? SEGMENT_BYTES_DEFAULT,
    segmentMs: topics.segmentMs ?? SEGMENT_MS_DEFAULT,
    retentionBytes: topics.retentionBytes ?? -1,
    retentionMs: topics.retentionMs ?? -1,
    topicDefaults: topics.others,
    retentionCheckMs: options.retentionCheckMs ?? RETENTION_CHECK_MS,
    compactionMemory: options.compactionMemory ?? COMPACTION_MEMORY_DEFAULT,
    compactionCheckMs: options.compactionCheckMs ?? COMPACTION_CHECK_MS,
    maxFrameBytes: options.maxFrameBytes ?? FRAME_BYTES_MAX_DEFAULT,
    maxBatchBytes: topics.maxBatchBytes ?? BATCH_BYTES_MAX_DEFAULT,
    maxConnections: options.maxConnections ?? CONNECTIONS_MAX_DEFAULT,
    maxConnectionsPerIp: options.maxConnectionsPerIp ?? CONNECTIONS_PER_IP_MAX_DEFAULT,
    maxConnectionsPerUser: options.maxConnectionsPerUser ?? CONNECTIONS_PER_USER_MAX_DEFAULT,
    connectionsMaxReauthMs: options.connectionsMaxReauthMs ?? -1,
    maxConnectionBytes: options.maxConnectionBytes ?? CONNECTION_BYTES_MAX_DEFAULT,
    maxInflightBytes: options.maxInflightBytes ?? INFLIGHT_BYTES_MAX_DEFAULT,
    idleTimeoutMs: options.idleTimeoutMs ?? IDLE_TIMEOUT_MS_DEFAULT,
    stopGraceMs: options.stopGraceMs ?? STOP_GRACE_MS_DEFAULT,
    log: options.log ?? ((line) => console.error(printableTrace(line))),
    onFatal: options.onFatal ?? (() => {}),
  };
  checkOptions(options, resolved);
  return resolved;
}

const HOST_FLAGS = { host: "--host", port: "--port" };
const LISTEN_FLAGS = { host: "--listen", port: "port in --listen" };

function resolveEndpoints(options: BrokerOptions): ResolvedOptions["endpoints"] {
  const { listen = [], host, port } = options;
  const isBeside = listen.length === 0 || host !== undefined || port !== undefined;
  const own = { isTls: false, host: host ?? "127.0.0.1", port: port ?? 9092, flags: HOST_FLAGS };
  const others = listen.map((text) => ({ ...parseListen(text), flags: LISTEN_FLAGS }));
  const endpoints = isBeside ? [own, ...others] : others;
  if (own.host === "") throw new RangeError("--host is empty");
  checkWhole("--port", own.port, 0, 65_535);
  const places = endpoints.map((each) => formatAddress(each.host, each.port));
  const twice = places.find((place, i) => !place.endsWith(":0") && places.indexOf(place) !== i);
  if (twice !== undefined) throw new RangeError(`--listen: ${twice} is named twice`);
  const advertised = advertisedAddresses(options, endpoints);
  const [first, ...rest] = endpoints.map((endpoint) => ({
    ...endpoint,
    advertise: advertised.get(endpoint.isTls),
  }));
  return [first!, ...rest];
}

/** The addresses of --advertise, by whether a port uses TLS. */
function advertisedAddresses(
  { advertise = [] }: BrokerOptions,
  endpoints: readonly { readonly isTls: boolean }[],
): ReadonlyMap<boolean, HostAndPort> {
  const texts = typeof advertise === "string" ? [advertise] : advertise;
  const kinds = new Set(endpoints.map(({ isTls }) => isTls));
  const byKind = new Map<boolean, HostAndPort>();
  for (const text of texts) {
    const { isTls, host, port } = parseAdvertisedFor(text);
    if (isTls === undefined && kinds.size > 1) {
      throw new RangeError(
        `--advertise '${text}': there are ports with and without TLS; write plain://${text} or tls://${text}`,
      );
    }
    const kind = isTls ?? kinds.has(true);
    if (!kinds.has(kind)) {
      const missing = `there is no port ${kind ? "with" : "without"} TLS`;
      throw new RangeError(`--advertise '${text}': ${missing}`);
    }
    if (byKind.has(kind)) {
      throw new RangeError(`--advertise '${text}': there is another address for these ports`);
    }
    byKind.set(kind, { host, port });
  }
  return byKind;
}

function resolveTls(options: BrokerOptions): TlsPaths | undefined {
  const { tlsCert: cert, tlsKey: key, tlsClientCa: clientCa } = options;
  const { tlsClientAuth: clientAuth = "required", listen = [] } = options;
  if (!CLIENT_AUTHS.includes(clientAuth)) {
    throw new RangeError(
      `--tls-client-auth is ${clientAuth}; expected ${CLIENT_AUTHS.join(" or ")}`,
    );
  }
  if (cert !== undefined && key !== undefined) return { cert, key, clientCa, clientAuth };
  const missing = cert === undefined ? "--tls-cert" : "--tls-key";
  if (listen.some((text) => parseListen(text).isTls)) {
    throw new RangeError(`a port with TLS needs ${missing}`);
  }
  if (cert !== undefined || key !== undefined) throw new RangeError(`TLS needs ${missing} too`);
  if (clientCa !== undefined) {
    throw new RangeError("--tls-client-ca needs --tls-cert and --tls-key");
  }
  return undefined;
}

/** The settings of topics with an option of their own, by either of their names, and the others. */
function resolveTopicDefaults(options: BrokerOptions) {
  const others = { ...checkedDefaults(options.topicDefaults ?? {}) };
  const own = ownLimits(others);
  const numberOf = (
    option: "segmentBytes" | "segmentMs" | "retentionBytes" | "retentionMs" | "maxBatchBytes",
    setting: TopicConfigName,
    value: number | undefined,
  ): number | undefined => {
    delete others[setting];
    if (value === undefined || options[option] === undefined) return options[option] ?? value;
    const flag = option === "maxBatchBytes" ? "max-batch-bytes" : setting.replaceAll(".", "-");
    throw new RangeError(`--${flag} and --topic-config ${setting} set the same default`);
  };
  return {
    segmentBytes: numberOf("segmentBytes", "segment.bytes", own.segmentBytes),
    segmentMs: numberOf("segmentMs", "segment.ms", own.segmentMs),
    retentionBytes: numberOf("retentionBytes", "retention.bytes", own.retentionBytes),
    retentionMs: numberOf("retentionMs", "retention.ms", own.retentionMs),
    maxBatchBytes: numberOf("maxBatchBytes", "max.message.bytes", own.batchBytesMax),
    others,
  };
}

function checkedDefaults(given: TopicSettings): TopicSettings {
  try {
    return topicDefaults(given);
  } catch (error) {
    throw error instanceof RustLogError ? new RangeError(error.message, { cause: error }) : error;
  }
}

function checkOptions(given: BrokerOptions, resolved: ResolvedOptions): void {
  if (given.dataDir === "") throw new RangeError("--data-dir is empty");
  if (given.auditLog === "") throw new RangeError("--audit-log is empty");
  checkWhole("--default-partitions", resolved.defaultPartitions, 1, PARTITIONS_MAX);
  checkWhole(
    "--group-initial-rebalance-delay",
    resolved.groupInitialRebalanceDelayMs,
    0,
    TIMER_MS_MAX,
  );
  checkWhole("--segment-bytes", resolved.segmentBytes, 1, SAFE);
  checkWhole("--segment-ms", resolved.segmentMs, 1, SAFE);
  checkWhole("--retention-bytes", resolved.retentionBytes, -1, SAFE);
  checkWhole("--retention-ms", resolved.retentionMs, -1, SAFE);
  checkWhole("--offsets-retention", resolved.offsetsRetentionMs, -1, SAFE);
  checkWhole("--retention-check", resolved.retentionCheckMs, 1, TIMER_MS_MAX);
  checkWhole(
    "--compaction-memory",
    resolved.compactionMemory,
    COMPACTION_MEMORY_MIN,
    COMPACTION_MEMORY_MAX,
  );
  checkWhole("--compaction-check", resolved.compactionCheckMs, 1, TIMER_MS_MAX);
  checkWhole("--max-frame-bytes", resolved.maxFrameBytes, 1, SAFE);
  checkWhole("--max-batch-bytes", resolved.maxBatchBytes, 1, SAFE);
  checkWhole("--max-connections", resolved.maxConnections, 1, 1_000_000);
  const { maxConnectionsPerIp, maxConnectionsPerUser } = resolved;
  checkWhole("--max-connections-per-ip", maxConnectionsPerIp, 1, CONNECTIONS_PER_IP_MAX_DEFAULT);
  checkWhole(
    "--max-connections-per-user",
    maxConnectionsPerUser,
    1,
    CONNECTIONS_PER_USER_MAX_DEFAULT,
  );
  checkWhole("--connections-max-reauth", resolved.connectionsMaxReauthMs, -1, SAFE);
  checkWhole("--max-connection-bytes", resolved.maxConnectionBytes, 1, SAFE);
  checkWhole("--max-inflight-bytes", resolved.maxInflightBytes, 1, SAFE);
  checkWhole("--idle-timeout", resolved.idleTimeoutMs, 1, TIMER_MS_MAX);
  checkWhole("stopGraceMs", resolved.stopGraceMs, 0, TIMER_MS_MAX);
  if (resolved.flush.kind === "interval") {
    checkWhole("--flush interval:MS", resolved.flush.ms, 1, TIMER_MS_MAX);
  }
  checkLimits({
    frameBytesMax: resolved.maxFrameBytes,
    batchBytesMax: resolved.maxBatchBytes,
    connectionBytesMax: resolved.maxConnectionBytes,
    inflightBytesMax: resolved.maxInflightBytes,
    segmentBytes: resolved.segmentBytes,
  });
}

const SAFE = Number.MAX_SAFE_INTEGER;

function checkWhole(flag: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw new RangeError(`${flag} is ${value}; expected a whole number from ${min} to ${max}`);
}
