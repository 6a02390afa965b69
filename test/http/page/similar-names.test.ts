// Names for somebody who has mistyped one.
import { expect, test } from "bun:test";
import { similarNames } from "../../../src/http/page/similar-names.js";

const NAMES = ["orders", "orders-eu", "payments", "users", "a"];

test.each([
  ["ordres", ["orders"]],
  ["Orders", ["orders", "orders-eu"]],
  ["order", ["orders", "orders-eu"]],
  ["payment", ["payments"]],
  ["pyaments", ["payments"]],
  ["user", ["users"]],
  ["shipments", []],
  ["b", ["a"]],
  ["", ["a"]],
])("%s may stand for %j", (name, meant) => {
  expect(similarNames(name, NAMES)).toEqual(meant);
});

test("at most five are suggested, of many", () => {
  const many = Array.from({ length: 2_000 }, (_, i) => `topic-${i}`);
  expect(similarNames("topc-7", many)).toEqual([
    "topic-7",
    "topic-0",
    "topic-1",
    "topic-2",
    "topic-3",
  ]);
});
