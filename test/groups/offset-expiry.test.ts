// Committed offsets that nobody uses any more expire, and no others. Time is the test's.
// Leaves to others: storing the deletions (offset-store.test.ts).
import { describe, expect, test } from "bun:test";
import { GroupCoordinator } from "../../src/groups/coordinator.js";
import type { JoinRequest } from "../../src/groups/classic/classic-requests.js";
import { NO_MEMBER } from "../../src/groups/group.js";
import { OffsetStore } from "../../src/groups/offsets/offset-store.js";
import { OFFSETS_TOPIC } from "../../src/topics/internal-topics.js";
import { codeOf, settle } from "../support/log-fixture.js";
import { ManualClock } from "../support/manual-clock.js";
import { openServices } from "../support/services.js";
import { until } from "../support/until.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const WEEK = 7 * DAY;

async function open({ retentionMs = WEEK, mode = "durable" as "durable" | "memory" } = {}) {
  const clock = new ManualClock();
  const { registry } = await openServices();
  await registry.create("t", 2, {});
  await registry.create("u", 1, {});
  const lines: string[] = [];
  const report = (line: string): void => {
    lines.push(line);
  };
  const now = (): number => clock.time();
  const store = await OffsetStore.open({ registry, mode, now, report });
  const coordinator = await GroupCoordinator.open({
    ...{ registry, offsets: store, clock, initialRebalanceDelayMs: 0, report },
    offsetsRetentionMs: retentionMs,
  });
  return {
    ...{ clock, registry, store, coordinator, lines },
    commit: (group: string, topic = "t", partition = 0) =>
      store.commit(group, [{ topic, partition, offset: 1 }]),
    /** Passes time in steps, so that every search happens and ends. */
    pass: async (ms: number) => {
      for (let left = ms; left > 0; left -= HOUR) {
        clock.advance(Math.min(left, HOUR));
        await settle();
      }
    },
    left: () => store.rows(undefined, Infinity).map(({ group, topic }) => `${group} ${topic}`),
  };
}

type Opened = Awaited<ReturnType<typeof open>>;

/** Lets a member with a subscription to topic `t` join and be assigned something. Its session lasts half an hour. */
async function join({ coordinator }: Opened, group: string, protocolType = "consumer") {
  const subscription = Uint8Array.fromHex("0000" + "00000001" + "0001" + "74" + "ffffffff");
  const request: JoinRequest = {
    ...{ clientId: "c", clientHost: "/127.0.0.1", memberId: "", instanceId: null },
    ...{ sessionTimeoutMs: 30 * MINUTE, rebalanceTimeoutMs: 30 * MINUTE, protocolType },
    ...{ protocols: [{ name: "range", metadata: subscription }] },
    ...{ needsMemberId: false, maySkipAssignment: false },
  };
  let memberId = "";
  coordinator.join(group, request, (outcome) => {
    if ("memberId" in outcome) ({ memberId } = outcome);
  });
  const member = { memberId, instanceId: null, generation: 1 };
  const nothing = { protocolType: null, protocol: null, assignments: [] };
  coordinator.sync(group, { ...member, ...nothing }, () => {});
  await settle();
  expect(coordinator.find(group)?.state).toBe("Stable");
  return member;
}

describe("an offset of a group without members", () => {
  test.each(["durable", "memory"] as const)(
    "expires a week after its commit (%s)",
    async (mode) => {
      const opened = await open({ mode });
      const { commit, pass, left, lines } = opened;
      await commit("a");
      await pass(2 * DAY);
      await commit("a", "u");
      await commit("b");
      await pass(5 * DAY - HOUR);
      expect(left()).toEqual(["a t", "a u", "b t"]);
      await pass(2 * HOUR);
      expect(left()).toEqual(["a u", "b t"]);
      await pass(2 * DAY);
      expect(left()).toEqual([]);
      await until(() => lines.length === 2);
      expect(lines).toEqual([
        "1 committed offset of group ('a') expired: unused for longer than --offsets-retention",
        "2 committed offsets of 2 groups ('a', 'b') expired: unused for longer than --offsets-retention",
      ]);
    },
  );

  test("is kept by a commit that says the same again", async () => {
    const { commit, pass, left } = await open();
    for (let day = 0; day < 30; day++) {
      await commit("a");
      await pass(DAY);
    }
    expect(left()).toEqual(["a t"]);
  });

  test("is kept for ever without a limit", async () => {
    const { clock, commit, left, lines } = await open({ retentionMs: -1 });
    await commit("a");
    clock.advance(1_000 * DAY);
    await settle();
    expect(left()).toEqual(["a t"]);
    expect(lines).toEqual([]);
  });
});

test("nothing expires before the broker has run for as long, and what will is said once", async () => {
  const { clock, registry, commit, pass, left, lines, store, coordinator } = await open();
  for (const group of ["a", "b", "c", "d", "e", "f"]) await commit(group);
  clock.advance(2 * DAY);
  await coordinator.close();
  // The machine was off.
  clock.advance(30 * DAY);
  const report = (line: string): void => void lines.push(line);
  await GroupCoordinator.open({
    ...{ registry, offsets: store, clock, initialRebalanceDelayMs: 0, report },
    offsetsRetentionMs: WEEK,
  });
  const when = new Date(clock.time() + WEEK).toISOString();
  await pass(DAY);
  await commit("a");
  await pass(5 * DAY);
  expect(left()).toHaveLength(6);
  expect(lines).toEqual([
    `6 committed offsets of 6 groups ('a', 'b', 'c', 'd', 'e', …) will expire at ${when}, unless the groups commit again: ` +
      "unused for longer than --offsets-retention",
  ]);
  await pass(DAY + HOUR);
  expect(left()).toEqual(["a t"]);
});

describe("an offset of a group with members", () => {
  test("is kept while a member reads its topic, and for a week after the last has gone", async () => {
    const opened = await open();
    const { coordinator, commit, pass, clock, left } = opened;
    await commit("g");
    await commit("g", "u");
    const member = await join(opened, "g");
    for (let i = 0; i < 30 * 24 * 3; i++) {
      clock.advance(20 * MINUTE);
      coordinator.heartbeat("g", member);
      await settle();
    }
    // Nobody reads u any more.
    expect(left()).toEqual(["g t"]);
    coordinator.leave("g", [member]);
    await settle();
    await pass(WEEK - HOUR);
    expect(left()).toEqual(["g t"]);
    await pass(2 * HOUR);
    expect(left()).toEqual([]);
  });

  test("is kept whatever its topic, if it is not known what they read", async () => {
    const opened = await open({ retentionMs: HOUR });
    const { coordinator, commit, clock, left } = opened;
    await commit("g", "u");
    const member = await join(opened, "g", "connect");
    for (let i = 0; i < 10; i++) {
      clock.advance(20 * MINUTE);
      coordinator.heartbeat("g", member);
      await settle();
    }
    expect(left()).toEqual(["g u"]);
  });

  test("counts from a commit after they have gone", async () => {
    const opened = await open();
    const { coordinator, commit, pass, left } = opened;
    await commit("g");
    coordinator.leave("g", [await join(opened, "g")]);
    await pass(6 * DAY);
    coordinator.checkCommit("g", NO_MEMBER);
    await commit("g");
    await pass(6 * DAY);
    expect(left()).toEqual(["g t"]);
    await pass(DAY + HOUR);
    expect(left()).toEqual([]);
    await until(() => !coordinator.has("g"));
  });
});

test("a commit in progress when its offset is about to expire is kept", async () => {
  const { store, commit, clock } = await open();
  await commit("a");
  await commit("b");
  const [a, b] = store.rows(undefined, 2);
  clock.advance(WEEK);
  const dueSince = clock.time() - WEEK;
  const again = commit("a");
  const deleted = await store.deleteIf([a!, b!], (row) => row.commitTimestamp <= dueSince);
  await again;
  expect(deleted.map(({ group }) => group)).toEqual(["b"]);
  expect(store.rows(undefined, 9).map(({ group }) => group)).toEqual(["a"]);
});

test("many expire in batches, between which commits go on, and none comes back after a restart", async () => {
  const { registry, store, commit, clock, coordinator } = await open();
  const groups = Array.from({ length: 1_700 }, (_, i) => `g${i}`);
  await Promise.all(groups.map((group) => commit(group)));
  const log = registry.partition(OFFSETS_TOPIC, 0);
  const before = log.logEndOffset;
  clock.advance(WEEK);
  await until(() => clock.timers > 0);
  clock.advance(HOUR);
  let during = 0;
  for (let i = 0; store.size > i + 1 && i < 500; i++) {
    await commit(`new ${i}`);
    during++;
  }
  await until(() => store.size === during);
  expect(during).toBeGreaterThan(1);
  expect(log.logEndOffset - before).toBe(1_700 + during);
  await coordinator.close();
  const again = await OffsetStore.open({ registry, mode: "durable", now: Date.now, report() {} });
  expect(again.size).toBe(during);
});

test("an offline log stops no timer, and is reported", async () => {
  const { store, commit, clock, lines, left } = await open({ retentionMs: HOUR });
  await commit("a");
  const deleteIf = store.deleteIf.bind(store);
  store.deleteIf = () => Promise.reject(new Error("no space"));
  clock.advance(HOUR);
  await settle();
  clock.advance(HOUR);
  await settle();
  expect(lines.at(-1)).toBe("unused groups were not removed: Error: no space");
  expect(await codeOf(() => commit("b"))).toBeUndefined();
  store.deleteIf = deleteIf;
  clock.advance(HOUR);
  await settle();
  expect(left()).toEqual(["b t"]);
});
