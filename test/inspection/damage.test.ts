// Every kind of damage is reported with its place and cause, and nothing else is reported.
import { describe, expect, test } from "bun:test";
import { copyFileSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { stampBaseOffset } from "../../src/record/batch.js";
import { writeI64, writeU32 } from "../../src/record/bytes.js";
import { batchOf, encodeBatch, hex, LZ4_WITH_DICTIONARY, record } from "../record/batches.js";
import {
  appendTo,
  type Damage,
  edit,
  fileOf,
  linesAfter,
  sampleBatch,
  START_MS,
} from "./sample.js";
import { concat } from "../support/bytes.js";

/** Sizes of the batches in the sample's segments. */
const FIRST_BATCH_BYTES = 85;

describe("a sound directory", () => {
  test("has no findings after a clean stop", async () => {
    expect(await linesAfter(() => {})).toEqual([]);
  });

  test("has no findings after a kill", async () => {
    expect(await linesAfter(() => {}, false)).toEqual([]);
  });
});

describe("logs", () => {
  test("a changed byte of a value in a sealed segment", async () => {
    const lines = await linesAfter((path) =>
      edit(path(fileOf(4)), (bytes) => {
        bytes[1000]! ^= 1;
      }),
    );
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(
      /^damage: topics\/orders\/0\/0{19}4\.log: position 0, offset 4: its CRC-32C is 0x\w{8}, but its header says 0x\w{8} \(5078 bytes\)$/,
    );
  });

  test("a torn tail of the last segment", async () => {
    const lines = await linesAfter((path) => {
      appendTo(path(fileOf(10)), sampleBatch(["x", "y"], START_MS).subarray(0, 70));
    }, false);
    expect(lines).toEqual([
      `damage: ${fileOf(10)}: position 162, offset 13: 70 bytes of a batch of 85: a torn tail of 70 bytes; its header states offsets 0 to 1`,
    ]);
  });

  test("zeros after the end", async () => {
    const lines = await linesAfter(
      (path) => appendTo(path(fileOf(10)), new Uint8Array(4096)),
      false,
    );
    expect(lines).toEqual([
      `damage: ${fileOf(10)}: position 162, offset 13: a batch can't have 12 bytes: a torn tail of 4096 bytes`,
    ]);
  });

  test("damage before valid batches is not a torn tail", async () => {
    const lines = await linesAfter(
      (path) =>
        edit(path(fileOf(10)), (bytes) => {
          bytes.fill(0xff, 0, 20);
        }),
      false,
    );
    expect(lines).toHaveLength(1);
    expect(lines[0]).toStartWith(`damage: ${fileOf(10)}: position 0, offsets 10 to 11: `);
    expect(lines[0]).toEndWith(
      "or, if the machine stopped, truncates it here and keeps the removed bytes",
    );
  });

  test("verify agrees with recovery on a torn tail that contains batches", async () => {
    // The value of its record is another log, whose offsets follow the expected ones.
    const withOffset = (value: Uint8Array, offset: number): Uint8Array => {
      const batch = encodeBatch([record({ value })]);
      stampBaseOffset(batch, 0, offset);
      return batch;
    };
    const other = [20, 21].map((offset) => withOffset(hex("01 02"), offset));
    const torn = withOffset(concat([...other, hex("00 00 00 00 00 00")]), 13).subarray(0, -5);
    const lines = await linesAfter((path) => appendTo(path(fileOf(10)), torn), false);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(`a torn tail of ${torn.length} bytes`);
  });

  test("a damaged last batch that a clean stop noted", async () => {
    const lines = await linesAfter((path) =>
      edit(path(fileOf(10)), (bytes) => {
        bytes[bytes.length - 1]! ^= 1;
      }),
    );
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(`${fileOf(10)}: position 85, offset 12: its CRC-32C is`);
    expect(lines[0]).toEndWith(
      "a clean stop noted these bytes, so this is not a torn tail and is not truncated",
    );
  });

  test("a sealed segment that ends early", async () => {
    const lines = await linesAfter((path) => truncateSync(path(fileOf(0)), FIRST_BATCH_BYTES));
    expect(lines[0]).toBe(
      `note: ${fileOf(0)}: offsets 2 to 3: no batch covers them up to the next segment: they were compacted, or a segment is missing`,
    );
    expect(lines.slice(1)).toEqual([
      `damage: ${fileOf(0, "timeindex")}: position 0: entry 0 names offset 3, but no batch ends with it`,
    ]);
  });

  test("a sealed segment that is empty", async () => {
    const lines = await linesAfter((path) => truncateSync(path(fileOf(4)), 0));
    expect(lines[0]).toBe(
      `damage: ${fileOf(4)}: position 0: it ends before offset 4, but the next segment starts with 10: offsets 4 to 9 are missing`,
    );
  });

  test("a missing segment", async () => {
    const lines = await linesAfter((path) => {
      for (const kind of ["log", "index", "timeindex"] as const) rmSync(path(fileOf(4, kind)));
    });
    expect(lines).toEqual([
      expect.stringContaining(`note: ${fileOf(0)}: offsets 4 to 9: no batch`),
      // It contained a producer's batch.
      expect.stringContaining(`damage: ${fileOf(10, "snapshot")}: offset 10: `),
    ]);
  });

  test("a segment that overlaps the next", async () => {
    const lines = await linesAfter((path) => {
      const batch = sampleBatch(["again"], START_MS);
      stampBaseOffset(batch, 0, 4);
      appendTo(path(fileOf(0)), batch);
    });
    expect(lines[0]).toEndWith(
      "it ends before offset 5, but the next segment starts with 4: offset 4 is duplicated",
    );
  });

  test("a base offset that is too high, and a duplicated batch", async () => {
    const gap = await linesAfter((path) =>
      edit(path(fileOf(10)), (bytes) => stampBaseOffset(bytes, 85, 14)),
    );
    expect(gap).toEqual([
      `damage: ${fileOf(10)}: position 85, offset 14: a batch starts with offset 14, but 12 was expected: it overlaps offset 13, where the next one starts`,
    ]);
    const twice = await linesAfter(
      (path) => edit(path(fileOf(10)), (bytes) => Buffer.concat([bytes.subarray(0, 85), bytes])),
      false,
    );
    expect(twice[0]).toBe(
      `damage: ${fileOf(10)}: position 85, offset 10: a batch starts with offset 10, but 12 was expected: offsets 10 to 11 are duplicated`,
    );
  });

  test("a batch with a correct CRC and invalid records", async () => {
    const lines = await linesAfter((path) => {
      const batch = batchOf(hex("0c 00 00 00 01 02"), 1);
      stampBaseOffset(batch, 0, 13);
      appendTo(path(fileOf(10)), batch);
    }, false);
    expect(lines).toEqual([
      `damage: ${fileOf(10)}: position 162, offset 13: record at offset 13: its length is impossible`,
    ]);
  });

  test("a batch that can't be decompressed here is not damage", async () => {
    const lines = await linesAfter((path) => {
      const batch = batchOf(LZ4_WITH_DICTIONARY, 1, 3);
      stampBaseOffset(batch, 0, 13);
      appendTo(path(fileOf(10)), batch);
    }, false);
    expect(lines).toEqual([
      `note: ${fileOf(10)}: the records of 1 batch of codec lz4 can't be decompressed here; their CRCs match`,
    ]);
  });
});

describe("indexes", () => {
  const index = fileOf(4, "index");
  const times = fileOf(4, "timeindex");
  const cases: readonly (readonly [string, Damage, readonly string[]])[] = [
    ["missing", (path) => rmSync(path(index)), [`${index}: it is missing`]],
    [
      "empty",
      (path) => truncateSync(path(index), 0),
      [`${index}: 2 entries are missing, the first for the batch at position 5078`],
    ],
    [
      "stale by one entry",
      (path) => truncateSync(path(index), 8),
      [`${index}: an entry is missing, for the batch at position 10261`],
    ],
    [
      "of odd length",
      (path) => appendTo(path(index), Uint8Array.of(1)),
      [`${index}: its size of 17 bytes is not a multiple of 8`],
    ],
    [
      "longer than the log",
      (path) => appendTo(path(index), new Uint8Array(1_000_000)),
      [`${index}: its 1000016 bytes are too many for a log of 10338 bytes`],
    ],
    [
      "of another segment",
      (path) => copyFileSync(path(fileOf(0, "timeindex")), path(times)),
      [
        `${times}: position 0: entry 0 states ${START_MS + 11} for the batch that ends with offset 7, but it has ${START_MS + 32}`,
      ],
    ],
    [
      "wrong position",
      (path) => edit(path(index), (bytes) => writeU32(bytes, 12, 5079)),
      [`${index}: position 8: entry 1 points to position 5079, where no batch starts`],
    ],
    [
      "the same entry twice",
      (path) => appendTo(path(index), readFileSync(path(index)).subarray(8)),
      [`${index}: position 16: entry 2 points to position 10261, where no batch starts`],
    ],
    ["time index missing", (path) => rmSync(path(times)), [`${times}: it is missing`]],
    [
      "time index empty",
      (path) => truncateSync(path(times), 0),
      [`${times}: it has no entries, but the largest timestamp of the segment is ${START_MS + 40}`],
    ],
    [
      "time index without its last entry",
      (path) => truncateSync(path(times), 12),
      [
        `${times}: its last entry is ${START_MS + 32}, but the largest timestamp of the segment is ${START_MS + 40}`,
      ],
    ],
    [
      "time index with another time",
      (path) => edit(path(times), (bytes) => writeI64(bytes, 0, 5)),
      [
        `${times}: position 0: entry 0 states 5 for the batch that ends with offset 7, but it has ${START_MS + 32}`,
      ],
    ],
    [
      "an index without a log",
      (path) => writeFileSync(path(fileOf(7, "index")), ""),
      [`${fileOf(7, "index")}: its log 00000000000000000007.log is missing`],
    ],
  ];

  test.each(cases)("%s", async (_name, damage, expected) => {
    const lines = await linesAfter(damage);
    expect(lines).toEqual(expected.map((line) => `damage: ${line}`));
  });

  test("of the last segment may lag or be missing after a kill", async () => {
    const lines = await linesAfter(
      (path) => rmSync(path(fileOf(10, "timeindex")), { force: true }),
      false,
    );
    expect(lines).toEqual([]);
  });
});
