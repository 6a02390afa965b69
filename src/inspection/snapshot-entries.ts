// The entries of a producer snapshot, one per remembered batch, and the faults of the file, also of a damaged one.
// Leaves to others: the layout and what a broker does with it (log/producer-snapshot.ts), comparing it with the log
// (verify-snapshots.ts), and printing (cli/inspect-entries.ts).
import { readI16, readI32, readI64, readU16, readU32 } from "../record/bytes.js";
import { crc32c } from "../record/crc32c.js";
import { readRegular } from "../log/disk/regular-file.js";
import { baseSequenceOf, SNAPSHOT } from "../log/producer-snapshot.js";
import { formatCrc, formatTime } from "./batch-description.js";
import { type DumpItem, type FieldRole, heading } from "./fields.js";

const { version: VERSION, crcAt: CRC_AT, countAt: COUNT_AT } = SNAPSHOT;
const { entriesAt: ENTRIES_AT, entryBytes: ENTRY_BYTES } = SNAPSHOT;

/** A batch of a producer. Integers outside the safe range are null. */
export interface SnapshotEntry {
  readonly entry: number;
  readonly producerId: number | null;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly recordCount: number;
  readonly baseOffset: number | null;
  readonly lastOffset: number | null;
  /** Largest timestamp of the batch, in milliseconds. */
  readonly timestamp: number | null;
}

interface SnapshotListing {
  readonly bytes: Uint8Array;
  readonly entries: readonly SnapshotEntry[];
  /** Faults of the file. A broker ignores a file with any fault. */
  readonly faults: readonly string[];
}

/** Reads a snapshot. Throws the system's error when it can't be read. */
export function listSnapshot(path: string): SnapshotListing {
  const bytes = new Uint8Array(readRegular(path));
  const count = Math.max(0, Math.floor((bytes.length - ENTRIES_AT) / ENTRY_BYTES));
  const entries = Array.from({ length: count }, (_, entry) => entryOf(bytes, entry));
  return { bytes, entries, faults: faultsOf(bytes, count) };
}

/** The text of a field that starts at `at`. */
type Describe = (bytes: Uint8Array, at: number) => string;

/** A field: name, start, end, and its text. */
type Cell = readonly [name: string, from: number, to: number, describe: Describe, role?: FieldRole];

const i16: Describe = (bytes, at) => String(readI16(bytes, at));
const i32: Describe = (bytes, at) => String(readI32(bytes, at));
const i64: Describe = (bytes, at) => String(numberAt(bytes, at) ?? "impossible");
const time: Describe = (bytes, at) => {
  const ms = numberAt(bytes, at);
  return ms === null ? formatTime(ms) : `${ms} ${formatTime(ms)}`;
};

const HEADER: readonly Cell[] = [
  ["version", 0, CRC_AT, i16],
  [
    "crc",
    CRC_AT,
    COUNT_AT,
    (bytes) => crcFault(bytes) ?? `${formatCrc(readU32(bytes, CRC_AT))} ok`,
  ],
  ["count", COUNT_AT, ENTRIES_AT, i32],
];

const ENTRY: readonly Cell[] = [
  ["producerId", 0, 8, i64],
  ["epoch", 8, 10, i16],
  ["lastSequence", 10, 14, i32],
  ["lastOffset", 14, 22, i64],
  ["offsetDelta", 22, 26, i32],
  ["timestamp", 26, 34, time, "time"],
  ["coordinatorEpoch", 34, 38, i32],
  ["currentTxnFirstOffset", 38, 46, i64],
];

export function* snapshotFields(
  { bytes, entries: all }: SnapshotListing,
  entries: readonly SnapshotEntry[] = all,
): Generator<DumpItem, void> {
  const hasHeader = bytes.length >= ENTRIES_AT;
  if (hasHeader) yield* cells(bytes, 0, HEADER);
  for (const { entry } of entries) {
    yield heading(0, `entry ${entry}`);
    yield* cells(bytes, ENTRIES_AT + entry * ENTRY_BYTES, ENTRY);
  }
  const rest = hasHeader ? ENTRIES_AT + all.length * ENTRY_BYTES : 0;
  if (rest === bytes.length) return;
  const name = hasHeader ? "incomplete entry" : "incomplete header";
  const content = bytes.subarray(rest);
  yield { kind: "field", position: rest, bytes: content, name, text: undefined, role: "broken" };
}

function* cells(bytes: Uint8Array, at: number, layout: readonly Cell[]): Generator<DumpItem, void> {
  for (const [name, from, to, describe, role = "header"] of layout) {
    const content = bytes.subarray(at + from, at + to);
    const text = describe(bytes, at + from);
    yield { kind: "field", position: at + from, bytes: content, name, text, role };
  }
}

function entryOf(bytes: Uint8Array, entry: number): SnapshotEntry {
  const at = ENTRIES_AT + entry * ENTRY_BYTES;
  const delta = readI32(bytes, at + 22);
  const lastOffset = numberAt(bytes, at + 14);
  return {
    entry,
    producerId: numberAt(bytes, at),
    producerEpoch: readI16(bytes, at + 8),
    baseSequence: baseSequenceOf(bytes, at),
    recordCount: delta + 1,
    baseOffset: lastOffset === null ? null : lastOffset - delta,
    lastOffset,
    timestamp: numberAt(bytes, at + 26),
  };
}

/** Finds faults by the same checks as a broker. */
function faultsOf(bytes: Uint8Array, entries: number): string[] {
  if (bytes.length < ENTRIES_AT) return [`its ${bytes.length} bytes are less than a header`];
  const faults: string[] = [];
  const version = readU16(bytes, 0);
  if (version !== VERSION) faults.push(`its version is ${version}, not ${VERSION}`);
  const crc = crcFault(bytes);
  if (crc !== undefined) faults.push(`its CRC-32C is ${crc}`);
  const count = readI32(bytes, COUNT_AT);
  const excess = (bytes.length - ENTRIES_AT) % ENTRY_BYTES;
  if (count !== entries) faults.push(`its header states ${count} entries, but it has ${entries}`);
  if (excess > 0) faults.push(`its last ${excess} bytes are not a complete entry`);
  return faults;
}

function crcFault(bytes: Uint8Array): string | undefined {
  const stated = readU32(bytes, CRC_AT);
  const computed = crc32c(bytes, COUNT_AT, bytes.length);
  return stated === computed
    ? undefined
    : `${formatCrc(stated)} in its header, but ${formatCrc(computed)} of its bytes`;
}

/** The 64-bit integer at byte `at`; null if it is not a safe integer. */
function numberAt(bytes: Uint8Array, at: number): number | null {
  try {
    return readI64(bytes, at);
  } catch {
    return null;
  }
}
