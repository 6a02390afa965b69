// ListOffsets of many partitions, with plain values.
import { expect, test } from "bun:test";
import { RustLogError } from "../../src/errors.js";
import { listOffsets } from "../../src/services/list-offsets.js";
import { batchOf } from "../support/log-fixture.js";
import { openServices } from "../support/services.js";

test("each query has its own result, in order", async () => {
  const context = await openServices();
  const { id } = await context.registry.create("t", 2, {});
  for (const ms of [1_000, 2_000, 3_000]) {
    await context.registry.partition("t", 1).append(batchOf(["a", "b"], ms));
  }
  const at = (timestamp: number, partition = 1) => ({ topic: "t", partition, timestamp });
  const found = await listOffsets(context, [
    ...[at(-1), at(-2), at(1_500), at(4_000), at(-1, 0), at(-3), at(-1, 2)],
    { ...at(-1), topicId: "00000000-0000-4000-8000-00000000000f" },
  ]);
  expect(found.map((it): unknown => (it instanceof RustLogError ? it.code : it.offset))).toEqual([
    ...[6, 0, 2, 6, 0],
    ...["INVALID_REQUEST", "UNKNOWN_TOPIC_OR_PARTITION", "UNKNOWN_TOPIC_ID"],
  ]);
  expect(found[2]).toEqual({ offset: 2, timestamp: 2_000, topicId: id });
});
