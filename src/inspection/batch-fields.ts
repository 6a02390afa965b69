// The fields of a batch: its header field by field, then its records, decompressed if necessary.
// Leaves to others: the fields of a record (record-fields.ts).
import {
  attributes,
  BATCH_HEADER_BYTES,
  baseOffset,
  baseTimestamp,
  batchBytes,
  type Codec,
  codecOf,
  CONTROL_BIT,
  crc,
  FIELD,
  hasLogAppendTime,
  lastOffset,
  maxTimestamp,
  producerId,
  recordCount,
  TRANSACTIONAL_BIT,
} from "../record/batch.js";
import { readI16, readI32, readI64 } from "../record/bytes.js";
import { decompress, type Prefix } from "../record/compression.js";
import { crc32c } from "../record/crc32c.js";
import { DELETE_HORIZON_BIT } from "../record/delete-horizon.js";
import { RustLogError } from "../errors.js";
import { DECOMPRESSED_BYTES_MAX } from "../limits.js";
import { reasonOf } from "../log/disk/disk.js";
import { formatCrc, formatTime } from "./batch-description.js";
import { type DumpItem, type Field, type FieldRole, heading } from "./fields.js";
import { type RecordFrame, recordFields } from "./record-fields.js";

type HeaderField = Exclude<keyof typeof FIELD, "records">;

const ORDER = (Object.keys(FIELD) as (keyof typeof FIELD)[]).filter((name) => name !== "records");

/** The text of a header field. `end` is the end of the available bytes. */
type Describe = (bytes: Uint8Array, at: number, end: number) => string;

const DESCRIPTIONS: Readonly<Record<HeaderField, Describe>> = {
  baseOffset: (bytes, at) => String(baseOffset(bytes, at)),
  batchLength: (bytes, at) =>
    `${readI32(bytes, at + FIELD.batchLength)} (batch of ${batchBytes(bytes, at)} bytes)`,
  partitionLeaderEpoch: (bytes, at) => String(readI32(bytes, at + FIELD.partitionLeaderEpoch)),
  magic: (bytes, at) => String(bytes[at + FIELD.magic]),
  crc: describeCrc,
  attributes: (bytes, at) =>
    `codec ${codecOf(bytes, at) ?? "unknown"}, ${hasLogAppendTime(bytes, at) ? "LogAppendTime" : "CreateTime"}` +
    `${(attributes(bytes, at) & TRANSACTIONAL_BIT) === 0 ? "" : ", transactional"}${(attributes(bytes, at) & CONTROL_BIT) === 0 ? "" : ", control"}` +
    `${(attributes(bytes, at) & DELETE_HORIZON_BIT) === 0 ? "" : ", delete horizon"}`,
  lastOffsetDelta: (bytes, at) =>
    `${readI32(bytes, at + FIELD.lastOffsetDelta)} (last offset ${lastOffset(bytes, at)})`,
  baseTimestamp: (bytes, at) =>
    describeTime(baseTimestamp(bytes, at)) +
    ((attributes(bytes, at) & DELETE_HORIZON_BIT) === 0 ? "" : ": tombstones go after this"),
  maxTimestamp: (bytes, at) => describeTime(maxTimestamp(bytes, at)),
  producerId: (bytes, at) => orNone(producerId(bytes, at)),
  producerEpoch: (bytes, at) => orNone(readI16(bytes, at + FIELD.producerEpoch)),
  baseSequence: (bytes, at) => orNone(readI32(bytes, at + FIELD.baseSequence)),
  recordCount: (bytes, at) => String(recordCount(bytes, at)),
};

const TIMES = new Set<HeaderField>(["baseTimestamp", "maxTimestamp"]);

/** Decompresses the records of a batch, or the first of them. Throws RustLogError if that is not possible. */
export type OpenRecords = (codec: Codec, bytes: Uint8Array) => Prefix;

/**
 * The fields of the batch at byte `at`, which is at `position` in its file; the bytes end at `end`. Without `open`,
 * records that decompress to more than a client accepts are not decompressed.
 */
export function* batchFields(
  bytes: Uint8Array,
  at: number,
  end: number,
  position: number,
  open: OpenRecords = openWhole,
): Generator<DumpItem, void> {
  yield* headerFields(bytes, at, end, position);
  if (end - at <= BATCH_HEADER_BYTES) return;
  const start = at + BATCH_HEADER_BYTES;
  const codec = codecOf(bytes, at);
  if (codec === "none") {
    yield* recordFields(bytes, start, end, position + BATCH_HEADER_BYTES, frameOf(bytes, at));
    return;
  }
  const records = bytes.subarray(start, end);
  const role = codec === undefined ? "broken" : "value";
  yield field(
    position + BATCH_HEADER_BYTES,
    records,
    `records (${codec ?? "unknown codec"})`,
    role,
  );
  if (codec === undefined) return;
  try {
    const { bytes: opened, isWhole } = open(codec, records);
    const which = isWhole ? "" : "the first ";
    yield heading(
      1,
      `${which}${opened.length} bytes of records, decompressed; positions are relative to them`,
    );
    yield* recordFields(opened, 0, opened.length, 0, frameOf(bytes, at), isWhole);
  } catch (error) {
    // Records with an unknown codec, or too many bytes, may be intact.
    const isDamage = !(error instanceof RustLogError) || error.code === "CORRUPT_MESSAGE";
    yield heading(1, `the records are not decompressed: ${reasonOf(error)}`, isDamage);
  }
}

function openWhole(codec: Codec, bytes: Uint8Array): Prefix {
  return { bytes: decompress(codec, bytes, DECOMPRESSED_BYTES_MAX), isWhole: true };
}

function* headerFields(
  bytes: Uint8Array,
  at: number,
  end: number,
  position: number,
): Generator<Field, void> {
  for (const [i, name] of ORDER.entries()) {
    const from = FIELD[name];
    const to = Math.min(FIELD[ORDER[i + 1] ?? "records"], end - at);
    if (to <= from) return;
    const isWhole = to === FIELD[ORDER[i + 1] ?? "records"];
    const content = bytes.subarray(at + from, at + to);
    const text = isWhole ? describe(name, bytes, at, end) : "cut off";
    const isBroken = !isWhole || isWrong(name, bytes, at, end);
    const role: FieldRole = isBroken ? "broken" : TIMES.has(name) ? "time" : "header";
    yield { kind: "field", position: position + from, bytes: content, name, text, role };
  }
}

function field(position: number, bytes: Uint8Array, name: string, role: FieldRole): Field {
  return { kind: "field", position, bytes, name, text: undefined, role };
}

function describe(name: HeaderField, bytes: Uint8Array, at: number, end: number): string {
  try {
    return DESCRIPTIONS[name](bytes, at, end);
  } catch {
    return "invalid: outside the safe integers";
  }
}

function isWrong(name: HeaderField, bytes: Uint8Array, at: number, end: number): boolean {
  if (name === "magic") return bytes[at + FIELD.magic] !== 2;
  if (name === "crc") return describeCrc(bytes, at, end) !== `${formatCrc(crc(bytes, at))} ok`;
  return describe(name, bytes, at, end).startsWith("impossible");
}

function describeCrc(bytes: Uint8Array, at: number, end: number): string {
  const stated = formatCrc(crc(bytes, at));
  const size = batchBytes(bytes, at);
  if (size < BATCH_HEADER_BYTES || at + size > end)
    return `${stated}, not checked: the batch is incomplete`;
  const computed = crc32c(bytes, at + FIELD.attributes, at + size);
  return computed === crc(bytes, at) ? `${stated} ok` : `${stated} WRONG: ${formatCrc(computed)}`;
}

function describeTime(ms: number): string {
  return `${ms} ${formatTime(ms)}`;
}

function orNone(value: number): string {
  return value === -1 ? "-1 (none)" : String(value);
}

/** The base values of a batch's records; for a damaged header, as far as they can be read. */
function frameOf(bytes: Uint8Array, at: number): RecordFrame {
  const orZero = (index: number): number => {
    try {
      return readI64(bytes, index);
    } catch {
      return 0;
    }
  };
  return {
    baseOffset: orZero(at + FIELD.baseOffset),
    baseTimestamp: orZero(at + FIELD.baseTimestamp),
    recordCount: recordCount(bytes, at),
  };
}
