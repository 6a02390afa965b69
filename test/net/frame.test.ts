// The frame decoder: whatever the pieces that a stream comes in, the same payloads come out, no length is
// believed, and a payload that was handed out never changes.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { FrameDecoder } from "../../src/net/frame.js";
import { thrownBy } from "../protocol/codecs.js";
import {
  drain,
  drainInPieces,
  expectError,
  frameOf,
  lengthOf,
  LIMIT,
  payloadOf,
} from "../protocol/frames.js";
import { concat } from "../support/bytes.js";

/** Pushes the stream in chunks that end at the cuts, taking what is whole after each. */
function decodeInPieces(stream: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const decoder = new FrameDecoder({ frameBytesMax: LIMIT });
  const payloads: Uint8Array[] = [];
  let start = 0;
  for (const end of [...cuts, stream.length]) {
    decoder.feed(stream.slice(start, end));
    payloads.push(...drain(decoder));
    start = end;
  }
  expect(decoder.pendingBytes).toBe(0);
  return payloads;
}

describe("a stream of frames", () => {
  const payloads = [1, 2, 300, 5, 1].map((bytes, seed) => payloadOf(seed, bytes));
  const stream = concat(payloads.map(frameOf));

  test("in one chunk: views of it", () => {
    const decoder = new FrameDecoder({ frameBytesMax: LIMIT });
    decoder.feed(stream);
    const decoded = drain(decoder);
    expect(decoded).toEqual(payloads);
    for (const payload of decoded) expect(payload.buffer).toBe(stream.buffer);
  });

  test("split at every byte", () => {
    for (let cut = 0; cut <= stream.length; cut++) {
      expect(decodeInPieces(stream, [cut])).toEqual(payloads);
    }
  });

  test("split at every two bytes", () => {
    const short = concat([3, 1, 4].map((bytes, seed) => frameOf(payloadOf(seed, bytes))));
    const whole = decodeInPieces(short, []);
    for (let first = 0; first <= short.length; first++) {
      for (let second = first; second <= short.length; second++) {
        expect(decodeInPieces(short, [first, second])).toEqual(whole);
      }
    }
  });

  test("in chunks of one byte", () => {
    const cuts = Array.from({ length: stream.length - 1 }, (_, at) => at + 1);
    expect(decodeInPieces(stream, cuts)).toEqual(payloads);
  });

  test("ten thousand in one chunk", () => {
    const many = Array.from({ length: 10_000 }, (_, seed) => payloadOf(seed, 1 + (seed % 5)));
    expect(decodeInPieces(concat(many.map(frameOf)), [])).toEqual(many);
  });

  test("one frame in tens of thousands of chunks", () => {
    const payload = payloadOf(1, 60_000);
    const cuts = Array.from({ length: payload.length + 3 }, (_, at) => at + 1);
    expect(decodeInPieces(frameOf(payload), cuts)).toEqual([payload]);
  });

  test("in any pieces, taken on arrival or all at the end; pending bytes add up", () => {
    const sizes = fc.array(
      fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 40_000 })),
      {
        maxLength: 8,
      },
    );
    const pieces = fc.array(
      fc.oneof(fc.integer({ min: 1, max: 5 }), fc.constantFrom(2047, 2048, 16_384), fc.nat(30_000)),
      { minLength: 1, maxLength: 40 },
    );
    const how = fc.record({ eager: fc.boolean(), inPieces: fc.boolean() });
    const property = fc.property(
      sizes,
      pieces,
      how,
      (frameSizes, chunkSizes, { eager, inPieces }) => {
        const sent = frameSizes.map((bytes, seed) => payloadOf(seed, bytes));
        const bytes = concat(sent.map(frameOf));
        const decoder = new FrameDecoder({ frameBytesMax: LIMIT });
        const received: Uint8Array[] = [];
        let taken = 0;
        const take = (): void => {
          for (const payload of inPieces ? drainInPieces(decoder) : drain(decoder)) {
            received.push(payload);
            taken += 4 + payload.length;
          }
        };
        let at = 0;
        for (let piece = 0; at < bytes.length; piece++) {
          const end = Math.min(bytes.length, at + (chunkSizes[piece % chunkSizes.length] || 1));
          decoder.feed(bytes.slice(at, end));
          at = end;
          if (eager) take();
          const { pendingBytes, keptBytes } = decoder;
          const isRight = pendingBytes === at - taken && keptBytes >= pendingBytes;
          if (!isRight || (at === taken && keptBytes > 0)) {
            throw new Error(`${at - taken} bytes pend: ${pendingBytes}, kept in ${keptBytes}`);
          }
        }
        take();
        expect(received).toEqual(sent);
      },
    );
    fc.assert(property, { numRuns: 100 });
  });
});

describe("a frame across chunks, in pieces", () => {
  test("is views of the chunks, unless its first piece is short", () => {
    const payload = payloadOf(1, 40_000);
    const bytes = frameOf(payload);
    for (const cut of [4 + 511, 4 + 512]) {
      const decoder = new FrameDecoder({ frameBytesMax: LIMIT });
      const chunks = [bytes.slice(0, cut), bytes.slice(cut, 20_000), bytes.slice(20_000)];
      for (const chunk of chunks) decoder.feed(chunk);
      const pieces = decoder.nextInPieces()!;
      expect(Buffer.concat(pieces).equals(payload)).toBe(true);
      const isInPieces = cut >= 4 + 512;
      expect(pieces.length).toBe(isInPieces ? 3 : 1);
      const areViews = pieces.every((piece, i) => piece.buffer === chunks[i]?.buffer);
      expect(areViews).toBe(isInPieces);
      expect(decoder.nextInPieces()).toBeUndefined();
      expect(decoder.pendingBytes).toBe(0);
    }
  });
});

describe("payloads", () => {
  test("do not change when later chunks arrive", () => {
    const sent = Array.from({ length: 400 }, (_, seed) => payloadOf(seed, 1 + ((seed * 37) % 700)));
    const stream = concat(sent.map(frameOf));
    const decoder = new FrameDecoder({ frameBytesMax: LIMIT });
    const received: Uint8Array[] = [];
    const copies: Uint8Array[] = [];
    for (let at = 0, piece = 1; at < stream.length; at += piece, piece = 1 + ((piece * 13) % 900)) {
      decoder.feed(stream.slice(at, at + piece));
      for (const payload of drain(decoder)) {
        received.push(payload);
        copies.push(payload.slice());
      }
    }
    expect(copies).toEqual(sent);
    expect(received).toEqual(copies);
  });

  test("that arrived in one-byte chunks do not change either", () => {
    const sent = Array.from({ length: 300 }, (_, seed) => payloadOf(seed, 90));
    const decoder = new FrameDecoder({ frameBytesMax: LIMIT });
    const received: Uint8Array[] = [];
    for (const byte of concat(sent.map(frameOf))) {
      decoder.feed(Uint8Array.of(byte));
      received.push(...drain(decoder));
    }
    expect(received).toEqual(sent);
  });
});

describe("lengths", () => {
  test("1 and the limit are frames", () => {
    const sent = [payloadOf(1, 1), payloadOf(2, LIMIT)];
    expect(decodeInPieces(concat(sent.map(frameOf)), [])).toEqual(sent);
  });

  test.each([
    [0, "INVALID_REQUEST"],
    [LIMIT + 1, "FRAME_TOO_LARGE"],
    [2 ** 31 - 1, "FRAME_TOO_LARGE"],
    [2 ** 31, "FRAME_TOO_LARGE"],
    [2 ** 32 - 1, "FRAME_TOO_LARGE"],
  ] as const)("%d is refused for good, in one piece and byte by byte", (length, code) => {
    for (const size of [4, 1]) {
      const decoder = new FrameDecoder({ frameBytesMax: LIMIT });
      const bytes = lengthOf(length);
      for (let at = 0; at < 4; at += size) decoder.feed(bytes.slice(at, at + size));
      const error = expectError(() => decoder.next(), code);
      if (length > LIMIT) expect(error.message).toContain(`${length} bytes`);
      decoder.feed(frameOf(payloadOf(1, 5)));
      expect(thrownBy(() => decoder.next())).toBe(error);
      expect(decoder.pendingBytes).toBe(0);
    }
  });

  test("an invalid one does not affect the frames before it", () => {
    const decoder = new FrameDecoder({ frameBytesMax: LIMIT });
    decoder.feed(concat([frameOf(payloadOf(1, 9)), lengthOf(0)]));
    expect(decoder.next()).toEqual(payloadOf(1, 9));
    expectError(() => decoder.next(), "INVALID_REQUEST");
  });

  test("allocate nothing: a thousand decoders are promised 2 GiB each", () => {
    const decoders = Array.from({ length: 1000 }, () => {
      const decoder = new FrameDecoder({ frameBytesMax: 2 ** 32 - 1 });
      decoder.feed(Uint8Array.of(0x80, 0, 0, 0, 1, 2, 3));
      return decoder;
    });
    for (const decoder of decoders) {
      expect(decoder.next()).toBeUndefined();
      expect(decoder.pendingBytes).toBe(7);
    }
  });

  test("that are incomplete are waited for", () => {
    const decoder = new FrameDecoder({ frameBytesMax: LIMIT });
    for (const byte of [0, 0, 0]) {
      decoder.feed(Uint8Array.of(byte));
      expect(decoder.next()).toBeUndefined();
    }
  });
});

test("an empty chunk changes nothing", () => {
  const decoder = new FrameDecoder({ frameBytesMax: LIMIT });
  const empty = new Uint8Array(0);
  for (const part of [
    empty,
    Uint8Array.of(0, 0),
    empty,
    Uint8Array.of(0, 1),
    empty,
    Uint8Array.of(7),
    empty,
  ]) {
    decoder.feed(part);
  }
  expect(drain(decoder)).toEqual([Uint8Array.of(7)]);
});
