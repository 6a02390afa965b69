// What a partition remembers of its idempotent producers: the sequence numbers of their last batches, by which
// a batch that is sent again is told from a new one, and one that came out of turn from both.
// Leaves to others: the file it is kept in between starts (producer-snapshot.ts), and the log itself.
//
// A producer numbers its records per partition, from 0, in 31 bits. It has chosen its id at random; its epoch
// goes up when it gives a batch up and begins again at sequence 0.
import { RustLogError } from "../errors.ts";
import {
  baseOffset,
  baseSequence,
  lastOffsetDelta,
  maxTimestamp,
  producerEpoch,
  producerId,
  recordCount,
  sequenceAfter,
} from "../record/batch.ts";
import { PRODUCER_BATCHES_MAX, PRODUCERS_MAX } from "../limits.ts";

/** One batch of a producer, as it was appended. */
export interface ProducerBatch {
  readonly baseSequence: number;
  /** How many records it had when it was appended. */
  readonly recordCount: number;
  readonly baseOffset: number;
  /** Largest timestamp in it, in milliseconds. */
  readonly timestamp: number;
}

/** A producer as one partition knows it. */
export interface ProducerState {
  readonly epoch: number;
  /** Its last batches, the newest last: as many as a client may have in flight. */
  readonly batches: readonly ProducerBatch[];
}

/** The idempotent producers of one partition. */
export class ProducerStates {
  /** In the order of their last append. */
  readonly #producers = new Map<number, ProducerState>();
  /** What `rewind` restores: the states before the first change since the mark. */
  readonly #undo = new Map<number, ProducerState | undefined>();

  get size(): number {
    return this.#producers.size;
  }

  /** The producers and their ids, the one that was quiet longest first. */
  entries(): IterableIterator<[number, ProducerState]> {
    return this.#producers.entries();
  }

  /**
   * Checks a batch before it is appended. Returns the base offset of the same batch if it is in the log
   * already, undefined if it is new. Throws INVALID_PRODUCER_EPOCH for an older epoch than the last one's, and
   * OUT_OF_ORDER_SEQUENCE when records are missing before it, or it is too old to be remembered.
   */
  check(batch: Uint8Array): number | undefined {
    const id = producerId(batch, 0);
    if (id < 0) return undefined;
    const state = this.#producers.get(id);
    const epoch = producerEpoch(batch, 0);
    const sequence = baseSequence(batch, 0);
    // A producer that is not known may have been forgotten, so that its next number can't be told.
    if (state === undefined) return undefined;
    if (epoch < state.epoch) {
      throw new RustLogError(
        "INVALID_PRODUCER_EPOCH",
        `producer ${id} has epoch ${state.epoch} by now, and the batch is of epoch ${epoch}`,
      );
    }
    const expected = epoch > state.epoch ? 0 : nextSequence(state);
    if (sequence === expected) return undefined;
    if (epoch === state.epoch) {
      const count = recordCount(batch, 0);
      for (const earlier of state.batches) {
        if (earlier.baseSequence === sequence && earlier.recordCount === count) {
          return earlier.baseOffset;
        }
      }
    }
    throw new RustLogError(
      "OUT_OF_ORDER_SEQUENCE",
      `producer ${id}: a batch begins with sequence ${sequence}, and ${expected} is the next`,
    );
  }

  /** Takes note of a batch that was appended, or found by recovery, at byte `at`. */
  note(bytes: Uint8Array, at: number): void {
    const id = producerId(bytes, at);
    if (id < 0) return;
    this.#remember(id);
    this.add(id, producerEpoch(bytes, at), {
      baseSequence: baseSequence(bytes, at),
      // Compaction may have removed records of it; their sequence numbers count all the same.
      recordCount: lastOffsetDelta(bytes, at) + 1,
      baseOffset: baseOffset(bytes, at),
      timestamp: maxTimestamp(bytes, at),
    });
  }

  /** Adds a batch of a producer, which then counts as the last one that was heard of. */
  add(id: number, epoch: number, batch: ProducerBatch): void {
    const before = this.#producers.get(id);
    const kept = before?.epoch === epoch ? before.batches.slice(1 - PRODUCER_BATCHES_MAX) : [];
    this.#producers.delete(id);
    this.#producers.set(id, { epoch, batches: [...kept, batch] });
    if (this.#producers.size <= PRODUCERS_MAX) return;
    const quietest = this.#producers.keys().next().value;
    if (quietest === undefined) return;
    this.#remember(quietest);
    this.#producers.delete(quietest);
  }

  /** Remembers this moment, which `rewind` returns to. */
  mark(): void {
    this.#undo.clear();
  }

  /** Returns to the last mark, after batches appended since could not be written. */
  rewind(): void {
    for (const [id, state] of this.#undo) {
      if (state === undefined) this.#producers.delete(id);
      else this.#producers.set(id, state);
    }
    this.#undo.clear();
  }

  #remember(id: number): void {
    if (!this.#undo.has(id)) this.#undo.set(id, this.#producers.get(id));
  }
}

function nextSequence(state: ProducerState): number {
  const last = state.batches.at(-1);
  return last === undefined ? 0 : sequenceAfter(last.baseSequence, last.recordCount);
}

/** What has batches to walk through, in order: a segment. */
interface BatchSource {
  visitBatches(visit: (bytes: Uint8Array, at: number) => void): void;
}

/** The producers after the last of these segments, from the headers of all their batches. */
export function producersAfter(segments: readonly BatchSource[]): ProducerStates {
  const states = new ProducerStates();
  for (const segment of segments) segment.visitBatches((bytes, at) => states.note(bytes, at));
  return states;
}
