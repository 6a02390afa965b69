// Kafka's own schemas as facts (schemas.txt), and an encoder that follows them and shares no code with src: what the
// tables of the broker are held to. It can also write lengths that are wrong, and tags that nobody knows.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ZERO_UUID } from "../../../src/record/bytes.js";
import type { Random } from "../../support/random.js";

interface Range {
  readonly since: number;
  readonly until: number;
}

export interface Fact extends Range {
  readonly name: string;
  /** `struct` also for the items of an array of structs. */
  readonly type: string;
  readonly isArray: boolean;
  readonly nullable: Range | undefined;
  readonly tag: number | undefined;
  readonly stated: string | undefined;
  readonly fields: readonly Fact[];
}

export interface ApiFacts {
  readonly key: number;
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly flexibleSince: number;
  readonly request: readonly Fact[];
  readonly response: readonly Fact[];
}

export type Value = boolean | number | string | null | Uint8Array | readonly Value[] | Struct;
export interface Struct {
  readonly [name: string]: Value;
}

/** Kafka's schemas, by the key of the API. */
export function readFacts(): Map<number, ApiFacts> {
  const lines = readFileSync(join(import.meta.dir, "schemas.txt"), "utf8")
    .trimEnd()
    .split("\n");
  const entries = lines.filter((line) => !line.startsWith("#"));
  const apis = new Map<number, ApiFacts>();
  for (let i = 0; i < entries.length; i += 3) {
    const head = /^(\d+) (\w+) v(\d+)-(\d+) flexible (none|\d+)/.exec(entries[i]!);
    if (head === null) throw new Error(`no API: ${entries[i]}`);
    const [, key, name, min, max, flexible] = head;
    apis.set(Number(key), {
      ...{ key: Number(key), name: name!, min: Number(min), max: Number(max) },
      flexibleSince: flexible === "none" ? Number.POSITIVE_INFINITY : Number(flexible),
      request: parseFields(entries[i + 1]!.slice("  Q ".length)),
      response: parseFields(entries[i + 2]!.slice("  R ".length)),
    });
  }
  return apis;
}

function parseFields(text: string): Fact[] {
  const tokens = text.match(/[;{}]|[^\s;{}]+/g) ?? [];
  let at = 0;
  const list = (): Fact[] => {
    const facts: Fact[] = [];
    while (at < tokens.length && tokens[at] !== "}") {
      facts.push(one());
      if (tokens[at] === ";") at++;
    }
    return facts;
  };
  const one = (): Fact => {
    const name = tokens[at++]!;
    const type = tokens[at++]!;
    const options: string[] = [];
    while (at < tokens.length && !";{}".includes(tokens[at]!)) options.push(tokens[at++]!);
    let fields: Fact[] = [];
    if (tokens[at] === "{") {
      at++;
      fields = list();
      at++;
    }
    const option = (start: string): string | undefined =>
      options.find((each) => each.startsWith(start))?.slice(start.length);
    const nullable = option("?");
    const tag = option("TAG");
    return {
      ...{ name, fields, stated: option("="), ...rangeOf(option("v") ?? "") },
      isArray: type.endsWith("[]"),
      type: type === "[]" ? "struct" : type.replace("[]", ""),
      nullable: nullable === undefined ? undefined : rangeOf(nullable),
      tag: tag === undefined ? undefined : Number(tag),
    };
  };
  return list();
}

/** `3`, `3+` or `3-7`; all versions if empty. */
function rangeOf(text: string): Range {
  if (text === "") return { since: 0, until: Number.POSITIVE_INFINITY };
  const [since, until] = text.split("-");
  if (text.endsWith("+"))
    return { since: Number(text.slice(0, -1)), until: Number.POSITIVE_INFINITY };
  return { since: Number(since), until: Number(until ?? since) };
}

const includes = ({ since, until }: Range, version: number): boolean =>
  version >= since && version <= until;

/** The value of a field that is not in a message. */
export function defaultOf(fact: Fact): Value {
  const { type, stated } = fact;
  if (stated === "null") return null;
  if (fact.isArray) return [];
  if (type === "struct") return null;
  if (type === "bool") return stated === "true";
  if (type === "string") return stated ?? "";
  if (type === "uuid") return ZERO_UUID;
  if (type === "bytes") return new Uint8Array(0);
  if (type === "records") return [new Uint8Array(0)];
  return Number(stated ?? 0);
}

const INTEGERS: Readonly<Record<string, readonly number[]>> = {
  int8: [-128, -1, 0, 1, 127],
  int16: [-32_768, -1, 0, 1, 32_767],
  uint16: [0, 1, 32_768, 65_535],
  int32: [-(2 ** 31), -1, 0, 1, 2 ** 31 - 1],
  int64: [Number.MIN_SAFE_INTEGER, -2, -1, 0, 1, 2 ** 32, Number.MAX_SAFE_INTEGER],
};

const STRINGS = [
  "",
  "a",
  "topic-1",
  "häß €",
  "\u{1f600}",
  "x".repeat(126),
  "y".repeat(127),
  "z".repeat(300),
];

/** A value with every field of the tables: random if the version has it, otherwise its default. */
export function randomValue(facts: readonly Fact[], version: number, random: Random): Struct {
  return Object.fromEntries(facts.map((fact) => [fact.name, fieldOf(fact, version, random)]));
}

function fieldOf(fact: Fact, version: number, random: Random): Value {
  if (!includes(fact, version)) return defaultOf(fact);
  if (fact.tag !== undefined && random.chance(0.4)) return defaultOf(fact);
  if (fact.nullable !== undefined && includes(fact.nullable, version) && random.chance(0.2)) {
    return null;
  }
  if (!fact.isArray) return itemOf(fact, version, random);
  // One item at least in a tagged array, which would be left out.
  const items = random.pick([0, 1, 2, 3]) + (fact.tag === undefined ? 0 : 1);
  return Array.from({ length: items }, () => itemOf(fact, version, random));
}

function itemOf({ type, fields }: Fact, version: number, random: Random): Value {
  switch (type) {
    case "struct":
      return randomValue(fields, version, random);
    case "bool":
      return random.chance(0.5);
    case "string":
      return random.pick(STRINGS);
    case "uuid":
      return random.chance(0.2) ? ZERO_UUID : uuidOf(random.bytes(16));
    case "bytes":
      return random.bytes(random.pick([0, 1, 61, 126, 127, 200]));
    case "records":
      return [random.bytes(random.pick([0, 1, 61, 126, 127, 200]))];
    case "float64":
      return random.pick([0, -1.5, 1e300, random.next()]);
    default:
      return random.pick(INTEGERS[type]!);
  }
}

function uuidOf(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString("hex");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** A value without the fields that the version does not have. */
export function presentOf(facts: readonly Fact[], value: Struct, version: number): Struct {
  const present = facts.filter(
    (fact) => includes(fact, version) && Object.hasOwn(value, fact.name),
  );
  return Object.fromEntries(
    present.map(({ name, type, fields }) => {
      const inner = (each: Value): Value =>
        type === "struct" && each !== null ? presentOf(fields, each as Struct, version) : each;
      const field = value[name]!;
      return [name, Array.isArray(field) ? field.map(inner) : inner(field)];
    }),
  );
}

/** What an encoding may do wrong. */
export interface Mischief {
  /** Which length to replace, counted from 0, and by what; null lengths are -1 in every version. */
  readonly length?: { readonly number: number; readonly value: number };
  /** Adds tags to every struct that no version knows. */
  readonly unknownTags?: boolean;
}

export interface Length {
  readonly kind: "string" | "bytes" | "array" | "tag";
  readonly mayBeNull: boolean;
}

/** A message's bytes, and the lengths in it in order. */
export interface Encoded {
  readonly bytes: Uint8Array;
  readonly lengths: readonly Length[];
}

/** Encodes a body as Kafka's schemas say. */
export function encodeByFacts(
  facts: readonly Fact[],
  value: Struct,
  version: number,
  isFlexible: boolean,
  mischief: Mischief = {},
): Encoded {
  const encoder = new FactEncoder(version, isFlexible, mischief);
  const bytes: number[] = [];
  encoder.struct(bytes, facts, value);
  return { bytes: Uint8Array.from(bytes), lengths: encoder.lengths };
}

class FactEncoder {
  readonly lengths: Length[] = [];
  readonly #version: number;
  readonly #isFlexible: boolean;
  readonly #mischief: Mischief;

  constructor(version: number, isFlexible: boolean, mischief: Mischief) {
    this.#version = version;
    this.#isFlexible = isFlexible;
    this.#mischief = mischief;
  }

  struct(out: number[], facts: readonly Fact[], value: Struct): void {
    const present = facts.filter((fact) => includes(fact, this.#version));
    for (const fact of present) {
      if (fact.tag === undefined) this.#field(out, fact, value[fact.name]!);
    }
    if (!this.#isFlexible) return;
    const tagged = present
      .filter((fact) => fact.tag !== undefined && !isDefault(fact, value[fact.name]!))
      .sort((a, b) => a.tag! - b.tag!);
    const unknown = this.#mischief.unknownTags === true ? [900, 70_000] : [];
    uvarint(out, tagged.length + unknown.length);
    for (const fact of tagged) {
      uvarint(out, fact.tag!);
      const number = this.lengths.length;
      this.lengths.push({ kind: "tag", mayBeNull: false });
      const inner: number[] = [];
      this.#field(inner, fact, value[fact.name]!);
      uvarint(out, this.#replaced(number, inner.length));
      append(out, inner);
    }
    for (const tag of unknown) {
      uvarint(out, tag);
      uvarint(out, 3);
      append(out, [1, 2, 3]);
    }
  }

  #field(out: number[], fact: Fact, value: Value): void {
    if (!fact.isArray) {
      this.#item(out, fact, value);
      return;
    }
    const items = value as readonly Value[] | null;
    this.#length(out, "array", fact, items === null ? -1 : items.length, 4);
    for (const item of items ?? []) this.#item(out, fact, item);
  }

  #item(out: number[], fact: Fact, value: Value): void {
    switch (fact.type) {
      case "struct":
        if (!fact.isArray && this.#mayBeNull(fact)) integer(out, value === null ? -1 : 1, 1);
        if (value !== null) this.struct(out, fact.fields, value as Struct);
        break;
      case "bool":
        out.push(value === true ? 1 : 0);
        break;
      case "string": {
        const bytes = value === null ? null : Buffer.from(value as string);
        this.#length(out, "string", fact, bytes === null ? -1 : bytes.length, 2);
        if (bytes !== null) append(out, bytes);
        break;
      }
      case "bytes":
      case "records": {
        // Records come in pieces, here in one.
        const bytes = (Array.isArray(value) ? value[0] : value) as Uint8Array | null;
        this.#length(out, "bytes", fact, bytes === null ? -1 : bytes.length, 4);
        if (bytes !== null) append(out, bytes);
        break;
      }
      case "uuid":
        append(out, Buffer.from((value as string).replaceAll("-", ""), "hex"));
        break;
      case "float64": {
        const bytes = Buffer.alloc(8);
        bytes.writeDoubleBE(value as number);
        append(out, bytes);
        break;
      }
      default:
        integer(out, value as number, Number(/\d+$/.exec(fact.type)![0]) / 8);
    }
  }

  #length(out: number[], kind: Length["kind"], fact: Fact, due: number, width: number): void {
    const mayBeNull = this.#mayBeNull(fact) && (kind === "array" || !fact.isArray);
    const value = this.#replaced(this.lengths.length, due);
    this.lengths.push({ kind, mayBeNull });
    if (this.#isFlexible) uvarint(out, value + 1);
    else integer(out, value, width);
  }

  #replaced(number: number, due: number): number {
    const { length } = this.#mischief;
    return length?.number === number ? length.value : due;
  }

  #mayBeNull({ nullable }: Fact): boolean {
    return nullable !== undefined && includes(nullable, this.#version);
  }
}

function isDefault(fact: Fact, value: Value): boolean {
  const due = defaultOf(fact);
  if (Array.isArray(due) || due instanceof Uint8Array) {
    return value !== null && (value as { readonly length: number }).length === 0;
  }
  return value === due;
}

function append(out: number[], bytes: Iterable<number>): void {
  for (const byte of bytes) out.push(byte);
}

function integer(out: number[], value: number, width: number): void {
  const all = BigInt.asUintN(width * 8, BigInt(value));
  for (let shift = width * 8 - 8; shift >= 0; shift -= 8) {
    out.push(Number((all >> BigInt(shift)) & 255n));
  }
}

/** Seven bits a byte, the lowest first. Negative values are as of 32 bits. */
function uvarint(out: number[], value: number): void {
  let left = BigInt(value < 0 ? value + 2 ** 32 : value);
  while (left >= 0x80n) {
    out.push(Number(left & 0x7fn) | 0x80);
    left >>= 7n;
  }
  out.push(Number(left));
}
