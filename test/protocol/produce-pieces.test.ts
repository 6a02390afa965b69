// A Produce request in several pieces: it is read like one piece, or rejected with the same message.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { decodeProduceRequest } from "../../src/protocol/native/produce.js";
import { joined, type Pieces } from "../../src/record/bytes.js";
import { encodeProduceRequest } from "../support/whole-frames.js";

/** The outcome of reading: the request with its batch in one piece, or the error message. */
function outcomeOf(...payload: Pieces): unknown {
  try {
    const request = decodeProduceRequest(payload);
    const { topic, partition } = request;
    return { topic, partition, batch: [...joined(request.batch)] };
  } catch (error) {
    return String(error);
  }
}

test("property: pieces are read like one piece, also with wrong lengths", () => {
  const request = fc.record({
    topic: fc.string({ maxLength: 30 }).filter((name) => name.isWellFormed()),
    partition: fc.nat(),
    batch: fc.uint8Array({ maxLength: 400 }),
  });
  const cuts = fc.uniqueArray(fc.nat(500), { minLength: 1, maxLength: 4 });
  const lie = fc.option(fc.record({ at: fc.nat(50), byte: fc.nat(255) }));
  fc.assert(
    fc.property(request, cuts, lie, (sent, at, wrong) => {
      const payload = encodeProduceRequest(1, sent).slice(4);
      if (wrong !== null && wrong.at < payload.length) payload[wrong.at] = wrong.byte;
      const ends = at.filter((end) => end >= 6 && end < payload.length).sort((a, b) => a - b);
      const [first, ...rest] = [0, ...ends].map((start, i) => payload.subarray(start, ends[i]));
      expect(outcomeOf(first!, ...rest)).toEqual(outcomeOf(payload));
    }),
    { numRuns: 2_000 },
  );
});

test("a batch whose header is in the first piece is not copied", () => {
  const batch = Uint8Array.from({ length: 2_000 }, (_, i) => i);
  const payload = encodeProduceRequest(1, { topic: "orders", partition: 3, batch }).slice(4);
  const rest = [payload.slice(600, 1_000), payload.slice(1_000)];
  const first = payload.slice(0, 600);
  const { batch: pieces } = decodeProduceRequest([first, ...rest]);
  expect(pieces[0].buffer).toBe(first.buffer);
  expect(pieces.slice(1)).toEqual(rest);
  for (const [i, piece] of rest.entries()) expect(pieces[i + 1]).toBe(piece);
});
