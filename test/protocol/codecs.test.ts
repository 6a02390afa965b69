// Holds for every request and response: its bytes are those of the grammar, it is decoded unchanged, and
// invalid bytes are rejected, with the name of the field.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ERRORS, type ErrorName, RustLogError } from "../../src/errors.js";
import { API_NAMES } from "../../src/protocol/native/api-versions.js";
import { encodeErrorResponse } from "../../src/protocol/native/messages.js";
import { type Codec, CODECS, envelopeOf, RESPONSES, thrownBy } from "./codecs.js";
import { decodeByGrammar, encodeByGrammar, isArray, type Value, valuesOf } from "./grammar.js";

const RUNS = { numRuns: 25 };
const ENVELOPE_BYTES = 6;
const correlationIds = fc.integer({ min: 0, max: 2 ** 32 - 1 });

function payloadOf(codec: Codec, value: Value, correlationId = 7): Uint8Array {
  return Uint8Array.from(codec.encode(correlationId, value)).subarray(4);
}

function expectRefused(codec: Codec, payload: Uint8Array): void {
  const error = thrownBy(() => codec.decode(payload));
  expect(error).toBeInstanceOf(RustLogError);
  expect((error as RustLogError).code).toBe("INVALID_REQUEST");
}

/** The value, or undefined if it is rejected as expected. Rethrows any other error. */
function decodeOrRefuse(codec: Codec, payload: Uint8Array): Value | undefined {
  try {
    return codec.decode(payload);
  } catch (error) {
    if (error instanceof RustLogError && error.code === "INVALID_REQUEST") return undefined;
    throw error;
  }
}

test("every API has both codecs", () => {
  for (const kind of ["request", "response"]) {
    const covered = new Set(CODECS.filter((codec) => codec.kind === kind).map(({ api }) => api));
    expect([...covered].sort()).toEqual([...API_NAMES].sort());
  }
});

for (const codec of CODECS) {
  describe(`${codec.api} ${codec.kind}, version ${codec.version}`, () => {
    const values = valuesOf(codec.grammar);

    test("has the bytes of its grammar, after its length and its envelope", () => {
      const property = fc.property(correlationIds, values, (id, value) => {
        const body = encodeByGrammar(codec.grammar, value).bytes;
        const payload = [...envelopeOf(codec, id), ...body];
        const length = [24, 16, 8, 0].map((shift) => (payload.length >>> shift) & 0xff);
        expect([...codec.encode(id, value)]).toEqual([...length, ...payload]);
      });
      fc.assert(property, RUNS);
    });

    test("decodes to what was encoded", () => {
      const property = fc.property(values, (value) => {
        expect(codec.decode(payloadOf(codec, value))).toEqual(value);
      });
      fc.assert(property, RUNS);
    });

    test("is rejected if truncated anywhere", () => {
      const property = fc.property(values, (value) => {
        const payload = payloadOf(codec, value);
        for (let end = 0; end < payload.length; end++)
          expectRefused(codec, payload.subarray(0, end));
      });
      fc.assert(property, { numRuns: 8 });
    });

    test("is rejected if bytes follow it", () => {
      const property = fc.property(values, fc.uint8Array({ minLength: 1 }), (value, more) => {
        expectRefused(codec, Uint8Array.from([...payloadOf(codec, value), ...more]));
      });
      fc.assert(property, RUNS);
    });

    const hasLengths = codec.grammar.some(
      ({ type }) => type === "string" || type === "bytes" || isArray(type),
    );
    if (hasLengths)
      test("is rejected if a length or count exceeds the available bytes", () => {
        const property = fc.property(values, (value) => {
          const { lengths } = encodeByGrammar(codec.grammar, value);
          expect(lengths.length).toBeGreaterThan(0);
          for (const { at, bytes } of lengths) {
            const extremes = bytes === 2 ? [0xffff] : [0xffff, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];
            for (const extreme of extremes) {
              const payload = payloadOf(codec, value);
              const view = new DataView(payload.buffer, payload.byteOffset + ENVELOPE_BYTES + at);
              if (bytes === 2) view.setUint16(0, extreme);
              else view.setUint32(0, extreme);
              expectRefused(codec, payload);
            }
          }
        });
        fc.assert(property, RUNS);
      });

    test("with a length of 0 or a changed byte is decoded as the grammar says, or rejected", () => {
      const changes = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), {
        maxLength: 3,
      });
      const property = fc.property(
        values,
        fc.option(fc.nat()),
        changes,
        (value, zeroed, changed) => {
          const payload = payloadOf(codec, value);
          const body = payload.subarray(ENVELOPE_BYTES);
          const { lengths } = encodeByGrammar(codec.grammar, value);
          const length = zeroed === null ? undefined : lengths[zeroed % lengths.length];
          if (length !== undefined) body.fill(0, length.at, length.at + length.bytes);
          if (body.length > 0) for (const [at, byte] of changed) body[at % body.length] = byte;
          const expected = decodeByGrammar(codec.grammar, body);
          expect(decodeOrRefuse(codec, payload)).toEqual(expected);
        },
      );
      fc.assert(property, { numRuns: 80 });
    });
  });
}

describe("error responses", () => {
  const names = Object.keys(ERRORS) as ErrorName[];

  test.each(RESPONSES)(
    "$api, version $version: every error of the table arrives as it left",
    ({ decode }) => {
      for (const name of names) {
        const sent = new RustLogError(name, `what happened: ${name} 💥`);
        const error = thrownBy(() => decode(encodeErrorResponse(9, sent).subarray(4)));
        expect(error).toBeInstanceOf(RustLogError);
        expect(error).toMatchObject({ code: name, message: sent.message });
      }
    },
  );

  test.each(RESPONSES)(
    "$api, version $version: cut short it is still that error, unless the envelope is cut",
    (codec) => {
      const sent = new RustLogError("DISK_FULL", "no space is left 💥");
      const payload = Uint8Array.from(encodeErrorResponse(9, sent)).subarray(4);
      for (let end = 0; end < payload.length; end++) {
        const error = thrownBy(() => codec.decode(payload.subarray(0, end)));
        expect(error).toBeInstanceOf(RustLogError);
        expect((error as RustLogError).code).toBe(
          end < ENVELOPE_BYTES ? "INVALID_REQUEST" : "DISK_FULL",
        );
      }
    },
  );

  test.each(RESPONSES)(
    "$api, version $version: a number that is not in the table is said, not hidden",
    ({ decode }) => {
      const payload = Uint8Array.from([0, 0, 0, 9, 0x4e, 0x20, 0x68, 0x69]);
      const error = thrownBy(() => decode(payload));
      expect(error).toMatchObject({ code: "UNKNOWN_SERVER_ERROR", message: "error 20000: hi" });
    },
  );
});

describe("views, not copies", () => {
  test("of a batch in a Produce request", () => {
    const codec = CODECS.find((each) => each.api === "Produce" && each.kind === "request")!;
    const payload = payloadOf(codec, { topic: "t", partition: 0, batch: Uint8Array.of(1, 2, 3) });
    const { batch } = codec.decode(payload) as { batch: Uint8Array };
    expect(batch.buffer).toBe(payload.buffer);
  });

  test("of the batches in a Fetch response", () => {
    const codec = CODECS.find((each) => each.api === "Fetch" && each.kind === "response")!;
    const head = { startOffset: 0, nextOffset: 1, highWatermark: 1, logStartOffset: 0 };
    const payload = payloadOf(codec, { ...head, batches: Uint8Array.of(1, 2, 3) });
    const { batches } = codec.decode(payload) as { batches: Uint8Array };
    expect(batches.buffer).toBe(payload.buffer);
  });
});
