// Searches with several conditions, against the plain way to look at each record.
// Leaves to others: paging (browse.test.ts), JSON conditions (json-path.test.ts), and large records (large-records.test.ts).
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { RecordCursor } from "../../../src/record/cursor.js";
import { BatchEncoder } from "../../../src/record/encoder.js";
import { JsonCondition } from "../../../src/services/records/json-path.js";
import { type RecordCondition, RecordMatch } from "../../../src/services/records/record-match.js";

interface Plain {
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly { readonly name: string; readonly value: string | null }[];
}

function batchOf(records: readonly Plain[]): Uint8Array {
  const encoder = new BatchEncoder();
  for (const { key, value, headers } of records) encoder.append(5, key, value, [...headers]);
  return encoder.finish().slice();
}

/** Numbers of the records that a search finds, as it is asked about a batch. */
function found(records: readonly Plain[], search: readonly RecordCondition[]) {
  const match = new RecordMatch(search);
  const bytes = batchOf(records);
  const offsets: number[] = [];
  if (match.mayMatch({ bytes, at: 0, end: bytes.length })) {
    const cursor = new RecordCursor().reset(bytes);
    while (cursor.next()) if (match.matches(cursor)) offsets.push(cursor.offset);
  }
  return { offsets, unsearched: match.unsearched };
}

/** The plain way. */
function meets({ key, value, headers }: Plain, condition: RecordCondition): boolean {
  const { field, text, ignoresCase, isNegated = false } = condition;
  const folded = (it: string): string => (ignoresCase ? it.toLowerCase() : it);
  const has = (part: string | null): boolean =>
    part !== null && folded(part).includes(folded(text));
  const isJson = (): boolean => {
    try {
      return value !== null && new JsonCondition(text).holds(JSON.parse(value));
    } catch {
      return false;
    }
  };
  const isMet = {
    key: () => has(key),
    value: () => has(value),
    any: () => has(key) || has(value) || headers.some((it) => has(it.name) || has(it.value)),
    header: () => headers.some(({ name }) => folded(name) === folded(text)),
    json: isJson,
    tombstone: () => value === null,
    keyless: () => key === null,
  }[field]();
  return isMet !== isNegated;
}

const text = fc.constantFrom("a", "A", "ab", "b", "id");
const part = fc.option(fc.oneof(text, fc.constantFrom('{"a":1}', '{"a":{"b":2}}', "", "BA")));
const header = fc.record({ name: text, value: fc.option(text) });
const record = fc.record({ key: part, value: part, headers: fc.array(header, { maxLength: 2 }) });
const condition: fc.Arbitrary<RecordCondition> = fc.oneof(
  fc.record({
    field: fc.constantFrom("any", "key", "value", "header", "tombstone", "keyless"),
    text,
    ignoresCase: fc.boolean(),
    isNegated: fc.boolean(),
  }),
  fc.record({
    field: fc.constant("json" as const),
    text: fc.constantFrom("$.a", "$.a = 1", "$.a.b > 1", "$.c"),
    ignoresCase: fc.constant(false),
    isNegated: fc.boolean(),
  }),
);

describe("a search with several conditions", () => {
  test("property: finds what meets all of them, in whatever order they are", () => {
    fc.assert(
      fc.property(
        fc.array(record, { minLength: 1, maxLength: 12 }),
        fc.array(condition, { minLength: 1, maxLength: 4 }),
        (records, search) => {
          const expected = records.flatMap((each, i) =>
            search.every((it) => meets(each, it)) ? [i] : [],
          );
          const all = { offsets: expected, unsearched: 0 };
          expect(found(records, search)).toEqual(all);
          expect(found(records, search.toReversed())).toEqual(all);
        },
      ),
      { numRuns: 300 },
    );
  });

  test("has 1 to 4 of them, each with a text where it needs one", () => {
    const one = { field: "any", text: "x", ignoresCase: false } as const;
    expect(() => new RecordMatch([])).toThrow("a search has 1 to 4 conditions");
    expect(() => new RecordMatch([one, one, one, one, one])).toThrow("1 to 4 conditions");
    expect(() => new RecordMatch([one, { ...one, text: "" }])).toThrow("has 1 to 4096 characters");
    expect(() => new RecordMatch([{ ...one, field: "tombstone", text: "" }])).not.toThrow();
  });

  test("counts a record once that is too large, and only if the rest of it matches", () => {
    const large = JSON.stringify({ a: "x".repeat(150 * 1024) });
    const records = ["one", "two"].map((key) => ({ key, value: large, headers: [] }));
    const json = { field: "json", ignoresCase: false } as const;
    const conditions = [
      { ...json, text: "$.a = 1", isNegated: true },
      { ...json, text: "$.b" },
      { field: "key", text: "two", ignoresCase: false } as const,
    ];
    // A value that was not looked at neither has a text nor lacks it.
    expect(found(records, conditions)).toEqual({ offsets: [], unsearched: 1 });
    expect(found(records, conditions.slice(0, 1))).toEqual({ offsets: [], unsearched: 2 });
  });
});
