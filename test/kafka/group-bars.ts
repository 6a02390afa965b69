// What members of groups wait for, and what they cost the broker, against the bars: bun run test:members --bars. Many
// members are simulated over connections of their own; handovers are timed with real clients, beside another broker if
// there is one: --broker HOST:PORT.
// Leaves to others: the clients (group-member.ts).
import { readFileSync } from "node:fs";
import { Producer } from "@platformatic/kafka";
import { ConsumerGroupHeartbeat } from "../../src/protocol/kafka/consumer-groups.js";
import { Heartbeat, JoinGroup, LeaveGroup, SyncGroup } from "../../src/protocol/kafka/groups.js";
import { ByteWriter } from "../../src/protocol/native/writer.js";
import { BrokerProcess } from "../support/binary.js";
import { KafkaClient } from "../support/kafka-client.js";
import { tempDir } from "../support/tmp.js";
import { GroupMember, MEMBERS, SESSION_MS } from "./group-member.js";
import { startFloor } from "./heartbeat-floor.js";
import { connectKafkajs } from "./kafkajs.js";
import { Ledger } from "./ledger.js";

const MEMBER_ID_REQUIRED = 79;
const REBALANCE_IN_PROGRESS = 27;

const MANY = 1_000;
const GROUPS = 100;
const PER_GROUP = 100;
const HEARTBEATS_S = 10;

/** Long enough for a group to be idle. */
const IDLE_MS = 3_000;

/** A subscription to `t`, as ConsumerProtocolSubscription, version 0. */
const SUBSCRIPTION = new ByteWriter().raw(Uint8Array.of(0, 0)).u32(1).string("t").u32(0).finish();

let failures = 0;

/** Measures everything. Resolves with how many bars were missed. */
export async function runBars(other: string | undefined): Promise<number> {
  using directory = tempDir();
  const connectionsMax = `${GROUPS * PER_GROUP + 1_000}`;
  await using own = await BrokerProcess.start(directory.path, "--max-connections", connectionsMax);
  const admin = await connectKafkajs(own.address);
  await admin.create("t", MANY);
  await admin.create("small", PER_GROUP);
  await admin.close();
  await manyMembers(own);
  await heartbeats(own);
  await handovers(own.address);
  const others = other === undefined ? [] : [other];
  for (const broker of [own.address, ...others]) {
    for (const heartbeatMs of [500, 3_000]) await secondMembers(broker, heartbeatMs);
  }
  return failures;
}

function report(what: string, value: number, unit: string, limit?: number): void {
  const isMissed = limit !== undefined && value > limit;
  if (isMissed) failures++;
  const bar = limit === undefined ? "" : ` (bar: ≤ ${limit})`;
  console.log(`${isMissed ? "MISSED" : "ok    "} ${what}: ${value.toFixed(1)} ${unit}${bar}`);
}

/** One simulated member of the classic protocol. */
class Simulated {
  memberId = "";
  generation = -1;

  constructor(
    readonly client: KafkaClient,
    readonly group: string,
  ) {}

  /** Joins and syncs, until it has an assignment. */
  async join(): Promise<void> {
    for (;;) {
      const joined = await this.client.call(JoinGroup, 9, {
        ...{ groupId: this.group, sessionTimeoutMs: 45_000, rebalanceTimeoutMs: 60_000 },
        ...{ memberId: this.memberId, protocolType: "consumer" },
        protocols: [{ name: "range", metadata: SUBSCRIPTION }],
      });
      this.memberId = joined.memberId;
      if (joined.errorCode === MEMBER_ID_REQUIRED) continue;
      if (joined.errorCode !== 0) throw new Error(`JoinGroup: ${joined.errorCode}`);
      this.generation = joined.generationId;
      const assignments =
        joined.leader === this.memberId
          ? joined.members.map(({ memberId }) => ({ memberId, assignment: new Uint8Array(8) }))
          : [];
      const { errorCode } = await this.client.call(SyncGroup, 5, {
        ...{ groupId: this.group, generationId: this.generation, memberId: this.memberId },
        ...{ protocolType: "consumer", protocolName: "range", assignments },
      });
      if (errorCode === 0) return;
      if (errorCode !== REBALANCE_IN_PROGRESS) throw new Error(`SyncGroup: ${errorCode}`);
    }
  }

  async heartbeat(): Promise<number> {
    const { errorCode } = await this.client.call(Heartbeat, 4, {
      ...{ groupId: this.group, generationId: this.generation, memberId: this.memberId },
    });
    return errorCode;
  }
}

async function manyMembers(broker: BrokerProcess): Promise<void> {
  const waits = await measureProducer(broker.address);
  const clients = await Promise.all(
    Array.from({ length: MANY }, () => KafkaClient.connect(broker.port)),
  );
  waits.take();
  const members = clients.map((client) => new Simulated(client, "many"));
  const cpu = cpuMs(broker.pid);
  const began = performance.now();
  // As clients do: each joins, and joins again when a heartbeat says so.
  await Promise.all(members.map((member) => member.join()));
  for (;;) {
    const late = members.filter(
      ({ generation }) => generation < Math.max(...members.map((one) => one.generation)),
    );
    if (late.length === 0) break;
    await Promise.all(
      late.map(async (member) => {
        if ((await member.heartbeat()) === REBALANCE_IN_PROGRESS) await member.join();
      }),
    );
  }
  const ms = performance.now() - began;
  report(`${MANY} members join one group until it is stable`, ms / 1000, "s", 2);
  report("  CPU time of the broker", (cpuMs(broker.pid) - cpu) / 1000, "s");
  report("  longest wait of a producer alongside", waits.take(), "ms", 100);
  const again = performance.now();
  await Promise.all(members.map((member) => member.join()));
  report(`${MANY} members join again (a rolling change)`, (performance.now() - again) / 1000, "s");
  report("  longest wait of a producer alongside", waits.take(), "ms", 100);
  const consumerBegan = performance.now();
  await Promise.all(
    clients.map((client, i) => new Simulated848(client, "many-848", `m${i}`, "t").heartbeat()),
  );
  const took = (performance.now() - consumerBegan) / 1000;
  report(`${MANY} members of KIP-848 join one group`, took, "s", 2);
  report("  longest wait of a producer alongside", waits.take(), "ms", 100);
  await waits.stop();
  for (const client of clients) client[Symbol.dispose]();
}

/** One simulated member of KIP-848, which takes and gives up what it is told at once. */
class Simulated848 {
  epoch = 0;
  /** What it has to confirm. */
  #assigned:
    readonly { readonly topicId: string; readonly partitions: readonly number[] }[] | null = [];

  constructor(
    readonly client: KafkaClient,
    readonly group: string,
    readonly memberId: string,
    readonly topic: string,
  ) {}

  /** Whether it has confirmed everything. */
  get isSettled(): boolean {
    return this.#assigned === null;
  }

  async heartbeat(): Promise<void> {
    const joining =
      this.epoch === 0 ? { rebalanceTimeoutMs: 60_000, subscribedTopicNames: [this.topic] } : {};
    const answer = await this.client.call(ConsumerGroupHeartbeat, 1, {
      ...{ groupId: this.group, memberId: this.memberId, memberEpoch: this.epoch },
      ...joining,
      topicPartitions: this.#assigned,
    });
    if (answer.errorCode !== 0) throw new Error(`ConsumerGroupHeartbeat: ${answer.errorCode}`);
    this.epoch = answer.memberEpoch;
    this.#assigned = answer.assignment?.topicPartitions ?? null;
  }
}

/** A producer in a process of its own: its longest wait since the last look. */
async function measureProducer(
  address: string,
): Promise<{ take(): number; stop(): Promise<void> }> {
  let longest = 0;
  let count = 0;
  const warm = Promise.withResolvers<void>();
  const child = Bun.spawn([process.execPath, import.meta.path, address], {
    stdin: "pipe",
    stdout: "pipe",
  });
  const reading = (async () => {
    for await (const chunk of child.stdout) {
      for (const line of Buffer.from(chunk).toString().split("\n")) {
        longest = Math.max(longest, Number(line));
        if (++count === 200) warm.resolve();
      }
    }
  })();
  await warm.promise;
  return {
    take: () => {
      const ms = longest;
      longest = 0;
      return ms;
    },
    stop: async () => {
      child.kill("SIGKILL");
      await reading;
    },
  };
}

/** That process: one record after another, and how long each took. */
async function produceAlone(broker: string): Promise<never> {
  const producer = new Producer({ clientId: "alongside", bootstrapBrokers: [broker] });
  for (;;) {
    const began = performance.now();
    await producer.send({
      messages: [{ topic: "t", partition: 0, value: Buffer.from("x") }],
      acks: -1,
    });
    console.log(performance.now() - began);
    await Bun.sleep(2);
  }
}

/** Members with a connection each, as they have, and then the same frames to a bare server. */
async function heartbeats(broker: BrokerProcess): Promise<void> {
  const members: Simulated[] = [];
  for (let i = 0; i < GROUPS; i++) {
    const ofGroup = (await connections(broker.port, PER_GROUP)).map(
      (client) => new Simulated(client, `beats-${i}`),
    );
    await Promise.all(ofGroup.map((member) => member.join()));
    members.push(...ofGroup);
  }
  const clients = members.map(({ client }) => client);
  const share = await load(broker.pid, members.length, 3_000, async (i) => {
    const code = await members[i]!.heartbeat();
    if (code !== 0 && code !== REBALANCE_IN_PROGRESS) throw new Error(`Heartbeat: ${code}`);
  });
  report(`heartbeats of ${members.length} members, every 3 s`, share, "% of a core", 10);
  for (let i = 0; i < GROUPS; i++) {
    const leaving = members.filter(({ group }) => group === `beats-${i}`);
    await clients[i]!.call(LeaveGroup, 5, {
      ...{ groupId: `beats-${i}`, memberId: "" },
      members: leaving.map(({ memberId }) => ({ memberId })),
    });
  }
  const members848 = clients.map((client, i) => {
    return new Simulated848(client, `beats848-${i % GROUPS}`, `m${i}`, "small");
  });
  for (let i = 0; i < members848.length; i += GROUPS) {
    await Promise.all(members848.slice(i, i + GROUPS).map((member) => member.heartbeat()));
  }
  // Until nobody has anything to give up or to take.
  for (let quiet = 0; quiet < 2; quiet++) {
    await Promise.all(members848.map((member) => member.heartbeat()));
    if (members848.some((member) => !member.isSettled)) quiet = 0;
  }
  const share848 = await load(broker.pid, members848.length, 5_000, async (i) => {
    await members848[i]!.heartbeat();
  });
  const what = `heartbeats of ${members848.length} members of KIP-848, every 5 s`;
  report(what, share848, "% of a core", 10);
  // The process may not have as many files as for both.
  for (const client of clients) client[Symbol.dispose]();
  using floor = await startFloor();
  const bare: Simulated[] = [];
  for (const { memberId, group, generation } of members) {
    const [client] = await connections(floor.port, 1);
    bare.push(Object.assign(new Simulated(client!, group), { memberId, generation }));
  }
  for (const everyMs of [3_000, 5_000]) {
    const least = await load(floor.pid, bare.length, everyMs, async (i) => {
      await bare[i]!.heartbeat();
    });
    report(`  the same frames to a bare server, every ${everyMs / 1000} s`, least, "% of a core");
  }
  for (const { client } of bare) client[Symbol.dispose]();
}

function connections(port: number, count: number): Promise<KafkaClient[]> {
  return Promise.all(Array.from({ length: count }, () => KafkaClient.connect(port)));
}

/** Runs `each` for all members, evenly over `everyMs`, again and again. Resolves with the server's share of a core. */
async function load(
  pid: number,
  count: number,
  everyMs: number,
  each: (i: number) => Promise<void>,
): Promise<number> {
  const cpu = cpuMs(pid);
  const began = performance.now();
  const running: Promise<void>[] = [];
  let sent = 0;
  for (;;) {
    const ms = performance.now() - began;
    if (ms >= HEARTBEATS_S * 1_000) break;
    for (; sent < (ms * count) / everyMs; sent++) running.push(each(sent % count));
    await Bun.sleep(1);
  }
  await Promise.all(running);
  return (100 * (cpuMs(pid) - cpu)) / (performance.now() - began);
}

/** CPU time of a process, in clock ticks of 10 ms. */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** Two real members of a topic with two partitions, and records in both, all the time. */
class Pair {
  readonly topic = `pair-${process.pid}-${Math.round(performance.now())}`;
  readonly ledger = new Ledger();
  readonly #gotAt = new Map<string, number>();
  #stops = false;
  #producing: Promise<void> | undefined;

  constructor(readonly broker: string) {
    const say = this.ledger.say.bind(this.ledger);
    this.ledger.say = (member, line) => {
      say(member, line);
      const [at, kind, partition] = line.split("\t");
      if (kind === "got") {
        const key = `${member.name} ${partition}`;
        if (!this.#gotAt.has(key)) this.#gotAt.set(key, Number(at));
      }
    };
  }

  async start(): Promise<void> {
    const admin = await connectKafkajs(this.broker);
    await admin.create(this.topic, 2);
    await admin.close();
    const producer = new Producer({ clientId: "pair", bootstrapBrokers: [this.broker] });
    this.#producing = (async () => {
      while (!this.#stops) {
        const messages = [0, 1].map((partition) => {
          return { topic: this.topic, partition, value: Buffer.from("x") };
        });
        await producer.send({ messages, acks: -1 });
        await Bun.sleep(10);
      }
      await producer.close();
    })();
  }

  async member(client: string, name: string, heartbeatMs: number): Promise<GroupMember> {
    const command = await MEMBERS[client]!.command();
    const args = [this.broker, this.topic, this.topic];
    return new GroupMember(this.ledger, { client, name, command }, args, heartbeatMs);
  }

  /** When a member got its first record, of a partition if it is given. */
  async got(name: string, partition?: number): Promise<number> {
    const keys = (partition === undefined ? [0, 1] : [partition]).map((one) => `${name} ${one}`);
    for (const end = Date.now() + 60_000; Date.now() < end; await Bun.sleep(5)) {
      const found = keys.flatMap((key) => this.#gotAt.get(key) ?? []);
      if (found.length > 0) return Math.min(...found);
    }
    throw new Error(`${name} got nothing`);
  }

  /** The partition that a member reads alone. */
  async partitionOf(name: string): Promise<number> {
    const at = await this.got(name);
    return this.#gotAt.get(`${name} 0`) === at ? 0 : 1;
  }

  forget(): void {
    this.#gotAt.clear();
  }

  async stop(...members: GroupMember[]): Promise<void> {
    this.#stops = true;
    await this.#producing;
    for (const member of members) if (!member.isLeaving) member.leave();
    await Promise.all(members.map((member) => member.ended));
  }
}

/** One of two members is killed, or leaves: until the other one reads its partition. */
async function handovers(broker: string): Promise<void> {
  for (const how of ["kill", "leave"] as const) {
    const pair = new Pair(broker);
    await pair.start();
    const first = await pair.member("franz-go", "first", 50);
    await pair.got("first");
    const second = await pair.member("franz-go", "second", 50);
    const partition = await pair.partitionOf("second");
    await Bun.sleep(1_000);
    pair.forget();
    const began = Date.now();
    second[how]();
    const ms = (await pair.got("first", partition)) - began;
    const limit = how === "kill" ? SESSION_MS + 200 : 200;
    const what = how === "kill" ? "a member is killed" : "a member leaves";
    report(`${what}: its partition is read again`, ms, "ms", limit);
    await pair.stop(first, second);
  }
}

/** A second member joins an idle group: from its first line, or its start, until it has a record. */
async function secondMembers(broker: string, heartbeatMs: number): Promise<void> {
  for (const client of ["confluent", "confluent-consumer", "kafkajs", "franz-go", "java"]) {
    const pair = new Pair(broker);
    await pair.start();
    const first = await pair.member(client, "first", heartbeatMs);
    await pair.got("first");
    await Bun.sleep(IDLE_MS);
    const began = Date.now();
    const second = await pair.member(client, "second", heartbeatMs);
    const ms = (await pair.got("second")) - began;
    report(`${broker}: ${client} joins, with heartbeats every ${heartbeatMs} ms`, ms, "ms");
    await pair.stop(first, second);
  }
}

if (import.meta.main) await produceAlone(process.argv[2] ?? "");
