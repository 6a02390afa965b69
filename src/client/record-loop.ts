// The loops eachMessage and eachBatch: call a handler, for several partitions at a time if wanted, and commit what it has
// processed.
// Leaves to others: the records (reader), the commit itself (consumer, balanced-consumer).
//
// Only what was processed is committed, in the background, then once more when the loop ends. If a handler fails, its
// records are given back: they come again in the next loop, or to the next reader of the group.

import { CLIENT_WAIT_MS_MAX } from "../limits.js";
import { checkSignal } from "./abort.js";
import { checkCallback, checkObject } from "./argument-check.js";
import type { ConsumedRecord, FetchedRecords } from "./fetched-records.js";
import { inRange } from "./option-check.js";
import type { Hand, PartitionReader } from "./reader.js";

const COMMIT_INTERVAL_MS = 1_000;

/** Most handlers at a time. */
const CONCURRENCY_MAX = 1_000;

/** The options of a loop. */
export interface LoopOptions {
  /** Ends the loop when it is aborted: once the running handlers have returned, it commits, and its promise resolves. */
  readonly signal?: AbortSignal;
  /** Number of partitions whose records are handled at the same time (1). The records of a partition stay in order. */
  readonly concurrency?: number;
  /**
   * Longest time from processing a record to its commit, in milliseconds (1,000), for a consumer with a group. `false`
   * leaves all commits to the program.
   */
  readonly commitIntervalMs?: number | false;
}

/** What a handler gets beside its records. */
export interface HandlerContext {
  /** Aborted when the loop is to end: because of its own signal, `close`, or the failure of another handler. */
  readonly signal: AbortSignal;
}

/** The records of one fetch of one partition. */
export interface ConsumedBatch<K = Uint8Array, V = Uint8Array> {
  readonly topic: string;
  readonly partition: number;
  /** At least one. */
  readonly records: readonly ConsumedRecord<K, V>[];
  /** High watermark of the partition at the time of the fetch. */
  readonly highWatermark: number;
}

/** Processes one record. The record counts as processed once the promise resolves. */
export type MessageHandler<K, V> = (
  record: ConsumedRecord<K, V>,
  context: HandlerContext,
) => void | Promise<void>;

/** Processes the records of a batch. They count as processed once the promise resolves. */
export type BatchHandler<K, V> = (
  batch: ConsumedBatch<K, V>,
  context: HandlerContext,
) => void | Promise<void>;

/** The consumer of a loop. */
export interface LoopConsumer<K, V> {
  readonly reader: PartitionReader<K, V>;
  /** Commits what was processed. Undefined without a group. */
  readonly commitProcessed: (() => Promise<void>) | undefined;
}

export function eachMessage<K, V>(
  consumer: LoopConsumer<K, V>,
  handler: MessageHandler<K, V>,
  options: LoopOptions = {},
): Promise<void> {
  return run(consumer, options, handler, async (records, hand, loop) => {
    const { reader } = consumer;
    const { fetcher } = hand.portion!;
    while (!loop.isEnding && !fetcher.isPaused) {
      const record = records.nextRecord();
      if (record === undefined) return;
      await loop.process(hand, () => handler(record, loop.context));
      reader.moveOn(hand);
    }
  });
}

export function eachBatch<K, V>(
  consumer: LoopConsumer<K, V>,
  handler: BatchHandler<K, V>,
  options: LoopOptions = {},
): Promise<void> {
  return run(consumer, options, handler, async (fetched, hand, loop) => {
    const records: ConsumedRecord<K, V>[] = [];
    let failure: { readonly error: unknown } | undefined;
    try {
      for (const record of fetched) records.push(record);
    } catch (error) {
      // The records before the damage come first.
      failure = { error };
    }
    if (records.length > 0) {
      const { topic, partition, highWatermark } = fetched;
      const batch = { topic, partition, records, highWatermark };
      await loop.process(hand, () => handler(batch, loop.context));
    }
    if (failure !== undefined) throw failure.error;
  });
}

async function run<K, V>(
  consumer: LoopConsumer<K, V>,
  options: LoopOptions,
  handler: unknown,
  work: (records: FetchedRecords<K, V>, hand: Hand, loop: RecordLoop<K, V>) => Promise<void>,
): Promise<void> {
  checkObject("INVALID_CONFIG", "the options of a loop", options);
  checkCallback("the handler of a loop", handler ?? null);
  checkSignal(options.signal);
  const hands = inRange("concurrency", options.concurrency ?? 1, 1, CONCURRENCY_MAX);
  await new RecordLoop(consumer, options).run(Math.floor(hands), work);
}

class RecordLoop<K, V> {
  readonly context: HandlerContext;
  readonly #consumer: LoopConsumer<K, V>;
  readonly #ending = new AbortController();
  readonly #commitIntervalMs: number | undefined;
  #commitTimer: Timer | undefined;
  #committing: Promise<void> = Promise.resolve();
  #failure: { readonly error: unknown } | undefined;

  constructor(consumer: LoopConsumer<K, V>, options: LoopOptions) {
    const { commitIntervalMs = COMMIT_INTERVAL_MS, signal } = options;
    const signals = [this.#ending.signal, consumer.reader.closing.signal];
    this.context = {
      signal: AbortSignal.any(signal === undefined ? signals : [...signals, signal]),
    };
    this.#consumer = consumer;
    if (commitIntervalMs === false || consumer.commitProcessed === undefined) return;
    this.#commitIntervalMs = inRange("commitIntervalMs", commitIntervalMs, 1, CLIENT_WAIT_MS_MAX);
  }

  get isEnding(): boolean {
    return this.context.signal.aborted;
  }

  async run(
    count: number,
    work: (records: FetchedRecords<K, V>, hand: Hand, loop: this) => Promise<void>,
  ): Promise<void> {
    const { reader } = this.#consumer;
    const { signal } = this.context;
    const wake = (): void => reader.wake();
    signal.addEventListener("abort", wake);
    const hands = reader.addHands(count);
    await Promise.all(
      hands.map(async (hand) => {
        try {
          for (;;) {
            const records = await reader.next(hand, signal);
            if (records === null) break;
            await work(records, hand, this);
          }
        } catch (error) {
          this.#fail(error);
        }
        reader.removeHand(hand);
      }),
    );
    signal.removeEventListener("abort", wake);
    await this.#end();
  }

  /** Calls a handler for records that the hand was given. If it fails, they are given back. */
  async process(hand: Hand, handle: () => void | Promise<void>): Promise<void> {
    try {
      await handle();
    } catch (error) {
      this.#consumer.reader.rewind(hand);
      throw error;
    }
    if (this.#commitIntervalMs === undefined || this.#commitTimer !== undefined) return;
    this.#commitTimer = setTimeout(() => {
      this.#commitTimer = undefined;
      this.#committing = this.#committing.then(() => this.#commit());
    }, this.#commitIntervalMs);
  }

  /** Commits what was processed. Never rejects. */
  async #commit(): Promise<void> {
    try {
      await this.#consumer.commitProcessed?.();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#ending.abort();
  }

  async #end(): Promise<void> {
    clearTimeout(this.#commitTimer);
    await this.#committing;
    if (this.#commitIntervalMs !== undefined) await this.#commit();
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
