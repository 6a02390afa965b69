// Paths of fields: how several are written, and which are suggested.
// Leaves to others: what is at a path (test/services/records/record-fields.test.ts).
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { shownPaths } from "../../../../src/http/page/records/shown-paths.js";
import { jsonTokens } from "../../../../src/http/page/records/record-text.js";
import { pathOfName, pathsOfJson } from "../../../../src/http/page/records/suggested-paths.js";
import { JsonPath } from "../../../../src/services/records/json-path.js";

test("paths have commas between them, and may have some in brackets", () => {
  expect(shownPaths(" $.order.id,order.status ,, key.id")).toEqual([
    ...["$.order.id", "order.status", "key.id"],
  ]);
  expect(shownPaths(`$["a,b"].c,$['d,"'],$["\\",x"],$.e`)).toEqual([
    ...[`$["a,b"].c`, `$['d,"']`, `$["\\",x"]`, "$.e"],
  ]);
  expect(shownPaths("")).toEqual([]);
});

test("property: what is typed is split, but for spaces and commas", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const bare = (it: string): string => it.replaceAll(/[\s,]/g, "");
      expect(bare(shownPaths(text).join(","))).toBe(bare(text));
    }),
  );
});

test("a name of JSON has its path", () => {
  const tokens = jsonTokens('{"a":{"b":[1,{"c d":2}]},"e":[],"f":{}}') ?? [];
  const paths = Array.from({ length: 5 }, (_, i) => pathOfName(tokens, i));
  expect(paths).toEqual(["$.a", "$.a.b", '$.a.b[*]["c d"]', "$.e", "$.f"]);
});

describe("suggested paths", () => {
  test("are those of all that is neither an object nor an array", () => {
    const json =
      '{"order":{"id":1,"a b":null},"items":[{"sku":"S"},{"n":[2]}],"empty":{},"t":true}';
    expect(pathsOfJson(json)).toEqual([
      ...["$.order.id", '$.order["a b"]', "$.items[*].sku", "$.items[*].n[*]", "$.t"],
    ]);
    expect(pathsOfJson('{"order":{"id":1,"status":"pa')).toEqual(["$.order.id"]);
    expect(pathsOfJson("no JSON")).toEqual([]);
    expect(pathsOfJson("17")).toEqual([]);
  });

  test("property: lead to something, and none is made of what is no JSON", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        for (const path of pathsOfJson(JSON.stringify(value))) {
          expect(new JsonPath(path).find(value, 1)).toHaveLength(1);
        }
      }),
    );
    fc.assert(
      fc.property(fc.string(), (text) => {
        for (const path of pathsOfJson(text)) expect(path).toStartWith("$");
      }),
    );
  });
});
