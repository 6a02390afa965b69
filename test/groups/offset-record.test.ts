import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  decodeOffsetKey,
  decodeOffsetValue,
  encodeOffsetKey,
  encodeOffsetValue,
  OffsetRecordWriter,
} from "../../src/groups/offset-record.js";
import { codeOf } from "../support/log-fixture.js";

test("a key is Kafka's OffsetCommitKey, version 1", () => {
  const bytes = encodeOffsetKey({ group: "ab", topic: "täst", partition: 0x01020304 });
  expect(bytes.toHex()).toBe("0001" + "0002" + "6162" + "0005" + "74c3a47374" + "01020304");
});

const TOPIC_ID = "00112233-4455-4677-8899-aabbccddeeff";
const ID_HEX = TOPIC_ID.replaceAll("-", "");

test("a value is Kafka's OffsetCommitValue, version 4: no leader epoch, no metadata, a topic id", () => {
  const committed = { offset: 0x0102030405, commitTimestamp: 0x018bcfe56800, topicId: TOPIC_ID };
  expect(encodeOffsetValue(committed).toHex()).toBe(
    `00040000000102030405ffffffff010000018bcfe56800010010${ID_HEX}`,
  );
});

test("records written in sequence equal those written alone", () => {
  const writer = new OffsetRecordWriter();
  const otherId = TOPIC_ID.replaceAll("f", "0");
  for (const [group, topic, partition, offset, commitTimestamp, topicId] of [
    ["g", "t", 1, 5, 1_000, TOPIC_ID],
    ["g", "t", 0x01020304, 0x0102030405, -1, TOPIC_ID],
    ["g", "longer", 2, 6, 1_000, otherId],
    ["h", "longer", 2, 0, 2_000, otherId],
    ["g", "t", 0, 7, 3_000, TOPIC_ID],
  ] as const) {
    const key = { group, topic, partition };
    const committed = { offset, commitTimestamp, topicId };
    expect(writer.key(key).toHex()).toBe(encodeOffsetKey(key).toHex());
    expect(writer.value(committed).toHex()).toBe(encodeOffsetValue(committed).toHex());
  }
});

test("values that Kafka writes are read: version 3, metadata, no topic id, unknown tags", () => {
  const offset = "0000000000000007";
  const time = "0000018bcfe56800";
  const read = { offset: 7, commitTimestamp: 0x018bcfe56800 };
  for (const [hex, topicId] of [
    [`0003${offset}ffffffff0000${time}`, undefined],
    [`0003${offset}0000000500036d6574${time}`, undefined],
    [`0004${offset}ffffffff01${time}00`, undefined],
    [`0004${offset}ffffffff046d6574${time}010010${ID_HEX}`, TOPIC_ID],
    [`0004${offset}ffffffff01${time}020010${ID_HEX}8101020102`, TOPIC_ID],
  ] as const) {
    expect(decodeOffsetValue(Uint8Array.fromHex(hex))).toEqual({ ...read, topicId });
  }
});

test("impossible values are damage, with the reason", () => {
  const time = "0000018bcfe56800";
  const seven = "0000000000000007";
  for (const [hex, reason] of [
    [`0003fffffffffffffffbffffffff0000${time}`, "offset -5"],
    [`00030020000000000000ffffffff0000${time}`, "beyond the safe integers"],
    [`0003${seven}ffffffff0000001f000000000000`, "commit timestamp"],
    [`0004${seven}ffffffff00${time}00`, "cut off"],
    [`0004${seven}ffffffff01${time}0100040102`, "cut off"],
    [`0004${seven}ffffffff01${time}01000401020304`, "topic id of 4 bytes"],
    [`0004${seven}ffffffff01${time}ffffffffff7f`, "varint"],
    ["0002", "version 2"],
    ["", "cut off"],
  ] as const) {
    expect(() => decodeOffsetValue(Uint8Array.fromHex(hex))).toThrow(reason);
  }
});

test("impossible keys are damage, with the reason", () => {
  const key = { group: "g", topic: "t", partition: 0 };
  for (const [changed, reason] of [
    [{ group: "" }, "group name of 0 bytes"],
    [{ group: "x".repeat(250) }, "group name of 250 bytes"],
    [{ topic: "" }, "topic name of 0 bytes"],
    [{ partition: -1 }, "partition -1"],
  ] as const) {
    expect(() => decodeOffsetKey(encodeOffsetKey({ ...key, ...changed }))).toThrow(reason);
  }
});

test("encoded records are decoded unchanged", () => {
  const text = fc.string({ unit: "binary", minLength: 1, maxLength: 60 });
  const partition = fc.nat(2 ** 31 - 1);
  fc.assert(
    fc.property(text, text, partition, (group, topic, partition) => {
      const key = { group, topic, partition };
      expect(decodeOffsetKey(encodeOffsetKey(key))).toEqual(key);
    }),
  );
  const number = fc.nat(Number.MAX_SAFE_INTEGER);
  fc.assert(
    fc.property(number, fc.nat(8_640_000_000_000_000), (offset, commitTimestamp) => {
      const value = { offset, commitTimestamp, topicId: TOPIC_ID };
      expect(decodeOffsetValue(encodeOffsetValue(value))).toEqual(value);
    }),
  );
});

test("every prefix of a key or value, and one extra byte, is damage", async () => {
  const key = encodeOffsetKey({ group: "billing", topic: "orders", partition: 3 });
  const value = encodeOffsetValue({ offset: 7, commitTimestamp: 1_000, topicId: TOPIC_ID });
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

test("garbage is decoded or rejected with a reason, and every decoded name is UTF-8", async () => {
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
