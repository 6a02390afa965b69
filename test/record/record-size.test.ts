// Computed sizes of records against the encoder.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { BatchEncoder, recordBytesBound, recordBytesMeasured } from "../../src/record/encoder.js";
import { ANY_CHARACTER } from "../support/text.js";

test("no record is larger than its computed size, and no computed size exceeds its bound", () => {
  const data = fc.oneof(fc.constant(null), fc.uint8Array(), fc.string({ unit: ANY_CHARACTER }));
  const header = fc.record({
    name: fc.string({ unit: "grapheme" }),
    value: fc.option(fc.uint8Array()),
  });
  fc.assert(
    fc.property(
      data,
      data,
      fc.option(fc.array(header), { nil: undefined }),
      (key, value, headers) => {
        const encoder = new BatchEncoder();
        encoder.append(1, null, null);
        const before = encoder.bytes;
        encoder.append(2 ** 41, key, value, headers);
        const measured = recordBytesMeasured(key, value, headers);
        expect(encoder.bytes - before).toBeLessThanOrEqual(measured);
        expect(measured).toBeLessThanOrEqual(recordBytesBound(key, value, headers));
      },
    ),
  );
});
