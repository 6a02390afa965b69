// The file of a partition's idempotent producers: NNNNNNNNNNNNNNNNNNNN.snapshot, named by the offset up to which it is
// valid. Leaves to others: when to write it (log.ts: at a roll and at a clean stop).
//
//   version i16 = 1 | crc u32 (CRC-32C of all that follows) | count i32 | entries (46 bytes each):
//     producerId i64 | epoch i16 | lastSequence i32 | lastOffset i64 | offsetDelta i32 | timestamp i64
//     | coordinatorEpoch i32 = -1 | currentTxnFirstOffset i64 = -1
//
// Kafka's layout, with one difference: Kafka stores one entry per producer, for its last batch. Here every remembered
// batch has an entry, newest last, because a resend of any of them must be recognized after a restart. Kafka's tools
// use the last entry of a producer. The file can be rebuilt from the log by walking all batch headers.
import { sequenceAfter } from "../record/batch.js";
import {
  readI16,
  readI32,
  readI64,
  readU16,
  readU32,
  writeI32,
  writeI64,
  writeU16,
  writeU32,
} from "../record/bytes.js";
import { crc32c } from "../record/crc32c.js";
import {
  FlushFailure,
  isDiskFull,
  isOutOfFiles,
  isUnusable,
  joinPath,
  reasonOf,
  removeQuietly,
  systemErrorCode,
} from "./disk/disk.js";
import type { LogContext } from "./log-context.js";
import { type ProducerBatch, ProducerStates } from "./producer-states.js";
import { segmentFileName } from "./segment/segment-files.js";

/** The layout above, in bytes. */
export const SNAPSHOT = {
  version: 1,
  crcAt: 2,
  countAt: 6,
  entriesAt: 10,
  entryBytes: 46,
} as const;

const { version: VERSION, crcAt: CRC_AT, countAt: COUNT_AT } = SNAPSHOT;
const { entriesAt: ENTRIES_AT, entryBytes: ENTRY_BYTES } = SNAPSHOT;
const SEQUENCES = 2 ** 31;

export function encodeProducerSnapshot(states: ProducerStates): Uint8Array {
  let count = 0;
  for (const [, { batches }] of states.entries()) count += batches.length;
  const bytes = new Uint8Array(ENTRIES_AT + count * ENTRY_BYTES);
  let at = ENTRIES_AT;
  for (const [id, { epoch, batches }] of states.entries()) {
    for (const batch of batches) {
      writeEntry(bytes, at, id, epoch, batch);
      at += ENTRY_BYTES;
    }
  }
  writeU16(bytes, 0, VERSION);
  writeI32(bytes, COUNT_AT, count);
  writeU32(bytes, CRC_AT, crc32c(bytes, COUNT_AT, bytes.length));
  return bytes;
}

function writeEntry(
  bytes: Uint8Array,
  at: number,
  id: number,
  epoch: number,
  batch: ProducerBatch,
): void {
  const delta = batch.recordCount - 1;
  writeI64(bytes, at, id);
  writeU16(bytes, at + 8, epoch);
  writeI32(bytes, at + 10, sequenceAfter(batch.baseSequence, delta));
  writeI64(bytes, at + 14, batch.baseOffset + delta);
  writeI32(bytes, at + 22, delta);
  writeI64(bytes, at + 26, batch.timestamp);
  writeI32(bytes, at + 34, -1);
  writeI64(bytes, at + 38, -1);
}

/** Decodes a snapshot; undefined if it is damaged or has another version. */
export function decodeProducerSnapshot(bytes: Uint8Array): ProducerStates | undefined {
  if (bytes.length < ENTRIES_AT || readU16(bytes, 0) !== VERSION) return undefined;
  if (readU32(bytes, CRC_AT) !== crc32c(bytes, COUNT_AT, bytes.length)) return undefined;
  if (bytes.length !== ENTRIES_AT + readI32(bytes, COUNT_AT) * ENTRY_BYTES) return undefined;
  const states = new ProducerStates();
  for (let at = ENTRIES_AT; at < bytes.length; at += ENTRY_BYTES) {
    const delta = readI32(bytes, at + 22);
    const batch = {
      baseSequence: baseSequenceOf(bytes, at),
      recordCount: delta + 1,
      baseOffset: readI64(bytes, at + 14) - delta,
      timestamp: readI64(bytes, at + 26),
    };
    states.add(readI64(bytes, at), readI16(bytes, at + 8), batch);
  }
  return states;
}

/** First sequence number of the batch whose entry is at byte `at`. The entry stores the last one. */
export function baseSequenceOf(bytes: Uint8Array, at: number): number {
  return (readI32(bytes, at + 10) - readI32(bytes, at + 22) + SEQUENCES) % SEQUENCES;
}

export class ProducerSnapshots {
  readonly #context: LogContext;
  readonly #offsets: Set<number>;

  /** `offsets` are the offsets in the names of existing snapshots. */
  constructor(context: LogContext, offsets: Iterable<number>) {
    this.#context = context;
    this.#offsets = new Set(offsets);
  }

  /** The producers as of an offset; undefined if there is no valid snapshot for it. */
  load(offset: number): ProducerStates | undefined {
    if (!this.#offsets.has(offset)) return undefined;
    try {
      const bytes = this.#context.disk.readFile(this.#path(offset));
      return bytes === undefined ? undefined : decodeProducerSnapshot(bytes);
    } catch (error) {
      // The log holds the same information.
      if (isUnusable(error)) return undefined;
      throw error;
    }
  }

  /**
   * Writes the snapshot of an offset atomically; the caller flushes the directory. Throws a FlushFailure, and the
   * system's error if there is no space or no descriptor. Reports any other failure and returns false: without a
   * snapshot the next start reads the log.
   */
  async save(offset: number, states: ProducerStates): Promise<boolean> {
    const { disk, report } = this.#context;
    const path = this.#path(offset);
    const temporary = `${path}.tmp`;
    try {
      await disk.writeFile(temporary, encodeProducerSnapshot(states));
      disk.rename(temporary, path);
    } catch (error) {
      removeQuietly(disk, temporary);
      if (isDiskFull(error) || isOutOfFiles(error)) throw error;
      if (systemErrorCode(error) === "EIO") throw new FlushFailure(path, error);
      report(`${path} can't be written: ${reasonOf(error)}; the next start reads the log instead`);
      return false;
    }
    this.#offsets.add(offset);
    return true;
  }

  /**
   * Removes the snapshots of all other offsets, which are stale. If that fails, reports it once: a leftover only takes
   * space.
   */
  keepOnly(offset: number): void {
    const { disk, report } = this.#context;
    for (const other of this.#offsets) {
      if (other === offset) continue;
      this.#offsets.delete(other);
      try {
        disk.remove(this.#path(other));
      } catch (error) {
        report(
          `${this.#path(other)} can't be removed: ${reasonOf(error)}; it is not needed any more`,
        );
      }
    }
  }

  /**
   * Removes the snapshots of later offsets: the log was truncated at `offset`, and new records will get those offsets.
   * Throws the system's error.
   */
  removeAfter(offset: number): void {
    for (const other of this.#offsets) {
      if (other <= offset) continue;
      this.#offsets.delete(other);
      const path = this.#path(other);
      // A directory of that name is harmless: it is never read.
      if (this.#isFile(path)) this.#context.disk.remove(path);
    }
  }

  /** Whether the path exists and is not a directory. */
  #isFile(path: string): boolean {
    try {
      return this.#context.disk.fileSize(path) !== undefined;
    } catch (error) {
      if (isUnusable(error)) return true;
      throw error;
    }
  }

  #path(offset: number): string {
    return joinPath(this.#context.directory, segmentFileName(offset, "snapshot"));
  }
}
