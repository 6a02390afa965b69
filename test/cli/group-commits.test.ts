// Commits that follow printed records, with a broker that is away for a while: none is lost, none goes back.
import { expect, test } from "bun:test";
import type { PartitionOffset } from "../../src/client/admin-types.js";
import { GroupCommits } from "../../src/cli/group-commits.js";
import { RustLogError } from "../../src/errors.js";
import { settle } from "../support/log-fixture.js";

/** A broker that can be switched off, and its committed offsets. */
function setUp() {
  const committed = new Map<number, number>();
  const state = { isAway: false, requests: 0, isShared: false, warnings: 0 };
  const commitOffsets = async (_group: string, offsets: readonly PartitionOffset[]) => {
    state.requests++;
    await settle();
    if (state.isAway) throw new Error("connection lost");
    for (const { partition, offset } of offsets) committed.set(partition, offset);
    return { isShared: state.isShared };
  };
  const onShared = (): void => void state.warnings++;
  return {
    commits: new GroupCommits({ commitOffsets }, "g", { onShared }),
    committed,
    state,
  };
}

test("requests made during a commit go into the next one together", async () => {
  const { commits, committed, state } = setUp();
  for (let offset = 1; offset <= 10; offset++)
    commits.request({ topic: "t", partition: offset % 2, offset: offset });
  await commits.settled();
  expect(Object.fromEntries(committed)).toEqual({ 0: 10, 1: 9 });
  expect(state.requests).toBe(2);
});

test("entries that failed in an outage go into the next commit, even of another partition", async () => {
  const { commits, committed, state } = setUp();
  state.isAway = true;
  commits.request({ topic: "t", partition: 0, offset: 5 });
  await settle();
  await settle();
  state.isAway = false;
  commits.request({ topic: "t", partition: 1, offset: 7 });
  await commits.settled();
  expect(Object.fromEntries(committed)).toEqual({ 0: 5, 1: 7 });
});

test("entries that failed in an outage are committed at the end if nothing follows", async () => {
  const { commits, committed, state } = setUp();
  state.isAway = true;
  commits.request({ topic: "t", partition: 0, offset: 5 });
  await settle();
  await settle();
  expect(state.requests).toBe(1);
  state.isAway = false;
  await commits.settled();
  expect(Object.fromEntries(committed)).toEqual({ 0: 5 });
});

test("a failed commit never replaces a later one", async () => {
  const { commits, committed, state } = setUp();
  state.isAway = true;
  commits.request({ topic: "t", partition: 0, offset: 5 });
  commits.request({ topic: "t", partition: 0, offset: 6 });
  await settle();
  await settle();
  state.isAway = false;
  await commits.settled();
  expect(Object.fromEntries(committed)).toEqual({ 0: 6 });
});

test("an outage that lasts is an error at the end", async () => {
  const { commits, committed, state } = setUp();
  state.isAway = true;
  commits.request({ topic: "t", partition: 0, offset: 5 });
  expect(commits.settled()).rejects.toThrow("connection lost");
  await commits.settled().catch(() => {});
  expect(committed.size).toBe(0);
});

test("offsets of a recreated topic's old records are not committed when reading continues in the new one", async () => {
  for (const goesOn of [false, true]) {
    const committed: string[] = [];
    const commitOffsets = async (_group: string, offsets: readonly PartitionOffset[]) => {
      await settle();
      if (offsets.some(({ topicId }) => topicId !== "new")) {
        throw new RustLogError("UNKNOWN_TOPIC_ID", "it was deleted");
      }
      for (const { partition, offset } of offsets) committed.push(`${partition}:${offset}`);
      return { isShared: false };
    };
    const commits = new GroupCommits({ commitOffsets }, "g", { goesOn });
    commits.request({ topic: "t", partition: 0, offset: 5, topicId: "old" });
    commits.request({ topic: "t", partition: 1, offset: 3, topicId: "new" });
    commits.request({ topic: "t", partition: 2, offset: 8, topicId: "old" });
    if (goesOn) await commits.settled();
    else expect(commits.settled()).rejects.toThrow("it was deleted");
    await commits.settled().catch(() => {});
    if (goesOn) expect(committed).toEqual(["1:3"]);
  }
});

test("a second reader of the same partitions is reported once", async () => {
  const { commits, state } = setUp();
  for (const isShared of [false, true, true]) {
    state.isShared = isShared;
    commits.request({ topic: "t", partition: 0, offset: state.requests });
    await commits.settled();
  }
  expect(state.warnings).toBe(1);
});
