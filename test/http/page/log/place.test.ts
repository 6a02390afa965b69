// Places of the log view and their addresses.
import { expect, test } from "bun:test";
import { hrefOfPlace, placeOf } from "../../../../src/http/page/log/place.js";
import { routeOf } from "../../../../src/http/page/router.js";

test.each([
  "#/log",
  "#/log/a%2Fb%3F",
  "#/log/orders/12?offset=0",
  "#/log?filter=ord",
  "#/log/orders/0?segment=0&near=4096",
  "#/log/orders/0?offset=7&segment=0&batch=0&lookup=2026-07-01+12%3A00",
])("%s leads to the place that it was made for", (href) => {
  expect(hrefOfPlace(placeOf(routeOf(href)))).toBe(href);
});

test("what is not a number is left out", () => {
  const place = placeOf(routeOf("#/log/orders/x?offset=-1&segment=1e3&batch=&near=0x1"));
  expect(hrefOfPlace(place)).toBe("#/log/orders");
});
