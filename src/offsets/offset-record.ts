// The two halves of a committed offset as a record of the offsets topic: what its key and value say.
// Leaves to others: the topic (offset-store.ts). Layouts are Kafka's OffsetCommitKey version 1 and
// OffsetCommitValue version 3, big-endian, so that Kafka's own tools can print them.
//
//   key    version i16 = 1 | group string | topic string | partition i32
//   value  version i16 = 3 | offset i64 | leaderEpoch i32 = -1 | metadata string = "" | commitTimestamp i64
//   string i16 length | UTF-8
import { RustLogError } from "../errors.ts";
import { readI32, readI64, readU16, writeI32, writeI64, writeU16 } from "../record/bytes.ts";

const KEY_VERSION = 1;
const VALUE_VERSION = 3;
const VALUE_BYTES = 2 + 8 + 4 + 2 + 8;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** What an offset is committed for. */
export interface OffsetKey {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
}

/** What was committed. */
export interface CommittedOffset {
  /** Offset of the next record that the group wants. */
  readonly offset: number;
  /** When it was committed, in milliseconds since the epoch. */
  readonly commitTimestamp: number;
}

/** The key of a record of the offsets topic. */
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

/** Reads a key; throws CORRUPT_MESSAGE if it is none. */
export function decodeOffsetKey(bytes: Uint8Array): OffsetKey {
  const groupBytes = bytes.length >= 4 ? readU16(bytes, 2) : 0;
  const topicAt = 4 + groupBytes;
  const topicBytes = bytes.length >= topicAt + 2 ? readU16(bytes, topicAt) : 0;
  const partitionAt = topicAt + 2 + topicBytes;
  if (bytes.length !== partitionAt + 4 || readU16(bytes, 0) !== KEY_VERSION) {
    throw new RustLogError("CORRUPT_MESSAGE", "a record of the offsets topic has no valid key");
  }
  return {
    group: decodeText(bytes.subarray(4, topicAt)),
    topic: decodeText(bytes.subarray(topicAt + 2, partitionAt)),
    partition: readI32(bytes, partitionAt),
  };
}

/** The value of a record of the offsets topic. A deleted offset has none (a tombstone). */
export function encodeOffsetValue(committed: CommittedOffset): Uint8Array {
  const bytes = new Uint8Array(VALUE_BYTES);
  writeU16(bytes, 0, VALUE_VERSION);
  writeI64(bytes, 2, committed.offset);
  writeI32(bytes, 10, -1);
  writeU16(bytes, 14, 0);
  writeI64(bytes, 16, committed.commitTimestamp);
  return bytes;
}

/** Reads a value; throws CORRUPT_MESSAGE if it is none. */
export function decodeOffsetValue(bytes: Uint8Array): CommittedOffset {
  if (bytes.length !== VALUE_BYTES || readU16(bytes, 0) !== VALUE_VERSION) {
    throw new RustLogError("CORRUPT_MESSAGE", "a record of the offsets topic has no valid value");
  }
  return { offset: readI64(bytes, 2), commitTimestamp: readI64(bytes, 16) };
}

function decodeText(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (error) {
    const message = "a record of the offsets topic has a key that is not UTF-8";
    throw new RustLogError("CORRUPT_MESSAGE", message, { cause: error });
  }
}
