// What consumer groups share: nobody is told anything that is not stored, and changed topics reach the groups that read them.
// Leaves to others: a group (consumer-group.test.ts), and the records in the log (offset-store.test.ts).
import { describe, expect, test } from "bun:test";
import { RustLogError } from "../../src/errors.js";
import type { ConsumerGroup } from "../../src/groups/consumer/consumer-group.js";
import type { HeartbeatResponse } from "../../src/groups/consumer/consumer-requests.js";
import { ConsumerGroups } from "../../src/groups/consumer/consumer-groups.js";
import { GroupMemory } from "../../src/groups/group-memory.js";
import { UNREAD_MS } from "../../src/groups/group-clock.js";
import { CONSUMER_SESSION_TIMEOUT_MS } from "../../src/limits.js";
import { ManualClock } from "../support/manual-clock.js";
import { observerOf } from "../support/group-observer.js";
import { openServices } from "../support/services.js";

async function setup(clock = new ManualClock()) {
  const { registry } = await openServices();
  await registry.create("t", 2, {});
  /** Writes that have begun: how many records, and how to end them. */
  const writes: { readonly records: number; readonly end: (error?: Error) => void }[] = [];
  const emptied: string[] = [];
  const groups = new ConsumerGroups({
    ...{ registry, clock, membersMax: 10, observer: observerOf([]) },
    memory: new GroupMemory(),
    write: (_, records) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const end = (error?: Error): void => (error === undefined ? resolve() : reject(error));
      writes.push({ records: records().length, end });
      return promise;
    },
    replaced: () => [],
    classicOnly: () => Promise.resolve(),
    emptied: ({ name }) => emptied.push(name),
    report: () => {},
  });
  const group = groups.empty("g", undefined);
  const beat = async (
    memberId: string,
    memberEpoch = 0,
    topicNames: readonly string[] = ["t"],
  ): Promise<HeartbeatResponse> =>
    await groups.heartbeat(group, {
      ...{ memberId, memberEpoch, instanceId: null, rackId: null, pattern: null, assignor: null },
      ...(memberEpoch === 0
        ? { rebalanceTimeoutMs: 1_000, topicNames, owned: [] }
        : { rebalanceTimeoutMs: -1, topicNames: null, owned: null }),
      ...{ clientId: "", clientHost: "" },
    });
  return { registry, writes, emptied, groups, group, beat, clock };
}

/** Whether a promise is settled, after everything that can run has run. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const settle = (): void => {
    settled = true;
  };
  promise.then(settle, settle);
  await Bun.sleep(0);
  return settled;
}

describe("a heartbeat", () => {
  test("is answered once what it changed is stored, and at once if it changed nothing", async () => {
    const { writes, beat } = await setup();
    const joined = beat("a");
    expect(await isSettled(joined)).toBe(false);
    expect(writes).toHaveLength(1);
    writes[0]!.end();
    const { memberEpoch } = await joined;
    await beat("a", memberEpoch);
    expect(writes).toHaveLength(1);
  });

  test("waits for what others changed before, and those that come together share a write", async () => {
    const { writes, beat } = await setup();
    const first = beat("a");
    const others = [beat("b"), beat("c"), beat("d")];
    expect(writes).toHaveLength(1);
    writes[0]!.end();
    await first;
    expect(await isSettled(Promise.race(others))).toBe(false);
    expect(writes).toHaveLength(2);
    writes[1]!.end();
    await Promise.all(others);
    expect(writes).toHaveLength(2);
  });

  test("fails if it can't be stored, and the next one stores it", async () => {
    const { writes, beat, group } = await setup();
    const failed = beat("a");
    writes[0]!.end(new RustLogError("DISK_FULL", "no space"));
    const error: unknown = await failed.catch((reason: unknown) => reason);
    expect((error as RustLogError).code).toBe("COORDINATOR_NOT_AVAILABLE");
    expect(group.hasNotes).toBe(true);
    const again = beat("a");
    expect(writes[1]!.records).toBe(writes[0]!.records);
    writes[1]!.end();
    expect((await again).assignment).toHaveLength(1);
    expect(group.hasNotes).toBe(false);
  });

  test("with more than fits a batch is stored in several, and fails if any of them does", async () => {
    const { writes, beat, group } = await setup();
    const names = (i: number): string[] => [`${i}${"n".repeat(1_500_000)}`];
    const joining = [0, 1, 2, 3].map((i) => beat(`m${i}`, 0, names(i)));
    writes[0]!.end();
    await joining[0];
    await Bun.sleep(0);
    expect(writes).toHaveLength(3);
    writes[1]!.end();
    expect(await isSettled(joining[1]!)).toBe(false);
    writes[2]!.end(new RustLogError("DISK_FULL", "no space"));
    expect(await Promise.allSettled(joining.slice(1))).toMatchObject([
      { status: "rejected" },
      { status: "rejected" },
      { status: "rejected" },
    ]);
    expect(group.hasNotes).toBe(true);
  });

  test("that waits for a write that fails is stored with the next one", async () => {
    const { writes, beat } = await setup();
    const first = beat("a").catch(() => "failed");
    const second = beat("b");
    writes[0]!.end(new RustLogError("DISK_FULL", "no space"));
    expect(await first).toBe("failed");
    await Bun.sleep(0);
    expect(writes[1]!.records).toBeGreaterThan(writes[0]!.records);
    writes[1]!.end();
    expect((await second).memberId).toBe("b");
  });
});

test("a group without members is forgotten once that is stored, and one that nobody could join at once", async () => {
  const { writes, emptied, beat } = await setup();
  const unknown: unknown = await beat("a", 5).catch((reason: unknown) => reason);
  expect((unknown as RustLogError).code).toBe("UNKNOWN_MEMBER_ID");
  expect(emptied).toEqual(["g"]);
  const joined = beat("a");
  writes[0]!.end();
  await joined;
  const left = beat("a", -1);
  expect(emptied).toEqual(["g"]);
  writes[1]!.end();
  await left;
  await Bun.sleep(0);
  expect(emptied).toEqual(["g", "g"]);
});

test("a group whose last member has gone is stored until that succeeds, though nobody asks for it", async () => {
  const { writes, emptied, group, beat, clock } = await setup();
  const joined = beat("a");
  writes[0]!.end();
  await joined;
  clock.advance(CONSUMER_SESSION_TIMEOUT_MS + UNREAD_MS);
  expect([group.memberCount, writes.length]).toEqual([0, 2]);
  writes[1]!.end(new RustLogError("DISK_FULL", "no space"));
  await Bun.sleep(0);
  for (const failing of [2, 3]) {
    clock.advance(10_000);
    expect(writes).toHaveLength(failing + 1);
    if (failing === 2) writes[2]!.end(new RustLogError("DISK_FULL", "no space"));
    else writes[3]!.end();
    await Bun.sleep(0);
  }
  expect([emptied, clock.timers]).toEqual([["g"], 0]);
});

test("a topic that changes makes a new assignment in the groups that read it, and in no other", async () => {
  const { registry, writes, groups, group, beat } = await setup();
  const joined = beat("a");
  writes[0]!.end();
  await joined;
  const { groupEpoch } = group;
  await registry.create("other", 1, {});
  await registry.addPartitions("t", 3);
  const until = async (isDone: () => boolean): Promise<void> => {
    while (!isDone()) await Bun.sleep(0);
  };
  await until(() => writes.length === 2);
  expect(group.groupEpoch).toBe(groupEpoch + 1);
  expect(counted(group)).toBe(3);
  writes[1]!.end();
  await registry.delete("t");
  await until(() => writes.length === 3);
  expect(counted(group)).toBe(0);
  writes[2]!.end();
  expect(groups.decode("g", [])).toBeUndefined();
});

function counted(group: ConsumerGroup): number {
  return group
    .describeConsumers()
    .members.flatMap(({ target }) => target.flatMap(({ partitions }) => partitions)).length;
}
