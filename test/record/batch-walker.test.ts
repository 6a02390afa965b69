// The walk over a hostile log: which batches it finds, and that its work is linear in the size of the file.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { walkSegment } from "../../src/inspection/segment-walk.js";
import {
  BATCH_HEADER_BYTES,
  BATCH_OVERHEAD_BYTES,
  FIELD,
  findBatchFault,
  stampBaseOffset,
} from "../../src/record/batch.js";
import { writeI32, writeU32 } from "../../src/record/bytes.js";
import { crc32c } from "../../src/record/crc32c.js";
import { BatchEncoder } from "../../src/record/encoder.js";
import { BatchSearch } from "../../src/record/batch-search.js";
import type { ReadableFile } from "../../src/record/bytes.js";
import { batchOf } from "../support/log-fixture.js";
import { Random } from "../support/random.js";
import { concat } from "../support/bytes.js";

const MiB = 1024 * 1024;

/** A file in memory that counts the bytes read, and the bytes that go into a CRC. */
class CountedFile implements ReadableFile {
  readonly #bytes: Uint8Array;
  readBytes = 0;
  checkedBytes = 0;
  readonly crc32c: typeof crc32c = (bytes, start, end, before) => {
    this.checkedBytes += end - start;
    return crc32c(bytes, start, end, before);
  };

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get size(): number {
    return this.#bytes.length;
  }

  read(into: Uint8Array, position: number): number {
    const bytes = this.#bytes.subarray(position, position + into.length);
    into.set(bytes);
    this.readBytes += bytes.length;
    return bytes.length;
  }
}

/** A batch with this base offset and one record with this value. */
function batchAt(offset: number, value = "x"): Uint8Array {
  const batch = batchOf([value]);
  stampBaseOffset(batch, 0, offset);
  return batch;
}

const HEADER = batchAt(1_000_000).slice(0, BATCH_HEADER_BYTES);

/** A plausible header of a batch of this size, with a wrong CRC. */
function fakeHeader(bytes: number): Uint8Array {
  const header = HEADER.slice();
  writeI32(header, FIELD.batchLength, bytes - BATCH_OVERHEAD_BYTES);
  writeU32(header, FIELD.crc, 0x1234_5678);
  return header;
}

/** Fake headers that fill `bytes`; `endOf` gives the end of the batch that each states. */
function fakes(bytes: Uint8Array, from: number, endOf: (position: number) => number): void {
  for (let at = from; at + BATCH_HEADER_BYTES <= bytes.length; at += BATCH_HEADER_BYTES) {
    bytes.set(fakeHeader(endOf(at) - at), at);
  }
}

/** Fake headers that overlap: one begins every 32 bytes. */
function overlappingFakes(bytes: Uint8Array): void {
  const header = new Uint8Array(32);
  header[FIELD.magic] = 2;
  header[FIELD.batchLength + 3] = 80;
  header[FIELD.recordCount + 3 - header.length] = 1;
  for (let at = 0; at < bytes.length; at += 32)
    bytes.set(header.subarray(0, bytes.length - at), at);
}

const hostile: readonly [string, () => Uint8Array][] = [
  [
    "headers of batches that all end at the end of the file, in a batch that is torn",
    () => {
      const bytes = new Uint8Array(4 * MiB);
      fakes(bytes, BATCH_HEADER_BYTES, () => bytes.length);
      bytes.set(fakeHeader(bytes.length + 1_500));
      return bytes;
    },
  ],
  [
    "headers of batches that end anywhere behind them",
    () => {
      const random = new Random(1);
      const bytes = new Uint8Array(4 * MiB);
      fakes(bytes, 0, (at) => {
        const size = BATCH_HEADER_BYTES + random.below(bytes.length - at - BATCH_HEADER_BYTES + 1);
        return at + size;
      });
      return bytes;
    },
  ],
  [
    "whole batches, each before the header of one that ends far behind it",
    () => {
      const bytes = new Uint8Array(2 * MiB);
      const batch = batchAt(0);
      let offset = 1;
      for (let at = 0; at < bytes.length - 1_000;) {
        bytes.set(fakeHeader(bytes.length - 100 - at), at);
        at += BATCH_HEADER_BYTES;
        stampBaseOffset(batch, 0, offset++);
        bytes.set(batch, at);
        at += batch.length;
      }
      return bytes;
    },
  ],
  [
    "whole batches, each before the header of one that ends anywhere behind it",
    () => {
      const random = new Random(2);
      const bytes = new Uint8Array(2 * MiB);
      const batch = batchAt(0);
      let offset = 1;
      for (let at = 0; at < bytes.length - 1_000;) {
        const size = BATCH_HEADER_BYTES + random.below(bytes.length - at - BATCH_HEADER_BYTES);
        bytes.set(fakeHeader(size), at);
        at += BATCH_HEADER_BYTES;
        stampBaseOffset(batch, 0, offset++);
        bytes.set(batch, at);
        at += batch.length;
      }
      return bytes;
    },
  ],
  [
    "headers that overlap",
    () => {
      const bytes = new Uint8Array(2 * MiB);
      overlappingFakes(bytes);
      return bytes;
    },
  ],
  ["nothing but the byte of the magic", () => new Uint8Array(2 * MiB).fill(2)],
];

test.each(hostile)("the work is linear: %s", (_name, make) => {
  const file = new CountedFile(make());
  let position = 0;
  let misplaced = 0;
  for (const part of walkSegment(file, { computeCrc: file.crc32c })) {
    if (part.position !== position) misplaced++;
    position += part.size;
  }
  expect({ position, misplaced }).toEqual({ position: file.size, misplaced: 0 });
  expect(file.checkedBytes).toBeLessThanOrEqual(4 * file.size);
  expect(file.readBytes).toBeLessThanOrEqual(6 * file.size);
});

test("a damaged batch needs no search if the next one is valid, whatever they contain", () => {
  const value = new Uint8Array(200_000);
  fakes(value, 0, (at) => 4 * MiB - at);
  const batches = Array.from({ length: 20 }, (_, i) => {
    const encoder = new BatchEncoder();
    encoder.append(0, null, value);
    const batch = encoder.finish();
    stampBaseOffset(batch, 0, i);
    return batch;
  });
  batches[3]![1_000]! ^= 1;
  const file = new CountedFile(concat(batches));
  const found = [...walkSegment(file, { computeCrc: file.crc32c })].map((part) => part.kind);
  expect(found.filter((kind) => kind === "batch").length).toBe(19);
  // The batch after the damage is checked twice.
  expect(file.checkedBytes).toBeLessThanOrEqual(file.size + batches[4]!.length);
});

describe("the search", () => {
  /** The valid batches from `from` on, found by computing each CRC. */
  function byForce(bytes: Uint8Array, from: number): number[] {
    const found: number[] = [];
    for (let at = from; at + BATCH_HEADER_BYTES <= bytes.length; at++) {
      if (bytes[at + FIELD.magic] !== 2 || bytes[at] !== 0) continue;
      if (findBatchFault(bytes, at, bytes.length) === undefined) found.push(at);
    }
    return found;
  }

  function bySearch(bytes: Uint8Array, from: number): number[] {
    const search = new BatchSearch(new CountedFile(bytes), from, crc32c);
    const found: number[] = [];
    for (let position = search.next(from); position !== undefined;) {
      found.push(position);
      position = search.next(position + 1);
    }
    return found;
  }

  test("property: finds the same as computing each CRC, in small files", () => {
    const piece = fc.oneof(
      fc.nat(200).map((length) => batchAt(length, "y".repeat(length))),
      fc.nat(1_000).map((length) => fakeHeader(BATCH_HEADER_BYTES + length)),
      fc.uint8Array({ maxLength: 40 }),
      fc.nat(100).map((length) => batchAt(3, batchAt(4, "z".repeat(length)).toString())),
    );
    const file = fc.array(piece, { maxLength: 30 });
    fc.assert(
      fc.property(file, fc.nat(50), fc.nat(80), (pieces, from, cut) => {
        const whole = concat(pieces);
        const bytes = whole.slice(0, Math.max(from, whole.length - cut));
        if (bytes.length < from) return;
        expect(bySearch(bytes, from)).toEqual(byForce(bytes, from));
      }),
      { numRuns: 200 },
    );
  });

  test("finds batches that begin, end and overlap at the edges of its blocks", () => {
    for (let seed = 1; seed <= 6; seed++) {
      const random = new Random(seed);
      const bytes = new Uint8Array(3 * MiB + random.below(200));
      const from = random.below(100);
      for (const edge of [MiB, 2 * MiB, 3 * MiB]) {
        for (let i = 0; i < 4; i++) {
          const batch = batchAt(i, "v".repeat(random.below(300)));
          const at = Math.min(from + edge - 250 + random.below(400), bytes.length);
          bytes.set(batch.subarray(0, bytes.length - at), at);
        }
      }
      // One that contains all the others, except the first bytes of the file.
      const outer = batchAt(0).slice(0, BATCH_HEADER_BYTES);
      writeI32(outer, FIELD.batchLength, bytes.length - 200 - BATCH_OVERHEAD_BYTES);
      bytes.set(outer, 150);
      const outerEnd = 150 + bytes.length - 200;
      writeU32(bytes, 150 + FIELD.crc, crc32c(bytes, 150 + FIELD.attributes, outerEnd));
      const found = bySearch(bytes, from);
      expect(found).toEqual(byForce(bytes, from));
      expect(found.length).toBeGreaterThan(1);
      expect(found[0]).toBe(150);
    }
  });
});
