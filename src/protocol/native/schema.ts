// Requests and responses as tables: the fields in order, each with its type and first version. One reader and one
// writer interpret the tables, and the TypeScript types are derived from them.
// Leaves to others: the tables (topics.ts, groups.ts, …), the envelope (messages.ts), single fields (reader.ts,
// writer.ts).
import { ZERO_UUID } from "../../record/bytes.js";
import {
  API,
  type ApiName,
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
} from "./messages.js";
import type { ByteReader } from "./reader.js";
import type { ByteWriter } from "./writer.js";

interface Types {
  readonly u8: number;
  readonly bool: boolean;
  readonly u32: number;
  readonly i64: number;
  /** 16 bytes, all 0 for undefined. */
  readonly uuid: string | undefined;
  /** A length as u16, then UTF-8. */
  readonly string: string;
  /** A length as u32, then the bytes. */
  readonly bytes: Uint8Array;
}

export type Primitive = keyof Types;

export interface Field {
  /** A nested table is an array of items with these fields: their number as u32, then the items. */
  readonly type: Primitive | Fields;
  /** The first version with the field; 1 by default. */
  readonly since?: number;
  /** The value that decoders return in earlier versions. */
  readonly before?: unknown;
  readonly itemsMax?: number;
  /** The field's name in error messages, if its own name is not clear enough. */
  readonly label?: string;
}

/** A table of fields. A type name alone stands for a field of version 1. */
export interface Fields {
  readonly [name: string]: Primitive | Field;
}

/** A field that earlier versions do not have; their decoders return `before`. */
export function since<const Type extends Primitive>(
  version: number,
  type: Type,
  before: Types[Type],
) {
  return { type, since: version, before } as const;
}

/** An array of items with these fields. More than `itemsMax` are rejected before the first one is read. */
export function array<const Item extends Fields>(item: Item, itemsMax = Number.POSITIVE_INFINITY) {
  return { type: item, itemsMax } as const;
}

/** The id of a topic; undefined if the sender omits it. */
export const TOPIC_ID = since(2, "uuid", undefined);

type TypeOf<F> = F extends Primitive
  ? Types[F]
  : F extends { readonly type: infer Type }
    ? Type extends Primitive
      ? Types[Type]
      : readonly ValueOf<Type>[]
    : never;

type OptionalNames<F> = {
  [Name in keyof F]: undefined extends TypeOf<F[Name]> ? Name : never;
}[keyof F];

export type ValueOf<F> = {
  readonly [Name in keyof F as Exclude<Name, OptionalNames<F>>]: TypeOf<F[Name]>;
} & { readonly [Name in keyof F as Name & OptionalNames<F>]?: TypeOf<F[Name]> };

export type ItemOf<F> = {
  [Name in keyof F]: TypeOf<F[Name]> extends readonly (infer Item)[] ? Item : never;
}[keyof F];

/** The fields that are not arrays. */
export type ScalarsOf<F> = {
  readonly [
    Name in keyof ValueOf<F> as ValueOf<F>[Name] extends readonly unknown[] ? never : Name
  ]: ValueOf<F>[Name];
};

/** The fields of one version, ready to be read and written. */
interface Plan {
  readonly steps: readonly Step[];
  /** Length of the shortest value, in bytes. */
  readonly bytesMin: number;
}

export interface Step {
  readonly name: string;
  /** Name in error messages. */
  readonly label: string;
  readonly type: Primitive | Plan | "absent";
  readonly before: unknown;
  readonly itemsMax: number;
}

/** A table, and what is derived from it for each version. */
export class Body<F extends Fields> {
  readonly fields: F;
  readonly versionMax: number;
  readonly #plans: readonly Plan[];

  constructor(fields: F) {
    this.fields = fields;
    this.versionMax = newest(fields);
    this.#plans = Array.from({ length: this.versionMax }, (_, i) => planOf(fields, i + 1));
  }

  /** The fields of a version. Fields above `versionMax` are ignored. */
  plan(version: number): Plan {
    return this.#plans[version - 1] ?? this.#plans.at(-1)!;
  }

  read(reader: ByteReader, version: number): ValueOf<F> {
    return readSteps(reader, this.plan(version).steps) as ValueOf<F>;
  }

  write(writer: ByteWriter, value: ValueOf<F>, version: number): void {
    writeSteps(writer, this.plan(version).steps, value);
  }
}

/** Versions and codecs of an API. */
export interface Api<Request extends Fields = Fields, Response extends Fields = Fields> {
  readonly name: ApiName;
  readonly versions: { readonly min: number; readonly max: number };
  readonly request: Body<Request>;
  readonly response: Body<Response>;
  encodeRequest(correlationId: number, value: ValueOf<Request>, version?: number): Uint8Array;
  decodeRequest(this: void, payload: Uint8Array): ValueOf<Request>;
  encodeResponse(correlationId: number, value: ValueOf<Response>, version?: number): Uint8Array;
  /** Throws the error in the response, if it is one. */
  decodeResponse(this: void, payload: Uint8Array, version?: number): ValueOf<Response>;
}

export type RequestOf<A> = A extends { readonly request: Body<infer F> } ? ValueOf<F> : never;
export type ResponseOf<A> = A extends { readonly response: Body<infer F> } ? ValueOf<F> : never;

/** The API with these tables. Its highest version is the highest that a field names. */
export function api<const Request extends Fields, const Response extends Fields>(
  name: ApiName,
  tables: { readonly request: Request; readonly response: Response },
): Api<Request, Response> {
  const request = new Body(tables.request);
  const response = new Body(tables.response);
  return {
    name,
    versions: { min: 1, max: Math.max(request.versionMax, response.versionMax) },
    request,
    response,
    encodeRequest: (id, value, version = 1) =>
      encodeRequest(API[name], id, (body) => request.write(body, value, version), version),
    decodeRequest: (payload) =>
      decodeRequest(payload, (body, version) => request.read(body, version)),
    encodeResponse: (id, value, version = 1) =>
      encodeResponse(id, (body) => response.write(body, value, version)),
    decodeResponse: (payload, version = 1) =>
      decodeResponse(payload, (body) => response.read(body, version)),
  };
}

/** The highest version named by a field. */
function newest(fields: Fields): number {
  const versions = Object.values(fields).map((field) => {
    if (typeof field === "string") return 1;
    return Math.max(field.since ?? 1, typeof field.type === "string" ? 1 : newest(field.type));
  });
  return Math.max(1, ...versions);
}

const COUNT_BYTES = 4;
const BYTES_MIN = { u8: 1, bool: 1, u32: 4, i64: 8, uuid: 16, string: 2, bytes: 4 } as const;

function planOf(fields: Fields, version: number): Plan {
  let bytesMin = 0;
  const steps = Object.entries(fields).map(([name, field]): Step => {
    const {
      type,
      since: first = 1,
      before,
      itemsMax = Number.POSITIVE_INFINITY,
      label = name,
    }: Field = typeof field === "string" ? { type: field } : field;
    if (first > version) return { name, label, type: "absent", before, itemsMax };
    bytesMin += typeof type === "string" ? BYTES_MIN[type] : COUNT_BYTES;
    const ready = typeof type === "string" ? type : planOf(type, version);
    return { name, label, type: ready, before, itemsMax };
  });
  return { steps, bytesMin };
}

type Value = Record<string, unknown>;

function readSteps(reader: ByteReader, steps: readonly Step[]): Value {
  const value: Value = {};
  for (const step of steps) value[step.name] = readField(reader, step);
  return value;
}

function readField(reader: ByteReader, { type, label, before, itemsMax }: Step): unknown {
  switch (type) {
    case "u8":
      return reader.u8(label);
    case "bool":
      return reader.u8(label) !== 0;
    case "u32":
      return reader.u32(label);
    case "i64":
      return reader.i64(label);
    case "uuid": {
      const uuid = reader.uuid(label);
      return uuid === ZERO_UUID ? undefined : uuid;
    }
    case "string":
      return reader.string(label);
    case "bytes":
      return reader.bytes(label);
    case "absent":
      return before;
    default:
      return reader.array(label, type.bytesMin, (item) => readSteps(item, type.steps), itemsMax);
  }
}

/** Writes the fields of a value, in the order of `steps`. */
export function writeSteps(writer: ByteWriter, steps: readonly Step[], value: unknown): void {
  for (const { name, type } of steps) writeField(writer, type, (value as Value)[name]);
}

function writeField(writer: ByteWriter, type: Step["type"], value: unknown): unknown {
  switch (type) {
    case "u8":
      return writer.u8(value as number);
    case "bool":
      return writer.u8(value === true ? 1 : 0);
    case "u32":
      return writer.u32(value as number);
    case "i64":
      return writer.i64(value as number);
    case "uuid":
      return writer.uuid((value as string | undefined) ?? ZERO_UUID);
    case "string":
      return writer.string(value as string);
    case "bytes":
      return writer.bytes(value as Uint8Array);
    case "absent":
      return undefined;
    default:
      return writer.array(value as unknown[], (item, of) => writeSteps(item, type.steps, of));
  }
}
