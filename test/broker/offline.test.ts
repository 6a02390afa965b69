// One partition that cannot be opened: its reason is everywhere it is asked for, and everything else is served.
import { expect, test } from "bun:test";
import { HttpServer } from "../../src/http/http-server.js";
import { monitoringRoutes } from "../../src/http/monitoring.js";
import { ListOffsets } from "../../src/protocol/native/offsets.js";
import { DescribeTopic, ListTopics } from "../../src/protocol/native/topics.js";
import { batchOf, recordsIn, startBroker } from "../support/broker.js";
import { makeOfflinePartition } from "../support/offline.js";
import { withTempDir } from "../support/tmp.js";

test("an offline partition is described in every version, and its requests get STORAGE_ERROR with the reason", () =>
  withTempDir(async (dataDir) => {
    await makeOfflinePartition(dataDir);
    await using running = await startBroker({ dataDir });
    using session = await running.session();
    const describe = (version: number) =>
      session.call(
        (id) => DescribeTopic.encodeRequest(id, { topic: "t", createIfMissing: false }, version),
        (payload) => DescribeTopic.decodeResponse(payload, version),
      );
    const none = { logStartOffset: -1, highWatermark: -1, logEndOffset: -1, segments: 0, bytes: 0 };
    for (const version of [1, 2]) {
      expect((await describe(version)).partitions).toMatchObject([
        { partition: 0, ...none, offline: "" },
        { partition: 1, highWatermark: 1, offline: "" },
      ]);
    }
    const path = `${dataDir}/topics/t/0`;
    expect((await describe(3)).partitions).toMatchObject([
      { partition: 0, ...none, offline: expect.stringContaining(path) },
      { partition: 1, highWatermark: 1, offline: "" },
    ]);
    const { topics } = await session.call(
      (id) => ListTopics.encodeRequest(id, { after: "", limit: 0 }, 4),
      (payload) => ListTopics.decodeResponse(payload, 4),
    );
    expect(topics.find(({ name }) => name === "t")).toMatchObject({ partitions: 2, offline: 1 });
    const latest = { topic: "t", partition: 0, timestamp: -1 };
    for (const request of [
      () => session.produce("t", 0, batchOf("x")),
      () => session.fetch({ topic: "t", partition: 0 }),
      () =>
        session.call(
          (id) => ListOffsets.encodeRequest(id, latest),
          (payload) => ListOffsets.decodeResponse(payload),
        ),
    ]) {
      await expect(request()).rejects.toMatchObject({
        code: "STORAGE_ERROR",
        message: expect.stringMatching(
          /^t-0 is offline: .*restart the broker, or delete the topic/,
        ),
      });
    }
    expect(await session.produce("t", 1, batchOf("more"))).toBe(1);
    expect(recordsIn((await session.fetch({ topic: "t", partition: 1 })).batches)).toEqual([
      "0:kept",
      "1:more",
    ]);
    // What was committed for it is kept for the time when it is back.
    const { offsets } = running.broker.context;
    expect(offsets.fetch("g", "t", 0)?.offset).toBe(1);
  }));

test("an offline partition is in the metrics and in the health, which stays 200", () =>
  withTempDir(async (dataDir) => {
    await makeOfflinePartition(dataDir);
    await using running = await startBroker({ dataDir });
    const http = new HttpServer({
      ...{ host: "127.0.0.1", port: 0, log: () => {} },
      flags: { host: "--http-host", port: "--metrics-port" },
      routes: monitoringRoutes(running.broker),
    });
    const health = await fetch(`${http.url}/health`);
    expect(health.status).toBe(200);
    expect(await health.json()).toMatchObject({
      status: "degraded",
      offlinePartitions: 1,
      offline: [{ partition: "t-0", reason: expect.stringContaining(`${dataDir}/topics/t/0`) }],
    });
    const metrics = await (await fetch(`${http.url}/metrics`)).text();
    expect(metrics).toContain("\nrustlog_offline_partitions 1\n");
    expect(metrics).toContain('\nrustlog_partition_offline{topic="t",partition="0"} 1\n');
    expect(metrics).toContain('\nrustlog_partition_offline{topic="t",partition="1"} 0\n');
    await running.broker.context.registry.delete("t");
    expect(await (await fetch(`${http.url}/health`)).json()).toMatchObject({ status: "ok" });
    await http.stop();
  }));
