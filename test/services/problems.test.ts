// The list of what is wrong: its order, its limits, and who may know of what.
// Leaves to others: noticing it (topics/faults.test.ts), and the sentences (http/page/problems/).
import { expect, test } from "bun:test";
import type { BrokerVitals, ServiceContext } from "../../src/services/context.js";
import type { Problem } from "../../src/services/problem.js";
import { readProblems } from "../../src/services/problems.js";
import { StuckGroups } from "../../src/services/stuck-groups.js";
import { batchOf } from "../support/broker.js";
import { joinGroup } from "../support/group-members.js";
import { openServices } from "../support/services.js";

const DAY_MS = 86_400_000;
const GIB = 2 ** 30;

const VITALS: BrokerVitals = {
  ...{ startedMs: 500, wasClean: true, connections: 1, connectionsMax: 10 },
  ...{ mutedConnections: 0, certificate: undefined },
};

function withSpace(usableBytes: number, totalBytes = 100 * GIB): Partial<ServiceContext> {
  return { logDirectory: { path: "/data", space: async () => ({ totalBytes, usableBytes }) } };
}

const ROOMY = withSpace(50 * GIB);

async function problemsOf(options: Partial<ServiceContext>): Promise<readonly Problem[]> {
  return (await readProblems(await openServices({ ...ROOMY, ...options }))).problems;
}

test("a broker that is well has no problems", async () => {
  const { problems, counts, disk } = await readProblems(await openServices(ROOMY));
  expect(problems).toEqual([]);
  expect(counts).toEqual({ error: 0, warning: 0, note: 0 });
  expect(disk).toEqual({ totalBytes: 100 * GIB, usableBytes: 50 * GIB });
});

test.each([
  ["a tenth is free", 10 * GIB, 100 * GIB, "none"],
  ["less than a tenth is free", 10 * GIB - 1, 100 * GIB, "warning"],
  ["less than 1 GiB is free", GIB - 1, 2 * GIB, "warning"],
  ["less than a hundredth is free", GIB - 1, 100 * GIB, "error"],
  ["less than 100 MiB are free", 99 * 2 ** 20, 200 * 2 ** 20, "error"],
])("of a disk of which %s", async (_, usableBytes, totalBytes, severity) => {
  const found = await problemsOf(withSpace(usableBytes, totalBytes));
  expect(found.map((problem) => `${problem.kind} ${problem.severity}`)).toEqual(
    severity === "none" ? [] : [`disk ${severity}`],
  );
});

test("a file system that fails to answer hides nothing else", async () => {
  const logDirectory = { path: "/data", space: () => Promise.reject(new Error("EIO")) };
  const context = await openServices({ logDirectory, vitals: { ...VITALS, wasClean: false } });
  const { disk, problems } = await readProblems(context);
  expect(disk).toBe(null);
  expect(problems).toMatchObject([{ kind: "unclean", severity: "note", sinceMs: 500 }]);
});

test("a certificate is a problem a month before its end, and worse after it", async () => {
  const certificate = (endsMs: number, fault?: string) =>
    problemsOf({ vitals: { ...VITALS, certificate: { endsMs, fault } } });
  expect(await certificate(1_000 + 30 * DAY_MS)).toEqual([]);
  expect(await certificate(30 * DAY_MS)).toMatchObject([{ severity: "warning" }]);
  expect(await certificate(1_000)).toMatchObject([{ kind: "certificate", severity: "error" }]);
  expect(await certificate(60 * DAY_MS, "no PEM")).toMatchObject([
    { kind: "certificate-files", reason: "no PEM" },
  ]);
});

test("the most severe problems come first, and of one severity those of the whole broker", async () => {
  const context = await openServices({
    ...withSpace(5 * GIB),
    vitals: { ...VITALS, connections: 10, wasClean: false, mutedConnections: 2 },
  });
  const { registry } = context;
  const { faults } = registry;
  for (const topic of ["t10", "t9"]) {
    for (const partition of (await registry.create(topic, 2, {})).online) {
      faults.note(partition, { kind: "retention", reason: `${partition.name}: EACCES` });
    }
  }
  const partition = registry.partition("t9", 1);
  const tail = { bytes: 5, offset: 0, reason: "torn" };
  faults.note(partition, { kind: "refused", reason: "t9-1: EIO", isDiskFull: false });
  faults.note(partition, { kind: "damage", offset: 7, reason: "its CRC" });
  faults.note(partition, { kind: "damage", offset: 3, reason: "its length" });
  faults.note(registry.partition("t9", 0), { kind: "truncated", ...tail, file: undefined });
  const { problems, counts } = await readProblems(context);
  expect(problems.map(({ severity, kind }) => `${severity} ${kind}`)).toEqual([
    ...["error connections", "error refused"],
    ...["warning disk", "warning damage", "warning retention", "warning retention"],
    ...["note truncated", "note unclean", "note throttled"],
  ]);
  expect(counts).toEqual({ error: 2, warning: 4, note: 3 });
  expect(problems[1]).toMatchObject({ topic: "t9", partition: 1, reason: "EIO" });
  expect(problems[3]).toMatchObject({ offset: 3, places: 2, reason: "its length" });
  expect(problems.slice(4, 6)).toMatchObject([
    { topic: "t9", partition: 0, partitions: 2, reason: "EACCES" },
    { topic: "t10", partition: 0, partitions: 2 },
  ]);
});

test("a full disk is one problem of all partitions", async () => {
  const context = await openServices(ROOMY);
  const { registry } = context;
  for (const topic of ["a", "b"]) {
    for (const partition of (await registry.create(topic, 2, {})).online) {
      registry.faults.note(partition, { kind: "refused", reason: "no space", isDiskFull: true });
    }
  }
  const { problems } = await readProblems(context);
  expect(problems).toMatchObject([{ kind: "full", severity: "error", topic: "a", partitions: 4 }]);
});

test("a problem goes when its records are deleted, its file is removed, or its topic is", async () => {
  const context = await openServices(ROOMY);
  const { registry } = context;
  const [first, second, third] = (await registry.create("t", 3, {})).online;
  for (let i = 0; i < 3; i++) await first!.append(batchOf("x"));
  registry.faults.note(first!, { kind: "damage", offset: 1, reason: "its CRC" });
  const kept = { bytes: 5, offset: 0, reason: "torn", file: "0.log.cut-0" };
  registry.faults.note(second!, { kind: "truncated", ...kept });
  registry.faults.note(third!, { kind: "compaction", reason: "EIO" });
  const kinds = async () => (await readProblems(context)).problems.map(({ kind }) => kind);
  // The file is not there.
  expect(await kinds()).toEqual(["damage", "compaction"]);
  await registry.deleteRecords(first!, 2);
  expect(await kinds()).toEqual(["compaction"]);
  await registry.delete("t");
  expect(await kinds()).toEqual([]);
});

test("the list is limited, and tells how many there are", async () => {
  const context = await openServices(ROOMY);
  const { registry } = context;
  const { online } = await registry.create("t", 60, {});
  for (const partition of online) {
    registry.faults.note(partition, { kind: "damage", offset: 0, reason: "its CRC" });
  }
  const { problems, counts } = await readProblems(context);
  expect(problems).toHaveLength(50);
  expect(counts.warning).toBe(60);
});

test("a group with members that leaves old records unread is stuck, once it is found twice", async () => {
  const clock = { now: 1_000 };
  const context = await openServices(ROOMY, { now: () => clock.now });
  const { registry, offsets, groups } = context;
  const [partition] = (await registry.create("t", 1, {})).online;
  for (let i = 0; i < 3; i++) await partition!.append(batchOf("x"));
  for (const group of ["alone", "stuck"]) {
    await offsets.commit(group, [{ topic: "t", partition: 0, offset: 1 }]);
  }
  await joinGroup(groups, "stuck", [{ clientId: "shop", assigned: { t: [0] } }]);
  const stuckGroups = new StuckGroups();
  const found = async () => (await readProblems(context, stuckGroups)).problems;
  expect(await found()).toEqual([]);
  clock.now += 200_000;
  expect(await found()).toEqual([]);
  clock.now += 20_000;
  const stuck = { kind: "group", group: "stuck", members: 1, lag: 2, lastCommitMs: 1_000 };
  expect(await found()).toEqual([{ severity: "warning", sinceMs: 1_000, ...stuck } as Problem]);
  expect((await readProblems(context)).problems).toEqual([]);
  await offsets.commit("stuck", [{ topic: "t", partition: 0, offset: 3 }]);
  expect(await found()).toEqual([]);
});
