// LogAppendTime: the time of the broker in the header of a batch, and its CRC derived from the old one.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { FIELD, findBatchFault, stampBaseOffset } from "../../src/record/batch.js";
import { joined, type Pieces } from "../../src/record/bytes.js";
import { RecordCursor } from "../../src/record/cursor.js";
import { BatchEncoder } from "../../src/record/encoder.js";
import { logAppendTime, stampLogAppendTime } from "../../src/record/log-append-time.js";

test("property: a stamped batch is valid, and all its records have the time", () => {
  const times = fc.array(fc.integer({ min: -1, max: 2 ** 42 }), { minLength: 1, maxLength: 20 });
  const property = fc.property(
    times,
    fc.nat(3_000),
    fc.nat(2 ** 42),
    fc.nat(),
    (ms, size, now, at) => {
      const encoder = new BatchEncoder();
      for (const timestamp of ms) encoder.append(timestamp, null, new Uint8Array(size));
      const whole = encoder.finish().slice();
      // The header is in the first piece.
      const end = FIELD.records + (at % (whole.length - FIELD.records));
      const pieces: Pieces = [whole.slice(0, end), whole.slice(end)];
      expect(logAppendTime(pieces[0])).toBe(-1);
      stampBaseOffset(pieces[0], 0, 7);
      // A batch may be stamped again: an append that failed is repeated.
      stampLogAppendTime(pieces, now + 1);
      stampLogAppendTime(pieces, now);
      expect(logAppendTime(pieces[0])).toBe(now);
      const stamped = joined(pieces);
      expect(findBatchFault(stamped, 0, stamped.length)).toBeUndefined();
      const cursor = new RecordCursor().reset(stamped);
      for (let i = 0; i < ms.length; i++) {
        expect(cursor.next()).toBe(true);
        expect([cursor.offset, cursor.timestamp]).toEqual([7 + i, now]);
      }
      expect(stamped.subarray(FIELD.records)).toEqual(whole.subarray(FIELD.records));
    },
  );
  fc.assert(property, { numRuns: 60 });
});
