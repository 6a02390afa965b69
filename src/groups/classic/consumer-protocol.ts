// What consumers of the classic protocol tell each other: a subscription, in JoinGroup, and an assignment, in SyncGroup. The
// broker reads them to show who reads what, to know which committed offsets are in use, and to assign for such a member
// itself (consumer-group.ts).
//
//   subscription  version i16 | topics [string] | userData bytes?           ConsumerProtocolSubscription, versions 0 to 3
//                 | from 1: owned [topic string, partitions [i32]] | from 2: generation i32 | from 3: rackId string?
//   assignment    version i16 | [topic string, partitions [i32]] | userData bytes?            ConsumerProtocolAssignment
//   string  length i16 | UTF-8, or -1 for null          arrays, bytes  length i32 | items, or -1 for null
import { RustLogError } from "../../errors.js";
import { readI16, readI32, writeI32, writeU16 } from "../../record/bytes.js";

export interface NamedPartitions {
  readonly topic: string;
  readonly partitions: readonly number[];
}

export interface ConsumerSubscription {
  readonly version: number;
  readonly topics: readonly string[];
  /** What the member reads; empty if it gave up everything, or does not say. */
  readonly owned: readonly NamedPartitions[];
  readonly rackId: string | null;
}

/** Later versions only add fields at the end. */
const VERSION_MAX = 3;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Throws INCONSISTENT_GROUP_PROTOCOL if it is not a subscription of a consumer. */
export function decodeSubscription(bytes: Uint8Array): ConsumerSubscription {
  const fields = new Fields(bytes);
  const version = Math.min(fields.version(), VERSION_MAX);
  const topics = fields.array(() => fields.string());
  fields.bytes();
  const owned = version >= 1 ? fields.array(() => fields.partitions()) : [];
  if (version >= 2) fields.i32();
  const rackId = version >= 3 ? fields.nullableString() : null;
  return { version, topics, owned, rackId: rackId === "" ? null : rackId };
}

/** Throws INCONSISTENT_GROUP_PROTOCOL if it is not an assignment of a consumer. An empty one assigns nothing. */
export function decodeAssignment(bytes: Uint8Array): readonly NamedPartitions[] {
  if (bytes.length === 0) return [];
  const fields = new Fields(bytes);
  fields.version();
  return fields.array(() => fields.partitions());
}

/** The topics of all subscriptions. One that is malformed has none, as in Kafka. */
export function subscribedTopics(subscriptions: readonly Uint8Array[]): ReadonlySet<string> {
  return new Set(subscriptions.flatMap((bytes) => unlessMalformed(() => topicsOf(bytes))));
}

/** The partitions of an assignment; none if it is malformed. */
export function assignedPartitions(bytes: Uint8Array): readonly NamedPartitions[] {
  return unlessMalformed(() => decodeAssignment(bytes));
}

export function encodeAssignment(version: number, topics: readonly NamedPartitions[]): Uint8Array {
  const names = topics.map(({ topic }) => encoder.encode(topic));
  let length = 2 + 4 + 4;
  topics.forEach(({ partitions }, i) => {
    length += 2 + names[i]!.length + 4 + 4 * partitions.length;
  });
  const bytes = new Uint8Array(length);
  writeU16(bytes, 0, version);
  writeI32(bytes, 2, topics.length);
  let at = 6;
  topics.forEach(({ partitions }, i) => {
    const name = names[i]!;
    writeU16(bytes, at, name.length);
    bytes.set(name, at + 2);
    at += 2 + name.length;
    writeI32(bytes, at, partitions.length);
    at += 4;
    for (const partition of partitions) {
      writeI32(bytes, at, partition);
      at += 4;
    }
  });
  writeI32(bytes, at, -1); // No user data.
  return bytes;
}

function topicsOf(subscription: Uint8Array): readonly string[] {
  const fields = new Fields(subscription);
  fields.version();
  return fields.array(() => fields.string());
}

function unlessMalformed<T>(decode: () => readonly T[]): readonly T[] {
  try {
    return decode();
  } catch (error) {
    if (error instanceof RustLogError) return [];
    throw error;
  }
}

class Fields {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  version(): number {
    const version = this.i16();
    if (version < 0) throw malformed();
    return version;
  }

  i16(): number {
    return readI16(this.#bytes, this.#take(2));
  }

  i32(): number {
    return readI32(this.#bytes, this.#take(4));
  }

  nullableString(): string | null {
    const length = this.i16();
    if (length === -1) return null;
    const at = this.#take(length);
    return decoder.decode(this.#bytes.subarray(at, at + length));
  }

  string(): string {
    const text = this.nullableString();
    if (text === null) throw malformed();
    return text;
  }

  bytes(): void {
    const length = this.i32();
    if (length !== -1) this.#take(length);
  }

  array<T>(read: () => T): T[] {
    const items: T[] = [];
    for (let left = this.i32(); left > 0; left--) items.push(read());
    return items;
  }

  partitions(): NamedPartitions {
    return { topic: this.string(), partitions: this.array(() => this.i32()) };
  }

  #take(bytes: number): number {
    const at = this.#at;
    if (bytes < 0 || bytes > this.#bytes.length - at) throw malformed();
    this.#at = at + bytes;
    return at;
  }
}

function malformed(): RustLogError {
  return new RustLogError(
    "INCONSISTENT_GROUP_PROTOCOL",
    "a member of the classic protocol has a subscription or an assignment that is not a consumer's",
  );
}
