// Fields of records: what is shown at a path, and what is said where nothing is.
// Leaves to others: conditions (json-path.test.ts), the page's text of paths (shown-paths.test.ts).
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { RustLogError } from "../../../src/errors.js";
import { type FieldValue, RecordFields } from "../../../src/services/records/record-fields.js";

const bytes = (value: unknown): Uint8Array =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value));

function at(value: unknown, ...paths: string[]): FieldValue[] {
  return new RecordFields(paths).of(null, bytes(value));
}

describe("a field", () => {
  const order = {
    order: { id: 17, status: "paid", none: null, empty: "", isTest: false, by: { name: "A" } },
    items: [{ sku: "S1" }, { sku: "S2" }, {}],
  };

  test("is what is at its path, and says where nothing is", () => {
    expect(at(order, "$.order.id", "order.status", "$.order.none", "$.order.empty")).toEqual([
      { kind: "number", text: "17" },
      { kind: "string", text: "paid" },
      { kind: "null", text: "null" },
      { kind: "string", text: "" },
    ]);
    expect(at(order, "$.order.isTest", "$.order.by", "$.order.no", "$.items[*].sku")).toEqual([
      { kind: "boolean", text: "false" },
      { kind: "json", text: '{"name":"A"}' },
      { kind: "missing" },
      { kind: "json", text: "S1, S2" },
    ]);
    expect(at(order, "$.items[1].sku", "$.items[*].no", "$.toString")).toEqual([
      { kind: "string", text: "S2" },
      { kind: "missing" },
      { kind: "missing" },
    ]);
  });

  test("may be of the key", () => {
    const fields = new RecordFields(["key.id", "$.key.id", "key[0]"]);
    expect(fields.of(bytes({ id: 1 }), bytes({ key: { id: 2 } }))).toEqual([
      ...[{ kind: "number", text: "1" } as const, { kind: "number", text: "2" } as const],
      { kind: "missing" },
    ]);
    expect(fields.of(null, null)).toEqual([{ kind: "none" }, { kind: "none" }, { kind: "none" }]);
  });

  test("is none where there is no JSON, or too much of it", () => {
    expect(at("{", "$.a")).toEqual([{ kind: "none" }]);
    expect(at({ a: 1, long: "x".repeat(200_000) }, "$.a")).toEqual([{ kind: "large" }]);
  });

  test("has its first characters, and each digit of a number", () => {
    const [text] = at({ a: "x".repeat(300) }, "$.a");
    expect(text).toEqual({ kind: "string", text: "x".repeat(200), isCut: true });
    expect(at('{"a":12345678901234567890,"b":[-9007199254740993]}', "$.a", "$.b")).toEqual([
      { kind: "number", text: "12345678901234567890" },
      { kind: "json", text: "[-9007199254740993]" },
    ]);
    const long = `{"a":12345678901234567890,"b":7,"c":"${"x".repeat(10_000)}"}`;
    expect(at(long, "$.a", "$.b")).toEqual([
      ...[{ kind: "number", text: "≈ 12345678901234567000" } as const],
      { kind: "number", text: "7" },
    ]);
    const [many] = at(Array(50).fill(7), "$[*]");
    expect(many).toEqual({ kind: "json", text: `${"7, ".repeat(20)}…` });
  });

  test("is refused if its path is wrong, or if there are too many", () => {
    expect(() => new RecordFields(["$.a = 1"])).toThrow("in the JSON path, at character 4");
    expect(() => new RecordFields(["$."])).toThrow("expected a name after the dot");
    expect(() => new RecordFields(Array<string>(7).fill("$.a"))).toThrow("at most 6 fields");
    expect(() => new RecordFields(["a".repeat(501)])).toThrow("at most 500 characters");
  });

  test("property: any path shows something of any value, or is refused", () => {
    fc.assert(
      fc.property(fc.string(), fc.jsonValue(), (path, value) => {
        try {
          const [field] = at(JSON.stringify(value), path);
          expect(field).toBeDefined();
        } catch (error) {
          expect(error).toBeInstanceOf(RustLogError);
        }
      }),
    );
  });

  test("property: an object or an array is written as JSON is, as far as it is shown", () => {
    fc.assert(
      fc.property(fc.oneof(fc.object(), fc.array(fc.jsonValue())), (value) => {
        const json = JSON.stringify(value);
        const [field] = at(json, "$");
        const written = JSON.stringify(JSON.parse(json));
        expect(field).toMatchObject({ kind: "json", text: written.slice(0, 200).toWellFormed() });
        expect(field).toHaveProperty("text.length", Math.min(200, written.length));
      }),
    );
  });

  test("property: a scalar at a path is the scalar", () => {
    const name = fc.string();
    const scalar = fc.oneof(fc.string({ maxLength: 100 }), fc.boolean(), fc.maxSafeInteger());
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 5 }), scalar, (names, value) => {
        const json = names.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value);
        const path = `$${names.map((each) => `[${JSON.stringify(each)}]`).join("")}`;
        const kind = typeof value as "string" | "boolean" | "number";
        expect(at(JSON.stringify(json), path)).toEqual([{ kind, text: String(value) }]);
      }),
    );
  });
});
