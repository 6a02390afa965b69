import { expect, test } from "bun:test";
import { TURN_MS, type Turn, Turns, type TurnTaker } from "../../src/net/turns.js";

/** Turns on a clock and an event loop of the test. */
function simulate(mayBeginBulk: () => boolean = () => true) {
  let nowMs = 0;
  let calls: (() => void)[] = [];
  const turns = new Turns({
    mayBeginBulk,
    nowMs: () => nowMs,
    afterSockets: (call) => calls.push(call),
  });
  const log: string[] = [];
  return {
    turns,
    log,
    /** Lets time go by. */
    pass(ms: number): void {
      nowMs += ms;
    },
    /** One turn of the event loop; returns whether there was anything to do. */
    loop(): boolean {
      const due = calls;
      calls = [];
      for (const call of due) call();
      return due.length > 0;
    },
    /** Has `requests` requests, each of which takes `ms`. */
    taker(name: string, isNextSmall: boolean, requests: number, ms: number): TurnTaker {
      let left = requests;
      const taker: TurnTaker = {
        isNextSmall,
        takeTurn({ endMs }: Turn) {
          do {
            log.push(name);
            nowMs += ms;
            left--;
          } while (left > 0 && nowMs <= endMs);
          if (left > 0) turns.add(taker);
        },
      };
      return taker;
    },
  };
}

test("a small request does not wait for the bulk requests of many connections", () => {
  const { turns, log, loop, taker } = simulate();
  for (let i = 0; i < 300; i++) turns.add(taker(`bulk ${i}`, false, 5, 1.5));
  loop();
  turns.add(taker("small", true, 1, 0.01));
  loop();
  // Two turns of the loop, each with two bulk requests at most that began before the time was over.
  expect(log.indexOf("small")).toBeLessThanOrEqual(2);
  expect(log.length).toBeLessThanOrEqual(6);
});

test("all waiting connections share the time of one turn between two polls of the sockets", () => {
  const { turns, log, loop, taker } = simulate();
  for (let i = 0; i < 100; i++) turns.add(taker(String(i), true, 1000, 0.1));
  loop();
  expect(log.length).toBeLessThanOrEqual(TURN_MS / 0.1 + 2);
  // None of them has it alone.
  expect(new Set(log).size).toBeGreaterThanOrEqual(3);
});

test("every connection gets a turn before any gets its next one", () => {
  const { turns, log, loop, taker } = simulate();
  for (let i = 0; i < 10; i++) turns.add(taker(String(i), false, 3, 5));
  while (loop());
  expect(log).toHaveLength(30);
  expect(new Set(log.slice(0, 10)).size).toBe(10);
});

test("no bulk request begins while much is charged, and the loop is idle", () => {
  let mayBegin = false;
  const { turns, log, loop, taker } = simulate(() => mayBegin);
  turns.add(taker("bulk", false, 1, 1));
  turns.add(taker("small", true, 1, 0.1));
  loop();
  expect(log).toEqual(["small"]);
  expect(loop()).toBe(false);
  mayBegin = true;
  turns.bulkMayBegin();
  loop();
  expect(log).toEqual(["small", "bulk"]);
});

test("long work runs a few portions in each turn of the loop", async () => {
  const { turns, loop, pass } = simulate();
  const done: number[] = [];
  const work = async (name: number): Promise<void> => {
    for (let portion = 0; portion < 3; portion++) {
      await turns.nextPortion();
      done.push(name);
      pass(0.6);
    }
  };
  for (let name = 0; name < 4; name++) void work(name);
  for (let turn = 1; turn <= 6; turn++) {
    expect(loop()).toBe(true);
    await Bun.sleep(0);
    expect(done).toHaveLength(2 * turn);
  }
  expect(done).toEqual([0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3]);
  expect(loop()).toBe(false);
});

test("spent time is reset once the sockets are polled", () => {
  const { turns, loop } = simulate();
  turns.spend(TURN_MS + 1);
  expect(turns.mayBeginBulk(undefined)).toBe(false);
  loop();
  expect(turns.mayBeginBulk(undefined)).toBe(true);
});

test("callbacks for many at once run in many turns of the loop, in order", async () => {
  const { turns, loop, pass } = simulate();
  const done: number[] = [];
  for (let i = 0; i < 1000; i++) {
    turns.whenTime(() => {
      done.push(i);
      pass(0.1);
    });
  }
  expect(done.length).toBeLessThanOrEqual(TURN_MS / 0.1 + 1);
  let turn = 0;
  while (loop()) {
    turn++;
    await Bun.sleep(0);
  }
  expect(turn).toBeGreaterThan(50);
  expect(done).toEqual(Array.from({ length: 1000 }, (_, i) => i));
});
