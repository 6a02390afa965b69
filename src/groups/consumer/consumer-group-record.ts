// The records of a consumer group in the offsets topic. The layouts are Kafka's, version 0 of each value, big-endian, so
// that Kafka's own tools can print them. Keys are in the older format of strings, values in the compact one.
// Leaves to others: keeping the records (group-record-table.ts), and the group itself (consumer-group.ts).
//
//   key 3   group                 ConsumerGroupMetadata: groupEpoch i32
//   key 5   group, member         ConsumerGroupMemberMetadata: instanceId? | rackId? | clientId | clientHost
//                                 | subscribedTopicNames [] | subscribedTopicRegex? | rebalanceTimeoutMs i32 | assignor?
//                                 | tag 0, of a member of the classic protocol: sessionTimeoutMs i32 | protocols []: name, metadata bytes
//   key 6   group                 ConsumerGroupTargetAssignmentMetadata: assignmentEpoch i32
//   key 7   group, member         ConsumerGroupTargetAssignmentMember: partitions
//   key 8   group, member         ConsumerGroupCurrentMemberAssignment: memberEpoch i32 | previousMemberEpoch i32
//                                 | state i8 | assigned partitions | partitions to revoke
//   key 16  group, expression     ConsumerGroupRegularExpression: topics [] | version i64 | timestamp i64
//   key     version i16 | strings, each: length i16 | UTF-8
//   value   version i16 = 0 | fields | tagged fields
//   string  uvarint length + 1 | UTF-8, or 0 for null (?)            array  uvarint length + 1 | items
//   partitions  array of: topicId uuid | array of i32 | tagged fields
//
// Kafka's key 4 (partition metadata) is deprecated, and not written. The record of an expression is only for those who read
// the topic: the broker evaluates every expression again at its start.
import { RustLogError } from "../../errors.js";
import {
  readI16,
  readI32,
  readU16,
  readUuid,
  UUID_BYTES,
  writeI32,
  writeI64,
  writeU16,
  writeUuid,
} from "../../record/bytes.js";
import type { ClassicMembership, Protocol } from "../classic/classic-requests.js";
import type { GroupRecordChange } from "../group-record-table.js";
import { type Assignment, assignmentOf, type TopicPartitions } from "./assignment.js";
import type { ConsumerGroup } from "./consumer-group.js";
import { MEMBER_STATE, type MemberState, type Position } from "./consumer-member.js";
import type { StoredGroup, StoredMember } from "./consumer-requests.js";
import { NOTED, type Notes } from "./group-notes.js";

const KEY = {
  GROUP: 3,
  MEMBER: 5,
  TARGET: 6,
  TARGET_MEMBER: 7,
  CURRENT_MEMBER: 8,
  EXPRESSION: 16,
} as const;

const CONSUMER_KEYS: ReadonlySet<number> = new Set([...Object.values(KEY), 4]);

const MEMBER_KEYS: ReadonlySet<number> = new Set([
  KEY.MEMBER,
  KEY.TARGET_MEMBER,
  KEY.CURRENT_MEMBER,
]);

/** Whether a record with this version of its key belongs to a consumer group. */
export function isConsumerGroupKey(version: number): boolean {
  return CONSUMER_KEYS.has(version);
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The records for what a group has noted. */
export function encodeNotes(
  group: ConsumerGroup,
  { groupEpoch, assignmentEpoch, members, patterns }: Notes,
  timeMs: number,
): GroupRecordChange[] {
  const { name } = group;
  const records: GroupRecordChange[] = [];
  for (const [id, what] of members) {
    const member = group.member(id);
    if (member === undefined) {
      for (const key of [KEY.CURRENT_MEMBER, KEY.TARGET_MEMBER, KEY.MEMBER]) {
        records.push([keyOf(key, name, id), null]);
      }
      continue;
    }
    if ((what & NOTED.METADATA) !== 0) {
      const value = new Values();
      value.nullable(member.instanceId);
      value.nullable(member.rackId);
      value.string(member.clientId);
      value.string(member.clientHost);
      value.strings([...member.subscription.names]);
      value.nullable(member.subscription.pattern);
      value.i32(member.rebalanceTimeoutMs);
      value.nullable(member.assignor);
      records.push([keyOf(KEY.MEMBER, name, id), value.finishMember(member.classic)]);
    }
    if ((what & NOTED.TARGET) !== 0) {
      const value = new Values();
      value.partitions(member.target);
      records.push([keyOf(KEY.TARGET_MEMBER, name, id), value.finish()]);
    }
    if ((what & NOTED.CURRENT) !== 0) {
      const { position } = member;
      const value = new Values();
      value.i32(position.epoch);
      value.i32(position.previousEpoch);
      value.i8(position.state);
      value.partitions(position.assigned);
      value.partitions(position.revoking);
      records.push([keyOf(KEY.CURRENT_MEMBER, name, id), value.finish()]);
    }
  }
  for (const pattern of patterns) {
    const key = keyOf(KEY.EXPRESSION, name, pattern);
    if (!group.usesPattern(pattern)) {
      records.push([key, null]);
      continue;
    }
    const value = new Values();
    value.strings(group.matches(pattern));
    value.i64(0);
    value.i64(timeMs);
    records.push([key, value.finish()]);
  }
  if (groupEpoch) records.push([keyOf(KEY.GROUP, name), epochValue(group.groupEpoch)]);
  if (assignmentEpoch) records.push([keyOf(KEY.TARGET, name), epochValue(group.assignmentEpoch)]);
  return records;
}

function epochValue(epoch: number): Uint8Array {
  const value = new Values();
  value.i32(epoch);
  return value.finish();
}

type MemberParts = { -readonly [Name in keyof StoredMember]?: StoredMember[Name] };

/**
 * A consumer group from its records, of which some may be missing: a member without the records that describe it is left
 * out. Undefined if none of the records is one of a consumer group. Malformed records are reported, and left out.
 */
export function decodeConsumerGroup(
  records: Iterable<readonly [key: Uint8Array, value: Uint8Array]>,
  reportCorrupt: (error: RustLogError) => void,
): StoredGroup | undefined {
  let groupEpoch: number | undefined;
  let assignmentEpoch = 0;
  const members = new Map<string, MemberParts>();
  for (const [key, value] of records) {
    const kind = readI16(key, 0);
    if (!CONSUMER_KEYS.has(kind)) continue;
    groupEpoch ??= 0;
    try {
      if (kind === KEY.GROUP) groupEpoch = Math.max(groupEpoch, new Fields(value).i32());
      else if (kind === KEY.TARGET) assignmentEpoch = new Fields(value).i32();
      else if (MEMBER_KEYS.has(kind)) {
        const id = secondOfKey(key);
        const member = members.get(id) ?? { id };
        readPart(member, kind, new Fields(value));
        members.set(id, member);
      }
    } catch (error) {
      if (!(error instanceof RustLogError)) throw error;
      reportCorrupt(error);
    }
  }
  if (groupEpoch === undefined) return undefined;
  const complete: StoredMember[] = [];
  for (const { clientId, target = new Map(), position, ...rest } of members.values()) {
    if (clientId === undefined || position === undefined) continue;
    complete.push({ ...(rest as StoredMember), clientId, target, position });
    groupEpoch = Math.max(groupEpoch, position.epoch);
  }
  assignmentEpoch = Math.max(assignmentEpoch, ...complete.map(({ position }) => position.epoch));
  return { groupEpoch: Math.max(groupEpoch, assignmentEpoch), assignmentEpoch, members: complete };
}

function readPart(member: MemberParts, kind: number, fields: Fields): void {
  if (kind === KEY.MEMBER) Object.assign(member, readMember(fields));
  else if (kind === KEY.TARGET_MEMBER) member.target = fields.partitions();
  else member.position = readPosition(fields);
}

function readMember(fields: Fields): MemberParts {
  const identity = {
    instanceId: fields.nullable(),
    rackId: fields.nullable(),
    clientId: fields.string(),
    clientHost: fields.string(),
    topicNames: fields.strings(),
    pattern: fields.nullable() ?? "",
    rebalanceTimeoutMs: fields.i32(),
    assignor: fields.nullable(),
  };
  return { ...identity, classic: fields.classic() };
}

function readPosition(fields: Fields): Position {
  const epoch = fields.i32();
  const previousEpoch = fields.i32();
  const state = fields.i8();
  if (!isMemberState(state)) throw corrupt(`member state ${state} is unknown`);
  return {
    state,
    epoch,
    previousEpoch,
    assigned: fields.partitions(),
    revoking: fields.partitions(),
  };
}

function isMemberState(state: number): state is MemberState {
  return Object.values<number>(MEMBER_STATE).includes(state);
}

/** The key of the record that every consumer group has. */
export function consumerGroupKey(group: string): Uint8Array {
  return keyOf(KEY.GROUP, group);
}

function keyOf(version: number, group: string, second?: string): Uint8Array {
  const parts = [group, ...(second === undefined ? [] : [second])].map((part) =>
    encoder.encode(part),
  );
  let length = 2;
  for (const part of parts) length += 2 + part.length;
  const bytes = new Uint8Array(length);
  writeU16(bytes, 0, version);
  let at = 2;
  for (const part of parts) {
    writeU16(bytes, at, part.length);
    bytes.set(part, at + 2);
    at += 2 + part.length;
  }
  return bytes;
}

/** The member or the expression in a key. */
function secondOfKey(key: Uint8Array): string {
  const at = key.length < 4 ? 0 : 4 + readU16(key, 2);
  if (at === 0 || key.length < at + 2 || key.length < at + 2 + readU16(key, at)) {
    throw corrupt(`its key of ${key.length} bytes is cut off`);
  }
  return textOf(key.subarray(at + 2, at + 2 + readU16(key, at)));
}

function textOf(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw corrupt("it has a text that is not UTF-8");
  }
}

const VALUE_VERSION = 0;
const TAG_CLASSIC = 0;

/** A value as it is written. */
class Values {
  #bytes = new Uint8Array(128);
  #at = 0;

  constructor() {
    writeU16(this.#bytes, this.#take(2), VALUE_VERSION);
  }

  i8(value: number): void {
    const at = this.#take(1);
    this.#bytes[at] = value;
  }

  i32(value: number): void {
    const at = this.#take(4);
    writeI32(this.#bytes, at, value);
  }

  i64(value: number): void {
    const at = this.#take(8);
    writeI64(this.#bytes, at, value);
  }

  string(text: string): void {
    const bytes = encoder.encode(text);
    this.#uvarint(bytes.length + 1);
    const at = this.#take(bytes.length);
    this.#bytes.set(bytes, at);
  }

  nullable(text: string | null): void {
    if (text === null) this.#uvarint(0);
    else this.string(text);
  }

  strings(texts: readonly string[]): void {
    this.#uvarint(texts.length + 1);
    for (const text of texts) this.string(text);
  }

  partitions(assignment: Assignment): void {
    this.#uvarint(assignment.size + 1);
    for (const [topicId, partitions] of assignment) {
      const at = this.#take(UUID_BYTES);
      writeUuid(this.#bytes, at, topicId);
      this.#uvarint(partitions.length + 1);
      for (const partition of partitions) this.i32(partition);
      this.#uvarint(0); // No tagged fields.
    }
  }

  /** Ends the value of a member. */
  finishMember(classic: ClassicMembership | undefined): Uint8Array {
    if (classic === undefined) return this.finish();
    const tagged = new Values();
    tagged.i32(classic.sessionTimeoutMs);
    tagged.#uvarint(classic.protocols.length + 1);
    for (const { name, metadata } of classic.protocols) {
      tagged.string(name);
      tagged.#uvarint(metadata.length + 1);
      tagged.#append(metadata);
      tagged.#uvarint(0); // No tagged fields.
    }
    const bytes = tagged.finish().subarray(2); // Without a version.
    this.#uvarint(1);
    this.#uvarint(TAG_CLASSIC);
    this.#uvarint(bytes.length);
    this.#append(bytes);
    return this.#bytes.slice(0, this.#at);
  }

  finish(): Uint8Array {
    this.#uvarint(0); // No tagged fields.
    return this.#bytes.slice(0, this.#at);
  }

  #append(bytes: Uint8Array): void {
    const at = this.#take(bytes.length);
    this.#bytes.set(bytes, at);
  }

  #uvarint(value: number): void {
    let left = value;
    for (; left >= 0x80; left = Math.floor(left / 128)) this.i8((left % 128) + 0x80);
    this.i8(left);
  }

  #take(bytes: number): number {
    const at = this.#at;
    this.#at += bytes;
    if (this.#at > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(2 * this.#bytes.length, this.#at));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    return at;
  }
}

/** A value as it is read. Fields that a later release adds are tagged, and not read. */
class Fields {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    const version = readI16(bytes, this.#take(2));
    if (version !== VALUE_VERSION)
      throw corrupt(`its value has version ${version}, and 0 is known`);
  }

  i8(): number {
    return this.#bytes[this.#take(1)]!;
  }

  i32(): number {
    return readI32(this.#bytes, this.#take(4));
  }

  string(): string {
    const text = this.nullable();
    if (text === null) throw corrupt("its value has null where there must be a text");
    return text;
  }

  nullable(): string | null {
    const length = this.#uvarint() - 1;
    if (length < 0) return null;
    const at = this.#take(length);
    return textOf(this.#bytes.subarray(at, at + length));
  }

  strings(): string[] {
    const texts: string[] = [];
    for (let left = this.#uvarint() - 1; left > 0; left--) texts.push(this.string());
    return texts;
  }

  partitions(): Assignment {
    const list: TopicPartitions[] = [];
    for (let left = this.#uvarint() - 1; left > 0; left--) {
      const topicId = readUuid(this.#bytes, this.#take(UUID_BYTES));
      const partitions: number[] = [];
      for (let more = this.#uvarint() - 1; more > 0; more--) partitions.push(this.i32());
      this.#skipTags();
      list.push({ topicId, partitions });
    }
    return assignmentOf(list);
  }

  /** The tagged field of a member of the classic protocol. */
  classic(): ClassicMembership | undefined {
    let classic: ClassicMembership | undefined;
    for (let left = this.#uvarint(); left > 0; left--) {
      const tag = this.#uvarint();
      const end = this.#uvarint() + this.#at;
      if (tag === TAG_CLASSIC) {
        const sessionTimeoutMs = this.i32();
        const protocols: Protocol[] = [];
        for (let more = this.#uvarint() - 1; more > 0; more--) {
          const name = this.string();
          const length = this.#uvarint() - 1;
          const at = this.#take(length);
          protocols.push({ name, metadata: this.#bytes.slice(at, at + length) });
          this.#skipTags();
        }
        if (protocols.length > 0) classic = { sessionTimeoutMs, protocols };
      }
      this.#take(end - this.#at);
    }
    return classic;
  }

  #skipTags(): void {
    for (let left = this.#uvarint(); left > 0; left--) {
      this.#uvarint();
      this.#take(this.#uvarint());
    }
  }

  #uvarint(): number {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 28; scale *= 128) {
      const byte = this.i8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    throw corrupt("its value has a varint of more than 5 bytes");
  }

  #take(bytes: number): number {
    const at = this.#at;
    if (bytes < 0 || bytes > this.#bytes.length - at) {
      throw corrupt(`its value of ${this.#bytes.length} bytes is cut off`);
    }
    this.#at = at + bytes;
    return at;
  }
}

function corrupt(why: string): RustLogError {
  return new RustLogError("CORRUPT_MESSAGE", `not a record of a consumer group: ${why}`);
}
