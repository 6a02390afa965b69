// A log with gaps (gap-log.ts) in everything that reads a log: no reader may take a gap for damage, or stop there.
// Leaves to others: damage in such a log (test/log/gap-damage.test.ts).
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../support/tmp.js";
import {
  END_OFFSET,
  gapFile,
  makeGapDirectory,
  OFFSETS,
  SEGMENTS,
  timestampAt,
  valueAt,
} from "../support/gap-log.js";
import { startBroker, type TestBroker } from "../support/broker.js";
import { connect } from "../../src/client/client.js";
import { lookupText } from "../../src/cli/explain-text.js";
import type { ConsumerOptions } from "../../src/client/consumer-options.js";
import { explainLookup } from "../../src/inspection/explain-lookup.js";
import type { LookupTarget } from "../../src/inspection/lookup-explanation.js";
import { openLogFiles } from "../../src/inspection/log-files.js";
import { startPage } from "../support/page-sample.js";
import type { BatchDump, BatchRows, SegmentRows } from "../../src/http/page/log/log-wire.js";
import { verify } from "../inspection/sample.js";
import { run } from "../cli/rustlog.js";

const paintNothing = (_role: string, text: string): string => text;

/** The offset of the first record at or after an offset. */
function recordAfter(offset: number): number | undefined {
  return OFFSETS.find((each) => each >= offset);
}

async function consume(
  address: string,
  options: Partial<ConsumerOptions> = {},
): Promise<{ offsets: number[]; position: number | undefined }> {
  await using client = await connect({ broker: address });
  await using consumer = client.consumer({ topic: "gaps", follow: false, ...options });
  const offsets: number[] = [];
  let position: number | undefined;
  for (let portion = await consumer.nextBatch(); portion !== null;) {
    while (portion.next()) {
      expect(portion.cursor.valueText()).toBe(valueAt(portion.cursor.offset));
      offsets.push(portion.cursor.offset);
    }
    position = consumer.position(0);
    portion = await consumer.nextBatch();
  }
  return { offsets, position };
}

describe("a log with gaps, served", () => {
  const directory = tempDir();
  let running: TestBroker;
  let address = "";
  beforeAll(async () => {
    await makeGapDirectory(directory.path);
    running = await startBroker({ dataDir: directory.path });
    address = running.broker.address;
  });
  afterAll(async () => {
    await running[Symbol.asyncDispose]();
    directory[Symbol.dispose]();
  });

  test("a consumer that starts at any offset gets every later record once", async () => {
    for (let from = 0; from <= END_OFFSET; from++) {
      for (const maxBytes of [1, 200, 1024 * 1024]) {
        const { offsets } = await consume(address, { offset: from, maxBytes });
        expect({ from, offsets }).toEqual({ from, offsets: OFFSETS.filter((o) => o >= from) });
      }
    }
  });

  test("an end inside a gap ends there, and -5 is five offsets before the end", async () => {
    expect((await consume(address, { offset: 5, end: 15 })).offsets).toEqual([5, 6, 7, 8, 9]);
    expect((await consume(address, { offset: 12, end: 15 })).offsets).toEqual([]);
    expect((await consume(address, { offset: { fromEnd: 5 } })).offsets).toEqual([42, 43]);
    expect((await consume(address, { offset: { fromEnd: 20 } })).offsets).toEqual(
      OFFSETS.filter((offset) => offset >= END_OFFSET - 20),
    );
  });

  test("a response says where the next one begins: after the last batch's range", async () => {
    using session = await running.session();
    const next = async (offset: number): Promise<number> =>
      (await session.fetch({ topic: "gaps", offset, maxBytes: 1 })).nextOffset;
    expect(await Promise.all([0, 9, 10, 19, 25, 30, 32, 33, 35, 36, 42, 44].map(next))).toEqual([
      10, 10, 30, 30, 30, 32, 34, 34, 36, 44, 44, 44,
    ]);
  });

  test("a search by time finds the first record that is new enough", async () => {
    for (let offset = 0; offset < END_OFFSET; offset++) {
      const expected = recordAfter(offset)!;
      const { offsets } = await consume(address, { offset: { timestamp: timestampAt(offset) } });
      expect({ offset, first: offsets[0] }).toEqual({ offset, first: expected });
      const before = await consume(address, { offset: { timestamp: timestampAt(offset) - 1 } });
      expect(before.offsets[0]).toBe(expected);
    }
    const after = await consume(address, { offset: { timestamp: timestampAt(END_OFFSET) } });
    expect(after.offsets).toEqual([]);
  });

  test("a group continues after gaps, and has no lag at the end", async () => {
    const command = ["consume", "gaps", "--broker", address, "--group", "readers"];
    const first = await run([...command, "-o", "earliest", "--max-records", "12"]);
    expect(first.stdout.trim().split("\n")).toEqual(OFFSETS.slice(0, 12).map(valueAt));
    await using client = await connect({ broker: address });
    const lag = async (): Promise<number> =>
      (await client.admin().describeGroup("readers")).reduce(
        (sum, { highWatermark, committedOffset }) => sum + highWatermark - committedOffset,
        0,
      );
    // Lag counts offsets.
    expect(await lag()).toBe(END_OFFSET - 22);
    const rest = await run(command);
    expect(rest.stdout.trim().split("\n")).toEqual(OFFSETS.slice(12).map(valueAt));
    expect(await lag()).toBe(0);
  });

  test("new records follow the last offset", async () => {
    const { broker } = running;
    const before = broker.context.registry.partition("gaps", 0).describe();
    expect(before).toMatchObject({ logStartOffset: 0, highWatermark: 44, segments: 3 });
  });
});

/** Starts a broker on the directory, and ends it: cleanly, or as if it were killed. */
async function restart(path: string, isClean: boolean): Promise<string[]> {
  const running = await startBroker({ dataDir: path });
  expect((await consume(running.broker.address)).offsets).toEqual([...OFFSETS]);
  await running[Symbol.asyncDispose]();
  if (!isClean) rmSync(join(path, "clean-shutdown.json"));
  return running.lines.filter((line) => /damage|cut|missing|rebuil/.test(line));
}

test.each([true, false])(
  "a log with gaps is recovered whole, again and again (clean stop: %p)",
  async (isClean) => {
    using directory = tempDir();
    await makeGapDirectory(directory.path);
    const lines = await restart(directory.path, isClean);
    // The index files were never written.
    expect(lines.filter((line) => !line.includes("rebuilding the indexes"))).toEqual([]);
    expect(await restart(directory.path, isClean)).toEqual([]);
    expect(await restart(directory.path, isClean)).toEqual([]);
    const { report } = await verify(directory.path);
    expect(report.findings.filter(({ severity }) => severity === "damage")).toEqual([]);
  },
);

test("a gap at the end of the last segment is kept with it", async () => {
  using directory = tempDir();
  await makeGapDirectory(directory.path);
  for (const base of [40]) rmSync(join(directory.path, gapFile(base)));
  const running = await startBroker({ dataDir: directory.path });
  await using _ = running;
  const partition = running.broker.context.registry.partition("gaps", 0);
  expect(partition.highWatermark).toBe(36);
  expect((await consume(running.broker.address, { offset: 35 })).offsets).toEqual([]);
});

test("a log start inside a batch, or in a gap, is where reading and searches begin", async () => {
  using directory = tempDir();
  await makeGapDirectory(directory.path);
  for (const start of [15, 23, 25]) {
    const expected = OFFSETS.filter((offset) => offset >= start);
    for (const isNew of [true, false]) {
      await using running = await startBroker({ dataDir: directory.path });
      const partition = running.broker.context.registry.partition("gaps", 0);
      if (isNew) await partition.advanceLogStart(start);
      expect(partition.logStartOffset).toBe(start);
      const { address } = running.broker;
      expect((await consume(address, { offset: "earliest" })).offsets).toEqual(expected);
      expect((await consume(address, { offset: { timestamp: 0 } })).offsets).toEqual(expected);
      await expect(consume(address, { offset: start - 1 })).rejects.toThrow(
        `offset ${start - 1} is not in`,
      );
    }
    using log = openLogFiles(directory.path, "gaps", 0);
    expect((await explainLookup(log, { timestamp: 0 })).record?.offset).toBe(expected[0]!);
    expect((await explainLookup(log, { offset: start - 1 })).failure?.code).toBe(
      "OFFSET_OUT_OF_RANGE",
    );
    const { report } = await verify(directory.path);
    expect(report.findings.filter(({ severity }) => severity === "damage")).toEqual([]);
  }
});

describe("a log with gaps, looked at", () => {
  const directory = tempDir();
  beforeAll(async () => {
    await makeGapDirectory(directory.path);
    // So that the indexes exist.
    await restart(directory.path, true);
  });
  afterAll(() => directory[Symbol.dispose]());

  test("verify finds no damage, and notes where segments do not meet", async () => {
    const { report, lines } = await verify(directory.path);
    expect(lines).toEqual([
      `note: ${gapFile(30)}: offsets 36 to 39: no batch covers them up to the next segment: they were compacted, or a segment is missing`,
    ]);
    expect(report.counts).toMatchObject({ records: OFFSETS.length });
  });

  test("inspect lists the batches and the remaining records", async () => {
    const found: number[] = [];
    const batches: unknown[] = [];
    for (const base of SEGMENTS) {
      const { stdout } = await run(
        ["inspect", join(directory.path, gapFile(base)), "--records", "--json"],
        {},
      );
      for (const line of stdout.trim().split("\n")) {
        const { kind, baseOffset, lastOffset, count, crcOk, records } = JSON.parse(line);
        batches.push([kind, baseOffset, lastOffset, count, crcOk]);
        found.push(...records.map(({ offset }: { offset: number }) => offset));
      }
    }
    expect(found).toEqual([...OFFSETS]);
    expect(batches).toEqual([
      ["batch", 0, 9, 10, true],
      ["batch", 20, 29, 9, true],
      ["batch", 30, 31, 2, true],
      ["batch", 32, 33, 0, true],
      ["batch", 34, 35, 1, true],
      ["batch", 42, 43, 2, true],
    ]);
  });

  async function explain(target: LookupTarget) {
    using log = openLogFiles(directory.path, "gaps", 0);
    const explanation = await explainLookup(log, target);
    return { explanation, text: lookupText(explanation, paintNothing as never) };
  }

  test("explain finds the record, or says that it is missing and what comes next", async () => {
    for (let offset = 0; offset < END_OFFSET; offset++) {
      const { explanation } = await explain({ offset });
      const { outcome, record, batch, nextOffset } = explanation;
      const isEmpty = offset === 32 || offset === 33 || offset === 35;
      const expected = isEmpty ? undefined : recordAfter(offset);
      expect({ offset, outcome, found: record?.offset }).toEqual({
        ...{ offset, outcome: "found" },
        found: expected,
      });
      if (isEmpty) expect(nextOffset).toBe((batch?.lastOffset ?? 0) + 1);
      else expect(nextOffset).toBeUndefined();
    }
    const { text } = await explain({ offset: 15 });
    expect(text).toContain("The batch: offsets 20 to 29, 9 records");
    expect(text).toContain("No record has offset 15: compaction has removed it");
    expect(text).toContain("The record: offset 20");
    const inside = await explain({ offset: 25 });
    expect(inside.text).toContain("The record: offset 26");
    const across = await explain({ offset: 37 });
    expect(across.explanation.segment?.baseOffset).toBe(40);
    expect(across.text).toContain("The record: offset 42");
    const empty = await explain({ offset: 32 });
    expect(empty.text).toContain("A consumer continues at offset 34.");
    expect((await explain({ offset: END_OFFSET })).explanation.outcome).toBe("waits");
  });

  test("explain by time names the first record that a consumer reads", async () => {
    for (let offset = 0; offset < END_OFFSET; offset++) {
      const { explanation } = await explain({ timestamp: timestampAt(offset) });
      expect(explanation.record?.offset).toBe(recordAfter(offset)!);
    }
  });

  test("the page draws its segments and batches", async () => {
    await using page = await startPage({ dataDir: directory.path });
    const get = async <Answer>(path: string): Promise<Answer> => {
      const response = await fetch(`${page.url}api/topics/gaps/0/${path}`);
      expect(response.status).toBe(200);
      return (await response.json()) as Answer;
    };
    const { bases } = await get<SegmentRows>("segments");
    expect(bases).toEqual([...SEGMENTS]);
    const rows = await get<BatchRows>("batches?segment=30&offset=33");
    expect(rows.batches.map(({ baseOffset, count }) => [baseOffset, count])).toEqual([
      [32, 0],
      [34, 1],
    ]);
    const empty = await get<BatchDump>(
      `batch?segment=30&position=${rows.batches[0]!.position}&from=0`,
    );
    expect(empty.batch).toMatchObject({ baseOffset: 32, lastOffset: 33, count: 0 });
    expect(empty.rows.filter((row) => "isBroken" in row && row.isBroken)).toEqual([]);
    const gap = await get<BatchRows>("batches?segment=0&offset=15");
    expect(gap.batches[0]).toMatchObject({ baseOffset: 20, lastOffset: 29, count: 9 });
  });
});
