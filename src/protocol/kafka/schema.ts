// Kafka's requests and responses as tables: the fields in order, each with its type and the versions that have it. One
// reader and one writer interpret the tables, and the TypeScript types are derived from them.
// Leaves to others: the tables (metadata.ts, topics.ts, …), headers (headers.ts), single fields (reader.ts, writer.ts).
//
// The facts in the tables are those of Apache Kafka's message schemas (clients/src/main/resources/common/message).
import { REQUEST_ITEMS_MAX } from "../../limits.js";
import { NO_BYTES, type Pieces, ZERO_UUID } from "../../record/bytes.js";
import type { KafkaReader } from "./reader.js";
import type { KafkaWriter } from "./writer.js";

interface Values {
  readonly bool: boolean;
  readonly int8: number;
  readonly int16: number;
  readonly uint16: number;
  readonly int32: number;
  /** Values beyond the safe integers are rounded: no valid offset, timestamp or id is that large. */
  readonly int64: number;
  readonly float64: number;
  /** Lower case, with dashes. */
  readonly uuid: string;
  readonly string: string;
  readonly bytes: Uint8Array;
  /** Record batches, in the pieces that arrived. */
  readonly records: Pieces;
}

export type Kind = keyof Values;

interface Options<Value = unknown> {
  /** First and last version with the field; all by default. */
  readonly since?: number;
  readonly until?: number;
  /** First version in which it may be null. */
  readonly nullable?: number;
  /** Set for a tagged field, which is left out if it has its default. */
  readonly tag?: number;
  /**
   * Value in versions without the field. Stated only if it is not the type's own (0, false, "", []), or if whoever
   * writes the message may omit the field.
   */
  readonly absent?: Value;
}

export interface PrimitiveField<K extends Kind = Kind, O extends Options = Options> {
  readonly kind: K;
  readonly options: O;
}

export interface ArrayField<
  Item extends Fields | PrimitiveField = Fields | PrimitiveField,
  O extends Options = Options,
> {
  readonly kind: "array";
  readonly item: Item;
  readonly options: O;
}

export interface StructField<F extends Fields = Fields, O extends Options = Options> {
  readonly kind: "struct";
  readonly fields: F;
  readonly options: O;
}

export type Field = PrimitiveField | ArrayField | StructField;

/** A table of fields. */
export interface Fields {
  readonly [name: string]: Field;
}

function primitive<K extends Kind>(kind: K) {
  return <const O extends Options<Values[K] | null> = Record<never, never>>(
    options?: O,
  ): PrimitiveField<K, O> => ({ kind, options: options ?? ({} as O) });
}

export const bool = primitive("bool");
export const int8 = primitive("int8");
export const int16 = primitive("int16");
export const uint16 = primitive("uint16");
export const int32 = primitive("int32");
export const int64 = primitive("int64");
export const float64 = primitive("float64");
export const uuid = primitive("uuid");
export const string = primitive("string");
export const bytes = primitive("bytes");
export const records = primitive("records");

/** An array of structs with these fields, or of primitive values. */
export function array<
  const Item extends Fields | PrimitiveField,
  const O extends Options<null> = Record<never, never>,
>(item: Item, options?: O): ArrayField<Item, O> {
  return { kind: "array", item, options: options ?? ({} as O) };
}

export function struct<
  const F extends Fields,
  const O extends Options<null> = Record<never, never>,
>(fields: F, options?: O): StructField<F, O> {
  return { kind: "struct", fields, options: options ?? ({} as O) };
}

/** The field that begins or ends most responses: how long the client has to wait because of its quotas. */
export function throttleTimeMs(since = 0) {
  return int32({ since, absent: 0 });
}

type Null<O> = O extends { readonly nullable: number } ? null : never;

/** A tagged struct that was left out is read as null. */
type Missing<O> = O extends { readonly tag: number } ? null : never;

type ReadItem<I> = I extends { readonly kind: infer K extends Kind }
  ? Values[K]
  : I extends Fields
    ? ReadOf<I>
    : never;

type ReadField<F> = F extends {
  readonly kind: "array";
  readonly item: infer I;
  readonly options: infer O;
}
  ? readonly ReadItem<I>[] | Null<O>
  : F extends { readonly kind: "struct"; readonly fields: infer S; readonly options: infer O }
    ? ReadOf<S> | Null<O> | Missing<O>
    : F extends { readonly kind: infer K extends Kind; readonly options: infer O }
      ? Values[K] | Null<O>
      : never;

/** What reading a table gives: every field, whatever the version. */
export type ReadOf<F> = { readonly [Name in keyof F]: ReadField<F[Name]> };

type IsOptional<F> = F extends { readonly options: infer O }
  ? O extends { readonly absent: unknown } | { readonly tag: number }
    ? true
    : false
  : false;

type WriteItem<I> = I extends { readonly kind: infer K extends Kind }
  ? Values[K]
  : I extends Fields
    ? WriteOf<I>
    : never;

type WriteField<F> = F extends {
  readonly kind: "array";
  readonly item: infer I;
  readonly options: infer O;
}
  ? readonly WriteItem<I>[] | Null<O>
  : F extends { readonly kind: "struct"; readonly fields: infer S; readonly options: infer O }
    ? WriteOf<S> | Null<O>
    : ReadField<F>;

/** What writing a table takes: fields with a stated default may be omitted. */
export type WriteOf<F> = {
  readonly [Name in keyof F as IsOptional<F[Name]> extends true ? never : Name]: WriteField<
    F[Name]
  >;
} & {
  readonly [Name in keyof F as IsOptional<F[Name]> extends true ? Name : never]?:
    WriteField<F[Name]> | undefined;
};

type Mutable = Record<string, unknown>;

/** The fields of one version, ready to be read and written. */
export interface Plan {
  readonly steps: readonly Step[];
  /** Tagged fields, by ascending tag. Undefined in versions that are not flexible. */
  readonly tagged: readonly Step[] | undefined;
  /** A value with all defaults. Each value that is read begins as a copy: adding field after field takes longer. */
  readonly defaults: Readonly<Mutable>;
  /** Length of the shortest value, in bytes. */
  readonly bytesMin: number;
}

export interface Step {
  readonly name: string;
  readonly kind: Kind | "array" | "struct";
  readonly isNullable: boolean;
  readonly tag: number;
  /** Whether the metrics count it as the outcome of a request. */
  readonly isErrorCode: boolean;
  readonly absent: unknown;
  /** Of an array: its items. Of a struct: the step itself has the plan. */
  readonly item: Step | undefined;
  readonly plan: Plan | undefined;
}

const EMPTY: Values = {
  bool: false,
  int8: 0,
  int16: 0,
  uint16: 0,
  int32: 0,
  int64: 0,
  float64: 0,
  uuid: ZERO_UUID,
  string: "",
  bytes: NO_BYTES,
  records: [NO_BYTES],
};

/** The fewest bytes of a value; strings, bytes and arrays are shorter in flexible versions. */
const BYTES_MIN = {
  ...{ bool: 1, int8: 1, int16: 2, uint16: 2, int32: 4, int64: 8, float64: 8, uuid: 16 },
  ...{ string: 2, bytes: 4, records: 4, array: 4 },
};

const COUNTED: ReadonlySet<string> = new Set(["string", "bytes", "records", "array"]);

function bytesMinOf(step: Step, isFlexible: boolean): number {
  if (step.kind === "struct") return step.isNullable ? 1 : (step.plan?.bytesMin ?? 0);
  return isFlexible && COUNTED.has(step.kind) ? 1 : BYTES_MIN[step.kind];
}

function absentOf({ kind, options }: Field): unknown {
  if (options.absent !== undefined) return options.absent;
  if (kind === "array") return [];
  return kind === "struct" ? null : EMPTY[kind];
}

function stepOf(name: string, field: Field, version: number, isFlexible: boolean): Step {
  const { kind, options } = field;
  let item: Step | undefined;
  let plan: Plan | undefined;
  if (kind === "array") {
    const itemField = isPrimitive(field.item)
      ? field.item
      : ({ kind: "struct", fields: field.item, options: {} } as const);
    item = stepOf(name, itemField, version, isFlexible);
  } else if (kind === "struct") plan = planOf(field.fields, version, isFlexible);
  const isNullable = options.nullable !== undefined && version >= options.nullable;
  const isErrorCode = name === "errorCode";
  const [tag, absent] = [options.tag ?? -1, absentOf(field)];
  return { name, kind, isNullable, tag, isErrorCode, absent, item, plan };
}

function isPrimitive(item: Fields | PrimitiveField): item is PrimitiveField {
  return typeof item.kind === "string";
}

export function planOf(fields: Fields, version: number, isFlexible: boolean): Plan {
  const steps: Step[] = [];
  const tagged: Step[] = [];
  const defaults: Mutable = {};
  for (const [name, field] of Object.entries(fields)) {
    const { since = 0, until = Number.POSITIVE_INFINITY, tag } = field.options;
    const isPresent = version >= since && version <= until;
    if (isPresent && (tag === undefined || isFlexible)) {
      (tag === undefined ? steps : tagged).push(stepOf(name, field, version, isFlexible));
    }
    defaults[name] = absentOf(field);
  }
  tagged.sort((a, b) => a.tag - b.tag);
  let bytesMin = isFlexible ? 1 : 0;
  for (const step of steps) bytesMin += bytesMinOf(step, isFlexible);
  return { steps, tagged: isFlexible ? tagged : undefined, defaults, bytesMin };
}

/** Reads a struct. Throws INVALID_REQUEST if it is incomplete or has an invalid length. */
function readPlan(reader: KafkaReader, plan: Plan): Mutable {
  const value = { ...plan.defaults };
  for (const step of plan.steps) value[step.name] = readStep(reader, step);
  if (plan.tagged !== undefined) readTags(reader, plan.tagged, value);
  return value;
}

function readTags(reader: KafkaReader, steps: readonly Step[], value: Mutable): void {
  for (let left = reader.uvarint(); left > 0; left--) {
    const tag = reader.uvarint();
    const length = reader.checkLength(reader.uvarint());
    const leftAfter = reader.left - length;
    const step = steps.find((each) => each.tag === tag);
    if (step !== undefined) value[step.name] = readStep(reader, step);
    reader.skipTo(leftAfter);
  }
}

function readStep(reader: KafkaReader, step: Step): unknown {
  switch (step.kind) {
    case "int32":
      return reader.int32();
    case "string":
      return reader.string(step.isNullable);
    case "int16":
      return reader.int16();
    case "int64":
      return reader.int64();
    case "array":
      return readArray(reader, step);
    case "struct":
      if (step.isNullable && reader.int8() < 0) return null;
      return readPlan(reader, step.plan!);
    case "bool":
      return reader.int8() !== 0;
    case "int8":
      return reader.int8();
    case "uint16":
      return reader.int16() & 0xffff;
    case "uuid":
      return reader.uuid();
    case "bytes":
      return reader.bytes(step.isNullable);
    case "records":
      return reader.records(step.isNullable);
    case "float64":
      return reader.float64();
  }
}

function readArray(reader: KafkaReader, { item, isNullable, name }: Step): unknown[] | null {
  const bytesMin = bytesMinOf(item!, reader.isFlexible);
  const count = reader.count(isNullable, bytesMin, name);
  if (count < 0) return null;
  const items: unknown[] = [];
  for (let i = 0; i < count; i++) items.push(readStep(reader, item!));
  return items;
}

/** Writes a struct. Fields that are undefined have their default. */
function writePlan(writer: KafkaWriter, plan: Plan, value: Readonly<Mutable>): void {
  for (const step of plan.steps) writeStep(writer, step, value[step.name] ?? fallback(step, value));
  if (plan.tagged !== undefined) writeTags(writer, plan.tagged, value);
}

/** For null and undefined, which `??` does not tell apart. */
function fallback(step: Step, value: Readonly<Mutable>): unknown {
  return value[step.name] === null ? null : step.absent;
}

function writeTags(writer: KafkaWriter, steps: readonly Step[], value: Readonly<Mutable>): void {
  if (steps.length === 0) {
    writer.uvarint(0);
    return;
  }
  const present = steps.filter((step) => !hasDefault(step, value[step.name]));
  writer.uvarint(present.length);
  for (const step of present) {
    writer.uvarint(step.tag);
    writer.sized((inner) => writeStep(inner, step, value[step.name]));
  }
}

function hasDefault(step: Step, value: unknown): boolean {
  if (value === undefined || value === step.absent) return true;
  return Array.isArray(value) && value.length === 0 && Array.isArray(step.absent);
}

function writeStep(writer: KafkaWriter, step: Step, value: unknown): void {
  if (value === null && !step.isNullable) throw new TypeError(`field '${step.name}' is null`);
  switch (step.kind) {
    case "int32":
      writer.int32(value as number);
      break;
    case "string":
      writer.string(value as string | null);
      break;
    case "int16":
      if (step.isErrorCode && writer.errorCode === 0) writer.errorCode = value as number;
      writer.int16(value as number);
      break;
    case "uint16":
      writer.int16(value as number);
      break;
    case "int64":
      writer.int64(value as number);
      break;
    case "array":
      writeArray(writer, step.item!, value as readonly unknown[] | null);
      break;
    case "struct":
      if (step.isNullable) writer.int8(value === null ? -1 : 1);
      if (value !== null) writePlan(writer, step.plan!, value as Mutable);
      break;
    case "bool":
      writer.int8(value === true ? 1 : 0);
      break;
    case "int8":
      writer.int8(value as number);
      break;
    case "uuid":
      writer.uuid(value as string);
      break;
    case "bytes":
      writer.bytes(value as Uint8Array | null);
      break;
    case "records":
      writer.records(value as Pieces | null);
      break;
    case "float64":
      writer.float64(value as number);
      break;
  }
}

function writeArray(writer: KafkaWriter, item: Step, items: readonly unknown[] | null): void {
  writer.count(items === null ? -1 : items.length);
  if (items !== null) for (const each of items) writeStep(writer, item, each);
}

/** Called after each portion of a long message; what it returns is awaited. */
export type Pause = () => Promise<void>;

/** Bytes written before a pause: less than a millisecond of work. */
const PORTION_BYTES = 64 * 1024;

/** An array with more items may need more than one portion. */
const SHORT_ARRAY_ITEMS = 100;

/** Writes the same as `writePlan`, with pauses in long arrays. The value must not change meanwhile. */
async function writePlanInPortions(
  writer: KafkaWriter,
  plan: Plan,
  value: Readonly<Mutable>,
  pause: Pause,
): Promise<void> {
  for (const step of plan.steps) {
    const field = value[step.name] ?? fallback(step, value);
    if (!isLong(step, field)) writeStep(writer, step, field);
    else await writeArrayInPortions(writer, step.item!, field as readonly unknown[], pause);
  }
  if (plan.tagged !== undefined) writeTags(writer, plan.tagged, value);
}

async function writeArrayInPortions(
  writer: KafkaWriter,
  item: Step,
  items: readonly unknown[],
  pause: Pause,
): Promise<void> {
  writer.count(items.length);
  for (const each of items) {
    if (item.plan !== undefined && hasLongArray(item.plan, each as Mutable)) {
      await writePlanInPortions(writer, item.plan, each as Mutable, pause);
    } else writeStep(writer, item, each);
    if (writer.pieceBytes >= PORTION_BYTES) await pause();
  }
}

/** Whether a field is an array that may need more than one portion, itself or in its items. */
function isLong({ kind, item }: Step, field: unknown): boolean {
  if (kind !== "array" || field === null) return false;
  const items = field as readonly unknown[];
  if (items.length > SHORT_ARRAY_ITEMS) return true;
  const plan = item?.plan;
  return plan !== undefined && items.some((each) => hasLongArray(plan, each as Mutable));
}

function hasLongArray({ steps }: Plan, value: Readonly<Mutable>): boolean {
  return steps.some((step) => isLong(step, value[step.name] ?? null));
}

/** One direction of an API: a table, and its plan for each version. */
export class Body<F extends Fields> {
  readonly fields: F;
  readonly #flexibleSince: number;
  readonly #plans: Plan[] = [];

  constructor(fields: F, flexibleSince: number) {
    this.fields = fields;
    this.#flexibleSince = flexibleSince;
  }

  read(reader: KafkaReader, version: number): ReadOf<F> {
    return readPlan(reader, this.#plan(version)) as ReadOf<F>;
  }

  write(writer: KafkaWriter, value: WriteOf<F>, version: number): void {
    writePlan(writer, this.#plan(version), value as Mutable);
  }

  /** Writes the same as `write`, with pauses if it is long. */
  writeInPortions(
    writer: KafkaWriter,
    value: WriteOf<F>,
    version: number,
    pause: Pause,
  ): Promise<void> {
    return writePlanInPortions(writer, this.#plan(version), value as Mutable, pause);
  }

  #plan(version: number): Plan {
    const known = this.#plans[version];
    if (known !== undefined) return known;
    const plan = planOf(this.fields, version, version >= this.#flexibleSince);
    this.#plans[version] = plan;
    return plan;
  }
}

/** An API: its key, versions, and tables. */
export interface Api<Request extends Fields = Fields, Response extends Fields = Fields> {
  readonly key: number;
  /** The versions that are served. */
  readonly min: number;
  readonly max: number;
  /** First version with compact lengths and tagged fields. */
  readonly flexibleSince: number;
  /** Most items in all arrays of a request. */
  readonly itemsMax: number;
  readonly request: Body<Request>;
  readonly response: Body<Response>;
}

export type RequestOf<A> = A extends { readonly request: Body<infer F> } ? ReadOf<F> : never;
export type ResponseOf<A> = A extends { readonly response: Body<infer F> } ? WriteOf<F> : never;

export function api<const Request extends Fields, const Response extends Fields>(table: {
  readonly key: number;
  readonly versions: readonly [min: number, max: number];
  /** Left out if no version is flexible. */
  readonly flexibleSince?: number;
  /** REQUEST_ITEMS_MAX by default. */
  readonly itemsMax?: number;
  readonly request: Request;
  readonly response: Response;
}): Api<Request, Response> {
  const { key, flexibleSince = Number.POSITIVE_INFINITY, itemsMax = REQUEST_ITEMS_MAX } = table;
  const [min, max] = table.versions;
  const request = new Body(table.request, flexibleSince);
  const response = new Body(table.response, flexibleSince);
  return { key, min, max, flexibleSince, itemsMax, request, response };
}
