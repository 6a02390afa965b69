// Holds every table to Kafka's own schemas, at every version and in both directions, and every length to what is left.
// Leaves to others: the schemas and their encoder (facts.ts).
import { describe, expect, test } from "bun:test";
import { RustLogError } from "../../../src/errors.js";
import { KAFKA_API_NAMES, KAFKA_APIS } from "../../../src/protocol/kafka/apis.js";
import { KafkaReader } from "../../../src/protocol/kafka/reader.js";
import type { Api, Body } from "../../../src/protocol/kafka/schema.js";
import { KafkaWriter } from "../../../src/protocol/kafka/writer.js";
import { NO_BYTES } from "../../../src/record/bytes.js";
import { Random } from "../../support/random.js";
import {
  type ApiFacts,
  encodeByFacts,
  type Fact,
  presentOf,
  readFacts,
  type Struct,
  randomValue,
} from "./facts.js";

const FACTS = readFacts();
const VALUES = 6;

/** One direction of an API in one version. */
interface Case {
  readonly name: string;
  readonly body: Body<never>;
  readonly facts: readonly Fact[];
  readonly version: number;
  readonly isRequest: boolean;
  readonly isFlexible: boolean;
}

function casesOf(api: Api, facts: ApiFacts): Case[] {
  const cases: Case[] = [];
  for (let version = Math.max(api.min, facts.min); version <= api.max; version++) {
    for (const direction of ["request", "response"] as const) {
      cases.push({
        name: `${direction} v${version}`,
        body: api[direction] as Body<never>,
        facts: facts[direction],
        version,
        isRequest: direction === "request",
        isFlexible: version >= facts.flexibleSince,
      });
    }
  }
  return cases;
}

function read(
  { body, version, isFlexible }: Case,
  ...pieces: [Uint8Array, ...Uint8Array[]]
): Struct {
  return body.read(new KafkaReader(pieces, isFlexible), version) as unknown as Struct;
}

function write({ body, version, isFlexible }: Case, value: Struct): Uint8Array {
  const writer = new KafkaWriter(isFlexible);
  body.write(writer, value as never, version);
  return Uint8Array.from(writer.finish());
}

function encode({ facts, version, isFlexible }: Case, value: Struct, mischief = {}) {
  return encodeByFacts(facts, value, version, isFlexible, mischief);
}

function isRefused(each: Case, bytes: Uint8Array): boolean {
  try {
    read(each, bytes);
    return false;
  } catch (error) {
    if (error instanceof RustLogError && error.code === "INVALID_REQUEST") return true;
    throw error;
  }
}

/** Of each case, the sample whose length is nearest to this one. */
const TYPICAL_BYTES = 120;

for (const apiName of KAFKA_API_NAMES) {
  const api = KAFKA_APIS[apiName] as unknown as Api;
  const facts = FACTS.get(api.key)!;
  const random = new Random(api.key);
  const all = casesOf(api, facts).map((each) => {
    const values = Array.from({ length: VALUES }, () =>
      randomValue(each.facts, each.version, random),
    );
    const samples = values.map((value) => ({ value, ...encode(each, value) }));
    const distance = (bytes: Uint8Array): number => Math.abs(bytes.length - TYPICAL_BYTES);
    const typical = samples.toSorted((a, b) => distance(a.bytes) - distance(b.bytes))[0]!;
    return { each, samples, typical };
  });

  describe(apiName, () => {
    test("has the name and only versions that Kafka has", () => {
      expect({ name: apiName as string, flexibleSince: api.flexibleSince }).toEqual({
        name: facts.name,
        flexibleSince: facts.flexibleSince,
      });
      expect(api.max).toBeLessThanOrEqual(facts.max);
    });

    test("is encoded and decoded as Kafka's schemas say", () => {
      for (const { each, samples } of all) {
        for (const { value, bytes } of samples) {
          // What a response lacks in a version matters to nobody; what a request lacks, to the handler.
          const known = (read: Struct): Struct =>
            each.isRequest ? read : presentOf(each.facts, read, each.version);
          expect({ case: each.name, value: known(read(each, bytes)) }).toEqual({
            case: each.name,
            value: known(value),
          });
          expect({ case: each.name, bytes: write(each, value) }).toEqual({
            case: each.name,
            bytes,
          });
        }
      }
    });

    test("is read alike in pieces, wherever they begin", () => {
      const changed: string[] = [];
      for (const { each, typical } of all) {
        // A client of the tests reads responses whole.
        if (!each.isRequest) continue;
        const { bytes } = typical;
        const check = (what: string, pieces: [Uint8Array, ...Uint8Array[]]): void => {
          const again = write(each, read(each, ...pieces));
          if (Buffer.compare(again, bytes) !== 0) changed.push(`${each.name} ${what}`);
        };
        for (let at = 1; at < bytes.length; at++) {
          check(`split at ${at}`, [bytes.subarray(0, at), bytes.subarray(at)]);
        }
        check("byte by byte", [NO_BYTES, ...Array.from(bytes, (byte) => Uint8Array.of(byte))]);
      }
      expect(changed).toEqual([]);
    });

    test("skips tags that it does not know", () => {
      for (const { each, samples } of all) {
        if (!each.isFlexible) continue;
        for (const { value, bytes } of samples) {
          const { bytes: tagged } = encode(each, value, { unknownTags: true });
          expect(write(each, read(each, tagged))).toEqual(bytes);
        }
      }
    });

    test("is refused if it ends too early, wherever", () => {
      const accepted: string[] = [];
      for (const { each, typical } of all) {
        for (let end = 0; end < typical.bytes.length; end++) {
          const isAccepted = !isRefused(each, typical.bytes.subarray(0, end));
          if (isAccepted) accepted.push(`${each.name} of ${end} bytes`);
        }
      }
      expect(accepted).toEqual([]);
    });

    test("is refused if a length is negative, null where there must be a value, or beyond the end", () => {
      const accepted: string[] = [];
      for (const { each, typical } of all) {
        const { value, bytes, lengths } = typical;
        lengths.forEach(({ kind, mayBeNull }, number) => {
          for (const wrong of wrongLengths(kind, mayBeNull, each.isFlexible, bytes.length)) {
            const changed = encode(each, value, { length: { number, value: wrong } });
            const isAccepted = !isRefused(each, changed.bytes);
            if (isAccepted) accepted.push(`${each.name}, ${kind} ${number} of length ${wrong}`);
          }
        });
      }
      expect(accepted).toEqual([]);
    });
  });
}

function wrongLengths(
  kind: string,
  mayBeNull: boolean,
  isFlexible: boolean,
  bytes: number,
): number[] {
  if (kind === "tag") return [bytes, 2 ** 31, 2 ** 32 - 2];
  if (kind === "string" && !isFlexible)
    return [-2, -32_768, Math.min(32_767, bytes), ...(mayBeNull ? [] : [-1])];
  const wrong = isFlexible ? [2 ** 32 - 2, 2 ** 32 - 1, 2 ** 35] : [-2, -(2 ** 31)];
  return [...wrong, bytes + 1, 2 ** 31 - 1, ...(mayBeNull ? [] : [-1])];
}
