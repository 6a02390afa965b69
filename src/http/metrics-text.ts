// The response to GET /metrics, family by family, read while it is written. The cost is per partition and per partition
// of a group, never per record; the only file read is /proc/self/status. It is written in parts, each in its own turn
// of the event loop, so that a scrape blocks nobody.
// Leaves to others: counting (broker/metrics.ts), and the format of a sample (exposition.ts).
import { readFileSync } from "node:fs";
import type { Broker } from "../broker/broker.js";
import { VERSION } from "../broker/version.js";
import type { GroupState, GroupType } from "../groups/group.js";
import type { ServiceContext } from "../services/context.js";
import { NOT_COMMITTED, readGroupLags } from "../services/group-lag.js";
import { CERTIFICATE, METRICS_TOKEN } from "../security/audit.js";
import { OPERATIONS_OF, type ResourceType } from "../security/permission.js";
import { printable } from "../printable.js";
import { nextTurn, Portions } from "../log/event-loop.js";
import { type DescribedPartition, describePartitions } from "../services/topics.js";
import { Exposition, labelsOf } from "./exposition.js";

/** Start of the process, in seconds since the epoch. */
const START_SECONDS = performance.timeOrigin / 1000;

/** Partitions read, and samples written, per turn. */
const PORTION = 500;

/** Limit on partitions of groups shown; groups beyond it are only counted. */
const SCRAPED_GROUP_PARTITIONS_MAX = 10_000;

/** Limit on names and versions of client libraries; connections of others are counted together. */
const SCRAPED_SOFTWARE_MAX = 50;

/**
 * The metrics of a broker in Prometheus' text format, in parts. Of topics and groups there are those that the caller of
 * `context` may see.
 */
export async function* metricsText(
  broker: Broker,
  context: ServiceContext = broker.context,
): AsyncGenerator<string, void> {
  const text = new Exposition();
  writeRequests(text, broker);
  await writeConnections(text, broker);
  writeSecurity(text, broker);
  writeThrottles(text, broker);
  writeCompaction(text, broker);
  yield* writePartitions(text, context);
  yield* writeGroups(text, broker, context);
  writeProcess(text);
  yield text.take();
}

function writeSecurity(text: Exposition, { audit: { counters }, context }: Broker): void {
  const mechanisms = [...context.security.mechanisms];
  text.family(
    "rustlog_logins_total",
    "counter",
    "Logins that succeeded, by mechanism; certificate for a connection with one.",
  );
  for (const mechanism of [...mechanisms, CERTIFICATE])
    text.sample(labelsOf({ mechanism }), counters.logins.get(mechanism) ?? 0);
  text.family(
    "rustlog_failed_logins_total",
    "counter",
    "Logins that failed, by mechanism; metrics-token for one of --metrics-token-file, other for one that the broker does not have.",
  );
  for (const mechanism of [...mechanisms, METRICS_TOKEN, "other"])
    text.sample(labelsOf({ mechanism }), counters.failedLogins.get(mechanism) ?? 0);
  text.family(
    "rustlog_denied_total",
    "counter",
    "Refusals because of a missing permission, by operation and type of the resource.",
  );
  for (const [type, operations] of Object.entries(OPERATIONS_OF)) {
    for (const operation of operations) {
      const count = counters.denied.get(operation)?.get(type as ResourceType) ?? 0;
      text.sample(labelsOf({ operation, resource: type }), count);
    }
  }
}

function writeThrottles(
  text: Exposition,
  { metrics: { throttles }, mutedConnections }: Broker,
): void {
  text.family(
    "rustlog_throttled_requests_total",
    "counter",
    "Requests after which a client had to wait because of a quota, by user.",
  );
  for (const [user, { requests }] of throttles) text.sample(labelsOf({ user }), requests);
  text.family(
    "rustlog_throttle_seconds_total",
    "counter",
    "Time that clients were told to wait because of a quota, by user.",
  );
  for (const [user, { ms }] of throttles) text.sample(labelsOf({ user }), ms / 1000);
  text.family(
    "rustlog_muted_connections",
    "gauge",
    "Connections that are not read for now because of a quota.",
  );
  text.sample("", mutedConnections);
}

function writeCompaction(text: Exposition, { metrics: { compaction } }: Broker): void {
  text.family(
    "rustlog_compaction_duration_seconds",
    "histogram",
    "Duration of a run of compaction on one partition.",
  );
  text.histogram("", compaction.duration);
  const counter = (name: string, help: string, value: number): void => {
    text.family(name, "counter", help);
    text.sample("", value);
  };
  counter(
    "rustlog_compaction_failures_total",
    "Runs of compaction that failed, and left the log as it was.",
    compaction.failures,
  );
  counter(
    "rustlog_compaction_read_bytes_total",
    "Bytes of log that compaction has read.",
    compaction.readBytes,
  );
  counter(
    "rustlog_compaction_written_bytes_total",
    "Bytes of log that compaction has written.",
    compaction.writtenBytes,
  );
  counter(
    "rustlog_compaction_removed_bytes_total",
    "Bytes of log that compaction has freed.",
    compaction.removedBytes,
  );
  counter(
    "rustlog_compaction_removed_records_total",
    "Records that compaction has removed.",
    compaction.removedRecords,
  );
}

function writeRequests(text: Exposition, { metrics }: Broker): void {
  text.family(
    "rustlog_requests_total",
    "counter",
    "Requests answered, by protocol, API and error (none for success).",
  );
  for (const requests of metrics.protocols) {
    const { protocol } = requests;
    for (const { api, error, count } of requests.requests()) {
      text.sample(labelsOf({ protocol, api, error: error ?? "none" }), count);
    }
  }
  text.family(
    "rustlog_request_duration_seconds",
    "histogram",
    "Time from a complete request to its response. Produce includes the flush it waits for; Fetch counts only requests that did not wait for data.",
  );
  for (const { protocol, produceDuration, fetchDuration } of metrics.protocols) {
    text.histogram(labelsOf({ protocol, api: "Produce" }), produceDuration);
    text.histogram(labelsOf({ protocol, api: "Fetch" }), fetchDuration);
  }
  text.family(
    "rustlog_fetch_wait_duration_seconds",
    "histogram",
    "Time from a complete Fetch request to its response, for requests that waited for data.",
  );
  for (const { protocol, fetchWaitDuration } of metrics.protocols) {
    text.histogram(labelsOf({ protocol }), fetchWaitDuration);
  }
  text.family(
    "rustlog_flush_duration_seconds",
    "histogram",
    "Duration of a flush (fdatasync) of appended batches; batches that arrive during one share the next.",
  );
  text.histogram("", metrics.flushDuration);
}

async function writeConnections(text: Exposition, broker: Broker): Promise<void> {
  const { metrics, inflight } = broker;
  text.family("rustlog_received_bytes_total", "counter", "Bytes received from clients.");
  text.sample("", metrics.receivedBytes);
  text.family("rustlog_sent_bytes_total", "counter", "Bytes sent to clients.");
  text.sample("", metrics.sentBytes);
  await writeClients(text, broker);
  text.family("rustlog_connections_accepted_total", "counter", "Client connections accepted.");
  text.sample("", metrics.connectionsAccepted);
  text.family(
    "rustlog_connections_refused_total",
    "counter",
    "Connections rejected because of --max-connections, --max-connections-per-ip or a quota.",
  );
  text.sample("", metrics.connectionsRefused);
  text.family(
    "rustlog_connection_errors_total",
    "counter",
    "Connections closed by the broker with an error that answers no request, by error.",
  );
  for (const { error, count } of metrics.connectionErrors()) {
    text.sample(labelsOf({ error }), count);
  }
  text.family(
    "rustlog_inflight_bytes",
    "gauge",
    "Memory of requests in progress (working), and of incomplete frames and unread responses (kept).",
  );
  text.sample(labelsOf({ kind: "working" }), inflight.workingBytes);
  text.sample(labelsOf({ kind: "kept" }), inflight.keptBytes);
  text.family("rustlog_waiting_fetches", "gauge", "Fetches waiting for data.");
  text.sample("", inflight.waits);
}

/** Connections by protocol, and by what their clients call themselves: that is theirs to choose, so it is bounded. */
async function writeClients(text: Exposition, broker: Broker): Promise<void> {
  const protocols = new Map(broker.metrics.protocols.map(({ protocol }) => [protocol, 0]));
  const software = new Map<string, number>();
  const portions = new Portions(PORTION);
  for (const { protocol = "unknown", client } of broker.clients) {
    addOne(protocols, protocol);
    const { name = "unknown", version = "unknown" } = client;
    const labels = { protocol, software: printable(name), version: printable(version) };
    const key = labelsOf(labels);
    const isShown = software.has(key) || software.size < SCRAPED_SOFTWARE_MAX;
    addOne(software, isShown ? key : labelsOf({ protocol, software: "other", version: "other" }));
    await portions.next();
  }
  text.family("rustlog_connections", "gauge", "Open client connections, by protocol.");
  for (const [protocol, count] of protocols) text.sample(labelsOf({ protocol }), count);
  text.family(
    "rustlog_client_connections",
    "gauge",
    `Open client connections, by protocol and by name and version of the client's library; at most ${SCRAPED_SOFTWARE_MAX} of these, and then other.`,
  );
  for (const [labels, count] of software) text.sample(labels, count);
}

function addOne(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

async function* writePartitions(text: Exposition, context: ServiceContext): AsyncGenerator<string> {
  const online: { readonly labels: string; readonly state: DescribedPartition }[] = [];
  const offline: string[] = [];
  const portions = new Portions(PORTION);
  for (const state of describePartitions(context)) {
    const labels = labelsOf({ topic: state.topic, partition: state.partition });
    if (state.offline === undefined) online.push({ labels, state });
    else offline.push(labels);
    await portions.next();
  }
  const write = (
    name: string,
    help: string,
    value: (state: DescribedPartition) => number,
  ): AsyncGenerator<string> => {
    text.family(name, "gauge", help);
    return samples(text, online, ({ labels, state }) => text.sample(labels, value(state)));
  };
  yield* write(
    "rustlog_partition_log_start_offset",
    "Offset of the first remaining record.",
    (state) => state.logStartOffset,
  );
  yield* write(
    "rustlog_partition_high_watermark",
    "Offset after the last readable record.",
    (state) => state.highWatermark,
  );
  yield* write(
    "rustlog_partition_log_end_offset",
    "Offset of the next record.",
    (state) => state.logEndOffset,
  );
  yield* write(
    "rustlog_partition_size_bytes",
    "Total size of the log files.",
    (state) => state.bytes,
  );
  yield* write(
    "rustlog_partition_segments",
    "Number of segments, including the active one.",
    (state) => state.segments,
  );
  text.family(
    "rustlog_partition_dirty_ratio",
    "gauge",
    "Share of the bytes of sealed segments that is not compacted yet; only partitions of compacted topics have it.",
  );
  yield* samples(text, online, ({ labels, state }) => {
    if (state.dirtyRatio !== undefined) text.sample(labels, state.dirtyRatio);
  });
  text.family("rustlog_offline_partitions", "gauge", "Partitions that could not be opened.");
  text.sample("", offline.length);
  text.family(
    "rustlog_partition_offline",
    "gauge",
    "1 for a partition that could not be opened, which has no other series; 0 for all others.",
  );
  yield* samples(text, online, ({ labels }) => text.sample(labels, 0));
  yield* samples(text, offline, (labels) => text.sample(labels, 1));
}

/** The states of groups with members, by type. */
const STATES: Readonly<Record<GroupType, readonly GroupState[]>> = {
  classic: ["PreparingRebalance", "CompletingRebalance", "Stable"],
  consumer: ["Assigning", "Reconciling", "Stable"],
};

const GROUP_TYPES = Object.keys(STATES) as readonly GroupType[];

/** Groups in memory, counted. All others are Empty. */
interface GroupCounts {
  readonly states: ReadonlyMap<string, number>;
  readonly members: Readonly<Record<GroupType, number>>;
  readonly empty: number;
  /** Groups without committed offsets. */
  readonly withoutOffsets: number;
}

async function countGroups({ groups, offsets }: ServiceContext): Promise<GroupCounts> {
  const states = new Map<string, number>();
  const members = { classic: 0, consumer: 0 };
  let withoutOffsets = 0;
  let notEmpty = 0;
  const portions = new Portions(PORTION);
  for (const { name, type, state, memberCount } of groups.inMemory()) {
    members[type] += memberCount;
    if (offsets.topicsOf(name).length === 0) withoutOffsets++;
    if (state !== "Empty") {
      addOne(states, labelsOf({ type, state }));
      notEmpty++;
    }
    await portions.next();
  }
  const empty = Math.max(0, offsets.groupCount + withoutOffsets - notEmpty);
  return { states, members, empty, withoutOffsets };
}

function writeMembers(text: Exposition, { metrics }: Broker, counts: GroupCounts): void {
  text.family(
    "rustlog_groups_by_state",
    "gauge",
    "Groups by state and type; of those without members, the type is none.",
  );
  text.sample(labelsOf({ type: "none", state: "Empty" }), counts.empty);
  for (const type of GROUP_TYPES) {
    for (const state of STATES[type]) {
      const labels = labelsOf({ type, state });
      text.sample(labels, counts.states.get(labels) ?? 0);
    }
  }
  text.family("rustlog_members", "gauge", "Members of all groups, by type of the group.");
  for (const type of GROUP_TYPES) text.sample(labelsOf({ type }), counts.members[type]);
  text.family(
    "rustlog_members_expired_total",
    "counter",
    "Members removed because they were silent, or too slow in a rebalance, by type of the group.",
  );
  for (const type of GROUP_TYPES) {
    text.sample(labelsOf({ type }), metrics.groups[type].expiredMembers);
  }
  text.family(
    "rustlog_rebalance_duration_seconds",
    "histogram",
    "Time from the change that caused a rebalance until each member has its partitions, by type of the group.",
  );
  for (const type of GROUP_TYPES) {
    text.histogram(labelsOf({ type }), metrics.groups[type].rebalanceDuration);
  }
}

async function* writeGroups(
  text: Exposition,
  broker: Broker,
  context: ServiceContext,
): AsyncGenerator<string> {
  const counts = await countGroups(context);
  writeMembers(text, broker, counts);
  const { groups: shown } = await readGroupLags(context, {
    groupsMax: SCRAPED_GROUP_PARTITIONS_MAX,
    partitionsMax: SCRAPED_GROUP_PARTITIONS_MAX,
  });
  const groups = context.offsets.groupCount;
  text.family("rustlog_groups", "gauge", "Groups that have committed an offset.");
  text.sample("", groups);
  text.family(
    "rustlog_groups_omitted",
    "gauge",
    `Groups omitted below, where at most ${SCRAPED_GROUP_PARTITIONS_MAX} partitions of groups are listed, in order of the groups' names.`,
  );
  text.sample("", Math.max(0, groups + counts.withoutOffsets - shown.length));
  text.family("rustlog_group_committed_offset", "gauge", "Offset committed by a group.");
  const rows = shown.flatMap(({ group, partitions }) =>
    partitions.map((partition) => ({ group, ...partition })),
  );
  const labels = ({ group, topic, partition }: (typeof rows)[number]): string =>
    labelsOf({ group, topic, partition });
  yield* samples(text, rows, (row) => {
    if (row.committedOffset !== NOT_COMMITTED) text.sample(labels(row), row.committedOffset);
  });
  text.family(
    "rustlog_group_lag_records",
    "gauge",
    "Records from a group's committed offset (or the log start, if that is later or nothing was committed) to the high watermark.",
  );
  yield* samples(text, rows, (row) => text.sample(labels(row), row.lag));
  text.family(
    "rustlog_group_total_lag_records",
    "gauge",
    "Lag of a group, summed over all partitions of the topics in which it has committed an offset, or that its members read.",
  );
  yield* samples(text, shown, ({ group, lag }) => text.sample(labelsOf({ group }), lag));
  text.family("rustlog_group_members", "gauge", "Members of a group.");
  yield* samples(text, shown, ({ group }) =>
    text.sample(labelsOf({ group }), context.groups.memberCount(group)),
  );
}

/** Writes a sample per item, and yields the text after each portion of items. */
async function* samples<Item>(
  text: Exposition,
  items: readonly Item[],
  write: (item: Item) => void,
): AsyncGenerator<string> {
  for (let from = 0; from < items.length; from += PORTION) {
    for (const item of items.slice(from, from + PORTION)) write(item);
    yield text.take();
    await nextTurn();
  }
}

function writeProcess(text: Exposition): void {
  text.family("rustlog_build_info", "gauge", "Always 1; the labels show the version.");
  text.sample(labelsOf({ version: VERSION, bun: Bun.version }), 1);
  const { user, system } = process.cpuUsage();
  text.family("process_cpu_seconds_total", "counter", "Processor time used, in seconds.");
  text.sample("", (user + system) / 1_000_000);
  text.family(
    "process_start_time_seconds",
    "gauge",
    "Start of the process since the epoch, in seconds.",
  );
  text.sample("", START_SECONDS);
  text.family(
    "process_resident_memory_bytes",
    "gauge",
    "Resident memory of the process, including pages of mapped log segments.",
  );
  text.sample("", process.memoryUsage.rss());
  text.family(
    "rustlog_anonymous_memory_bytes",
    "gauge",
    "Resident memory of the broker itself, which the kernel can't reclaim (Linux only).",
  );
  const bytes = anonymousBytes();
  if (bytes !== undefined) text.sample("", bytes);
}

function anonymousBytes(): number | undefined {
  if (process.platform !== "linux") return undefined;
  const kB = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
  return kB === undefined ? undefined : Number(kB) * 1024;
}
