// A consumer group under random schedules: members of both protocols join, leave, crash, are slow, lose responses and change what they
// subscribe to; topics come, grow and go; the broker restarts, and stands still.
// Leaves to others: each behaviour alone (consumer-group.test.ts).
import { expect, test } from "bun:test";
import {
  ClassicTestMember,
  codeOf,
  ConsumerGroupTest,
  HEARTBEAT_MS,
  type ModelMember,
  REBALANCE_MS,
  SESSION_MS,
  TestMember,
} from "../support/consumer-group-test.js";
import { Random } from "../support/random.js";

const NAMES = ["a1", "a2", "b1", "b2"];
const STEPS = 120;

class Schedule {
  readonly #random: Random;
  readonly #test = new ConsumerGroupTest();
  readonly #members = new Set<ModelMember>();
  /** Members that were slow, and may have been removed for it. */
  readonly #late = new Set<ModelMember>();
  /** Epochs of members that are gone. */
  readonly #gone: { readonly memberId: string; readonly generation: number }[] = [];
  #ids = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
    this.#test.topics.set("a1", 3);
    this.#test.topics.set("b1", 2);
  }

  run(): void {
    for (let step = 0; step < STEPS; step++) {
      this.#step();
      this.#check();
      // It would be a classic group from now on.
      if (this.#test.group.isClassicOnly) return;
    }
    this.#settle();
  }

  #step(): void {
    const random = this.#random;
    const member = this.#members.size > 0 ? random.pick([...this.#members]) : undefined;
    switch (random.below(14)) {
      case 0:
      case 1:
        if (this.#members.size < 7) this.#join();
        return;
      case 2:
        if (member !== undefined && random.chance(0.5)) this.#leave(member);
        return;
      case 3:
        // A crash: nothing more is heard of it. A static member comes back.
        if (member === undefined) return;
        if (member.instanceId === null) this.#forget(member);
        return;
      case 4:
        if (member === undefined) return;
        member.isSlow = !member.isSlow;
        this.#late.add(member);
        return;
      case 5:
        if (member instanceof TestMember) member.subscribe(this.#names(), this.#pattern());
        return;
      case 6:
        this.#changeTopic();
        return;
      case 7:
        if (random.chance(0.3)) this.#test.restart();
        return;
      case 8:
        this.#test.clock.jump(random.below(3 * SESSION_MS));
        this.#beatAll();
        return;
      case 9:
      case 10:
        this.#pass(random.below(HEARTBEAT_MS));
        return;
      default:
        if (member !== undefined) this.#beat(member, random.chance(0.2));
    }
  }

  #join(): void {
    if (this.#test.group.memberCount > 0 && this.#random.chance(0.3)) {
      const isCooperative = this.#random.chance(0.5);
      const classic = new ClassicTestMember(
        this.#test,
        `c${this.#ids++}`,
        this.#names(),
        isCooperative,
      );
      this.#members.add(classic);
      this.#beat(classic, false);
      return;
    }
    const instanceId = this.#random.chance(0.3) ? `i${this.#ids}` : null;
    const subscription = { topicNames: this.#names(), pattern: this.#pattern() };
    const member = new TestMember(this.#test, `m${this.#ids++}`, subscription, instanceId);
    this.#members.add(member);
    this.#beat(member, false);
  }

  #forget(member: ModelMember): void {
    this.#members.delete(member);
    this.#gone.push({ memberId: member.id, generation: member.epoch });
  }

  #leave(member: ModelMember): void {
    if (!(member instanceof TestMember)) {
      this.#test.group.removeMember({ memberId: member.id, instanceId: null });
      this.#test.store();
      this.#forget(member);
      return;
    }
    const isStatic = member.instanceId !== null && this.#random.chance(0.7);
    member.leave(isStatic ? -2 : -1);
    if (isStatic) member.restart(`m${this.#ids++}`);
    else this.#forget(member);
  }

  /** A member that sends heartbeats on time is told something new, or nothing: it is never removed. */
  #beat(member: ModelMember, isLost: boolean): void {
    const isNew = member.epoch === 0;
    const code = member.beat(isLost);
    if (this.#late.has(member) && code !== "none") {
      expect(["UNKNOWN_MEMBER_ID", "FENCED_MEMBER_EPOCH"]).toContain(code);
      return;
    }
    if (!member.isSlow && !isLost) this.#late.delete(member);
    // A static member whose first response is lost, or which left without a word, is itself.
    if (!isNew) expect(code).toBe("none");
    else expect(["none", "UNRELEASED_INSTANCE_ID"]).toContain(code);
  }

  #beatAll(): void {
    for (const member of this.#members) this.#beat(member, false);
  }

  #pass(ms: number): void {
    this.#test.clock.advance(ms);
    this.#beatAll();
  }

  #changeTopic(): void {
    const { topics } = this.#test;
    const name = this.#random.pick(NAMES);
    const topic = topics.find(name);
    if (topic === undefined) topics.set(name, 1 + this.#random.below(5));
    else if (this.#random.chance(0.5)) topics.delete(name);
    else topics.set(name, topic.partitions.length + 1, topic.id);
    this.#test.changed(name);
  }

  #names(): string[] {
    return NAMES.filter(() => this.#random.chance(0.5));
  }

  #pattern(): string {
    return this.#random.chance(0.3) ? this.#random.pick(["a.*", ".*", "b.*"]) : "";
  }

  /** No partition is read by two members that the group knows. */
  #check(): void {
    const owners = new Map<string, string>();
    for (const { id, reads, epoch } of this.#members) {
      if (epoch <= 0 || this.#test.group.member(id) === undefined) continue;
      for (const partition of reads) {
        expect(`${partition} of ${owners.get(partition) ?? id}`).toBe(`${partition} of ${id}`);
        owners.set(partition, id);
      }
    }
    for (const { memberId, generation } of this.#gone) {
      if (this.#test.group.member(memberId) !== undefined) continue;
      const committing = { memberId, generation, instanceId: null };
      expect(codeOf(() => this.#test.group.checkCommit(committing))).toBe("UNKNOWN_MEMBER_ID");
    }
  }

  /** With time, every partition of a subscribed topic is read by a member that subscribes to it. */
  #settle(): void {
    for (const member of this.#members) member.isSlow = false;
    for (let ms = 0; ms < SESSION_MS + REBALANCE_MS; ms += HEARTBEAT_MS) {
      for (const member of this.#members) member.follow();
      this.#pass(HEARTBEAT_MS);
      this.#check();
      if (this.#test.group.isClassicOnly) return;
    }
    const { group, topics } = this.#test;
    expect(group.memberCount).toBe(this.#members.size);
    expect(group.state).toBe(this.#members.size === 0 ? "Empty" : "Stable");
    const wanted = new Set<string>();
    const read: string[] = [];
    for (const { topicNames, pattern, reads, id } of this.#members) {
      const names = new Set(pattern === "" ? [] : topics.topicsOf(pattern));
      for (const name of topicNames ?? []) names.add(name);
      const its = new Set<string>();
      for (const name of names) {
        const topic = topics.find(name);
        for (let i = 0; i < (topic?.partitions.length ?? 0); i++) its.add(`${topic!.id}/${i}`);
      }
      for (const each of its) wanted.add(each);
      expect([...reads].filter((each) => !its.has(each))).toEqual([]);
      read.push(...reads);
      const { epoch } = group.member(id)!.position;
      group.checkCommit({ memberId: id, generation: epoch, instanceId: null });
    }
    expect(read.toSorted()).toEqual([...wanted].toSorted());
    const before = this.#test.writes;
    this.#pass(HEARTBEAT_MS);
    expect(this.#test.writes).toBe(before);
  }
}

const seeds = Number(process.env.MODEL_SEEDS ?? 40);
const first = Number(process.env.MODEL_SEED ?? 1);

test(`${seeds} random schedules: one owner for each partition, and everyone on time stays`, () => {
  for (let seed = first; seed < first + seeds; seed++) {
    try {
      new Schedule(seed).run();
    } catch (error) {
      throw new Error(`seed ${seed}: ${String(error)}`, { cause: error });
    }
  }
});
