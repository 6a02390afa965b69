// The tables' reader and writer, on a table with every kind of field.
import { describe, expect, test } from "bun:test";
import { joined } from "../../../src/record/bytes.js";
import { KafkaReader } from "../../../src/protocol/kafka/reader.js";
import {
  array,
  Body,
  bool,
  bytes,
  float64,
  int8,
  int16,
  int32,
  int64,
  string,
  struct,
  uint16,
  uuid,
} from "../../../src/protocol/kafka/schema.js";
import { KafkaWriter } from "../../../src/protocol/kafka/writer.js";

const FLEXIBLE = 2;

const EVERYTHING = new Body(
  {
    flag: bool(),
    tiny: int8(),
    small: int16(),
    port: uint16(),
    number: int32(),
    offset: int64(),
    ratio: float64({ since: 1 }),
    id: uuid(),
    name: string({ nullable: 1 }),
    blob: bytes({ nullable: 0 }),
    numbers: array(int32(), { nullable: 1 }),
    items: array({ key: string(), more: array(string()), last: int8({ until: 1 }) }),
    pair: struct({ a: int16(), b: string() }, { since: 1, nullable: 1 }),
    extra: string({ since: 2, tag: 1 }),
    note: struct({ x: int32({ absent: -1 }) }, { since: 2, tag: 0 }),
  },
  FLEXIBLE,
);

const VALUE = {
  flag: true,
  tiny: -3,
  small: -300,
  port: 65_000,
  number: -70_000,
  offset: 2 ** 53 - 1,
  ratio: 0.5,
  id: "0123abcd-0000-4000-8000-00000000ffff",
  name: "naïve",
  blob: Uint8Array.of(1, 2, 3),
  numbers: [1, -1],
  items: [{ key: "k", more: ["a", ""], last: 7 }],
  pair: { a: 1, b: "b" },
  extra: "tagged",
  note: { x: 9 },
};

function written(value: Parameters<(typeof EVERYTHING)["write"]>[1], version: number): Uint8Array {
  const writer = new KafkaWriter(version >= FLEXIBLE);
  EVERYTHING.write(writer, value, version);
  return writer.finish();
}

function read(payload: Uint8Array, version: number) {
  return EVERYTHING.read(new KafkaReader([payload], version >= FLEXIBLE), version);
}

describe("a table", () => {
  test("decodes what was encoded, and has defaults for fields that a version lacks", () => {
    expect(read(written(VALUE, 2), 2)).toEqual({
      ...VALUE,
      items: [{ key: "k", more: ["a", ""], last: 0 }],
    });
    expect(read(written(VALUE, 1), 1)).toEqual({ ...VALUE, extra: "", note: null });
    expect(read(written(VALUE, 0), 0)).toMatchObject({ ratio: 0, pair: null, id: VALUE.id });
  });

  test("has nulls only in the versions that allow them", () => {
    const nulls = { ...VALUE, name: null, blob: null, numbers: null, pair: null };
    expect(read(written(nulls, 1), 1)).toMatchObject({ name: null, numbers: null, pair: null });
    expect(() => written(nulls, 0)).toThrow("'name' is null");
  });

  test("omits tagged fields with their default, and skips unknown ones", () => {
    const plain = written({ ...VALUE, extra: undefined, note: undefined }, 2);
    expect(plain.at(-1)).toBe(0);
    const unknown = Uint8Array.of(...plain.subarray(0, -1), 1, 200, 1, 3, 9, 9, 9);
    expect(read(unknown, 2)).toMatchObject({ extra: "", note: null });
  });

  test("uses compact lengths in flexible versions only", () => {
    const one = new Body({ name: string({ nullable: 0 }) }, 1);
    const bytesOf = (version: number, name: string | null) => {
      const writer = new KafkaWriter(version >= 1);
      one.write(writer, { name }, version);
      return [...writer.finish()];
    };
    expect(bytesOf(0, "ab")).toEqual([0, 2, 97, 98]);
    expect(bytesOf(0, null)).toEqual([0xff, 0xff]);
    expect(bytesOf(1, "ab")).toEqual([3, 97, 98, 0]);
    expect(bytesOf(1, null)).toEqual([0, 0]);
  });
});

describe("a malformed message", () => {
  test("is refused wherever it ends", () => {
    for (const version of [0, 1, 2]) {
      const whole = written(VALUE, version);
      for (let end = 0; end < whole.length; end++) {
        expect(() => read(whole.subarray(0, end), version)).toThrow("the request is malformed");
      }
    }
  });

  test("is written in portions with the same bytes", async () => {
    const items = Array.from({ length: 300 }, () => VALUE.items[0]!);
    const more = Array.from({ length: 40_000 }, () => "text");
    for (const [value, pauses] of [
      [{ ...VALUE, items }, 0],
      [{ ...VALUE, items: [...items, { key: "long", more, last: 0 }] }, 3],
      [{ ...VALUE, items: [{ key: "long", more, last: 0 }] }, 3],
    ] as const) {
      for (let version = 0; version <= 2; version++) {
        const writer = new KafkaWriter(version >= FLEXIBLE);
        let paused = 0;
        await EVERYTHING.writeInPortions(writer, value, version, async () => {
          paused++;
          writer.cut();
        });
        const pieces = writer.finishInPieces();
        expect(joined(pieces)).toEqual(written(value, version));
        expect(paused).toBeGreaterThanOrEqual(pauses);
        expect(writer.length).toBe(joined(pieces).length);
      }
    }
  });

  test("can't make the reader allocate for items that are not there", () => {
    const list = new Body({ ids: array(uuid()) }, FLEXIBLE);
    const claim = Uint8Array.of(0x7f, 0xff, 0xff, 0xff);
    expect(() => list.read(new KafkaReader([claim], false), 0)).toThrow("can't be in 0 bytes");
    const nothing = Uint8Array.of(0xff, 0xff, 0xff, 0xff);
    expect(() => list.read(new KafkaReader([nothing], false), 0)).toThrow("null");
  });

  test("has a limited number of items in all arrays together", () => {
    const list = new Body({ flags: array(flags()) }, FLEXIBLE);
    const writer = new KafkaWriter(false);
    const inner = { inner: Array.from({ length: 1_000 }, () => true) };
    list.write(writer, { flags: Array.from({ length: 101 }, () => inner) }, 0);
    expect(() => list.read(new KafkaReader([writer.finish()], false), 0)).toThrow("items");
  });

  test("has no string of more than 32,767 bytes", () => {
    for (const [bytes, isRead] of [
      [32_767, true],
      [32_768, false],
    ] as const) {
      const writer = new KafkaWriter(true);
      writer.uvarint(bytes + 1);
      writer.raw(new Uint8Array(bytes).fill(0x61));
      const reader = new KafkaReader([writer.finish()], true);
      if (isRead) expect(reader.string(false)).toHaveLength(bytes);
      else expect(() => reader.string(false)).toThrow("a string has 32768 bytes");
    }
  });

  test("has no length of more than 32 bits", () => {
    const reader = new KafkaReader([Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0x01)], true);
    expect(() => reader.uvarint()).toThrow("too long");
  });
});

function flags() {
  return { inner: array(bool()) };
}

test("integers beyond the safe ones are rounded, and keep their sign", () => {
  const reader = new KafkaReader([new Uint8Array(16).fill(0xff, 1, 8).fill(0x80, 8, 9)], false);
  expect(reader.int64()).toBe(2 ** 56);
  expect(reader.int64()).toBe(-(2 ** 63));
});

test("a text that is too long for a client is cut", () => {
  for (const isFlexible of [false, true]) {
    for (const letter of ["a", "€", "\u{1f600}"]) {
      const writer = new KafkaWriter(isFlexible);
      writer.string(letter.repeat(40_000));
      const text = new KafkaReader([writer.finish()], isFlexible).string(false) ?? "";
      expect(text.length).toBeGreaterThan(10_000);
      expect(text.slice(0, -1)).toBe(letter.repeat(40_000).slice(0, text.length - 1));
    }
  }
});
