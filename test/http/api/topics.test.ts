// The routes about topics: what they tell, what changes would do, and the changes.
// Leaves to others: who may do what (permissions.test.ts), and the numbers of retention (services/retention-forecast.test.ts).
import { afterAll, beforeAll, expect, test } from "bun:test";
import type {
  AlterOutcome,
  CompactionReport,
  NewTopic,
  PartitionRows,
  TopicDetail,
  TopicReaderRows,
  TopicSetting,
  TrimOutcome,
  TrimPlan,
} from "../../../src/http/page/topics/topic-wire.js";
import { batchOf } from "../../support/broker.js";
import { joinGroup } from "../../support/group-members.js";
import { makeOfflinePartition } from "../../support/offline.js";
import { tempDir } from "../../support/tmp.js";
import { type PageSample, startPage, writeOrders } from "../../support/page-sample.js";

let sample: PageSample;

beforeAll(async () => {
  sample = await startPage({ retentionMs: 1_000_000_000, retentionCheckMs: 60_000 });
  const { registry, offsets } = sample.broker.context;
  await registry.create("orders", 3, { "segment.bytes": "4096" });
  await writeOrders(sample.broker, "orders", 0, 200);
  await writeOrders(sample.broker, "orders", 1, 80);
  await offsets.commit("billing", [{ topic: "orders", partition: 0, offset: 150 }]);
});
afterAll(() => sample[Symbol.asyncDispose]());

const find = (name: string) => sample.broker.context.registry.find(name);
const partition = (index: number, topic = "orders") =>
  sample.broker.context.registry.partition(topic, index);

function send(method: string, path: string, body?: unknown): Promise<Response> {
  return fetch(`${sample.url}api/${path}`, {
    method,
    ...(body === undefined
      ? {}
      : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
  });
}

async function answer<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
  const response = await send(method, path, body);
  expect(`${response.status} ${response.status === 200 ? "" : await response.text()}`).toBe("200 ");
  return (await response.json()) as Answer;
}

async function refusal(method: string, path: string, body?: unknown): Promise<string> {
  const response = await send(method, path, body);
  const { code, message } = (await response.json()) as { code: string; message: string };
  return `${response.status} ${code}: ${message}`;
}

test("a topic has its sums, its rights, and its settings with source, default and flag", async () => {
  const topic = await answer<TopicDetail>("GET", "topics/orders");
  expect(topic).toMatchObject({
    ...{ id: find("orders")!.id, internal: false, partitions: 3, offline: 0 },
    ...{ records: 280, bytes: partition(0).bytes + partition(1).bytes, dirtyBytes: null },
    ...{ may: ["READ", "WRITE", "ALTER", "ALTER_CONFIGS", "DELETE"], retentionCheckMs: 60_000 },
  });
  const setting = (name: string) => topic.settings.find((each) => each.name === name);
  expect(setting("segment.bytes")).toEqual({
    ...{ name: "segment.bytes", value: "4096", source: "topic", type: "int", choices: [] },
    ...{ inherited: { value: "65536", source: "broker" }, isActive: true, flag: "segment-bytes" },
    documentation: "Size at which a segment is sealed and the next begun, in bytes.",
  });
  expect(setting("retention.ms")).toMatchObject({ value: "1000000000", source: "broker" });
  expect(setting("max.message.bytes")).toMatchObject({
    source: "default",
    flag: "max-batch-bytes",
  });
  expect(setting("min.insync.replicas")).toMatchObject({
    ...{ choices: ["1"], isActive: false, flag: null },
  });
  expect(setting("cleanup.policy")?.choices).toEqual(["compact", "delete", "compact,delete"]);
  expect(setting("preallocate")?.choices).toEqual(["false", "true"]);
  expect(await refusal("GET", "topics/none")).toBe(
    "404 UNKNOWN_TOPIC_OR_PARTITION: topic 'none' does not exist",
  );
});

test("an internal topic can only be read", async () => {
  const { internal, may } = await answer<TopicDetail>("GET", "topics/__consumer_offsets");
  expect([internal, may]).toEqual([true, ["READ"]]);
});

test("partitions come from a number on", async () => {
  const { partitions, next } = await answer<PartitionRows>("GET", "topics/orders/partitions");
  expect([partitions.length, next]).toEqual([3, null]);
  expect(partitions[0]).toEqual({
    ...{ partition: 0, offline: null, logStart: 0, highWatermark: 200, logEnd: 200 },
    ...{ segments: partition(0).describe().segments, bytes: partition(0).bytes },
    ...{ compactedTo: null, dirtyBytes: null },
  });
  const last = await answer<PartitionRows>("GET", "topics/orders/partitions?from=2");
  expect(last).toEqual({ partitions: [partitions[2]!], next: null });
});

test("the groups that read a topic come with their lag in it", async () => {
  const { registry, offsets, groups } = sample.broker.context;
  await registry.create("aaa", 1, {});
  await registry.create("zzz", 1, {});
  await partition(0, "zzz").append(batchOf("not counted"));
  const commits = ["aaa", "orders", "zzz"].map((topic) => ({ topic, partition: 0, offset: 0 }));
  await offsets.commit("all", commits);
  await offsets.commit("others", [{ topic: "zzz", partition: 0, offset: 0 }]);
  await joinGroup(groups, "live", [{ clientId: "a", assigned: { orders: [0, 2] } }]);
  const { readers, next } = await answer<TopicReaderRows>("GET", "topics/orders/groups");
  expect(next).toBeNull();
  expect(readers).toEqual([
    { group: "all", state: "Empty", members: 0, assigned: 0, lag: 280 },
    { group: "billing", state: "Empty", members: 0, assigned: 0, lag: 130 },
    { group: "live", state: "Stable", members: 1, assigned: 2, lag: 280 },
  ]);
  const after = await answer<TopicReaderRows>("GET", "topics/orders/groups?after=billing");
  expect(after.readers.map(({ group }) => group)).toEqual(["live"]);
});

test("a topic is created with units in its settings, or refused with what is wrong", async () => {
  const settings = { "retention.ms": "3d", "segment.bytes": "1MiB" };
  const order = { name: "made.up", partitions: 0, settings };
  const expected: NewTopic = {
    ...{ name: "made.up", partitions: 1, similar: null },
    settings: [
      { name: "retention.ms", value: "259200000" },
      { name: "segment.bytes", value: "1048576" },
    ],
  };
  const checked = { ...order, validateOnly: true };
  expect(await answer<NewTopic>("POST", "topics", checked)).toEqual(expected);
  expect(find("made.up")).toBeUndefined();
  expect(await answer<NewTopic>("POST", "topics", order)).toEqual(expected);
  const made = find("made.up")!;
  expect(made.partitions).toHaveLength(1);
  const other = { ...checked, name: "made_up", partitions: 2 };
  expect(await answer<NewTopic>("POST", "topics", other)).toMatchObject({
    ...{ partitions: 2, similar: "made.up" },
  });
  expect(made.settings).toEqual({ "retention.ms": "259200000", "segment.bytes": "1048576" });
  const wrong = (order: unknown) => refusal("POST", "topics", order);
  expect(await wrong({ name: "made.up", partitions: 1 })).toBe(
    "400 TOPIC_ALREADY_EXISTS: topic 'made.up' already exists",
  );
  expect(await wrong({ name: "a b", partitions: 1 })).toContain("400 INVALID_TOPIC: ");
  expect(await wrong({ name: "b", partitions: 1, settings: { "retention.ms": "soon" } })).toBe(
    "400 INVALID_CONFIG: Invalid value soon for configuration retention.ms: Not a number of type LONG",
  );
  expect(await wrong({ name: "b", partitions: 1, settings: { rate: "1" } })).toBe(
    "400 INVALID_CONFIG: Unknown topic config name: rate",
  );
  for (const order of [{}, { name: 1 }]) {
    expect(await wrong(order)).toBe("400 INVALID_REQUEST: name must be a text");
  }
  for (const order of [{ name: "b" }, { name: "b", partitions: -1 }]) {
    expect(await wrong(order)).toContain("partitions must be a whole number, 0 or more");
  }
  expect(find("b")).toBeUndefined();
  const known = await answer<TopicSetting[]>("GET", "topic-settings");
  expect(known.find(({ name }) => name === "retention.ms")).toMatchObject({
    ...{ value: "1000000000", source: "broker", isActive: true },
  });
});

test("a change is forecast, and made to the topic that was meant", async () => {
  const { id } = find("orders")!;
  const bytes = partition(0).bytes + partition(1).bytes;
  const query = new URLSearchParams({ id, set: "retention.ms=3d", unset: "segment.bytes" });
  const forecast = await answer<AlterOutcome>("GET", `topics/orders/alter?${query}`);
  expect(forecast).toEqual({
    settings: [
      ...[{ name: "retention.ms", before: "1000000000", after: "259200000", source: "topic" }],
      ...[{ name: "segment.bytes", before: "4096", after: "65536", source: "broker" }],
    ].sort((a, b) => (a.name < b.name ? -1 : 1)) as AlterOutcome["settings"],
    ...{ previousPartitions: 3, partitions: 3 },
    deletes: {
      ...{ bytes, records: 280, partitions: 2, unknown: 0 },
      segments: partition(0).describe().segments + partition(1).describe().segments,
    },
  });
  expect(find("orders")?.settings).toEqual({ "segment.bytes": "4096" });
  const grown = new URLSearchParams({ id, partitions: "5" });
  expect(await answer<AlterOutcome>("GET", `topics/orders/alter?${grown}`)).toEqual({
    ...{ settings: [], previousPartitions: 3, partitions: 5, deletes: null },
  });

  const order = {
    id,
    set: { "max.message.bytes": "2KiB" },
    unset: ["retention.ms"],
    partitions: 4,
  };
  const done = await answer<AlterOutcome>("POST", "topics/orders/alter", order);
  expect(done).toMatchObject({ previousPartitions: 3, partitions: 4, deletes: null });
  expect(find("orders")?.settings).toEqual({
    ...{ "segment.bytes": "4096", "max.message.bytes": "2048" },
  });
  expect(find("orders")?.partitions).toHaveLength(4);

  const other = { ...order, id: crypto.randomUUID(), partitions: 0 };
  expect(await refusal("POST", "topics/orders/alter", other)).toContain("400 UNKNOWN_TOPIC_ID: ");
  const nothing = { id, set: {} };
  expect(await refusal("POST", "topics/orders/alter", nothing)).toContain("nothing to change");
  expect(await refusal("POST", "topics/orders/alter", { id, set: { a: 1 } })).toContain(
    "set must be an object whose values are texts",
  );
  expect(await refusal("GET", `topics/orders/alter?id=${id}&set=x`)).toContain("NAME=VALUE");
  expect(await refusal("GET", "topics/orders/alter")).toContain("id is missing");
});

test("a trim is planned with records and bytes, and deletes what was planned", async () => {
  const { registry } = sample.broker.context;
  const { id } = await registry.create("logs", 2, {
    ...{ "segment.bytes": "4096", "retention.ms": "-1" },
  });
  await writeOrders(sample.broker, "logs", 0, 200);
  await writeOrders(sample.broker, "logs", 1, 8);
  const [first, second] = [partition(0, "logs"), partition(1, "logs")];
  const plan = (before: string, rest = "") =>
    answer<TrimPlan>("GET", `topics/logs/trim?before=${encodeURIComponent(before)}${rest}`);
  const all = await plan("latest");
  expect(all).toEqual({
    id,
    partitions: [first, second].map((it, index) => ({
      ...{ partition: index, logStart: 0, offset: it.highWatermark, records: it.highWatermark },
      ...{ bytes: it.bytes, freedBytes: it.bytes },
    })),
  });
  // Records are a second apart.
  const time = `@${Date.UTC(2026, 6, 1, 12) + 100_000}`;
  const [byTime] = (await plan(time, "&partitions=0")).partitions;
  expect([byTime?.offset, byTime?.records]).toEqual([100, 100]);
  expect(byTime?.freedBytes).toBeGreaterThan(0);
  expect(byTime?.bytes).toBeGreaterThan(byTime?.freedBytes ?? 0);
  expect((await plan("-8")).partitions.map(({ offset }) => offset)).toEqual([192]);
  expect(await refusal("GET", "topics/logs/trim?before=soon")).toContain("Expected an offset");
  expect(await refusal("GET", "topics/logs/trim?before=100")).toContain("OFFSET_OUT_OF_RANGE");

  const bytes = first.bytes;
  const trim = (...offsets: { readonly partition: number; readonly offset: number }[]) => ({
    ...{ id, offsets },
  });
  const ends = [
    { partition: 0, offset: 100 },
    { partition: 1, offset: 9 },
  ];
  expect(await refusal("POST", "topics/logs/trim", trim(...ends))).toContain("expected 0 to 8");
  expect(first.logStartOffset).toBe(0);
  const done = await answer<TrimOutcome>("POST", "topics/logs/trim", trim(ends[0]!));
  expect(done).toEqual({ partitions: [{ partition: 0, logStart: 100, error: null }] });
  expect(bytes - first.bytes).toBe(byTime?.freedBytes ?? 0);
  const [again] = (await plan("104", "&partitions=0")).partitions;
  expect([again?.logStart, again?.records]).toEqual([100, 4]);
  const wrong: [object, string][] = [
    [{}, "id must be a text"],
    [trim(), "offsets must be a list of objects"],
    [{ id, offsets: [null] }, "offsets must be a list of objects"],
    [{ id, offsets: [{}] }, "partition must be a whole number"],
  ];
  for (const [body, message] of wrong) {
    expect(await refusal("POST", "topics/logs/trim", body)).toContain(message);
  }
});

test("a compaction is begun once and followed to what it saved", async () => {
  const { registry } = sample.broker.context;
  const { id } = await registry.create("prices", 2, { "cleanup.policy": "compact" });
  await writeOrders(sample.broker, "prices", 0, 200);
  const { dirtyBytes, bytes } = await answer<TopicDetail>("GET", "topics/prices");
  expect([dirtyBytes, bytes > 0]).toEqual([bytes, true]);
  const order = { id, run: crypto.randomUUID() };
  let report: CompactionReport;
  do report = await answer<CompactionReport>("POST", "topics/prices/compact", order);
  while (!report.isDone);
  expect(report).toMatchObject({ partitions: 2, done: 2, failed: 0, recordsBefore: 200 });
  expect(report.recordsAfter).toBe(97);
  expect(report.bytesAfter).toBeLessThan(report.bytesBefore);
  expect(report.rows.map(({ state }) => state)).toEqual(["done", "done"]);
  expect((await answer<TopicDetail>("GET", "topics/prices")).dirtyBytes).toBe(0);
  const wrong = { id: find("orders")!.id, run: crypto.randomUUID() };
  expect(await refusal("POST", "topics/orders/compact", wrong)).toContain("POLICY_VIOLATION");
  expect(await refusal("POST", "topics/prices/compact", { id, run: "" })).toContain("run must be");
});

test("an offline partition says why, and is left out of sums, forecasts and trims", async () => {
  using directory = tempDir();
  await makeOfflinePartition(directory.path);
  await using page = await startPage({ dataDir: directory.path });
  const get = async <Answer>(path: string): Promise<Answer> =>
    (await (await fetch(`${page.url}api/topics/t${path}`)).json()) as Answer;
  const topic = await get<TopicDetail>("");
  expect(topic).toMatchObject({ partitions: 2, offline: 1, records: 1 });
  const { partitions } = await get<PartitionRows>("/partitions");
  expect(partitions[0]).toMatchObject({ logStart: -1, bytes: 0 });
  expect(partitions[0]?.offline).toContain("topics/t/0");
  expect(partitions[1]).toMatchObject({ offline: null, logEnd: 1 });
  const change = `/alter?id=${topic.id}&set=retention.bytes=0`;
  expect((await get<AlterOutcome>(change)).deletes?.unknown).toBe(1);
  const plan = await get<TrimPlan>("/trim?before=latest");
  expect(plan.partitions.map(({ partition: index, records }) => [index, records])).toEqual([
    [1, 1],
  ]);
});

test("a topic is deleted only with its id", async () => {
  const { id } = await sample.broker.context.registry.create("gone", 1, {});
  const other = crypto.randomUUID();
  expect(await refusal("DELETE", "topics/gone")).toContain("id is missing");
  expect(await refusal("DELETE", `topics/gone?id=${other}`)).toContain("404 UNKNOWN_TOPIC");
  expect(await answer<unknown>("DELETE", `topics/gone?id=${id}`)).toEqual({
    ...{ name: "gone", topicId: id },
  });
  expect(find("gone")).toBeUndefined();
});
