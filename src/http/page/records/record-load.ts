// Loads a page of records: asks on until it is full, or the range is at its end, and tells how far it is. One at a time: a new
// one ends the one before, also at the broker.
// Leaves to others: what is asked for (records-place.ts), and showing it (records-view.ts).
import type { BatchSummary, RecordItem } from "../../../services/records/record-item.js";
import { isPassing } from "../api.js";
import { askRecords } from "./record-api.js";
import { inOrder } from "./record-order.js";
import type { RecordRows } from "./record-wire.js";
import type { RecordsQuery } from "./records-place.js";

/** What is loaded so far. */
export interface LoadedRecords {
  readonly items: readonly RecordItem[];
  readonly batches: readonly BatchSummary[];
  /** The last answer, which says where to go on. */
  readonly last: RecordRows;
  /** What all answers cover. */
  readonly start: string;
  readonly end: string;
  /** Bytes of log read. */
  readonly bytes: number;
  readonly unsearched: number;
  /** Partitions in which the time that was asked for was found only to the batch. */
  readonly inexact: number;
  readonly isOrderOpen: boolean;
  readonly isDone: boolean;
}

/** Time until a question is asked again that had no answer, in milliseconds. */
const RETRY_MS = 1000;

interface RecordLoadEvents {
  onProgress(loaded: LoadedRecords): void;
  onWait(error: unknown): void;
}

export class RecordLoad {
  #cancel = new AbortController();

  /** Ends what is being loaded. */
  cancel(): void {
    this.#cancel.abort();
  }

  /**
   * Loads up to `limit` items. Calls `onProgress` after each answer, and `onWait` when the broker does not answer: then it asks
   * again until it does. Resolves with undefined if it was cancelled.
   */
  async load(
    topic: string,
    query: RecordsQuery,
    limit: number,
    { onProgress, onWait }: RecordLoadEvents,
  ): Promise<LoadedRecords | undefined> {
    this.cancel();
    const cancel = new AbortController();
    this.#cancel = cancel;
    let loaded: LoadedRecords | undefined;
    let next = query;
    while (loaded?.isDone !== true) {
      const left = limit - (loaded?.items.length ?? 0);
      try {
        const rows = await askRecords(topic, { ...next, limit: String(left) }, cancel.signal);
        loaded = added(loaded, rows, query, limit);
      } catch (error) {
        if (cancel.signal.aborted) return undefined;
        if (!isPassing(error)) throw error;
        onWait(error);
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
        if (cancel.signal.aborted) return undefined;
        continue;
      }
      if (cancel.signal.aborted) return undefined;
      onProgress(loaded);
      // Places such as @-1h and latest are those of the first answer.
      const { from, to } = loaded.last;
      next = { ...query, from, to, at: query.dir === "older" ? loaded.start : loaded.end };
    }
    return loaded;
  }
}

function added(
  loaded: LoadedRecords | undefined,
  rows: RecordRows,
  query: RecordsQuery,
  limit: number,
): LoadedRecords {
  const items = loaded === undefined ? rows.items : inOrder([...loaded.items, ...rows.items]);
  const isOlder = query.dir === "older";
  return {
    items,
    batches: [...(loaded?.batches ?? []), ...rows.batches],
    last: rows,
    start: isOlder ? rows.start : (loaded?.start ?? rows.start),
    end: isOlder ? (loaded?.end ?? rows.end) : rows.end,
    bytes: (loaded?.bytes ?? 0) + rows.bytes,
    unsearched: (loaded?.unsearched ?? 0) + rows.unsearched,
    // Later answers are asked for with the offsets of the first one.
    inexact: loaded?.inexact ?? rows.inexact,
    isOrderOpen: (loaded?.isOrderOpen ?? false) || (rows.isOrderOpen && items.length >= limit),
    isDone: rows.offsetsLeft === 0 || items.length >= limit || !rows.isCut,
  };
}
