// The records of a range, or those that a search finds in it, as lines of JSON: partition after partition, in portions that
// are made when they are taken.
// Leaves to others: the format (record/json-record.ts), and pages of records (browse.ts).
import { RustLogError } from "../../errors.js";
import { formatJsonRecord } from "../../record/json-record.js";
import { RecordCursor } from "../../record/cursor.js";
import type { ServiceContext } from "../context.js";
import { partitionOf } from "../named-partition.js";
import { isControl } from "./record-item.js";
import { type BrowseQuery, rangeOf } from "./browse.js";
import { endOf, readPieces } from "./log-pieces.js";
import { openPiece } from "./opened-records.js";
import { RecordMatch } from "./record-match.js";
import { WorkSlices } from "./work-slices.js";

/** Bytes of a portion, unless one record is longer; and bytes of log read for one. */
const PORTION_BYTES = 256 * 1024;
const PORTION_READ_BYTES = 8 * 1024 * 1024;

/** Bytes of log read at once. */
const READ_BYTES = 1024 * 1024;

type LinesQuery = Pick<BrowseQuery, "topic" | "partition" | "from" | "to" | "search">;

/**
 * Yields portions of lines, which may be empty after much work. What can't be read is left out. Throws as `browse` rejects, and
 * what reading the log throws.
 */
export async function* recordLines(
  context: ServiceContext,
  { topic, partition, from, to, search }: LinesQuery,
  signal: AbortSignal,
): AsyncGenerator<string, void> {
  const match = search === undefined ? undefined : new RecordMatch(search);
  const range = await rangeOf(context, { topic, partition, from, to }, signal);
  let lines: string[] = [];
  let [length, read] = [0, 0];
  for (const { index, first, last } of range) {
    const slices = new WorkSlices(signal);
    for (let position = first; position < last;) {
      // The topic may have been deleted, or the permission withdrawn.
      const { pieces, end, bytes } = readPieces(
        partitionOf(context, "READ", { topic, partition: index }),
        position,
        last,
        READ_BYTES,
      );
      read += bytes;
      for (const piece of pieces) {
        if (piece.kind === "damage" || isControl(piece)) continue;
        const cursor = new RecordCursor();
        try {
          const opened = await openPiece(piece, slices);
          const options = { checkCrcs: false, fromOffset: position };
          cursor.reset(opened.bytes, opened.at, opened.end, options);
          while (cursor.next() && cursor.offset < last) {
            if (match === undefined || match.matches(cursor)) {
              const line = `${lineOf(cursor, topic, index)}\n`;
              lines.push(line);
              length += line.length;
            }
            await slices.pause();
            if (length < PORTION_BYTES) continue;
            yield lines.join("");
            [lines, length, read] = [[], 0, 0];
          }
        } catch (error) {
          if (!(error instanceof RustLogError) || error.code === "INVALID_REQUEST") throw error;
        }
        position = Math.max(position, Math.min(endOf(piece), last));
      }
      match?.release();
      position = Math.max(position, end);
      if (read < PORTION_READ_BYTES) continue;
      yield lines.join("");
      [lines, length, read] = [[], 0, 0];
    }
  }
  yield lines.join("");
}

function lineOf(cursor: RecordCursor, topic: string, partition: number): string {
  const { offset, timestamp } = cursor;
  const [key, value, headers] = [cursor.key(), cursor.value(), cursor.headers()];
  return formatJsonRecord({ topic, partition, offset, timestamp, key, value, headers });
}
