import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  decodeOffsetKey,
  decodeOffsetValue,
  encodeOffsetKey,
  encodeOffsetValue,
} from "../../src/offsets/offset-record.ts";
import { codeOf } from "../support/log-fixture.ts";

test("a key is Kafka's OffsetCommitKey, version 1", () => {
  const bytes = encodeOffsetKey({ group: "ab", topic: "täst", partition: 0x01020304 });
  expect(bytes.toHex()).toBe("0001" + "0002" + "6162" + "0005" + "74c3a47374" + "01020304");
});

test("a value is Kafka's OffsetCommitValue, version 3: no leader epoch, no metadata", () => {
  const bytes = encodeOffsetValue({ offset: 0x0102030405, commitTimestamp: 0x018bcfe56800 });
  expect(bytes.toHex()).toBe(
    "0003" + "0000000102030405" + "ffffffff" + "0000" + "0000018bcfe56800",
  );
});

test("what was encoded is what is decoded", () => {
  const text = fc.string({ unit: "binary", minLength: 0, maxLength: 60 });
  const partition = fc.nat(2 ** 31 - 1);
  fc.assert(
    fc.property(text, text, partition, (group, topic, partition) => {
      const key = { group, topic, partition };
      expect(decodeOffsetKey(encodeOffsetKey(key))).toEqual(key);
    }),
  );
  const number = fc.nat(Number.MAX_SAFE_INTEGER);
  fc.assert(
    fc.property(number, number, (offset, commitTimestamp) => {
      const value = { offset, commitTimestamp };
      expect(decodeOffsetValue(encodeOffsetValue(value))).toEqual(value);
    }),
  );
});

test("every prefix of a key and of a value, and one byte more, is refused as damage", async () => {
  const key = encodeOffsetKey({ group: "billing", topic: "orders", partition: 3 });
  const value = encodeOffsetValue({ offset: 7, commitTimestamp: 1_000 });
  for (const [bytes, decode] of [
    [key, decodeOffsetKey],
    [value, decodeOffsetValue],
  ] as const) {
    for (let length = 0; length < bytes.length; length++) {
      expect(await codeOf(() => decode(bytes.subarray(0, length)))).toBe("CORRUPT_MESSAGE");
    }
    expect(await codeOf(() => decode(Uint8Array.from([...bytes, 0])))).toBe("CORRUPT_MESSAGE");
    expect(await codeOf(() => decode(Uint8Array.from([0, 9, ...bytes.subarray(2)])))).toBe(
      "CORRUPT_MESSAGE",
    );
  }
});

test("garbage is decoded or refused by name, and names nothing that is not UTF-8", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), async (bytes) => {
      for (const decode of [decodeOffsetKey, decodeOffsetValue]) {
        expect([undefined, "CORRUPT_MESSAGE"]).toContain(await codeOf(() => decode(bytes)));
      }
    }),
  );
  const notText = encodeOffsetKey({ group: "aa", topic: "b", partition: 0 });
  notText[4] = 0xff;
  expect(await codeOf(() => decodeOffsetKey(notText))).toBe("CORRUPT_MESSAGE");
});
