// Regular expressions for topics: which names match, when they are evaluated, and what is refused.
import { describe, expect, test } from "bun:test";
import {
  PATTERN_LENGTH_MAX,
  PATTERNS_MAX,
  TopicPatterns,
} from "../../src/groups/consumer/topic-patterns.js";
import { RustLogError } from "../../src/errors.js";

function setup(...initial: string[]) {
  const names = new Set(initial);
  let evaluations = 0;
  const changed: string[] = [];
  const patterns = new TopicPatterns<string>({
    onChanged: (user) => changed.push(user),
    names: () => {
      evaluations++;
      return names;
    },
    exists: (name) => names.has(name),
  });
  const matching = (pattern: string): Promise<string[]> =>
    patterns.with(pattern, () => [...patterns.topicsOf(pattern)].toSorted());
  return { names, patterns, matching, changed, evaluations: () => evaluations };
}

async function codeOf(outcome: Promise<unknown>): Promise<string> {
  const error: unknown = await outcome.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return error instanceof RustLogError ? error.code : `none: ${String(error)}`;
}

test("an expression must match the whole name", async () => {
  const { matching } = setup("orders", "orders-eu", "old-orders");
  expect(await matching("orders")).toEqual(["orders"]);
  expect(await matching("orders.*")).toEqual(["orders", "orders-eu"]);
  expect(await matching("a|orders-e[u-z]")).toEqual(["orders-eu"]);
  expect(await matching("(?i)ORDERS")).toEqual(["orders"]);
  expect(await matching("")).toEqual([]);
});

test("topics that are created together are tried together", async () => {
  const { names, patterns, matching, changed } = setup();
  for (const pattern of ["a.*", "b.*"]) {
    await patterns.with(pattern, () => patterns.use(pattern, pattern));
  }
  for (let i = 0; i < 100; i++) {
    names.add(`a${i}`);
    patterns.topicChanged(`a${i}`);
  }
  expect((await matching("a.*")).length).toBe(100);
  expect(await matching("b.*")).toEqual([]);
  expect(changed).toEqual(["a.*"]);
  names.add("b");
  patterns.topicChanged("b");
  expect(await matching("b.*")).toEqual(["b"]);
  expect(changed).toEqual(["a.*", "b.*"]);
});

test("an expression in use is evaluated once, and then for new topics only", async () => {
  const { names, patterns, matching, changed, evaluations } = setup("a1");
  await patterns.with("a.", () => patterns.use("a.", "group"));
  names.add("a2");
  patterns.topicChanged("a2");
  patterns.topicChanged("b");
  expect(await matching("a.")).toEqual(["a1", "a2"]);
  expect(changed).toEqual(["group"]);
  names.delete("a1");
  patterns.topicDeleted("a1");
  expect(await matching("a.")).toEqual(["a2"]);
  expect(changed).toEqual(["group", "group"]);
  expect(evaluations()).toBe(1);
  patterns.unuse("a.", "group");
  expect(patterns.size).toBe(0);
});

test("a topic that is deleted while an expression is evaluated does not match", async () => {
  const { names, patterns, matching } = setup("a1", "a2");
  const found = matching("a.");
  names.delete("a1");
  patterns.topicDeleted("a1");
  expect(await found).toEqual(["a2"]);
});

describe("refused:", () => {
  const { patterns, matching } = setup("a".repeat(200));

  test.each([
    ["a class without an end", "[a"],
    ["lookahead", "(?=a)b"],
    ["a backreference", "(a)\\1"],
    ["more than 1,000 repetitions", "a{1001}"],
    ["a long one", "a".repeat(PATTERN_LENGTH_MAX + 1)],
    ["many repetitions", "(a{30}){33}".repeat(150)],
    ["repetitions of much", `(${"ab".repeat(500)}){1000}`],
    ["repetitions of repetitions", "\\p{L}{1000}{1000}"],
    ["deep nesting", "(".repeat(PATTERN_LENGTH_MAX)],
  ])("%s", async (_, pattern) => {
    expect(await codeOf(matching(pattern))).toBe("INVALID_REGULAR_EXPRESSION");
    expect(patterns.size).toBe(0);
  });

  test("more expressions than the broker evaluates", async () => {
    const { patterns: all } = setup();
    for (let i = 0; i < PATTERNS_MAX; i++) await all.with(`a${i}`, () => all.use(`a${i}`, "group"));
    expect(await codeOf(all.with("b", () => {}))).toBe("INVALID_REGULAR_EXPRESSION");
    all.unuse("a0", "group");
    await all.with("b", () => {});
  });
});

test("expressions that backtrack for ever elsewhere match in linear time", async () => {
  const { matching } = setup(`${"a".repeat(248)}b`);
  expect(await matching("(a+)+c")).toEqual([]);
  expect(await matching("(a|aa)+b")).toHaveLength(1);
  expect(await matching("(.*a){100}c")).toEqual([]);
});
