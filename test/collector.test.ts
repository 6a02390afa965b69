// When input causes a garbage collection: after a number of bytes, and for at most a tenth of the time.
import { expect, test } from "bun:test";
import { Collections, InputCollector } from "../src/collector.js";

const MiB = 1024 * 1024;

test("input is collected after a number of bytes, and less often if collections are slow", () => {
  let nowMs = 0;
  let takesMs = 0;
  const collected: number[] = [];
  const collector = new InputCollector(
    () => {
      collected.push(nowMs);
      nowMs += takesMs;
    },
    () => nowMs,
  );
  const receive = (mebibytes: number, everyMs: number): void => {
    for (let i = 0; i < mebibytes; i++) {
      nowMs += everyMs;
      collector.received(MiB);
    }
  };
  receive(127, 1);
  expect(collected).toEqual([]);
  receive(129, 1);
  expect(collected).toEqual([128, 256]);
  takesMs = 30;
  receive(128, 1);
  expect(collected).toEqual([128, 256, 384]);
  // A single slow collection may have waited for a processor.
  receive(128, 1);
  expect(collected).toEqual([128, 256, 384, 542]);
  // 30 ms are a tenth of 300 ms: not before.
  receive(299, 1);
  expect(collected.length).toBe(4);
  receive(1, 1);
  expect(collected).toEqual([128, 256, 384, 542, 872]);
});

test("input that was freed needs no collection", () => {
  let collections = 0;
  const collector = new InputCollector(
    () => collections++,
    () => 0,
  );
  for (let i = 0; i < 1_000; i++) {
    collector.received(MiB);
    collector.freed(MiB);
  }
  expect(collections).toBe(0);
  for (let i = 0; i < 128; i++) collector.received(MiB);
  expect(collections).toBe(1);
});

test("a collection is forced only while collections are quick", () => {
  let nowMs = 0;
  let takesMs = 1;
  const forced: boolean[] = [];
  const collections = new Collections({
    gc: (force) => {
      forced.push(force);
      if (force) nowMs += takesMs;
    },
    objectBytes: () => 0,
    nowMs: () => nowMs,
  });
  const collect = (times: number): boolean[] => {
    forced.length = 0;
    for (let i = 0; i < times; i++) collections.collect();
    return forced;
  };
  expect(collect(2)).toEqual([true, true]);
  takesMs = 90;
  expect(collect(1)).toEqual([true]);
  takesMs = 1;
  expect(collect(2)).toEqual([true, true]);
  takesMs = 90;
  expect(collect(4)).toEqual([true, true, false, false]);
  // 100 times 90 ms later the machine may be quiet again.
  nowMs += 8_999;
  expect(collections.collect()).toBe(1);
  nowMs += 1;
  takesMs = 1;
  expect(collect(3)).toEqual([true, true, true]);
});

test("a collection is not forced with so many objects that it would be slow", () => {
  let objectBytes = 4 * MiB;
  const forced: boolean[] = [];
  const collections = new Collections({
    gc: (force) => void forced.push(force),
    objectBytes: () => objectBytes,
  });
  collections.collect();
  objectBytes = 30 * MiB;
  collections.collect();
  expect(collections.collect()).toBeUndefined();
  objectBytes = 4 * MiB;
  collections.collect();
  expect(forced).toEqual([true, false, false, true]);
});
