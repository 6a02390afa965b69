// What the records of a batch must be like. Only some topics look: a compacted one knows a record by its key, and one with
// message.timestamp.before.max.ms takes no older record.
// Leaves to others: opening the batch (checked-append.ts), and the range of timestamps (timestamp-check.ts).
import { RustLogError } from "../errors.js";
import type { LogSettings } from "../log/log-context.js";
import type { RecordCursor } from "../record/cursor.js";
import {
  isOutOfRange,
  limitsOldRecords,
  type RefusedRecord,
  RefusedTimestamps,
} from "./timestamp-check.js";

/** Records whose places an error lists. */
const REFUSED_LISTED_MAX = 100;

/** INVALID_RECORD, with the places of the records that have no key. */
export class KeylessRecords extends RustLogError {
  readonly partition: string;
  /** The first of them, counted in the batch from 0. */
  readonly indexes: readonly number[];
  readonly count: number;

  constructor(partition: string, { indexes, count }: Keyless, records: number) {
    const which = count === 1 ? `record ${indexes[0]}` : `${count} records, first ${indexes[0]},`;
    super(
      "INVALID_RECORD",
      `${partition} is compacted (cleanup.policy=compact), so each record needs a key: ` +
        `${which} of a batch of ${records} (counted from 0) ${count === 1 ? "has" : "have"} none`,
    );
    this.partition = partition;
    this.indexes = indexes;
    this.count = count;
  }
}

interface Keyless {
  readonly indexes: number[];
  count: number;
}

/** Whether a topic with these settings looks at records. */
export function looksAtRecords(settings: LogSettings): boolean {
  return settings.compacts || limitsOldRecords(settings);
}

/** The check of one batch. */
export class RecordCheck {
  readonly #partition: string;
  readonly #settings: LogSettings;
  readonly #nowMs: number;
  readonly #hasTimes: boolean;
  readonly #keyless: Keyless = { indexes: [], count: 0 };
  readonly #outOfRange: RefusedRecord[] = [];

  /** `partition` is the partition's name. */
  constructor(partition: string, settings: LogSettings, nowMs: number) {
    this.#partition = partition;
    this.#settings = settings;
    this.#nowMs = nowMs;
    this.#hasTimes = settings.timestampType === "CreateTime";
  }

  /** Looks at the record with this place in the batch. */
  see({ keyStart, timestamp }: RecordCursor, index: number): void {
    if (this.#settings.compacts && keyStart < 0) {
      const { indexes } = this.#keyless;
      this.#keyless.count++;
      if (indexes.length < REFUSED_LISTED_MAX) indexes.push(index);
    } else if (this.#hasTimes && isOutOfRange(timestamp, this.#settings, this.#nowMs)) {
      if (this.#outOfRange.length < REFUSED_LISTED_MAX) this.#outOfRange.push({ index, timestamp });
    }
  }

  /** Throws INVALID_RECORD or INVALID_TIMESTAMP if one of the records of the batch is wrong. */
  end(records: number): void {
    if (this.#keyless.count > 0) throw new KeylessRecords(this.#partition, this.#keyless, records);
    if (this.#outOfRange.length === 0) return;
    throw new RefusedTimestamps(this.#outOfRange, this.#settings, this.#nowMs);
  }
}
