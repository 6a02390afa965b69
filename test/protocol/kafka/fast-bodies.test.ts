// The hand-written readers and writers, against their tables, on generated values.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { joined } from "../../../src/record/bytes.js";
import { Produce } from "../../../src/protocol/kafka/produce.js";
import { KafkaReader } from "../../../src/protocol/kafka/reader.js";
import {
  type Api,
  Body,
  type Field,
  type Fields,
  type Kind,
  type PrimitiveField,
  type WriteOf,
} from "../../../src/protocol/kafka/schema.js";
import { KafkaWriter } from "../../../src/protocol/kafka/writer.js";

const piece = fc.uint8Array({ minLength: 61, maxLength: 90 });
const int = (bits: number) => fc.integer({ min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 });

const PRIMITIVES: Readonly<Record<Kind, fc.Arbitrary<unknown>>> = {
  ...{ bool: fc.boolean(), int8: int(8), int16: int(16), int32: int(32) },
  ...{ uint16: fc.nat(0xffff), int64: fc.maxSafeInteger(), float64: fc.double() },
  ...{ uuid: fc.uuid(), string: fc.string({ unit: "grapheme", maxLength: 20 }) },
  ...{ bytes: fc.uint8Array({ maxLength: 20 }), records: fc.tuple(piece) },
};

function anyOf(field: Field, version: number): fc.Arbitrary<unknown> {
  const { kind, options } = field;
  const some =
    kind === "struct"
      ? valuesOf(field.fields, version)
      : kind === "array"
        ? fc.array(itemOf(field.item, version), { maxLength: 3 })
        : PRIMITIVES[kind];
  const isNullable = options.nullable !== undefined && version >= options.nullable;
  const isOmitted = options.tag !== undefined;
  return isOmitted ? fc.option(some, { nil: undefined }) : isNullable ? fc.option(some) : some;
}

function itemOf(item: Fields | PrimitiveField, version: number): fc.Arbitrary<unknown> {
  return typeof item.kind === "string"
    ? PRIMITIVES[item.kind as Kind]
    : valuesOf(item as Fields, version);
}

/** Values of a table, as far as a version has the fields. */
function valuesOf(fields: Fields, version: number): fc.Arbitrary<Record<string, unknown>> {
  return fc.record(
    Object.fromEntries(
      Object.entries(fields)
        .filter(([, { options }]) => version >= (options.since ?? 0))
        .filter(([, { options }]) => version <= (options.until ?? version))
        .map(([name, field]) => [name, anyOf(field, version)]),
    ),
  );
}

/** Calls `check` with values of each version. */
function forAllVersions<F extends Fields>(
  { min, max }: Api,
  { fields }: Body<F>,
  check: (value: WriteOf<F>, version: number) => void,
): void {
  for (let version = min; version <= max; version++) {
    const property = fc.property(valuesOf(fields, version), (value) =>
      check(value as WriteOf<F>, version),
    );
    fc.assert(property, { numRuns: 30 });
  }
}

function written<F extends Fields>(
  api: Api,
  body: Body<F>,
  value: WriteOf<F>,
  version: number,
): { readonly bytes: Uint8Array; readonly errorCode: number } {
  const writer = new KafkaWriter(version >= api.flexibleSince);
  body.write(writer, value, version);
  return { errorCode: writer.errorCode, bytes: writer.finish() };
}

function tableOf<F extends Fields>(api: Api, { fields }: Body<F>): Body<F> {
  return new Body(fields, api.flexibleSince);
}

const APIS = { Produce } as unknown as Readonly<Record<string, Api>>;

for (const [name, api] of Object.entries(APIS)) {
  const { flexibleSince } = api;

  test(`${name}: a request is read as by the table, whole and cut short`, () => {
    const table = tableOf(api, api.request);
    forAllVersions(api, table, (value, version) => {
      const { bytes } = written(api, table, value, version);
      const read = (body: Body<Fields>, pieces: readonly [Uint8Array, ...Uint8Array[]]) => {
        const reader = new KafkaReader(pieces, version >= flexibleSince);
        try {
          const result = Object.entries(body.read(reader, version)).sort();
          return { result, left: reader.left, items: reader.items };
        } catch (error) {
          return String(error);
        }
      };
      const fast = api.request;
      expect(read(fast, [bytes])).toEqual(read(table, [bytes]));
      const half = bytes.subarray(0, bytes.length >> 1);
      expect(typeof read(fast, [half])).toBe(typeof read(table, [half]));
      const rest = bytes.subarray(half.length);
      if (half.length > 0) expect(read(fast, [half, rest])).toEqual(read(table, [half, rest]));
    });
  });

  test(`${name}: a response is written as by the table`, () => {
    const table = tableOf(api, api.response);
    forAllVersions(api, table, (value, version) => {
      const fast = written(api, api.response, value, version);
      const slow = written(api, table, value, version);
      expect(fast.errorCode).toBe(slow.errorCode);
      expect(Buffer.from(joined([fast.bytes]))).toEqual(Buffer.from(slow.bytes));
    });
  });
}
