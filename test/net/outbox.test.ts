import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type ByteSource, Outbox, type OutboxEntry } from "../../src/net/outbox.js";

/** A socket that takes as many bytes of each write as `takes` says next, then everything. */
class FakeSink {
  readonly taken: number[] = [];
  writes = 0;
  readonly #takes: number[];

  constructor(takes: number[] = []) {
    this.#takes = takes;
  }

  write(bytes: Uint8Array): number {
    this.writes++;
    const count = Math.min(bytes.length, this.#takes.shift() ?? bytes.length);
    for (let i = 0; i < count; i++) this.taken.push(bytes[i]!);
    return count;
  }
}

/** One buffer for all slices, as the active segment has: every read destroys what the last one gave. */
const scratch = new Uint8Array(50);

function slice(content: Uint8Array): ByteSource & { reads: number } {
  return {
    bytes: content.length,
    reads: 0,
    read(from, bytesMax) {
      this.reads++;
      const length = Math.min(bytesMax, scratch.length, content.length - from);
      scratch.fill(0xee);
      scratch.set(content.subarray(from, from + length));
      return scratch.subarray(0, length);
    },
  };
}

function bytes(...values: number[]): Uint8Array {
  return Uint8Array.from(values);
}

describe("an outbox", () => {
  test("combines small entries, including slices, into one write", () => {
    const sink = new FakeSink();
    const outbox = new Outbox(sink);
    for (const entry of [bytes(1), slice(bytes(2, 3)), bytes(4), slice(bytes(5))]) {
      outbox.push(entry);
    }
    expect(outbox.bytes).toBe(5);
    expect(outbox.entries).toBe(4);
    expect(outbox.flush()).toBe("empty");
    expect(sink.taken).toEqual([1, 2, 3, 4, 5]);
    expect(sink.writes).toBe(1);
    expect(outbox.bytes).toBe(0);
    expect(outbox.entries).toBe(0);
  });

  test("keeps bytes that the socket did not take, and continues there", () => {
    const sink = new FakeSink([2, 0, 3]);
    const outbox = new Outbox(sink);
    outbox.push(bytes(1, 2, 3));
    outbox.push(bytes(4, 5, 6));
    expect(outbox.flush()).toBe("blocked");
    expect(outbox.bytes).toBe(4);
    expect(outbox.flush()).toBe("blocked");
    expect(outbox.flush()).toBe("blocked");
    expect(outbox.bytes).toBe(1);
    expect(outbox.entries).toBe(1);
    expect(outbox.flush()).toBe("empty");
    expect(sink.taken).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test("reads a slice only when it is sent", () => {
    const outbox = new Outbox(new FakeSink([0]));
    outbox.push(new Uint8Array(100_000));
    const waiting = slice(new Uint8Array(200_000));
    outbox.push(waiting);
    expect(outbox.flush()).toBe("blocked");
    expect(waiting.reads).toBe(0);
    expect(outbox.bytes).toBe(300_000);
    expect(outbox.flush()).toBe("empty");
    expect(waiting.reads).toBeGreaterThan(0);
  });

  test("drops empty entries, so that none causes a write", () => {
    const sink = new FakeSink();
    const outbox = new Outbox(sink);
    outbox.push(bytes());
    outbox.push(slice(bytes()));
    expect(outbox.entries).toBe(0);
    expect(outbox.flush()).toBe("empty");
    expect(sink.writes).toBe(0);
  });

  test("reports a closed socket, also if it closes during the write", () => {
    const gone = new Outbox({ write: () => -1 });
    gone.push(bytes(1));
    expect(gone.flush()).toBe("closed");
    const closing: Outbox = new Outbox({
      write: () => {
        closing.clear();
        return 0;
      },
    });
    closing.push(bytes(1));
    expect(closing.flush()).toBe("closed");
    expect(closing.bytes).toBe(0);
  });

  test("passes on the error of an unreadable slice", () => {
    const outbox = new Outbox(new FakeSink());
    outbox.push({
      bytes: 1,
      read() {
        throw new Error("the segment is gone");
      },
    });
    expect(() => outbox.flush()).toThrow("the segment is gone");
  });

  test("a slice that returns no bytes is an error, not an endless loop", () => {
    const outbox = new Outbox(new FakeSink());
    outbox.push({ bytes: 3, read: () => bytes() });
    expect(() => outbox.flush()).toThrow("gave none");
  });

  test("sends every byte once and in order, whatever the socket takes", () => {
    const entry = fc.record({
      sliced: fc.boolean(),
      length: fc.oneof(fc.nat(200), fc.constantFrom(65_535, 65_536, 65_537, 150_000)),
    });
    fc.assert(
      fc.property(
        fc.array(entry, { maxLength: 12 }),
        fc.array(fc.oneof(fc.nat(100), fc.nat(100_000)), { maxLength: 30 }),
        (entries, takes) => {
          const sink = new FakeSink([...takes]);
          const outbox = new Outbox(sink);
          const expected: number[] = [];
          let next = 0;
          for (const { sliced, length } of entries) {
            const content = Uint8Array.from({ length }, () => next++ % 251);
            for (const value of content) expected.push(value);
            const queued: OutboxEntry = sliced ? slice(content) : content;
            outbox.push(queued);
            if (next % 3 === 0) outbox.flush();
          }
          for (let i = 0; i <= takes.length && outbox.flush() === "blocked"; i++) {
            expect(sink.taken.length + outbox.bytes).toBe(expected.length);
          }
          expect(outbox.bytes).toBe(0);
          expect(Buffer.compare(Buffer.from(sink.taken), Buffer.from(expected))).toBe(0);
        },
      ),
      { numRuns: 60 },
    );
  });
});
