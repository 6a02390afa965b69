// How keys are shown and searched for.
import { describe, expect, test } from "bun:test";
import {
  type KeysAs,
  keyTabOf,
  type KeyView,
  searchOfKey,
  searchProblem,
  SeenKeys,
  shownKey,
} from "../../../../src/http/page/records/record-keys.js";
import { describedBytes } from "../../../../src/record/described-bytes.js";
import { bytesOfTyped } from "../../../../src/record/typed-bytes.js";
import type { RecordItem } from "../../../../src/services/records/record-item.js";

const UUID = "0f8fad5b-d9cb-469f-a165-70867728950e";
const long = (number: number): Buffer => Buffer.from(bytesOfTyped(String(number), "int64") ?? "");
const uuid = Buffer.from(UUID.replaceAll("-", ""), "hex");
const text = (of: string): Buffer => Buffer.from(of);

const item = (key: Uint8Array | null): RecordItem => ({
  ...{ kind: "record", partition: 0, offset: 0, timestamp: 0, value: null, headers: [] },
  ...{ headerCount: 0, bytes: 10, batch: 0 },
  key: key === null ? null : describedBytes(key.subarray(0, 256), key.length),
});

const seen = (...keys: readonly (Uint8Array | null)[]): SeenKeys => {
  const all = new SeenKeys();
  all.add(keys.map(item));
  return all;
};

const view = (as: KeysAs, ...keys: readonly Uint8Array[]): KeyView => ({
  ...{ as, types: seen(...keys).types },
});

const shown = (key: Uint8Array, by: KeyView): string =>
  shownKey(describedBytes(key.subarray(0, 256), key.length), by).text;

describe("keys without a choice", () => {
  test("are numbers if one of their length is not text, so that all of them look alike", () => {
    const by = view("", long(123), long(123_456));
    expect([123, 123_456, -1].map((number) => shown(long(number), by))).toEqual([
      ...["123", "123456", "-1"],
    ]);
    expect(shown(text("customer"), by)).toBe("7166761325952853362");
    expect(shown(text("customer-1"), by)).toBe("customer-1");
    expect(shown(text("customer"), view("", text("customer")))).toBe("customer");
  });

  test("are UUIDs if they have a version, and else in hexadecimal", () => {
    expect(shown(uuid, view("", uuid))).toBe(UUID);
    const hash = Buffer.alloc(16, 0xff);
    expect(shown(hash, view("", hash))).toStartWith("ff ff ff");
    expect(seen(hash)).toMatchObject({ hasBinary: true, types: new Set() });
  });

  test("of which none was binary leave nothing to choose", () => {
    expect(seen(text("a"), text("two\nlines"), null, Buffer.alloc(0)).hasBinary).toBe(false);
    // The first part of a long key may end in a character.
    expect(seen(text(`a${"é".repeat(300)}`)).hasBinary).toBe(false);
  });
});

test("keys are shown as they are chosen to be, as far as they can be", () => {
  const key = long(123_456);
  const as = (by: KeysAs, of: Uint8Array = key): string => shown(of, view(by));
  expect([as("int64"), as("int32"), as("hex")]).toEqual([
    ...["123456", "00 00 00 00 00 01 e2 40", "00 00 00 00 00 01 e2 40"],
  ]);
  expect(as("text")).toContain("\ufffd");
  expect([as("hex", text("ab")), as("uuid", uuid)]).toEqual(["61 62", UUID]);
  const title = shownKey(describedBytes(key, key.length), view("int64")).title;
  expect(title).toBe("int64 123456: 00 00 00 00 00 01 e2 40");
  expect(keyTabOf(key, view("hex"))).toBe("hex");
  expect(keyTabOf(text("customer"), view("int64"))).toBe("int64");
  expect(keyTabOf(text("customer"), view("text"))).toBe("text");
  expect(keyTabOf(text("customer"), view(""))).toBeUndefined();
});

describe("a search for a key", () => {
  test("finds it by its number, UUID, text or bytes", () => {
    const search = (key: Uint8Array, by = view("")) => searchOfKey(key, by);
    expect(search(long(5))).toEqual({ find: "5", keys: "int64" });
    expect(search(uuid)).toEqual({ find: UUID, keys: "uuid" });
    expect(search(text("customer"))).toEqual({ find: "customer", keys: "" });
    expect(search(text("customer"), view("int64"))?.keys).toBe("int64");
    expect(search(text("ab"), view("hex"))).toEqual({ find: "6162", keys: "hex" });
    expect(search(text("a\nb"))).toEqual({ find: "610a62", keys: "hex" });
    expect(search(Uint8Array.of(0, 255))).toEqual({ find: "00ff", keys: "hex" });
    expect([search(new Uint8Array(0)), search(new Uint8Array(501))]).toEqual([
      ...[undefined, undefined],
    ]);
  });

  test("is of the type that was seen, if only one can be meant", () => {
    expect(seen(long(5)).typeOf("42")).toBe("int64");
    expect(seen(long(5)).typeOf("forty-two")).toBeUndefined();
    expect(seen(long(5), long(5).subarray(4)).typeOf("42")).toBeUndefined();
    expect(seen(text("a")).typeOf("42")).toBeUndefined();
  });

  test("is refused for a text that is none", () => {
    expect(searchProblem("42", "int64")).toBeUndefined();
    expect(searchProblem("forty-two", "")).toBeUndefined();
    expect(searchProblem("forty-two", "text")).toBeUndefined();
    expect(searchProblem("forty-two", "int32")).toStartWith(
      "'forty-two' is no key as int32: expected",
    );
    expect(searchProblem(" ", "hex")).toContain("two digits");
  });
});
