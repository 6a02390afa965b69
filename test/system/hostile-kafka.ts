// What a hostile client of Kafka's protocol sends: requests of every API and version, valid or mutated, with lengths that
// are wrong, and random bytes behind a valid opening. Leaves to others: sending it, and what is expected (fuzz-port.ts).
import { KAFKA_API_NAMES, KAFKA_APIS } from "../../src/protocol/kafka/apis.js";
import {
  type ApiFacts,
  encodeByFacts,
  type Fact,
  type Mischief,
  randomValue,
  readFacts,
  type Struct,
  type Value,
} from "../protocol/kafka/facts.js";
import type { Random } from "../support/random.js";
import { batchOf } from "../support/broker.js";
import { framed, mutated, TARGET, withExtreme } from "./hostile-input.js";
import { concat } from "../support/bytes.js";

const FACTS = readFacts();
const ALL = [...FACTS.values()];
const SERVED = KAFKA_API_NAMES.map((name) => FACTS.get(KAFKA_APIS[name].key)!);

/** Texts that get further than random ones. */
const TEXTS = [TARGET, TARGET, "1", "user", "retention.ms", "cleanup.policy", "compact", "1000"];

/** Longest wait of a valid request, in milliseconds, so that a case ends soon. */
const WAIT_MS_MAX = 20;

/** One case: what one connection sends. */
export function hostileKafka(random: Random): Uint8Array {
  switch (random.below(7)) {
    case 0:
      return concat(Array.from({ length: 1 + random.below(6) }, () => request(random)));
    case 1:
      return mutated(request(random), random);
    case 2:
      return withExtreme(request(random), random);
    case 3:
      return request(random, { wrongLength: true });
    case 4: {
      const payload = concat([
        Uint8Array.of(0, random.below(80), 0, random.below(14)),
        random.bytes(random.below(300)),
      ]);
      return framed(random.chance(0.7) ? payload.length : random.below(2 ** 32), payload);
    }
    case 5: {
      const whole = request(random);
      return whole.subarray(0, random.below(whole.length));
    }
    default:
      return mutated(
        concat(Array.from({ length: 1 + random.below(20) }, () => request(random))),
        random,
      );
  }
}

/** A request of a served API, sometimes of another, in a version that is mostly served. */
function request(random: Random, options: { readonly wrongLength?: boolean } = {}): Uint8Array {
  const api = random.pick(random.chance(0.9) ? SERVED : ALL);
  const version = random.chance(0.97)
    ? api.min + random.below(api.max - api.min + 1)
    : random.pick([api.min - 1, api.max + 1, 99, -1]);
  const isFlexible = version >= api.flexibleSince;
  const value = plausible(api.request, randomValue(api.request, version, random), random) as Struct;
  const unknownTags = random.chance(0.1);
  const whole = encodeByFacts(api.request, value, version, isFlexible, { unknownTags });
  let { bytes } = whole;
  if (options.wrongLength === true && whole.lengths.length > 0) {
    const length = {
      number: random.below(whole.lengths.length),
      value: random.pick([-2, -1, 0, 1, bytes.length, 32_767, 2 ** 31 - 1]),
    };
    const mischief: Mischief = { length, unknownTags };
    bytes = encodeByFacts(api.request, value, version, isFlexible, mischief).bytes;
  }
  const payload = concat([headerOf(api, version, random), bytes]);
  return framed(payload.length, payload);
}

function headerOf({ key, flexibleSince }: ApiFacts, version: number, random: Random): Uint8Array {
  const header = new DataView(new ArrayBuffer(10));
  header.setInt16(0, key);
  header.setInt16(2, version);
  header.setInt32(4, 1 + random.below(1000));
  header.setInt16(8, -1);
  const fixed = new Uint8Array(header.buffer);
  return version >= flexibleSince ? concat([fixed, Uint8Array.of(0)]) : fixed;
}

/** A value with some fields replaced by what a handler does not refuse at once. */
function plausible(facts: readonly Fact[], value: Struct, random: Random): Struct {
  const fields = facts.map((fact) => {
    const field = value[fact.name]!;
    const inner = (each: Value): Value => plausibleItem(fact, each, random);
    return [fact.name, Array.isArray(field) ? field.map(inner) : inner(field)];
  });
  return Object.fromEntries(fields) as Struct;
}

function plausibleItem(fact: Fact, value: Value, random: Random): Value {
  if (value === null) return null;
  // Nothing waits for long, and no topic takes the disk.
  if (fact.name === "maxWaitMs") return random.below(WAIT_MS_MAX);
  if (fact.name === "numPartitions" || fact.name === "count")
    return random.pick([-1, 0, 1, 3, 2 ** 31 - 1]);
  if (fact.type === "struct") return plausible(fact.fields, value as Struct, random);
  if (fact.type === "records") {
    // Long ones arrive in several chunks, and are not copied into one.
    const length = random.below(random.chance(0.05) ? 40_000 : 100);
    return random.chance(0.8) ? batchOf("a", "bb".repeat(length), "") : value;
  }
  if (fact.type === "string") return random.chance(0.6) ? random.pick(TEXTS) : value;
  if (/^u?int/.test(fact.type))
    return random.chance(0.7) ? random.pick([-1, 0, 0, 0, 1, 2]) : value;
  return value;
}
