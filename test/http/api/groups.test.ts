// What the page asks about groups, and changes of groups: what a dry run says is what then happens, or nothing is.
// Leaves to others: who may do what (permissions.test.ts), and the history itself (test/services/group-history.test.ts).
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type {
  GroupDetail,
  GroupRows,
  LagHistory,
  ResetPlan,
} from "../../../src/http/page/groups/group-wire.js";
import { KAFKA_APIS } from "../../../src/protocol/kafka/apis.js";
import { BatchEncoder } from "../../../src/record/encoder.js";
import { NO_AUDIT } from "../../../src/security/audit.js";
import { applyReset, planReset } from "../../../src/services/group-reset.js";
import { joinGroup } from "../../support/group-members.js";
import { KafkaClient } from "../../support/kafka-client.js";
import { type PageSample, startPage } from "../../support/page-sample.js";

const MINUTE = 60_000;
const RESET = { to: "earliest", topic: undefined, partitions: undefined } as const;
const now = Date.now();
let sample: PageSample;

beforeAll(async () => {
  sample = await startPage();
  const { registry } = sample.broker.context;
  await registry.create("orders", 3, {});
  await registry.create("other", 1, {});
  for (const partition of [0, 1, 2]) {
    for (let i = 0; i < 10; i++) {
      const encoder = new BatchEncoder();
      // A record each minute until now.
      encoder.append(now - (9 - i) * MINUTE, null, "x".repeat(100));
      await registry.partition("orders", partition).append(encoder.finish().slice());
    }
  }
});
afterAll(() => sample[Symbol.asyncDispose]());

const commit = (group: string, offset: number, partition = 0, topic = "orders") =>
  sample.broker.context.offsets.commit(group, [{ topic, partition, offset }]);

const committed = (group: string, topic = "orders") =>
  [0, 1, 2].map((partition) => {
    const { offsets } = sample.broker.context;
    return offsets.fetch(group, topic, partition)?.offset;
  });

async function get<Answer>(path: string, query: Readonly<Record<string, string>>): Promise<Answer> {
  const response = await fetch(
    `${sample.url}api/groups${path === "" ? "" : `/${path}`}?${new URLSearchParams(query)}`,
  );
  const body = await response.text();
  if (!response.ok) throw new Error(`${response.status} ${body}`);
  return JSON.parse(body) as Answer;
}

async function post(path: string, order: object): Promise<string> {
  const response = await fetch(`${sample.url}api/groups/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(order),
  });
  return `${response.status} ${await response.text()}`;
}

const plan = (group: string, query: Readonly<Record<string, string>>) =>
  get<ResetPlan>("reset", { group, ...query });

describe("the list", () => {
  beforeAll(async () => {
    for (const [name, offset] of [
      ["list-10", 4],
      ["list-2", 10],
      ["List-1", 7],
    ] as const)
      for (const partition of [0, 1, 2]) await commit(name, offset, partition);
    const pages = Array.from({ length: 250 }, (_, i) => commit(`page-${i}`, i % 3, 0, "other"));
    await Promise.all(pages);
    await joinGroup(sample.broker.context.groups, "list-with-members", [
      { clientId: "a", assigned: { orders: [0] } },
      { clientId: "b", assigned: { orders: [1] } },
    ]);
  });

  const list = async (query: Readonly<Record<string, string>>) => {
    const { rows } = await get<GroupRows>("", { filter: "LIST", ...query });
    return rows.map(({ group }) => group);
  };

  test("is in the order of names as people expect it, or of any column", async () => {
    expect(await list({})).toEqual(["List-1", "list-2", "list-10", "list-with-members"]);
    expect(await list({ order: "-name" })).toEqual([
      ...["list-with-members", "list-10", "list-2", "List-1"],
    ]);
    expect(await list({ order: "-lag" })).toEqual([
      ...["list-with-members", "list-10", "List-1", "list-2"],
    ]);
    expect((await list({ order: "-members" }))[0]).toBe("list-with-members");
    expect(await list({ order: "state" })).toEqual([
      ...["List-1", "list-2", "list-10", "list-with-members"],
    ]);
  });

  test("has what a group is, and can be filtered by state and type", async () => {
    const { rows, matching, next, isComplete } = await get<GroupRows>("", {
      ...{ filter: "list", state: "Stable,Assigning", type: "classic" },
    });
    expect(rows).toEqual([
      {
        ...{ group: "list-with-members", state: "Stable", type: "classic" },
        ...{ members: 2, partitions: 3, lag: 30 },
      },
    ]);
    expect({ matching, next, isComplete }).toEqual({ matching: 1, next: null, isComplete: true });
    expect(await list({ type: "consumer" })).toEqual([]);
  });

  test.each(["name", "-name", "lag", "-lag"])("in order of %s has pages", async (order) => {
    const found: string[] = [];
    let query: Record<string, string> = { filter: "page-", order };
    for (let pages = 1; ; pages++) {
      const { rows, next } = await get<GroupRows>("", query);
      found.push(...rows.map(({ group }) => group));
      if (next === null) {
        expect(pages).toBe(3);
        break;
      }
      query = { filter: "page-", order, ...next };
    }
    expect(new Set(found).size).toBe(250);
    expect(found.length).toBe(250);
  });
});

describe("a group", () => {
  test("has its partitions, members, and what its visitor may do", async () => {
    const [id = ""] = await joinGroup(sample.broker.context.groups, "described", [
      { clientId: "meter", assigned: { orders: [0, 2] } },
    ]);
    await commit("described", 4);
    const detail = await get<GroupDetail>("state", { group: "described" });
    expect(detail).toMatchObject({
      ...{ state: "Stable", type: "classic", assignor: "range", generation: 1 },
      ...{ coordinator: sample.broker.address, memberCount: 1, partitionCount: 3, lag: 26 },
      members: [{ id, clientId: "meter", host: "10.0.0.7", software: null, partitions: 2 }],
      topics: [{ topic: "orders", partitions: 3, committed: 1, lag: 26, mayRead: true }],
      may: { reset: true, deleteOffsets: true, delete: true },
    });
    expect(
      detail.partitions.map(({ partition, committed: at, lag, member }) => ({
        ...{ partition, at, lag, member },
      })),
    ).toEqual([
      { partition: 0, at: 4, lag: 6, member: id },
      { partition: 1, at: -1, lag: 10, member: null },
      { partition: 2, at: -1, lag: 10, member: id },
    ]);
    expect(detail.partitions[0]?.recordBytes).toBeGreaterThan(100);
  });

  test("has what the connection of a member says, and the epochs of a consumer group", async () => {
    const { context, port } = sample.broker;
    using client = await KafkaClient.connect(port);
    const software = { clientSoftwareName: "franz-go", clientSoftwareVersion: "1.2" };
    await client.call(KAFKA_APIS.ApiVersions, 3, software);
    await context.groups.consumerHeartbeat("of-epochs", {
      ...{ memberId: "m", memberEpoch: 0, instanceId: null, rackId: null, owned: [] },
      ...{ rebalanceTimeoutMs: 30_000, topicNames: ["other"], pattern: null, assignor: null },
      ...{ clientId: "test", clientHost: "/127.0.0.1" },
    });
    const detail = await get<GroupDetail>("state", { group: "of-epochs" });
    expect(detail.members[0]?.connectedMs).toBeLessThanOrEqual(detail.nowMs);
    expect(detail).toMatchObject({
      ...{ type: "consumer", assignor: "uniform", generation: 2, assignmentEpoch: 2 },
      members: [{ id: "m", software: "franz-go 1.2", isNamed: true, epoch: 2, partitions: 1 }],
    });
  });

  test("can't be changed on a page that is read-only", async () => {
    await using page = await startPage({ offsets: "memory" }, undefined, { isReadOnly: true });
    await page.broker.context.registry.create("t", 1, {});
    await page.broker.context.offsets.commit("g", [{ topic: "t", partition: 0, offset: 0 }]);
    const detail = (await (
      await fetch(`${page.url}api/groups/state?group=g`)
    ).json()) as GroupDetail;
    expect(detail.may).toEqual({ reset: false, deleteOffsets: false, delete: false });
  });

  test("may have any name", async () => {
    for (const name of ["..", "a/b?c", "100%"]) {
      await commit(name, 1);
      expect((await get<GroupDetail>("state", { group: name })).group).toBe(name);
    }
    await expect(get("state", { group: "nobody" })).rejects.toThrow("GROUP_NOT_FOUND");
    await expect(get("state", {})).rejects.toThrow("group is missing");
  });

  test("has the lag of the last hour", async () => {
    await commit("with-history", 10);
    const { times, lags, gap, partitions } = await get<LagHistory>("history", {
      group: "with-history",
    });
    expect(times.length).toBe(61);
    expect(times.at(-1)! - times[0]!).toBe(60 * MINUTE);
    // It did not exist before its first commit.
    expect([lags.at(-2), lags.at(-1), gap]).toEqual([null, 20, "uncommitted"]);
    expect(partitions.map(({ partition, lags: each }) => [partition, each.at(-1)])).toEqual([
      [0, 0],
      [1, 10],
      [2, 10],
    ]);
  });
});

describe("a reset", () => {
  test("moves as many partitions as a dry run would, at most", async () => {
    const moves = Array.from({ length: 1_001 }, (_, partition) => {
      return { topic: "orders", topicId: "x", partition, from: 0, to: 0 };
    });
    expect(await post("reset", { group: "billing", moves })).toContain(
      "more than 1000 partitions would move",
    );
  });

  test.each([
    [{ to: "earliest" }, [0, 0, 0]],
    [{ to: "latest", topic: "orders", partitions: "0,2" }, [10, 5, 10]],
    [{ to: "7" }, [7, 7, 7]],
    [{ to: "-3", topic: "orders" }, [7, 7, 7]],
    [{ to: "@-210s" }, [6, 6, 6]],
    [{ to: `@${now - 2 * MINUTE}` }, [7, 7, 7]],
    [{ shift: "3" }, [8, 8, 8]],
    [{ shift: "-100" }, [0, 0, 0]],
  ])("to %p is what its dry run says", async (query, expected) => {
    const group = `reset ${JSON.stringify(query)}`;
    for (const partition of [0, 1, 2]) await commit(group, 5, partition);
    const { moves } = await plan(group, query);
    expect(committed(group)).toEqual([5, 5, 5]);
    for (const move of moves) expect(move).toMatchObject({ from: 5, logStart: 0, end: 10 });
    const order = moves.map(({ logStart: _, end: __, ...move }) => move);
    const answer = await post("reset", { group, moves: order });
    expect(answer).toBe(`200 {"partitions":${moves.length}}`);
    expect(committed(group)).toEqual(expected);
    for (const { partition, to } of moves) expect(expected[partition]).toBe(to);
  });

  test("is told to the audit log", async () => {
    const seen: unknown[] = [];
    const audit = { ...NO_AUDIT, changed: (...[, ...what]: unknown[]) => seen.push(what) };
    const context = { ...sample.broker.context, audit };
    await commit("audited", 5);
    const order = { ...RESET, group: "audited" };
    const moves = await planReset(context, order, new AbortController().signal);
    await applyReset(context, "audited", moves);
    expect(seen).toEqual([["offsets-reset", { group: "audited", partitions: 3 }]]);
  });

  test("is refused while the group has members, though not its dry run", async () => {
    await commit("joined", 5);
    const { moves } = await plan("joined", { to: "earliest" });
    await joinGroup(sample.broker.context.groups, "joined", [
      { clientId: "meter", assigned: { orders: [0] } },
    ]);
    const refusal = /NON_EMPTY_GROUP.*group 'joined' has members.*meter at 10\.0\.0\.7/;
    expect(await post("reset", { group: "joined", moves })).toMatch(refusal);
    expect((await plan("joined", { to: "earliest" })).moves).toEqual(moves);
    expect(committed("joined")[0]).toBe(5);
  });

  test("is refused if the group has committed since the dry run, and then moves nothing", async () => {
    for (const partition of [0, 1]) await commit("moving", 5, partition);
    const { moves } = await plan("moving", { to: "earliest" });
    await commit("moving", 6, 1);
    expect(await post("reset", { group: "moving", moves })).toContain(
      "the committed offset of orders-1 was 5 and is now 6: nothing was moved; look again",
    );
    expect(committed("moving")).toEqual([5, 6, undefined]);
  });

  test("is refused if the topic is another one by then", async () => {
    const { registry } = sample.broker.context;
    await registry.create("again", 1, {});
    await commit("of-again", 0, 0, "again");
    const { moves } = await plan("of-again", { to: "latest" });
    await registry.delete("again");
    await registry.create("again", 1, {});
    expect(await post("reset", { group: "of-again", moves })).toContain("UNKNOWN_TOPIC_ID");
  });

  test.each([
    [{ to: "noon" }, "'noon' is no place. Expected an offset: earliest"],
    [{ to: "11" }, "offset 11 is outside orders-0, which has offsets 0 to 10"],
    [{ shift: "far" }, "shift is 'far'; expected a whole number"],
    [{ to: "1", topic: "nothing" }, "topic 'nothing' does not exist"],
    [{ to: "1", topic: "orders", partitions: "3" }, "orders"],
    [{ to: "1", topic: "orders", partitions: "1,1" }, "is named twice"],
    [{ shift: "1", topic: "other" }, "has committed no offset to move from"],
  ])("%p is refused", async (query, message) => {
    await commit("refused", 5);
    await expect(plan("refused", query)).rejects.toThrow(message);
  });

  test.each([
    [{}, "moves must be a list of objects"],
    [{ moves: [1] }, "moves must be a list of objects"],
    [
      { moves: [{ topic: "orders", topicId: "x", partition: -1 }] },
      "partition must be a whole number",
    ],
  ])("the order %p is refused", async (order, message) => {
    expect(await post("reset", { group: "refused", ...order })).toMatch(
      new RegExp(`^400 .*${message}`),
    );
  });
});

describe("deletion", () => {
  test("of the offsets of a topic leaves those of others", async () => {
    for (const partition of [0, 1]) await commit("less", 5, partition);
    await commit("less", 0, 0, "other");
    const order = { group: "less", topic: "orders" };
    expect(await post("delete-offsets", order)).toBe('200 {"partitions":2}');
    expect(committed("less")).toEqual([undefined, undefined, undefined]);
    expect(committed("less", "other")[0]).toBe(0);
    expect(await post("delete-offsets", order)).toContain(
      "group 'less' has committed no offset in topic 'orders'",
    );
  });

  test("of a group is refused while it has members, and final otherwise", async () => {
    await commit("gone", 5);
    expect(await post("delete", { group: "gone" })).toStartWith("200");
    expect(await post("delete", { group: "gone" })).toContain("GROUP_NOT_FOUND");
    await joinGroup(sample.broker.context.groups, "busy", [
      { clientId: "a", assigned: { orders: [0] } },
    ]);
    await commit("busy", 1);
    expect(await post("delete", { group: "busy" })).toContain("NON_EMPTY_GROUP");
    expect(await post("delete-offsets", { group: "busy", topic: "orders" })).toContain(
      "GROUP_SUBSCRIBED_TO_TOPIC",
    );
    expect(committed("busy")[0]).toBe(1);
  });
});
