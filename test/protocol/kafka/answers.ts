// Compares answers of two brokers: field by field, but for values that a broker makes up, such as ids and ports.
// A made-up value of the recorded broker stands for ours once both have answered it; requests are changed accordingly.
import {
  decodeResponse,
  encodeRequest,
  openRequest,
  readHeader,
} from "../../../src/protocol/kafka/headers.js";
import { KAFKA_APIS, kafkaApiName } from "../../../src/protocol/kafka/apis.js";
import type { Api } from "../../../src/protocol/kafka/schema.js";
import { readI64, writeI64, writeU32, ZERO_UUID } from "../../../src/record/bytes.js";
import { BATCH_HEADER_BYTES, batchBytes, crc, FIELD } from "../../../src/record/batch.js";
import { tableCrc32c } from "../../../src/record/crc32c.js";
import type { Recording } from "./oracle.js";

type Plain = boolean | number | string | null;
type Value = Plain | Uint8Array | readonly Value[] | { readonly [name: string]: Value };

/** Fields whose values a broker makes up, and what such a value looks like. The first that is answered is learned. */
const MADE_UP: Readonly<Record<string, (value: Plain) => boolean>> = {
  topicId: (value) => value !== ZERO_UUID,
  producerId: (value) => typeof value === "number" && value >= 0,
  memberId: (value) => value !== "",
  clusterId: (value) => typeof value === "string" && /^[\w-]{22}$/.test(value),
};

/** Fields whose values are those of others. */
const ALIAS: Readonly<Record<string, string>> = { leader: "memberId" };

/** Fields that tell the items of an array apart, so that their order does not matter. */
const IDENTITY = [
  ...["name", "topicName", "topic", "resourceName", "configName", "groupId", "key", "apiKey"],
  ...["entityType"],
  ...[
    "topicId",
    "partitionIndex",
    "partition",
    "partitionId",
    "index",
    "nodeId",
    "producerId",
    "brokerId",
    "user",
  ],
];

/** Texts for people, which are the broker's own. */
const TEXTS = ["errorMessage", "batchIndexErrorMessage", "documentation"];

/** Numbers that depend on the machine; whether there is one must be equal. */
const MACHINE = ["totalBytes", "usableBytes"];

const DAY_MS = 86_400_000;
const NOW_MS = 120_000;

/** What one side answers, by path. An array or struct has a path of its own. */
type Flat = Map<string, Plain>;

export class Comparison {
  readonly #recordedAt: number;
  /** Our time less the recorded one. */
  readonly #shift: number;
  /** Ours, by field and recorded value. */
  readonly #ours = new Map<string, Plain>();

  constructor(recording: Recording, ours: { readonly port: number; readonly dataDir: string }) {
    this.#recordedAt = recording.recordedAt;
    this.#shift = Date.now() - recording.recordedAt;
    this.#ours.set(`port ${recording.port}`, ours.port);
    this.#ours.set(`logDir ${recording.logDirectory}`, ours.dataDir);
  }

  /** The request to send: with our ids and the present time. Unchanged if it can't be decoded. */
  request(payload: Uint8Array): Uint8Array {
    const decoded = decode(payload);
    if (decoded === undefined) return framed(payload);
    const changed = this.#ofOurs(decoded.value, "") as typeof decoded.value;
    const same = decoded.encode(decoded.value);
    if (Buffer.compare(same, framed(payload)) !== 0) return framed(payload);
    return decoded.encode(changed);
  }

  /** What differs between two responses to a request, as lines that start with the path. */
  differences(request: Uint8Array, recorded: Uint8Array, ours: Uint8Array): string[] {
    if (Buffer.compare(recorded, ours) === 0) return [];
    const { apiKey, apiVersion } = readHeader(request);
    const api = apiOf(apiKey)!;
    const version = responseVersion(apiKey, apiVersion, api.max);
    const theirValue = decodeResponse(api, version, recorded);
    const ourValue = decodeResponse(api, version, ours);
    const actual = flatten(ourValue.value as Value);
    const theirs = withWholeBatches(theirValue.value as Value, "");
    let expected = flatten(this.#ofOurs(theirs, ""));
    if (this.#learn(expected, actual)) expected = flatten(this.#ofOurs(theirs, ""));
    const lines: string[] = [];
    if (theirValue.correlationId !== ourValue.correlationId) lines.push("correlationId");
    const missing = [...expected.keys()].filter((path) => !actual.has(path));
    const extra = [...actual.keys()].filter((path) => !expected.has(path));
    for (const path of outermost(missing))
      lines.push(`${path}: only in Kafka's answer, ${show(expected.get(path))}`);
    for (const path of outermost(extra))
      lines.push(`${path}: only in RustLog's answer, ${show(actual.get(path))}`);
    for (const [path, value] of expected) {
      const our = actual.get(path);
      if (our === undefined || this.#isSame(path, value, our)) continue;
      lines.push(`${path}: Kafka ${show(value)}, RustLog ${show(our)}`);
    }
    return withoutConsequences(lines);
  }

  #isSame(path: string, recorded: Plain, ours: Plain): boolean {
    if (recorded === ours) return true;
    const name = path.slice(path.lastIndexOf(".") + 1);
    if (TEXTS.includes(name))
      return typeof recorded === typeof ours && (recorded === "") === (ours === "");
    if (typeof recorded !== "number" || typeof ours !== "number") return false;
    if (MACHINE.includes(name)) return recorded > 0 && ours > 0;
    // A time that each broker took from its own clock.
    const isNow = Math.abs(recorded - this.#recordedAt - this.#shift) < NOW_MS;
    return isNow && /(?:TimeMs|Timestamp)$/.test(name) && Math.abs(ours - Date.now()) < NOW_MS;
  }

  /** Returns whether there was something to learn. */
  #learn(recorded: Flat, ours: Flat): boolean {
    const known = new Set(this.#ours.values());
    const before = this.#ours.size;
    for (const [path, value] of recorded) {
      const field = path.slice(path.lastIndexOf(".") + 1);
      const name = ALIAS[field] ?? field;
      const isMadeUp = Object.hasOwn(MADE_UP, name) ? MADE_UP[name] : undefined;
      const our = ours.get(path);
      if (isMadeUp === undefined || our === undefined || value === our) continue;
      if (!isMadeUp(value) || !isMadeUp(our) || this.#ours.has(`${name} ${value}`)) continue;
      if (known.has(our) || known.has(value)) continue;
      this.#ours.set(`${name} ${value}`, our);
    }
    return this.#ours.size > before;
  }

  #ofOurs(value: Value, name: string): Value {
    if (value === null || typeof value === "boolean") return value;
    if (value instanceof Uint8Array) return value;
    if (name === "records") return [this.#restamp(Buffer.concat(value as readonly Uint8Array[]))];
    if (Array.isArray(value)) return value.map((each: Value) => this.#ofOurs(each, name));
    if (typeof value === "object") {
      const fields = Object.entries(value as { readonly [name: string]: Value });
      return Object.fromEntries(fields.map(([key, each]) => [key, this.#ofOurs(each, key)]));
    }
    const known = this.#ours.get(`${ALIAS[name] ?? name} ${value as string | number}`);
    if (known !== undefined) return known;
    return typeof value === "number" ? this.#time(value) : (value as Plain);
  }

  #time(value: number): number {
    return Math.abs(value - this.#recordedAt) < 3 * DAY_MS ? value + this.#shift : value;
  }

  /** Batches with their times moved, and their CRC anew if it was right. */
  #restamp(records: Uint8Array): Uint8Array {
    const bytes = Uint8Array.from(records);
    for (let at = 0; bytes.length - at >= BATCH_HEADER_BYTES;) {
      const end = at + batchBytes(bytes, at);
      if (end - at < BATCH_HEADER_BYTES || end > bytes.length) break;
      const isWhole = tableCrc32c(bytes, at + FIELD.attributes, end) === crc(bytes, at);
      for (const field of [FIELD.baseTimestamp, FIELD.maxTimestamp]) {
        const time = readI64(bytes, at + field);
        writeI64(bytes, at + field, this.#time(time));
      }
      if (isWhole) writeU32(bytes, at + FIELD.crc, tableCrc32c(bytes, at + FIELD.attributes, end));
      at = end;
    }
    return bytes;
  }
}

/** Kafka cuts fetched records at a number of bytes, and clients drop the batch that is cut; ours ends with a whole one. */
function withWholeBatches(value: Value, name: string): Value {
  if (value === null || typeof value !== "object" || value instanceof Uint8Array) return value;
  if (name === "records") return [wholeBatches(Buffer.concat(value as readonly Uint8Array[]))];
  if (Array.isArray(value)) return value.map((each: Value) => withWholeBatches(each, name));
  const fields = Object.entries(value as { readonly [name: string]: Value });
  return Object.fromEntries(fields.map(([key, each]) => [key, withWholeBatches(each, key)]));
}

function wholeBatches(bytes: Uint8Array): Uint8Array {
  let end = 0;
  while (bytes.length - end >= BATCH_HEADER_BYTES) {
    const length = batchBytes(bytes, end);
    if (length < BATCH_HEADER_BYTES || length > bytes.length - end) break;
    end += length;
  }
  return bytes.subarray(0, end);
}

export function apiOf(key: number): Api | undefined {
  const name = kafkaApiName(key);
  return name === undefined ? undefined : (KAFKA_APIS[name] as unknown as Api);
}

/** An ApiVersions request of an unknown version is answered in version 0. */
function responseVersion(key: number, version: number, max: number): number {
  return key === KAFKA_APIS.ApiVersions.key && version > max ? 0 : version;
}

interface DecodedRequest {
  readonly value: Value;
  encode(value: Value): Uint8Array;
}

function decode(payload: Uint8Array): DecodedRequest | undefined {
  if (payload.length < 8) return undefined;
  const header = readHeader(payload);
  const api = apiOf(header.apiKey);
  if (api === undefined || header.apiVersion < api.min || header.apiVersion > api.max)
    return undefined;
  try {
    const { reader, clientId } = openRequest([payload], header.apiVersion >= api.flexibleSince);
    return {
      value: api.request.read(reader, header.apiVersion) as Value,
      encode: (value) => encodeRequest(api, { ...header, clientId }, value as never),
    };
  } catch {
    return undefined;
  }
}

function framed(payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(4 + payload.length);
  writeU32(frame, 0, payload.length);
  frame.set(payload, 4);
  return frame;
}

function flatten(value: Value): Flat {
  const flat: Flat = new Map();
  const walk = (each: Value, path: string): void => {
    if (each instanceof Uint8Array) flat.set(path, Buffer.from(each).toString("hex"));
    else if (Array.isArray(each)) {
      flat.set(path, "array");
      const names = new Map<string, number>();
      (each as readonly Value[]).forEach((item, index) => {
        const name = identity(item) ?? String(index);
        const before = names.get(name) ?? 0;
        names.set(name, before + 1);
        walk(item, `${path}[${name}${before === 0 ? "" : `, again ${before}`}]`);
      });
    } else if (typeof each === "object" && each !== null) {
      if (path !== "") flat.set(path, "struct");
      for (const [name, inner] of Object.entries(each as { readonly [name: string]: Value }))
        walk(inner, path === "" ? name : `${path}.${name}`);
    } else flat.set(path, each as Plain);
  };
  walk(value, "");
  return flat;
}

function identity(item: Value): string | undefined {
  if (typeof item !== "object" || item === null || Array.isArray(item)) return undefined;
  // Quotas are in the order of a hash table in Kafka's answers.
  if ("entity" in item) return JSON.stringify(item.entity);
  for (const name of IDENTITY) {
    const value = (item as { readonly [name: string]: Value })[name];
    const isUsed =
      typeof value === "number" ||
      (typeof value === "string" &&
        // There may be a group without a name.
        (value !== "" || name === "groupId") &&
        value !== ZERO_UUID);
    if (isUsed) return String(value);
  }
  return undefined;
}

/** Where error codes differ, everything else beside them differs too, and says nothing more. */
function withoutConsequences(lines: readonly string[]): string[] {
  const failed = lines.flatMap((line) => /^(.*?)errorCode: /.exec(line)?.slice(1) ?? []);
  return lines.filter((line) => {
    const within = failed.filter((prefix) => line.startsWith(prefix));
    return within.every((prefix) => line.startsWith(`${prefix}errorCode: `));
  });
}

/** Paths that are not within another of them. */
function outermost(paths: readonly string[]): string[] {
  const all = new Set(paths);
  return paths.filter((path) => {
    for (let at = path.length - 1; at > 0; at--) {
      if ((path[at] === "." || path[at] === "[") && all.has(path.slice(0, at))) return false;
    }
    return true;
  });
}

function show(value: Plain | undefined): string {
  return JSON.stringify(value) ?? "nothing";
}
