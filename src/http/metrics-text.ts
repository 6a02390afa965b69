// Everything that GET /metrics shows, family by family, read at the moment of the scrape. It costs something for each
// partition, segment and committed offset, and nothing for each record; no file is read but /proc/self/status.
// Leaves to others: counting (broker/metrics.ts), and how a sample is written (exposition.ts).
import { readFileSync } from "node:fs";
import type { Broker } from "../broker/broker.ts";
import { VERSION } from "../broker/version.ts";
import { lagOf } from "../offsets/lag.ts";
import type { PartitionDescription } from "../topics/partition.ts";
import { Exposition, labelsOf } from "./exposition.ts";

/** When the process began, in seconds since the epoch. */
const START_SECONDS = performance.timeOrigin / 1000;

/** The metrics of a broker, in Prometheus' text format. */
export function metricsText(broker: Broker): string {
  const text = new Exposition();
  writeRequests(text, broker);
  writeConnections(text, broker);
  writePartitions(text, broker);
  writeGroups(text, broker);
  writeProcess(text);
  return text.toString();
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

function writePartitions(text: Exposition, { services }: Broker): void {
  const rows = services.registry.list().flatMap(({ name, online }) =>
    online.map((partition) => ({
      labels: labelsOf({ topic: name, partition: partition.index }),
      state: partition.describe(),
    })),
  );
  const write = (
    name: string,
    help: string,
    value: (state: PartitionDescription) => number,
  ): void => {
    text.family(name, "gauge", help);
    for (const { labels, state } of rows) text.sample(labels, value(state));
  };
  write(
    "rustlog_partition_log_start_offset",
    "Offset of the first record that is still there.",
    (state) => state.logStartOffset,
  );
  write(
    "rustlog_partition_high_watermark",
    "Offset after the last record that may be read.",
    (state) => state.highWatermark,
  );
  write(
    "rustlog_partition_log_end_offset",
    "Offset that the next record gets.",
    (state) => state.logEndOffset,
  );
  write("rustlog_partition_size_bytes", "Length of all log files.", (state) => state.bytes);
  write(
    "rustlog_partition_segments",
    "Segments, the active one included.",
    (state) => state.segments,
  );
}

function writeGroups(text: Exposition, { services }: Broker): void {
  const rows = services.offsets.groups().flatMap(({ group }) =>
    (services.offsets.describe(group) ?? []).flatMap(({ topic, partition: index, offset }) => {
      // A topic that is being deleted has committed offsets a little longer than it has partitions, and one may be offline.
      const partition = services.registry.findOnline(topic, index);
      if (partition === undefined) return [];
      const { logStartOffset, highWatermark } = partition;
      const lag = lagOf({ committedOffset: offset, logStartOffset, highWatermark });
      return [{ labels: labelsOf({ group, topic, partition: index }), offset, lag }];
    }),
  );
  text.family("rustlog_group_committed_offset", "gauge", "Offset that a group has committed.");
  for (const { labels, offset } of rows) text.sample(labels, offset);
  text.family(
    "rustlog_group_lag_records",
    "gauge",
    "Records between a group's committed offset, or the log start if that is later, and the high watermark.",
  );
  for (const { labels, lag } of rows) text.sample(labels, lag);
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
