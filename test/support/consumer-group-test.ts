// A consumer group with topics, a clock and members that a test drives, and the records that it would have stored.
// Leaves to others: expectations.
import type { JoinRequest } from "../../src/groups/classic/classic-requests.js";
import { assignmentOf, listOf } from "../../src/groups/consumer/assignment.js";
import {
  ConsumerGroup,
  type ConsumerGroupContext,
} from "../../src/groups/consumer/consumer-group.js";
import type {
  HeartbeatRequest,
  HeartbeatResponse,
} from "../../src/groups/consumer/consumer-requests.js";
import type { GroupTopic } from "../../src/groups/consumer/group-subscriptions.js";
import {
  decodeConsumerGroup,
  encodeNotes,
} from "../../src/groups/consumer/consumer-group-record.js";
import {
  decodeAssignment,
  encodeAssignment,
  type NamedPartitions,
} from "../../src/groups/classic/consumer-protocol.js";
import { GroupMemory } from "../../src/groups/group-memory.js";
import { GroupRecordTable } from "../../src/groups/group-record-table.js";
import { RustLogError } from "../../src/errors.js";
import { observerOf } from "./group-observer.js";
import { ManualClock } from "./manual-clock.js";

export const SESSION_MS = 45_000;
export const HEARTBEAT_MS = 5_000;
export const REBALANCE_MS = 60_000;

/** Topics that a test creates, and what subscribes to them. */
export class TestTopics {
  readonly #byName = new Map<string, GroupTopic>();
  readonly #byId = new Map<string, GroupTopic>();
  readonly users = new Map<string, ConsumerGroup>();
  #ids = 0;

  find(name: string): GroupTopic | undefined {
    return this.#byName.get(name);
  }

  byId(id: string): GroupTopic | undefined {
    return this.#byId.get(id);
  }

  get names(): string[] {
    return [...this.#byName.keys()];
  }

  set(name: string, partitions: number, id = this.#nextId()): GroupTopic {
    const topic = { id, name, partitions: { length: partitions } };
    this.#byName.set(name, topic);
    this.#byId.set(id, topic);
    return topic;
  }

  delete(name: string): void {
    const topic = this.#byName.get(name);
    this.#byName.delete(name);
    if (topic !== undefined) this.#byId.delete(topic.id);
  }

  /** The only kind of expression here: a prefix, and `.*`. */
  topicsOf(pattern: string): ReadonlySet<string> {
    return new Set(this.names.filter((name) => name.startsWith(pattern.slice(0, -2))));
  }

  use(pattern: string, user: ConsumerGroup): void {
    this.users.set(pattern, user);
  }

  unuse(pattern: string): void {
    this.users.delete(pattern);
  }

  #nextId(): string {
    return `00000000-0000-4000-8000-${String(++this.#ids).padStart(12, "0")}`;
  }
}

export class ConsumerGroupTest {
  readonly clock = new ManualClock();
  readonly topics = new TestTopics();
  readonly subscribed = new Set<string>();
  readonly stored = new GroupRecordTable();
  readonly memory = new GroupMemory(100_000);
  members = 0;
  /** What the observer was told. */
  readonly events: string[] = [];
  /** Records written until now. */
  writes = 0;
  group: ConsumerGroup;
  readonly #context: ConsumerGroupContext;

  constructor(membersMax = 100) {
    this.#context = {
      topics: this.topics,
      patterns: this.topics,
      clock: this.clock,
      sessionTimeoutMs: SESSION_MS,
      heartbeatIntervalMs: () => HEARTBEAT_MS,
      membersMax,
      memory: this.memory,
      observer: observerOf(this.events),
      onNoMemory: () => this.events.push("no memory"),
      onMembers: (members) => {
        this.members += members;
      },
      onChange: () => this.store(),
      onSubscribed: (_, topic, isSubscribed) => {
        if (isSubscribed) this.subscribed.add(topic);
        else this.subscribed.delete(topic);
      },
    };
    this.group = new ConsumerGroup("g", this.#context);
  }

  /** Lets other groups take all memory but this. */
  leaveMemory(bytes: number): void {
    this.memory.add(this.memory.left - bytes);
  }

  heartbeat(request: Partial<HeartbeatRequest>): HeartbeatResponse {
    const response = this.group.heartbeat({
      ...{ memberId: "", memberEpoch: 0, instanceId: null, rackId: null, rebalanceTimeoutMs: -1 },
      ...{ topicNames: null, pattern: null, assignor: null, owned: null },
      ...{ clientId: "client", clientHost: "/127.0.0.1" },
      ...request,
    });
    this.store();
    return response;
  }

  join(memberId: string, request: Partial<HeartbeatRequest> = {}): HeartbeatResponse {
    const topicNames = request.pattern === undefined ? this.topics.names : [];
    return this.heartbeat({
      ...{ memberId, rebalanceTimeoutMs: REBALANCE_MS, topicNames, owned: [] },
      ...request,
    });
  }

  /** JoinGroup of a member of the classic protocol, which reads `owned` of the topic `t`. */
  joinClassic(memberId: string, owned: readonly number[] = [], more: Partial<JoinRequest> = {}) {
    const result = this.group.joinClassic(
      {
        ...{
          memberId,
          instanceId: null,
          sessionTimeoutMs: 10_000,
          rebalanceTimeoutMs: REBALANCE_MS,
        },
        ...{ clientId: "classic", clientHost: "/127.0.0.1", protocolType: "consumer" },
        protocols: [
          {
            name: "range",
            metadata: subscriptionBytes(
              ["t"],
              owned.length === 0 ? [] : [{ topic: "t", partitions: owned }],
            ),
          },
        ],
        ...{ needsMemberId: false, maySkipAssignment: true },
        ...more,
      },
      memberId,
    );
    this.store();
    return result;
  }

  /** SyncGroup: the partitions of the topic `t`. */
  syncClassic(memberId: string, generation: number): readonly number[] {
    const request = { memberId, generation, instanceId: null, protocolType: null, protocol: null };
    const { assignment } = this.group.syncClassic({ ...request, assignments: [] });
    return decodeAssignment(assignment).flatMap(({ partitions }) => partitions);
  }

  /** SyncGroup: all partitions, as `topicId/partition`. */
  syncedPartitions(memberId: string, generation: number): string[] {
    const request = { memberId, generation, instanceId: null, protocolType: null, protocol: null };
    const { assignment } = this.group.syncClassic({ ...request, assignments: [] });
    return decodeAssignment(assignment).flatMap(({ topic, partitions }) =>
      partitions.map((partition) => `${this.topics.find(topic)!.id}/${partition}`),
    );
  }

  heartbeatClassic(memberId: string, generation: number): string {
    return codeOf(() => this.group.heartbeatClassic({ memberId, generation, instanceId: null }));
  }

  codeOf(request: Partial<HeartbeatRequest>): string {
    return codeOf(() => this.heartbeat(request));
  }

  /** Tells the group about a topic, as the coordinator would. */
  changed(name: string): void {
    if (this.subscribed.has(name)) this.group.topicChanged();
    for (const user of new Set(this.topics.users.values())) user.topicChanged();
  }

  store(): void {
    for (const record of encodeNotes(this.group, this.group.takeNotes(), this.clock.time())) {
      this.stored.apply(record);
      this.writes++;
    }
  }

  /** Stops the group, and restores it from its records. */
  restart(): void {
    this.group.close();
    this.subscribed.clear();
    const stored = decodeConsumerGroup(this.stored.of("g"), (error) => {
      throw error;
    });
    this.group =
      stored === undefined
        ? new ConsumerGroup("g", this.#context)
        : ConsumerGroup.restore("g", this.#context, stored);
    this.store();
  }
}

/** A ConsumerProtocolSubscription of version 1. */
export function subscriptionBytes(
  topics: readonly string[],
  owned: readonly NamedPartitions[],
): Uint8Array {
  // Its last field is laid out as in an assignment.
  const tail = encodeAssignment(1, owned);
  const head: number[] = [0, 1, 0, 0, 0, topics.length];
  for (const topic of topics) head.push(0, topic.length, ...new TextEncoder().encode(topic));
  head.push(0xff, 0xff, 0xff, 0xff);
  return new Uint8Array([...head, ...tail.subarray(2, tail.length - 4)]);
}

export function codeOf(work: () => unknown): string {
  try {
    work();
    return "none";
  } catch (error) {
    if (error instanceof RustLogError) return error.code;
    throw error;
  }
}

/** What the model asks of a client of either protocol. */
export interface ModelMember {
  readonly id: string;
  readonly epoch: number;
  readonly reads: ReadonlySet<string>;
  readonly instanceId: string | null;
  topicNames: readonly string[] | null;
  readonly pattern: string;
  isSlow: boolean;
  beat(isLost?: boolean): string;
  follow(): boolean;
}

/** A client of the classic protocol: it joins again when it is told to, and reads what SyncGroup says. */
export class ClassicTestMember implements ModelMember {
  readonly #test: ConsumerGroupTest;
  readonly id: string;
  readonly instanceId = null;
  readonly pattern = "";
  /** Whether it keeps what it reads while it joins again. */
  readonly #isCooperative: boolean;
  topicNames: readonly string[];
  epoch = 0;
  readonly reads = new Set<string>();
  isSlow = false;

  constructor(
    test: ConsumerGroupTest,
    id: string,
    topicNames: readonly string[],
    isCooperative: boolean,
  ) {
    this.#test = test;
    this.id = id;
    this.topicNames = topicNames;
    this.#isCooperative = isCooperative;
  }

  beat(isLost = false): string {
    if (this.epoch === 0) return this.#rejoin();
    const code = this.#test.heartbeatClassic(this.id, this.epoch);
    if (isLost || this.isSlow || code === "none") return isLost || this.isSlow ? "none" : code;
    if (code === "REBALANCE_IN_PROGRESS") return this.#rejoin();
    this.epoch = 0;
    this.reads.clear();
    return code;
  }

  follow(): boolean {
    return false;
  }

  /** Joins, asks for its assignment, and gives up what is not in it; then it joins again. */
  #rejoin(): string {
    if (!this.#isCooperative) this.reads.clear();
    for (let i = 0; i < 5; i++) {
      const owned = [...this.reads].flatMap((each) => {
        const [topicId = "", partition] = each.split("/");
        const topic = this.#test.topics.byId(topicId)?.name;
        return topic === undefined ? [] : [{ topic, partitions: [Number(partition)] }];
      });
      const metadata = subscriptionBytes(this.topicNames, owned);
      const protocols = [{ name: "range", metadata }];
      const { generation } = this.#test.joinClassic(this.id, [], { protocols });
      this.epoch = generation;
      let assigned: readonly string[] = [];
      const code = codeOf(() => {
        assigned = this.#test.syncedPartitions(this.id, generation);
      });
      if (code === "REBALANCE_IN_PROGRESS") continue;
      if (code !== "none") return code;
      const mustGiveUp = [...this.reads].some((each) => !assigned.includes(each));
      this.reads.clear();
      for (const each of assigned) this.reads.add(each);
      if (!mustGiveUp) return "none";
    }
    return "none";
  }
}

/** A client: it reads what it was assigned, gives up what it must, and says so. */
export class TestMember implements ModelMember {
  readonly #test: ConsumerGroupTest;
  id: string;
  readonly instanceId: string | null;
  topicNames: readonly string[] | null;
  pattern: string;
  epoch = 0;
  /** What it reads, as `topicId-partition`. */
  readonly reads = new Set<string>();
  /** What it should read. */
  #assigned: readonly string[] = [];
  #mustSayAll = true;
  /** Whether it does not give up what it must. */
  isSlow = false;
  isFenced = false;

  constructor(
    test: ConsumerGroupTest,
    id: string,
    subscription: { readonly topicNames?: readonly string[]; readonly pattern?: string },
    instanceId: string | null = null,
  ) {
    this.#test = test;
    this.id = id;
    this.instanceId = instanceId;
    this.topicNames = subscription.topicNames ?? [];
    this.pattern = subscription.pattern ?? "";
  }

  subscribe(topicNames: readonly string[], pattern: string): void {
    this.topicNames = topicNames;
    this.pattern = pattern;
    this.#mustSayAll = true;
  }

  /** Sends a heartbeat; `isLost` if the response does not arrive. Returns the error, or `none`. */
  beat(isLost = false): string {
    const isJoining = this.epoch === 0;
    const all = isJoining || this.#mustSayAll;
    let response: HeartbeatResponse | undefined;
    const code = codeOf(() => {
      response = this.#test.heartbeat({
        memberId: this.id,
        memberEpoch: this.epoch,
        instanceId: this.instanceId,
        rebalanceTimeoutMs: all ? REBALANCE_MS : -1,
        topicNames: all ? this.topicNames : null,
        pattern: all ? this.pattern : null,
        owned: isJoining ? [] : listOf(assignmentOf(namesToList([...this.reads]))),
      });
    });
    if (isLost) {
      this.#mustSayAll = true;
      return code;
    }
    if (response === undefined) {
      this.reads.clear();
      this.epoch = 0;
      this.isFenced = code === "FENCED_INSTANCE_ID";
      return code;
    }
    this.#mustSayAll = false;
    this.epoch = response.memberEpoch;
    if (response.assignment !== undefined) {
      this.#assigned = response.assignment.flatMap(({ topicId, partitions }) =>
        partitions.map((partition) => `${topicId}/${partition}`),
      );
    }
    return this.follow() ? this.beat() : code;
  }

  /** Gives up, and takes over, what the last assignment says. Returns whether it gave something up. */
  follow(): boolean {
    const assigned = new Set(this.#assigned);
    const mustGiveUp = [...this.reads].some((each) => !assigned.has(each));
    if (this.isSlow && mustGiveUp) return false;
    for (const each of this.reads) if (!assigned.has(each)) this.reads.delete(each);
    for (const each of assigned) this.reads.add(each);
    return mustGiveUp;
  }

  leave(epoch: -1 | -2): string {
    const { id: memberId, instanceId } = this;
    this.reads.clear();
    this.epoch = 0;
    return this.#test.codeOf({ memberId, memberEpoch: epoch, instanceId });
  }

  restart(id: string): void {
    this.id = id;
    this.epoch = 0;
    this.reads.clear();
    this.#assigned = [];
    this.#mustSayAll = true;
  }
}

function namesToList(names: readonly string[]): { topicId: string; partitions: number[] }[] {
  return names.map((name) => {
    const [topicId = "", partition = ""] = name.split("/");
    return { topicId, partitions: [Number(partition)] };
  });
}
