// The records of a range, or those that a search finds in it, as lines of JSON: partition after partition, in portions that
// are made when they are taken.
// Leaves to others: the format (record/json-record.ts), and pages of records (browse.ts).
import { RustLogError } from "../../errors.js";
import { formatJsonPieces } from "../../record/json-record.js";
import { RecordCursor } from "../../record/cursor.js";
import type { ServiceContext } from "../context.js";
import { partitionOf } from "../named-partition.js";
import { isControl } from "./record-item.js";
import { type BrowseQuery, rangeOf } from "./browse.js";
import { endOf, readPieces } from "./log-pieces.js";
import { READ_HEADERS_MAX } from "./one-record.js";
import { openPiece } from "./opened-records.js";
import { RecordMatch } from "./record-match.js";
import { WorkSlices } from "./work-slices.js";

/** Bytes of a portion, of log read for one, and time that one takes, in milliseconds: others wait for their turn meanwhile. */
const PORTION_BYTES = 256 * 1024;
const PORTION_READ_BYTES = 8 * 1024 * 1024;
const PORTION_MS_MAX = 1_000;

/** Bytes of log read at once. */
const READ_BYTES = 1024 * 1024;

type LinesQuery = Pick<BrowseQuery, "topic" | "partition" | "from" | "to" | "search">;

/**
 * Yields portions of lines, which may be empty after much work. What can't be read is left out, and so are records with more
 * than 10,000 headers. Throws as `browse` rejects, UNKNOWN_TOPIC_ID if the topic was recreated, and what reading the log throws.
 */
export async function* recordLines(
  context: ServiceContext,
  { topic, partition, from, to, search }: LinesQuery,
  signal: AbortSignal,
): AsyncGenerator<string, void> {
  const match = search === undefined ? undefined : new RecordMatch(search);
  const topicId = context.registry.find(topic)?.id;
  const range = await rangeOf(context, { topic, partition, from, to }, signal);
  const portion = new Portion(signal);
  for (const { index, first, last } of range) {
    for (let position = first; position < last;) {
      // The topic may have been deleted, or the permission withdrawn.
      const { pieces, end, bytes } = readPieces(
        partitionOf(context, "READ", { topic, topicId, partition: index }),
        position,
        last,
        READ_BYTES,
      );
      portion.readBytes += bytes;
      for (const piece of pieces) {
        if (piece.kind === "damage" || isControl(piece)) continue;
        const cursor = new RecordCursor();
        try {
          const opened = await openPiece(piece, portion.slices);
          cursor.reset(opened.bytes, opened.at, opened.end, { checkCrcs: false });
          while (cursor.next() && cursor.offset < last) {
            const isWanted = cursor.offset >= position && cursor.headerCount <= READ_HEADERS_MAX;
            if (isWanted && (match === undefined || match.matches(cursor))) {
              for (const text of lineOf(cursor, topic, index)) {
                portion.add(text);
                await portion.slices.pause();
                if (!portion.isFull) continue;
                yield portion.take();
                await portion.begin();
              }
            }
            await portion.slices.pause();
          }
        } catch (error) {
          if (!(error instanceof RustLogError) || error.code === "INVALID_REQUEST") throw error;
        }
        position = Math.max(position, Math.min(endOf(piece), last));
        if (!portion.isFull) continue;
        yield portion.take();
        await portion.begin();
      }
      match?.release();
      position = Math.max(position, end);
      await portion.slices.pause();
    }
  }
  yield portion.take();
}

/** What is made of a download at a time. */
class Portion {
  readonly #signal: AbortSignal;
  readonly #texts: string[] = [];
  #length = 0;
  readBytes = 0;
  slices: WorkSlices;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    this.slices = new WorkSlices(signal);
  }

  get isFull(): boolean {
    const isLong = this.#length >= PORTION_BYTES || this.readBytes >= PORTION_READ_BYTES;
    return isLong || this.slices.elapsedMs >= PORTION_MS_MAX;
  }

  add(text: string): void {
    this.#texts.push(text);
    this.#length += text.length;
  }

  take(): string {
    const text = this.#texts.join("");
    this.#texts.length = this.#length = this.readBytes = 0;
    return text;
  }

  /** Call it when the next portion is wanted. Portions follow one another without a pause of their own. */
  begin(): Promise<void> {
    this.slices = new WorkSlices(this.#signal);
    return this.slices.rest();
  }
}

function* lineOf(cursor: RecordCursor, topic: string, partition: number): Generator<string, void> {
  const { offset, timestamp } = cursor;
  const [key, value, headers] = [cursor.key(), cursor.value(), cursor.headers()];
  yield* formatJsonPieces({ topic, partition, offset, timestamp, key, value, headers });
  yield "\n";
}
