// GET /metrics and GET /health of a real broker over HTTP: what changes, by how much, and when.
// Leaves to others: the format (exposition.test.ts), and the port itself (http-server.test.ts).
import { describe, expect, test } from "bun:test";
import { type HttpClient, HttpServer } from "../../src/http/http-server.js";
import { metricsText } from "../../src/http/metrics-text.js";
import { monitoringRoutes } from "../../src/http/monitoring.js";
import { encodeRequest } from "../../src/protocol/native/messages.js";
import { Fetch } from "../../src/protocol/native/fetch.js";
import { BY_NO_MEMBER, OffsetCommit } from "../../src/protocol/native/offsets.js";
import { CreateTopic } from "../../src/protocol/native/topics.js";
import { KAFKA_APIS } from "../../src/protocol/kafka/apis.js";
import { ZERO_UUID } from "../../src/record/bytes.js";
import { RealDisk } from "../../src/log/disk/real-disk.js";
import { plain, table } from "../protocol/document.js";
import { joinGroup } from "../support/group-members.js";
import { batchOf, errorOf, type Session, startBroker } from "../support/broker.js";
import { KafkaClient } from "../support/kafka-client.js";
import { type Family, parseExposition } from "../support/prometheus.js";
import { SyncGate } from "../support/sync-gate.js";
import { until } from "../support/until.js";
import { textOf } from "../tree/source-tree.js";
import { encodeProduceRequest } from "../support/whole-frames.js";

/** The routes of a broker on their own port. */
function serve(broker: Awaited<ReturnType<typeof startBroker>>) {
  const http = new HttpServer({
    host: "127.0.0.1",
    port: 0,
    flags: { host: "--http-host", port: "--metrics-port" },
    routes: monitoringRoutes(broker.broker),
    log: (line) => broker.lines.push(line),
  });
  return {
    async scrape(): Promise<ReadonlyMap<string, Family>> {
      const response = await fetch(`${http.url}/metrics`);
      expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
      return parseExposition(await response.text());
    },
    async health(): Promise<Record<string, unknown>> {
      const response = await fetch(`${http.url}/health`);
      return { code: response.status, ...((await response.json()) as object) };
    },
    [Symbol.asyncDispose]: () => http.stop(),
  };
}

/** Samples of a family without its name: `{api="Fetch"}`. */
function samplesOf(families: ReadonlyMap<string, Family>, name: string): Record<string, number> {
  const found: Record<string, number> = {};
  for (const [key, value] of families.get(name)?.samples ?? []) {
    found[key.slice(name.length)] = value;
  }
  return found;
}

/** Number of native requests, by API and error. */
function requestsOf(families: ReadonlyMap<string, Family>): Record<string, number> {
  const samples = Object.entries(samplesOf(families, "rustlog_requests_total"));
  const labels = /^\{protocol="native",api="(\w+)",error="(\w+)"\}$/;
  return Object.fromEntries(
    samples.filter(([, count]) => count > 0).map(([key, n]) => [key.replace(labels, "$1 $2"), n]),
  );
}

function commit(session: Session, group: string, topic: string, offset: number): Promise<unknown> {
  const offsets = [{ topic, partition: 0, offset }];
  return session.call(
    (id) => OffsetCommit.encodeRequest(id, { ...BY_NO_MEMBER, group, offsets }),
    errorOf,
  );
}

describe("GET /metrics", () => {
  test("counts requests by API and error, and measures produces, fetches and flushes", async () => {
    await using broker = await startBroker();
    await using http = serve(broker);
    using session = await broker.session();
    for (let i = 0; i < 5; i++) await session.produce("t", 0, batchOf("a"));
    for (let i = 0; i < 3; i++) await session.fetch({ topic: "t" });
    const wrong = { topic: "t", partition: 7, batch: batchOf("a") };
    await session.call((id) => encodeProduceRequest(id, wrong), errorOf);
    await session.call((id) => encodeRequest(200, id, () => {}), errorOf);
    await session.ping();
    const families = await http.scrape();
    expect(requestsOf(families)).toEqual({
      "Produce none": 5,
      "Produce UNKNOWN_TOPIC_OR_PARTITION": 1,
      "Fetch none": 3,
      "unknown UNSUPPORTED_VERSION": 1,
      "Ping none": 1,
    });
    const durations = samplesOf(families, "rustlog_request_duration_seconds");
    expect(durations['_count{protocol="native",api="Produce"}']).toBe(6);
    expect(durations['_count{protocol="native",api="Fetch"}']).toBe(3);
    expect(durations['_sum{protocol="native",api="Produce"}']).toBeGreaterThan(0);
    const flushes = samplesOf(families, "rustlog_flush_duration_seconds");
    expect(flushes._count).toBe(5);
    expect(flushes._sum).toBeLessThanOrEqual(
      durations['_sum{protocol="native",api="Produce"}'] ?? 0,
    );
  });

  test("counts the flush of a sealed segment with any policy", async () => {
    await using broker = await startBroker({ flush: { kind: "never" }, segmentBytes: 1024 });
    await using http = serve(broker);
    using session = await broker.session();
    for (let i = 0; i < 4; i++) await session.produce("t", 0, batchOf("a".repeat(1_100)));
    // Each segment is flushed twice: ahead of its roll, because it is full, and at the roll, except the last.
    const flushes = samplesOf(await http.scrape(), "rustlog_flush_duration_seconds");
    expect(flushes._count).toBeGreaterThanOrEqual(6);
  });

  test("separates fetches that wait for data from those that do not", async () => {
    await using broker = await startBroker();
    await using http = serve(broker);
    using reader = await broker.session();
    using writer = await broker.session();
    await writer.produce("t", 0, batchOf("a"));
    const waiting = reader.fetch({ topic: "t", offset: 1, maxWaitMs: 60_000 });
    await reader.ping();
    const during = await http.scrape();
    expect(samplesOf(during, "rustlog_waiting_fetches")).toEqual({ "": 1 });
    expect(samplesOf(during, "rustlog_inflight_bytes")['{kind="working"}']).toBeGreaterThan(0);
    expect(requestsOf(during)["Fetch none"]).toBeUndefined();
    await writer.produce("t", 0, batchOf("b"));
    await waiting;
    const after = await http.scrape();
    expect(samplesOf(after, "rustlog_waiting_fetches")).toEqual({ "": 0 });
    expect(samplesOf(after, "rustlog_inflight_bytes")['{kind="working"}']).toBe(0);
    expect(
      samplesOf(after, "rustlog_fetch_wait_duration_seconds")['_count{protocol="native"}'],
    ).toBe(1);
    const durations = samplesOf(after, "rustlog_request_duration_seconds");
    expect(durations['_count{protocol="native",api="Fetch"}']).toBe(0);
  });

  test("counts every client byte in and out", async () => {
    await using broker = await startBroker();
    await using http = serve(broker);
    using session = await broker.session();
    const produce = encodeProduceRequest(90, { topic: "t", partition: 0, batch: batchOf("a") });
    session.client.send(produce);
    const answer = await session.client.response(90);
    const fetchRequest = { group: "", topic: "t", partition: 0, offset: 0, maxBytes: 1000 };
    const fetchFrame = Fetch.encodeRequest(91, { ...fetchRequest, minBytes: 1, maxWaitMs: 0 });
    session.client.send(fetchFrame);
    const fetched = await session.client.response(91);
    const families = await http.scrape();
    expect(samplesOf(families, "rustlog_received_bytes_total")).toEqual({
      "": produce.length + fetchFrame.length,
    });
    expect(samplesOf(families, "rustlog_sent_bytes_total")).toEqual({
      "": 4 + answer.length + 4 + fetched.length,
    });
  });

  test("shows each partition's offsets, size and segments, and each group's lag", async () => {
    await using broker = await startBroker({ segmentBytes: 1024, retentionBytes: 1024 });
    await using http = serve(broker);
    using session = await broker.session();
    const created = { topic: "t", partitions: 2, settings: [] };
    await session.call((id) => CreateTopic.encodeRequest(id, created), errorOf);
    for (let i = 0; i < 4; i++) await session.produce("t", 0, batchOf("x".repeat(600), "y"));
    await commit(session, "g", "t", 3);
    await commit(session, 'quo"te', "t", 8);
    const key = '{topic="t",partition="0"}';
    const families = await http.scrape();
    const of = (name: string) => samplesOf(families, `rustlog_${name}`);
    expect(of("partition_high_watermark")).toMatchObject({
      [key]: 8,
      '{topic="t",partition="1"}': 0,
    });
    expect(of("partition_log_end_offset")[key]).toBe(8);
    expect(of("partition_log_start_offset")[key]).toBe(0);
    expect(of("partition_segments")[key]).toBe(4);
    const bytes = of("partition_size_bytes")[key] ?? 0;
    expect(bytes).toBe(4 * batchOf("x".repeat(600), "y").length);
    expect(of("group_committed_offset")).toEqual({
      '{group="g",topic="t",partition="0"}': 3,
      '{group="quo\\"te",topic="t",partition="0"}': 8,
    });
    expect(of("group_lag_records")).toEqual({
      '{group="g",topic="t",partition="0"}': 5,
      '{group="g",topic="t",partition="1"}': 0,
      '{group="quo\\"te",topic="t",partition="0"}': 0,
      '{group="quo\\"te",topic="t",partition="1"}': 0,
    });
    await broker.broker.context.registry.applyRetention();
    const after = await http.scrape();
    const kept = samplesOf(after, "rustlog_partition_size_bytes")[key] ?? 0;
    expect(kept).toBeLessThan(bytes);
    const start = samplesOf(after, "rustlog_partition_log_start_offset")[key] ?? 0;
    expect(start).toBeGreaterThan(3);
    const lag = samplesOf(after, "rustlog_group_lag_records");
    expect(lag['{group="g",topic="t",partition="0"}']).toBe(8 - start);
  });

  test("includes partitions that a group never committed in its lag, and the total", async () => {
    await using broker = await startBroker();
    await using http = serve(broker);
    const { registry, offsets } = broker.broker.context;
    await registry.create("t", 3, {});
    for (const index of [0, 2]) await registry.partition("t", index).append(batchOf("a", "b", "c"));
    await offsets.commit("g", [{ topic: "t", partition: 0, offset: 1 }]);
    const families = await http.scrape();
    expect(Object.values(samplesOf(families, "rustlog_group_committed_offset"))).toEqual([1]);
    expect(Object.values(samplesOf(families, "rustlog_group_lag_records"))).toEqual([2, 0, 3]);
    expect(samplesOf(families, "rustlog_group_total_lag_records")).toEqual({ '{group="g"}': 5 });
    expect(samplesOf(families, "rustlog_groups")).toEqual({ "": 1 });
    expect(samplesOf(families, "rustlog_groups_omitted")).toEqual({ "": 0 });
  });

  test("counts groups by state, members, and rebalances", async () => {
    await using broker = await startBroker();
    await using http = serve(broker);
    const { registry, offsets, groups } = broker.broker.context;
    await registry.create("t", 2, {});
    for (const group of ["idle", "both"]) {
      await offsets.commit(group, [{ topic: "t", partition: 0, offset: 0 }]);
    }
    await joinGroup(groups, "both", [
      { clientId: "a", assigned: { t: [0] } },
      { clientId: "b", assigned: { t: [1] } },
    ]);
    await joinGroup(groups, "fresh", [{ clientId: "c", assigned: { t: [1] } }]);
    const families = await http.scrape();
    const of = (name: string) => samplesOf(families, `rustlog_${name}`);
    expect(of("groups_by_state")).toEqual({
      '{type="none",state="Empty"}': 1,
      '{type="classic",state="PreparingRebalance"}': 0,
      '{type="classic",state="CompletingRebalance"}': 0,
      '{type="classic",state="Stable"}': 2,
      '{type="consumer",state="Assigning"}': 0,
      '{type="consumer",state="Reconciling"}': 0,
      '{type="consumer",state="Stable"}': 0,
    });
    expect(of("members")).toEqual({ '{type="classic"}': 3, '{type="consumer"}': 0 });
    expect(of("members_expired_total")).toEqual({ '{type="classic"}': 0, '{type="consumer"}': 0 });
    expect(of("rebalance_duration_seconds")).toMatchObject({
      '_count{type="classic"}': 2,
      '_count{type="consumer"}': 0,
    });
    expect(of("group_members")).toEqual({
      '{group="both"}': 2,
      '{group="fresh"}': 1,
      '{group="idle"}': 0,
    });
    expect(of("groups_omitted")).toEqual({ "": 0 });
  });

  test("is written in small parts, with a limited number of groups", async () => {
    await using broker = await startBroker({ offsets: "memory" });
    const { registry, offsets } = broker.broker.context;
    await registry.create("t", 3, {});
    const commits = [0, 1, 2].map((partition) => ({ topic: "t", partition, offset: 0 }));
    for (let i = 0; i < 4_000; i++) await offsets.commit(`g-${i}`, commits);
    let text = "";
    let turns = 0;
    const count = (): void => {
      turns++;
      counting = setImmediate(count);
    };
    let counting = setImmediate(count);
    for await (const part of metricsText(broker.broker)) {
      expect(part.length).toBeLessThan(64 * 1024);
      text += part;
    }
    clearImmediate(counting);
    // Others got a turn after every 500 samples, and while they were read.
    expect(turns).toBeGreaterThan(70);
    const families = parseExposition(text);
    const lags = Object.keys(samplesOf(families, "rustlog_group_lag_records"));
    expect(lags).toHaveLength(9_999);
    expect(Object.keys(samplesOf(families, "rustlog_group_total_lag_records"))).toHaveLength(3_333);
    expect(samplesOf(families, "rustlog_groups")).toEqual({ "": 4_000 });
    expect(samplesOf(families, "rustlog_groups_omitted")).toEqual({ "": 667 });
  });

  test("a scraper that does not read blocks no other, and too many are rejected", async () => {
    await using broker = await startBroker({ offsets: "memory" });
    const { registry, offsets } = broker.broker.context;
    await registry.create("t", 1, {});
    for (let i = 0; i < 3_000; i++) {
      await offsets.commit(`g-${i}`, [{ topic: "t", partition: 0, offset: 0 }]);
    }
    const GET = monitoringRoutes(broker.broker)["/metrics"]?.GET as unknown as (
      request: Request,
      server: undefined,
      client: HttpClient,
    ) => Response;
    const client = { address: "127.0.0.1", isSecure: false };
    const scrape = () => GET(new Request("http://localhost/metrics"), undefined, client);
    const readers = Array.from({ length: 8 }, () => scrape().body!.getReader());
    for (const reader of readers) await reader.read();
    expect(scrape().status).toBe(503);
    await readers[0]?.cancel();
    const again = scrape();
    expect(again.status).toBe(200);
    expect(parseExposition(await again.text()).size).toBeGreaterThan(10);
    for (const reader of readers.slice(1)) await reader.cancel();
  });

  test("counts connections accepted, rejected, and closed because of what they sent", async () => {
    await using broker = await startBroker({ maxConnections: 2 });
    await using http = serve(broker);
    using first = await broker.session();
    await first.ping();
    using second = await broker.session();
    await second.ping();
    using third = await broker.session();
    await third.client.closed;
    second.client.send(new Uint8Array([0, 0, 0, 0]));
    await second.client.closed;
    await until(() => broker.broker.connections === 1);
    const families = await http.scrape();
    const of = (name: string) => samplesOf(families, `rustlog_${name}`);
    expect(of("connections")).toEqual({ '{protocol="native"}': 1 });
    expect(of("connections_accepted_total")).toEqual({ "": 2 });
    expect(of("connections_refused_total")).toEqual({ "": 1 });
    expect(of("connection_errors_total")).toEqual({
      '{error="INVALID_REQUEST"}': 1,
      '{error="TOO_MANY_CONNECTIONS"}': 1,
    });
  });

  test("counts Kafka's requests and errors apart, and connections by client library", async () => {
    await using broker = await startBroker();
    await using http = serve(broker);
    using session = await broker.session();
    await session.produce("t", 0, batchOf("a"));
    expect(
      Object.keys(samplesOf(await http.scrape(), "rustlog_requests_total")).join(),
    ).not.toMatch(/kafka/);
    using client = await KafkaClient.connect(broker.broker.port);
    const software = { clientSoftwareName: "franz-go", clientSoftwareVersion: "1.22.3" };
    await client.call(KAFKA_APIS.ApiVersions, 3, software);
    for (const name of ["t", "missing", "t"]) {
      await client.call(KAFKA_APIS.Metadata, 12, {
        topics: [{ name, topicId: ZERO_UUID }],
        allowAutoTopicCreation: false,
        includeClusterAuthorizedOperations: false,
        includeTopicAuthorizedOperations: false,
      });
    }
    const families = await http.scrape();
    const counts = Object.entries(samplesOf(families, "rustlog_requests_total"));
    expect(counts.filter(([labels, count]) => labels.includes("kafka") && count > 0)).toEqual([
      ['{protocol="kafka",api="Metadata",error="none"}', 2],
      ['{protocol="kafka",api="Metadata",error="UNKNOWN_TOPIC_OR_PARTITION"}', 1],
      ['{protocol="kafka",api="ApiVersions",error="none"}', 1],
    ]);
    expect(requestsOf(families)["Produce none"]).toBe(1);
    expect(samplesOf(families, "rustlog_connections")).toEqual({
      '{protocol="native"}': 1,
      '{protocol="kafka"}': 1,
    });
    expect(samplesOf(families, "rustlog_client_connections")).toEqual({
      '{protocol="native",software="unknown",version="unknown"}': 1,
      '{protocol="kafka",software="franz-go",version="1.22.3"}': 1,
    });
  });

  test("names a limited number of client libraries, and counts the others together", async () => {
    await using broker = await startBroker();
    await using http = serve(broker);
    using clients = new DisposableStack();
    for (let i = 0; i < 53; i++) {
      const client = clients.use(await KafkaClient.connect(broker.broker.port));
      const software = { clientSoftwareName: "hostile", clientSoftwareVersion: String(i) };
      await client.call(KAFKA_APIS.ApiVersions, 3, software);
    }
    const counts = samplesOf(await http.scrape(), "rustlog_client_connections");
    expect(Object.keys(counts)).toHaveLength(51);
    expect(counts['{protocol="kafka",software="other",version="other"}']).toBe(3);
  });

  test("matches docs/ARCHITECTURE.md family by family", async () => {
    await using broker = await startBroker({ maxConnections: 1 });
    await broker.broker.context.registry.create("c", 1, { "cleanup.policy": "compact" });
    await using http = serve(broker);
    using session = await broker.session();
    await session.produce("t", 0, batchOf("a"));
    await commit(session, "g", "t", 1);
    using refused = await broker.session();
    await refused.client.closed;
    broker.broker.metrics.throttled("ann", 1);
    const shown = [...(await http.scrape())].map(([metric, { type, help, samples }]) => {
      const [first = ""] = samples.keys();
      const labels = [...first.matchAll(/(\w+)="/g)].map(([, label]) => label);
      return { metric, type, labels: labels.filter((label) => label !== "le").join(", "), help };
    });
    const rows = table(textOf("docs/ARCHITECTURE.md"), "metric");
    const documented = rows.map(({ metric, type, labels, meaning }) => ({
      metric: plain(metric),
      type,
      labels: plain(labels),
      help: meaning,
    }));
    expect(documented).toEqual(shown as typeof documented);
  });

  test("reports version, start time and memory", async () => {
    await using broker = await startBroker();
    await using http = serve(broker);
    const families = await http.scrape();
    expect(Object.keys(samplesOf(families, "rustlog_build_info"))[0]).toContain(Bun.version);
    const [resident] = Object.values(samplesOf(families, "process_resident_memory_bytes"));
    const [anonymous] = Object.values(samplesOf(families, "rustlog_anonymous_memory_bytes"));
    expect(resident).toBeGreaterThan(1024 * 1024);
    if (process.platform === "linux") expect(anonymous).toBeGreaterThan(1024 * 1024);
    const [started = 0] = Object.values(samplesOf(families, "process_start_time_seconds"));
    expect(Math.abs(Date.now() / 1000 - performance.now() / 1000 - started)).toBeLessThan(60);
  });
});

describe("GET /health", () => {
  test("is 200 while requests are served, and 503 as soon as a stop begins", async () => {
    const disk = new RealDisk();
    const gate = new SyncGate(disk);
    await using broker = await startBroker({}, disk);
    await using http = serve(broker);
    using session = await broker.session();
    await session.produce("t", 0, batchOf("a"));
    const facts = {
      ...{ version: expect.any(String), address: broker.broker.address },
      problems: expect.any(Array),
    };
    expect(await http.health()).toEqual({ code: 200, status: "ok", ...facts });
    gate.close();
    const inFlight = session.produce("t", 0, batchOf("b"));
    await until(() => gate.held === 1);
    const stopped = broker.broker.stop();
    expect(await http.health()).toEqual({ code: 503, status: "stopping", ...facts });
    await http.scrape();
    gate.open();
    expect(await inFlight).toBe(1);
    await stopped;
    expect(await http.health()).toMatchObject({ code: 503, status: "stopping" });
    await http.scrape();
  });

  test("is 503 with the reason after a failed flush", async () => {
    const disk = new RealDisk();
    let failing = false;
    const createAppend = disk.createAppend.bind(disk);
    disk.createAppend = (path) => {
      const file = createAppend(path);
      const sync = file.sync.bind(file);
      file.sync = () => (failing ? Promise.reject(new Error("EIO: the disk is gone")) : sync());
      return file;
    };
    await using broker = await startBroker({}, disk);
    await using http = serve(broker);
    using session = await broker.session();
    await session.produce("t", 0, batchOf("a"));
    failing = true;
    session.client.send(
      encodeProduceRequest(90, { topic: "t", partition: 0, batch: batchOf("lost") }),
    );
    await session.client.closed;
    expect(await http.health()).toMatchObject({
      code: 503,
      status: "failed",
      reason: expect.stringContaining("t-0: the disk failed: EIO"),
    });
    expect(samplesOf(await http.scrape(), "rustlog_flush_duration_seconds")._count).toBe(1);
  });
});
