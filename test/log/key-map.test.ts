// The map of keys beside a Map, and the marks of records beside a list.
// Leaves to others: what a run makes of them (compaction-run.test.ts).
import { describe, expect, test } from "bun:test";
import { KeyMap } from "../../src/log/compaction/key-map.js";
import { RecordMarks } from "../../src/log/compaction/record-marks.js";
import { Random } from "../support/random.js";

const utf8 = new TextEncoder();

describe("a map of keys", () => {
  test("has the last number of each key, whatever the keys are", () => {
    const random = new Random(1);
    const map = new KeyMap(1_000);
    const marks = new RecordMarks(10_000);
    const expected = new Map<string, number>();
    const dropped = new Set<number>();
    const lengths = [0, 1, 2, 3, 7, 8, 127, 128, 129, 130, 1_000];
    const keyOf = (i: number): string => {
      // Some are equal but for the length, the first or the last byte.
      const length = lengths[i % lengths.length]!;
      return (
        String.fromCharCode(i % 3).repeat(length) +
        (i % 2 === 0 ? "" : String.fromCharCode(i % 120))
      );
    };
    for (let number = 0; number < 10_000; number++) {
      const key = keyOf(random.below(600));
      const bytes = utf8.encode(`--${key}-`);
      map.queue(bytes, 2, bytes.length - 1, number);
      const before = expected.get(key);
      if (before !== undefined) dropped.add(before);
      expected.set(key, number);
      if (map.isQueueFull || random.chance(0.01)) expect(map.enterQueued(marks)).toBe(-1);
    }
    expect(map.enterQueued(marks)).toBe(-1);
    expect(map.size).toBe(expected.size);
    for (let number = 0; number < 10_000; number++) {
      if (marks.isDropped(number) !== dropped.has(number)) throw new Error(`record ${number}`);
    }
    const found = new Int32Array(4);
    for (const [key, number] of expected) {
      const bytes = utf8.encode(key);
      map.queue(bytes, 0, bytes.length, 1);
      map.queue(utf8.encode(`${key}\u0001?`), 0, bytes.length + 2, 3);
      map.lookUpQueued(found);
      expect([...found]).toEqual([0, number, 0, -1]);
    }
  });

  test("doubles until it is full, and loses no key", () => {
    const keys = 50_000;
    const map = new KeyMap(keys);
    const marks = new RecordMarks(2 * keys);
    const bytes = new Uint8Array(4);
    const view = new DataView(bytes.buffer);
    const queue = (key: number, number: number): void => {
      view.setUint32(0, key);
      map.queue(bytes, 0, 4, number);
    };
    const found = new Int32Array(2 * keys);
    for (let key = 0; key < keys; key++) {
      queue(key, key);
      if (!map.isQueueFull && key < keys - 1) continue;
      expect(map.enterQueued(marks)).toBe(-1);
      if (key % 10_000 > 300) continue;
      for (let known = 0; known <= key; known++) {
        queue(known, known);
        if (map.isQueueFull || known === key) map.lookUpQueued(found);
      }
      expect(found.subarray(0, key + 1).every((number, known) => number === known)).toBe(true);
    }
    expect(map.size).toBe(keys);
    expect(marks.countDropped(0, 2 * keys)).toBe(0);
    for (let known = 0; known < 2 * keys; known++) {
      queue(known, known);
      if (map.isQueueFull || known === 2 * keys - 1) map.lookUpQueued(found);
    }
    expect(found.every((number, key) => number === (key < keys ? key : -1))).toBe(true);
    queue(keys, keys);
    expect(map.enterQueued(marks)).toBe(keys);
  });

  test("says which key does not fit, and still finds and replaces the others", () => {
    const map = new KeyMap(3);
    const marks = new RecordMarks(32);
    const enter = (...keys: number[]): number => {
      for (const [i, key] of keys.entries()) map.queue(Uint8Array.of(key), 0, 1, 10 + i);
      return map.enterQueued(marks);
    };
    expect(enter(1, 2, 1, 3)).toBe(-1);
    expect(enter(3, 2, 4, 1)).toBe(12);
    const found = new Int32Array(1);
    const numbers = [1, 2, 3, 4].map((key) => {
      map.queue(Uint8Array.of(key), 0, 1, 0);
      map.lookUpQueued(found);
      return found[0];
    });
    expect(numbers).toEqual([12, 11, 10, -1]);
  });
});

test("marks are counted in any range", () => {
  const random = new Random(2);
  const marks = new RecordMarks(200);
  expect(marks.capacity).toBe(224);
  const state = Array.from({ length: 224 }, (_, number) => {
    const [dropped, tombstone] = [random.chance(0.5), random.chance(0.3)];
    if (dropped) marks.drop(number);
    if (tombstone) marks.noteTombstone(number);
    return { dropped, tombstone };
  });
  for (let first = 0; first < 224; first += 5) {
    for (let count = 0; first + count <= 224; count += 1 + random.below(20)) {
      const range = state.slice(first, first + count);
      expect(marks.countDropped(first, count)).toBe(range.filter((it) => it.dropped).length);
      const tombstones = range.filter((it) => it.tombstone && !it.dropped).length;
      expect(marks.countTombstones(first, count)).toBe(tombstones);
    }
  }
});
