import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import packageFile from "../../package.json";
import { Broker } from "../../src/broker/broker.js";
import type { BrokerOptions } from "../../src/broker/options.js";
import { resolveOptions } from "../../src/broker/options.js";
import { VERSION } from "../../src/broker/version.js";
import { batchOf, startBroker } from "../support/broker.js";
import { tempDir, withTempDir } from "../support/tmp.js";

test("the version is that of package.json", () => {
  expect(VERSION).toBe(packageFile.version);
});

describe("options", () => {
  const wrong: [Partial<BrokerOptions>, string][] = [
    [{ dataDir: "" }, "--data-dir"],
    [{ host: "" }, "--host"],
    [{ port: -1 }, "--port is -1; expected a whole number from 0 to 65535"],
    [{ port: 65_536 }, "--port"],
    [{ port: 1.5 }, "--port"],
    [{ advertise: "0.0.0.0:9092" }, "--advertise"],
    [{ defaultPartitions: 0 }, "--default-partitions"],
    [{ segmentBytes: 100 }, "--segment-bytes"],
    [{ segmentMs: 0 }, "--segment-ms"],
    [{ retentionBytes: -2 }, "--retention-bytes"],
    [{ retentionMs: Number.NaN }, "--retention-ms"],
    [{ maxConnections: 0 }, "--max-connections"],
    [{ idleTimeoutMs: 2 ** 31 }, "--idle-timeout"],
    [{ flush: { kind: "interval", ms: 0 } }, "--flush interval:MS"],
    [{ maxFrameBytes: 1024 * 1024 }, "--max-batch-bytes 8388608 does not fit"],
    [{ maxConnectionBytes: 1024 }, "--max-connection-bytes 1024"],
  ];
  for (const [options, message] of wrong) {
    test(`${JSON.stringify(options)} is refused, naming the flag`, () => {
      expect(() => resolveOptions({ dataDir: "/tmp/x", ...options })).toThrow(message);
    });
  }

  test("have the documented defaults", () => {
    expect(resolveOptions({ dataDir: "/tmp/x" })).toMatchObject({
      endpoints: [{ isTls: false, host: "127.0.0.1", port: 9092, advertise: undefined }],
      flush: { kind: "always" },
      offsets: "durable",
      autoCreateTopics: true,
      defaultPartitions: 1,
    });
  });
});

describe("a start", () => {
  test("takes a free port and reports where it listens", async () => {
    await using test = await startBroker();
    const { broker } = test;
    expect(broker.port).toBeGreaterThan(0);
    expect(broker.address).toBe(`127.0.0.1:${broker.port}`);
    expect(test.lines).toEqual([]);
  });

  test("beyond loopback is refused unless there is a login, or it is allowed without one", async () => {
    using directory = tempDir();
    const dataDir = join(directory.path, "data");
    const refused = startBroker({ dataDir, host: "0.0.0.0" });
    expect(refused).rejects.toThrow(/^--host 0\.0\.0\.0: other machines .*--allow-anonymous/);
    await refused.catch(() => {});
    const listening = startBroker({ dataDir, listen: ["plain://127.0.0.1:0", "plain://[::]:0"] });
    expect(listening).rejects.toThrow("--listen ::: other machines");
    await listening.catch(() => {});
    const bootstrapAdminFile = join(directory.path, "admin");
    await Bun.write(bootstrapAdminFile, "root:s3cret\n");
    await using test = await startBroker({ dataDir, host: "0.0.0.0", bootstrapAdminFile });
    expect(test.lines.join("\n")).not.toContain("no authentication");
  });

  test("beyond loopback warns that there is no authentication", async () => {
    await using test = await startBroker({ host: "0.0.0.0", allowAnonymous: true });
    expect(test.lines).toEqual([
      `listening on 0.0.0.0:${test.broker.port}, reachable from other machines: there is no authentication`,
    ]);
  });

  test("on another broker's directory is refused and does no harm", async () => {
    await using test = await startBroker();
    const second = Broker.start({ dataDir: test.dataDir, port: 0 });
    await expect(second).rejects.toMatchObject({ code: "DATA_DIRECTORY_UNUSABLE" });
    using session = await test.session();
    await session.ping();
  });

  test("on a port in use fails with that reason, and leaves the directory free", async () => {
    await using test = await startBroker();
    await withTempDir(async (dataDir) => {
      const { port } = test.broker;
      await expect(Broker.start({ dataDir, port })).rejects.toThrow(`127.0.0.1:${port} is in use`);
      await using other = await startBroker({ dataDir });
      expect(other.broker.port).not.toBe(port);
    });
  });
});

test("expired segments are deleted while the broker runs", async () => {
  await using test = await startBroker({
    segmentBytes: 1024,
    retentionBytes: 2048,
    retentionCheckMs: 5,
  });
  using session = await test.session();
  for (let i = 0; i < 10; i++) await session.produce("t", 0, batchOf("x".repeat(900)));
  let logStartOffset = 0;
  while (logStartOffset === 0) {
    ({ logStartOffset } = await session.fetch({ topic: "t", offset: 10 }));
  }
  const below = session.fetch({ topic: "t", offset: 0 });
  await expect(below).rejects.toMatchObject({ code: "OFFSET_OUT_OF_RANGE" });
  expect(test.lines).toEqual([]);
});
