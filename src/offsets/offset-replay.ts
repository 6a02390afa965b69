// The start of the offset store: the records of the internal topic, one after the other, become the table again.
// Leaves to others: what a record says (offset-record.ts), and what becomes of the table (offset-store.ts).
import { RustLogError } from "../errors.ts";
import { RecordCursor } from "../record/cursor.ts";
import { readAll } from "../storage/log-slice.ts";
import type { Partition } from "../topics/partition.ts";
import { decodeOffsetKey, decodeOffsetValue } from "./offset-record.ts";
import type { OffsetTable } from "./offset-table.ts";

const REPLAY_BYTES = 1024 * 1024;

/** Applies all records of the internal topic to `table`. Damage costs the commits in it, and is told to `report`. */
export function replayOffsets(
  partition: Partition,
  table: OffsetTable,
  report: (line: string) => void,
): void {
  // One batch at a time once there is damage, so that it costs the commits in it and no others.
  let isCareful = false;
  let isSkipping = false;
  for (let offset = partition.logStartOffset; offset < partition.highWatermark;) {
    try {
      const read = partition.read(offset, isCareful ? 1 : REPLAY_BYTES);
      replayBatches(readAll(read), offset, table);
      offset = read.nextOffset;
      if (isSkipping) isCareful = false;
      isSkipping = false;
    } catch (error) {
      if (!(error instanceof RustLogError) || error.code !== "CORRUPT_MESSAGE") throw error;
      if (isCareful) {
        if (!isSkipping) {
          const lost = `commits from offset ${offset} on are lost`;
          report(`${partition.name}: ${lost}: ${error.message}`);
        }
        isSkipping = true;
        offset++;
      }
      isCareful = true;
    }
  }
}

function replayBatches(bytes: Uint8Array, fromOffset: number, table: OffsetTable): void {
  const cursor = new RecordCursor().reset(bytes, undefined, undefined, { fromOffset });
  while (cursor.next()) {
    const key = cursor.key();
    if (key === null) continue;
    const value = cursor.value();
    if (value === null) table.delete(decodeOffsetKey(key));
    else table.set(decodeOffsetKey(key), decodeOffsetValue(value));
  }
}
