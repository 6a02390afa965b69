// A network and one partition of a broker in memory, for tests of the client's pipeline. By seed, requests are refused,
// connections and answers are lost, and the broker restarts. Leaves to others: what must be true nevertheless. The broker
// deduplicates batches with the real code (log/producer-states.ts), and keeps its state over a restart in a snapshot.
import type { SealedBatch } from "../../src/client/accumulator.js";
import type { BatchAttempts } from "../../src/client/pipeline.js";
import { RustLogError } from "../../src/errors.js";
import { stampBaseOffset } from "../../src/record/batch.js";
import { RecordCursor } from "../../src/record/cursor.js";
import { checkProducedBatch } from "../../src/record/produced-batch.js";
import { decodeProducerSnapshot, encodeProducerSnapshot } from "../../src/log/producer-snapshot.js";
import { ProducerStates } from "../../src/log/producer-states.js";
import { Random } from "./random.js";

/** The value of the first record of a batch. */
export function firstValueOf(bytes: Uint8Array): string {
  const cursor = new RecordCursor().reset(bytes);
  cursor.next();
  return cursor.valueText() ?? "";
}

interface Request {
  readonly batch: SealedBatch;
  readonly bytes: Uint8Array;
  readonly resolve: (baseOffset: number) => void;
  readonly reject: (error: RustLogError) => void;
}

interface Answer {
  readonly request: Request;
  readonly outcome: number | RustLogError;
}

const REFUSALS = ["DISK_FULL", "BROKER_OVERLOADED", "BROKER_STOPPING"] as const;

/** One in this many batches is refused permanently. */
const BATCHES_A_BAD_ONE = 50;

/** Sends batches of one record each to its own broker. */
export class SimulatedLink implements BatchAttempts {
  /** Values of the records in the log, by offset. */
  readonly log: number[] = [];
  /** Attempts so far. */
  sent = 0;
  maxInFlight = 0;
  readonly #random: Random;
  #producers = new ProducerStates();
  /** On their way to the broker, in order. */
  #requests: Request[] = [];
  /** On their way back, in order. */
  #answers: Answer[] = [];
  #unanswered = 0;
  /** Requests over a connection that the client has abandoned, not yet processed. */
  #stranded: Request[] = [];
  readonly #expired = new Set<SealedBatch>();
  readonly #bad: number;

  constructor(seed: number) {
    this.#random = new Random(seed);
    this.#bad = this.#random.below(BATCHES_A_BAD_ONE);
  }

  /** Sends a batch. Its bytes are read when they arrive, like those in an outbox. */
  send(batch: SealedBatch): Promise<number> {
    this.sent += 1;
    this.#unanswered += 1;
    this.maxInFlight = Math.max(this.maxInFlight, this.#unanswered);
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.#requests.push({ batch, bytes: batch.bytes, resolve, reject });
    return promise.finally(() => {
      this.#unanswered -= 1;
    });
  }

  /** Retries immediately until the batch times out. */
  retryAfterMs(batch: SealedBatch, error: RustLogError): number | undefined {
    if (!error.retriable) return undefined;
    return this.#expired.has(batch) || this.#random.chance(0.02) ? undefined : 0;
  }

  /** Nothing waits here. */
  pause(): Promise<void> {
    return Promise.resolve();
  }

  /** Lets one thing happen. */
  async step(): Promise<void> {
    const random = this.#random;
    const dice = random.below(100);
    if (dice < 45) this.#take(this.#requests.shift());
    else if (dice < 80) this.#answer(this.#answers.shift());
    else if (dice < 85) this.#cut();
    else if (dice < 92) this.#takeStranded();
    else if (dice < 95) this.#restart();
    else if (dice < 97) this.#expire();
    // Requests and answers do not move while the client works.
    for (let i = 0; i < 12; i++) await Promise.resolve();
  }

  #take(request: Request | undefined): void {
    if (request === undefined) return;
    const outcome = this.#random.chance(0.08)
      ? new RustLogError(this.#random.pick(REFUSALS), "by chance")
      : this.#carryOut(request);
    this.#answers.push({ request, outcome });
  }

  #takeStranded(): void {
    const request = this.#stranded.shift();
    if (request !== undefined) this.#carryOut(request);
  }

  #answer(answer: Answer | undefined): void {
    if (answer === undefined) return;
    const { request, outcome } = answer;
    if (typeof outcome === "number") request.resolve(outcome);
    else request.reject(outcome);
  }

  #carryOut({ bytes }: Request): number | RustLogError {
    checkProducedBatch([bytes], 1000);
    const value = Number(firstValueOf(bytes));
    if (value % BATCHES_A_BAD_ONE === this.#bad) return new RustLogError("INVALID_RECORD", "bad");
    try {
      const known = this.#producers.check(bytes);
      if (known !== undefined) return known.baseOffset;
    } catch (error) {
      if (error instanceof RustLogError) return error;
      throw error;
    }
    const offset = this.log.length;
    const stored = bytes.slice();
    stampBaseOffset(stored, 0, offset);
    this.#producers.note(stored, 0);
    this.log.push(value);
    return offset;
  }

  /** Loses the connection: no more answers arrive, but the broker may still receive the first requests. */
  #cut(): void {
    const error = new RustLogError("CONNECTION_LOST", "cut");
    const requests = this.#requests.splice(0);
    this.#stranded.push(...requests.slice(0, this.#random.below(requests.length + 1)));
    for (const { request } of this.#answers.splice(0)) request.reject(error);
    for (const { reject } of requests) reject(error);
  }

  #restart(): void {
    this.#cut();
    this.#stranded = [];
    const states = decodeProducerSnapshot(encodeProducerSnapshot(this.#producers));
    if (states === undefined) throw new Error("a snapshot can't be read");
    this.#producers = states;
  }

  /** Times out the oldest batch while its request is still in transit. */
  #expire(): void {
    const [oldest] = this.#requests;
    if (oldest === undefined) return;
    this.#expired.add(oldest.batch);
    oldest.reject(new RustLogError("TIMED_OUT", "its time is up"));
  }
}
