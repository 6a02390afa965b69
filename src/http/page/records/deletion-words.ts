// What is asked before a key is deleted, and the order that deletes it. Pure. Leaves to others: asking (record-panel.ts), and
// writing (../produce/produce-api.ts).
import { printable } from "../../../printable.js";
import { typedText } from "../../../record/typed-bytes.js";
import type { ProduceOrder } from "../produce/produce-wire.js";
import { durationText } from "../topics/setting-text.js";
import { KEYS_AS, suitableType } from "./record-keys.js";
import { base64Of, hexOf, textOf } from "./record-text.js";
import type { ShownRecord } from "./record-wire.js";

/** Characters of text, and bytes in hexadecimal, that stand for a key in a sentence. */
const NAMED_LENGTH_MAX = 60;
const NAMED_BYTES_MAX = 16;

/** Whether a tombstone would delete the key of this record. */
export function isDeletable({ key, value, tombstoneMs, mayWrite, batch }: ShownRecord): boolean {
  return key !== null && value !== null && tombstoneMs !== null && mayWrite && !batch.isControl;
}

/** A key in a sentence. */
export function keyWords(key: Uint8Array): string {
  if (key.length === 0) return "the empty key";
  const type = suitableType(key);
  if (type !== undefined) return `the key ${typedText(key, type)} (${KEYS_AS[type]})`;
  const text = textOf(key, false);
  if (text === undefined) {
    const isCut = key.length > NAMED_BYTES_MAX;
    return `the key ${hexOf(key.subarray(0, NAMED_BYTES_MAX))}${isCut ? " …" : ""}`;
  }
  const isCut = text.length > NAMED_LENGTH_MAX;
  return `the key ${printable(text.slice(0, NAMED_LENGTH_MAX))}${isCut ? "…" : ""}`;
}

/** What a tombstone leads to. */
export function deletionWords(
  topic: string,
  partition: number,
  tombstoneMs: number,
): readonly string[] {
  return [
    `This writes a tombstone, a record with this key and no value, to partition ${partition} of ${topic}, where this record is. Consumers read it as “deleted”.`,
    `The records of the key stay readable until compaction removes them. The tombstone is kept for at least ${durationText(tombstoneMs)} longer (delete.retention.ms).`,
  ];
}

/** The tombstone of a key in its partition, which other clients may have chosen otherwise than ours would. */
export function tombstoneOrder(topic: string, partition: number, key: Uint8Array): ProduceOrder {
  return { topic, partition, key: { base64: base64Of(key) }, value: null };
}
