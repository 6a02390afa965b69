// Pages of records, against a search through all of them: forth and back, merged, with gaps, damage and every codec.
// Leaves to others: JSON conditions (json-path.test.ts), and the routes (records.test.ts).
import { describe, expect, test } from "bun:test";
import type { ServiceContext } from "../../../src/services/context.js";
import { browse, type BrowseQuery, type RecordPage } from "../../../src/services/records/browse.js";
import type { RecordItem, RecordSummary } from "../../../src/services/records/record-item.js";
import type { RecordCondition } from "../../../src/services/records/record-match.js";
import { CODECS } from "../../../src/record/batch.js";
import { BatchEncoder } from "../../../src/record/encoder.js";
import { Random } from "../../support/random.js";
import { openServices } from "../../support/services.js";
import { SimulatedDisk } from "../../support/simulated-disk.js";
import { until } from "../../support/until.js";

const NEVER = new AbortController().signal;

const ALL = {
  ...{ partition: undefined, from: "earliest", to: "latest", at: undefined },
  ...{ direction: "newer", limit: 200, search: undefined },
} as const satisfies Omit<BrowseQuery, "topic">;

interface Written {
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
}

/** A topic with random batches, of which some have many records, in random order of time. */
async function contextWith(seed: number, partitions: number, settings = {}) {
  const random = new Random(seed);
  const disk = new SimulatedDisk(random);
  const context = await openServices({}, { disk });
  await context.registry.create("t", partitions, { "segment.bytes": "1500", ...settings });
  const written: Written[] = [];
  for (let i = 0; i < 40; i++) {
    const partition = random.below(partitions);
    const encoder = new BatchEncoder({ codec: random.pick(CODECS) });
    const timestamps = Array.from(
      { length: 1 + random.below(9) },
      () => 1_000 + 10 * i + random.below(50),
    );
    for (const [j, timestamp] of timestamps.entries()) {
      const value = random.below(5) === 0 ? null : `value ${i}.${j} of ${timestamp}`;
      encoder.append(timestamp, `key ${random.below(12)}`, value);
    }
    const base = await context.registry.partition("t", partition).append(encoder.finish());
    for (const [j, timestamp] of timestamps.entries()) {
      written.push({ partition, offset: base + j, timestamp });
    }
  }
  return { context, disk, random, written };
}

function recordsOf(items: readonly RecordItem[]): RecordSummary[] {
  return items.filter((item) => item.kind === "record");
}

/** The offsets that an item is about: the first, and the one after the last. */
function rangeOf(item: RecordItem): [number, number] {
  return "offset" in item ? [item.offset, item.offset + 1] : [item.from, item.to];
}

/** Checks that the items of a page lie side by side, from its start to its end in each partition. */
function checkTiles(page: RecordPage): void {
  const next = [...page.start];
  for (const item of page.items) {
    const [from, to] = rangeOf(item);
    expect(from).toBe(next[item.partition]!);
    next[item.partition] = to;
  }
  expect(next).toEqual([...page.end]);
}

/** All pages in a direction, each checked to begin where the last one ended. */
async function pagesOf(context: ServiceContext, query: BrowseQuery): Promise<RecordPage[]> {
  const pages: RecordPage[] = [];
  for (let at = query.at; ;) {
    const page = await browse(context, { ...query, at }, NEVER);
    if (query.search === undefined) checkTiles(page);
    const [begins, ends] =
      query.direction === "newer" ? [page.start, page.end] : [page.end, page.start];
    if (at !== undefined) expect([...begins]).toEqual([...at]);
    pages.push(page);
    if (page.offsetsLeft === 0) return pages;
    expect([...ends]).not.toEqual([...begins]);
    at = ends;
  }
}

/** All records in the order in which the pages show them, the oldest first. */
function shown(pages: readonly RecordPage[], direction: "newer" | "older"): RecordSummary[] {
  const inOrder = direction === "newer" ? pages : pages.toReversed();
  return inOrder.flatMap(({ items }) => recordsOf(items));
}

function placesOf(records: readonly Written[], partition: number): number[] {
  return records.filter((each) => each.partition === partition).map(({ offset }) => offset);
}

describe("walking through all pages shows each record exactly once", () => {
  for (const [seed, partitions, limit] of [
    ...([
      [1, 1, 7],
      [2, 1, 1],
      [3, 3, 10],
      [4, 3, 1],
      [5, 7, 25],
      [6, 2, 200],
    ] as const),
  ]) {
    for (const direction of ["newer", "older"] as const) {
      test(`${direction}, ${partitions} partitions, ${limit} at a time`, async () => {
        const { context, written } = await contextWith(seed, partitions);
        const pages = await pagesOf(context, { ...ALL, topic: "t", direction, limit });
        for (const { items } of pages) expect(items.length).toBeLessThanOrEqual(limit);
        const found = shown(pages, direction);
        expect(found.length).toBe(written.length);
        for (let p = 0; p < partitions; p++) {
          expect(placesOf(found, p)).toEqual(placesOf(written, p));
        }
        for (const { partition, offset, timestamp } of written) {
          const same = found.find((each) => each.partition === partition && each.offset === offset);
          expect(same?.timestamp).toBe(timestamp);
        }
      });
    }
  }

  test("and turning back anywhere, as well", async () => {
    const { context, random, written } = await contextWith(7, 3);
    let page = await browse(context, { ...ALL, topic: "t", limit: 5 }, NEVER);
    const loaded = recordsOf(page.items);
    let [low, high] = [page.start, page.end];
    while (page.offsetsLeft > 0 || loaded.length < written.length) {
      const direction = random.below(3) > 0 ? "newer" : "older";
      const at = direction === "newer" ? high : low;
      page = await browse(context, { ...ALL, topic: "t", at, direction, limit: 4 }, NEVER);
      if (direction === "newer") {
        loaded.push(...recordsOf(page.items));
        high = page.end;
      } else {
        loaded.unshift(...recordsOf(page.items));
        low = page.start;
      }
    }
    for (let p = 0; p < 3; p++) expect(placesOf(loaded, p)).toEqual(placesOf(written, p));
  });
});

test("partitions are merged by time, and each keeps its order", async () => {
  const { context, written } = await contextWith(8, 4);
  const { items, isOrderOpen } = await browse(context, { ...ALL, topic: "t", limit: 50 }, NEVER);
  // The plain way: of all partitions, the one whose next record is the oldest.
  const left = Array.from({ length: 4 }, (_, p) => written.filter((each) => each.partition === p));
  const expected: Written[] = [];
  let newest = 0;
  while (expected.length < 50) {
    const heads = left.flatMap((each) => each.slice(0, 1));
    const key = ({ timestamp, partition }: Written): number =>
      Math.max(
        timestamp,
        expected.findLast((each) => each.partition === partition)?.timestamp ?? 0,
      );
    newest = Math.min(...heads.map(key));
    const next = heads.find((each) => key(each) === newest)!;
    left[next.partition]!.shift();
    expected.push(next);
  }
  expect(recordsOf(items).map(({ timestamp }) => timestamp).length).toBe(50);
  expect(isOrderOpen).toBe(false);
  const counts = (records: readonly Written[]) =>
    Array.from({ length: 4 }, (_, p) => placesOf(records, p).length);
  expect(counts(recordsOf(items))).toEqual(counts(expected));
});

test("compaction leaves gaps that are told, in both directions", async () => {
  const { context, written } = await contextWith(9, 1, {
    ...{ "cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.01" },
  });
  const topic = context.registry.find("t")!;
  const run = context.compactions.begin("run", topic, topic.partitions);
  await until(() => run.isDone);
  for (const direction of ["newer", "older"] as const) {
    const pages = await pagesOf(context, { ...ALL, topic: "t", direction, limit: 6 });
    const items = pages.flatMap((page) => page.items);
    const gaps = items.filter((item) => item.kind === "gap");
    expect(gaps.length).toBeGreaterThan(3);
    expect(new Set(gaps.map(({ why }) => why))).toEqual(new Set(["compacted"]));
    const missing = gaps.reduce((sum, { from, to }) => sum + to - from, 0);
    expect(recordsOf(items).length + missing).toBe(written.length);
  }
});

test("damage is told, with what is behind it, in both directions", async () => {
  const { context, disk, written } = await contextWith(10, 1);
  const { segments, directory } = context.registry.partition("t", 0).layout;
  const base = segments.sealed[2]!.baseOffset;
  disk.flipBit(`${directory}/${String(base).padStart(20, "0")}.log`, 8 * 63);
  for (const direction of ["newer", "older"] as const) {
    const pages = await pagesOf(context, { ...ALL, topic: "t", direction, limit: 6 });
    const items = pages.flatMap((page) => page.items);
    const [damage, ...others] = items.filter((item) => item.kind === "damage");
    expect(others).toEqual([]);
    if (damage?.kind !== "damage") throw new Error("no damage");
    expect(damage).toMatchObject({ from: base, reason: expect.stringContaining("CRC-32C") });
    const { from, to, bytes } = damage;
    expect(bytes).toBeGreaterThan(60);
    expect(recordsOf(items).length).toBe(written.length - (to - from));
  }
});

test("what is below the log start is told as deleted", async () => {
  const { context } = await contextWith(11, 1);
  const partition = context.registry.partition("t", 0);
  await partition.advanceLogStart(13);
  const query = { ...ALL, topic: "t", from: 5, limit: 4 };
  const page = await browse(context, query, NEVER);
  expect(page.items[0]).toEqual({ kind: "gap", partition: 0, from: 5, to: 13, why: "deleted" });
  expect(recordsOf(page.items)[0]?.offset).toBe(13);
  const older = await pagesOf(context, { ...ALL, topic: "t", direction: "older", limit: 9 });
  expect(older.at(-1)?.start).toEqual([13]);
});

/** The plain way to tell whether a record, whose parts are text, meets a condition. */
function meets({ key, value }: RecordSummary, condition: RecordCondition): boolean {
  const { field, text, isNegated = false } = condition;
  const has = (part: RecordSummary["key"]): boolean =>
    part !== null && "text" in part && part.text.includes(text);
  const isMet = {
    ...{ key: () => has(key), value: () => has(value), any: () => has(key) || has(value) },
    ...{ tombstone: () => value === null, keyless: () => key === null },
    ...{ header: () => false, json: () => false },
  }[field]();
  return isMet !== isNegated;
}

describe("a search", () => {
  const search = (text: string, field: RecordCondition["field"] = "any") => [
    { text, field, ignoresCase: false },
  ];

  test("finds what a look at every record finds, in both directions", async () => {
    const { context, written } = await contextWith(12, 3);
    const everything = shown(await pagesOf(context, { ...ALL, topic: "t" }), "newer");
    const not = (text: string, field: RecordCondition["field"]) =>
      search(text, field).map((each) => ({ ...each, isNegated: true }));
    for (const wanted of [
      ...[search("key 7", "key"), search("key 1"), search(".2 of", "value")],
      // All of them.
      [...search("key 1", "key"), ...not("", "tombstone"), ...not("key 11", "key")],
      [...not("key 1", "any"), ...search("", "tombstone")],
      [...not("1", "value"), ...not("", "keyless")],
    ]) {
      const expected = everything.filter((record) => wanted.every((each) => meets(record, each)));
      expect(expected.length).toBeGreaterThan(4);
      for (const direction of ["newer", "older"] as const) {
        const pages = await pagesOf(context, {
          ...ALL,
          topic: "t",
          direction,
          limit: 3,
          search: wanted,
        });
        const found = shown(pages, direction);
        for (let p = 0; p < 3; p++) expect(placesOf(found, p)).toEqual(placesOf(expected, p));
        expect(pages.reduce((sum, { records }) => sum + records, 0)).toBeGreaterThanOrEqual(
          written.length - 30,
        );
      }
    }
  });

  test("says how much of the range is left", async () => {
    const { context, written } = await contextWith(13, 1);
    const query = { ...ALL, topic: "t", from: 10, search: search("key"), limit: 5 };
    const page = await browse(context, query, NEVER);
    expect(page.offsetsTotal).toBe(written.length - 10);
    expect(page.offsetsLeft).toBe(written.length - page.end[0]!);
    expect(page.records).toBeGreaterThanOrEqual(5);
  });

  test("ends when nobody waits for it", async () => {
    const { context } = await contextWith(14, 1);
    // A search rests before it begins; what is done within a slice is not interrupted.
    const query = { ...ALL, topic: "t", search: search("key") };
    const error = await browse(context, query, AbortSignal.abort()).catch((it: unknown) => it);
    expect(String(error)).toContain("cancelled");
  });
});

test("a tail gets the newest records, and how many it has missed", async () => {
  const { context, written } = await contextWith(15, 2);
  const count = [0, 1].map((p) => placesOf(written, p).length);
  const from = count.map((it) => it - 20);
  const page = await browse(
    context,
    { ...ALL, topic: "t", from, direction: "older", limit: 10 },
    NEVER,
  );
  expect(recordsOf(page.items).length).toBe(10);
  expect(page.offsetsLeft).toBe(30);
  expect(page.end).toEqual(count);
});

test("previews are bounded, and say what they leave out", async () => {
  const context = await openServices();
  await context.registry.create("t", 1, {});
  const encoder = new BatchEncoder();
  const headers = Array.from({ length: 9 }, (_, i) => ({ name: `h${i}`, value: null }));
  encoder.append(5, Buffer.from([0xff, 0xfe]), "x".repeat(2000), headers);
  encoder.append(5, null, null);
  await context.registry.partition("t", 0).append(encoder.finish());
  const { items } = await browse(context, { ...ALL, topic: "t" }, NEVER);
  const [long, tombstone] = recordsOf(items);
  expect(long?.key).toEqual({ bytes: 2, base64: "//4=" });
  expect(long?.value).toEqual({ bytes: 2000, text: "x".repeat(256), isCut: true });
  expect([long?.headers.length, long?.headerCount]).toEqual([4, 9]);
  expect(tombstone).toMatchObject({ key: null, value: null, batch: 0, offset: 1 });
});
