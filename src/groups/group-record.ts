// Keys of the records of groups in the offsets topic, and the record of a classic group. The layouts are Kafka's
// GroupMetadataKey version 2 and GroupMetadataValue version 3, big-endian, so that Kafka's own tools can print them.
// Leaves to others: committed offsets (offset-record.ts), and keeping the records (group-record-table.ts).
//
//   key      version i16 = 2 | group string
//   value    version i16 = 3 | protocolType string | generation i32 | protocol nullable string | leader nullable string
//            | currentStateTimestamp i64 | members array
//   member   memberId string | groupInstanceId nullable string | clientId string | clientHost string
//            | rebalanceTimeout i32 | sessionTimeout i32 | subscription bytes | assignment bytes
//   string   length i16 | UTF-8, or length -1 for null          array, bytes   length i32 | items
//
// Every other key of Kafka's begins in the same way: a version that says what the record is, and the group.
import { RustLogError } from "../errors.js";
import {
  readI16,
  readI32,
  readI64,
  readU16,
  writeI32,
  writeI64,
  writeU16,
} from "../record/bytes.js";

/** Version of the keys of committed offsets, and below. */
export const OFFSET_KEY_VERSION_MAX = 1;

export const GROUP_KEY_VERSION = 2;
const GROUP_VALUE_VERSION = 3;

/** A member in the record of its group. */
export interface MemberRecord {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly rebalanceTimeoutMs: number;
  readonly sessionTimeoutMs: number;
  readonly metadata: Uint8Array;
  readonly assignment: Uint8Array;
}

/** A classic group as it is stored: in a settled generation, or without members. */
export interface GroupRecord {
  readonly protocolType: string;
  readonly generation: number;
  readonly protocol: string | null;
  readonly leader: string | null;
  /** When the group got into this state, in milliseconds since the epoch. */
  readonly currentStateTimestamp: number;
  readonly members: readonly MemberRecord[];
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The version of a key, which says what the record is; -1 if the key is too short. */
export function keyVersion(key: Uint8Array): number {
  return key.length < 2 ? -1 : readI16(key, 0);
}

/** The group that a record is about. Throws CORRUPT_MESSAGE. */
export function groupOfKey(key: Uint8Array): string {
  const fields = new Fields(key, "key");
  fields.i16();
  return fields.string();
}

/** The key of the record of a group: of a classic one, unless another version is stated. */
export function encodeGroupKey(group: string, version = GROUP_KEY_VERSION): Uint8Array {
  const name = encoder.encode(group);
  const bytes = new Uint8Array(4 + name.length);
  writeU16(bytes, 0, version);
  writeU16(bytes, 2, name.length);
  bytes.set(name, 4);
  return bytes;
}

export function encodeGroupRecord(record: GroupRecord): Uint8Array {
  const out = new FieldWriter(sizeBound(record));
  out.i16(GROUP_VALUE_VERSION);
  out.string(record.protocolType);
  out.i32(record.generation);
  out.string(record.protocol);
  out.string(record.leader);
  out.i64(record.currentStateTimestamp);
  out.i32(record.members.length);
  for (const member of record.members) {
    out.string(member.memberId);
    out.string(member.instanceId);
    out.string(member.clientId);
    out.string(member.clientHost);
    out.i32(member.rebalanceTimeoutMs);
    out.i32(member.sessionTimeoutMs);
    out.bytes(member.metadata);
    out.bytes(member.assignment);
  }
  return out.finish();
}

/** Reads a value. Throws CORRUPT_MESSAGE if it is malformed. Bytes of members are views of `bytes`. */
export function decodeGroupRecord(bytes: Uint8Array): GroupRecord {
  const fields = new Fields(bytes, "value");
  const version = fields.i16();
  if (version !== GROUP_VALUE_VERSION) {
    throw corrupt(`its value has version ${version}, and ${GROUP_VALUE_VERSION} is known`);
  }
  const head = {
    protocolType: fields.string(),
    generation: fields.i32(),
    protocol: fields.nullableString(),
    leader: fields.nullableString(),
    currentStateTimestamp: fields.i64(),
  };
  const members: MemberRecord[] = [];
  for (let left = fields.i32(); left > 0; left--) {
    members.push({
      memberId: fields.string(),
      instanceId: fields.nullableString(),
      clientId: fields.string(),
      clientHost: fields.string(),
      rebalanceTimeoutMs: fields.i32(),
      sessionTimeoutMs: fields.i32(),
      metadata: fields.bytes(),
      assignment: fields.bytes(),
    });
  }
  fields.expectEnd();
  return { ...head, members };
}

class Fields {
  readonly #bytes: Uint8Array;
  readonly #what: string;
  #at = 0;

  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = bytes;
    this.#what = what;
  }

  i16(): number {
    return readI16(this.#bytes, this.#skip(2));
  }

  i32(): number {
    return readI32(this.#bytes, this.#skip(4));
  }

  i64(): number {
    return readI64(this.#bytes, this.#skip(8));
  }

  string(): string {
    const text = this.nullableString();
    if (text === null) throw corrupt(`its ${this.#what} has null where there must be a text`);
    return text;
  }

  nullableString(): string | null {
    const length = readU16(this.#bytes, this.#skip(2));
    if (length === 0xffff) return null;
    const at = this.#skip(length);
    try {
      return decoder.decode(this.#bytes.subarray(at, at + length));
    } catch {
      throw corrupt(`its ${this.#what} has a text that is not UTF-8`);
    }
  }

  bytes(): Uint8Array {
    const length = this.i32();
    const at = this.#skip(length);
    return this.#bytes.subarray(at, at + length);
  }

  expectEnd(): void {
    const left = this.#bytes.length - this.#at;
    if (left > 0) throw corrupt(`its ${this.#what} has ${left} bytes after its last field`);
  }

  #skip(bytes: number): number {
    const at = this.#at;
    if (bytes < 0 || bytes > this.#bytes.length - at) {
      throw corrupt(`its ${this.#what} of ${this.#bytes.length} bytes is cut off`);
    }
    this.#at = at + bytes;
    return at;
  }
}

/** Bytes of a UTF-16 unit in UTF-8, at most. */
const UNIT_BYTES_MAX = 3;

/** Lengths and numbers of a member. */
const MEMBER_BYTES = 4 * 2 + 4 * 4;

function sizeBound({ protocolType, protocol, leader, members }: GroupRecord): number {
  let units = protocolType.length + (protocol ?? "").length + (leader ?? "").length;
  let bytes = 2 + 3 * 2 + 4 + 8 + 4;
  for (const { memberId, instanceId, clientId, clientHost, metadata, assignment } of members) {
    units += memberId.length + (instanceId ?? "").length + clientId.length + clientHost.length;
    bytes += MEMBER_BYTES + metadata.length + assignment.length;
  }
  return bytes + units * UNIT_BYTES_MAX;
}

class FieldWriter {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytesMax: number) {
    this.#bytes = new Uint8Array(bytesMax);
  }

  i16(value: number): void {
    writeU16(this.#bytes, this.#at, value);
    this.#at += 2;
  }

  i32(value: number): void {
    writeI32(this.#bytes, this.#at, value);
    this.#at += 4;
  }

  i64(value: number): void {
    writeI64(this.#bytes, this.#at, value);
    this.#at += 8;
  }

  string(text: string | null): void {
    if (text === null) {
      this.i16(-1);
      return;
    }
    const { written } = encoder.encodeInto(text, this.#bytes.subarray(this.#at + 2));
    this.i16(written);
    this.#at += written;
  }

  bytes(value: Uint8Array): void {
    this.i32(value.length);
    this.#bytes.set(value, this.#at);
    this.#at += value.length;
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#at);
  }
}

function corrupt(why: string): RustLogError {
  return new RustLogError("CORRUPT_MESSAGE", `not a record of a group: ${why}`);
}
