// The outbox of a connection: whatever a socket takes at a time, it gets every byte once and in order.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { Outbox } from "../../src/client/outbox.ts";

test("every byte is written once and in order, however little the socket takes", () => {
  const parts = fc.array(
    fc.oneof(fc.uint8Array({ maxLength: 50 }), fc.constant(new Uint8Array(70_000).fill(7))),
    { maxLength: 100 },
  );
  const takes = fc.array(fc.nat({ max: 90_000 }), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(parts, takes, (parts, takes) => {
      const outbox = new Outbox();
      const written: Uint8Array[] = [];
      let calls = 0;
      const write = (bytes: Uint8Array): number => {
        const taken = Math.min(bytes.length, takes[calls++ % takes.length]!);
        written.push(bytes.slice(0, taken));
        return taken;
      };
      for (const [i, part] of parts.entries()) {
        outbox.push(part);
        if (i % 3 === 0) outbox.flush(write);
      }
      if (takes.some((taken) => taken > 0)) while (outbox.bytes > 0) outbox.flush(write);
      else for (const part of [...written]) expect(part.length).toBe(0);
      const all = Buffer.concat(parts);
      const sent = Buffer.concat(written);
      expect(sent.length).toBe(all.length - outbox.bytes);
      expect(sent.equals(all.subarray(0, sent.length))).toBe(true);
    }),
    { numRuns: 200 },
  );
});

test("small parts leave together in one write", () => {
  const outbox = new Outbox();
  for (let i = 0; i < 1000; i++) outbox.push(new Uint8Array([i & 255, 1, 2]));
  let writes = 0;
  outbox.flush((bytes) => {
    writes += 1;
    return bytes.length;
  });
  expect(writes).toBe(1);
  expect(outbox.bytes).toBe(0);
});

test("a closed socket, which takes -1, leaves everything waiting", () => {
  const outbox = new Outbox();
  outbox.push(new Uint8Array(10));
  outbox.flush(() => -1);
  expect(outbox.bytes).toBe(10);
  outbox.clear();
  expect(outbox.bytes).toBe(0);
});
