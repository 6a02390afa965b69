// Waiting for a number: who is woken when, compared with a plain list.
import { expect, test } from "bun:test";
import { WaitQueue } from "../../src/topics/wait-queue.js";
import { Random } from "../support/random.js";

// With few steps, hundreds are due together.
test.each([40, 400])(
  "each is woken once, when its number is reached, and not after it left: %i",
  (step) => {
    for (let seed = 1; seed <= 50; seed++) {
      const random = new Random(seed);
      const queue = new WaitQueue();
      const model = new Map<number, { number: number; leave: () => void }>();
      const woken: number[] = [];
      let reached = 0;
      for (let id = 0; id < 500; id++) {
        const number = reached + 1 + random.below(step * 2);
        model.set(id, { number, leave: queue.add(number, () => woken.push(id)) });
        const some = random.pick([...model.keys()]);
        if (random.chance(0.3)) {
          model.get(some)?.leave();
          model.get(some)?.leave();
          model.delete(some);
        }
        if (random.chance(8 / step)) {
          reached += random.below(step);
          queue.reach(reached);
          const due = [...model].filter(([, waiting]) => waiting.number <= reached);
          const byNumber = due.sort(([, a], [, b]) => a.number - b.number);
          expect(woken.map((each) => model.get(each)?.number)).toEqual(
            byNumber.map(([, { number }]) => number),
          );
          expect(new Set(woken)).toEqual(new Set(due.map(([each]) => each)));
          for (const each of woken.splice(0)) model.delete(each);
        }
        expect(queue.size).toBe(model.size);
      }
    }
  },
);

test("a woken listener may cancel others, and listeners that it adds wait for the next call", () => {
  const queue = new WaitQueue();
  const woken: string[] = [];
  const leave: (() => void)[] = [];
  queue.add(1, () => {
    woken.push("first");
    for (const each of leave) each();
    queue.add(1, () => woken.push("added"));
  });
  for (const number of [1, 2, 9]) leave.push(queue.add(number, () => woken.push(`${number}`)));
  queue.reach(5);
  expect(woken).toEqual(["first"]);
  queue.reach(5);
  expect(woken).toEqual(["first", "added"]);
  expect(queue.size).toBe(0);
});
