// Groups and topics on the command line: what is printed is committed, with signals in the middle.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Client, connect } from "../../src/index.js";
import { readRest, readUntil, run, spawn, startBroker } from "./rustlog.js";

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
async function ok(args: readonly string[], stdin = ""): Promise<string> {
  const { stdout, stderr, exitCode } = await run(args, { broker: broker.address, stdin });
  expect({ args, exitCode, stderr: exitCode === 0 ? "" : stderr }).toEqual({
    args,
    exitCode: 0,
    stderr: "",
  });
  return stdout;
}

/** Committed offset and lag of each partition, asked in this process: a test has time for few commands. */
async function committed(group: string): Promise<readonly (readonly [number, number])[]> {
  const rows = await client.admin().describeGroup(group);
  return rows.map(({ committedOffset, highWatermark }) => [
    committedOffset,
    highWatermark - committedOffset,
  ]);
}

describe("groups", () => {
  test("each run continues after the last printed line, and lag counts the rest", async () => {
    await ok(["produce", "lines", ..."abcdef"]);
    expect(await ok(["consume", "lines", "-g", "g", "-n", "2"])).toBe("a\nb\n");
    expect(await committed("g")).toEqual([[2, 4]]);
    expect(await ok(["consume", "lines", "-g", "g", "--no-commit", "-n", "1"])).toBe("c\n");
    expect(await committed("g")).toEqual([[2, 4]]);
    expect(await ok(["consume", "lines", "-g", "g"])).toBe("c\nd\ne\nf\n");
    expect(await committed("g")).toEqual([[6, 0]]);
    expect(await ok(["consume", "lines", "-g", "g"])).toBe("");
    const table = await ok(["groups", "describe", "g"]);
    expect(table).toMatch(/^TOPIC +PARTITION +COMMITTED +LOG-END +LAG +COMMITTED-AT$/m);
    expect(table).toStartWith("Group: g\nState: Empty\nMembers: 0\n\n");
    expect(table).toMatch(/\nlines +0 +6 +6 +0 +\d{4}-/);
    expect(await ok(["groups", "list"])).toMatch(
      /^GROUP +STATE +TYPE +MEMBERS +PARTITIONS\n(.+\n)*g +Empty +- +0 +1\n/,
    );
  });

  test("an uncommitted partition counts from its log start, and there is a total", async () => {
    await ok(["topics", "create", "part", "--partitions", "3"]);
    await ok(["produce", "part", "-p", "0", "a", "b", "c"]);
    await ok(["produce", "part", "-p", "1", "d", "e"]);
    await ok(["groups", "seek", "part-group", "part", "--to", "1", "-p", "0"]);
    const table = await ok(["groups", "describe", "part-group"]);
    expect(table).toMatch(/\npart +0 +1 +3 +2 +\d{4}-/);
    expect(table).toMatch(/\npart +1 +- +2 +2 +-\npart +2 +- +0 +0 +-\n\nTotal lag: 4\n$/);
    const described = JSON.parse(await ok(["groups", "describe", "part-group", "--json"]));
    expect(described).toMatchObject({ lag: 4, partitions: [{ lag: 2 }, { lag: 2 }, { lag: 0 }] });
    expect(described.partitions[1]).toMatchObject({ committedOffset: -1, commitTimestamp: -1 });
  });

  test("seek moves all partitions or none; delete removes the group", async () => {
    await ok(["topics", "create", "two", "--partitions", "2"]);
    await ok(["produce", "two", "-p", "0", "a", "b", "c"]);
    await ok(["produce", "two", "-p", "1", "x"]);
    await ok(["groups", "seek", "s", "two", "--to", "latest"]);
    expect(await committed("s")).toEqual([
      [3, 0],
      [1, 0],
    ]);
    const refused = await run(["groups", "seek", "s", "two", "--to", "2"], {
      broker: broker.address,
    });
    expect(refused.stderr).toContain(
      "offset 2 is outside partition 1 of 'two', which has offsets 0 to 1",
    );
    expect(await committed("s")).toEqual([
      [3, 0],
      [1, 0],
    ]);
    await ok(["groups", "seek", "s", "two", "--to", "2", "-p", "0"]);
    expect(await ok(["consume", "two", "-g", "s"])).toBe("c\n");
    const moved = JSON.parse(await ok(["groups", "seek", "s", "two", "--to", "-1", "--json"]));
    expect(moved).toEqual({
      group: "s",
      dryRun: false,
      partitions: [
        { topic: "two", partition: 0, offset: 2, previousOffset: 3 },
        { topic: "two", partition: 1, offset: 0, previousOffset: 1 },
      ],
    });
    await ok(["groups", "seek", "s", "two", "--to", "@-1h"]);
    expect(await committed("s")).toEqual([
      [0, 3],
      [0, 1],
    ]);
    expect(await ok(["groups", "delete", "s"])).toBe("Deleted group 's'\n");
    expect(JSON.parse(await ok(["groups", "list", "--json"]))).not.toContainEqual(
      expect.objectContaining({ group: "s" }),
    );
    // More than a dozen processes in sequence.
  }, 60_000);

  test("a closed pipe commits what was delivered and nothing after it", async () => {
    const lineBytes = 100;
    const lines = Array.from({ length: 20_000 }, (_, i) => String(i).padStart(lineBytes - 1, "."));
    await ok(["produce", "gone"], lines.join("\n"));
    const consumer = spawn(["consume", "gone", "-g", "gone"], { broker: broker.address });
    const reader = consumer.stdout.getReader();
    const { value } = await reader.read();
    await reader.cancel();
    expect(await consumer.exited).toBe(0);
    expect(await new Response(consumer.stderr).text()).toBe("");
    const [[offset] = [-1]] = await committed("gone");
    expect(offset).toBeGreaterThanOrEqual(Math.floor(value!.length / lineBytes));
    expect(offset).toBeLessThan(lines.length);
    const next = await ok(["consume", "gone", "-g", "gone", "-n", "1"]);
    expect(next).toBe(`${lines[offset]}\n`);
  });
});

describe("following", () => {
  test("prints records as they arrive; a signal exits with 0 and everything printed is committed", async () => {
    await ok(["produce", "live", "before"]);
    const follower = spawn(["consume", "live", "-F", "-g", "live"], { broker: broker.address });
    await readUntil(follower.stdout, (text) => text === "before\n");
    await ok(["produce", "live", "after"]);
    await readUntil(follower.stdout, (text) => text === "after\n");
    follower.kill("SIGINT");
    expect(await follower.exited).toBe(0);
    expect(await new Response(follower.stderr).text()).toBe("");
    expect(await committed("live")).toEqual([[2, 0]]);
  });

  test("ends at the given number of records or the given end", async () => {
    await ok(["produce", "bounded", "a"]);
    const counted = spawn(["consume", "bounded", "-F", "-n", "2"], { broker: broker.address });
    const ranged = spawn(["consume", "bounded", "-F", "-o", "1:3"], { broker: broker.address });
    await readUntil(counted.stdout, (text) => text === "a\n");
    await ok(["produce", "bounded", "b", "c", "d"]);
    expect(await readRest(counted.stdout)).toBe("b\n");
    expect(await counted.exited).toBe(0);
    expect(await new Response(ranged.stdout).text()).toBe("b\nc\n");
    expect(await ranged.exited).toBe(0);
  });
});

describe("an interrupted produce", () => {
  test("says how many records were acknowledged and exits with 130", async () => {
    await ok(["topics", "create", "cut"]);
    const producer = spawn(["produce", "cut", "--linger", "0"], { broker: broker.address });
    producer.stdin.write("one\ntwo\nhalf a li");
    await producer.stdin.flush();
    const follower = spawn(["consume", "cut", "-F", "-n", "2"], { broker: broker.address });
    expect(await new Response(follower.stdout).text()).toBe("one\ntwo\n");
    producer.kill("SIGINT");
    expect(await producer.exited).toBe(130);
    const stderr = await new Response(producer.stderr).text();
    expect(stderr).toContain("Acknowledged 2 records to 'cut'");
    expect(stderr).toEndWith("rustlog: interrupted; the rest of the input was not sent\n");
    expect(await ok(["consume", "cut"])).toBe("one\ntwo\n");
  });
});

describe("topics", () => {
  test("list, describe and delete print tables or JSON", async () => {
    await ok(["topics", "create", "shown", "--partitions", "2", "--config", "segment.bytes=65536"]);
    await ok(["produce", "shown", "-p", "1", "abc"]);
    expect(await ok(["topics", "list"])).toMatch(/\nshown +2\n/);
    const table = await ok(["topics", "describe", "shown"]);
    const topicId = /^Id: ([0-9a-f-]{36})$/m.exec(table)?.[1];
    expect(JSON.parse(await ok(["topics", "list", "--json"]))).toContainEqual({
      name: "shown",
      partitions: 2,
      internal: false,
      topicId,
    });
    const settings = "Settings: segment.bytes=65536";
    expect(table).toStartWith(`Topic: shown\nId: ${topicId}\n${settings}\n\nSETTING `);
    expect(table).toMatch(
      /\ncleanup\.policy +delete +default\n(.+\n)*segment\.bytes +65536 +topic\n/,
    );
    expect(table).toContain("\n\nPARTITION ");
    expect(table).toMatch(/\n +1 +0 +1 +1 +1 +\d+\n$/);
    const described = JSON.parse(await ok(["topics", "describe", "shown", "--json"]));
    expect(described.partitions[1]).toMatchObject({ partition: 1, highWatermark: 1 });
    expect(await ok(["topics", "delete", "shown"])).toBe("Deleted topic 'shown'\n");
    expect(await ok(["topics", "list"])).not.toContain("shown");
  });
});

test("groups list prints every page of a list that exceeds one frame", async () => {
  const small = { maxFrameBytes: 8 * 1024, maxBatchBytes: 4 * 1024, offsets: "memory" } as const;
  await using other = await startBroker(small);
  const at = { broker: other.address };
  const empty = await run(["groups", "list", "--json"], at);
  expect(empty.stdout).toBe("[]\n");
  const writer = await connect({ broker: other.address });
  await writer.admin().createTopic("t", { partitions: 1 });
  const groups = Array.from({ length: 100 }, (_, i) => `${100 + i}`.padEnd(200, "g"));
  for (const group of groups) {
    await writer.admin().commitOffsets(group, [{ topic: "t", partition: 0, offset: 0 }]);
  }
  await writer.close();
  const { stdout } = await run(["groups", "list", "--json"], at);
  const expected = groups.map((group) => ({
    ...{ group, partitions: 1, members: 0, state: "Empty", type: null },
  }));
  expect(stdout).toBe(`${JSON.stringify(expected, null, 2)}\n`);
  const table = await run(["groups", "list"], at);
  const lines = table.stdout.trimEnd().split("\n");
  expect(lines[0]).toMatch(/^GROUP +STATE +TYPE +MEMBERS +PARTITIONS$/);
  expect(lines.slice(1).map((line) => line.split(" ")[0])).toEqual(groups);
});
