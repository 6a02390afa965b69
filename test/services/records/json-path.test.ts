// Conditions on JSON values: what they hold for, and what is said about wrong ones.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { RustLogError } from "../../../src/errors.js";
import { JsonCondition } from "../../../src/services/records/json-path.js";

const ORDER = {
  order: { id: 123, text: "42", "odd name": true, none: null, at: "2026-07-01T12:00:00Z" },
  items: [
    { name: "pen", count: 2 },
    { name: "lamp", count: 1 },
  ],
  tags: ["red", "blue"],
};

describe("a condition holds", () => {
  for (const text of [
    ...["$.order.id = 123", "order.id == 123", "$.order.id=123.0", "$.order.id"],
    ...["$.order.id != 124", "$.order.id > 122", "$.order.id <= 123", "$.order.text = 42"],
    ...['$.order["odd name"] = true', "$.order['odd name'] = true", "$.order.none = null"],
    ...["$.order.at >= 2026-07-01", "$.order.at contains T12", "$.order.id contains 2"],
    ...["$.items[1].name = lamp", '$.items[*].name = "pen"', "$.items[*].count > 1"],
    ...["$.tags contains red", "$.order contains id", "$.order.* = 123", "$"],
  ]) {
    test(text, () => expect(new JsonCondition(text).holds(ORDER)).toBe(true));
  }
});

describe("a condition does not hold", () => {
  for (const text of [
    ...["$.order.id = 124", '$.order.id = "123"', "$.order.id.more", "$.missing", "$.items[2]"],
    ...["$.order.id < 123", "$.order.none = 0", "$.items.name = pen", "$.tags contains re"],
    ...["$.missing != 3", "$.toString", "$.items[*].name = ink", "$.order.text > x"],
  ]) {
    test(text, () => expect(new JsonCondition(text).holds(ORDER)).toBe(false));
  }
});

describe("a wrong condition is refused with its place", () => {
  for (const [text, message] of [
    ...[
      ["", "at character 1: expected a path"],
      ["= 3", "at character 1: expected a path"],
    ],
    ...[
      ["$.", "at character 2: expected a name after the dot"],
      ["$.a =", "after ="],
    ],
    ...[
      ["$.a ~ 3", "at character 4: expected one of"],
      ["$[x]", "at character 2"],
    ],
    ...[[`$${".a".repeat(33)}`, "at most 32 steps"]],
  ] as [string, string][]) {
    test(text.slice(0, 20), () => expect(() => new JsonCondition(text)).toThrow(message));
  }

  test("property: any text is either a condition or refused, and no value makes it throw", () => {
    fc.assert(
      fc.property(fc.string(), fc.jsonValue(), (text, value) => {
        try {
          new JsonCondition(text).holds(value);
        } catch (error) {
          expect(error).toBeInstanceOf(RustLogError);
        }
      }),
    );
  });

  test("property: each scalar is found by its path", () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9_-]{0,5}$/);
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 5 }), fc.string(), (names, scalar) => {
        const value = names.reduceRight<unknown>((inner, key) => ({ [key]: inner }), scalar);
        const condition = new JsonCondition(`$.${names.join(".")} = ${JSON.stringify(scalar)}`);
        expect(condition.holds(value)).toBe(true);
      }),
    );
  });
});
