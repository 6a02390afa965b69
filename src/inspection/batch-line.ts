// A batch, a damaged range or a record as one line of text.
// Leaves to others: their content (batch-description.ts), and printing (cli/inspect.ts).
import { isUtf8 } from "node:buffer";
import { printableJson } from "../printable.js";
import type { RecordCursor } from "../record/cursor.js";
import { type BatchDescription, formatTime } from "./batch-description.js";
import type { DamagedRange } from "./segment-walk.js";

export const TEXT_CHARACTERS_MAX = 60;

/** Column titles for `batchLine`. */
export const BATCH_COLUMNS =
  "  POSITION     BYTES  OFFSETS               COUNT  CRC  CODEC   TIMESTAMP                           PRODUCER";

/** Formats a batch. `crc` is "BAD" for a damaged one. */
export function batchLine(batch: BatchDescription, crc: "ok" | "BAD"): string {
  const { position, bytes, count } = batch;
  const offsets = `${batch.baseOffset ?? "?"}-${batch.lastOffset ?? "?"}`;
  const cells = [
    String(position).padStart(10),
    String(bytes).padStart(8),
    offsets.padEnd(20),
    String(count).padStart(6),
    crc.padEnd(3),
    (batch.codec ?? "?").padEnd(6),
    formatTimes(batch).padEnd(34),
    formatProducer(batch),
  ];
  return cells.join("  ");
}

/** Formats a damaged range: its size and the cause. */
export function damageLine({ position, size, fault, isLast }: DamagedRange): string {
  const isPartial = isLast && fault.kind === "truncated";
  const cause = isPartial ? ": torn by a crash, or still being written" : "";
  return `${String(position).padStart(10)}  ${String(size).padStart(8)}  DAMAGED: ${fault.message}${cause}`;
}

/** Formats the cursor's current record. */
export function recordLine(cursor: RecordCursor): string {
  const cells = [
    `offset ${cursor.offset}`,
    formatTime(cursor.timestamp),
    `key ${formatBytes(cursor.key())}`,
    `value ${formatBytes(cursor.value())}`,
  ];
  for (const { name, value } of cursor.headers()) {
    cells.push(`${quoted(name)}=${formatBytes(value)}`);
  }
  return `${" ".repeat(12)}${cells.join("  ")}`;
}

function formatTimes(batch: BatchDescription): string {
  const { baseTimestamp, maxTimestamp, count, deleteHorizon, timestampType } = batch;
  if (count === 0) return "-";
  if (timestampType === "LogAppendTime") return `${formatTime(maxTimestamp)} appended`;
  if (deleteHorizon !== null) return `up to ${formatTime(maxTimestamp)}`;
  const first = formatTime(baseTimestamp);
  if (baseTimestamp === null || maxTimestamp === null) return first;
  const span = maxTimestamp - baseTimestamp;
  return span === 0 ? first : `${first} ${span < 0 ? "" : "+"}${span} ms`;
}

function formatProducer({ producerId, producerEpoch, baseSequence }: BatchDescription): string {
  if (producerId === -1) return "-";
  return `${producerId ?? "?"} epoch ${producerEpoch} seq ${baseSequence}`;
}

/** Text in quotes, or other bytes in hexadecimal, shortened to fit a line. */
function formatBytes(bytes: Uint8Array | null): string {
  if (bytes === null) return "null";
  if (!isUtf8(bytes)) {
    const hex = Buffer.from(bytes.subarray(0, TEXT_CHARACTERS_MAX / 2)).toString("hex");
    return `0x${hex}${bytes.length > TEXT_CHARACTERS_MAX / 2 ? `… (${bytes.length} bytes)` : ""}`;
  }
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  if (text.length <= TEXT_CHARACTERS_MAX) return quoted(text);
  return `${quoted(text.slice(0, TEXT_CHARACTERS_MAX))}… (${bytes.length} bytes)`;
}

/** Text in quotes, with terminal control characters escaped. */
export function quoted(text: string): string {
  return printableJson(text);
}
