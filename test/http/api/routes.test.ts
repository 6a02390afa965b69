// Requests of the live page: the responses, their limits, and what is rejected.
// Leaves to others: the page itself (page.browser.ts), and the events (page-feed.test.ts).
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LookupExplanation } from "../../../src/inspection/lookup-explanation.js";
import type {
  BatchDump,
  BatchRows,
  IndexTicks,
  SegmentRows,
} from "../../../src/http/page/log/log-wire.js";
import { BatchEncoder } from "../../../src/record/encoder.js";
import { segmentFileName } from "../../../src/log/segment/segment-files.js";
import { batchOf } from "../../support/broker.js";
import { type PageSample, startPage, writeOrders } from "../../support/page-sample.js";

let sample: PageSample;

beforeAll(async () => {
  sample = await startPage();
  await sample.broker.context.registry.create("orders", 2, {});
  await writeOrders(sample.broker, "orders", 0, 3000);
});
afterAll(() => sample[Symbol.asyncDispose]());

async function get<Answer>(path: string): Promise<Answer> {
  const response = await fetch(`${sample.url}api/topics/${path}`);
  expect(response.status).toBe(200);
  return (await response.json()) as Answer;
}

async function refusal(path: string): Promise<string> {
  const response = await fetch(`${sample.url}api/topics/${path}`);
  const { code, message } = (await response.json()) as { code: string; message: string };
  return `${response.status} ${code}: ${message}`;
}

const partition = (index = 0) => sample.broker.context.registry.partition("orders", index);

describe("the page", () => {
  test("is one document with its script and style sheet, and allows nothing from elsewhere", async () => {
    const html = await (await fetch(sample.url)).text();
    expect(html).toContain("default-src 'self'");
    const files = [...html.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, path]) => path ?? "");
    expect(files.map((path) => path.split(".").at(-1)).sort()).toEqual(["css", "js"]);
    for (const path of files) {
      const response = await fetch(new URL(path, sample.url));
      expect(response.status).toBe(200);
      expect((await response.text()).length).toBeGreaterThan(1000);
    }
  });

  test("is served under no other name, and only for GET and HEAD", async () => {
    const html = await (await fetch(sample.url)).text();
    const script = /src="(\/[^"]+)"/.exec(html)?.[1] ?? "";
    for (const path of ["/", script]) {
      const url = new URL(path, sample.url);
      expect((await fetch(url, { headers: { host: "evil.example" } })).status).toBe(403);
      expect((await fetch(url, { method: "POST", body: "" })).status).toBe(405);
      expect((await fetch(url, { method: "HEAD" })).status).toBe(200);
    }
    expect((await fetch(new URL("/chunk-0.js", sample.url))).status).toBe(404);
  });
});

describe("segments", () => {
  test("match the log", async () => {
    const { sealed, active } = partition().layout.segments;
    const rows = await get<SegmentRows>("orders/0/segments");
    const all = [...sealed, active];
    expect(sealed.length).toBeGreaterThan(2);
    expect(rows.bases).toEqual(all.map(({ baseOffset }) => baseOffset));
    expect(rows.bytes).toEqual(all.map(({ fileBytes }) => fileBytes));
    expect(rows.hasMore).toBe(false);
  });

  test("can be requested from one on", async () => {
    const { bases } = await get<SegmentRows>("orders/0/segments");
    const later = await get<SegmentRows>(`orders/0/segments?after=${bases[1]}`);
    expect(later.bases).toEqual(bases.slice(2));
    expect((await get<SegmentRows>(`orders/0/segments?after=${bases.at(-1)}`)).bases).toEqual([]);
  });
});

describe("index entries", () => {
  test("are complete where there is room, and thinned otherwise", async () => {
    const segment = partition().layout.segments.sealed[1];
    const { offsets } = segment!.index();
    const expected = Array.from({ length: offsets.count }, (_, i) => offsets.position(i));
    const bases = segment!.baseOffset;
    const all = await get<IndexTicks>(`orders/0/index?bases=${bases}&spacing=1`);
    expect(all.segments).toEqual([{ base: bases, entries: expected.length, positions: expected }]);
    const few = await get<IndexTicks>(`orders/0/index?bases=${bases}&spacing=20000`);
    const positions = few.segments[0]?.positions ?? [];
    expect(positions.length).toBeGreaterThan(1);
    for (const [i, position] of positions.entries()) {
      expect(expected).toContain(position);
      if (i > 0) expect(position - (positions[i - 1] ?? 0)).toBeGreaterThanOrEqual(20_000);
    }
  });

  test("of a part of a segment are all there, however many come before it", async () => {
    const segment = partition().layout.segments.sealed[1];
    const { offsets } = segment!.index();
    const [from, to] = [offsets.position(3), offsets.position(5)];
    const span = `bases=${segment!.baseOffset}&spacing=1&from=${from}&to=${to}`;
    const part = await get<IndexTicks>(`orders/0/index?${span}`);
    expect(part.segments[0]?.positions).toEqual([from, offsets.position(4), to]);
  });

  test("of deleted segments are omitted", async () => {
    expect(await get<IndexTicks>("orders/0/index?bases=7&spacing=1")).toEqual({ segments: [] });
  });
});

describe("batches", () => {
  test("are returned page by page, each once", async () => {
    const segment = partition().layout.segments.sealed[0]!;
    const found: number[] = [];
    let bytes = 0;
    for (let at: number | null = 0; at !== null;) {
      const rows: BatchRows = await get(`orders/0/batches?segment=0&at=${at}`);
      expect(rows.batches.length).toBeLessThanOrEqual(50);
      found.push(...rows.batches.map(({ baseOffset }) => baseOffset ?? -1));
      for (const batch of rows.batches) bytes += batch.bytes;
      at = rows.next;
    }
    expect(found).toEqual(Array.from({ length: segment.nextOffset / 8 }, (_, i) => i * 8));
    expect(bytes).toBe(segment.bytes);
  });

  test("start near a position, and at an offset", async () => {
    const { offsets } = partition().layout.segments.sealed[0]!.index();
    const entry = offsets.position(2);
    const near = await get<BatchRows>(`orders/0/batches?segment=0&near=${entry + 100}`);
    expect(near.batches[0]?.position).toBe(entry);
    const at = await get<BatchRows>("orders/0/batches?segment=0&offset=42");
    expect(at.batches[0]?.baseOffset).toBe(40);
  });

  test("before a position are the ones that lead to it, back to the start", async () => {
    const segment = partition().layout.segments.sealed[0]!;
    const found: number[] = [];
    for (let before = segment.bytes; before > 0;) {
      const rows: BatchRows = await get(`orders/0/batches?segment=0&before=${before}`);
      expect([rows.damage, rows.next]).toEqual([null, before]);
      expect(rows.batches.length).toBeLessThanOrEqual(50);
      const last = rows.batches.at(-1)!;
      expect(last.position + last.bytes).toBe(before);
      found.unshift(...rows.batches.map(({ baseOffset }) => baseOffset ?? -1));
      before = rows.batches[0]!.position;
    }
    expect(found).toEqual(Array.from({ length: segment.nextOffset / 8 }, (_, i) => i * 8));
  });

  test("end at damage, continue behind it, and say what a damaged file ends with", async () => {
    const { registry } = sample.broker.context;
    await registry.create("damaged", 1, {});
    await writeOrders(sample.broker, "damaged", 0, 2000);
    const { directory } = registry.partition("damaged", 0).layout;
    const path = join(directory, segmentFileName(0, "log"));
    const { batches } = await get<BatchRows>("damaged/0/batches?segment=0&at=0");
    const log = readFileSync(path);
    log[batches[9]!.position + 16] = 7;
    writeFileSync(path, log);
    const rows = await get<BatchRows>("damaged/0/batches?segment=0&at=0");
    const { position } = batches[9]!;
    expect([rows.batches.length, rows.damage]).toEqual([
      9,
      `no batch starts at position ${position}`,
    ]);
    expect(rows.next).toBeGreaterThan(position);
    const after = await get<BatchRows>(`damaged/0/batches?segment=0&at=${rows.next}`);
    expect(after.batches.length).toBe(50);
    const before = await get<BatchRows>(`damaged/0/batches?segment=0&before=${rows.next}`);
    expect([before.batches.length, before.damage]).toEqual([0, rows.damage]);
  });

  test("end with a reason where no batch starts", async () => {
    const rows = await get<BatchRows>("orders/0/batches?segment=0&at=3");
    expect(rows.batches).toEqual([]);
    expect(rows.damage).toBe("no batch starts at position 3");
  });

  test("are returned field by field in portions, with every record", async () => {
    const encoder = new BatchEncoder();
    for (let i = 0; i < 400; i++) encoder.append(1000 + i, `key-${i}`, `value-${i}`);
    const batch = encoder.finish().slice();
    const position = partition(1).layout.segments.active.bytes;
    await partition(1).append(batch);
    const values: string[] = [];
    let bytes = 0;
    let answers = 0;
    for (let from: number | null = 0; from !== null; answers++) {
      const dump: BatchDump = await get(
        `orders/1/batch?segment=0&position=${position}&from=${from}`,
      );
      expect(dump.rows.length).toBeLessThanOrEqual(500);
      for (const row of dump.rows) {
        if ("heading" in row) continue;
        bytes += row.bytes;
        if (row.name === "value") values.push(Buffer.from(row.hex, "hex").toString());
      }
      from = dump.next;
    }
    expect(answers).toBeGreaterThan(5);
    expect(values).toEqual(Array.from({ length: 400 }, (_, i) => `value-${i}`));
    expect(bytes).toBe(batch.length);
  });

  test("show only the first bytes of a large value", async () => {
    const position = partition(1).layout.segments.active.bytes;
    await partition(1).append(batchOf("x".repeat(30_000)));
    const { rows } = await get<BatchDump>(`orders/1/batch?segment=0&position=${position}`);
    const value = rows.find((row) => "name" in row && row.name === "value");
    expect(value).toMatchObject({ bytes: 30_000, hex: "78".repeat(256) });
  });
});

describe("a lookup", () => {
  test("by offset uses the broker's own search", async () => {
    const found = await get<LookupExplanation>("orders/0/lookup?offset=1234");
    expect(found).toMatchObject({ outcome: "found", record: { offset: 1234, index: 2 } });
    expect(found.segmentComparisons?.length).toBeGreaterThan(1);
    expect(found.batch?.baseOffset).toBe(1232);
    expect(found.segments).toEqual([]);
  });

  test("by time finds the first record at or after it", async () => {
    const timestamp = Date.UTC(2026, 6, 1, 12) + 1234 * 1000;
    const found = await get<LookupExplanation>(`orders/0/lookup?timestamp=${timestamp}`);
    expect(found).toMatchObject({ outcome: "found", record: { offset: 1234 } });
  });

  test("beyond the end is reported", async () => {
    const end = partition().logEndOffset;
    const { outcome } = await get<LookupExplanation>(`orders/0/lookup?offset=${end}`);
    expect(outcome).toBe("waits");
    const failed = await get<LookupExplanation>(`orders/0/lookup?offset=${end + 1}`);
    expect(failed.failure?.code).toBe("OFFSET_OUT_OF_RANGE");
  });
});

describe.each(["gzip", "snappy", "lz4", "zstd"] as const)(
  "a %s batch that decompresses to 40 MiB",
  (codec) => {
    const LARGE = 40 * 1024 * 1024;

    beforeAll(async () => {
      const { online } = await sample.broker.context.registry.create(codec, 1, {});
      const encoder = new BatchEncoder({ codec });
      encoder.append(1000, "first", "small");
      encoder.append(1001, "second", new Uint8Array(LARGE));
      encoder.append(1002, "third", "behind it");
      await online[0]!.append(encoder.finish().slice());
    });

    async function answerTo(path: string): Promise<string> {
      return await (await fetch(`${sample.url}api/topics/${codec}/0/${path}`)).text();
    }

    test("is searched if the record starts in its first 2 MiB", async () => {
      const first = JSON.parse(await answerTo("lookup?offset=0")) as LookupExplanation;
      expect(first.record?.value).toEqual({ bytes: 5, text: "small" });
      const text = await answerTo("lookup?offset=1");
      expect(text.length).toBeLessThan(8192);
      const second = JSON.parse(text) as LookupExplanation;
      expect(second.record).toMatchObject({ key: { text: "second" }, isCut: true });
      expect(second.record?.value).toEqual({ bytes: LARGE, text: "\0".repeat(256), isCut: true });
      const third = JSON.parse(await answerTo("lookup?offset=2")) as LookupExplanation;
      expect(third).toMatchObject({ outcome: "found", failure: { code: "MESSAGE_TOO_LARGE" } });
      expect(third.record).toBeUndefined();
    });

    test("shows its first 2 MiB", async () => {
      const text = await answerTo("batch?segment=0&position=0");
      expect(text.length).toBeLessThan(16_384);
      const { rows } = JSON.parse(text) as BatchDump;
      const headings = rows.flatMap((row) => ("heading" in row ? [row] : []));
      expect(headings.map(({ heading }) => heading)).toContain(
        "the first 2097152 bytes of records, decompressed; positions are relative to them",
      );
      expect(headings.some(({ isBroken }) => isBroken)).toBe(false);
      const values = rows.filter((row) => "name" in row && row.name === "value");
      expect(values).toMatchObject([{ bytes: 5 }]);
    });

    test("is looked up by several pages at once, each with an answer", async () => {
      const answers = await Promise.all(
        Array.from({ length: 5 }, () => answerTo("lookup?timestamp=1001")),
      );
      for (const answer of answers) {
        expect(JSON.parse(answer)).toMatchObject({ outcome: "found", record: { offset: 1 } });
      }
    });
  },
);

test("more questions than can wait are rejected", async () => {
  const answers = await Promise.all(
    Array.from({ length: 80 }, () => fetch(`${sample.url}api/topics/orders/0/lookup?offset=7`)),
  );
  const statuses = answers.map(({ status }) => status);
  expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(64);
  expect(statuses.filter((status) => status !== 200).every((status) => status === 503)).toBe(true);
});

test.each([
  ["absent/0/segments", "404 UNKNOWN_TOPIC_OR_PARTITION: topic 'absent' does not exist"],
  ["orders/x/segments", "404 UNKNOWN_TOPIC_OR_PARTITION: topic 'orders' has no partition -1"],
  ["orders/0/constructor", "400 INVALID_REQUEST: unknown question 'constructor'"],
  ["orders/0/lookup", "400 INVALID_REQUEST: pass an offset or a timestamp"],
  ["orders/0/lookup?offset=1e9", "400 INVALID_REQUEST: offset is '1e9'; expected a whole number"],
  ["orders/0/batch?segment=0", "400 INVALID_REQUEST: position is ''; expected a whole number"],
  ["orders/0/batch?segment=1&position=0", "400 INVALID_REQUEST: orders-0 has no segment"],
  ["orders/0/batch?segment=0&position=5", "400 INVALID_REQUEST: no batch starts at position 5"],
  ["orders/0/batch?segment=0&position=-5", "400 INVALID_REQUEST: position is"],
  ["%2e%2e%2fetc/0/segments", "404 UNKNOWN_TOPIC_OR_PARTITION: topic '../etc' does not exist"],
])("%s is refused: %s", async (path, expected) => {
  expect(await refusal(path)).toStartWith(expected);
});
