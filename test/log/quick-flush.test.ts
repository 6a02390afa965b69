import { expect, test } from "bun:test";
import { QuickFlushes } from "../../src/log/disk/quick-flush.js";
import { RealDisk } from "../../src/log/disk/real-disk.js";
import { withTempDir } from "../support/tmp.js";

const SMALL = { writes: 1, bytes: 1_000 };

/** Rules on a clock that stands still, and a flush that takes as long as is said. */
function onClock() {
  let nowMs = 0;
  let endTurn = (): void => {};
  let answered = 0;
  const quick = new QuickFlushes({
    answered: () => answered,
    now: () => nowMs,
    atEndOfTurn: (action) => {
      endTurn = action;
    },
  });
  return {
    quick,
    answer: (requests: number) => {
      answered += requests;
    },
    endTurn: () => endTurn(),
    pass: (ms: number) => {
      nowMs += ms;
    },
    flush: (tookMs: number) =>
      quick.run(() => {
        nowMs += tookMs;
      }),
  };
}

test("a lone file with one small write at a time is flushed in place", () => {
  const { quick, pass } = onClock();
  const file = {};
  expect(quick.allow(file, SMALL)).toBe(false);
  pass(100);
  expect(quick.allow(file, SMALL)).toBe(true);
  expect(quick.allow(file, { writes: 1, bytes: 64 * 1024 })).toBe(true);
  expect(quick.allow(file, { writes: 0, bytes: 0 })).toBe(true);
  expect(quick.allow(file, { writes: 1, bytes: 64 * 1024 + 1 })).toBe(false);
  expect(quick.allow(file, SMALL)).toBe(true);
});

test("several writes in one flush mean several writers: no flush is in place for a while", () => {
  const { quick, pass } = onClock();
  const file = {};
  quick.allow(file, SMALL);
  pass(100);
  expect(quick.allow(file, { writes: 2, bytes: 2_000 })).toBe(false);
  expect(quick.allow(file, SMALL)).toBe(false);
  pass(100);
  expect(quick.allow(file, SMALL)).toBe(true);
});

test("two flushes in one turn mean two writers, so none is in place", () => {
  const { quick, pass, flush, endTurn } = onClock();
  const file = {};
  quick.allow(file, SMALL);
  pass(100);
  for (let turn = 0; turn < 10; turn++) {
    expect(quick.allow(file, SMALL)).toBe(true);
    flush(0.2);
    endTurn();
  }
  flush(0.2);
  expect(quick.allow(file, SMALL)).toBe(false);
  endTurn();
  expect(quick.allow(file, SMALL)).toBe(false);
  pass(100);
  expect(quick.allow(file, SMALL)).toBe(true);
});

test("two files flushed alternately are not flushed in place, but soon after, a lone one is", () => {
  const { quick, pass } = onClock();
  const [one, other] = [{}, {}];
  for (let i = 0; i < 10; i++) {
    pass(60);
    expect(quick.allow(i % 2 === 0 ? one : other, SMALL)).toBe(false);
  }
  pass(60);
  expect(quick.allow(other, SMALL)).toBe(false);
  pass(60);
  expect(quick.allow(other, SMALL)).toBe(true);
});

test("other requests between two flushes mean another client, which would wait too", () => {
  const { quick, pass, answer } = onClock();
  const file = {};
  quick.allow(file, SMALL);
  pass(100);
  for (let i = 0; i < 10; i++) {
    expect(quick.allow(file, SMALL)).toBe(true);
    answer(1);
  }
  answer(1);
  expect(quick.allow(file, SMALL)).toBe(false);
  pass(99);
  answer(1);
  expect(quick.allow(file, SMALL)).toBe(false);
  pass(1);
  expect(quick.allow(file, SMALL)).toBe(true);
});

test("after a slow flush none is in place for twenty times its duration", () => {
  const { quick, pass, flush, endTurn } = onClock();
  const file = {};
  quick.allow(file, SMALL);
  pass(100);
  flush(0.9);
  endTurn();
  expect(quick.allow(file, SMALL)).toBe(true);
  flush(5);
  endTurn();
  pass(99);
  expect(quick.allow(file, SMALL)).toBe(false);
  pass(1);
  expect(quick.allow(file, SMALL)).toBe(true);
});

/** Says yes to all, and notes what it was asked. */
class Yes extends QuickFlushes {
  readonly asked: { writes: number; bytes: number }[] = [];
  flushed = 0;
  failure: Error | undefined;

  override allow(_file: object, unflushed: { writes: number; bytes: number }): boolean {
    this.asked.push(unflushed);
    return true;
  }

  override run(flush: () => void): void {
    if (this.failure !== undefined) throw this.failure;
    super.run(flush);
    this.flushed++;
  }
}

test("a file counts writes since its last flush; those of an earlier process are unknown", () =>
  withTempDir(async (path) => {
    const quick = new Yes();
    const file = new RealDisk(quick).openAppend(`${path}/file`);
    await file.sync();
    file.write(new Uint8Array(10));
    file.push();
    file.write(new Uint8Array(20));
    file.push();
    await file.sync();
    await file.sync();
    file.close();
    expect(quick.asked).toEqual([
      { writes: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY },
      { writes: 2, bytes: 30 },
      { writes: 0, bytes: 0 },
    ]);
    expect(quick.flushed).toBe(3);
  }));

test("a failed flush in place rejects like one in the background", () =>
  withTempDir(async (path) => {
    const quick = new Yes();
    quick.failure = new Error("EIO: simulated");
    const file = new RealDisk(quick).openAppend(`${path}/file`);
    file.write(new Uint8Array(1));
    file.push();
    await expect(file.sync()).rejects.toThrow("EIO: simulated");
    file.close();
  }));
