// Records and batches that are large, or made to be slow: what is shown of them, and that each answer does little work.
// Leaves to others: pages of ordinary records (browse.test.ts).
import { expect, test } from "bun:test";
import { browse, type RecordPage } from "../../../src/services/records/browse.js";
import { recordLines } from "../../../src/services/records/record-lines.js";
import type { RecordSearch } from "../../../src/services/records/record-match.js";
import type { ServiceContext } from "../../../src/services/context.js";
import type { Codec } from "../../../src/record/batch.js";
import { BatchEncoder, type ProducerHeader } from "../../../src/record/encoder.js";
import { openServices } from "../../support/services.js";

const NEVER = new AbortController().signal;
const MiB = 1024 * 1024;

async function contextWith(
  values: readonly (string | Uint8Array)[],
  { codec = "gzip", headers = [] }: { codec?: Codec; headers?: readonly ProducerHeader[] } = {},
): Promise<ServiceContext> {
  const context = await openServices();
  await context.registry.create("t", 1, {});
  for (const value of values) {
    const encoder = new BatchEncoder({ codec });
    encoder.append(1, "key", value, headers);
    await context.registry.partition("t", 0).append(encoder.finish().slice());
  }
  return context;
}

function pageOf(
  context: ServiceContext,
  search?: RecordSearch,
  at?: RecordPage["end"],
): Promise<RecordPage> {
  const range = { partition: 0, from: "earliest", to: "latest", at } as const;
  const query = { topic: "t", ...range, direction: "newer", limit: 200, search } as const;
  return browse(context, query, NEVER);
}

async function linesOf(context: ServiceContext): Promise<string[]> {
  const query = { topic: "t", partition: 0, from: "earliest", to: "latest" } as const;
  let text = "";
  for await (const portion of recordLines(context, { ...query, search: undefined }, NEVER))
    text += portion;
  return text.split("\n").slice(0, -1);
}

test("a batch that decompresses to more than 16 MiB stays closed, and an answer opens 64 MiB", async () => {
  const context = await contextWith([
    new Uint8Array(17 * MiB),
    ...Array.from({ length: 6 }, () => new Uint8Array(15 * MiB)),
  ]);
  const pages = [await pageOf(context)];
  // An answer may also end because it has taken its time, on a slow machine.
  while (pages.at(-1)?.isCut === true) {
    pages.push(await pageOf(context, undefined, pages.at(-1)!.end));
  }
  expect(pages[0]?.items[0]).toMatchObject({
    kind: "closed",
    reason: "the gzip data of a batch decompresses to more than 16777216 bytes",
  });
  expect(pages[0]?.offsetsLeft).toBeGreaterThanOrEqual(2);
  const records = pages.map(({ items }) => items.filter(({ kind }) => kind === "record").length);
  expect(Math.max(...records)).toBeLessThanOrEqual(4);
  expect(records.reduce((sum, count) => sum + count)).toBe(6);
  expect(pages.at(-1)?.offsetsLeft).toBe(0);
});

test("a time is found to the batch where its records are too large to open all, and a download is refused", async () => {
  const context = await openServices();
  await context.registry.create("t", 4, {});
  const encoder = new BatchEncoder({ codec: "zstd" });
  for (const timestamp of [1, 2]) encoder.append(timestamp, null, new Uint8Array(20 * MiB));
  const batch = encoder.finish();
  for (let i = 0; i < 4; i++) await context.registry.partition("t", i).append(batch.slice());
  const all = { topic: "t", partition: undefined, to: "latest", search: undefined } as const;
  const query = { ...all, at: undefined, direction: "newer", limit: 1 } as const;
  const page = await browse(context, { ...query, from: { timestamp: 2 } }, NEVER);
  // An answer may also have taken its time, on a slow machine.
  expect(page.inexact).toBeGreaterThanOrEqual(2);
  const start = Array.from({ length: 4 }, (_, i) => (i < 4 - page.inexact ? 1 : 0));
  expect(page.from).toEqual(start);
  expect((await browse(context, { ...query, from: page.from }, NEVER)).inexact).toBe(0);
  const lines = recordLines(context, { ...all, from: { timestamp: 2 } }, NEVER);
  await expect(lines.next()).rejects.toMatchObject({ code: "INVALID_REQUEST" });
});

test("no search takes long where a text nearly is", async () => {
  const near = `${"x".repeat(2000)}y${"x".repeat(2000)}`;
  const json = JSON.stringify({ a: "x".repeat(200_000) });
  const context = await contextWith(Array.from({ length: 10 }, () => "x".repeat(MiB)).concat(json));
  for (const search of [
    { field: "any", text: near, ignoresCase: true },
    { field: "any", text: near, ignoresCase: false },
    { field: "json", text: `$.a contains ${near}`, ignoresCase: false },
  ] as const) {
    for (let page = await pageOf(context, [search]); ;) {
      expect(page.items).toEqual([]);
      if (!page.isCut) break;
      page = await pageOf(context, [search], page.end);
    }
  }
});

test("a value of JSON of more than 128 KiB is not searched, and counted", async () => {
  const values = [100, 150].map((size) => JSON.stringify({ a: "x".repeat(size * 1024), id: 1 }));
  const context = await contextWith(values);
  const page = await pageOf(context, [{ field: "json", text: "$.id = 1", ignoresCase: false }]);
  expect([page.items.length, page.unsearched]).toEqual([1, 1]);
});

test("of a record with many headers the first ones are shown; with more than 10,000 it is in no download", async () => {
  const headers = Array.from({ length: 10_001 }, (_, i) => ({ name: `h${i}`, value: "v" }));
  const context = await contextWith(["many"], { headers });
  const { items } = await pageOf(context);
  expect(items).toMatchObject([{ headerCount: 10_001 }]);
  expect(items.flatMap((item) => ("headers" in item ? item.headers : []))).toHaveLength(4);
  expect(await linesOf(context)).toEqual([]);
  const [line = ""] = await linesOf(await contextWith(["many"], { headers: headers.slice(1) }));
  expect((JSON.parse(line) as { headers: unknown[] }).headers).toHaveLength(10_000);
});
