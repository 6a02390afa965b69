// Random members of a group under a random clock: they join, share, crash, fall silent, leave and come back, the disk
// fills up, the process stands still, the broker restarts. What holds at every step:
//   - a partition has one owner in a generation
//   - a member that is in time with everything is not expelled
//   - who was expelled, fenced or left can't commit, nor can a member of an old generation
// And once everyone behaves, all members are in one generation, and every partition has an owner.
// Leaves to others: how often (groups/group-model.test.ts, groups.ts), and what single requests are answered
// (groups/classic-group.test.ts).
import { RustLogError } from "../../src/errors.js";
import { ClassicGroup } from "../../src/groups/classic/classic-group.js";
import type { JoinResult, MemberInGeneration } from "../../src/groups/classic/classic-requests.js";
import { GroupMemory } from "../../src/groups/group-memory.js";
import type { GroupRecord } from "../../src/groups/group-record.js";
import { PendingMembers } from "../../src/groups/classic/pending-members.js";
import { observerOf } from "./group-observer.js";
import { settle } from "./log-fixture.js";
import { ManualClock } from "./manual-clock.js";
import { Random } from "./random.js";

const PARTITIONS = 5;
const CLIENTS_MAX = 5;
const SESSION_MS = 10_000;
const REBALANCE_MS = 20_000;
const HEARTBEAT_MS = 3_000;

/** Random events between two times at which everyone behaves. */
const STEPS = 150;

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

function decode(bytes: Uint8Array): readonly number[] {
  return bytes.length === 0 ? [] : (JSON.parse(new TextDecoder().decode(bytes)) as number[]);
}

/** As a leader would; not always the same to the same members. */
function assign(members: readonly string[], shift: number) {
  return members.map((memberId, index) => {
    const i = (index + shift) % members.length;
    const all = Array.from({ length: PARTITIONS }, (_, partition) => partition);
    return { memberId, assignment: encode(all.filter((each) => each % members.length === i)) };
  });
}

/** A client as the broker sees it. */
class Client {
  readonly name: string;
  readonly instanceId: string | null;
  state: "out" | "joining" | "joined" | "syncing" | "member" = "out";
  memberId = "";
  generation = -1;
  joined: JoinResult | undefined;
  partitions: readonly number[] = [];
  /** When it does the next thing. */
  next = 0;
  /** Until when it is silent. */
  silentUntil = 0;
  /** Whether it was in time with everything since it joined under its present id. */
  isPunctual = false;
  /** Its last request; answers to earlier ones do not reach it. */
  request = 0;
  abandon: (() => void) | undefined;

  constructor(name: string, instanceId: string | null) {
    this.name = name;
    this.instanceId = instanceId;
  }

  get identity(): MemberInGeneration {
    const { memberId, instanceId, generation } = this;
    return { memberId, instanceId, generation };
  }

  get isWaiting(): boolean {
    return this.state === "joining" || this.state === "syncing";
  }
}

class Model {
  readonly random: Random;
  readonly clock = new ManualClock();
  readonly history: string[] = [];
  clients: Client[] = [];
  group: ClassicGroup;
  /** Who was told that it owns a partition, by generation and partition. */
  readonly #owners = new Map<string, string>();
  /** Identities that must not be able to commit. */
  #fenced: MemberInGeneration[] = [];
  #stored: GroupRecord | undefined;
  #writes: (() => void)[] = [];
  #isDiskFull = false;
  #memory = new GroupMemory();
  #ids = 0;
  settledGenerations = 0;

  constructor(seed: number) {
    this.random = new Random(seed);
    this.group = this.#open();
  }

  note(what: string): void {
    const { state, generation, memberCount } = this.group;
    this.history.push(`${this.clock.now()} ${state} ${generation} (${memberCount}): ${what}`);
  }

  check(holds: boolean, what: string): void {
    if (!holds) throw new Error(`${what}\n${this.history.slice(-80).join("\n")}`);
  }

  /** A random event, and then everything that is due. */
  async step(): Promise<void> {
    const { random } = this;
    const client = this.clients[random.below(this.clients.length)];
    const event = random.next();
    if (event < 0.06) this.#start();
    else if (event < 0.1 && client !== undefined) this.#crash(client);
    else if (event < 0.13 && client !== undefined) this.#leave(client);
    else if (event < 0.17 && client !== undefined) this.#beSilent(client);
    else if (event < 0.19 && client?.isWaiting === true) this.#loseConnection(client);
    else if (event < 0.2) this.#isDiskFull = !this.#isDiskFull;
    else if (event < 0.205) await this.#restart();
    else if (event < 0.215) await this.#standStill();
    else this.clock.advance(random.pick([1, 10, 100, 500, 1_000, 2_500]));
    await this.#run();
  }

  /** Everyone behaves until the group has settled. */
  async calmDown(): Promise<void> {
    this.#isDiskFull = false;
    if (this.clients.length === 0) this.#start();
    for (const client of this.clients) client.silentUntil = 0;
    for (let i = 0; i < 200; i++) {
      this.clock.advance(500);
      await this.#run();
    }
    const { state, generation, memberCount } = this.group;
    this.check(state === "Stable", "the group did not settle");
    this.check(memberCount === this.clients.length, "someone is missing, or too much");
    for (const client of this.clients) {
      const isIn = client.state === "member" && client.generation === generation;
      this.check(isIn, `${client.name} is not in the generation`);
    }
    const owned = this.clients.flatMap(({ partitions }) => partitions);
    const all = Array.from({ length: PARTITIONS }, (_, partition) => partition);
    this.check(String(owned.toSorted()) === String(all), `owned are ${owned}`);
    this.settledGenerations = generation;
  }

  #open(): ClassicGroup {
    this.#memory = new GroupMemory();
    const context = {
      clock: this.clock,
      initialRebalanceDelayMs: this.random.pick([0, 50, 3_000]),
      membersMax: 100,
      newMemberId: (name: string) => `${name}-${++this.#ids}`,
      store: async (_: string, record: GroupRecord) => {
        await new Promise<void>((resolve) => this.#writes.push(resolve));
        if (this.#isDiskFull) throw new RustLogError("DISK_FULL", "no space");
        this.#stored = record;
      },
      memory: this.#memory,
      pending: new PendingMembers(this.clock),
      observer: observerOf([]),
      emptied: () => {},
    };
    return new ClassicGroup("g", context, this.#stored);
  }

  async #run(): Promise<void> {
    this.check(this.#memory.bytes >= 0, "more memory was given back than taken");
    if (this.random.chance(0.7)) await this.#completeWrites();
    // In a random order.
    const first = this.random.below(this.clients.length);
    for (const client of [...this.clients.slice(first), ...this.clients.slice(0, first)]) {
      const now = this.clock.now();
      if (now < client.silentUntil || now < client.next) continue;
      if (client.state === "out") this.#join(client);
      else if (client.state === "joined") this.#sync(client);
      else if (client.state === "member") this.#beat(client);
    }
    this.#checkFenced();
  }

  async #completeWrites(): Promise<void> {
    for (const write of this.#writes.splice(0)) write();
    await settle();
  }

  #checkFenced(): void {
    const old = this.clients
      .map((client) => ({ ...client.identity, generation: client.generation - 1 }))
      .filter(({ generation }) => generation > 0 && generation !== this.group.generation);
    // Without a generation, a commit is not one of a member.
    for (const member of [...this.#fenced.filter((each) => each.generation > 0), ...old]) {
      const error = errorOf(() => this.group.checkCommit(member));
      this.check(error !== undefined, `${member.memberId} can commit in ${member.generation}`);
    }
  }

  #start(): void {
    if (this.clients.length >= CLIENTS_MAX) return;
    const name = `c${this.#ids}`;
    const instanceId = this.random.chance(0.4) ? this.random.pick(["i1", "i2"]) : null;
    if (instanceId !== null && this.clients.some((each) => each.instanceId === instanceId)) return;
    this.clients.push(new Client(name, instanceId));
    this.note(`${name} starts, ${instanceId ?? "dynamic"}`);
  }

  #stop(client: Client): void {
    client.request = -1;
    this.clients = this.clients.filter((each) => each !== client);
  }

  #crash(client: Client): void {
    this.note(`${client.name} crashes`);
    // Or its machine is gone, which the broker does not notice.
    if (this.random.chance(0.7)) client.abandon?.();
    this.#stop(client);
  }

  #leave(client: Client): void {
    if (client.isWaiting || client.memberId === "") return;
    const [error] = this.group.leave([client.identity]);
    this.note(`${client.name} leaves: ${error?.code ?? "ok"}`);
    this.#fenced.push(client.identity);
    this.#stop(client);
  }

  #beSilent(client: Client): void {
    const ms = this.random.pick([1_000, 9_000, 15_000, 40_000]);
    this.note(`${client.name} is silent for ${ms}`);
    client.silentUntil = this.clock.now() + ms;
    client.isPunctual = false;
  }

  #loseConnection(client: Client): void {
    this.note(`${client.name} loses its connection`);
    client.abandon?.();
    client.request = -1;
    client.isPunctual = false;
    client.state = "out";
    client.next = this.clock.now() + 100;
  }

  /** The process is stopped; what clients sent meanwhile is read afterwards. */
  async #standStill(): Promise<void> {
    const ms = this.random.pick([5_000, 30_000, 100_000]);
    this.note(`nothing happens for ${ms}`);
    this.clock.jump(ms);
    for (let i = 0; i < 3; i++) await this.#run();
  }

  async #restart(): Promise<void> {
    if (this.random.chance(0.5)) await this.#completeWrites();
    this.note("the broker stops");
    this.group.close();
    this.#writes = [];
    this.group = this.#open();
    this.note("the broker starts");
    // Ids and departures that were not stored are forgotten.
    this.#fenced = [];
    for (const client of this.clients) {
      client.isPunctual = false;
      if (client.isWaiting || client.state === "joined") client.state = "out";
      client.request = -1;
      client.abandon = undefined;
    }
  }

  /** The answer reaches the client if it has sent nothing else. */
  #reached<T>(client: Client, take: (outcome: T) => void): (outcome: T) => void {
    const request = ++this.#ids;
    client.request = request;
    return (outcome) => {
      if (client.request !== request) return;
      client.abandon = undefined;
      client.next = this.clock.now();
      take(outcome);
    };
  }

  #join(client: Client): void {
    client.state = "joining";
    const abandon = this.group.join(
      {
        ...{ memberId: client.memberId, instanceId: client.instanceId, clientId: client.name },
        ...{ clientHost: "/::1", sessionTimeoutMs: SESSION_MS, rebalanceTimeoutMs: REBALANCE_MS },
        ...{ protocolType: "consumer", needsMemberId: true },
        maySkipAssignment: this.random.chance(0.5),
        protocols: [{ name: "range", metadata: encode(this.random.pick([1, 1, 1, 2])) }],
      },
      this.#reached(client, (outcome) => {
        client.state = "out";
        client.memberId = outcome.memberId;
        if ("error" in outcome) {
          this.#told(client, outcome.error);
          return;
        }
        client.state = "joined";
        client.isPunctual = this.clock.now() >= client.silentUntil;
        client.generation = outcome.generation;
        client.joined = outcome;
        client.next = this.clock.now() + this.random.pick([0, 0, 100, 2_000]);
        this.note(`${client.name} joined as ${client.memberId}`);
      }),
    );
    if (client.state === "joining") client.abandon = abandon;
  }

  #sync(client: Client): void {
    client.state = "syncing";
    const { memberId, leader = "", skipAssignment = false, members = [] } = client.joined ?? {};
    const leads = leader === memberId && !skipAssignment;
    const abandon = this.group.sync(
      {
        ...{ ...client.identity, protocolType: "consumer", protocol: "range" },
        assignments: leads
          ? assign(
              members.map((each) => each.memberId),
              this.random.below(3),
            )
          : [],
      },
      this.#reached(client, (outcome) => {
        client.state = "out";
        if (outcome instanceof RustLogError) {
          this.#told(client, outcome);
          return;
        }
        client.state = "member";
        client.next = this.clock.now() + HEARTBEAT_MS;
        this.#owns(client, decode(outcome.assignment));
      }),
    );
    if (client.state === "syncing") client.abandon = abandon;
  }

  #owns(client: Client, partitions: readonly number[]): void {
    client.partitions = partitions;
    this.note(`${client.name} has ${partitions.join(" ")}`);
    for (const partition of partitions) {
      const place = `${client.generation}/${partition}`;
      const owner = client.instanceId ?? client.memberId;
      const before = this.#owners.get(place) ?? owner;
      this.check(before === owner, `partition ${place} is owned by ${before} and ${owner}`);
      this.#owners.set(place, owner);
    }
  }

  #beat(client: Client): void {
    client.next = this.clock.now() + HEARTBEAT_MS;
    const error = errorOf(() => {
      if (this.random.chance(0.3)) this.group.checkCommit(client.identity);
      this.group.heartbeat(client.identity);
    });
    if (error !== undefined) this.#told(client, error);
  }

  #told(client: Client, { code }: RustLogError): void {
    this.note(`${client.name} is told ${code}`);
    client.state = "out";
    client.next = this.clock.now();
    switch (code) {
      case "MEMBER_ID_REQUIRED":
      case "REBALANCE_IN_PROGRESS":
        return;
      case "COORDINATOR_NOT_AVAILABLE":
        client.next += 200;
        return;
      case "ILLEGAL_GENERATION":
        this.check(!client.isPunctual, `${client.name} was left behind although it was in time`);
        return;
      case "UNKNOWN_MEMBER_ID":
      case "FENCED_INSTANCE_ID":
        this.check(!client.isPunctual, `${client.name} was expelled although it was in time`);
        if (client.memberId !== "") this.#fenced.push(client.identity);
        client.memberId = "";
        client.generation = -1;
        return;
      default:
        this.check(false, `${client.name} is told ${code}`);
    }
  }
}

function errorOf(call: () => void): RustLogError | undefined {
  try {
    call();
    return undefined;
  } catch (error) {
    if (error instanceof RustLogError) return error;
    throw error;
  }
}

/** Plays one life of a group. Resolves with the number of its generations, and rejects if a promise was broken. */
export async function playGroup(seed: number): Promise<number> {
  const model = new Model(seed);
  try {
    for (let part = 0; part < 2; part++) {
      for (let i = 0; i < STEPS; i++) await model.step();
      await model.calmDown();
    }
  } catch (error) {
    throw new Error(`seed ${seed}`, { cause: error });
  }
  return model.settledGenerations;
}
