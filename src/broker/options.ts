// What a broker can be told, what holds when it is told nothing, and the check that all of it fits together.
// Leaves to others: flags and environment variables (cli/), and the limits themselves (limits.ts).
import { resolve } from "node:path";
import {
  BATCH_BYTES_MAX_DEFAULT,
  CONNECTION_BYTES_MAX_DEFAULT,
  CONNECTIONS_MAX_DEFAULT,
  checkLimits,
  FRAME_BYTES_MAX_DEFAULT,
  IDLE_TIMEOUT_MS_DEFAULT,
  INFLIGHT_BYTES_MAX_DEFAULT,
  PARTITIONS_MAX,
  RETENTION_CHECK_MS,
  SEGMENT_BYTES_DEFAULT,
  SEGMENT_MS_DEFAULT,
  TIMER_MS_MAX,
} from "../limits.ts";
import { printableTrace } from "../printable.ts";
import type { FlushPolicy } from "../topics/flush-policy.ts";

/** Where committed offsets are kept: in a log, or in memory until the broker stops. */
export type OffsetsMode = "durable" | "memory";

/** What a broker can be told. Everything but the data directory has a default. */
export interface BrokerOptions {
  /** Directory of all its data; created when it is missing. */
  readonly dataDir: string;
  /** Address to listen on; 127.0.0.1 unless said otherwise. There is no authentication. */
  readonly host?: string;
  /** Port to listen on, 9092 unless said otherwise; 0 takes a free one. */
  readonly port?: number;
  /** When an append is acknowledged; `always` (after an fdatasync) unless said otherwise. */
  readonly flush?: FlushPolicy;
  /** Where committed offsets are kept; `durable` unless said otherwise. */
  readonly offsets?: OffsetsMode;
  /** Whether a produce creates a topic that is missing; yes unless said otherwise. */
  readonly autoCreateTopics?: boolean;
  /** Partitions of a topic that is created without saying how many; 1 unless said otherwise. */
  readonly defaultPartitions?: number;
  /** Size at which a segment is rolled, in bytes; 256 MiB unless said otherwise. */
  readonly segmentBytes?: number;
  /** Age at which a segment is rolled, in milliseconds; 7 days unless said otherwise. */
  readonly segmentMs?: number;
  /** Size of a partition above which its oldest segments are deleted, in bytes; -1, the default, for never. */
  readonly retentionBytes?: number;
  /** Age at which segments are deleted, in milliseconds; -1, the default, for never. */
  readonly retentionMs?: number;
  /** Time between two looks for segments to delete, in milliseconds; 5 minutes unless said otherwise. */
  readonly retentionCheckMs?: number;
  /** Longest frame payload, in bytes; 10 MiB unless said otherwise. */
  readonly maxFrameBytes?: number;
  /** Largest record batch, in bytes; 8 MiB unless said otherwise. */
  readonly maxBatchBytes?: number;
  /** Connections that are served at once; 10,000 unless said otherwise. */
  readonly maxConnections?: number;
  /** Unanswered and unsent bytes of one connection, past which it is not read; 32 MiB unless said otherwise. */
  readonly maxConnectionBytes?: number;
  /** Bytes that requests and answers of all connections may keep in memory; 512 MiB unless said otherwise. */
  readonly maxInflightBytes?: number;
  /** Time after which a connection that does nothing is closed, in milliseconds; 10 minutes unless said otherwise. */
  readonly idleTimeoutMs?: number;
  /** How long a stop waits for what is in flight, in milliseconds; 10,000 unless said otherwise. */
  readonly stopGraceMs?: number;
  /** Takes lines for the operator; stderr unless said otherwise. */
  log?(line: string): void;
  /** Called once, after the broker has stopped serving because its disk failed. */
  onFatal?(error: Error): void;
}

/** Options with every default filled in. */
export type ResolvedOptions = Required<BrokerOptions>;

/** Time that a stop gives to what is in flight, in milliseconds. */
const STOP_GRACE_MS_DEFAULT = 10_000;

/** Fills in the defaults; throws a RangeError that names the flag to change, or the option that is none, when something does not fit. */
export function resolveOptions(options: BrokerOptions): ResolvedOptions {
  const resolved: ResolvedOptions = {
    dataDir: resolve(options.dataDir),
    host: options.host ?? "127.0.0.1",
    port: options.port ?? 9092,
    flush: options.flush ?? { kind: "always" },
    offsets: options.offsets ?? "durable",
    autoCreateTopics: options.autoCreateTopics ?? true,
    defaultPartitions: options.defaultPartitions ?? 1,
    segmentBytes: options.segmentBytes ?? SEGMENT_BYTES_DEFAULT,
    segmentMs: options.segmentMs ?? SEGMENT_MS_DEFAULT,
    retentionBytes: options.retentionBytes ?? -1,
    retentionMs: options.retentionMs ?? -1,
    retentionCheckMs: options.retentionCheckMs ?? RETENTION_CHECK_MS,
    maxFrameBytes: options.maxFrameBytes ?? FRAME_BYTES_MAX_DEFAULT,
    maxBatchBytes: options.maxBatchBytes ?? BATCH_BYTES_MAX_DEFAULT,
    maxConnections: options.maxConnections ?? CONNECTIONS_MAX_DEFAULT,
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

function checkOptions(given: BrokerOptions, resolved: ResolvedOptions): void {
  if (given.dataDir === "") throw new RangeError("--data-dir is empty");
  if (resolved.host === "") throw new RangeError("--host is empty");
  checkWhole("--port", resolved.port, 0, 65_535);
  checkWhole("--default-partitions", resolved.defaultPartitions, 1, PARTITIONS_MAX);
  checkWhole("--segment-bytes", resolved.segmentBytes, 1, SAFE);
  checkWhole("--segment-ms", resolved.segmentMs, 1, SAFE);
  checkWhole("--retention-bytes", resolved.retentionBytes, -1, SAFE);
  checkWhole("--retention-ms", resolved.retentionMs, -1, SAFE);
  checkWhole("retentionCheckMs", resolved.retentionCheckMs, 1, TIMER_MS_MAX);
  checkWhole("--max-frame-bytes", resolved.maxFrameBytes, 1, SAFE);
  checkWhole("--max-batch-bytes", resolved.maxBatchBytes, 1, SAFE);
  checkWhole("--max-connections", resolved.maxConnections, 1, 1_000_000);
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
