// What the frame decoder keeps in memory, and what it says of that: the budget of all connections relies on it.
import { describe, expect, test } from "bun:test";
import { FrameDecoder } from "../../src/net/frame.js";
import { drain, expectError, frameOf, lengthOf, LIMIT, payloadOf } from "../protocol/frames.js";
import { concat } from "../support/bytes.js";

/** What small chunks are gathered in. */
const BLOCK_BYTES = 16 * 1024;

/** Runs `act` and returns how many blocks of 16 KiB were made meanwhile. */
function countBlocks(act: () => void): number {
  let blocks = 0;
  const Original = globalThis.Uint8Array;
  globalThis.Uint8Array = new Proxy(Original, {
    construct(target, args) {
      if (args[0] === BLOCK_BYTES) blocks++;
      return Reflect.construct(target, args);
    },
  });
  try {
    act();
  } finally {
    globalThis.Uint8Array = Original;
  }
  return blocks;
}

describe("memory", () => {
  // A tiny chunk begins a block; if the room in it were lost to the next, larger chunk, each would stay empty.
  test.each([2048, 9000, BLOCK_BYTES, BLOCK_BYTES + 1, 3 * BLOCK_BYTES])(
    "is little more than what came, and told as it is, when chunks of 1 and %d bytes alternate",
    (large) => {
      const decoder = new FrameDecoder({ frameBytesMax: 2 ** 30 });
      const pairs = Math.ceil((40 * BLOCK_BYTES) / large);
      const payload = payloadOf(3, pairs * (1 + large));
      decoder.feed(lengthOf(payload.length));
      let chunkBytes = 4;
      const blocks = countBlocks(() => {
        for (let at = 0; at < payload.length; at += 1 + large) {
          decoder.feed(payload.slice(at, at + 1));
          decoder.feed(payload.slice(at + 1, at + 1 + large));
          chunkBytes += large;
        }
      });
      const used = chunkBytes + blocks * BLOCK_BYTES;
      expect(blocks).toBeGreaterThan(0);
      expect(used).toBeLessThan(1.2 * payload.length + BLOCK_BYTES);
      expect(decoder.keptBytes).toBeGreaterThanOrEqual(decoder.pendingBytes);
      expect(decoder.keptBytes).toBeLessThanOrEqual(used);
      expect(decoder.keptBytes).toBeGreaterThan(0.85 * used);
      expect(decoder.next()).toEqual(payload);
      expect(decoder.keptBytes).toBe(0);
    },
  );

  test("of a chunk is kept whole while any of it is pending", () => {
    const decoder = new FrameDecoder({ frameBytesMax: LIMIT });
    decoder.feed(concat([frameOf(payloadOf(1, 996)), Uint8Array.of(0)]));
    decoder.next();
    expect([decoder.pendingBytes, decoder.keptBytes]).toEqual([1, 1001]);
  });

  test("of a block is kept whole while any of it is pending", () => {
    const decoder = new FrameDecoder({ frameBytesMax: LIMIT });
    const first = frameOf(payloadOf(1, 3000));
    // The end of the first frame and the whole second one are in the block, the third one is not.
    for (const part of [first.slice(0, 2999), first.slice(2999), frameOf(payloadOf(2, 50))]) {
      decoder.feed(part);
    }
    decoder.feed(frameOf(payloadOf(3, 20_000)).slice(0, 20_003));
    expect(decoder.keptBytes).toBe(2999 + BLOCK_BYTES + 20_003);
    expect(decoder.next()).toEqual(payloadOf(1, 3000));
    expect(decoder.keptBytes).toBe(BLOCK_BYTES + 20_003);
    expect(decoder.next()).toEqual(payloadOf(2, 50));
    expect([decoder.pendingBytes, decoder.keptBytes]).toEqual([20_003, BLOCK_BYTES + 20_003]);
    decoder.feed(Uint8Array.of(7));
    expect([decoder.pendingBytes, decoder.keptBytes]).toEqual([20_004, BLOCK_BYTES + 20_003]);
    expect(decoder.next()?.length).toBe(20_000);
    expect(decoder.keptBytes).toBe(0);
  });

  test("is released by clear, after which another stream can follow", () => {
    const decoder = new FrameDecoder({ frameBytesMax: LIMIT });
    decoder.feed(concat([frameOf(payloadOf(1, 10)), Uint8Array.of(0, 0)]));
    decoder.next();
    decoder.feed(Uint8Array.of(0));
    expect(decoder.keptBytes).toBeGreaterThan(0);
    decoder.clear();
    expect([decoder.pendingBytes, decoder.keptBytes]).toEqual([0, 0]);
    const payload = payloadOf(2, 9);
    for (const byte of frameOf(payload)) decoder.feed(Uint8Array.of(byte));
    expect(drain(decoder)).toEqual([payload]);
  });

  test("is released by a failure", () => {
    const decoder = new FrameDecoder({ frameBytesMax: LIMIT });
    for (const byte of lengthOf(LIMIT + 1)) decoder.feed(Uint8Array.of(byte));
    expectError(() => decoder.next(), "FRAME_TOO_LARGE");
    decoder.feed(new Uint8Array(50));
    expect([decoder.pendingBytes, decoder.keptBytes]).toEqual([0, 0]);
  });
});
