// Records as JSON lines: produce accepts what consume prints, byte for byte.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { CliError } from "../../src/cli/exit.js";
import type { RecordHeader } from "../../src/record/encoder.js";
import { parseJsonRecord } from "../../src/cli/json-record.js";
import { formatJsonRecord } from "../../src/record/json-record.js";
import { ANY_CHARACTER } from "../support/text.js";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

const bytes = fc.oneof(
  fc.constant(null),
  fc.uint8Array({ maxLength: 40 }).map((array) => Uint8Array.from(array)),
  fc.string({ unit: ANY_CHARACTER }).map(utf8),
);

const record = fc.record({
  topic: fc.string({ unit: "grapheme" }),
  partition: fc.nat(),
  offset: fc.maxSafeNat(),
  timestamp: fc.maxSafeInteger(),
  key: bytes,
  value: bytes,
  headers: fc.array(
    fc.oneof(
      fc.record({ name: fc.string({ unit: "grapheme" }), value: bytes }),
      fc.record({
        name: fc.constant("\ufffd"),
        nameBytes: fc.uint8Array({ maxLength: 9 }).map((array) => Uint8Array.of(0xff, ...array)),
        value: bytes,
      }),
    ),
    { maxLength: 4 },
  ),
});

describe("JSON records", () => {
  test("property: a record is one line and parses back byte for byte", () => {
    fc.assert(
      fc.property(record, (original) => {
        const line = formatJsonRecord(original);
        expect(line).not.toContain("\n");
        const parsed = parseJsonRecord(utf8(line));
        const plain = (b: Uint8Array | null) => (b === null ? null : [...b]);
        expect(plain(parsed.key)).toEqual(plain(original.key));
        expect(plain(parsed.value)).toEqual(plain(original.value));
        const nameOf = (h: RecordHeader) => (h.nameBytes === undefined ? h.name : [...h.nameBytes]);
        expect(parsed.headers.map((h) => [nameOf(h), plain(h.value)])).toEqual(
          original.headers.map((h) => [nameOf(h), plain(h.value)]),
        );
        expect(parsed.partition).toBe(original.partition);
        expect(parsed.timestamp).toBe(original.timestamp);
      }),
    );
  });

  test("text stays text; other bytes are base64 with an encoding field", () => {
    const line = formatJsonRecord({
      topic: "t",
      partition: 0,
      offset: 7,
      timestamp: 5,
      key: utf8("ключ"),
      value: Uint8Array.of(0xff, 0x00),
      headers: [{ name: "n", value: null }],
    });
    expect(JSON.parse(line)).toEqual({
      topic: "t",
      partition: 0,
      offset: 7,
      timestamp: 5,
      key: "ключ",
      value: "/wA=",
      valueEncoding: "base64",
      headers: [{ name: "n", value: null }],
    });
  });

  test("a byte order mark is kept", () => {
    const value = Uint8Array.of(0xef, 0xbb, 0xbf, 0x61);
    const line = formatJsonRecord({
      ...{ topic: "t", partition: 0, offset: 0, timestamp: 0 },
      ...{ key: null, value, headers: [] },
    });
    expect([...parseJsonRecord(utf8(line)).value!]).toEqual([...value]);
  });

  test("records written by hand may omit fields", () => {
    const parsed = parseJsonRecord(utf8('{"value":"v","headers":{"a":"b"}}'));
    expect(parsed).toEqual({
      key: null,
      value: utf8("v"),
      headers: [{ name: "a", value: utf8("b") }],
      partition: undefined,
      timestamp: undefined,
    });
    expect(parseJsonRecord(utf8('{"value":null}')).value).toBeNull();
  });

  test.each([
    ["", "the line is not JSON"],
    ["{", "the line is not JSON"],
    ["[]", "the line is not a JSON object"],
    ["null", "the line is not a JSON object"],
    ['{"key":"k"}', "field 'value' is missing"],
    ['{"value":1}', "'value' must be a string or null"],
    ['{"value":"v","key":{}}', "'key' must be a string or null"],
    ['{"vlaue":"v"}', "unknown field 'vlaue'"],
    ['{"value":"v","valueEncoding":"hex"}', "'valueEncoding' must be"],
    ['{"value":"/w","valueEncoding":"base64"}', "'value' is not base64"],
    ['{"value":"*","valueEncoding":"base64"}', "'value' is not base64"],
    ['{"value":"\\ud800"}', "an unpaired surrogate"],
    ['{"value":"v","partition":-1}', "'partition' must be a whole number"],
    ['{"value":"v","timestamp":1.5}', "'timestamp' must be a whole number"],
    ['{"value":"v","timestamp":"5"}', "'timestamp' must be a whole number"],
    ['{"value":"v","headers":[{"name":"*","nameEncoding":"base64"}]}', "'name' is not base64"],
    ['{"value":"v","headers":[{"name":"n","nameEncoding":"hex"}]}', "'nameEncoding' must be"],
    ['{"value":"v","headers":"x"}', "'headers' is not a JSON object"],
    ['{"value":"v","headers":[{"value":"x"}]}', "a header has no 'name'"],
    ['{"value":"v","headers":[{"name":"n","vlaue":"x"}]}', "unknown field 'vlaue' of a header"],
    ['{"value":"v","headers":[{"name":"n","key":"x"}]}', "unknown field 'key' of a header"],
    ['{"value":"v","headers":[{"name":"\\ud800"}]}', "a header name has an unpaired surrogate"],
    ['{"value":"v","headers":{"\\udc00":"x"}}', "a header name has an unpaired surrogate"],
    ['{"value":"v","headers":[{"name":"n","value":"\\ud800"}]}', "an unpaired surrogate"],
    ['{"value":"v","key":"a\\udc00"}', "'key' has an unpaired surrogate"],
    ['{"value":"v","headers":[1]}', "an item of 'headers' is not a JSON object"],
  ])("%s is refused: %s", (line, message) => {
    expect(() => parseJsonRecord(utf8(line))).toThrow(message);
    expect(() => parseJsonRecord(utf8(line))).toThrow(CliError);
  });

  test("a line that is not UTF-8 is refused", () => {
    expect(() => parseJsonRecord(Uint8Array.of(0x22, 0xff, 0x22))).toThrow("not UTF-8");
  });
});
