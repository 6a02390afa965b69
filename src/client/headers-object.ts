// Headers of a record as an object, beside the list that a record really holds.

import type { ProducerHeader, RecordHeader } from "../record/encoder.js";
import type { RecordData } from "./serialization.js";

/** Headers by name; of several values, each becomes a header of this name. */
export type HeadersObject = Readonly<
  Record<string, RecordData | null | readonly (RecordData | null)[]>
>;

/** The list for an object, in its order. Anything but a plain object is returned as it is. */
export function headerList(
  headers: readonly ProducerHeader[] | HeadersObject,
): readonly ProducerHeader[] {
  if (Array.isArray(headers) || !isPlainObject(headers)) return headers;
  return Object.entries(headers).flatMap(([name, value]) =>
    Array.isArray(value)
      ? value.map((item: RecordData | null) => ({ name, value: item }))
      : [{ name, value: value as RecordData | null }],
  );
}

/** Headers by name, for `record.headers`. If a name occurs several times, its last value is there. */
export function headersObject(headers: readonly RecordHeader[]): Record<string, Uint8Array | null> {
  // Without a prototype: a header may be called __proto__.
  const object: Record<string, Uint8Array | null> = Object.create(null);
  for (const { name, value } of headers) object[name] = value;
  return object;
}

/** A Map or another object with a class is something else. */
function isPlainObject(
  headers: readonly ProducerHeader[] | HeadersObject,
): headers is HeadersObject {
  if (typeof headers !== "object" || headers === null) return false;
  const prototype: unknown = Object.getPrototypeOf(headers);
  return prototype === Object.prototype || prototype === null;
}
