// Output that tracks what was written: bytes in order, and exactly the written records count.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ByteOutput, type WriteFrom } from "../../src/cli/output.js";

/** A sink that takes pieces of the given lengths and fails with `code` after `bytesMax` bytes. */
class FakeSink {
  readonly written: number[] = [];
  #turn = 0;

  constructor(
    readonly pieces: readonly number[],
    readonly bytesMax: number = Number.POSITIVE_INFINITY,
    readonly code: string = "EPIPE",
  ) {}

  readonly write: WriteFrom = async (bytes, start, end) => {
    const piece = this.pieces[this.#turn++ % this.pieces.length]!;
    const count = Math.min(end - start, piece, this.bytesMax - this.written.length);
    if (count === 0) throw Object.assign(new Error(`write: ${this.code}`), { code: this.code });
    for (let at = start; at < start + count; at++) this.written.push(bytes[at]!);
    return count;
  };
}

describe("ByteOutput", () => {
  test("bytes, copies and text come out in order, however small the writes are", async () => {
    const sink = new FakeSink([1, 7, 3]);
    const output = new ByteOutput(sink.write);
    const long = Uint8Array.from({ length: 300_000 }, (_, i) => i & 0xff);
    output.text("żółć ");
    output.copy(long, 10, 20);
    await output.flush();
    output.byte(0);
    output.copy(long, 0, 500);
    await output.drain();
    const expected = [
      ...new TextEncoder().encode("żółć "),
      ...long.slice(10, 20),
      0,
      ...long.slice(0, 500),
    ];
    expect(sink.written).toEqual(expected);
  });

  test("a long text reserves the bytes it takes, not the most it could take", async () => {
    const reserved: number[] = [];
    const output = new ByteOutput(async (bytes, start, end) => {
      reserved.push(bytes.length);
      return end - start;
    });
    output.text("a".repeat(1 << 20));
    await output.drain();
    expect(reserved).toEqual([1 << 20]);
  });

  test("isFull turns true before the buffer grows; one long record makes it grow", async () => {
    const sink = new FakeSink([1_000_000]);
    const output = new ByteOutput(sink.write);
    const kilobyte = new Uint8Array(1024).fill(7);
    const hasRoom = (): boolean => !output.isFull;
    let count = 0;
    for (; hasRoom(); count++) output.copy(kilobyte, 0, 1024);
    expect(count).toBe(256);
    const megabyte = new Uint8Array(1 << 20).fill(8);
    output.copy(megabyte, 0, megabyte.length);
    await output.drain();
    expect(sink.written).toHaveLength((1 << 20) + (1 << 18));
    expect(hasRoom()).toBe(true);
  });

  test("when the reader closes the pipe, exactly the completely written records count", async () => {
    const scenario = fc.record({
      lengths: fc.array(fc.integer({ min: 0, max: 90 }), { maxLength: 60 }),
      flushEvery: fc.integer({ min: 1, max: 10 }),
      pieces: fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 4 }),
      bytesMax: fc.integer({ min: 0, max: 2000 }),
    });
    await fc.assert(
      fc.asyncProperty(scenario, async ({ lengths, flushEvery, pieces, bytesMax }) => {
        const sink = new FakeSink(pieces, bytesMax);
        let printed = 0;
        const place = { topic: "t", partition: 3 };
        const output = new ByteOutput(sink.write, (from, next) => {
          expect(from).toBe(place);
          expect(next).toBeGreaterThanOrEqual(printed);
          printed = next;
        });
        const record = new Uint8Array(100);
        for (const [index, length] of lengths.entries()) {
          output.copy(record, 0, length);
          output.mark(place, index + 1);
          if (index % flushEvery === 0) await output.flush();
        }
        await output.drain();
        let whole = 0;
        for (let end = 0; whole < lengths.length; whole++) {
          end += lengths[whole]!;
          if (end > sink.written.length) break;
        }
        // Empty records at the exact point of the failure may or may not have been written.
        const shortest = lengths.slice(0, whole).findLastIndex((length) => length > 0) + 1;
        expect(printed).toBeGreaterThanOrEqual(Math.min(shortest, whole));
        expect(printed).toBeLessThanOrEqual(whole);
        expect(output.isClosed).toBe(lengths.reduce((sum, n) => sum + n, 0) > bytesMax);
      }),
    );
  });

  test("the next flush throws any other failure; what was written before it counts", async () => {
    const sink = new FakeSink([10], 25, "ENOSPC");
    const printed: number[] = [];
    const output = new ByteOutput(sink.write, (_, next) => printed.push(next));
    for (let next = 1; next <= 4; next++) {
      output.copy(new Uint8Array(10), 0, 10);
      output.mark({ topic: "t", partition: 0 }, next);
    }
    await expect(output.drain()).rejects.toThrow("ENOSPC");
    expect(output.isClosed).toBe(false);
    expect(printed).toEqual([2]);
  });
});
