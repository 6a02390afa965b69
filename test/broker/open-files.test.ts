// How many partitions and connections the limit on open files leaves room for.
import { expect, test } from "bun:test";
import { OpenFiles } from "../../src/broker/open-files.js";
import { codeOf } from "../support/log-fixture.js";

const WANTED = 100_000;

test.each([
  [20_000, 0, 19_544],
  [20_000, 1_000, 18_544],
  [20_000, 14_544, 5_000],
  [1_024, 8, 560],
  // Created under a higher limit.
  [20_000, 18_000, 1_936],
  [1_024, 900, 62],
  [1_024, 944, 40],
  [256, 0, 128],
  [1, 0, 1],
])("with %d open files and %d partitions: %d connections", (files, partitions, connections) => {
  expect(new OpenFiles(WANTED, files).connectionsBeside(partitions)).toBe(connections);
  expect(new OpenFiles(10, files).connectionsBeside(partitions)).toBe(Math.min(10, connections));
});

test.each([
  [20_000, 0, 14_544],
  [20_000, 10_000, 9_544],
  [1_024, 0, 312],
  [1_024, 300, 268],
  [256, 0, 64],
])(
  "with %d open files and %d connections: %d partitions, and one more is rejected",
  async (files, connections, partitions) => {
    const open = new OpenFiles(WANTED, files);
    open.checkPartitions(partitions, connections);
    expect(await codeOf(() => open.checkPartitions(partitions + 1, connections))).toBe(
      "POLICY_VIOLATION",
    );
    expect(() => open.checkPartitions(partitions + 1, connections)).toThrow(
      `its limit on open files (${files}) leaves room for ${partitions} beside`,
    );
    // What is admitted leaves connections what they have, and their share.
    expect(open.connectionsBeside(partitions)).toBeGreaterThanOrEqual(connections);
  },
);

test("a start with more partitions than the limit allows is refused with the limit that is needed", async () => {
  const open = new OpenFiles(WANTED, 1_024);
  open.checkStart(944);
  expect(await codeOf(() => open.checkStart(945))).toBe("DATA_DIRECTORY_UNUSABLE");
  expect(() => open.checkStart(2_000)).toThrow(
    "the limit on open files (1024) is too low for 2000 partitions: raise it to 2080 at least",
  );
  new OpenFiles(WANTED, 10).checkStart(0);
});

test("nothing is rejected if the limit is unknown", () => {
  const open = new OpenFiles(500, undefined);
  if (process.platform === "linux") expect(open.max).toBeGreaterThan(100);
  else expect(open.connectionsBeside(1_000_000)).toBe(500);
});
