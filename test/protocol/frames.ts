// Frames for the tests of the decoder: how they are built, distinguished, and read.
// Leaves to others: what is expected of them.
import { joined } from "../../src/record/bytes.js";
import { expect } from "bun:test";
import { type ErrorName, RustLogError } from "../../src/errors.js";
import type { FrameDecoder } from "../../src/net/frame.js";
import { thrownBy } from "./codecs.js";

/** Longest payload that the decoders under test accept. */
export const LIMIT = 100_000;

export function frameOf(payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(4 + payload.length);
  new DataView(frame.buffer).setUint32(0, payload.length);
  frame.set(payload, 4);
  return frame;
}

export function lengthOf(length: number): Uint8Array {
  return frameOf(new Uint8Array(0)).map((_, at) => length >>> (24 - 8 * at));
}

/** Payload number `seed`; its bytes are unique. */
export function payloadOf(seed: number, bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, at) => seed * 31 + at * 7);
}

/** All complete payloads. */
export function drain(decoder: FrameDecoder): Uint8Array[] {
  const payloads: Uint8Array[] = [];
  for (let next = decoder.next(); next !== undefined; next = decoder.next()) payloads.push(next);
  return payloads;
}

/** The same with `nextInPieces`, joined here. */
export function drainInPieces(decoder: FrameDecoder): Uint8Array[] {
  const payloads: Uint8Array[] = [];
  for (;;) {
    const next = decoder.nextInPieces();
    if (next === undefined) return payloads;
    payloads.push(joined(next));
  }
}

export function expectError(act: () => unknown, code: ErrorName): RustLogError {
  const error = thrownBy(act);
  expect(error).toBeInstanceOf(RustLogError);
  expect((error as RustLogError).code).toBe(code);
  return error as RustLogError;
}
