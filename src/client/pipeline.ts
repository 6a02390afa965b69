// The complete batches of one partition on their way to the broker: numbered, several in flight, in order.
// Leaves to others: filling batches (accumulator), one attempt to send one and when to try again (sender).
//
// The broker appends a batch only if its sequence number is the next one, and knows the last five of a producer
// when they come again. So five may be in flight, and nothing that happens to one of them, or to the connection,
// puts a record twice or out of its place: if one fails, the broker refuses those behind it. Four rules:
//
// 1. After a failure nothing is sent until all that is in flight was answered. Then it begins again with the
//    first batch that is not settled, alone, and opens up once that one is acknowledged. So does a new producer:
//    the broker, not knowing it, would take any of its batches for the first.
// 2. Only the first unsettled batch is judged by its error. What those behind it were told may follow from that, so
//    they are sent again whatever it was.
// 3. One that is acknowledged counts as in flight until all before it are settled: the broker must not forget
//    the oldest, of which it may be asked again.
// 4. A batch that is given up may or may not be in the log. Those behind it keep their numbers until the broker
//    says that it misses records before them. One whose attempts were all answered is then not in the log, and
//    gets a number of a new epoch, with all behind it. One of which an answer was lost is given up as well: what
//    was left of the lost connection may reach the broker yet.
// 5. If the broker has no such partition, all unsettled batches are handed back in order, so that their records can
//    go elsewhere. Only those of which an answer was lost are given up: they may have been in the log that is gone.
import type { RustLogError } from "../errors.ts";
import { sequenceAfter, stampProducer } from "../record/batch.ts";
import type { SealedBatch } from "./accumulator.ts";
import { asRustLogError, isAmbiguous } from "./failure.ts";
import type { BatchSender } from "./sender.ts";
import { PRODUCER_BATCHES_MAX } from "../limits.ts";

const EPOCH_MAX = 0x7fff;

/** What a pipeline needs of a sender. */
export type BatchAttempts = Pick<BatchSender, "send" | "retryAfterMs" | "pause">;

export interface PipelineListener {
  acknowledged(batch: SealedBatch, baseOffset: number): void;
  /** The batch is given up; it may be in the log all the same, if the connection was lost. */
  failed(batch: SealedBatch, error: RustLogError): void;
  /** There is no such partition: these batches, in order, are in no log, and no longer the pipeline's. */
  refused(batches: readonly SealedBatch[], error: RustLogError): void;
  /** Another batch would be sent at once. */
  hasRoom(): void;
}

interface Entry {
  readonly batch: SealedBatch;
  isSettled: boolean;
  /** How its last attempt ended, if that failed. */
  error: RustLogError | undefined;
  /** How an attempt ended that had no answer. */
  unanswered: RustLogError | undefined;
}

/** The complete batches of one partition, first in, first out. */
export class Pipeline {
  readonly #sender: BatchAttempts;
  readonly #listener: PipelineListener;
  /** The first one is unsettled. */
  readonly #entries: Entry[] = [];
  /** How many of them, from the front, had their turn since the last failure: `unanswered <= sent <= window`. */
  #sent = 0;
  #unanswered = 0;
  #window = 1;
  #isRecovering = false;
  /** Failures since the last acknowledgement. */
  #failures = 0;
  /** Whether a batch of this epoch was given up, and none acknowledged since. */
  #mayMissRecords = false;
  #producerId = randomProducerId();
  #epoch = 0;
  #nextSequence = 0;

  constructor(sender: BatchAttempts, listener: PipelineListener) {
    this.#sender = sender;
    this.#listener = listener;
  }

  /** Whether another batch would be sent at once. */
  get hasRoom(): boolean {
    return !this.#isRecovering && this.#entries.length < this.#window;
  }

  /** Numbers a batch and adds it; it is sent as soon as its turn comes. */
  push(batch: SealedBatch): void {
    this.#stamp(batch);
    this.#entries.push({ batch, isSettled: false, error: undefined, unanswered: undefined });
    this.#send();
  }

  #send(): void {
    while (!this.#isRecovering && this.#sent < this.#window) {
      const entry = this.#entries[this.#sent];
      if (entry === undefined) return;
      this.#sent += 1;
      if (!entry.isSettled) void this.#attempt(entry);
    }
  }

  async #attempt(entry: Entry): Promise<void> {
    this.#unanswered += 1;
    const outcome = await this.#sender.send(entry.batch, entry.error).catch(asRustLogError);
    this.#unanswered -= 1;
    if (typeof outcome === "number") {
      this.#acknowledge(entry, outcome);
    } else {
      entry.error = outcome;
      if (isAmbiguous(outcome)) entry.unanswered = outcome;
      this.#isRecovering = true;
    }
    if (this.#isRecovering) {
      if (this.#unanswered > 0) return;
      await this.#recover();
    }
    this.#send();
    if (this.hasRoom) this.#listener.hasRoom();
  }

  #acknowledge(entry: Entry, baseOffset: number): void {
    this.#window = PRODUCER_BATCHES_MAX;
    this.#failures = 0;
    this.#mayMissRecords = false;
    this.#settle(entry);
    this.#listener.acknowledged(entry.batch, baseOffset);
  }

  #settle(entry: Entry): void {
    entry.isSettled = true;
    while (this.#entries[0]?.isSettled === true) {
      this.#entries.shift();
      // One that was acknowledged before the last failure was not sent since.
      this.#sent = Math.max(0, this.#sent - 1);
    }
  }

  /** Rule 1: with nothing in flight any more, begins again at the front. */
  async #recover(): Promise<void> {
    this.#failures += 1;
    const waitMs = this.#judgeFirst();
    this.#sent = 0;
    this.#window = 1;
    if (waitMs > 0) await this.#sender.pause(waitMs);
    this.#isRecovering = false;
  }

  /** Rule 2: decides what becomes of the first batch, which failed; returns how long to wait now. */
  #judgeFirst(): number {
    const first = this.#entries[0];
    if (first?.error === undefined) throw new Error("what failed was not first, nor was the first");
    const { error, unanswered } = first;
    if (error.code === "OUT_OF_ORDER_SEQUENCE" && this.#mayMissRecords) {
      if (unanswered === undefined) this.#renumber();
      else this.#giveUp(first, unanswered);
      return 0;
    }
    if (error.code === "UNKNOWN_TOPIC_OR_PARTITION") {
      this.#handBack(error);
      return 0;
    }
    const waitMs = this.#sender.retryAfterMs(first.batch, error, this.#failures);
    if (waitMs === undefined) this.#giveUp(first, error);
    return waitMs ?? 0;
  }

  /** Rule 5. */
  #handBack(error: RustLogError): void {
    const unsettled = this.#entries.filter(({ isSettled }) => !isSettled);
    this.#entries.length = 0;
    // The numbers that they took are missing, should the partition come back as it was.
    this.#mayMissRecords = true;
    const refused: SealedBatch[] = [];
    for (const { batch, unanswered } of unsettled) {
      if (unanswered === undefined) refused.push(batch);
      else this.#listener.failed(batch, unanswered);
    }
    if (refused.length > 0) this.#listener.refused(refused, error);
  }

  #giveUp(entry: Entry, error: RustLogError): void {
    this.#mayMissRecords = true;
    this.#settle(entry);
    this.#listener.failed(entry.batch, error);
  }

  /** Rule 4: the batches get the numbers of a new epoch, which begins at 0. */
  #renumber(): void {
    if (this.#epoch === EPOCH_MAX) this.#producerId = randomProducerId();
    this.#epoch = (this.#epoch + 1) % (EPOCH_MAX + 1);
    this.#nextSequence = 0;
    this.#mayMissRecords = false;
    for (const entry of this.#entries) {
      if (entry.isSettled) continue;
      const { batch } = entry;
      // What was sent before may still stand in the outbox of a connection, if its time was up.
      if (entry.error !== undefined) batch.bytes = batch.bytes.slice();
      this.#stamp(batch);
    }
  }

  #stamp({ bytes, records }: SealedBatch): void {
    const baseSequence = this.#nextSequence;
    this.#nextSequence = sequenceAfter(baseSequence, records);
    stampProducer(bytes, {
      producerId: this.#producerId,
      producerEpoch: this.#epoch,
      baseSequence,
    });
  }
}

/**
 * A producer's id: 52 random bits, so that no two producers of a broker share one, and nobody has to be asked.
 */
function randomProducerId(): number {
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
  return (high >>> 12) * 2 ** 32 + low;
}
