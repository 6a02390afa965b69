// The memory of chunks: freed with the last payload in it, and never before.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { freePayload } from "../../src/net/chunks.js";
import { FrameDecoder } from "../../src/net/frame.js";
import { joined, type Pieces, writeU32 } from "../../src/record/bytes.js";

const KiB = 1024;
const LARGE = 64 * KiB;

/** Frames with payloads of these lengths, back to back; payload `i` is full of `i + 1`. */
function stream(lengths: readonly number[]): Uint8Array {
  return Buffer.concat(
    lengths.map((length, i) => {
      const frame = new Uint8Array(4 + length).fill(i + 1);
      writeU32(frame, 0, length);
      return frame;
    }),
  );
}

/** Copies, each with a buffer of its own, as from a socket. */
function chunksOf(bytes: Uint8Array, chunkBytes: number): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    chunks.push(Uint8Array.from(bytes.subarray(at, at + chunkBytes)));
  }
  return chunks;
}

function payloadsOf(chunks: readonly Uint8Array[]): Pieces[] {
  const decoder = new FrameDecoder({ frameBytesMax: 10 * LARGE });
  const payloads: Pieces[] = [];
  for (const chunk of chunks) {
    decoder.feed(chunk);
    for (let next = decoder.nextInPieces(); next !== undefined; next = decoder.nextInPieces()) {
      payloads.push(next);
    }
  }
  return payloads;
}

test("a chunk is freed with the last payload in it", () => {
  const chunks = chunksOf(stream([LARGE, 100, LARGE]), 200 * KiB);
  const [first, second, third] = payloadsOf(chunks);
  expect([freePayload(first!), freePayload(third!)]).toEqual([0, 0]);
  expect(second![0]).toEqual(new Uint8Array(100).fill(2));
  const bytes = chunks[0]!.length;
  expect(freePayload(second!)).toBe(bytes);
  expect(chunks[0]!.length).toBe(0);
});

test("a chunk stays while a part of it belongs to a frame that is not complete", () => {
  const decoder = new FrameDecoder({ frameBytesMax: 10 * LARGE });
  const [chunk, rest] = chunksOf(stream([LARGE, LARGE]), 100 * KiB);
  decoder.feed(chunk!);
  expect(freePayload(decoder.nextInPieces()!)).toBe(0);
  decoder.feed(rest!);
  const payload = decoder.nextInPieces()!;
  expect(joined(payload)).toEqual(new Uint8Array(LARGE).fill(2));
  expect(freePayload(payload)).toBe(100 * KiB);
});

test("a payload that is not freed keeps its chunk", () => {
  const chunks = chunksOf(stream([LARGE, 50]), 100 * KiB);
  const [freed, kept] = payloadsOf(chunks);
  expect(freePayload(freed!)).toBe(0);
  expect(kept![0]).toEqual(new Uint8Array(50).fill(2));
});

test("small chunks, and parts of a buffer, are left alone", () => {
  const [small] = payloadsOf([Uint8Array.from(stream([100]))]);
  expect(freePayload(small!)).toBe(0);
  expect(small![0]).toEqual(new Uint8Array(100).fill(1));
  const whole = Buffer.concat([Buffer.alloc(10), stream([LARGE])]);
  const [part] = payloadsOf([whole.subarray(10)]);
  expect(freePayload(part!)).toBe(0);
  expect(part![0]).toEqual(new Uint8Array(LARGE).fill(1));
});

describe("with any lengths, chunks and order of freeing", () => {
  const lengths = fc.array(
    fc.oneof(fc.integer({ min: 1, max: 2 * KiB }), fc.integer({ min: 1, max: 3 * LARGE })),
    { minLength: 1, maxLength: 12 },
  );

  test("a payload keeps its bytes until it is freed, and in the end all large chunks are free", () => {
    const input = fc.tuple(lengths, fc.integer({ min: KiB, max: 2 * LARGE }), fc.array(fc.nat()));
    fc.assert(
      fc.property(input, ([some, chunkBytes, picks]) => {
        const chunks = chunksOf(stream(some), chunkBytes);
        const left = new Map([...payloadsOf(chunks).entries()]);
        expect(left.size).toBe(some.length);
        for (let i = 0; left.size > 0; i++) {
          const keys = [...left.keys()];
          const number = keys[(picks[i] ?? 0) % keys.length]!;
          freePayload(left.get(number)!);
          left.delete(number);
          for (const [other, payload] of left) {
            const bytes = payload.flatMap((piece) => [piece[0], piece.at(-1)]);
            expect(bytes.every((byte) => byte === other + 1)).toBe(true);
          }
        }
        const kept = chunks.filter((chunk) => chunk.length >= LARGE);
        expect(kept).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });
});
