// The compiled broker while many topics are created and deleted: no descriptor and no mapping is left.
import { expect, test } from "bun:test";
import { BrokerProcess } from "../support/binary.js";
import { tempDir } from "../support/tmp.js";
import { churnTopics, SPARE } from "./topic-churn.js";

test("40 topics that are created, filled, read and deleted leave nothing behind", async () => {
  using directory = tempDir();
  const args = ["--flush", "never", "--segment-bytes", "2KiB"];
  await using broker = await BrokerProcess.start(directory.path, ...args);
  const { before, after } = await churnTopics(broker, 40);
  expect(after.descriptors).toBeLessThanOrEqual(before.descriptors + SPARE);
  expect(after.mappings).toBeLessThanOrEqual(before.mappings + SPARE);
  expect(after.directories).toEqual(before.directories);
  expect(broker.reports).toEqual([]);
}, 60_000);
