// The routes of records, on a broker with gaps, damage, every codec and long values: pages, searches, single records, downloads.
// Leaves to others: the merge and paging (services/records/browse.test.ts), and permissions (permissions.test.ts).
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { formatJsonRecord } from "../../../src/record/json-record.js";
import { textOfPositions } from "../../../src/http/api/record-places.js";
import type { RecordRows, ShownRecord } from "../../../src/http/page/records/record-wire.js";
import type { RecordsOverTime } from "../../../src/services/records/records-over-time.js";
import { CODECS, CONTROL_BIT, FIELD } from "../../../src/record/batch.js";
import { writeU16 } from "../../../src/record/bytes.js";
import { BatchEncoder } from "../../../src/record/encoder.js";
import { stampCrc } from "../../record/batches.js";
import { END_OFFSET, makeGapDirectory, OFFSETS, valueAt } from "../../support/gap-log.js";
import { type PageSample, startPage } from "../../support/page-sample.js";
import { tempDir } from "../../support/tmp.js";

let sample: PageSample;
const directory = tempDir();

const LONG = `{"long":"${"x".repeat(3_000_000)}"}`;
const HEADERS = [
  { name: "source", value: Buffer.from("web") },
  { name: "trace", value: null },
];

/** Two partitions with a batch per codec, and long values, tombstones and headers. */
async function writeTopics(): Promise<void> {
  const { registry } = sample.broker.context;
  await registry.create("orders", 2, {});
  for (const [i, codec] of [...CODECS, ...CODECS].entries()) {
    const encoder = new BatchEncoder({ codec });
    for (let j = 0; j < 4; j++) {
      const order = { order: { id: i * 4 + j, tags: [codec, "all"] } };
      const value = j === 3 ? null : JSON.stringify(order);
      encoder.append(1_700_000_000_000 + i * 1000 + j, `key-${j}`, value, j === 0 ? HEADERS : []);
    }
    await registry.partition("orders", i % 2).append(encoder.finish().slice());
  }
  await registry.create("long", 1, {});
  const encoder = new BatchEncoder();
  encoder.append(5, Buffer.from([0, 255]), LONG);
  await registry.partition("long", 0).append(encoder.finish().slice());
  // A marker of a transaction, as in a log of Kafka.
  await registry.create("markers", 1, {});
  const marker = new BatchEncoder();
  marker.append(7, Uint8Array.of(0, 0, 0, 1), Uint8Array.of(0, 0, 0, 0, 0, 9));
  const batch = marker.finish().slice();
  writeU16(batch, FIELD.attributes, CONTROL_BIT | 0x10);
  await registry.partition("markers", 0).append(stampCrc(batch));
}

beforeAll(async () => {
  await makeGapDirectory(directory.path);
  sample = await startPage({ dataDir: directory.path });
  await writeTopics();
  await sample.broker.context.offsets.commit("billing", [
    { topic: "orders", partition: 0, offset: 3 },
  ]);
});
afterAll(async () => {
  await sample[Symbol.asyncDispose]();
  directory[Symbol.dispose]();
});

const send = (path: string, init: RequestInit = {}): Promise<Response> =>
  fetch(`${sample.url}api/records/${path}`, init);

async function get<Answer = RecordRows>(path: string): Promise<Answer> {
  const response = await send(path);
  if (response.status !== 200) throw new Error(await response.text());
  return (await response.json()) as Answer;
}

/** All items in a direction, from a place on. On a busy machine an answer may have only some of them. */
async function itemsOf(
  path: string,
  at = "",
  dir: "newer" | "older" = "newer",
): Promise<RecordRows["items"][number][]> {
  const rows = await get(`${path}dir=${dir}${at === "" ? "" : `&at=${at}`}`);
  const items = [...rows.items];
  if (rows.offsetsLeft === 0) return items;
  const next = await itemsOf(path, dir === "newer" ? rows.end : rows.start, dir);
  return dir === "newer" ? [...items, ...next] : [...next, ...items];
}

/** Of all partitions, answers that end early have no order in common. */
function byPlace(items: RecordRows["items"]): RecordRows["items"] {
  const offset = (item: RecordRows["items"][number]): number =>
    item.kind === "record" ? item.offset : 0;
  return items.toSorted((a, b) => a.partition - b.partition || offset(a) - offset(b));
}

async function refusal(path: string): Promise<string> {
  const response = await send(path);
  const { code, message } = (await response.json()) as { code: string; message: string };
  return `${response.status} ${code}: ${message}`;
}

function offsetsOf({ items }: RecordRows): number[] {
  return items.flatMap((item) => (item.kind === "record" ? [item.offset] : []));
}

describe("a page", () => {
  test("of a partition has what is there, and says what is not", async () => {
    const page = await get("gaps?partition=0");
    expect(offsetsOf(page)).toEqual([...OFFSETS]);
    const gaps = page.items.flatMap((item) => (item.kind === "gap" ? [[item.from, item.to]] : []));
    expect(gaps).toEqual([
      [10, 20],
      [25, 26],
      [32, 34],
      [35, 42],
    ]);
    expect([page.start, page.end, page.offsetsLeft]).toEqual(["0", String(END_OFFSET), 0]);
    expect(page.batches.map(({ base, count }) => [base, count])).toEqual([
      ...[
        [0, 10],
        [20, 9],
        [30, 2],
        [34, 1],
        [42, 2],
      ],
    ]);
  });

  test("begins where `rustlog consume` would", async () => {
    for (const [from, first] of [
      ...([
        ["earliest", 0],
        ["27", 27],
        ["-3", 42],
        ["@1700000024500", 26],
        ["15", 20],
      ] as const),
    ]) {
      expect(offsetsOf(await get(`gaps?partition=0&from=${from}`))[0]).toBe(first);
    }
    expect(await refusal("gaps?from=tomorrow")).toContain(
      "400 INVALID_REQUEST: from is 'tomorrow'",
    );
    expect((await get("gaps?partition=0&from=latest")).items).toEqual([]);
  });

  test("leads to the next one, of one partition and of all", async () => {
    for (const which of ["partition=1&", ""]) {
      const all = await itemsOf(`orders?${which}`);
      const first = await get(`orders?${which}limit=7`);
      const rest = await itemsOf(`orders?${which}`, first.end);
      expect(byPlace([...first.items, ...rest])).toEqual(byPlace(all));
      const before = await itemsOf(`orders?${which}`, first.end, "older");
      expect(byPlace(before)).toEqual(byPlace(first.items));
    }
  });

  test("has the markers of transactions, and the records of groups, in words", async () => {
    const { items } = await get("markers");
    expect(items).toEqual([
      {
        ...{ kind: "marker", partition: 0, offset: 0, timestamp: 7, batch: 0 },
        text: "COMMIT, producer -1, coordinator epoch 9",
      },
    ]);
    const [offset] = (await get("__consumer_offsets")).items;
    expect(offset).toMatchObject({ decoded: "group billing, orders 0: offset 3" });
  });

  test("is refused for what is not there", async () => {
    expect(await refusal("nothing")).toStartWith("404 UNKNOWN_TOPIC_OR_PARTITION");
    expect(await refusal("orders?partition=7")).toStartWith("404 UNKNOWN_TOPIC_OR_PARTITION");
    expect(await refusal("orders?at=5")).toContain("at is '5'");
    expect(await refusal("orders?from=~1.!")).toContain("where there must be an offset");
    expect(await refusal("orders?dir=up")).toContain("dir is newer or older");
  });

  test("tells damage and goes on behind it", async () => {
    await using page = await startPage();
    const { registry } = page.broker.context;
    await registry.create("t", 1, { "segment.bytes": "1024" });
    const partition = registry.partition("t", 0);
    for (let i = 0; i < 30; i++) {
      const encoder = new BatchEncoder();
      encoder.append(i, null, `value ${i}`);
      await partition.append(encoder.finish().slice());
    }
    const { segments, directory: path } = partition.layout;
    const base = segments.sealed[0]!.baseOffset;
    const file = join(path, `${String(base).padStart(20, "0")}.log`);
    const bytes = readFileSync(file);
    const position = segments.sealed[0]!.lookup.locate(4, bytes.length)!.position;
    bytes[position + 65]! ^= 1;
    writeFileSync(file, bytes);
    const response = await fetch(`${page.url}api/records/t?partition=0`);
    const { items } = (await response.json()) as RecordRows;
    expect(items.filter(({ kind }) => kind !== "record")).toEqual([
      {
        ...{ kind: "damage", partition: 0, from: 4, to: 5, bytes: expect.any(Number) },
        reason: expect.stringContaining(`position ${position}: its CRC-32C is`),
      },
    ]);
    expect(items.length).toBe(30);
  });
});

test("records over time are those of the partition and the time asked for", async () => {
  const times = async (query: string): Promise<RecordsOverTime> =>
    (await (
      await fetch(`${sample.url}api/records/orders/times${query}`)
    ).json()) as RecordsOverTime;
  const count = async (query: string): Promise<number> =>
    (await times(query)).counts.reduce((sum, each) => sum + each, 0);
  const all = 4 * 2 * CODECS.length;
  expect(await times("")).toMatchObject({ toMs: 1_700_000_000_000 + 1000 * (all / 4 - 1) + 3 });
  expect(await count("")).toBe(all);
  expect(await count("?partition=0")).toBe(all / 2);
  expect(await count("?from=1700000001000&to=1700000002999")).toBe(8);
  expect((await fetch(`${sample.url}api/records/orders/times?from=x`)).status).toBe(400);
});

describe("a search", () => {
  const found = async (find: string, where: string, more = ""): Promise<number> => {
    const query = new URLSearchParams({ find, in: where });
    return offsetsOf(await get(`orders?${query}${more}`)).length;
  };

  test("finds texts, keys, headers and values of JSON, whatever the codec", async () => {
    expect(await found("key-2", "any")).toBe(10);
    expect(await found("key-2", "value")).toBe(0);
    expect(await found("KEY-2", "key")).toBe(0);
    expect(await found("KEY-2", "key", "&case=ignore")).toBe(10);
    expect(await found("zstd", "value")).toBe(6);
    expect(await found("source", "header")).toBe(10);
    expect(await found("source=web", "header")).toBe(10);
    expect(await found("source contains we", "header")).toBe(10);
    expect(await found("source=app", "header")).toBe(0);
    expect(await found("$.order.id = 17", "json")).toBe(1);
    expect(await found("$.order.tags[*] = lz4", "json")).toBe(6);
    expect(await found("$.order.id >= 30", "json")).toBe(7);
  });

  test("finds keys that are numbers, UUIDs or other bytes", async () => {
    await sample.broker.context.registry.create("binary", 1, {});
    const encoder = new BatchEncoder();
    const uuid = "0f8fad5b-d9cb-469f-a165-70867728950e";
    const keys = ["0000007b", "000000000000007b", uuid.replaceAll("-", ""), "00ff000000007b", null];
    for (const key of keys) encoder.append(5, key === null ? null : Buffer.from(key, "hex"), "7b");
    await sample.broker.context.registry.partition("binary", 0).append(encoder.finish().slice());
    const foundAs = async (find: string, as: string): Promise<number[]> =>
      offsetsOf(await get(`binary?${new URLSearchParams({ find, in: "key", as })}`));
    expect(await foundAs("123", "int32")).toEqual([0]);
    expect(await foundAs("123", "int64")).toEqual([1]);
    expect(await foundAs(uuid, "uuid")).toEqual([2]);
    expect(await foundAs("00 00 00 7b", "hex")).toEqual([0, 1, 3]);
    expect(await foundAs("-1", "int64")).toEqual([]);
    const refused = async (query: string): Promise<string> => refusal(`binary?${query}`);
    expect(await refused("find=x&in=key&as=int32")).toContain("'x' is not int32; expected a whole");
    expect(await refused("find=+&in=key&as=hex")).toContain("is not hex; expected two digits");
    expect(await refused("find=1&as=int32")).toContain("only keys are searched for as int32");
    expect(await refused("find=1&in=key&as=float")).toContain("as is one of int32, int64");
    // It is of the conditions on keys.
    const both = await get("binary?find=7b&in=value&find=123&in=key&not=1&as=int64");
    expect(offsetsOf(both)).toEqual([0, 2, 3, 4]);
  });

  test("finds what meets all conditions, also those that are negated", async () => {
    const search = "find=key-2&in=key&find=%22id%22%3A2&in=value";
    expect(offsetsOf(await get(`orders?${search}`)).length).toBe(3);
    expect(offsetsOf(await get(`orders?${search}&find=gzip&in=any&not=1`)).length).toBe(2);
    const tombstones = await get("orders?in=tombstone");
    expect(tombstones.items).toMatchObject(Array(10).fill({ kind: "record", value: null }));
    expect(offsetsOf(await get("orders?in=tombstone&find=&in=keyless")).length).toBe(0);
    expect(offsetsOf(await get("orders?in=tombstone&not=1&find=source&in=header")).length).toBe(10);
    const lines = await (await send(`orders/lines?${search}&find=gzip&not=1`)).text();
    expect(lines.split("\n").length - 1).toBe(2);
    // The end of a transaction lacks all of it, and is no record.
    expect((await get("markers?find=x&not=1")).items).toEqual([]);
    expect(await refusal(`orders?${"find=x&".repeat(5)}`)).toContain(
      "400 INVALID_REQUEST: a search has 1 to 4 conditions",
    );
  });

  test("shows fields of JSON of what it finds, and so does a page", async () => {
    const show = encodeURIComponent("$.order.id, $.order.tags[*],$.no");
    const { items } = await get(`orders?find=zstd&in=value&partition=0&limit=1&show=${show}`);
    expect(items).toMatchObject([
      {
        fields: [
          { kind: "number", text: "16" },
          { kind: "json", text: "zstd, all" },
          { kind: "missing" },
        ],
      },
    ]);
    const tombstone = await get("orders?in=tombstone&limit=1&show=order.id");
    expect(tombstone.items).toMatchObject([{ value: null, fields: [{ kind: "none" }] }]);
    expect((await get("orders?limit=1")).items[0]).not.toHaveProperty("fields");
    expect(await refusal("orders?show=%24.a+%3D+1")).toContain("in the JSON path, at character 4");
    expect(await refusal("orders?show=a,b,c,d,e,f,g")).toContain("at most 6 fields are shown");
  });

  test("is refused with the place of its mistake", async () => {
    const query = new URLSearchParams({ find: "$.a ? 3", in: "json" });
    expect(await refusal(`orders?${query}`)).toContain("at character 4: expected one of == =");
    expect(await refusal("orders?find=x&in=nowhere")).toContain("in is one of any, key");
  });

  test("ends with its request, and leaves room for the next one", async () => {
    const cancel = new AbortController();
    const asked = Array.from({ length: 20 }, () =>
      send("long?find=y", { signal: cancel.signal }).catch(() => undefined),
    );
    cancel.abort();
    await Promise.all(asked);
    expect(await found("key-1", "key")).toBe(10);
  });
});

describe("a record", () => {
  test("has its bytes and its place", async () => {
    const record = await get<ShownRecord>("orders/1/4");
    expect(record).toMatchObject({ offset: 4, index: 0, headerCount: 2, decoded: null });
    expect(Buffer.from(record.value?.base64 ?? "", "base64").toString()).toContain('"id":12');
    expect(record.headers[1]?.value).toBeNull();
    expect(record.batch).toMatchObject({ base: 4, last: 7, count: 4 });
    expect(record.place).toEqual({ segment: 0, position: expect.any(Number) });
    expect(await get<ShownRecord>("orders/1/7")).toMatchObject({ value: null });
  });

  test("says whether it may be deleted, and how long a tombstone would stay", async () => {
    const { registry } = sample.broker.context;
    const settings = { "cleanup.policy": "compact", "delete.retention.ms": "7000" };
    await registry.create("states", 1, settings);
    const encoder = new BatchEncoder();
    encoder.append(5, "a", "1");
    await registry.partition("states", 0).append(encoder.finish().slice());
    expect(await get<ShownRecord>("states/0/0")).toMatchObject({
      ...{ mayWrite: true, tombstoneMs: 7000 },
    });
    expect((await get<ShownRecord>("orders/1/4")).tombstoneMs).toBeNull();
    const commits = await get("__consumer_offsets");
    const [commit] = commits.items.filter(({ kind }) => kind === "record");
    const [{ partition }, [offset = 0]] = [commit ?? { partition: 0 }, offsetsOf(commits)];
    const found = await get<ShownRecord>(`__consumer_offsets/${partition}/${offset}`);
    expect(found.mayWrite).toBe(false);
  });

  test("is cut where it is too long to be shown, and can be downloaded", async () => {
    const { value, key } = await get<ShownRecord>("long/0/0");
    expect(value?.bytes).toBe(LONG.length);
    expect(Buffer.from(value?.base64 ?? "", "base64").length).toBe(1024 * 1024);
    expect(key).toEqual({ bytes: 2, base64: "AP8=" });
    const response = await send("long/0/0/value");
    expect(response.headers.get("content-disposition")).toBe(
      'attachment; filename="long-0-0.value.bin"',
    );
    expect(await response.text()).toBe(LONG);
    expect(new Uint8Array(await (await send("long/0/0/key")).arrayBuffer())).toEqual(
      Uint8Array.of(0, 255),
    );
  });

  test("is refused where there is none", async () => {
    expect(await refusal("gaps/0/25")).toContain("no record at offset 25: compaction has removed");
    expect(await refusal("gaps/0/44")).toContain("valid offsets are 0 to 43");
    expect(await refusal("orders/1/7/value")).toContain("the value of the record is null");
    expect(await refusal("orders/1/x")).toContain("offset is 'x'");
    expect(await refusal("orders/1/4/all")).toContain("no 'all' to download");
  });
});

describe("a download", () => {
  const lines = async (path: string): Promise<string[]> => {
    const text = await (await send(path)).text();
    return text.split("\n").slice(0, -1);
  };

  test("has the lines of `rustlog consume --json`, of a range or of what a search finds", async () => {
    const all = await lines("gaps/lines");
    const expected = (offset: number): string =>
      formatJsonRecord({
        ...{ topic: "gaps", partition: 0, offset, timestamp: 1_700_000_000_000 + offset * 1_000 },
        ...{ key: null, value: Buffer.from(valueAt(offset)), headers: [] },
      });
    expect(all).toEqual(OFFSETS.map(expected));
    expect(await lines("gaps/lines?partition=0&from=24&to=30")).toEqual(
      [24, 26, 27, 28, 29].map(expected),
    );
    const query = new URLSearchParams({ find: "$.order.id < 8", in: "json" });
    const orders = (await lines(`orders/lines?${query}`)).map(
      (line) => JSON.parse(line) as unknown,
    );
    expect(orders.length).toBe(6);
    expect(await lines("long/lines")).toHaveLength(1);
    expect((await lines("orders/0/3/line"))[0]).toContain('"offset":3');
  });

  test("is refused before it begins", async () => {
    expect(await refusal("nothing/lines")).toStartWith("404 UNKNOWN_TOPIC_OR_PARTITION");
    expect(await refusal("orders/lines?find=$.%3D&in=json")).toContain("expected a name");
  });

  test("that is given up leaves room for others", async () => {
    for (let i = 0; i < 20; i++) await (await send("long/lines")).body?.cancel();
    expect(await lines("long/lines")).toHaveLength(1);
  });
});

test("places of all partitions survive being sent", async () => {
  const positions: (number | undefined)[] = [0, undefined, 2 ** 52];
  positions[4] = 7;
  const text = textOfPositions(positions, undefined);
  expect(text).toBe("~0..1eyxg9ga33..7".replace("1eyxg9ga33", (2 ** 52).toString(36)));
  expect((await get(`orders?to=${textOfPositions([3, 1], undefined)}`)).offsetsTotal).toBe(4);
});
