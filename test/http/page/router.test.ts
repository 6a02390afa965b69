// Addresses of places on the page.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { hrefOf, routeOf, VIEW_NAMES } from "../../../src/http/page/router.js";
import { ANY_CHARACTER } from "../../support/text.js";

test("an address names a view, a path and a query", () => {
  const { view, path, query } = routeOf("#/records/orders%20new/2?from=-50&text=a%26b");
  expect(view).toBe("records");
  expect(path).toEqual(["orders new", "2"]);
  expect([...query]).toEqual([
    ["from", "-50"],
    ["text", "a&b"],
  ]);
});

test.each(["", "#", "#/", "#nonsense", "#/nonsense/orders"])("'%s' is the log", (hash) => {
  const { view, path } = routeOf(hash);
  expect({ view, path }).toEqual({ view: "log", path: [] });
});

test("a group may have an empty name, or one of dots, slashes and question marks", () => {
  for (const name of ["", ".", "..", "%2F", "a?b", "a#b", "a/b", "x".repeat(249), "🦀", "עגלה"]) {
    expect(routeOf(hrefOf("groups", [name])).path).toEqual([name]);
  }
  expect(routeOf("#/groups").path).toEqual([]);
});

test("a broken escape is taken as it is", () => {
  expect(routeOf("#/topics/100%").path).toEqual(["100%"]);
});

test("the list of problems is no part of a place", () => {
  const { view, path, query } = routeOf("#/records/orders?problems=1&from=-50&problems");
  expect({ view, path, query: String(query) }).toEqual({
    ...{ view: "records", path: ["orders"], query: "from=-50" },
  });
});

test("every place has an address that leads to it", () => {
  const part = fc.string({ minLength: 1, unit: ANY_CHARACTER });
  const values = fc.dictionary(fc.string({ minLength: 1 }), fc.string({ minLength: 1 }));
  fc.assert(
    fc.property(fc.constantFrom(...VIEW_NAMES), fc.array(part), values, (view, path, query) => {
      const route = routeOf(hrefOf(view, path, query));
      expect(route.view).toBe(view);
      expect(route.path).toEqual(path);
      const { problems: _, ...others } = query;
      expect(Object.fromEntries(route.query)).toEqual(others);
    }),
  );
});
