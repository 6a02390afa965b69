// Walking damaged logs: every byte belongs to one part, and every untouched batch is found.
import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { FileReader } from "../../src/inspection/file-reader.js";
import { walkSegment } from "../../src/inspection/segment-walk.js";
import { baseOffset, FIELD, stampBaseOffset } from "../../src/record/batch.js";
import { writeI32 } from "../../src/record/bytes.js";
import { encodeBatch, record } from "../record/batches.js";
import { tempDir } from "../support/tmp.js";
import { concat } from "../support/bytes.js";

/** Batches with the given numbers of value bytes, and contiguous offsets from `first`. */
function batches(sizes: readonly number[], first = 0): Uint8Array[] {
  return sizes.map((size, i) => {
    const batch = encodeBatch([record({ value: new Uint8Array(size).fill(97 + (i % 26)) })]);
    stampBaseOffset(batch, 0, first + i);
    return batch;
  });
}

interface Part {
  readonly position: number;
  readonly size: number;
  /** Base offset of a batch, or the fault. */
  readonly what: number | string;
}

function walk(bytes: Uint8Array): Part[] {
  using directory = tempDir();
  const path = join(directory.path, "walked.log");
  writeFileSync(path, bytes);
  using file = new FileReader(path);
  const parts: Part[] = [];
  for (const part of walkSegment(file)) {
    const { position, size } = part;
    const what = part.kind === "batch" ? baseOffset(part.bytes, part.at) : part.fault.kind;
    parts.push({ position, size, what });
  }
  return parts;
}

test("property: parts cover the file, and every untouched batch is found", () => {
  const damages = fc.array(
    fc.record({
      at: fc.double({ min: 0, max: 0.999, noNaN: true }),
      xor: fc.integer({ min: 1, max: 255 }),
    }),
    { maxLength: 3 },
  );
  const sizes = fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(sizes, damages, fc.nat({ max: 100 }), (valueBytes, changes, cut) => {
      const sound = batches(valueBytes);
      const bytes = concat(sound).slice(0);
      const touched = new Set<number>();
      for (const { at, xor } of changes) {
        const index = Math.floor(at * bytes.length);
        bytes[index]! ^= xor;
        touched.add(index);
      }
      const end = Math.max(0, bytes.length - cut);
      const parts = walk(bytes.subarray(0, end));
      let position = 0;
      for (const part of parts) {
        expect(part.position).toBe(position);
        expect(part.size).toBeGreaterThan(0);
        position += part.size;
      }
      expect(position).toBe(end);
      const found = new Set(
        parts.filter(({ what }) => typeof what === "number").map((p) => p.position),
      );
      let start = 0;
      for (const batch of sound) {
        const isTouched = [...touched].some(
          (index) => index >= start && index < start + batch.length,
        );
        if (!isTouched && start + batch.length <= end) expect(found).toContain(start);
        start += batch.length;
      }
    }),
    { numRuns: 150 },
  );
});

describe("positions", () => {
  const sound = batches([10, 20, 30]);
  const [first, second, third] = sound as [Uint8Array, Uint8Array, Uint8Array];

  test("a wrong length in the middle", () => {
    const bytes = concat(sound).slice(0);
    writeI32(bytes, first.length + FIELD.batchLength, 2 ** 30);
    expect(walk(bytes)).toEqual([
      { position: 0, size: first.length, what: 0 },
      { position: first.length, size: second.length, what: "truncated" },
      { position: first.length + second.length, size: third.length, what: 2 },
    ]);
  });

  test("a batch inside the value of a damaged record is not taken for a batch of the log", () => {
    const outer = encodeBatch([record({ value: batches([5])[0]! })]);
    stampBaseOffset(outer, 0, 1);
    outer[outer.length - 1]! ^= 1;
    expect(walk(concat([first, outer, third]))).toEqual([
      { position: 0, size: first.length, what: 0 },
      { position: first.length, size: outer.length, what: "crc" },
      { position: first.length + outer.length, size: third.length, what: 2 },
    ]);
  });

  test("garbage larger than the window, then a batch", () => {
    const garbage = new Uint8Array(3_000_000).map((_, i) => (i * 31 + (i >> 8) * 7) % 251);
    expect(walk(concat([first, garbage, second]))).toEqual([
      { position: 0, size: first.length, what: 0 },
      { position: first.length, size: garbage.length, what: expect.any(String) },
      { position: first.length + garbage.length, size: second.length, what: 1 },
    ]);
  });

  test("a batch larger than the window", () => {
    const large = batches([2_500_000])[0]!;
    expect(walk(concat([large, second]))).toEqual([
      { position: 0, size: large.length, what: 0 },
      { position: large.length, size: second.length, what: 1 },
    ]);
  });

  test("an empty file has no parts", () => expect(walk(new Uint8Array(0))).toEqual([]));
});
