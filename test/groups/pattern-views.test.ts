// What regular expressions of members match on a broker with rules. Leaves to others: expressions (topic-patterns.test.ts).
import { expect, test } from "bun:test";
import { type Caller, EVERYONE, type Login } from "../../src/security/caller.js";
import type { HeartbeatRequest } from "../../src/groups/consumer/consumer-requests.js";
import { type ServiceContext, withCaller } from "../../src/services/context.js";
import { consumerHeartbeat } from "../../src/services/group-membership.js";
import { openServices } from "../support/services.js";

const JOIN: HeartbeatRequest = {
  ...{ memberId: "m", memberEpoch: 0, instanceId: null, rackId: null, rebalanceTimeoutMs: 6_000 },
  ...{ topicNames: [], pattern: "orders.*", assignor: null, owned: [] },
  ...{ clientId: "c", clientHost: "/127.0.0.1" },
};

/** The context of a user who may read the groups, and describe these topics. */
function userOf(context: ServiceContext, name: string, topics: Set<string>): ServiceContext {
  const may: Caller["may"] = (operation, type, resource) =>
    type === "GROUP" || (operation === "DESCRIBE" && topics.has(resource));
  const login = {} as Login;
  return withCaller(context, { ...EVERYONE, principal: `User:${name}`, login, may });
}

async function namesRead(
  context: ServiceContext,
  request: HeartbeatRequest,
): Promise<{ epoch: number; topics: (string | undefined)[] | undefined }> {
  const { memberEpoch, assignment } = await consumerHeartbeat(context, "g", request);
  const topics = assignment?.map(({ topicId }) => context.registry.byId(topicId)?.name).sort();
  return { epoch: memberEpoch, topics };
}

test("an expression matches only topics that its member may describe, as the rules are now", async () => {
  const context = await openServices();
  for (const name of ["orders", "orders-secret"]) await context.registry.create(name, 1, {});
  const visible = new Set(["orders"]);
  const ann = userOf(context, "ann", visible);
  const joined = await namesRead(ann, JOIN);
  expect(joined.topics).toEqual(["orders"]);
  // Another user's member with the same expression has the topic that the first one may not see.
  const all = new Set(["orders", "orders-secret"]);
  const bob = userOf(context, "bob", all);
  const other = await namesRead(bob, { ...JOIN, memberId: "n" });
  expect(other.topics).toContain("orders-secret");
  await consumerHeartbeat(bob, "g", { ...JOIN, memberId: "n", memberEpoch: -1 });
  visible.add("orders-secret");
  context.security.authorizer.change([], []);
  const owned = [{ topicId: context.registry.find("orders")!.id, partitions: [0] }];
  const again = { ...JOIN, memberEpoch: joined.epoch, owned };
  expect((await namesRead(ann, again)).topics).toEqual(["orders", "orders-secret"]);
});
