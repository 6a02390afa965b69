// Committed offsets and groups, with plain values. Leaves to others: the lag (group-lag.test.ts).
import { expect, test } from "bun:test";
import { RustLogError } from "../../src/errors.js";
import { commitOffsets, fetchOffsets } from "../../src/services/committed-offsets.js";
import { deleteGroup, describeGroup, listGroups } from "../../src/services/groups.js";
import { batchOf, codeOf } from "../support/log-fixture.js";
import { openServices } from "../support/services.js";

const commit = (partition: number, offset: number, topic = "t") => ({ topic, partition, offset });

async function open() {
  const context = await openServices();
  await context.registry.create("t", 2, {});
  await context.registry.partition("t", 0).append(batchOf(["a", "b"]));
  return context;
}

test("a commit is all or nothing, and has an error for each wrong partition", async () => {
  const context = await open();
  const outcomes = await commitOffsets(context, "g", [
    ...[commit(0, 2), commit(1, 1), commit(2, 0), commit(0, 0, "missing")],
    { ...commit(1, 0, "u"), topicId: "00000000-0000-4000-8000-00000000000f" },
  ]);
  expect(outcomes.map((it): unknown => (it instanceof RustLogError ? it.code : it))).toEqual([
    ...[undefined, "OFFSET_OUT_OF_RANGE", "UNKNOWN_TOPIC_OR_PARTITION"],
    ...["UNKNOWN_TOPIC_OR_PARTITION", "UNKNOWN_TOPIC_ID"],
  ]);
  expect(fetchOffsets(context, "g", [commit(0, 0)])).toEqual([undefined]);
  expect(await commitOffsets(context, "g", [commit(0, 2), commit(1, 0)])).toEqual([
    undefined,
    undefined,
  ]);
  const fetched = fetchOffsets(context, "g", [commit(1, 0), commit(5, 0), commit(0, 0)]);
  expect(fetched.map((it): unknown => (it instanceof RustLogError ? it.code : it?.offset))).toEqual(
    [0, "UNKNOWN_TOPIC_OR_PARTITION", 2],
  );
});

test("an error of the request belongs to no partition", async () => {
  const context = await open();
  const twice = [commit(0, 1), commit(0, 2)];
  expect(await codeOf(() => commitOffsets(context, "g", twice))).toBe("INVALID_REQUEST");
  expect(await codeOf(() => commitOffsets(context, "", [commit(0, 1)]))).toBe("INVALID_GROUP");
  expect(await codeOf(() => fetchOffsets(context, "", [commit(0, 1)]))).toBe("INVALID_GROUP");
});

test("groups are listed by name, described, and deleted", async () => {
  const context = await open();
  for (const group of ["c", "a", "b"]) await commitOffsets(context, group, [commit(0, 1)]);
  expect([...listGroups(context, "")].map(({ group }) => group)).toEqual(["a", "b", "c"]);
  expect([...listGroups(context, "a")].map(({ group }) => group)).toEqual(["b", "c"]);
  const described = [...describeGroup(context, "b")];
  expect(
    described.map(({ partition, committedOffset, lag }) => [partition, committedOffset, lag]),
  ).toEqual([
    [0, 1, 1],
    [1, -1, 0],
  ]);
  const rest = [...describeGroup(context, "b", { topic: "t", partition: 0 })];
  expect(rest.map(({ partition }) => partition)).toEqual([1]);
  await deleteGroup(context, "b");
  expect(await codeOf(() => describeGroup(context, "b"))).toBe("GROUP_NOT_FOUND");
  expect(await codeOf(() => deleteGroup(context, "b"))).toBe("GROUP_NOT_FOUND");
  expect(await codeOf(() => describeGroup(context, ""))).toBe("INVALID_GROUP");
});
