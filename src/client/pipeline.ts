// The complete batches of one partition on their way to the broker: numbers them, keeps several in flight, in order.
// Leaves to others: filling batches (accumulator), one attempt to send a batch and the wait before a retry (sender).
//
// The broker appends a batch only if it has the next sequence number, and recognises the last five batches of a producer
// when they are sent again. So five may be in flight, and no failure of a batch or of the connection duplicates or
// reorders a record: if one batch fails, the broker refuses those after it. Five rules:
//
// 1. After a failure, nothing is sent until everything in flight is answered. Then the first unsettled batch is sent
//    alone, and the others follow once it is acknowledged. A new producer starts the same way: the broker does not know
//    it yet and would accept any of its batches as the first.
// 2. Only the first unsettled batch is judged by its error. The errors of those after it may follow from that one, so
//    they are sent again in any case.
// 3. An acknowledged batch counts as in flight until all before it are settled. Otherwise the broker could forget the
//    oldest one, which may be sent again.
// 4. A batch that is given up may or may not be in the log. Those after it keep their numbers until the broker reports
//    missing records before them. A batch whose attempts were all answered is then not in the log: it is renumbered in a
//    new epoch, with all after it. A batch that lost a response is given up too, because the broker may still receive
//    what the lost connection carried.
// 5. If the partition does not exist, all unsettled batches are handed back in order, so that their records can go to
//    other partitions. Batches that lost a response are given up: they may have been in the log that is gone.
import type { RustLogError } from "../errors.js";
import { sequenceAfter, stampProducer } from "../record/batch.js";
import type { SealedBatch } from "./accumulator.js";
import { asRustLogError, isAmbiguous } from "./failure.js";
import type { BatchSender } from "./sender.js";
import { PRODUCER_BATCHES_MAX } from "../limits.js";

const EPOCH_MAX = 0x7fff;

/** What a pipeline needs of a sender. */
export type BatchAttempts = Pick<BatchSender, "send" | "retryAfterMs" | "pause">;

interface PipelineListener {
  acknowledged(batch: SealedBatch, baseOffset: number): void;
  /** The batch is given up. It may be in the log all the same if the connection was lost. */
  failed(batch: SealedBatch, error: RustLogError): void;
  /** The partition does not exist. These batches, in order, are in no log, and the pipeline drops them. */
  refused(batches: readonly SealedBatch[], error: RustLogError): void;
  /** Another batch would be sent immediately. */
  hasRoom(): void;
}

interface Entry {
  readonly batch: SealedBatch;
  isSettled: boolean;
  /** The error of the last attempt, if it failed. */
  error: RustLogError | undefined;
  /** The error of an attempt that got no response. */
  unanswered: RustLogError | undefined;
}

export class Pipeline {
  readonly #sender: BatchAttempts;
  readonly #listener: PipelineListener;
  /** The first one is unsettled. */
  readonly #entries: Entry[] = [];
  /** How many, from the front, were sent since the last failure: `unanswered <= sent <= window`. */
  #sent = 0;
  #unanswered = 0;
  #window = 1;
  #isRecovering = false;
  /** Failures since the last acknowledgement. */
  #failures = 0;
  /** Whether a batch of this epoch was given up and none was acknowledged since. */
  #mayMissRecords = false;
  #producerId = randomProducerId();
  #epoch = 0;
  #nextSequence = 0;

  constructor(sender: BatchAttempts, listener: PipelineListener) {
    this.#sender = sender;
    this.#listener = listener;
  }

  /** Whether another batch would be sent immediately. */
  get hasRoom(): boolean {
    return !this.#isRecovering && this.#entries.length < this.#window;
  }

  /** Numbers a batch and adds it to the queue. */
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
      // A batch acknowledged before the last failure was not sent since, so it is not counted in `sent`.
      this.#sent = Math.max(0, this.#sent - 1);
    }
  }

  /** Rule 1: starts again at the front, once nothing is in flight. */
  async #recover(): Promise<void> {
    this.#failures += 1;
    const waitMs = this.#judgeFirst();
    this.#sent = 0;
    this.#window = 1;
    if (waitMs > 0) await this.#sender.pause(waitMs);
    this.#isRecovering = false;
  }

  /** Rule 2: retries or gives up the first batch, which failed. Returns the milliseconds to wait. */
  #judgeFirst(): number {
    const first = this.#entries[0];
    if (first?.error === undefined)
      throw new Error("expected the first batch in flight to be the failed one");
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
    // Their numbers are missing if the partition comes back as it was.
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

  /** Rule 4: numbers the batches from 0 in a new epoch. */
  #renumber(): void {
    if (this.#epoch === EPOCH_MAX) this.#producerId = randomProducerId();
    this.#epoch = (this.#epoch + 1) % (EPOCH_MAX + 1);
    this.#nextSequence = 0;
    this.#mayMissRecords = false;
    for (const entry of this.#entries) {
      if (entry.isSettled) continue;
      const { batch } = entry;
      // A batch that timed out may still wait in the outbox of a connection.
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

/** A producer id of 52 random bits: unique without asking the broker. */
function randomProducerId(): number {
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
  return (high >>> 12) * 2 ** 32 + low;
}
