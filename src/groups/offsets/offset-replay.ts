// Rebuilds the tables of committed offsets and of the records of groups from the internal topic at start.
// Leaves to others: the formats of records (offset-record.ts, group-record.ts), and using the tables (offset-store.ts).
//
// Damage costs only the commits in it: an unreadable batch is skipped up to the next readable one, and a record that is
// malformed is skipped alone. Both are reported with their place in the log. A record of a kind that this release does not
// know is kept as it is, for the release that wrote it.
//
// A commit counts only for the topic that it was made for. One for a topic that was deleted or recreated is only entered to be
// deleted: there was no time, or no space, to write tombstones for all of them.
import { RustLogError } from "../../errors.js";
import { nextTurn } from "../../log/event-loop.js";
import { readAll } from "../../log/segment/log-slice.js";
import { RecordCursor } from "../../record/cursor.js";
import type { Partition } from "../../topics/partition.js";
import type { TopicRegistry } from "../../topics/topic-registry.js";
import type { GroupRecordTable } from "../group-record-table.js";
import {
  decodeGroupRecord,
  GROUP_KEY_VERSION,
  keyVersion,
  OFFSET_KEY_VERSION_MAX,
} from "../group-record.js";
import { decodeOffsetKey, decodeOffsetValue } from "./offset-record.js";
import type { OffsetTable } from "./offset-table.js";

const REPLAY_BYTES = 1024 * 1024;

/** Invalid records that are reported individually; the others are only counted. */
const REPORTED_RECORDS_MAX = 10;

interface ReplayContext {
  readonly partition: Partition;
  readonly registry: TopicRegistry;
  readonly table: OffsetTable;
  readonly groupRecords: GroupRecordTable;
  readonly report: (line: string) => void;
}

/** Applies all records of the internal topic to the tables. Resolves with whether batches are damaged. */
export async function replayOffsets(context: ReplayContext): Promise<boolean> {
  return await new Replay(context).run();
}

class Replay {
  readonly #context: ReplayContext;
  readonly #cursor = new RecordCursor();
  readonly #firstIds = new Map<string, string>();
  #invalidRecords = 0;
  #isDamaged = false;

  constructor(context: ReplayContext) {
    this.#context = context;
  }

  async run(): Promise<boolean> {
    const { partition, report } = this.#context;
    for (let offset = partition.logStartOffset; offset < partition.highWatermark;) {
      offset = this.#readFrom(offset);
      await nextTurn();
    }
    const unreported = this.#invalidRecords - REPORTED_RECORDS_MAX;
    if (unreported > 0) {
      report(`${partition.name}: ${unreported} more records are invalid and were skipped`);
    }
    return this.#isDamaged;
  }

  /** Applies some batches and returns the offset after them. */
  #readFrom(offset: number): number {
    const { partition } = this.#context;
    try {
      const read = partition.read(offset, REPLAY_BYTES);
      this.#applyBatches(readAll(read), offset, read.nextOffset);
      return read.nextOffset;
    } catch (error) {
      if (!(error instanceof RustLogError) || error.code !== "CORRUPT_MESSAGE") throw error;
      const to = Math.max(partition.offsetAfterDamage(offset), offset + 1);
      const prefix = `${partition.name}: `;
      const { message } = error;
      this.#reportLoss(
        offset,
        to,
        message.startsWith(prefix) ? message.slice(prefix.length) : message,
      );
      return to;
    }
  }

  #applyBatches(bytes: Uint8Array, fromOffset: number, endOffset: number): void {
    const { partition } = this.#context;
    const cursor = this.#cursor.reset(bytes, 0, bytes.length, { fromOffset, endOffset });
    for (;;) {
      try {
        if (!cursor.next()) return;
      } catch (error) {
        if (!(error instanceof RustLogError)) throw error;
        const { batch, from, to = endOffset } = cursor.damaged();
        const place = partition.placeOf(batch) ?? `the batch at offset ${batch}`;
        this.#reportLoss(from, to, `${place}: ${reasonFor(error)}`);
        cursor.skipDamaged();
        continue;
      }
      this.#applyRecord(cursor);
    }
  }

  #applyRecord(cursor: RecordCursor): void {
    const { registry, table, groupRecords } = this.#context;
    const keyBytes = cursor.key();
    if (keyBytes === null) return;
    try {
      if (keyVersion(keyBytes) > OFFSET_KEY_VERSION_MAX) {
        const value = cursor.value();
        if (keyVersion(keyBytes) === GROUP_KEY_VERSION && value !== null) decodeGroupRecord(value);
        groupRecords.apply([keyBytes, value]);
        return;
      }
      const key = decodeOffsetKey(keyBytes);
      const valueBytes = cursor.value();
      if (valueBytes === null) {
        table.delete(key);
        return;
      }
      const value = decodeOffsetValue(valueBytes);
      const topicId = value.topicId ?? this.#firstId(key.topic);
      if (registry.hasId(key.topic, topicId)) table.set(key, { ...value, topicId });
      else table.setGone(key, { ...value, topicId });
    } catch (error) {
      if (!(error instanceof RustLogError) || error.code !== "CORRUPT_MESSAGE") throw error;
      this.#reportInvalid(cursor.offset, error.message);
    }
  }

  /** The topic id to assume for a value of an older release, which has none. */
  #firstId(name: string): string {
    const known = this.#firstIds.get(name) ?? this.#context.registry.firstTopicId(name);
    this.#firstIds.set(name, known);
    return known;
  }

  #reportLoss(from: number, to: number, reason: string): void {
    const { partition, report } = this.#context;
    this.#isDamaged = true;
    const which = to === from + 1 ? `record ${from}` : `records ${from} to ${to - 1}`;
    report(`${partition.name}: the commits in ${which} are lost, all others are kept: ${reason}`);
  }

  #reportInvalid(offset: number, reason: string): void {
    const { partition, report } = this.#context;
    this.#invalidRecords++;
    if (this.#invalidRecords > REPORTED_RECORDS_MAX) return;
    report(`${partition.name}: record ${offset} was skipped, all others are kept: ${reason}`);
  }
}

/** Why a batch can't be read, without its position in the bytes of this read. */
function reasonFor(error: RustLogError): string {
  return error.cause instanceof RustLogError ? error.cause.message : error.message;
}
