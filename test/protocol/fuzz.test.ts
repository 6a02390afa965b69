// Hostile streams: the decoder returns the same frames as the simplest framer, and each request
// decoder either reads exactly what the grammar reads or says INVALID_REQUEST.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { RustLogError } from "../../src/errors.js";
import { FrameDecoder } from "../../src/net/frame.js";
import { REQUESTS } from "./codecs.js";
import { decodeByGrammar, valuesOf } from "./grammar.js";
import { concat } from "../support/bytes.js";

const LIMIT = 4096;
const ENVELOPE_BYTES = 6;

/** The content of a stream: payloads, and the error that ends it, if any. */
interface Framed {
  readonly payloads: Uint8Array[];
  error: string | undefined;
}

/** The simplest framer: it has the whole stream. */
function frameSimply(stream: Uint8Array): Framed {
  const framed: Framed = { payloads: [], error: undefined };
  const view = new DataView(stream.buffer, stream.byteOffset, stream.length);
  for (let at = 0; at + 4 <= stream.length;) {
    const length = view.getUint32(at);
    if (length === 0) framed.error = "INVALID_REQUEST";
    if (length > LIMIT) framed.error = "FRAME_TOO_LARGE";
    if (framed.error !== undefined || at + 4 + length > stream.length) break;
    framed.payloads.push(stream.slice(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return framed;
}

function frameInPieces(stream: Uint8Array, pieces: readonly number[]): Framed {
  const framed: Framed = { payloads: [], error: undefined };
  const decoder = new FrameDecoder({ frameBytesMax: LIMIT });
  let at = 0;
  try {
    for (let piece = 0; at < stream.length; piece++) {
      const end = at + (pieces[piece % pieces.length] ?? stream.length);
      decoder.feed(stream.slice(at, end));
      at = end;
      for (let next = decoder.next(); next !== undefined; next = decoder.next()) {
        framed.payloads.push(next);
      }
    }
  } catch (error) {
    if (!(error instanceof RustLogError)) throw error;
    framed.error = error.code;
  }
  return framed;
}

/**
 * Passes the payload to every decoder, because the key in an envelope is no reason to trust the body. Returns how
 * many could read it.
 */
function decodeAsEverything(payload: Uint8Array): number {
  let read = 0;
  for (const codec of REQUESTS) {
    if (payload.length > 1) payload[1] = codec.version;
    const expected =
      payload.length < ENVELOPE_BYTES
        ? undefined
        : decodeByGrammar(codec.grammar, payload.subarray(ENVELOPE_BYTES));
    let decoded: unknown;
    try {
      decoded = codec.decode(payload);
    } catch (error) {
      if (!(error instanceof RustLogError) || error.code !== "INVALID_REQUEST") throw error;
    }
    if (expected === undefined) {
      if (decoded !== undefined) throw new Error(`${codec.api} read what is none`);
    } else {
      expect(decoded).toEqual(expected);
      read++;
    }
  }
  return read;
}

const validFrames = fc.oneof(
  ...REQUESTS.map((codec) =>
    valuesOf(codec.grammar).map((value) => Uint8Array.from(codec.encode(1, value))),
  ),
);
const oddBytes = fc.oneof(
  fc.constantFrom(0, 1, 0x7f, 0x80, 0xff),
  fc.integer({ min: 0, max: 255 }),
);
const mutations = fc.array(fc.tuple(fc.nat(), oddBytes), { maxLength: 4 });
const cuts = fc.oneof({ arbitrary: fc.constant(null), weight: 8 }, fc.nat());
/** Frames with some bytes changed, and some removed. */
const mutatedFrames = fc.tuple(validFrames, mutations, cuts).map(([frame, changes, cut]) => {
  const mutated = frame.slice(0, cut === null ? frame.length : cut % (frame.length + 1));
  if (mutated.length > 0) for (const [at, byte] of changes) mutated[at % mutated.length] = byte;
  return mutated;
});
/** Frames with a valid length and random content. */
const noise = fc
  .uint8Array({ minLength: 1, maxLength: 60 })
  .map((bytes) => Uint8Array.of(0, 0, 0, bytes.length, ...bytes));
const garbage = fc.uint8Array({ maxLength: 40 });
const streams = fc
  .array(fc.oneof({ arbitrary: mutatedFrames, weight: 4 }, noise, garbage), {
    minLength: 1,
    maxLength: 3,
  })
  .map((parts) => concat(parts));
const pieces = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 4 });

test("3,000 hostile streams are framed and decoded like by the reference, or rejected", () => {
  let payloads = 0;
  let read = 0;
  const property = fc.property(streams, pieces, (stream, sizes) => {
    const expected = frameSimply(stream);
    const framed = frameInPieces(stream, sizes);
    expect(framed).toEqual(expected);
    for (const payload of framed.payloads) read += decodeAsEverything(payload);
    payloads += framed.payloads.length;
  });
  fc.assert(property, { numRuns: 3_000 });
  // Some streams are valid enough to reach a decoder, and to pass one.
  expect(payloads).toBeGreaterThan(1_500);
  expect(read).toBeGreaterThan(1_500);
}, 60_000);
