// The sentences about a group. Leaves to others: the rates (lag-series.test.ts).
import { expect, test } from "bun:test";
import { diagnose } from "../../../../src/http/page/groups/diagnosis.js";
import { partitionWords } from "../../../../src/http/page/groups/group-words.js";
import type {
  GroupDetail,
  GroupMemberRow,
  GroupPartitionRow,
} from "../../../../src/http/page/groups/group-wire.js";
import type { GroupRate } from "../../../../src/http/page/groups/lag-series.js";

const MINUTE = 60_000;
const NOW = 1_000 * MINUTE;

const member = (id: string, partitions = 1): GroupMemberRow => ({
  ...{ id, instanceId: null, clientId: id, host: "10.0.0.7", software: null, user: null },
  connectedMs: null,
  isNamed: false,
  epoch: null,
  partitions,
});

const row = (partition: number, fields: Partial<GroupPartitionRow> = {}): GroupPartitionRow => ({
  ...{ topic: "orders", partition, committed: 100, commitMs: NOW - 1000, metadata: "" },
  ...{ logStart: 0, end: 100, lag: 0, recordBytes: 1024, member: "a" },
  ...fields,
});

function detailOf(
  partitions: readonly GroupPartitionRow[],
  fields: Partial<GroupDetail> = {},
): GroupDetail {
  const { members = [member("a", partitions.length)] } = fields;
  return {
    ...{ group: "g", nowMs: NOW, state: "Stable", type: "classic", protocolType: "consumer" },
    ...{ assignor: "range", generation: 1, assignmentEpoch: null, coordinator: "localhost:9092" },
    ...{ memberCount: members.length, partitionCount: partitions.length, topics: [] },
    lag: partitions.reduce((sum, { lag }) => sum + lag, 0),
    ...{ members, partitions, may: { reset: true, deleteOffsets: true, delete: true } },
    ...fields,
  };
}

/** Behind for an hour, unless the partition says otherwise by its number of bytes per record. */
const since = ({ lag, recordBytes }: GroupPartitionRow): number | undefined =>
  lag === 0 ? undefined : NOW - (recordBytes === 1 ? 1000 : 60 * MINUTE);

const isBehindSince = (row: GroupPartitionRow, ms: number): boolean => (since(row) ?? NOW) <= ms;

const said = (detail: GroupDetail, rate?: GroupRate, generationSince?: number): string[] =>
  diagnose(detail, { rate: () => rate, isBehindSince, generationSince }).map(
    ({ kind, text }) => `${kind}: ${text}`,
  );

test("a group that has read everything has nothing else to say", () => {
  expect(said(detailOf([row(0), row(1)]))).toEqual(["good: It has read everything."]);
});

test("a member that has just joined is given time to commit", () => {
  const rows = [row(0, { lag: 7, commitMs: -1, committed: -1 })];
  const problem = "problem: a at 10.0.0.7 has never committed: lag 7 in partition 0 of orders.";
  const joined = (connectedMs: number) =>
    said(detailOf(rows, { members: [{ ...member("a"), connectedMs }] }));
  expect(joined(NOW - 2 * MINUTE)).toContain(problem);
  expect(joined(NOW - MINUTE)).not.toContain(problem);
  expect(said(detailOf(rows), undefined, NOW - 2 * MINUTE)).toContain(problem);
  expect(said(detailOf(rows), undefined, NOW - MINUTE)).not.toContain(problem);
});

test("partitions without a reader are named, and members without partitions counted", () => {
  const rows = [0, 1, 2, 3, 7].map((partition) =>
    row(partition, partition > 2 ? { member: null, lag: 20 } : {}),
  );
  expect(said(detailOf([...rows, row(0, { topic: "old", member: null })]))).toEqual([
    "problem: Nobody reads partitions 3 and 7 of orders: lag 40.",
    "note: Nobody reads topic old: lag 0.",
    "note: 50 % of the lag is in partition 3 of orders.",
  ]);
  const members = [member("a"), member("b"), member("c", 0)];
  expect(said(detailOf([row(0), row(1, { member: "b" })], { members }))).toEqual([
    "good: It has read everything.",
    "note: 1 of 3 members have nothing to read: there are only 2 partitions.",
  ]);
});

test("a member that has not committed for long, or never, is named with what it holds up", () => {
  const members = [member("a"), member("b"), member("c")];
  const old = { lag: 5, commitMs: NOW - 20 * MINUTE };
  const rows = [
    ...[row(0, old), row(1, { ...old, commitMs: NOW - 21 * MINUTE }), row(2)],
    row(3, { member: "b", lag: 9, committed: -1, commitMs: -1 }),
    row(4, { member: "c", lag: 9 }),
    // There was nothing to read until now.
    row(5, { ...old, member: "c", recordBytes: 1 }),
  ];
  expect(said(detailOf(rows, { members }))).toEqual([
    "problem: a at 10.0.0.7 has not committed for 20 min in partitions 0 and 1 of orders, unlike in others: lag 10.",
    "problem: b at 10.0.0.7 has never committed: lag 9 in partition 3 of orders.",
  ]);
});

test("the record is named at which a member may be stuck: the next one where it is most behind", () => {
  const old = { commitMs: NOW - 20 * MINUTE };
  const rows = [
    row(0, { ...old, committed: 95, lag: 5 }),
    row(1, { ...old, committed: 41, lag: 59 }),
    row(2, { committed: -1, commitMs: -1, lag: 100 }),
  ];
  const [found] = diagnose(detailOf(rows), {
    rate: () => undefined,
    isBehindSince,
    generationSince: undefined,
  });
  expect(found?.next).toMatchObject({ topic: "orders", partition: 1, committed: 41 });
});

test.each([
  [
    { in: 8, out: 3 },
    "problem: It reads 3 records/s (3 KiB/s), and 8 records/s (8 KiB/s) come in: its lag grows by 5 per second.",
  ],
  [
    { in: 1, out: 3 },
    "good: It reads 3 records/s (3 KiB/s), and 1 record/s (1 KiB/s) come in: it catches up in about 50 s.",
  ],
  [
    { in: 9, out: 9.5 },
    "good: It reads 9.5 records/s (9.5 KiB/s), and 9 records/s (9 KiB/s) come in: it keeps up, 100 behind the end.",
  ],
  [
    // Its next commit may be of all that came in since.
    { in: 340, out: 300 },
    "good: It reads 300 records/s (300 KiB/s), and 340 records/s (340 KiB/s) come in: it keeps up, 100 behind the end.",
  ],
  [
    { in: 2, out: 0 },
    "problem: It has committed nothing new in the last minute, and 2 records/s (2 KiB/s) come in.",
  ],
])("at %p it says whether it catches up", (rate, expected) => {
  expect(said(detailOf([row(0, { lag: 100 })]), rate)).toEqual([expected]);
});

test("a rate that is not known says nothing", () => {
  expect(said(detailOf([row(0, { lag: 100 })]), { in: 1, out: null })).toEqual([]);
});

test("a group without members says so, unless somebody commits without being one", () => {
  const none = { members: [], state: "Empty" };
  const old = { member: null, lag: 7, commitMs: NOW - 180 * MINUTE };
  expect(said(detailOf([row(0, old)], none))).toEqual([
    "problem: Nobody reads: the group has no members. It last committed 3 h ago.",
  ]);
  expect(said(detailOf([row(0, { ...old, commitMs: NOW - 3000 })], none))).toEqual([
    "note: It has no members, but a client commits for it without being one, or it was reset: the last time 3 s ago.",
  ]);
  // The last member may have committed when it left. Then what was read until then is no pace.
  expect(
    said(detailOf([row(0, { ...old, commitMs: NOW - 30_000 })], none), { in: 2, out: 1 }),
  ).toEqual(["problem: Nobody reads: the group has no members. It last committed 30 s ago."]);
  const never = { ...none, type: "" };
  expect(said(detailOf([row(0, { ...old, commitMs: NOW - 30_000 })], never))).toEqual([
    "note: It has no members, but a client commits for it without being one, or it was reset: the last time 30 s ago.",
  ]);
});

test("offsets where there is nothing to read, and a rebalance, are told", () => {
  const rows = [row(0, { logStart: 130, end: 150, lag: 20 }), row(1, { committed: 120 })];
  expect(said(detailOf(rows))).toEqual([
    "problem: 30 offsets were deleted before it read them, in partition 0 of orders.",
    "problem: Its offset is beyond the end of partition 1 of orders: it reads nothing there until the log is as long.",
  ]);
  expect(said(detailOf([row(0, { member: null })], { state: "PreparingRebalance" }))).toEqual([
    "good: It has read everything.",
    "note: It is rebalancing: its members are being given their partitions.",
  ]);
});

test("partitions are named as ranges, and not too many", () => {
  const of = (numbers: readonly number[], topic = "t") =>
    numbers.map((partition) => ({ topic, partition }));
  expect(partitionWords(of([5, 0, 1, 2, 8, 9]))).toBe("partitions 0–2, 5, 8 and 9 of t");
  expect(partitionWords(of([0, 2, 4, 6, 8, 10, 12, 14]))).toBe(
    "partitions 0, 2, 4, 6, 8, 10 and 2 more of t",
  );
  const topics = ["a", "b", "c", "d"].flatMap((topic) => of([1], topic));
  expect(partitionWords(topics)).toBe(
    "partition 1 of a, partition 1 of b, partition 1 of c and 1 more topic",
  );
});

test("partitions that are offline are named: they are in no table", () => {
  const past = { rate: () => undefined, isBehindSince, generationSince: undefined };
  const offline = [1, 2].map((partition) => ({ topic: "orders", partition }));
  expect(diagnose(detailOf([row(0)]), past, offline)[0]?.text).toBe(
    "Nobody can read partitions 1 and 2 of orders: offline. The lag there is unknown, and not counted.",
  );
});
