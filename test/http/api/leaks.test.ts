// What a visitor with few permissions learns from any answer: nothing about topics, groups, users and clients that it may not
// see, not even whether they exist.
// Leaves to others: which routes it may use (permissions.test.ts).
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Acl } from "../../../src/security/acl.js";
import { joinGroup } from "../../support/group-members.js";
import { batchOf } from "../../support/broker.js";
import { type PageSample, startPage } from "../../support/page-sample.js";
import { addUsers, logInOnPage, type PageUser, ruleOf } from "../../support/page-users.js";

/** Part of all names that the visitor may not see, also of one that a rule denies which another would allow. */
const SECRET = "hushed";
const TOPICS = ["shop-orders", "shop-hushed", "hushed-payroll"] as const;
const GROUPS = ["shop-readers", "hushed-audit"] as const;

let sample: PageSample;
let ann: PageUser;

beforeAll(async () => {
  sample = await startPage();
  const { context } = sample.broker;
  const { registry, offsets, groups } = context;
  for (const name of TOPICS) {
    await registry.create(name, 2, {});
    await registry.partition(name, 0).append(batchOf("a", "b"));
    for (const group of GROUPS) {
      await offsets.commit(group, [{ topic: name, partition: 0, offset: 1 }]);
    }
  }
  const reads = { "shop-orders": [0], "hushed-payroll": [1] };
  await joinGroup(groups, "shop-running", [{ clientId: "c", assigned: reads }]);
  await joinGroup(groups, "hushed-running", [{ clientId: "hushed-client", assigned: reads }]);
  await addUsers(context, {
    ann: ["READ GROUP shop-readers", "READ GROUP shop-running"],
    hushed: "everything",
  });
  await context.security.change(() => ({ usersSet: [], aclsAdded: rules() }));
  ann = await logInOnPage(sample.url, "ann");
});
afterAll(() => sample[Symbol.asyncDispose]());

function rules(): Acl[] {
  const all = ["READ TOPIC shop-", "DELETE TOPIC shop-", "DELETE GROUP shop-"] as const;
  const prefixed = all.map((right): Acl => ({ ...ruleOf("ann", right), patternType: "PREFIXED" }));
  const changes = ["ALTER TOPIC shop-", "ALTER_CONFIGS TOPIC shop-", "CREATE TOPIC shop-"] as const;
  return [
    ...prefixed,
    ...changes.map((right): Acl => ({ ...ruleOf("ann", right), patternType: "PREFIXED" })),
    { ...ruleOf("ann", "ALL TOPIC shop-hushed"), permissionType: "DENY" },
  ];
}

const topicId = (name: string): string => sample.broker.context.registry.find(name)?.id ?? "none";

/** Everything that can be asked about a topic, and everything that would change it but fails. */
const aboutTopic = (topic: string, id: string): [string, object?][] => {
  const of = `api/topics/${topic}`;
  return [
    [of],
    [`${of}/partitions`],
    [`${of}/groups`],
    [`${of}/alter?id=${id}&set=retention.ms=1`],
    [`${of}/alter?id=${id}&partitions=3`],
    [`${of}/trim?before=latest`],
    [`${of}/0/segments`],
    [`${of}/0/index?bases=0`],
    [`${of}/0/lookup?offset=0`],
    [`${of}/0/batches?segment=0`],
    [`${of}/0/batch?segment=0&position=0`],
    [`api/records/${topic}`],
    [`api/records/${topic}?find=a`],
    [`api/records/${topic}/lines`],
    [`api/records/${topic}/0/0`],
    [`api/records/${topic}/0/0/line`],
    ["api/produce", { topic, key: null, value: "x" }],
    [`${of}/alter`, { id: "other", set: { "retention.ms": "1" } }],
    [`${of}/trim`, { id: "other", offsets: [{ partition: 0, offset: 0 }] }],
    [`${of}/compact`, { id: "other", run: "12345678" }],
    ["api/topics", { name: topic, partitions: 1, validateOnly: true }],
    [`api/groups/reset?group=shop-readers&to=earliest&topic=${topic}`],
    ["api/groups/delete-offsets", { group: "shop-running", topic }],
    [
      "api/groups/reset",
      { group: "shop-readers", moves: [{ topic, topicId: "other", partition: 0, from: 0, to: 0 }] },
    ],
  ];
};

const aboutGroup = (group: string): [string, object?][] => [
  [`api/groups/state?group=${group}`],
  [`api/groups/history?group=${group}`],
  [`api/groups/reset?group=${group}&to=earliest`],
  [`api/groups/reset?group=${group}&shift=1`],
  ["api/groups/delete-offsets", { group, topic: "shop-none" }],
  [
    "api/groups/reset",
    { group, moves: [{ topic: "shop-orders", topicId: "other", partition: 0, from: 0, to: 0 }] },
  ],
];

async function ask([path, body]: [string, object?]): Promise<string> {
  const headers = { "content-type": "application/json" };
  const init = body === undefined ? {} : { method: "POST", headers, body: JSON.stringify(body) };
  const response = await ann.fetch(path, init);
  return `${path} ${response.status} ${await response.text()}`;
}

/** The events of a page until it knows everything. */
async function events(): Promise<string> {
  const reader = (await ann.fetch("api/events")).body!.getReader();
  let text = "";
  while (!/event: tick.*"groups":.*"shop-running"/s.test(text)) {
    text += new TextDecoder().decode((await reader.read()).value);
  }
  await reader.cancel();
  return text;
}

test("no answer names what the visitor may not see, nor counts it", async () => {
  const asked: [string, object?][] = [
    ["api/session"],
    ["api/connections"],
    ["api/topic-settings"],
    ["metrics"],
    ["health"],
    ["api/groups"],
    ["api/groups?order=-lag"],
    ["api/groups?order=state&filter=a"],
    ...aboutTopic("shop-orders", topicId("shop-orders")),
    ...aboutGroup("shop-readers"),
    ...aboutGroup("shop-running"),
  ];
  for (const each of asked) expect(await ask(each)).not.toContain(SECRET);
  const seen = await events();
  expect(seen).not.toContain(SECRET);
  expect(seen).toContain('"topicCount":1');
  const list = await ann.fetch("api/groups?order=-lag");
  // One record of each of two partitions; there is as much in topics that it may not see.
  expect(await list.json()).toMatchObject({
    matching: 2,
    rows: [
      { group: "shop-running", partitions: 2, lag: 2 },
      { group: "shop-readers", partitions: 2, lag: 1 },
    ],
  });
});

test("no answer tells whether there is what the visitor may not see", async () => {
  const withoutName = (answer: string, name: string): string => answer.replaceAll(name, "NAME");
  for (const [there, missing] of [
    ["shop-hushed", "payroll"],
    ["hushed-payroll", "payroll"],
  ] as const) {
    const [found, unknown] = [
      aboutTopic(there, topicId(there)),
      aboutTopic(missing, topicId(there)),
    ];
    for (const [i, each] of found.entries()) {
      const answer = withoutName(await ask(each), there);
      expect(answer).toBe(withoutName(await ask(unknown[i]!), missing));
    }
  }
  const [found, unknown] = [aboutGroup("hushed-audit"), aboutGroup("auditors")];
  for (const [i, each] of found.entries()) {
    const answer = withoutName(await ask(each), "hushed-audit");
    expect(answer).toBe(withoutName(await ask(unknown[i]!), "auditors"));
  }
});
