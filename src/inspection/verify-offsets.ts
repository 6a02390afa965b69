// Checks the committed offsets and the records of groups: they decode, and no group is ahead of its log.
// Leaves to others: their layouts (groups/offsets/offset-record.ts, groups/group-record.ts), and the walk over the log
// (verify-segment.ts).
import {
  decodeGroupRecord,
  GROUP_KEY_VERSION,
  groupOfKey,
  keyVersion,
  OFFSET_KEY_VERSION_MAX,
} from "../groups/group-record.js";
import {
  decodeOffsetKey,
  decodeOffsetValue,
  type OffsetKey,
} from "../groups/offsets/offset-record.js";
import { OFFSETS_TOPIC } from "../topics/internal-topics.js";
import { OffsetTable } from "../groups/offsets/offset-table.js";
import type { RecordCursor } from "../record/cursor.js";
import { reasonOf } from "../log/disk/disk.js";
import { firstTopicId } from "../topics/topic-file.js";
import type { Verification } from "./verification.js";

const PLACE = { file: `topics/${OFFSETS_TOPIC}/0`, topic: OFFSETS_TOPIC, partition: 0 };

export interface PartitionEnd {
  readonly nextOffset: number;
  /** Whether the log may have continued: its end is damaged. */
  readonly isUncertain: boolean;
}

/** The committed offsets, replayed as at a broker's start. */
export class CommittedOffsetsCheck {
  readonly #run: Verification;
  readonly #table = new OffsetTable();
  /** Where each row was read, by key. */
  readonly #places = new Map<string, number>();
  /** The ids of the existing topics, by name. */
  readonly topicIds = new Map<string, string>();

  constructor(run: Verification) {
    this.#run = run;
  }

  /** Takes the next record of the offsets topic. */
  record(cursor: RecordCursor): void {
    const bytes = cursor.key();
    if (bytes === null) return;
    try {
      const value = cursor.value();
      if (keyVersion(bytes) > OFFSET_KEY_VERSION_MAX) {
        groupOfKey(bytes);
        if (keyVersion(bytes) === GROUP_KEY_VERSION && value !== null) decodeGroupRecord(value);
        return;
      }
      const key = decodeOffsetKey(bytes);
      if (value === null) {
        this.#table.delete(key);
        return;
      }
      const { topicId, ...committed } = decodeOffsetValue(value);
      const id = topicId ?? firstTopicId(this.#run.directoryId, key.topic);
      this.#table.set(key, { ...committed, topicId: id });
      this.#places.set(nameOf(key), cursor.offset);
    } catch (error) {
      this.#run.damage({ ...PLACE, offset: cursor.offset }, reasonOf(error));
    }
  }

  /** Checks the rows against the existing partitions, which are keyed by `topic/partition`. */
  finish(ends: ReadonlyMap<string, PartitionEnd>): void {
    const deleted = new Map<string, number>();
    for (const row of this.#table.rows(undefined, Infinity)) {
      const topicId = this.topicIds.get(row.topic);
      const end = ends.get(`${row.topic}/${row.partition}`);
      // A topic with a damaged topic.json has partitions but no known id.
      const isDeleted = topicId === undefined ? end === undefined : topicId !== row.topicId;
      if (isDeleted) {
        deleted.set(row.topic, (deleted.get(row.topic) ?? 0) + 1);
        continue;
      }
      const offset = this.#places.get(nameOf(row)) ?? 0;
      const what = `group '${row.group}' has committed offset ${row.offset} of ${row.topic}-${row.partition}`;
      if (end === undefined) {
        this.#run.note({ ...PLACE, offset }, `${what}, which does not exist`);
      } else if (row.offset > end.nextOffset && row.details?.isAhead !== true && !end.isUncertain) {
        const reason = `${what}, which ends at ${end.nextOffset}; the next start moves the group there`;
        this.#run.damage({ ...PLACE, offset }, reason);
      }
    }
    for (const [topic, rows] of deleted) {
      const what = `committed offsets of a deleted topic '${topic}': ${rows}`;
      this.#run.note(
        PLACE,
        `${what}; no other topic uses them, and the next compaction removes them`,
      );
    }
  }
}

function nameOf({ group, topic, partition }: OffsetKey): string {
  return `${topic}/${partition}/${group}`;
}
