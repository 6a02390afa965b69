// Conditions on JSON values: what they hold for, and what is said about wrong ones.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { RustLogError } from "../../../src/errors.js";
import { BatchEncoder } from "../../../src/record/encoder.js";
import { browse } from "../../../src/services/records/browse.js";
import { JsonCondition } from "../../../src/services/records/json-path.js";
import { openServices } from "../../support/services.js";

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

test("property: what meets a condition has the texts that it needs, or an escape", () => {
  const scalar = fc.oneof(fc.string(), fc.double({ noNaN: true }), fc.integer(), fc.boolean());
  fc.assert(
    fc.property(
      scalar,
      fc.constantFrom("=", "contains"),
      fc.boolean(),
      (value, operator, isNumber) => {
        const text = isNumber && typeof value === "number" ? value.toFixed(1) : String(value);
        if (text.trim() === "") return;
        const condition = new JsonCondition(`$.a ${operator} ${text}`);
        const json = JSON.stringify({ a: value });
        if (!condition.holds(JSON.parse(json)) || /\\|\d[eE][+-]?\d/.test(json)) return;
        for (const needed of condition.neededTexts) expect(json).toContain(needed);
      },
    ),
  );
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

test("a search finds values of JSON however they are written", async () => {
  const context = await openServices();
  await context.registry.create("t", 1, {});
  const encoder = new BatchEncoder();
  const values = [
    ...[
      '{"a":17}',
      '{"a":17.0}',
      '{"a":1.7e1}',
      '{"a":"17"}',
      '{"\\u0061":17}',
      '{"a":"1\\u0037"}',
    ],
    ...['{"a":18}', '{"b":17}', '{"a":"x/y\\"z"}', '{"a":"x\\/y\\"z"}', "17", "{"],
  ];
  for (const value of values) encoder.append(5, null, value);
  await context.registry.partition("t", 0).append(encoder.finish());
  const found = async (text: string): Promise<number[]> => {
    const search = [{ field: "json", text, ignoresCase: false }] as const;
    const query = { topic: "t", partition: 0, from: "earliest", to: "latest", search } as const;
    const more = { at: undefined, direction: "newer", limit: 100 } as const;
    const { items } = await browse(context, { ...query, ...more }, new AbortController().signal);
    return items.flatMap((item) => ("offset" in item ? [item.offset] : []));
  };
  expect(await found("$.a = 17")).toEqual([0, 1, 2, 3, 4, 5]);
  expect(await found('$.a = x/y"z')).toEqual([8, 9]);
  expect(await found("$.a > 17")).toEqual([6, 8, 9]);
});
