// Searches in addresses: what old and new ones mean. Leaves to others: what they find (services/records/record-match.test.ts).
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { hrefOfPlace, placeOf } from "../../../../src/http/page/records/records-place.js";
import { notFoundWords } from "../../../../src/http/page/records/records-words.js";
import {
  conditionsOf,
  searchParameters,
  type SearchCondition,
} from "../../../../src/http/page/records/search-wire.js";
import { routeOf } from "../../../../src/http/page/router.js";

const read = (text: string): SearchCondition[] => conditionsOf(new URLSearchParams(text));

describe("an address of a search", () => {
  test("with one condition means what it always has", () => {
    expect(read("find=17&in=key&case=ignore")).toEqual([
      { find: "17", in: "key", isNegated: false },
    ]);
    expect(read("in=json&find=%24.a")).toEqual([{ find: "$.a", in: "json", isNegated: false }]);
    expect(read("find=17")).toEqual([{ find: "17", in: "any", isNegated: false }]);
    expect(read("in=key")).toEqual([]);
    expect(read("find=&in=key&partition=3")).toEqual([]);
  });

  test("may have more of them, each with its own place", () => {
    expect(read("find=17&not=1&in=key&find=&in=tombstone&find=x&find=&in=value")).toEqual([
      { find: "17", in: "key", isNegated: true },
      { find: "", in: "tombstone", isNegated: false },
      { find: "x", in: "any", isNegated: false },
    ]);
    expect(read("in=tombstone&not=1&find=17&in=key&in=keyless")).toEqual([
      { find: "", in: "tombstone", isNegated: true },
      { find: "17", in: "key", isNegated: false },
      { find: "", in: "keyless", isNegated: false },
    ]);
    expect(read("in=keyless&not=1")).toEqual([{ find: "", in: "keyless", isNegated: true }]);
  });

  test("property: says all of them", () => {
    const condition = fc.oneof(
      fc.record({
        find: fc.string({ minLength: 1 }),
        in: fc.constantFrom("any", "key", "json"),
        isNegated: fc.boolean(),
      }),
      fc.record({
        find: fc.constant(""),
        in: fc.constantFrom("tombstone", "keyless"),
        isNegated: fc.boolean(),
      }),
    );
    fc.assert(
      fc.property(fc.array(condition, { maxLength: 4 }), fc.boolean(), (conditions, isTail) => {
        expect(read(searchParameters(conditions))).toEqual(conditions);
        const place = { ...placeOf(routeOf("#/records/t?partition=1")), conditions, isTail };
        expect(placeOf(routeOf(hrefOfPlace(place)))).toEqual(place);
      }),
    );
  });
});

test("a search that finds nothing says what it looked for", () => {
  const words = (text: string): string => notFoundWords({ conditions: read(text) });
  expect(words("find=17&in=key")).toBe("Nothing in this range matches 17.");
  expect(words("find=a+%3E+5&in=json")).toContain("In JSON values a path is searched");
  expect(words("find=17&in=key&find=&in=tombstone&not=1&find=x&not=1")).toBe(
    "No record in this range meets all conditions: 17 in the key; a value; no x in the key, the value or the headers.",
  );
  expect(words("find=17&in=value&not=1")).toBe(
    "No record in this range meets the condition: no 17 in the value.",
  );
  expect(words("in=keyless")).toBe("No record in this range is without a key.");
});
