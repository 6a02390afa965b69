// Serializers and deserializers: what the keys and values of a program are as bytes, and the two most frequent ones.
// Leaves to others: calling them (producer, fetched-records).

import { checkCallback, checkObject } from "./argument-check.js";

/** What a record holds on the wire; a string is written as UTF-8. */
export type RecordData = Uint8Array | string;

/**
 * Makes a key or value of a record for `topic` into bytes. Not called for null, which stays null; may return null. What it
 * throws rejects that record alone.
 */
export type Serializer<T> = (data: T, topic: string) => RecordData | null;

/**
 * Makes bytes of a record of `topic` into a key or value; not called for null. The bytes are a view of the fetched ones. A
 * record whose bytes it refuses, by throwing, counts as unreadable: see `onDamaged` and DamagedRecordsError.
 */
export type Deserializer<T> = (bytes: Uint8Array, topic: string) => T;

/** How a producer writes keys and values. Without one, they are strings and Uint8Arrays. */
export interface Serializers<K, V> {
  readonly key?: Serializer<K>;
  readonly value?: Serializer<V>;
}

/** How a consumer reads keys and values. Without one, they are Uint8Arrays. */
export interface Deserializers<K, V> {
  readonly key?: Deserializer<K>;
  readonly value?: Deserializer<V>;
}

/** JSON, written as UTF-8. */
export function jsonSerializer(data: unknown): string {
  return JSON.stringify(data);
}

/** Reads JSON, for example as `jsonDeserializer<Order>`. Nothing checks that it has this type. */
export function jsonDeserializer<T = unknown>(bytes: Uint8Array): T {
  return JSON.parse(utf8.decode(bytes)) as T;
}

/** Reads UTF-8; refuses anything else. */
export function stringDeserializer(bytes: Uint8Array): string {
  return utf8.decode(bytes);
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Throws INVALID_CONFIG unless `value` is undefined, or an object whose key and value are functions. */
export function checkSerialization(
  name: "serializers" | "deserializers",
  value: Serializers<never, never> | Deserializers<unknown, unknown> | undefined,
): void {
  if (value === undefined) return;
  checkObject("INVALID_CONFIG", name, value);
  checkCallback(`${name}.key`, value.key);
  checkCallback(`${name}.value`, value.value);
}
