// Records written from the page: what is in the log afterwards, what is reported, and what is refused.
// Leaves to others: the page itself (page.browser.ts), and who may write (permissions.test.ts).
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { BatchDump } from "../../../src/http/page/log/log-wire.js";
import type { ProduceReport } from "../../../src/http/page/produce/produce-wire.js";
import { RealDisk } from "../../../src/log/disk/real-disk.js";
import { type PageSample, startPage } from "../../support/page-sample.js";
import { SyncGate } from "../../support/sync-gate.js";

let sample: PageSample;

beforeAll(async () => {
  sample = await startPage();
  await sample.broker.context.registry.create("orders", 2, {});
});
afterAll(() => sample[Symbol.asyncDispose]());

function post(body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${sample.url}api/produce`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

/** Writes a record that is not refused. */
async function sent(order: unknown): Promise<ProduceReport> {
  const response = await post(order);
  expect(response.status).toBe(200);
  return (await response.json()) as ProduceReport;
}

/** What is in the log where a record was written. */
async function dumpOf({ topic, partition, segment, position }: ProduceReport): Promise<BatchDump> {
  const path = `api/topics/${topic}/${partition}/batch?segment=${segment}&position=${position}`;
  return (await (await fetch(sample.url + path)).json()) as BatchDump;
}

const partition = (index = 0) => sample.broker.context.registry.partition("orders", index);

describe("a produced record", () => {
  test("is in the log as reported, including markup", async () => {
    const value = `<img src=x onerror="alert(1)">\u0000é`;
    const response = await post({ topic: "orders", partition: 1, key: "<b>", value });
    expect(response.headers.get("content-type")).toContain("application/json");
    const report = (await response.json()) as ProduceReport;
    expect(report.highWatermark).toBe(report.offset + 1);
    const dump = await dumpOf(report);
    expect(dump.batch).toMatchObject({ baseOffset: report.offset, bytes: report.bytes });
    const hex = dump.rows.flatMap((row) =>
      "name" in row && row.name === "value" ? [row.hex] : [],
    );
    expect(hex.map((each) => Buffer.from(each, "hex").toString())).toEqual([value]);
    expect(dump.batch.crc).toBe(report.crc);
  });

  test("gets an index entry when one is due, and reports it", async () => {
    await sample.broker.context.registry.create("indexed", 1, {});
    const reports: ProduceReport[] = [];
    for (let i = 0; i < 4; i++) {
      const order = { topic: "indexed", partition: 0, key: null, value: "v".repeat(2000) };
      reports.push((await (await post(order)).json()) as ProduceReport);
    }
    const entries = reports.map(({ indexEntry }) => indexEntry);
    expect(entries).toEqual([null, null, 0, null]);
    expect(reports[2]?.bytesSinceEntry).toBe(reports[2]?.position ?? 0);
  });

  test("creates its topic only if that is wanted, as a name may be mistyped", async () => {
    const order = { topic: "new", partition: null, key: "a", value: "first" };
    const refused = await post(order);
    expect(await refused.json()).toMatchObject({
      ...{ code: "UNKNOWN_TOPIC_OR_PARTITION", message: "topic 'new' does not exist" },
    });
    expect(sample.broker.context.registry.find("new")).toBeUndefined();
    expect(await sent({ ...order, create: true })).toMatchObject({ offset: 0, partitions: 1 });
  });

  test("goes to the partition of its key as in Kafka's clients, unless one is chosen", async () => {
    await sample.broker.context.registry.create("ten", 10, {});
    // murmur2("21") is -973932308: (hash & 0x7fffffff) % 10.
    const order = { topic: "ten", partition: null, key: "21", value: "x" };
    expect(await sent(order)).toMatchObject({ partition: 0, chosenBy: "key", partitions: 10 });
    const inHex = { ...order, key: { hex: "32 31" } };
    expect(await sent(inHex)).toMatchObject({ partition: 0, chosenBy: "key" });
    expect(await sent({ ...order, partition: 7 })).toMatchObject({
      ...{ partition: 7, chosenBy: "order" },
    });
    const { partition: any, chosenBy } = await sent({ ...order, key: null });
    expect(chosenBy).toBe("chance");
    expect(any).toBeWithin(0, 10);
  });

  test.each(["none", "gzip", "snappy", "lz4", "zstd"])(
    "has its headers, its timestamp and the codec %s",
    async (codec) => {
      const order = {
        ...{ topic: "orders", partition: 1, key: { base64: "AAH/" }, value: "é\n".repeat(50) },
        headers: [
          { name: "trace", value: "a" },
          { name: "binary", value: { hex: "00ff" } },
          { name: "none", value: null },
        ],
        ...{ codec, timestamp: 1_700_000_000_123 },
      };
      const report = await sent(order);
      const { batch, rows } = await dumpOf(report);
      const time = order.timestamp;
      expect(batch).toMatchObject({ codec, baseTimestamp: time, maxTimestamp: time, count: 1 });
      expect(batch.crc).toBe(report.crc);
      const fields = rows.flatMap((row) =>
        "name" in row && /^(key|value|header \d.*)$/.test(row.name) && !row.name.endsWith("length")
          ? [`${row.name} ${row.hex}`]
          : [],
      );
      expect(fields).toEqual([
        ...["key 0001ff", `value ${"c3a90a".repeat(50)}`],
        ...["header 0 name 7472616365", "header 0 value 61"],
        ...["header 1 name 62696e617279", "header 1 value 00ff", "header 2 name 6e6f6e65"],
      ]);
    },
  );

  test("may be a tombstone, which a compacted topic takes only with a key", async () => {
    await sample.broker.context.registry.create("states", 1, { "cleanup.policy": "compact" });
    const order = { topic: "states", partition: null, value: null };
    expect(await sent({ ...order, key: "a" })).toMatchObject({ offset: 0 });
    const refused = await post({ ...order, key: null });
    const { code, message } = (await refused.json()) as { code: string; message: string };
    expect(code).toBe("INVALID_RECORD");
    expect(message).toContain("is compacted (cleanup.policy=compact), so each record needs a key");
  });

  test.each([
    [{ topic: "__consumer_offsets", partition: 0, key: null, value: "x" }, "INVALID_TOPIC"],
    [{ topic: "<script>", partition: 0, key: null, value: "x" }, "INVALID_TOPIC"],
    [{ topic: "orders", partition: 9, key: null, value: "x" }, "UNKNOWN_TOPIC_OR_PARTITION"],
    [{ topic: "absent", partition: 9, key: null, value: "x" }, "UNKNOWN_TOPIC_OR_PARTITION"],
    [{ topic: "orders", partition: 0.5, key: null, value: "x" }, "INVALID_REQUEST"],
    [{ topic: "orders", partition: 0, value: "x" }, "INVALID_REQUEST"],
    [{ topic: "orders", key: null }, "INVALID_REQUEST"],
    [{ topic: "orders", key: { hex: "0" }, value: "x" }, "INVALID_REQUEST"],
    [{ topic: "orders", key: { hex: "0g" }, value: "x" }, "INVALID_REQUEST"],
    [{ topic: "orders", key: { base64: "AAAAA" }, value: "x" }, "INVALID_REQUEST"],
    [{ topic: "orders", key: { base64: "A=A" }, value: "x" }, "INVALID_REQUEST"],
    [{ topic: "orders", key: null, value: "x", headers: [{ value: "x" }] }, "INVALID_REQUEST"],
    [{ topic: "orders", key: null, value: "x", headers: [null] }, "INVALID_REQUEST"],
    [{ topic: "orders", key: null, value: "x", headers: {} }, "INVALID_REQUEST"],
    [{ topic: "orders", key: null, value: "x", codec: "brotli" }, "INVALID_REQUEST"],
    [{ topic: "orders", key: null, value: "x", timestamp: "now" }, "INVALID_REQUEST"],
    [{ topic: "orders", key: null, value: "x", timestamp: -1 }, "INVALID_REQUEST"],
    [{ topic: "absent", key: null, value: "x", create: 1 }, "INVALID_REQUEST"],
    [
      { topic: "absent", partition: 9, key: null, value: "x", create: true },
      "UNKNOWN_TOPIC_OR_PARTITION",
    ],
    ["no JSON", "INVALID_REQUEST"],
  ])("is refused: %j", async (body, code) => {
    const response = await post(body);
    expect(response.status).toBeGreaterThanOrEqual(400);
    expect(((await response.json()) as { code: string }).code).toBe(code);
    expect(sample.broker.context.registry.find("absent")).toBeUndefined();
  });

  test("is rejected from a page of another origin, or from a form", async () => {
    const order = { topic: "orders", partition: 0, key: null, value: "x" };
    const before = partition().logEndOffset;
    const foreign = await post(order, { origin: "http://evil.example" });
    expect(foreign.status).toBe(403);
    const rebound = await post(order, { host: "evil.example" });
    expect(rebound.status).toBe(403);
    const form = await post(order, { "content-type": "text/plain" });
    expect(form.status).toBe(400);
    expect(partition().logEndOffset).toBe(before);
    const own = await post(order, { origin: new URL(sample.url).origin });
    expect(own.status).toBe(200);
  });

  test("may state the charset of its JSON", async () => {
    const order = { topic: "orders", partition: 0, key: null, value: "x" };
    const type = { "content-type": "application/json; charset=utf-8" };
    expect((await post(order, type)).status).toBe(200);
    const other = { "content-type": "application/json-patch+json" };
    expect((await post(order, other)).status).toBe(400);
  });

  test("is rejected when it is too long", async () => {
    const order = { topic: "orders", partition: 0, key: null, value: "x".repeat(2 * 1024 * 1024) };
    expect((await post(order)).status).toBe(413);
  });
});

test("at most 32 records from pages are written at once", async () => {
  const disk = new RealDisk();
  const gate = new SyncGate(disk);
  await using held = await startPage({}, disk);
  await held.broker.context.registry.create("slow", 1, {});
  const send = (): Promise<Response> =>
    fetch(`${held.url}api/produce`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ topic: "slow", partition: 0, key: null, value: "x" }),
    });
  gate.close();
  const sent = Array.from({ length: 33 }, send);
  // All but one wait for the flush.
  expect((await Promise.race(sent)).status).toBe(503);
  gate.open();
  const statuses = (await Promise.all(sent)).map(({ status }) => status);
  expect(statuses.filter((status) => status === 200)).toHaveLength(32);
  expect((await send()).status).toBe(200);
});
