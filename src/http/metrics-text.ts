// Everything that GET /metrics shows, family by family, read while the answer is written. It costs something for each
// partition and for each group's partition, and nothing for each record; no file is read but /proc/self/status. It is
// written in parts, each in a turn of the event loop of its own, so that nobody waits for a scrape.
// Leaves to others: counting (broker/metrics.ts), and how a sample is written (exposition.ts).
import { readFileSync } from "node:fs";
import type { Broker } from "../broker/broker.ts";
import { VERSION } from "../broker/version.ts";
import { NOT_COMMITTED, readGroupLags } from "../services/group-lag.ts";
import { nextTurn, Portions } from "../log/event-loop.ts";
import { type DescribedPartition, describePartitions } from "../services/topics.ts";
import { Exposition, labelsOf } from "./exposition.ts";

/** When the process began, in seconds since the epoch. */
const START_SECONDS = performance.timeOrigin / 1000;

/** Partitions that are read, and samples that are written, in one turn. */
const PORTION = 500;

/** Partitions of groups that are shown; groups that don't fit are only counted. */
const GROUP_PARTITIONS_MAX = 10_000;

/** The metrics of a broker, in Prometheus' text format, in parts. */
export async function* metricsText(broker: Broker): AsyncGenerator<string, void> {
  const text = new Exposition();
  writeRequests(text, broker);
  writeConnections(text, broker);
  yield* writePartitions(text, broker);
  yield* writeGroups(text, broker);
  writeProcess(text);
  yield text.take();
}

function writeRequests(text: Exposition, { metrics }: Broker): void {
  text.family(
    "rustlog_requests_total",
    "counter",
    "Requests that were answered, by API and error (none for success).",
  );
  for (const { api, error, count } of metrics.requests()) {
    text.sample(labelsOf({ api, error: error ?? "none" }), count);
  }
  text.family(
    "rustlog_request_duration_seconds",
    "histogram",
    "Time from a whole request to its answer: for Produce with the flush it waits for, for Fetch only those that did not wait for data.",
  );
  text.histogram(labelsOf({ api: "Produce" }), metrics.produceDuration);
  text.histogram(labelsOf({ api: "Fetch" }), metrics.fetchDuration);
  text.family(
    "rustlog_fetch_wait_duration_seconds",
    "histogram",
    "Time from a whole Fetch request to its answer, of those that waited for data as their clients asked.",
  );
  text.histogram("", metrics.fetchWaitDuration);
  text.family(
    "rustlog_flush_duration_seconds",
    "histogram",
    "Time of a flush (fdatasync) of appended batches; all that arrive during one share the next.",
  );
  text.histogram("", metrics.flushDuration);
}

function writeConnections(text: Exposition, broker: Broker): void {
  const { metrics, inflight } = broker;
  text.family("rustlog_received_bytes_total", "counter", "Bytes received from clients.");
  text.sample("", metrics.receivedBytes);
  text.family("rustlog_sent_bytes_total", "counter", "Bytes sent to clients.");
  text.sample("", metrics.sentBytes);
  text.family("rustlog_connections", "gauge", "Connections that are being served.");
  text.sample("", broker.connections);
  text.family("rustlog_connections_accepted_total", "counter", "Connections that were served.");
  text.sample("", metrics.connectionsAccepted);
  text.family(
    "rustlog_connections_refused_total",
    "counter",
    "Connections that were refused, because --max-connections were served.",
  );
  text.sample("", metrics.connectionsRefused);
  text.family(
    "rustlog_connection_errors_total",
    "counter",
    "Connections that the broker ended with an error that answers no request, by error.",
  );
  for (const { error, count } of metrics.connectionErrors()) {
    text.sample(labelsOf({ error }), count);
  }
  text.family(
    "rustlog_inflight_bytes",
    "gauge",
    "Memory of requests that are being worked on (working), and of unfinished frames and answers not taken (kept).",
  );
  text.sample(labelsOf({ kind: "working" }), inflight.workingBytes);
  text.sample(labelsOf({ kind: "kept" }), inflight.keptBytes);
  text.family("rustlog_waiting_fetches", "gauge", "Fetches that wait for data.");
  text.sample("", inflight.waits);
}

async function* writePartitions(text: Exposition, { context }: Broker): AsyncGenerator<string> {
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
    "Offset of the first record that is still there.",
    (state) => state.logStartOffset,
  );
  yield* write(
    "rustlog_partition_high_watermark",
    "Offset after the last record that may be read.",
    (state) => state.highWatermark,
  );
  yield* write(
    "rustlog_partition_log_end_offset",
    "Offset that the next record gets.",
    (state) => state.logEndOffset,
  );
  yield* write("rustlog_partition_size_bytes", "Length of all log files.", (state) => state.bytes);
  yield* write(
    "rustlog_partition_segments",
    "Segments, the active one included.",
    (state) => state.segments,
  );
  text.family("rustlog_offline_partitions", "gauge", "Partitions that could not be opened.");
  text.sample("", offline.length);
  text.family(
    "rustlog_partition_offline",
    "gauge",
    "1 for a partition that could not be opened, which has no other series; 0 for the others.",
  );
  yield* samples(text, online, ({ labels }) => text.sample(labels, 0));
  yield* samples(text, offline, (labels) => text.sample(labels, 1));
}

async function* writeGroups(text: Exposition, { context }: Broker): AsyncGenerator<string> {
  const { groups: shown } = await readGroupLags(context, {
    groupsMax: GROUP_PARTITIONS_MAX,
    partitionsMax: GROUP_PARTITIONS_MAX,
  });
  const groups = context.offsets.groupCount;
  text.family("rustlog_groups", "gauge", "Groups that have committed an offset.");
  text.sample("", groups);
  text.family(
    "rustlog_groups_omitted",
    "gauge",
    `Groups that are left out below, which shows ${GROUP_PARTITIONS_MAX} partitions of groups at most, by name of the group.`,
  );
  text.sample("", Math.max(0, groups - shown.length));
  text.family("rustlog_group_committed_offset", "gauge", "Offset that a group has committed.");
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
    "Records between a group's committed offset, or the log start if that is later or nothing was committed, and the high watermark.",
  );
  yield* samples(text, rows, (row) => text.sample(labels(row), row.lag));
  text.family(
    "rustlog_group_total_lag_records",
    "gauge",
    "The same, summed over all partitions of the topics in which the group has committed an offset.",
  );
  yield* samples(text, shown, ({ group, lag }) => text.sample(labelsOf({ group }), lag));
}

/** Writes a sample for each item, and gives out what was written after each portion of them. */
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
  text.family("rustlog_build_info", "gauge", "Always 1; the labels say what runs.");
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
    "Memory of the process that is in RAM, pages of mapped log segments included.",
  );
  text.sample("", process.memoryUsage.rss());
  text.family(
    "rustlog_anonymous_memory_bytes",
    "gauge",
    "The part of it that is the broker's own, which the kernel can't take back; on Linux.",
  );
  const bytes = anonymousBytes();
  if (bytes !== undefined) text.sample("", bytes);
}

function anonymousBytes(): number | undefined {
  if (process.platform !== "linux") return undefined;
  const kB = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
  return kB === undefined ? undefined : Number(kB) * 1024;
}
