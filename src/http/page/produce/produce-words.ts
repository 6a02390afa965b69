// What the produce view says in words, and the order that it sends. Pure.
// Leaves to others: the form (produce-form.ts).
import { HTTP_BODY_BYTES_MAX } from "../../../limits.js";
import { partitionForKey } from "../../../record/key-partition.js";
import { bytesOfTyped, EXPECTED, hexDigits, isFixedType } from "../../../record/typed-bytes.js";
import { parseTarget } from "../log/target.js";
import { countOf, formatBytes, formatCount } from "../parts/format.js";
import type { OrderedBytes, ProduceOrder, ProduceReport } from "./produce-wire.js";
import type { TopicState } from "../wire.js";

/** How the text of a field may be read. */
export const READINGS = {
  ...{ text: "text", int32: "int32", int64: "int64", uuid: "UUID" },
  ...{ hex: "hex", base64: "base64" },
} as const;

/**
 * What a field says, as the broker takes it. `reading` is how it is read: one of `READINGS`, `empty` or `null`. Throws if the text is
 * no number or UUID as it should be.
 */
export function bytesOf(text: string, reading: string): OrderedBytes | null {
  if (reading === "null") return null;
  if (reading === "empty") return "";
  if (isFixedType(reading)) {
    const bytes = bytesOfTyped(text, reading);
    if (bytes !== undefined) return { hex: hexDigits(bytes) };
    throw new Error(`'${text.slice(0, 100)}' is not ${READINGS[reading]}: ${EXPECTED[reading]}`);
  }
  if (reading === "hex") return { hex: text };
  return reading === "base64" ? { base64: text } : text;
}

/** How much of the largest request an order takes: `1.2 KiB of 1 MiB`. */
export function sizeText(bytes: number): string {
  const text = `${formatBytes(bytes)} of ${formatBytes(HTTP_BODY_BYTES_MAX)}`;
  return bytes > HTTP_BODY_BYTES_MAX ? `${text}: too long for the page; use rustlog produce` : text;
}

/** Size of an order as a request, in bytes. */
export function sizeOf(order: ProduceOrder): number {
  return new TextEncoder().encode(JSON.stringify(order)).length;
}

/** Throws if the order is longer than the largest request. */
export function checkSize(order: ProduceOrder): void {
  const bytes = sizeOf(order);
  if (bytes > HTTP_BODY_BYTES_MAX) throw new Error(sizeText(bytes));
}

/** Why a record went to its partition. */
export function choiceText({ chosenBy, partition, partitions }: ProduceReport): string {
  const of = `partition ${formatCount(partition)} of ${formatCount(partitions)}`;
  if (chosenBy === "order") return `${of}, as you chose`;
  if (partitions === 1) return "partition 0, the only one";
  if (chosenBy === "key") return `${of}, chosen by the key`;
  return `${of}, chosen at random because the record has no key`;
}

/** A time of the form: milliseconds since 1970, or a date; a time without a zone is the reader's. Undefined for none. */
export function timestampOf(text: string): number | undefined {
  if (text.trim() === "") return undefined;
  try {
    const target = parseTarget(text);
    return "timestamp" in target ? target.timestamp : target.offset;
  } catch {
    throw new Error("expected a time such as 2026-07-01 12:00, or milliseconds since 1970");
  }
}

/** Where a record would go; "" if that is not known, or as it was entered. `chosen` is "" for no partition. */
export function partitionHint(
  chosen: string,
  key: OrderedBytes | null,
  partitions: number | undefined,
): string {
  if (partitions === undefined) return "";
  if (Number(chosen) >= partitions) return `the topic has partitions 0 to ${partitions - 1}`;
  if (chosen !== "") return "";
  if (partitions === 1) return "the topic has only partition 0";
  if (key === null) return `without a key, one of ${countOf(partitions, "partition")}`;
  const bytes =
    typeof key === "string" ? key : "hex" in key ? bytesOfTyped(key.hex, "hex") : undefined;
  if (bytes === undefined) return `by the key, one of ${countOf(partitions, "partition")}`;
  return `by the key: partition ${partitionForKey(bytes, partitions)} of ${partitions}`;
}

/** What is worth knowing of a topic before a record is sent; `isComplete` says whether all topics are known. */
export function topicHint(
  name: string,
  topic: Pick<TopicState, "cleanup"> | undefined,
  isComplete: boolean,
): string {
  if (topic === undefined) return name === "" || !isComplete ? "" : "there is no such topic";
  return topic.cleanup.includes("compact") ? "compacted: each record needs a key" : "";
}

/** What a topic would be that a record creates. */
export function newTopicText(topic: string, partitions: number): string {
  return `There is no topic ${topic}. It would be created with ${countOf(partitions, "partition")} and the broker's default settings.`;
}
