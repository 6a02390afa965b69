// The idempotent producers of a partition: the sequence numbers of their last batches. They tell a resent batch from a
// new one, and detect a batch that arrives out of order.
// Leaves to others: storing the state between starts (producer-snapshot.ts), and the log itself.
//
// A producer numbers its records per partition, from 0, in 31 bits. It chooses its id at random. When it gives up a
// batch, it raises its epoch and restarts at sequence 0.
import { RustLogError } from "../errors.js";
import {
  baseOffset,
  baseSequence,
  lastOffsetDelta,
  maxTimestamp,
  producerEpoch,
  producerId,
  recordCount,
  sequenceAfter,
} from "../record/batch.js";
import { PRODUCER_BATCHES_MAX, PRODUCERS_MAX } from "../limits.js";

export interface ProducerBatch {
  readonly baseSequence: number;
  /** Number of records when it was appended. */
  readonly recordCount: number;
  readonly baseOffset: number;
  /** Largest timestamp in it, in milliseconds. */
  readonly timestamp: number;
}

export interface ProducerState {
  readonly epoch: number;
  /** Its last batches, newest last: as many as a client may have in flight. */
  readonly batches: readonly ProducerBatch[];
}

export class ProducerStates {
  /** Ordered by their last append. */
  readonly #producers = new Map<number, ProducerState>();
  /** States before the first change since the mark, for `rewind`. */
  readonly #undo = new Map<number, ProducerState | undefined>();

  get size(): number {
    return this.#producers.size;
  }

  /** The producers by id, least recently active first. */
  entries(): IterableIterator<[number, ProducerState]> {
    return this.#producers.entries();
  }

  /**
   * Checks a batch before it is appended. Returns it as appended if it is in the log already, undefined if it is new.
   * Throws INVALID_PRODUCER_EPOCH for a stale epoch, and OUT_OF_ORDER_SEQUENCE if records before it are missing or it
   * is too old to be remembered.
   */
  check(batch: Uint8Array): ProducerBatch | undefined {
    const id = producerId(batch, 0);
    if (id < 0) return undefined;
    const state = this.#producers.get(id);
    const epoch = producerEpoch(batch, 0);
    const sequence = baseSequence(batch, 0);
    // An unknown producer may have been evicted, so its next sequence number is unknown too.
    if (state === undefined) return undefined;
    if (epoch < state.epoch) {
      throw new RustLogError(
        "INVALID_PRODUCER_EPOCH",
        `producer ${id} is at epoch ${state.epoch}, but the batch has epoch ${epoch}`,
      );
    }
    const expected = epoch > state.epoch ? 0 : nextSequence(state);
    if (sequence === expected) return undefined;
    if (epoch === state.epoch) {
      const count = recordCount(batch, 0);
      for (const earlier of state.batches) {
        if (earlier.baseSequence === sequence && earlier.recordCount === count) {
          return earlier;
        }
      }
    }
    throw new RustLogError(
      "OUT_OF_ORDER_SEQUENCE",
      `producer ${id}: a batch begins with sequence ${sequence}, expected ${expected}`,
    );
  }

  /** Records the batch at byte `at`, which was appended or found by recovery. */
  note(bytes: Uint8Array, at: number): void {
    const id = producerId(bytes, at);
    if (id < 0) return;
    this.#remember(id);
    this.add(id, producerEpoch(bytes, at), {
      baseSequence: baseSequence(bytes, at),
      // Compaction may have removed records, but their sequence numbers still count.
      recordCount: lastOffsetDelta(bytes, at) + 1,
      baseOffset: baseOffset(bytes, at),
      timestamp: maxTimestamp(bytes, at),
    });
  }

  /** Adds a batch of a producer and marks the producer as most recently active. */
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

  /** The batches that must stay in the log, so that it yields the same producers again, also after `rewind`. */
  *remembered(): Generator<{ readonly producerId: number; readonly lastOffset: number }> {
    for (const states of [this.#producers, this.#undo]) {
      for (const [producerId, state] of states) {
        for (const { baseOffset, recordCount: count } of state?.batches ?? []) {
          yield { producerId, lastOffset: baseOffset + count - 1 };
        }
      }
    }
  }

  /** Remembers the current state for `rewind`. */
  mark(): void {
    this.#undo.clear();
  }

  /** Returns to the last mark, after a write of the batches appended since then failed. */
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

/** A source of batches in log order: a segment. */
interface BatchSource {
  visitBatches(visit: (bytes: Uint8Array, at: number) => void): void;
}

/** The producers after the last of these segments, rebuilt from all batch headers. */
export function producersAfter(segments: readonly BatchSource[]): ProducerStates {
  const states = new ProducerStates();
  for (const segment of segments) segment.visitBatches((bytes, at) => states.note(bytes, at));
  return states;
}
