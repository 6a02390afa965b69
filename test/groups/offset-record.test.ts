import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  decodeOffsetKey,
  decodeOffsetValue,
  detailsOf,
  encodeOffsetKey,
  encodeOffsetValue,
  OffsetRecordWriter,
} from "../../src/groups/offsets/offset-record.js";
import { codeOf } from "../support/log-fixture.js";
import { ANY_CHARACTER } from "../support/text.js";

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

test("leader epoch and metadata are Kafka's fields, and a commit beyond its log has a tag of ours", () => {
  const committed = { offset: 7, commitTimestamp: 0x018bcfe56800, topicId: TOPIC_ID };
  const tail = `0000018bcfe56800`;
  expect(encodeOffsetValue({ ...committed, details: detailsOf(2, "mét", false) }).toHex()).toBe(
    `0004000000000000000700000002056dc3a974${tail}010010${ID_HEX}`,
  );
  expect(encodeOffsetValue({ ...committed, details: detailsOf(-1, "", true) }).toHex()).toBe(
    `00040000000000000007ffffffff01${tail}020010${ID_HEX}e80700`,
  );
  const long = encodeOffsetValue({ ...committed, details: detailsOf(-1, "x".repeat(130), false) });
  expect(long.subarray(14, 17).toHex()).toBe("830178");
});

test("commits without metadata share their details", () => {
  expect(detailsOf(-1, "", false)).toBeUndefined();
  expect(detailsOf(0, "", false)).toBe(detailsOf(0, "", false)!);
});

test("records written in sequence equal those written alone", () => {
  const writer = new OffsetRecordWriter();
  const otherId = TOPIC_ID.replaceAll("f", "0");
  const [note, ahead] = [detailsOf(0, "note", false), detailsOf(0, "", true)];
  for (const [group, topic, partition, offset, commitTimestamp, topicId, details] of [
    ["g", "t", 1, 5, 1_000, TOPIC_ID],
    ["g", "t", 0x01020304, 0x0102030405, -1, TOPIC_ID],
    ["g", "longer", 2, 6, 1_000, otherId],
    ["h", "longer", 2, 0, 2_000, otherId, note],
    ["h", "longer", 3, 1, 2_000, otherId, note],
    ["h", "longer", 4, -1, 2_001, otherId, ahead],
    ["h", "longer", 5, 2 ** 53 - 1, 2_002, otherId, ahead],
    ["g", "t", 0, 7, 3_000, TOPIC_ID],
  ] as const) {
    const key = { group, topic, partition };
    const committed = { offset, commitTimestamp, topicId, details };
    expect(writer.key(key).toHex()).toBe(encodeOffsetKey(key).toHex());
    expect(writer.value(committed).toHex()).toBe(encodeOffsetValue(committed).toHex());
  }
});

test("values that Kafka wrote are read: all versions, no topic id, unknown tags", () => {
  const offset = "0000000000000007";
  const time = "0000018bcfe56800";
  const read = { offset: 7, commitTimestamp: 0x018bcfe56800 };
  const met = "00036d6574";
  for (const [hex, topicId, details] of [
    [`0000${offset}${met}${time}`, undefined, detailsOf(-1, "met", false)],
    [`0001${offset}${met}${time}0000000000000001`, undefined, detailsOf(-1, "met", false)],
    [`0002${offset}${met}${time}`, undefined, detailsOf(-1, "met", false)],
    [`0003${offset}ffffffff0000${time}`, undefined, undefined],
    [`0003${offset}00000005${met}${time}`, undefined, detailsOf(5, "met", false)],
    [`0004${offset}ffffffff01${time}00`, undefined, undefined],
    [`0004${offset}ffffffff046d6574${time}010010${ID_HEX}`, TOPIC_ID, detailsOf(-1, "met", false)],
    [`0004${offset}0000000001${time}020010${ID_HEX}8101020102`, TOPIC_ID, detailsOf(0, "", false)],
    [`0004${offset}ffffffff02ff${time}00`, undefined, detailsOf(-1, "\ufffd", false)],
  ] as const) {
    expect(decodeOffsetValue(Uint8Array.fromHex(hex))).toEqual({ ...read, topicId, details });
  }
});

test("impossible values are damage, with the reason", () => {
  const time = "0000018bcfe56800";
  const seven = "0000000000000007";
  for (const [hex, reason] of [
    [`00030020000000000000ffffffff0000${time}`, "beyond the safe integers"],
    [`0003${seven}ffffffff0000001f000000000000`, "commit timestamp"],
    [`0004${seven}ffffffff00${time}00`, "cut off"],
    [`0004${seven}ffffffff01${time}0100040102`, "cut off"],
    [`0004${seven}ffffffff01${time}01000401020304`, "topic id of 4 bytes"],
    [`0004${seven}ffffffff01${time}ffffffffff7f`, "varint"],
    ["0005", "version 5"],
    ["", "cut off"],
  ] as const) {
    expect(() => decodeOffsetValue(Uint8Array.fromHex(hex))).toThrow(reason);
  }
});

test("impossible keys are damage, with the reason", () => {
  const key = { group: "g", topic: "t", partition: 0 };
  for (const [changed, reason] of [
    [{ group: "x".repeat(250) }, "group name of 250 bytes"],
    [{ topic: "" }, "topic name of 0 bytes"],
    [{ partition: -1 }, "partition -1"],
  ] as const) {
    expect(() => decodeOffsetKey(encodeOffsetKey({ ...key, ...changed }))).toThrow(reason);
  }
});

test("encoded records are decoded unchanged", () => {
  const text = fc.string({ unit: ANY_CHARACTER, minLength: 1, maxLength: 60 });
  const group = fc.oneof(text, fc.constant(""));
  const partition = fc.nat(2 ** 31 - 1);
  fc.assert(
    fc.property(group, text, partition, (group, topic, partition) => {
      const key = { group, topic, partition };
      expect(decodeOffsetKey(encodeOffsetKey(key))).toEqual(key);
    }),
  );
  const metadata = fc.string({ unit: ANY_CHARACTER, maxLength: 300 });
  const details = fc
    .tuple(fc.integer({ min: -1, max: 2 ** 31 - 1 }), metadata, fc.boolean())
    .map((them) => detailsOf(...them));
  fc.assert(
    fc.property(fc.maxSafeInteger(), fc.nat(8_640_000_000_000_000), details, (offset, at, its) => {
      const value = { offset, commitTimestamp: at, topicId: TOPIC_ID, details: its };
      expect(decodeOffsetValue(encodeOffsetValue(value))).toEqual(value);
    }),
  );
});

test("every prefix of a key or value, and one extra byte, is damage", async () => {
  const key = encodeOffsetKey({ group: "billing", topic: "orders", partition: 3 });
  const committed = { offset: 7, commitTimestamp: 1_000, topicId: TOPIC_ID };
  const value = encodeOffsetValue({ ...committed, details: detailsOf(1, "metadata", true) });
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
