// Writes everything that could be read of a damaged offsets topic to new segments, and deletes the damaged ones.
// Leaves to others: finding damage (offset-replay.ts), and compaction (topics/log-cleaner.ts), which leaves damaged segments
// as they are, so that this log might grow for ever.
//
// It happens at a start, before anybody commits. A crash in the middle leaves duplicate records, which do no harm.
import { nextTurn } from "../../log/event-loop.js";
import type { Partition } from "../../topics/partition.js";
import type { GroupRecordChange, GroupRecordTable } from "../group-record-table.js";
import {
  type LogRecords,
  recordsOfGroups,
  recordsOfOffsets,
  ROWS_PER_BATCH,
} from "./offset-log.js";
import type { OffsetKey } from "./offset-record.js";
import type { OffsetTable } from "./offset-table.js";

/** Bytes of records of groups in a batch; a group with many members has a batch of its own. */
const GROUP_BYTES_PER_BATCH = 256 * 1024;

interface Rewrite {
  readonly partition: Partition;
  readonly table: OffsetTable;
  readonly groupRecords: GroupRecordTable;
  readonly append: (records: LogRecords) => Promise<void>;
}

export async function rewriteOffsets(rewrite: Rewrite): Promise<void> {
  const { partition, append } = rewrite;
  await partition.roll();
  const start = partition.logEndOffset;
  for (const records of batchesOf(rewrite)) {
    await append(records);
    await nextTurn();
  }
  // Whatever the flush policy.
  await partition.sync();
  await partition.deleteBefore(start);
}

function* batchesOf({ table, groupRecords }: Rewrite): Generator<LogRecords, void> {
  let after: OffsetKey | undefined;
  for (;;) {
    const rows = table.rows(after, ROWS_PER_BATCH);
    after = rows.at(-1);
    if (after === undefined) break;
    yield recordsOfOffsets(rows.map((row) => [row, row]));
  }
  let batch: GroupRecordChange[] = [];
  let bytes = 0;
  for (const group of groupRecords.groups()) {
    for (const record of groupRecords.of(group)) {
      batch.push(record);
      bytes += record[0].length + record[1].length;
    }
    if (bytes < GROUP_BYTES_PER_BATCH) continue;
    yield recordsOfGroups(batch);
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield recordsOfGroups(batch);
}
