// Scenarios of classic groups, played by members that speak the protocol, each on a connection of its own. The answers become
// lines, with member ids numbered in the order in which they appear.
// Leaves to others: comparing them with those of a real Kafka (group-scenarios.test.ts).
//
// group-scenarios.txt has the lines of Apache Kafka 4.4.0 (one node, group.initial.rebalance.delay.ms=0). To record them
// again: bun test/protocol/kafka/group-scenarios.ts PORT > test/protocol/kafka/group-scenarios.txt
import {
  DeleteGroups,
  DescribeGroups,
  FindCoordinator,
  Heartbeat,
  JoinGroup,
  LeaveGroup,
  ListGroups,
  SyncGroup,
} from "../../../src/protocol/kafka/groups.js";
import { decodeResponse } from "../../../src/protocol/kafka/headers.js";
import type { RequestOf, ResponseOf } from "../../../src/protocol/kafka/schema.js";
import { KafkaClient } from "../../support/kafka-client.js";

/** How the scenarios wait. */
export interface Patience {
  /** Resolves when so many requests wait for other members. */
  waiting(requests: number): Promise<void>;
  /** Resolves when so much time is over on the broker's clock. */
  pass(ms: number): Promise<void>;
}

const REBALANCE_MS = 8_000;

type JoinRequest = Partial<RequestOf<typeof JoinGroup>>;
type SyncRequest = Partial<RequestOf<typeof SyncGroup>>;
type Leaving = { readonly memberId: string; readonly groupInstanceId?: string | null };

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

class Stage {
  readonly port: number;
  readonly patience: Patience;
  readonly lines: string[] = [];
  readonly #ids = new Map<string, string>();

  constructor(port: number, patience: Patience) {
    this.port = port;
    this.patience = patience;
  }

  say(what: string, answer: unknown): void {
    this.lines.push(`${what} ${JSON.stringify(this.#plain(answer))}`);
  }

  async member(name: string, group: string, instance: string | null = null): Promise<Member> {
    return new Member(this, await KafkaClient.connect(this.port), { name, group, instance });
  }

  #plain(value: unknown): unknown {
    if (value instanceof Uint8Array) return new TextDecoder().decode(value);
    if (Array.isArray(value)) {
      return value.map((each) => this.#plain(each)).sort((a, b) => compare(a, b));
    }
    if (typeof value === "string") return this.#named(value);
    if (typeof value !== "object" || value === null) return value;
    const hidden = ["throttleTimeMs", "errorMessage"];
    const fields = Object.entries(value).filter(([name]) => !hidden.includes(name));
    return Object.fromEntries(fields.map(([name, each]) => [name, this.#plain(each)]));
  }

  /** Ids of members end with a UUID. */
  #named(text: string): string {
    if (!/[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/.test(text)) return text;
    const known = this.#ids.get(text) ?? `member ${this.#ids.size}`;
    this.#ids.set(text, known);
    return known;
  }
}

/** Brokers list members in orders of their own. */
function compare(a: unknown, b: unknown): number {
  const [left, right] = [JSON.stringify(a), JSON.stringify(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

interface Identity {
  readonly name: string;
  readonly group: string;
  readonly instance: string | null;
}

class Member implements Disposable {
  readonly #stage: Stage;
  readonly client: KafkaClient;
  name: string;
  readonly group: string;
  instance: string | null;
  id = "";
  generation = -1;

  constructor(stage: Stage, client: KafkaClient, { name, group, instance }: Identity) {
    this.#stage = stage;
    this.client = client;
    this.name = name;
    this.group = group;
    this.instance = instance;
  }

  async join(what: string, change: JoinRequest = {}, version = 9): Promise<void> {
    const say = await this.joining(what, change, version);
    say();
  }

  /** Sends a JoinGroup. The result of the promise writes the line, so that lines have a fixed order. */
  async joining(what: string, change: JoinRequest = {}, version = 9): Promise<() => void> {
    const id = this.client.send(JoinGroup, version, {
      ...{ groupId: this.group, sessionTimeoutMs: 10_000, rebalanceTimeoutMs: REBALANCE_MS },
      ...{ memberId: this.id, groupInstanceId: this.instance, protocolType: "consumer" },
      protocols: [{ name: "range", metadata: bytes(this.name) }],
      reason: null,
      ...change,
    });
    const { value } = decodeResponse(JoinGroup, version, await this.client.raw.response(id));
    const { errorCode, memberId, generationId = -1 } = value as ResponseOf<typeof JoinGroup>;
    if (errorCode === 0 || errorCode === 79) this.id = memberId;
    if (errorCode === 0) this.generation = generationId;
    return () => this.#stage.say(what, value);
  }

  async sync(
    what: string,
    assignments: Readonly<Record<string, string>> = {},
    change: SyncRequest = {},
    version = 5,
  ): Promise<void> {
    const say = await this.syncing(what, assignments, change, version);
    say();
  }

  async syncing(
    what: string,
    assignments: Readonly<Record<string, string>> = {},
    change: SyncRequest = {},
    version = 5,
  ): Promise<() => void> {
    const answer = await this.client.call(SyncGroup, version, {
      ...{ groupId: this.group, generationId: this.generation, memberId: this.id },
      ...{ groupInstanceId: this.instance, protocolType: "consumer", protocolName: "range" },
      assignments: Object.entries(assignments).map(([memberId, each]) => ({
        memberId,
        assignment: bytes(each),
      })),
      ...change,
    });
    return () => this.#stage.say(what, answer);
  }

  async beat(what: string, change: Partial<RequestOf<typeof Heartbeat>> = {}): Promise<void> {
    const answer = await this.client.call(Heartbeat, 4, {
      ...{ groupId: this.group, generationId: this.generation, memberId: this.id },
      groupInstanceId: this.instance,
      ...change,
    });
    this.#stage.say(what, answer);
  }

  async leave(what: string, members: readonly Leaving[], version = 5, group = this.group) {
    const answer = await this.client.call(LeaveGroup, version, {
      ...{ groupId: group, memberId: this.id },
      members: members.map((each) => ({ groupInstanceId: null, reason: null, ...each })),
    });
    this.#stage.say(what, answer);
  }

  async describe(what: string, version = 5): Promise<void> {
    const answer = await this.client.call(DescribeGroups, version, {
      ...{ groups: [this.group], includeAuthorizedOperations: true },
    });
    this.#stage.say(what, answer);
  }

  async list(what: string): Promise<void> {
    const { groups } = await this.client.call(ListGroups, 5, { statesFilter: [], typesFilter: [] });
    this.#stage.say(
      what,
      groups.filter(({ groupId }) => groupId === this.group),
    );
  }

  async delete(what: string): Promise<void> {
    const answer = await this.client.call(DeleteGroups, 3, { groupsNames: [this.group] });
    this.#stage.say(what, answer);
  }

  [Symbol.dispose](): void {
    this.client[Symbol.dispose]();
  }
}

/** Plays all scenarios against the broker at a port, and returns what it answered. */
export async function play(port: number, patience: Patience): Promise<readonly string[]> {
  const stage = new Stage(port, patience);
  await refusals(stage);
  await pendingMember(stage);
  await oneMember(stage);
  await staticMembers(stage);
  await slowMember(stage);
  await allVersions(stage);
  return stage.lines;
}

async function refusals(stage: Stage): Promise<void> {
  using m = await stage.member("a", "refused");
  await m.join("no protocols", { protocols: [], groupInstanceId: "i" });
  await m.join("too short a session", { sessionTimeoutMs: 1 });
  await m.join("no group", { groupId: "" });
  await m.join("unknown member", { memberId: "nobody" });
  await m.beat("heartbeat without a group", { groupId: "" });
  await m.beat("heartbeat to an unknown group", { groupId: "nope" });
  await m.sync("sync without a group", {}, { groupId: "" });
  await m.sync("sync with an unknown group", {}, { groupId: "nope" });
  await m.sync("sync with an unknown group, v0", {}, { groupId: "nope" }, 0);
  await m.leave("leave an unknown group", [{ memberId: "x" }]);
  await m.leave("leave no group", [{ memberId: "x" }], 5, "");
  await m.leave("leave no group, v0", [], 0, "");
}

async function pendingMember(stage: Stage): Promise<void> {
  using m = await stage.member("a", "pending");
  await m.join("is told its id");
  await m.describe("a group with a pending member");
  await m.beat("heartbeat of a pending member");
  await m.leave("a pending member leaves, with an instance id", [
    { memberId: m.id, groupInstanceId: "i" },
  ]);
  await m.leave("a pending member leaves again", [{ memberId: m.id }]);
  await m.join("a pending member that left joins");
}

async function oneMember(stage: Stage): Promise<void> {
  using m = await stage.member("a", "one");
  await m.join("is told its id");
  await m.join("joins");
  await m.describe("before the assignment");
  await m.beat("heartbeat before the assignment");
  await m.join("joins again, unchanged, before the assignment");
  m.name = "b";
  await m.join("joins again, changed, before the assignment");
  await m.sync("assigns", { [m.id]: "X" });
  await m.join("the leader joins again");
  await m.sync("assigns nothing");
  await m.sync("asks again");
  await m.sync("names another type", {}, { protocolType: "other" });
  await m.sync("names another protocol", {}, { protocolName: "other" });
  await m.sync("names no protocol", {}, { protocolType: null, protocolName: null });
  await m.sync("old generation", {}, { generationId: 0 });
  await m.delete("deletes its group");
  await m.describe("stable");
  await m.list("stable, listed");
  await m.beat("heartbeat with an instance id", { groupInstanceId: "x" });
  await m.beat("heartbeat of an old generation", { generationId: 0 });
  await m.join("another type", { memberId: "", protocolType: "connect" });
  await m.join("another protocol", {
    memberId: "",
    protocols: [{ name: "other", metadata: bytes("") }],
  });
  await m.leave("leaves twice", [{ memberId: m.id }, { memberId: m.id }]);
  await m.describe("empty");
  await m.describe("empty, v6", 6);
  await m.list("empty, listed");
  await m.beat("heartbeat after leaving");
  m.id = "";
  await m.join("comes back");
  await m.join("comes back with its id");
  await m.leave("leaves", [{ memberId: m.id }]);
  await m.delete("deletes the empty group");
  await m.describe("deleted");
}

async function staticMembers(stage: Stage): Promise<void> {
  const { patience } = stage;
  using a = await stage.member("a", "static", "ia");
  using b = await stage.member("b", "static", "ib");
  await a.join("a joins");
  await a.sync("a assigns", { [a.id]: "A" });
  const first = b.joining("b joins");
  await patience.waiting(1);
  await a.beat("a learns of b");
  (await a.joining("a joins with b"))();
  (await first)();
  const follower = b.syncing("b waits for its assignment");
  await patience.waiting(1);
  await a.sync("a assigns for both", { [a.id]: "A", [b.id]: "B" });
  (await follower)();

  const oldB = b.id;
  b.id = "";
  await b.join("b comes back without its id");
  await b.sync("b asks under its new id");
  await b.sync("b asks under its old id", {}, { memberId: oldB });
  await b.beat("heartbeat under the old id", { memberId: oldB });
  await b.join("b joins under its old id", { memberId: oldB });
  await b.leave("b leaves under its old id", [{ memberId: oldB, groupInstanceId: "ib" }]);
  await b.beat("heartbeat under the new id");
  a.id = "";
  await a.join("the leader comes back");
  await a.describe("described with the new leader");
  a.id = "";
  await a.join("the leader comes back, v8", {}, 8);
  await a.sync("the leader's assignment does not count", { [a.id]: "other" });
  b.id = "";
  await b.join("a follower comes back, v5", {}, 5);
  await b.beat("heartbeat without the instance id", { groupInstanceId: null });

  using c = await stage.member("c", "static");
  await c.join("c is told its id");
  const third = c.joining("c joins");
  await patience.waiting(1);
  b.id = "";
  const second = b.joining("b comes back during a rebalance");
  await patience.waiting(2);
  const all = await a.joining("a joins with everyone");
  for (const say of [all, await second, await third]) say();
  b.id = "";
  const again = b.joining("b comes back before the assignment");
  await patience.waiting(1);
  await a.beat("a learns of it");
  const others = [a.joining("a joins once more"), c.joining("c joins once more")];
  for (const say of await Promise.all([again, ...others])) say();
  await a.leave("members leave by instance id", [
    { memberId: "", groupInstanceId: "ib" },
    { memberId: "", groupInstanceId: "unknown" },
    { memberId: "" },
    { memberId: "unknown", groupInstanceId: "ia" },
  ]);
  await a.describe("after some have left");
}

async function slowMember(stage: Stage): Promise<void> {
  const { patience } = stage;
  using a = await stage.member("a", "slow");
  using b = await stage.member("b", "slow");
  await a.join("a is told its id");
  await a.join("a joins");
  await a.sync("a assigns", { [a.id]: "A" });
  await b.join("b is told its id");
  const joining = b.joining("b goes on alone when a does not come back");
  await patience.waiting(1);
  await patience.pass(REBALANCE_MS / 2);
  await a.beat("a learns of b");
  await patience.pass(REBALANCE_MS / 2);
  (await joining)();
  await a.beat("a was left behind");
  await a.join("a joins under its id");
}

async function allVersions(stage: Stage): Promise<void> {
  for (let version = 0; version <= 9; version++) {
    using m = await stage.member("a", `join ${version}`);
    await m.join(`join v${version}`, {}, version);
    if (version >= 4) await m.join(`join v${version} with its id`, {}, version);
    if (version <= 6) await m.describe(`describe v${version}`, version);
  }
  for (let version = 0; version <= 5; version++) {
    using m = await stage.member("a", "leave");
    await m.join("joins to leave", {}, 3);
    await m.sync(`sync v${version}`, { [m.id]: "A" }, {}, version);
    await m.leave(`leave v${version}`, [{ memberId: m.id }], version);
  }
}

/** Asks a real Kafka, which has no clock to move. */
if (import.meta.main) {
  const port = Number(process.argv[2]);
  using client = await KafkaClient.connect(port);
  for (let errorCode = -1; errorCode !== 0; await Bun.sleep(200)) {
    const ask = { key: "g", keyType: 0, coordinatorKeys: [] };
    ({ errorCode } = await client.call(FindCoordinator, 3, ask));
  }
  const lines = await play(port, { waiting: () => Bun.sleep(300), pass: (ms) => Bun.sleep(ms) });
  console.log(lines.join("\n"));
}
