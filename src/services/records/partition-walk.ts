// Goes through the log of one partition, newer or older records first, and offers what it finds to a selection.
// Leaves to others: the pieces of the log (log-pieces.ts), and which partition goes on (browse.ts).
//
// Without a search, every offset is accounted for: by a record, or by an item that says why no record has it. The range
// from where the walk began to its `reached` is then told completely, so the next walk can begin there, in either direction.
import { RustLogError } from "../../errors.js";
import { baseOffset, recordCount } from "../../record/batch.js";
import { RecordCursor } from "../../record/cursor.js";
import type { Partition } from "../../topics/partition.js";
import {
  type BatchPiece,
  endOf,
  type LogPiece,
  newestBefore,
  offsetBefore,
  oldestFrom,
  readPieces,
} from "./log-pieces.js";
import { openPiece, OPENED_BATCH_SIZE_MAX, type OpenedBatch } from "./opened-records.js";
import {
  batchSummary,
  type BatchSummary,
  isControl,
  markerSummary,
  type RecordItem,
  recordSummary,
} from "./record-item.js";
import type { RecordFields } from "./record-fields.js";
import type { RecordMatch } from "./record-match.js";
import type { Selected, Selection } from "./selection.js";
import type { WorkSlices } from "./work-slices.js";

/** Newer records first, or older ones. */
export type Direction = "newer" | "older";

/** An item, and the batch that it is in. */
export interface FoundItem {
  readonly item: RecordItem;
  readonly batch: BatchSummary | undefined;
  /** First offset that it is about, and the one after the last. */
  readonly from: number;
  readonly to: number;
}

/** What all walks of an answer share. */
export interface WalkContext {
  readonly selection: Selection<FoundItem>;
  /** Takes an item that is no longer selected. */
  readonly evict: (selected: Selected<FoundItem>) => void;
  readonly match: RecordMatch | undefined;
  readonly slices: WorkSlices;
  /** Work done so far: records looked at, bytes of log read, and what they decompressed to. */
  readonly done: { records: number; bytes: number; openedBytes: number };
  readonly isInternal: boolean;
  /** What is shown of each record beside its first bytes. */
  readonly fields?: RecordFields | undefined;
}

/** Bytes of log read at first, and at most at once. */
const FIRST_BYTES = 16 * 1024;
const CHUNK_BYTES_MAX = 1024 * 1024;

/** A chunk with more batches than this is not followed by a larger one, because it is read in one turn of the event loop. */
const CHUNK_BATCHES_MAX = 500;

/** Records, and bytes of them, between two looks at the clock: to parse a KiB of JSON takes several microseconds. */
const RECORDS_PER_LOOK = 32;
const BYTES_PER_LOOK = 8 * 1024;

export class PartitionWalk {
  readonly partition: Partition;
  readonly #context: WalkContext;
  readonly #isForward: boolean;
  /** Where the walk ends: an offset that is not part of it, or backwards the last one. */
  readonly #stop: number;
  /** Everything from the start of the walk to here was looked at. */
  #position: number;
  /** The same, as far as it was offered. */
  #told: number;
  #key = Number.NEGATIVE_INFINITY;
  #chunkBytes = FIRST_BYTES;
  /** The first item that was offered and is not selected. */
  #left: FoundItem | undefined;
  #isRefused = false;

  /** Walks from `start` to `stop`; backwards `start` is the offset after the first record, and `stop` the last one. */
  constructor(
    partition: Partition,
    direction: Direction,
    start: number,
    stop: number,
    context: WalkContext,
  ) {
    this.partition = partition;
    this.#context = context;
    this.#isForward = direction === "newer";
    this.#position = start;
    this.#told = start;
    this.#stop = stop;
  }

  /** Whether nothing is left, or nothing that could be selected. */
  get isOver(): boolean {
    return this.#isRefused || this.#isAtStop;
  }

  /** Where the next walk begins: everything before it (backwards: after it) was told, or did not match. */
  get reached(): number {
    const left = this.#left;
    if (left !== undefined) return this.#isForward ? left.from : left.to;
    return this.#context.match === undefined ? this.#told : this.#position;
  }

  /** A key that nothing to come is below, by the header of the next batch. */
  nextKey(): number {
    const found = this.#isForward
      ? oldestFrom(this.partition, this.#position, this.#stop)
      : -newestBefore(this.partition, this.#position);
    return Math.max(this.#key, found);
  }

  /** Takes an item that was offered earlier and is no longer selected. */
  evicted({ item }: Selected<FoundItem>): void {
    const left = this.#left;
    const isFirst =
      left === undefined || (this.#isForward ? item.from < left.from : item.to > left.to);
    if (isFirst) this.#left = item;
  }

  /** Goes on by a chunk of the log. */
  async advance(): Promise<void> {
    const batches = this.#isForward ? await this.#advanceForward() : await this.#advanceBack();
    if (batches <= CHUNK_BATCHES_MAX) {
      this.#chunkBytes = Math.min(CHUNK_BYTES_MAX, this.#chunkBytes * 4);
    } else if (batches > 4 * CHUNK_BATCHES_MAX) {
      this.#chunkBytes = Math.max(FIRST_BYTES, this.#chunkBytes / 4);
    }
    if (this.#isAtStop && !this.#isRefused) this.#tell(this.#stop);
  }

  /** Ends the walk before its stop: tells how far it has come, so that the next one does not repeat it. */
  interrupt(): void {
    if (!this.isOver) this.#tell(this.#position);
  }

  get #isAtStop(): boolean {
    return this.#isForward ? this.#position >= this.#stop : this.#position <= this.#stop;
  }

  /** Returns how many batches there were. */
  async #advanceForward(): Promise<number> {
    const { pieces, end } = readPieces(
      this.partition,
      this.#position,
      this.#stop,
      this.#chunkBytes,
    );
    for (const piece of pieces) {
      await this.#pass(piece);
      if (this.#isRefused) break;
    }
    if (!this.#isRefused) this.#position = Math.max(this.#position, end);
    return pieces.length;
  }

  async #advanceBack(): Promise<number> {
    const from = Math.max(
      this.#stop,
      offsetBefore(this.partition, this.#position, this.#chunkBytes),
    );
    const pieces: LogPiece[] = [];
    let bytes = 0;
    for (let next = from; next < this.#position;) {
      const left = Math.max(FIRST_BYTES, this.#chunkBytes - bytes);
      const read = readPieces(this.partition, next, this.#position, left);
      pieces.push(...read.pieces);
      bytes += read.bytes;
      next = read.end;
      await this.#context.slices.pause();
    }
    for (const piece of pieces.reverse()) {
      await this.#pass(piece);
      if (this.#isRefused) break;
    }
    if (!this.#isRefused) this.#position = Math.min(this.#position, from);
    return pieces.length;
  }

  async #pass(piece: LogPiece): Promise<void> {
    const partition = this.partition.index;
    if (piece.kind === "damage") {
      const { from, to, reason, bytes } = piece;
      const size = bytes === undefined ? {} : { bytes };
      this.#offer({ kind: "damage", partition, from, to, reason, ...size }, from, to, undefined);
      return;
    }
    const { match, done, slices } = this.#context;
    done.bytes += piece.size;
    try {
      const opened = await openPiece(piece, slices);
      done.openedBytes += opened.end - opened.at;
      // Markers of transactions are no records, so no search finds them, whatever they lack.
      if (match !== undefined && (isControl(piece) || !match.mayMatch(opened))) {
        done.records += recordCount(piece.bytes, piece.at);
      } else if (this.#isForward) await this.#passForward(piece, opened);
      else await this.#passBack(piece, opened);
    } catch (error) {
      if (!(error instanceof RustLogError) || error.code === "INVALID_REQUEST") throw error;
      if (error.code === "MESSAGE_TOO_LARGE") done.openedBytes += OPENED_BATCH_SIZE_MAX;
      const from = Math.max(
        baseOffset(piece.bytes, piece.at),
        this.#isForward ? this.#position : this.#stop,
      );
      const to = Math.min(endOf(piece), this.#isForward ? this.#stop : this.#position);
      const kind = error.code === "CORRUPT_MESSAGE" ? "damage" : "closed";
      const item = { kind, partition, from, to, reason: error.message, bytes: piece.size } as const;
      this.#offer(item, from, to, undefined);
    } finally {
      match?.release();
    }
    // A chunk of the log may have ten thousand batches, with one record each or none.
    await slices.pause();
    if (this.#isRefused) return;
    this.#position = this.#isForward
      ? Math.max(this.#position, Math.min(endOf(piece), this.#stop))
      : Math.min(this.#position, Math.max(baseOffset(piece.bytes, piece.at), this.#stop));
  }

  async #passForward(piece: BatchPiece, { bytes, at, end }: OpenedBatch): Promise<void> {
    const { match, done, slices } = this.#context;
    const cursor = new RecordCursor().reset(bytes, at, end, { checkCrcs: false });
    const isThere = await this.#moveTo(cursor, this.#position);
    let looked = 1;
    let from = cursor.start;
    for (let is = isThere; is && cursor.offset < this.#stop; is = cursor.next(), looked++) {
      done.records++;
      if (match === undefined || match.matches(cursor)) {
        if (!this.#offerRecord(piece, cursor, Math.max(this.#key, cursor.timestamp))) return;
      }
      this.#position = cursor.offset + 1;
      if (looked < RECORDS_PER_LOOK && cursor.end - from < BYTES_PER_LOOK) continue;
      await slices.pause();
      looked = 0;
      from = cursor.end;
    }
  }

  /** The records of a batch can only be read in their order: the first time finds which to offer, the second offers them. */
  async #passBack(piece: BatchPiece, { bytes, at, end }: OpenedBatch): Promise<void> {
    const { match, done, slices, selection } = this.#context;
    const cursor = new RecordCursor().reset(bytes, at, end, { checkCrcs: false });
    const { limit } = selection;
    const found: { readonly offset: number; readonly timestamp: number }[] = [];
    let count = 0;
    const isThere = await this.#moveTo(cursor, this.#stop);
    let looked = 1;
    let from = cursor.start;
    for (let is = isThere; is && cursor.offset < this.#position; is = cursor.next(), looked++) {
      done.records++;
      if (match === undefined || match.matches(cursor)) {
        found.push({ offset: cursor.offset, timestamp: cursor.timestamp });
        count++;
        // Only the last ones can be selected.
        if (found.length >= 2 * limit) found.splice(0, limit);
      }
      if (looked < RECORDS_PER_LOOK && cursor.end - from < BYTES_PER_LOOK) continue;
      await slices.pause();
      looked = 0;
      from = cursor.end;
    }
    const wanted = found.slice(-limit);
    const items: FoundItem[] = [];
    cursor.reset(bytes, at, end, { checkCrcs: false });
    for (const { offset } of wanted) {
      await this.#moveTo(cursor, offset);
      items.push(this.#found(piece, cursor));
      await slices.pause();
    }
    for (let i = wanted.length - 1; i >= 0; i--) {
      const { offset, timestamp } = wanted[i]!;
      if (!this.#offerFound(items[i]!, Math.max(this.#key, -timestamp))) return;
      this.#position = offset;
    }
    // As many as are selected precede the rest.
    if (count > wanted.length) this.#isRefused = true;
  }

  /** Moves to the first record from `offset` on. Not by the cursor itself, which would pass over millions at once. */
  async #moveTo(cursor: RecordCursor, offset: number): Promise<boolean> {
    for (let passed = 1; cursor.next(); passed++) {
      if (cursor.offset >= offset) return true;
      if (passed % RECORDS_PER_LOOK === 0) await this.#context.slices.pause();
    }
    return false;
  }

  /** Returns whether it may be selected; if not, the walk is over. */
  #offerRecord(piece: BatchPiece, cursor: RecordCursor, key: number): boolean {
    const { offset } = cursor;
    const order = { key, partition: this.partition.index, place: offset };
    if (this.#context.selection.refuses(order)) {
      this.#isRefused = true;
      // A search need not look at the records before it again.
      if (this.#context.match !== undefined) this.#position = offset;
      return false;
    }
    return this.#offerFound(this.#found(piece, cursor), key);
  }

  #found(piece: BatchPiece, cursor: RecordCursor): FoundItem {
    const { index } = this.partition;
    const { offset } = cursor;
    const { isInternal, fields } = this.#context;
    const base = baseOffset(piece.bytes, piece.at);
    const item = isControl(piece)
      ? markerSummary(cursor, index, piece)
      : recordSummary(cursor, index, base, isInternal, fields);
    return { item, batch: batchSummary(piece, index), from: offset, to: offset + 1 };
  }

  #offerFound(found: FoundItem, key: number): boolean {
    this.#tell(this.#isForward ? found.from : found.to);
    if (this.#isRefused) return false;
    this.#key = key;
    return this.#add(found);
  }

  #offer(item: RecordItem, from: number, to: number, batch: BatchSummary | undefined): void {
    this.#tell(this.#isForward ? from : to);
    if (this.#isRefused) return;
    this.#position = this.#isForward ? to : from;
    this.#add({ item, from, to, batch });
  }

  /** Tells that there is nothing from what was told to `offset`, unless this is a search. */
  #tell(offset: number): void {
    const [from, to] = this.#isForward ? [this.#told, offset] : [offset, this.#told];
    if (this.#context.match !== undefined || from >= to) return;
    const { logStartOffset, settings } = this.partition;
    const start = Math.min(Math.max(from, logStartOffset), to);
    const deleted = { from, to: start, why: "deleted" } as const;
    const missing = { from: start, to, why: settings.compacts ? "compacted" : "missing" } as const;
    for (const gap of this.#isForward ? [deleted, missing] : [missing, deleted]) {
      if (gap.from >= gap.to || this.#isRefused) continue;
      const item = { kind: "gap", partition: this.partition.index, ...gap } as const;
      this.#add({ item, from: gap.from, to: gap.to, batch: undefined });
    }
  }

  #add(found: FoundItem): boolean {
    const { from, to } = found;
    const order = {
      key: this.#key,
      partition: this.partition.index,
      place: this.#isForward ? from : -to,
    };
    if (this.#context.selection.refuses(order)) {
      this.#isRefused = true;
      this.#left ??= found;
      return false;
    }
    this.#told = this.#isForward ? to : from;
    const out = this.#context.selection.offer({ ...order, item: found });
    if (out !== undefined) this.#context.evict(out);
    return true;
  }
}
