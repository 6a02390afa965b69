import { expect, test } from "bun:test";
import { type Caller, EVERYONE } from "../../src/security/caller.js";
import { type ServiceContext, withCaller } from "../../src/services/context.js";
import { commitOffsets, fetchOffsets } from "../../src/services/committed-offsets.js";
import { changeTopicConfigs, describeTopicConfigs } from "../../src/services/configs.js";
import { deleteRecords } from "../../src/services/delete-records.js";
import { fetch } from "../../src/services/fetch.js";
import { heartbeat, joinGroup } from "../../src/services/group-membership.js";
import { deleteGroup, listGroups } from "../../src/services/groups.js";
import { listOffset } from "../../src/services/list-offsets.js";
import { produce } from "../../src/services/produce.js";
import { createTopic, deleteTopic, describeTopic, listTopics } from "../../src/services/topics.js";
import { encodeBatch } from "../record/batches.js";
import { openServices } from "../support/services.js";

/** Services with the topics "mine" and "other", for a caller with only these permissions: "READ TOPIC mine". */
async function servicesFor(...permissions: string[]): Promise<ServiceContext> {
  const may: Caller["may"] = (operation, type, name) =>
    permissions.includes(`${operation} ${type} ${name}`);
  const caller: Caller = { ...EVERYONE, principal: "User:ann", may, mayOnAny: () => false };
  const context = await openServices();
  for (const name of ["mine", "other"]) await context.registry.create(name, 1, {});
  return withCaller(context, caller);
}

/** What a call fails with; undefined if it does not. */
async function failureOf(call: () => unknown): Promise<string | undefined> {
  try {
    await call();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function batch(): Uint8Array {
  return encodeBatch([{ timestamp: 1, key: null, value: new Uint8Array(1), headers: [] }]);
}

const NAMED = { topic: "mine", partition: 0 };
const SETTING = [{ name: "retention.ms", operation: "set", value: "1" }] as const;

/** A use case, the permissions that it needs, and the one that its refusal names if it has none. */
const USE_CASES: readonly [string, readonly string[], (context: ServiceContext) => unknown][] = [
  ["produce", ["WRITE TOPIC mine"], (it) => produce(it, { ...NAMED, batch: [batch()] })],
  [
    "produce to a new topic",
    ["WRITE TOPIC new", "CREATE TOPIC new"],
    (it) => produce(it, { topic: "new", partition: 0, batch: [batch()] }),
  ],
  ["list offsets", ["DESCRIBE TOPIC mine"], (it) => listOffset(it, { ...NAMED, timestamp: -1 })],
  ["describe a topic", ["DESCRIBE TOPIC mine"], (it) => describeTopic(it, "mine")],
  [
    "create a topic",
    ["CREATE TOPIC new"],
    (it) => createTopic(it, { name: "new", partitions: 1, settings: {} }),
  ],
  [
    "create any topic",
    ["CREATE CLUSTER kafka-cluster"],
    (it) => createTopic(it, { name: "new", partitions: 1, settings: {} }),
  ],
  ["delete a topic", ["DELETE TOPIC mine"], (it) => deleteTopic(it, { topic: "mine" })],
  ["describe settings", ["DESCRIBE_CONFIGS TOPIC mine"], (it) => describeTopicConfigs(it, "mine")],
  [
    "change settings",
    ["ALTER_CONFIGS TOPIC mine"],
    (it) => changeTopicConfigs(it, "mine", SETTING, { validateOnly: false }),
  ],
  [
    "commit an offset",
    ["READ GROUP g", "READ TOPIC mine"],
    async (it) => {
      const [failure] = await commitOffsets(it, "g", [{ ...NAMED, offset: 0 }]);
      if (failure instanceof Error) throw failure;
    },
  ],
  [
    "fetch a committed offset",
    ["DESCRIBE GROUP g", "DESCRIBE TOPIC mine"],
    (it) => {
      const [found] = fetchOffsets(it, "g", [NAMED]);
      if (found instanceof Error) throw found;
    },
  ],
];

for (const [name, permissions, call] of USE_CASES) {
  test(`to ${name}, a caller needs ${permissions.join(" and ")}`, async () => {
    expect(await failureOf(async () => call(await servicesFor(...permissions)))).toBeUndefined();
    for (const missing of permissions) {
      const others = permissions.filter((permission) => permission !== missing);
      const failure = await failureOf(async () => call(await servicesFor(...others)));
      expect(failure).toContain("User:ann has no permission");
    }
  });
}

test("a partition that the caller may not use has an error of its own", async () => {
  const context = await servicesFor("READ TOPIC mine");
  const positions = ["mine", "other"].map((topic) => ({
    ...{ topic, partition: 0, offset: 0, bytesMax: 100 },
  }));
  const results = fetch(context, { positions, bytesMax: 100, bytesMin: 0, waitMs: 0 });
  if (!Array.isArray(results)) throw new Error("the fetch waits");
  expect(results.map((result) => "error" in result && result.error.code)).toEqual([
    false,
    "TOPIC_AUTHORIZATION_FAILED",
  ]);
  const deleted = await deleteRecords(context, [{ topic: "other", partition: 0, offset: 0 }]);
  expect(deleted).toMatchObject([{ code: "TOPIC_AUTHORIZATION_FAILED" }]);
});

test("a caller is not told of what it may not see", async () => {
  const context = await servicesFor("DESCRIBE TOPIC other", "DESCRIBE GROUP g2");
  expect([...listTopics(context)].map(({ name }) => name)).toEqual(["other"]);
  for (const group of ["g1", "g2"]) {
    await context.offsets.commit(group, [{ ...NAMED, offset: 0 }], () => {});
  }
  expect([...(await listGroups(context, ""))].map(({ group }) => group)).toEqual(["g2"]);
  // The same whether it exists or not.
  for (const topic of ["mine", "nothing"]) {
    expect(await failureOf(() => describeTopic(context, topic))).toContain("no permission");
  }
});

test("only members with a permission on the group join and stay", async () => {
  const context = await servicesFor();
  const answers: unknown[] = [];
  const abandon = joinGroup(
    context,
    "g",
    {
      ...{ memberId: "m", instanceId: null, sessionTimeoutMs: 6000, rebalanceTimeoutMs: 6000 },
      ...{ protocolType: "consumer", protocols: [{ name: "range", metadata: new Uint8Array(0) }] },
      ...{ clientId: "", clientHost: "", needsMemberId: false, maySkipAssignment: false },
    },
    (answer) => answers.push(answer),
  );
  expect(abandon).toBeUndefined();
  expect(answers).toMatchObject([{ error: { code: "GROUP_AUTHORIZATION_FAILED" } }]);
  const member = { memberId: "m", instanceId: null, generation: 1 };
  expect(await failureOf(() => heartbeat(context, "g", member))).toContain("no permission READ");
  expect(await failureOf(() => deleteGroup(context, "g"))).toContain("no permission DELETE");
});
