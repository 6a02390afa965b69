// How many connections the limit on open files leaves room for.
import { expect, test } from "bun:test";
import { connectionsWithin, openFilesMax } from "../../src/broker/open-files.ts";

test.each([
  [20_000, 0, 19_744],
  [20_000, 1_000, 13_744],
  // Most of them may be idle.
  [20_000, 10_000, 5_000],
  [1_024, 8, 720],
  [256, 0, 64],
  [1, 0, 1],
])("with %d open files and %d partitions: %d connections", (files, partitions, connections) => {
  expect(connectionsWithin(files, partitions)).toBe(connections);
});

test.if(process.platform === "linux")("the limit of this process is known", () => {
  expect(openFilesMax()).toBeGreaterThan(100);
});
