// What is asked before a key is deleted, and what is written then.
import { expect, test } from "bun:test";
import {
  deletionWords,
  isDeletable,
  keyWords,
  tombstoneOrder,
} from "../../../../src/http/page/records/deletion-words.js";
import type { ShownRecord } from "../../../../src/http/page/records/record-wire.js";

test("a key can be deleted in a compacted topic that the visitor may write to", () => {
  const bytes = { bytes: 1, base64: "YQ==" };
  const record = {
    ...{ key: bytes, value: bytes, tombstoneMs: 0, mayWrite: true, batch: { isControl: false } },
  } as ShownRecord;
  expect(isDeletable(record)).toBe(true);
  const not: Partial<ShownRecord>[] = [
    ...[{ key: null }, { value: null }, { tombstoneMs: null }, { mayWrite: false }],
    { batch: { ...record.batch, isControl: true } },
  ];
  for (const change of not) expect(isDeletable({ ...record, ...change })).toBe(false);
});

test("a key is named by its first characters", () => {
  expect(keyWords(Buffer.from("customer-21"))).toBe("the key customer-21");
  expect(keyWords(Buffer.from("a\n".repeat(40)))).toBe(`the key ${"a\\n".repeat(30)}…`);
  expect(keyWords(Uint8Array.of(0, 255))).toBe("the key 00 ff");
  expect(keyWords(new Uint8Array(20).fill(255))).toEndWith("ff …");
  expect(keyWords(Uint8Array.of(0, 0, 0, 123))).toBe("the key 123 (int32)");
  expect(keyWords(new Uint8Array(0))).toBe("the empty key");
});

test("the tombstone goes to the partition of the record, and how long it stays is said", () => {
  const [what = "", later = ""] = deletionWords("states", 3, 86_400_000);
  expect(what).toContain("to partition 3 of states");
  expect(later).toContain("for at least 1 day longer (delete.retention.ms)");
  expect(tombstoneOrder("states", 3, Uint8Array.of(0, 255))).toEqual({
    ...{ topic: "states", partition: 3, key: { base64: "AP8=" }, value: null },
  });
});
