// What compaction makes of single batches: delete horizons, kept batches, control batches and transactions, batches that
// can't be opened.
// Leaves to others: runs over random logs (compaction-run.test.ts).
import { describe, expect, test } from "bun:test";
import {
  attributes,
  batchBytes,
  baseSequence,
  baseTimestamp,
  type Codec,
  CODECS,
  codecOf,
  FIELD,
  lastOffset,
  maxTimestamp,
  nextOffset,
  NO_PRODUCER,
  type ProducerSequence,
  producerEpoch,
  producerId,
  recordCount,
  stampBaseOffset,
} from "../../src/record/batch.js";
import { writeU16 } from "../../src/record/bytes.js";
import { deleteHorizon } from "../../src/record/delete-horizon.js";
import { BatchEncoder } from "../../src/record/encoder.js";
import { compactSegments } from "../../src/log/compaction/compact-segments.js";
import type { CompactionJob, SourceSegment } from "../../src/log/compaction/compaction-job.js";
import { segmentFileName } from "../../src/log/segment/segment-files.js";
import { batchOf, LZ4_WITH_DICTIONARY, stampCrc } from "../record/batches.js";
import {
  batchesOf,
  COMPACTED_DIRECTORY,
  compactFully,
  jobOf,
  logBytes,
  overwrite,
  placeGroups,
  recordsOf,
} from "../support/compaction-log.js";
import { Random } from "../support/random.js";
import { SimulatedDisk } from "../support/simulated-disk.js";
import { concat } from "../support/bytes.js";

const LOG_APPEND_TIME_BIT = 0x08;
const TRANSACTIONAL_BIT = 0x10;
const CONTROL_BIT = 0x20;

type TestRecord = readonly [key: string | null, value: string | null, timestamp?: number];

interface TestBatch {
  readonly records: readonly TestRecord[];
  readonly codec?: Codec;
  readonly flags?: number;
  readonly producer?: ProducerSequence;
}

function encoded({ records, codec = "none", flags = 0, producer = NO_PRODUCER }: TestBatch) {
  const encoder = new BatchEncoder({ codec });
  for (const [key, value, timestamp = 1_000] of records) encoder.append(timestamp, key, value);
  const batch = encoder.finish(producer);
  writeU16(batch, FIELD.attributes, attributes(batch, 0) | flags);
  return stampCrc(batch);
}

/** A disk with a log of these segments of batches; each batch follows the one before. */
function logOf(...segments: (readonly (TestBatch | Uint8Array)[])[]): {
  disk: SimulatedDisk;
  job: CompactionJob;
} {
  const disk = new SimulatedDisk(new Random(1));
  disk.makeDirectory(COMPACTED_DIRECTORY);
  let offset = 0;
  const sources: SourceSegment[] = [];
  for (const batches of segments) {
    const base = offset;
    const parts = batches.map((it) => {
      const batch = it instanceof Uint8Array ? it.slice() : encoded(it);
      stampBaseOffset(batch, 0, offset);
      offset = nextOffset(batch, 0);
      return batch;
    });
    overwrite(disk, segmentFileName(base, "log"), concat(parts));
    sources.push({ baseOffset: base, nextOffset: offset });
  }
  const log = { segments: sources, records: [], endOffset: offset, lastBatches: [] };
  return { disk, job: jobOf(log) };
}

/** Compacts the log; returns its bytes, and the job for another run over the same range, now clean. */
async function compacted(disk: SimulatedDisk, job: CompactionJob) {
  const { segments } = await compactFully(disk, job);
  const bytes = logBytes(disk, segments);
  batchesOf(bytes);
  const next = { ...job, segments, firstDirtyOffset: job.endOffset };
  return { bytes, next, records: recordsOf(bytes) };
}

describe("a tombstone", () => {
  for (const codec of CODECS) {
    test(`gets a horizon, and goes when it is over: ${codec}`, async () => {
      const records: TestRecord[] = [
        ["a", "1", 1_000],
        ["b", null, 5],
        ["c", "3".repeat(300), 2 ** 40],
        ["d", null, 0],
      ];
      const { disk, job } = logOf([{ records, codec }], [{ records: [["a", "2", 7]] }]);
      const horizon = job.nowMs + job.deleteRetentionMs;
      const first = await compacted(disk, job);
      expect(
        first.records.map((it) => [it.offset, it.key, it.value?.length, it.timestamp]),
      ).toEqual([
        [1, "b", undefined, 5],
        [2, "c", 300, 2 ** 40],
        [3, "d", undefined, 0],
        [4, "a", 1, 7],
      ]);
      expect(deleteHorizon(first.bytes, 0)).toBe(horizon);
      expect(maxTimestamp(first.bytes, 0)).toBe(2 ** 40);
      expect(codecOf(first.bytes, 0)).toBe(codec);
      const soon = await compacted(disk, { ...first.next, nowMs: horizon - 1 });
      expect(soon.bytes).toEqual(first.bytes);
      const late = await compacted(disk, { ...soon.next, nowMs: horizon });
      expect(late.records.map((it) => [it.offset, it.timestamp])).toEqual([
        [2, 2 ** 40],
        [4, 7],
      ]);
      expect(deleteHorizon(late.bytes, 0)).toBe(horizon);
      expect(maxTimestamp(late.bytes, 0)).toBe(2 ** 40);
    });
  }

  test("in a batch with the time of its append keeps that time", async () => {
    const records: TestRecord[] = [
      ["a", null, 50],
      ["b", "1", 70],
    ];
    const { disk, job } = logOf([{ records, flags: LOG_APPEND_TIME_BIT }]);
    const { bytes, records: kept } = await compacted(disk, job);
    expect(deleteHorizon(bytes, 0)).toBe(job.nowMs + job.deleteRetentionMs);
    expect(kept.map((it) => it.timestamp)).toEqual([70, 70]);
    expect(maxTimestamp(bytes, 0)).toBe(70);
  });

  test("stays if no timestamp can be relative to a horizon", async () => {
    const { disk, job } = logOf([{ records: [["a", null, -(2 ** 53) + 1]] }]);
    const result = await compactSegments(disk, job);
    expect(result?.groups).toEqual([]);
    expect(result?.stats.recordsKept).toBe(1);
  });

  test("that does not fit the map any more waits for the next run", async () => {
    const many: TestRecord[] = Array.from({ length: 40 }, (_, i) => [
      `key ${i}`,
      i < 35 ? "" : null,
    ]);
    const { disk, job } = logOf([{ records: many }], [{ records: [["key 0", null]] }]);
    const result = await compactSegments(disk, { ...job, mapBytes: 1 });
    expect(result?.cleanedTo).toBe(1);
    expect(result?.groups).toEqual([]);
    const { runs } = await compactFully(disk, { ...job, mapBytes: 200 });
    expect(runs.length).toBeGreaterThan(1);
  });

  test("that is deleted itself leaves nothing of its key", async () => {
    const { disk, job } = logOf([
      {
        records: [
          ["a", "1"],
          ["a", null],
          ["b", "2"],
        ],
      },
    ]);
    const first = await compacted(disk, job);
    expect(first.records.map((it) => it.offset)).toEqual([1, 2]);
    const late = await compacted(disk, { ...first.next, nowMs: 2 * job.nowMs });
    expect(late.records.map((it) => it.offset)).toEqual([2]);
  });
});

describe("a batch without records", () => {
  const producer = { producerId: 9, producerEpoch: 2, baseSequence: 40 };

  test("stays if its producer's sequence is needed, with all fields of the producer", async () => {
    const { disk, job } = logOf(
      [
        {
          records: [
            ["a", "1", 77],
            ["b", "1"],
          ],
          producer,
          codec: "gzip",
        },
      ],
      [
        {
          records: [
            ["a", "2"],
            ["b", "2"],
          ],
        },
      ],
    );
    const lastBatches = [{ producerId: 9, lastOffset: 1 }];
    const { bytes, next } = await compacted(disk, { ...job, lastBatches });
    expect(recordCount(bytes, 0)).toBe(0);
    expect([producerId(bytes, 0), producerEpoch(bytes, 0), baseSequence(bytes, 0)]).toEqual([
      9, 2, 40,
    ]);
    expect(lastOffset(bytes, 0)).toBe(1);
    expect([codecOf(bytes, 0), maxTimestamp(bytes, 0)]).toEqual(["none", 1_000]);
    expect(baseTimestamp(bytes, 0)).toBe(1_000);
    expect((await compacted(disk, next)).bytes).toEqual(bytes);
    const later = await compacted(disk, { ...next, lastBatches: [] });
    expect(batchesOf(later.bytes).length).toBe(1);
  });

  test("stays at the end of the range, and goes when the range has grown", async () => {
    const log = logOf(
      [{ records: [["a", "1"]] }, { records: [[null, "no key"]] }],
      [{ records: [["b", "1"]] }],
    );
    const { disk, job } = log;
    const short = { ...job, segments: job.segments.slice(0, 1), endOffset: 2 };
    const result = (await compactSegments(disk, short))!;
    const segments = placeGroups(disk, job.segments, result);
    const bytes = logBytes(disk, segments);
    expect(batchesOf(bytes).map((at) => recordCount(bytes, at))).toEqual([1, 0, 1]);
    const all = await compacted(disk, { ...job, segments, firstDirtyOffset: 2 });
    expect(batchesOf(all.bytes).map((at) => recordCount(all.bytes, at))).toEqual([1, 1]);
  });

  test("stays if a segment has no other", async () => {
    const { disk, job } = logOf([{ records: [["a", "1"]] }], [{ records: [["a", "2"]] }]);
    const { bytes } = await compacted(disk, { ...job, segmentBytes: 1, lastBatches: [] });
    expect(recordsOf(bytes).map((it) => it.value)).toEqual(["2"]);
  });
});

describe("transactions", () => {
  test("control batches stay as they are", async () => {
    const control = {
      records: [["\0\0\0\u0001", "x"]] as const,
      flags: CONTROL_BIT | TRANSACTIONAL_BIT,
    };
    const { disk, job } = logOf([control, { records: [["a", "1"]] }, control]);
    const result = await compactSegments(disk, job);
    expect(result?.groups).toEqual([]);
  });

  test("a record goes for a later one outside of transactions, and no other goes for it", async () => {
    const flags = TRANSACTIONAL_BIT;
    const { disk, job } = logOf(
      [
        {
          records: [
            ["a", "1"],
            ["b", "1"],
            ["c", "1"],
          ],
        },
      ],
      [
        {
          records: [
            ["a", "2"],
            ["b", "2"],
            ["d", null],
          ],
          flags,
        },
        { records: [["a", "3"]] },
      ],
      [{ records: [["a", "4"]], flags }],
    );
    const expected = ["b=1", "c=1", "b=2", "d=null", "a=3", "a=4"];
    const first = await compacted(disk, job);
    expect(first.records.map(({ key, value }) => `${key}=${value}`)).toEqual(expected);
    const late = await compacted(disk, { ...first.next, nowMs: 2 * job.nowMs });
    expect(late.records).toEqual(first.records);
  });
});

describe("a batch that can't be opened", () => {
  const unopenable = batchOf(LZ4_WITH_DICTIONARY, 3, CODECS.indexOf("lz4"));

  test("stays, and so do the tombstones after it", async () => {
    const { disk, job } = logOf(
      [
        {
          records: [
            ["a", null],
            ["b", "1"],
          ],
        },
      ],
      [
        unopenable,
        {
          records: [
            ["c", null],
            ["b", "2"],
          ],
        },
      ],
    );
    const first = await compactSegments(disk, job);
    expect(first?.stats.batchesUnopened).toBe(1);
    expect(first?.stats.recordsKept).toBe(6);
    const segments = placeGroups(disk, job.segments, first!);
    const firstDirtyOffset = job.endOffset;
    const later = { ...job, segments, firstDirtyOffset, nowMs: 2 * job.nowMs };
    const second = await compactSegments(disk, later);
    expect(second?.stats.recordsKept).toBe(5);
    const bytes = logBytes(disk, placeGroups(disk, segments, second!));
    const kept = batchesOf(bytes).filter((at) => codecOf(bytes, at) === "none");
    const parts = kept.map((at) => bytes.subarray(at, at + batchBytes(bytes, at)));
    expect(recordsOf(concat(parts)).map(({ key, value }) => `${key}=${value}`)).toEqual([
      "c=null",
      "b=2",
    ]);
  });
});

test("tombstones after a damaged segment stay, those before it go", async () => {
  const { disk, job } = logOf(
    [{ records: [["a", null]] }, { records: [["x", "1"]] }],
    [{ records: [["b", "1"]] }],
    [{ records: [["c", null]] }, { records: [["x", "2"]] }],
  );
  const name = segmentFileName(job.segments[1]!.baseOffset, "log");
  disk.flipBit(`${COMPACTED_DIRECTORY}/${name}`, 8 * 65);
  const first = await compactSegments(disk, job);
  const segments = placeGroups(disk, job.segments, first!);
  expect(segments).toHaveLength(3);
  const firstDirtyOffset = job.endOffset;
  const later = { ...job, segments, firstDirtyOffset, nowMs: 2 * job.nowMs };
  const second = await compactSegments(disk, later);
  expect(second?.stats.damage).toEqual([expect.stringContaining(name)]);
  const [before, , after] = placeGroups(disk, segments, second!);
  const left = [before!, after!].map((segment) =>
    recordsOf(logBytes(disk, [segment])).map(({ key, value }) => `${key}=${value}`),
  );
  expect(left).toEqual([[], ["c=null", "x=2"]]);
});

test("a batch with nothing but records without a key goes", async () => {
  const { disk, job } = logOf([
    {
      records: [
        [null, "1"],
        [null, null],
      ],
    },
    { records: [["a", "1"]] },
  ]);
  const { bytes } = await compacted(disk, job);
  expect(recordsOf(bytes).map((it) => it.offset)).toEqual([2]);
  expect(batchesOf(bytes).length).toBe(1);
});

test("a batch larger than a portion of the file is read, and written, as a whole", async () => {
  const large = "x".repeat(1_500_000);
  const { disk, job } = logOf(
    [
      {
        records: [
          ["a", "1"],
          ["b", large],
          ["c", large],
        ],
      },
      { records: [["d", large]] },
    ],
    [{ records: [["c", "2"]] }],
  );
  const { records } = await compacted(disk, job);
  expect(records.map((it) => [it.offset, it.value?.length])).toEqual([
    [0, 1],
    [1, large.length],
    [3, large.length],
    [4, 1],
  ]);
});
