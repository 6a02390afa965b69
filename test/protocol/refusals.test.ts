// When a request is rejected, and the message: a count is compared with the remaining bytes before any item is read, the
// smallest possible items are accepted, and a missing field is named as in docs/PROTOCOL.md.
import { describe, expect, test } from "bun:test";
import { RustLogError } from "../../src/errors.js";
import { CODECS, type Codec, thrownBy } from "./codecs.js";
import { encodeByGrammar, type Field, type FieldType, isArray, type Value } from "./grammar.js";

const ENVELOPE_BYTES = 6;
/** More bytes than the smallest item of any array has, so that a bound that is off by one is noticed. */
const ITEMS = 64;
const SMALLEST = {
  u8: 0,
  bool: false,
  u32: 0,
  i64: 0,
  uuid: undefined,
  string: "",
  bytes: new Uint8Array(0),
};
const LONG = { ...SMALLEST, string: "x".repeat(60), bytes: new Uint8Array(60) };

/** A value with these leaves, and with `items` items in each array. */
function valueWith(
  grammar: readonly Field[],
  leaves: Readonly<Record<string, unknown>>,
  items: number,
): Value {
  const sample = (type: FieldType): unknown => {
    if (typeof type === "string") return leaves[type];
    if (!isArray(type)) return type.absent;
    return Array.from({ length: items }, () => valueWith(type, leaves, items));
  };
  return Object.fromEntries(grammar.map(({ name, type }) => [name, sample(type)]));
}

function bytesOf(grammar: readonly Field[], value: Value): number {
  return encodeByGrammar(grammar, value).bytes.length;
}

function payloadOf(codec: Codec, value: Value): Uint8Array {
  return Uint8Array.from(codec.encode(7, value)).subarray(4);
}

function messageOf(codec: Codec, payload: Uint8Array): string {
  const error = thrownBy(() => codec.decode(payload));
  expect(error).toBeInstanceOf(RustLogError);
  expect((error as RustLogError).code).toBe("INVALID_REQUEST");
  return (error as RustLogError).message;
}

/** The names of all arrays, also of those in items of others. */
function arrayNamesOf(grammar: readonly Field[]): string[] {
  return grammar.flatMap(({ name, type }) => (isArray(type) ? [name, ...arrayNamesOf(type)] : []));
}

/** The top-level arrays of a body, each with the fields before it. */
function arraysOf(
  grammar: readonly Field[],
): { name: string; item: readonly Field[]; at: number }[] {
  return grammar.flatMap(({ name, type }, index) => {
    if (!isArray(type)) return [];
    const before = grammar.slice(0, index);
    return [{ name, item: type, at: bytesOf(before, valueWith(before, SMALLEST, ITEMS)) }];
  });
}

/** The end of each field that is not an array, and its name. */
function leavesOf(
  grammar: readonly Field[],
  value: Value,
  start = 0,
): { name: string; end: number }[] {
  const leaves: { name: string; end: number }[] = [];
  let at = start;
  for (const field of grammar) {
    const { name, type } = field;
    const end = at + bytesOf([field], value);
    if (typeof type === "string") leaves.push({ name, end });
    else if (isArray(type)) {
      leaves.push({ name, end: at + 4 });
      for (const item of value[name] as Value[]) {
        const from = leaves.at(-1)!.end;
        leaves.push(...leavesOf(type, item, from));
      }
    }
    at = end;
  }
  return leaves;
}

describe.each(CODECS.filter(({ grammar }) => grammar.length > 0))(
  "$api $kind, version $version",
  (codec) => {
    const { grammar } = codec;
    const smallest = valueWith(grammar, SMALLEST, ITEMS);

    test("of the smallest fields is read, with items in all arrays or in one", () => {
      expect(codec.decode(payloadOf(codec, smallest))).toEqual(smallest);
      const empty = valueWith(grammar, SMALLEST, 0);
      for (const { name } of arraysOf(grammar)) {
        const value = { ...empty, [name]: smallest[name] };
        expect(codec.decode(payloadOf(codec, value))).toEqual(value);
      }
    });

    if (arraysOf(grammar).length > 0)
      test("with one item more than the remaining bytes can hold is rejected before the first is read", () => {
        for (const { name, item, at } of arraysOf(grammar)) {
          const payload = payloadOf(codec, smallest);
          const left = payload.length - ENVELOPE_BYTES - at - 4;
          const count = Math.floor(left / bytesOf(item, valueWith(item, SMALLEST, 0))) + 1;
          new DataView(payload.buffer, payload.byteOffset).setUint32(ENVELOPE_BYTES + at, count);
          expect(messageOf(codec, payload)).toBe(
            `field '${name}': ${count} items can't be in ${left} bytes`,
          );
        }
      });

    test("that is truncated is rejected with the name of the incomplete field, or of its array", () => {
      const long = valueWith(grammar, LONG, 1);
      const payload = payloadOf(codec, long);
      const leaves = leavesOf(grammar, long);
      expect(leaves.at(-1)?.end ?? 0).toBe(payload.length - ENVELOPE_BYTES);
      const arrays = arrayNamesOf(grammar);
      for (let end = 0; end < payload.length - ENVELOPE_BYTES; end++) {
        const { name } = leaves.find((leaf) => leaf.end > end)!;
        const message = messageOf(codec, payload.subarray(0, ENVELOPE_BYTES + end));
        const named = /^field '(?:[a-z]+ )?(\w+)': /.exec(message)?.[1] ?? message;
        const isArray = message.includes("items can't be in") && arrays.includes(named);
        if (!isArray) expect([end, named]).toEqual([end, name]);
      }
    });
  },
);
