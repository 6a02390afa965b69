// The model of a compacted partition in the simulation, against which its log is checked.
// Leaves to others: the workload (compaction-simulation.ts).
import { readAll } from "../../src/log/segment/log-slice.js";
import { RecordCursor } from "../../src/record/cursor.js";
import type { Partition } from "../../src/topics/partition.js";
import { hold } from "./simulation-model.js";

export interface KeyedRecord {
  /** Unique in the simulation; the only header of the record. */
  readonly id: string;
  readonly key: string;
  readonly isTombstone: boolean;
  readonly sentMs: number;
}

/** A batch that was sent, and its outcome. */
export interface KeyedAttempt {
  readonly records: readonly KeyedRecord[];
  /** Its producer, and first sequence number; undefined if it is not idempotent. */
  readonly producer: { readonly id: number; readonly sequence: number } | undefined;
  /** Where it is known to have been appended. */
  base: number | undefined;
  isAcknowledged: boolean;
}

/** An idempotent producer: it sends a batch again until that is acknowledged. */
export interface KeyedProducer {
  readonly id: number;
  nextSequence: number;
  unacknowledged: KeyedAttempt | undefined;
  isSending: boolean;
}

export class KeyedModel {
  readonly attempts: KeyedAttempt[] = [];
  readonly producers: KeyedProducer[] = [71, 72].map((id) => ({
    id,
    nextSequence: 0,
    unacknowledged: undefined,
    isSending: false,
  }));
  logStartOffset = 0;
  #firstDirtyOffset = 0;
  /** Records that were acknowledged or read, by offset. */
  readonly #known = new Map<number, KeyedRecord>();
  readonly #byId = new Map<string, { attempt: KeyedAttempt; index: number }>();

  sent(attempt: KeyedAttempt): void {
    this.attempts.push(attempt);
    for (const [index, { id }] of attempt.records.entries()) this.#byId.set(id, { attempt, index });
  }

  acknowledged(attempt: KeyedAttempt, base: number): void {
    hold(attempt.base === undefined || attempt.base === base, `a batch is at ${attempt.base} too`);
    attempt.base = base;
    attempt.isAcknowledged = true;
    for (const [i, record] of attempt.records.entries()) this.#known.set(base + i, record);
  }

  /** A record was read. */
  seen(name: string, offset: number, id: string, key: string): void {
    const sent = this.#byId.get(id);
    hold(sent !== undefined, `${name}: offset ${offset} has a record that nobody sent`);
    const { attempt, index } = sent!;
    const record = attempt.records[index]!;
    hold(record.key === key, `${name}: offset ${offset} has another key`);
    attempt.base ??= offset - index;
    hold(attempt.base === offset - index, `${name}: ${id} has moved from ${attempt.base! + index}`);
    const known = this.#known.get(offset);
    hold(known === undefined || known === record, `${name}: offset ${offset} has changed`);
    this.#known.set(offset, record);
  }

  /** Checks a partition at rest. A tombstone stays for `deleteRetentionMs` after it was sent, until `nowMs`, at least. */
  check(partition: Partition, deleteRetentionMs: number, nowMs: number): void {
    const { name, logStartOffset, highWatermark } = partition;
    const { firstDirtyOffset } = partition.compaction.extent;
    hold(
      logStartOffset >= this.logStartOffset,
      `${name}: the log starts at ${logStartOffset} again`,
    );
    hold(
      firstDirtyOffset >= this.#firstDirtyOffset,
      `${name}: the log is dirty from ${firstDirtyOffset} on, not ${this.#firstDirtyOffset}`,
    );
    this.logStartOffset = logStartOffset;
    this.#firstDirtyOffset = firstDirtyOffset;
    const found = this.#read(partition);
    for (
      let offset = Math.max(logStartOffset, firstDirtyOffset);
      offset < highWatermark;
      offset++
    ) {
      hold(found.has(offset), `${name}: offset ${offset} is missing, and is not compacted`);
    }
    const cleaned = new Set<string>();
    for (const [offset, { key }] of found) {
      if (offset >= firstDirtyOffset) continue;
      hold(!cleaned.has(key), `${name}: ${key} is twice below ${firstDirtyOffset}`);
      cleaned.add(key);
    }
    for (const { records, base, isAcknowledged } of this.attempts) {
      if (!isAcknowledged || base! + records.length <= firstDirtyOffset) continue;
      hold(base! + records.length <= highWatermark, `${name}: acknowledged at ${base}, and lost`);
    }
    this.#checkKeys(name, logStartOffset, found, nowMs - deleteRetentionMs);
  }

  #read(partition: Partition): Map<number, KeyedRecord> {
    const { name, highWatermark } = partition;
    const found = new Map<number, KeyedRecord>();
    const ids = new Set<string>();
    const cursor = new RecordCursor();
    for (let offset = partition.logStartOffset; offset < highWatermark;) {
      const read = partition.read(offset, 700);
      hold(read.nextOffset > offset, `${name}: a read at ${offset} does not go on`);
      cursor.reset(readAll(read), undefined, undefined, { fromOffset: offset });
      while (cursor.next()) {
        const id = idOf(cursor);
        hold(!ids.has(id), `${name}: record ${id} is there twice`);
        ids.add(id);
        this.seen(name, cursor.offset, id, cursor.keyText() ?? "");
        found.set(cursor.offset, this.#known.get(cursor.offset)!);
      }
      offset = read.nextOffset;
    }
    return found;
  }

  /** The newest record of each key is there, or it is a tombstone from before `expiredMs` and nothing is. */
  #checkKeys(
    name: string,
    logStartOffset: number,
    found: ReadonlyMap<number, KeyedRecord>,
    expiredMs: number,
  ): void {
    const newest = new Map<string, number>();
    for (const [offset, { key }] of this.#known) {
      if (offset < logStartOffset) continue;
      newest.set(key, Math.max(newest.get(key) ?? 0, offset));
    }
    const newestFound = new Map([...found].map(([offset, { key }]) => [key, offset]));
    for (const [key, offset] of newest) {
      const { isTombstone, sentMs } = this.#known.get(offset)!;
      const last = newestFound.get(key);
      const isExpired = isTombstone && sentMs <= expiredMs && last === undefined;
      hold(
        last === offset || isExpired,
        `${name}: the newest record of ${key} was at ${offset}, and is at ${last}`,
      );
    }
  }
}

/** The id of the record that a cursor shows. */
export function idOf(cursor: RecordCursor): string {
  return String(cursor.headers()[0]?.name);
}
