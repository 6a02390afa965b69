// The simplest possible encoder and decoder for the tables of the APIs. The codecs are compared with it.
// Leaves to others: frames and envelopes.
import fc from "fast-check";
import { API_NAMES, APIS } from "../../src/protocol/native/api-versions.js";
import type { ApiName } from "../../src/protocol/native/messages.js";
import type { Api, Fields, Primitive } from "../../src/protocol/native/schema.js";
import { ANY_CHARACTER } from "../support/text.js";

export type FieldType = Primitive | Absent | readonly Field[];

/** A field that a version lacks: it has no bytes, and decoders return this value. */
interface Absent {
  readonly absent: unknown;
}

export interface Field {
  readonly name: string;
  /** A list of fields stands for an array of items with these fields. */
  readonly type: FieldType;
  /** The first version with the field (1). */
  readonly since?: number;
  /** The value that decoders return in earlier versions. */
  readonly before?: unknown;
}

export type Value = Readonly<Record<string, unknown>>;

/** The fields of one version. */
export function fieldsIn(grammar: readonly Field[], version: number): readonly Field[] {
  return grammar.map(({ name, type, since = 1, before }) => {
    if (since > version) return { name, type: { absent: before } };
    return { name, type: isArray(type) ? fieldsIn(type, version) : type };
  });
}

/** Whether a type stands for an array of items. */
export function isArray(type: FieldType): type is readonly Field[] {
  return Array.isArray(type);
}

function isAbsent(type: FieldType): type is Absent {
  return typeof type === "object" && "absent" in type;
}

/** The tables of the code, as lists of fields. */
function listed(table: Fields): readonly Field[] {
  return Object.entries(table).map(([name, field]) => {
    const { type, since, before } = typeof field === "string" ? ({ type: field } as const) : field;
    return {
      name,
      type: typeof type === "string" ? type : listed(type),
      ...(since !== undefined && { since, before }),
    };
  });
}

export const GRAMMAR = Object.fromEntries(
  API_NAMES.map((name) => {
    const { request, response }: Api = APIS[name];
    return [name, { request: listed(request.fields), response: listed(response.fields) }];
  }),
) as Readonly<Record<ApiName, Readonly<Record<"request" | "response", readonly Field[]>>>>;

/** A length or count in encoded bytes: where it starts and how wide it is. */
export interface LengthField {
  readonly at: number;
  readonly bytes: 2 | 4;
}

/** The bytes of a value, and where lengths and counts are in them. */
export function encodeByGrammar(
  grammar: readonly Field[],
  value: Value,
): { readonly bytes: Uint8Array; readonly lengths: readonly LengthField[] } {
  const out: number[] = [];
  const lengths: LengthField[] = [];
  const number = (bytes: number, n: bigint): void => {
    for (let i = bytes - 1; i >= 0; i--) out.push(Number((n >> BigInt(8 * i)) & 0xffn));
  };
  const length = (bytes: 2 | 4, n: number): void => {
    lengths.push({ at: out.length, bytes });
    number(bytes, BigInt(n));
  };
  const write = (type: FieldType, of: unknown): void => {
    if (type === "u8") number(1, BigInt(Number(of)));
    else if (type === "bool") number(1, of === true ? 1n : 0n);
    else if (type === "u32") number(4, BigInt(Number(of)));
    else if (type === "i64") number(8, BigInt(Number(of)));
    else if (type === "uuid") out.push(...uuidBytes(of));
    else if (type === "string") {
      const bytes = new TextEncoder().encode(String(of));
      length(2, bytes.length);
      out.push(...bytes);
    } else if (type === "bytes") {
      const bytes = of as Uint8Array;
      length(4, bytes.length);
      out.push(...bytes);
    } else if (isArray(type)) {
      const items = of as readonly Value[];
      length(4, items.length);
      for (const item of items) for (const field of type) write(field.type, item[field.name]);
    }
  };
  for (const field of grammar) write(field.type, value[field.name]);
  return { bytes: Uint8Array.from(out), lengths };
}

/** The decoded value; undefined if the bytes are invalid. */
export function decodeByGrammar(grammar: readonly Field[], bytes: Uint8Array): Value | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  const take = (count: number): number => {
    if (count > bytes.length - at) throw new Unreadable();
    at += count;
    return at - count;
  };
  const read = (type: FieldType): unknown => {
    if (type === "u8") return view.getUint8(take(1));
    if (type === "bool") return view.getUint8(take(1)) !== 0;
    if (type === "u32") return view.getUint32(take(4));
    if (type === "i64") {
      const number = Number(view.getBigInt64(take(8)));
      if (!Number.isSafeInteger(number)) throw new Unreadable();
      return number;
    }
    if (type === "uuid") {
      const start = take(16);
      return uuidOf(bytes.slice(start, start + 16));
    }
    if (type === "string") {
      const count = view.getUint16(take(2));
      const start = take(count);
      const raw = bytes.slice(start, start + count);
      const text = Buffer.from(raw).toString("utf8");
      // Bytes that are not UTF-8 would change.
      if (Buffer.compare(Buffer.from(text, "utf8"), raw) !== 0) throw new Unreadable();
      return text;
    }
    if (type === "bytes") {
      const count = view.getUint32(take(4));
      const start = take(count);
      return bytes.slice(start, start + count);
    }
    if (isAbsent(type)) return type.absent;
    const items: Value[] = [];
    for (let left = view.getUint32(take(4)); left > 0; left--) items.push(readAll(type));
    return items;
  };
  const readAll = (of: readonly Field[]): Value =>
    Object.fromEntries(of.map(({ name, type }) => [name, read(type)]));
  try {
    const value = readAll(grammar);
    return at === bytes.length ? value : undefined;
  } catch (error) {
    if (error instanceof Unreadable) return undefined;
    throw error;
  }
}

class Unreadable extends Error {}

/** 16 zero bytes stand for no UUID. */
function uuidBytes(uuid: unknown): Uint8Array {
  return uuid === undefined
    ? new Uint8Array(16)
    : Uint8Array.fromHex(String(uuid).replaceAll("-", ""));
}

function uuidOf(bytes: Uint8Array): string | undefined {
  if (bytes.every((byte) => byte === 0)) return undefined;
  return bytes.toHex().replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

const SAFE = Number.MAX_SAFE_INTEGER;
const u32 = fc.oneof(fc.nat(100), fc.integer({ min: 0, max: 2 ** 32 - 1 }));
const i64 = fc.oneof(
  fc.constantFrom(-1, -2, 0, 2 ** 31, 2 ** 32 - 1, 2 ** 32, -(2 ** 32), SAFE, -SAFE),
  fc.maxSafeInteger(),
);
const string = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.string({ unit: ANY_CHARACTER, maxLength: 20 }),
  fc.constantFrom("", "\u{feff}", "\u{feff}bom", "\0", "💡", "x".repeat(300)),
);
const SIMPLE = {
  u8: fc.integer({ min: 0, max: 255 }),
  bool: fc.boolean(),
  u32,
  i64,
  uuid: fc.uint8Array({ minLength: 16, maxLength: 16 }).map(uuidOf),
  string,
  bytes: fc.uint8Array({ maxLength: 40 }),
} as const;

/** Any value of a grammar. */
export function valuesOf(grammar: readonly Field[]): fc.Arbitrary<Value> {
  const anyOf = (type: FieldType): fc.Arbitrary<unknown> => {
    if (typeof type === "string") return SIMPLE[type];
    return isArray(type) ? fc.array(valuesOf(type), { maxLength: 4 }) : fc.constant(type.absent);
  };
  const entries = grammar.map(({ name, type }): [string, fc.Arbitrary<unknown>] => [
    name,
    anyOf(type),
  ]);
  return fc.record(Object.fromEntries(entries), { noNullPrototype: true });
}
