// Key and value of a record of the offsets topic. The layouts are Kafka's OffsetCommitKey version 1 and OffsetCommitValue
// version 4, big-endian, so that Kafka's own tools can print them. Releases before topic ids wrote version 3 of the value.
// Leaves to others: the topic (offset-log.ts).
//
//   key      version i16 = 1 | group string | topic string | partition i32
//   value    version i16 = 4 | offset i64 | leaderEpoch i32 | metadata compact string | commitTimestamp i64 | tagged fields
//   tags     0 topicId uuid; 1000 (ours, no bytes) the offset was beyond the log when it was committed
//   string i16 length | UTF-8          compact string  uvarint length + 1 | UTF-8
//   tagged fields  uvarint count, then for each: uvarint tag | uvarint length | that many bytes
//
// Older values have strings instead of compact strings and no tagged fields; leaderEpoch since version 3; version 1 ends
// with an expireTimestamp i64, which is ignored.
import { RustLogError } from "../../errors.js";
import { GROUP_NAME_BYTES_MAX, TOPIC_NAME_LENGTH_MAX } from "../../limits.js";
import {
  NO_BYTES,
  readI32,
  readI64,
  readU16,
  readUuid,
  UUID_BYTES,
  writeI32,
  writeI64,
  writeU16,
  writeUuid,
} from "../../record/bytes.js";

const KEY_VERSION = 1;
const VALUE_VERSION = 4;
const VALUE_VERSION_EPOCH_SINCE = 3;
const VALUE_VERSION_EXPIRY = 1;
const OFFSET_AT = 2;
const LEADER_EPOCH_AT = OFFSET_AT + 8;
const METADATA_AT = LEADER_EPOCH_AT + 4;
const TAG_TOPIC_ID = 0;
/** Far above Kafka's, which count from 0. Its two bytes as a varint, and the length of the field, which is 0. */
const TAG_AHEAD = 1000;
const AHEAD_FIELD = [0xe8, 0x07, 0];
const TOPIC_ID_FIELD_BYTES = 1 + 1 + UUID_BYTES;
/** Latest time that a `Date` can hold. */
const TIMESTAMP_MAX = 8_640_000_000_000_000;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
/** Metadata is the client's: a commit is not lost because of it. */
const lenientDecoder = new TextDecoder("utf-8", { ignoreBOM: true });

export interface OffsetKey {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
}

export interface CommittedOffset {
  /** Offset of the next record that the group will read. */
  readonly offset: number;
  /** Time of the commit, in milliseconds since the epoch. */
  readonly commitTimestamp: number;
  /** Id of the topic that it was committed for. */
  readonly topicId: string;
  readonly details?: CommitDetails | undefined;
}

/** What many commits don't have. An object of its own, so that those commits need no memory for it. */
export interface CommitDetails {
  /** Epoch of the leader from which the record before the offset was read; -1 if it is not known. */
  readonly leaderEpoch: number;
  /** Text that the client stored with the offset; empty for none. */
  readonly metadata: string;
  /** Whether the offset was beyond the high watermark when it was committed. */
  readonly isAhead: boolean;
}

/** Those of a commit without any. */
export const NO_DETAILS: CommitDetails = { leaderEpoch: -1, metadata: "", isAhead: false };

/** Those of nearly every commit by a client of Kafka's protocol, shared. */
const ONLY_EPOCH_0: CommitDetails = { leaderEpoch: 0, metadata: "", isAhead: false };

/** The details of a commit; undefined if it has none, and shared where that is possible. */
export function detailsOf(
  leaderEpoch: number,
  metadata: string,
  isAhead: boolean,
): CommitDetails | undefined {
  if (metadata === "" && !isAhead) {
    if (leaderEpoch === NO_DETAILS.leaderEpoch) return undefined;
    if (leaderEpoch === ONLY_EPOCH_0.leaderEpoch) return ONLY_EPOCH_0;
  }
  return { leaderEpoch, metadata, isAhead };
}

/** A decoded value; a value of an older release has no topic id. */
interface OffsetValue {
  readonly offset: number;
  readonly commitTimestamp: number;
  readonly topicId: string | undefined;
  readonly details?: CommitDetails | undefined;
}

export function encodeOffsetKey(key: OffsetKey): Uint8Array {
  const group = encoder.encode(key.group);
  const topic = encoder.encode(key.topic);
  const bytes = new Uint8Array(2 + 2 + group.length + 2 + topic.length + 4);
  writeU16(bytes, 0, KEY_VERSION);
  writeU16(bytes, 2, group.length);
  bytes.set(group, 4);
  const at = 4 + group.length;
  writeU16(bytes, at, topic.length);
  bytes.set(topic, at + 2);
  writeI32(bytes, at + 2 + topic.length, key.partition);
  return bytes;
}

/**
 * Encodes keys and values of many records into memory that the next call overwrites. Consecutive records of one group and
 * topic share the bytes of the names, which makes a commit of 10,000 partitions ten times as fast.
 */
export class OffsetRecordWriter {
  #names: OffsetKey | undefined;
  #key: Uint8Array = new Uint8Array();
  /** Of the last value: the fields that need not be written again, and the bytes. */
  #topicId: string | undefined;
  #details: CommitDetails | undefined;
  #value: Uint8Array = new Uint8Array();
  #commitTimestampAt = 0;

  key(key: OffsetKey): Uint8Array {
    if (key.group === this.#names?.group && key.topic === this.#names.topic) {
      writeI32(this.#key, this.#key.length - 4, key.partition);
    } else {
      this.#names = key;
      this.#key = encodeOffsetKey(key);
    }
    return this.#key;
  }

  value(committed: CommittedOffset): Uint8Array {
    const { topicId, details } = committed;
    if (topicId === this.#topicId && details === this.#details) {
      writeI64(this.#value, OFFSET_AT, committed.offset);
      writeI64(this.#value, this.#commitTimestampAt, committed.commitTimestamp);
    } else {
      this.#topicId = topicId;
      this.#details = details;
      this.#value = encodeOffsetValue(committed);
      this.#commitTimestampAt = this.#value.length - tailBytes(details);
    }
    return this.#value;
  }
}

/** Reads a key. Throws CORRUPT_MESSAGE if it is malformed or contains an impossible name or partition. */
export function decodeOffsetKey(bytes: Uint8Array): OffsetKey {
  const groupBytes = bytes.length >= 4 ? readU16(bytes, 2) : 0;
  const topicAt = 4 + groupBytes;
  const topicBytes = bytes.length >= topicAt + 2 ? readU16(bytes, topicAt) : 0;
  const partitionAt = topicAt + 2 + topicBytes;
  if (bytes.length !== partitionAt + 4 || readU16(bytes, 0) !== KEY_VERSION) {
    throw corrupt("its key is not an OffsetCommitKey of version 1");
  }
  // The group with the empty name is Kafka's, for clients that never chose one.
  if (groupBytes > GROUP_NAME_BYTES_MAX) {
    throw corrupt(`its key has a group name of ${groupBytes} bytes`);
  }
  if (topicBytes < 1 || topicBytes > TOPIC_NAME_LENGTH_MAX) {
    throw corrupt(`its key has a topic name of ${topicBytes} bytes`);
  }
  const partition = readI32(bytes, partitionAt);
  if (partition < 0) throw corrupt(`its key has partition ${partition}`);
  return {
    group: decodeText(bytes.subarray(4, topicAt)),
    topic: decodeText(bytes.subarray(topicAt + 2, partitionAt)),
    partition,
  };
}

/** The value of a record of the offsets topic. A deleted offset has a null value (a tombstone). */
export function encodeOffsetValue(committed: CommittedOffset): Uint8Array {
  const { leaderEpoch, metadata, isAhead } = committed.details ?? NO_DETAILS;
  const text = metadata === "" ? NO_BYTES : encoder.encode(metadata);
  const textLength = uvarint(text.length + 1);
  const textAt = METADATA_AT + textLength.length;
  const commitTimestampAt = textAt + text.length;
  const bytes = new Uint8Array(commitTimestampAt + tailBytes(committed.details));
  writeU16(bytes, 0, VALUE_VERSION);
  writeI64(bytes, OFFSET_AT, committed.offset);
  writeI32(bytes, LEADER_EPOCH_AT, leaderEpoch);
  bytes.set(textLength, METADATA_AT);
  bytes.set(text, textAt);
  writeI64(bytes, commitTimestampAt, committed.commitTimestamp);
  const tagsAt = commitTimestampAt + 8;
  bytes[tagsAt] = isAhead ? 2 : 1;
  bytes[tagsAt + 1] = TAG_TOPIC_ID;
  bytes[tagsAt + 2] = UUID_BYTES;
  writeUuid(bytes, tagsAt + 3, committed.topicId);
  if (isAhead) bytes.set(AHEAD_FIELD, bytes.length - AHEAD_FIELD.length);
  return bytes;
}

function uvarint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest);
  return bytes;
}

/** Length of a value from its commit timestamp on. */
function tailBytes(details: CommitDetails | undefined): number {
  const aheadBytes = details?.isAhead === true ? AHEAD_FIELD.length : 0;
  return 8 + 1 + TOPIC_ID_FIELD_BYTES + aheadBytes;
}

/** Reads a value. Throws CORRUPT_MESSAGE if it is malformed or contains an impossible number. */
export function decodeOffsetValue(bytes: Uint8Array): OffsetValue {
  const fields = new ValueFields(bytes);
  const version = fields.u16();
  if (version > VALUE_VERSION) {
    throw corrupt(`its value has version ${version}, and 0 to ${VALUE_VERSION} are known`);
  }
  const offset = fields.i64();
  const leaderEpoch = version >= VALUE_VERSION_EPOCH_SINCE ? fields.i32() : NO_DETAILS.leaderEpoch;
  const metadata = fields.text(version === VALUE_VERSION ? fields.uvarint() - 1 : fields.u16());
  const commitTimestamp = fields.i64();
  if (version === VALUE_VERSION_EXPIRY) fields.skip(8);
  const { topicId, isAhead } = version === VALUE_VERSION ? fields.tagged() : NO_TAGGED;
  fields.expectEnd();
  if (commitTimestamp < -1 || commitTimestamp > TIMESTAMP_MAX) {
    throw corrupt(`its value has commit timestamp ${commitTimestamp}`);
  }
  return { offset, commitTimestamp, topicId, details: detailsOf(leaderEpoch, metadata, isAhead) };
}

interface TaggedFields {
  readonly topicId: string | undefined;
  readonly isAhead: boolean;
}

const NO_TAGGED: TaggedFields = { topicId: undefined, isAhead: false };

class ValueFields {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  u16(): number {
    return readU16(this.#bytes, this.skip(2));
  }

  i32(): number {
    return readI32(this.#bytes, this.skip(4));
  }

  i64(): number {
    return readI64(this.#bytes, this.skip(8));
  }

  uvarint(): number {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 28; scale *= 128) {
      const byte = this.#bytes[this.skip(1)]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    throw corrupt("its value has a varint of more than 5 bytes");
  }

  text(bytes: number): string {
    const at = this.skip(bytes);
    return bytes === 0 ? "" : lenientDecoder.decode(this.#bytes.subarray(at, at + bytes));
  }

  tagged(): TaggedFields {
    let topicId: string | undefined;
    let isAhead = false;
    for (let left = this.uvarint(); left > 0; left--) {
      const tag = this.uvarint();
      const bytes = this.uvarint();
      const at = this.skip(bytes);
      if (tag === TAG_AHEAD) isAhead = true;
      if (tag !== TAG_TOPIC_ID) continue;
      if (bytes !== UUID_BYTES) throw corrupt(`its value has a topic id of ${bytes} bytes`);
      topicId = readUuid(this.#bytes, at);
    }
    return { topicId, isAhead };
  }

  /** Skips some bytes and returns their position. */
  skip(bytes: number): number {
    const at = this.#at;
    if (bytes < 0 || bytes > this.#bytes.length - at) {
      throw corrupt(`its value of ${this.#bytes.length} bytes is cut off`);
    }
    this.#at = at + bytes;
    return at;
  }

  expectEnd(): void {
    const left = this.#bytes.length - this.#at;
    if (left > 0) throw corrupt(`its value has ${left} bytes after its last field`);
  }
}

function decodeText(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw corrupt("its key has a name that is not UTF-8");
  }
}

function corrupt(why: string): RustLogError {
  return new RustLogError("CORRUPT_MESSAGE", `not a committed offset: ${why}`);
}
