// The order of the list of topics, and how much work it takes. Leaves to others: the list (topics.browser.ts).
import { expect, test } from "bun:test";
import { InRates } from "../../../../src/http/page/topics/rates.js";
import { TopicOrder } from "../../../../src/http/page/topics/topic-order.js";
import type { TopicState } from "../../../../src/http/page/wire.js";

/** How often the name of any topic was read. */
let reads = 0;

function topicOf(name: string, more: Partial<TopicState> = {}): TopicState {
  return {
    get name() {
      reads++;
      return name;
    },
    ...{ id: name, internal: false, partitions: 1, offline: [] },
    ...{ cleanup: "delete", retentionMs: -1, retentionBytes: -1 },
    ...more,
  };
}

/** An order of topics whose sizes are those in `bytes`. */
function orderOf(topics: readonly TopicState[], bytes: ReadonlyMap<string, number> = new Map()) {
  const bytesOf = (name: string): number => bytes.get(name) ?? 0;
  const none = { recordsOf: () => 0, newestMsOf: () => null, inRates: new InRates() };
  const numbers = { topics, bytesOf, ...none };
  return { numbers, order: new TopicOrder(numbers) };
}

const namesOf = (topics: readonly TopicState[]) => topics.map(({ name }) => name).join();

test("topics are filtered, and in the chosen order", () => {
  const topics = ["b", "B-2", "b-10"].map((name, i) => topicOf(name, { partitions: 3 - i }));
  const { order } = orderOf([...topics, topicOf("_own", { internal: true })]);
  const shown = (filter: string, by: string, hasInternal = false) =>
    namesOf(order.topics({ filter, order: by, hasInternal }, false));
  expect(shown("", "name")).toBe("b,B-2,b-10");
  expect(shown("", "-name", true)).toBe("b-10,B-2,b,_own");
  expect(shown("", "partitions")).toBe("b-10,B-2,b");
  expect(shown("B-", "name")).toBe("B-2,b-10");
});

test("rows that are held stay where they are, and new ones come after them", () => {
  const bytes = new Map([
    ["a", 1],
    ["b", 2],
  ]);
  const { numbers, order } = orderOf([topicOf("a"), topicOf("b")], bytes);
  const choice = { filter: "", hasInternal: false, order: "-size" };
  const shown = (isHeld: boolean) => namesOf(order.topics(choice, isHeld));
  expect(shown(false)).toBe("b,a");
  bytes.set("a", 3);
  expect(shown(true)).toBe("b,a");
  numbers.topics = [...numbers.topics, topicOf("c")];
  expect(shown(true)).toBe("b,a,c");
  expect(shown(false)).toBe("a,b,c");
});

test("an order by name is kept until the topics or the choice change", () => {
  const { numbers, order } = orderOf(Array.from({ length: 2000 }, (_, i) => topicOf(`t-${i}`)));
  const choice = { filter: "", hasInternal: false, order: "-name" };
  expect(order.topics(choice, false)[0]?.name).toBe("t-1999");
  reads = 0;
  for (let second = 0; second < 10; second++) order.topics(choice, false);
  expect(reads).toBe(0);
  numbers.topics = numbers.topics.slice(1);
  expect(order.topics(choice, false)).toHaveLength(1999);
});

test("an order by size reads each name a few times a second, however many topics there are", () => {
  const bytes = new Map(Array.from({ length: 2000 }, (_, i) => [`t-${i}`, (i * 7919) % 2000]));
  const { order } = orderOf(
    [...bytes.keys()].map((name) => topicOf(name)),
    bytes,
  );
  const choice = { filter: "", hasInternal: false, order: "-size" };
  order.topics(choice, false);
  reads = 0;
  expect(bytes.get(order.topics(choice, false)[0]?.name ?? "")).toBe(1999);
  expect(reads).toBeLessThan(3 * 2000);
});
