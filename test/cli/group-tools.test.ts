// Groups on the command line: moving and deleting offsets, members, and readers that get in each other's way.
// Leaves to others: reading with a group (groups.test.ts).
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Client, connect } from "../../src/index.js";
import { joinGroup } from "../support/group-members.js";
import { readUntil, run, spawn, startBroker } from "./rustlog.js";

let broker: Awaited<ReturnType<typeof startBroker>>;
let client: Client;
beforeAll(async () => {
  broker = await startBroker();
  client = await connect({ broker: broker.address });
});
afterAll(async () => {
  await client.close();
  await broker[Symbol.asyncDispose]();
});

/** Runs a command that must succeed, and returns its output. */
async function ok(args: readonly string[]): Promise<string> {
  const { stdout, stderr, exitCode } = await run(args, { broker: broker.address });
  expect({ args, exitCode, stderr }).toEqual({ args, exitCode: 0, stderr: "" });
  return stdout;
}

async function produce(topic: string, partition: number, ...values: string[]): Promise<void> {
  const producer = client.producer();
  for (const value of values) await producer.send(topic, { value, partition });
  await producer.close();
}

test("seek moves all topics, by a duration, or only shows what it would do", async () => {
  const admin = client.admin();
  const producer = client.producer();
  const [old, fresh] = [Date.now() - 7_200_000, Date.now() - 60_000];
  for (const topic of ["all-a", "all-b"]) {
    await producer.send(topic, { value: "old", timestamp: old });
    await producer.send(topic, { value: "new", timestamp: fresh });
  }
  await producer.close();
  await admin.commitOffsets("all", [{ topic: "all-a", partition: 0, offset: 2 }]);
  const seek = async (...args: string[]) => await ok(["groups", "seek", "all", ...args]);
  expect(await seek("all-a", "all-b:0", "--by-duration", "1h30m", "--dry-run")).toBe(
    "TOPIC  PARTITION  OLD-OFFSET  NEW-OFFSET\n" +
      "all-a          0           2           1\n" +
      "all-b          0           -           1\n" +
      "\nDry run: nothing was committed.\n",
  );
  const committedIn = async () =>
    (await admin.describeGroup("all")).map(({ topic, committedOffset }) => [
      topic,
      committedOffset,
    ]);
  expect(await committedIn()).toEqual([["all-a", 2]]);
  await seek("all-b", "--to", "latest");
  await seek("--all-topics", "--by-duration", "3h");
  expect(await committedIn()).toEqual([
    ["all-a", 0],
    ["all-b", 0],
  ]);
});

test("delete-offsets deletes those of a topic or a partition, and shows what they were", async () => {
  const admin = client.admin();
  await admin.createTopic("del", { partitions: 3 });
  await produce("del", 1, "a", "b");
  await admin.commitOffsets("d", await admin.offsetsFor("del", "latest"));
  const remove = (...args: string[]): string[] => ["groups", "delete-offsets", "d", ...args];
  expect(await ok(remove("del:1"))).toBe(
    "TOPIC  PARTITION  DELETED-OFFSET\ndel            1               2\n",
  );
  const left = (await admin.describeGroup("d")).map(({ committedOffset }) => committedOffset);
  expect(left).toEqual([0, -1, 0]);
  const { partitions } = JSON.parse(await ok(remove("del", "--json")));
  expect(partitions).toEqual([
    { topic: "del", partition: 0, offset: 0 },
    { topic: "del", partition: 2, offset: 0 },
  ]);
  const gone = await run(remove("del"), { broker: broker.address });
  expect(gone).toMatchObject({ exitCode: 1, stdout: "" });
  expect(gone.stderr).toStartWith("rustlog: GROUP_NOT_FOUND: ");
});

test("list and describe show the members of a group, and it is left alone", async () => {
  await client.admin().createTopic("mem", { partitions: 3 });
  await produce("mem", 2, "a", "b");
  const [one, two] = await joinGroup(broker.broker.context.groups, "m", [
    { clientId: "app-1", assigned: { mem: [0, 2] } },
    { clientId: "app-2", instanceId: "i-2", assigned: { mem: [1] } },
  ]);
  const at = { broker: broker.address };
  const [list, described, members, state, ...refused] = await Promise.all([
    ok(["groups", "list"]),
    ok(["groups", "describe", "m"]),
    ok(["groups", "describe", "m", "--members"]),
    ok(["groups", "describe", "m", "--state"]),
    run(["groups", "seek", "m", "mem", "--to", "latest", "--dry-run"], at),
    run(["groups", "delete", "m"], at),
    run(["groups", "delete-offsets", "m", "mem:1"], at),
    run(["consume", "mem", "-g", "m"], at),
  ]);
  expect(list).toMatch(/\nm +Stable +classic +2 +0\n/);
  expect(described).toStartWith("Group: m\nState: Stable (classic, range)\nMembers: 2\n\nTOPIC ");
  expect(described).toMatch(new RegExp(`\nmem +2 +- +2 +2 +- +${one} +10.0.0.7 +app-1\n`));
  expect(described).toEndWith("\n\nTotal lag: 2\n");
  expect(members).toMatch(/^MEMBER +INSTANCE-ID +HOST +CLIENT-ID +PARTITIONS +ASSIGNMENT\n/);
  expect(members).toMatch(new RegExp(`\n${one} +- +10.0.0.7 +app-1 +2 +mem:0,2\n`));
  expect(members).toMatch(new RegExp(`\n${two} +i-2 +10.0.0.7 +app-2 +1 +mem:1\n`));
  expect(state).toMatch(/\nm +127\.0\.0\.1:\d+ +range +Stable +classic +2\n$/);
  for (const [i, code] of (
    ["NON_EMPTY_GROUP", "NON_EMPTY_GROUP", "GROUP_SUBSCRIBED_TO_TOPIC", "NON_EMPTY_GROUP"] as const
  ).entries()) {
    expect(refused[i]).toMatchObject({ exitCode: 1, stdout: "" });
    expect(refused[i]!.stderr).toStartWith(`rustlog: ${code}: group 'm' has members`);
    expect(refused[i]!.stderr).toContain(`${one} (app-1 at 10.0.0.7)`);
    expect(refused[i]!.stderr).toContain(`${two} (app-2 at 10.0.0.7)`);
  }
  expect(refused.at(-1)!.stderr).toContain("Join them with --balance");
  const kept = await ok(["consume", "mem", "-g", "m", "--no-commit"]);
  expect(kept).toBe("a\nb\n");
  broker.broker.context.groups.leave(
    "m",
    [one!, two!].map((memberId) => ({ memberId, instanceId: null })),
  );
});

test("two readers of the same partitions with the same group are warned", async () => {
  await client.admin().createTopic("rivals", { partitions: 1 });
  const args = ["consume", "rivals", "-F", "-g", "rivals"];
  const readers = [1, 2].map(() => spawn(args, { broker: broker.address }));
  const printed = readers.map(({ stdout }) => readUntil(stdout, (text) => text !== ""));
  const warned = readers.map(({ stderr }) =>
    readUntil(stderr, (text) => text.includes("another client reads the same partitions")),
  );
  // Each begins at the end of what the other has committed, so there must be records after both have begun.
  let haveBegun = false;
  void Promise.all(printed).then(() => {
    haveBegun = true;
  });
  while (!haveBegun) {
    await produce("rivals", 0, "more");
    await Bun.sleep(10);
  }
  await produce("rivals", 0, "last");
  expect(await Promise.any(warned)).toContain("with group 'rivals'");
  for (const reader of readers) {
    reader.kill("SIGINT");
    expect(await reader.exited).toBe(0);
  }
  await Promise.allSettled(warned);
});
