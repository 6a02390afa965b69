import { expect, test } from "bun:test";
import fc from "fast-check";
import { Mutes } from "../../src/net/mutes.js";
import { ManualClock } from "../support/manual-clock.js";

class Muted {
  unmutedAtMs: number | undefined;
  readonly #clock: ManualClock;

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  unmute(): void {
    expect(this.unmutedAtMs).toBeUndefined();
    this.unmutedAtMs = this.#clock.now();
  }
}

function newMutes(clock: ManualClock): Mutes<Muted> {
  const after = (ms: number, call: () => void): (() => void) => clock.after(ms, call);
  return new Mutes<Muted>({ nowMs: () => clock.now(), after });
}

test("each is unmuted at its time, or some milliseconds later, and one timer serves all", () => {
  const steps = fc.array(
    fc.record({ ms: fc.integer({ min: 1, max: 200_000 }), isGone: fc.boolean() }),
  );
  fc.assert(
    fc.property(steps, (muted) => {
      const clock = new ManualClock();
      const mutes = newMutes(clock);
      const connections = muted.map(({ ms, isGone }) => {
        const connection = new Muted(clock);
        const untilMs = clock.now() + ms;
        mutes.add(connection, untilMs);
        if (isGone) mutes.remove(connection);
        expect(clock.timers).toBeLessThanOrEqual(1);
        return { connection, untilMs, isGone };
      });
      clock.advance(200_010);
      for (const { connection, untilMs, isGone } of connections) {
        if (isGone) expect(connection.unmutedAtMs).toBeUndefined();
        else {
          expect(connection.unmutedAtMs!).toBeGreaterThanOrEqual(untilMs);
          expect(connection.unmutedAtMs!).toBeLessThanOrEqual(untilMs + 5);
        }
      }
      expect([mutes.size, clock.timers]).toEqual([0, 0]);
    }),
  );
});

test("a longer time replaces an earlier one, and all may end at once", () => {
  const clock = new ManualClock();
  const mutes = newMutes(clock);
  const [first, second] = [new Muted(clock), new Muted(clock)];
  mutes.add(first, clock.now() + 100);
  mutes.add(first, clock.now() + 500);
  mutes.add(second, clock.now() + 200);
  clock.advance(300);
  expect([first.unmutedAtMs !== undefined, second.unmutedAtMs !== undefined]).toEqual([
    false,
    true,
  ]);
  mutes.endAll();
  expect([first.unmutedAtMs !== undefined, mutes.size]).toEqual([true, 0]);
});
