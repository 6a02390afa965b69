// Moves batches of all partitions: opens them, completes them (full, or lingered long enough), hands them to
// the pipeline of their partition, and keeps count of the bytes that are not settled yet.
// Leaves to others: choosing a partition (producer), order and retries (pipeline), the sending (sender).

import { RustLogError } from "../errors.ts";
import type { ProducerHeader } from "../record/encoder.ts";
import {
  type Delivery,
  type EncoderPool,
  PartitionAccumulator,
  type SealedBatch,
} from "./accumulator.ts";
import { type BatchSender, Pipeline } from "./pipeline.ts";
import { recordBytesBound, recordBytesMeasured } from "./record-size.ts";

/** What a dispatcher is told, and whom it tells. */
export interface DispatcherOptions {
  readonly lingerMs: number;
  /** Size at which a batch is complete, in bytes before compression; may change with the broker. */
  readonly batchBytes: number;
  readonly pool: EncoderPool;
  /** Largest record that can be sent, in bytes; may change with the broker. */
  readonly recordBytesMax: number;
  /** Unsettled bytes from which on the dispatcher calls itself full. */
  readonly bufferBytesMax: number;
  readonly sender: BatchSender;
  /** A batch is complete; its partition's next record opens another one. */
  readonly onSealed: (batch: SealedBatch) => void;
  readonly onAcknowledged: (batch: SealedBatch, baseOffset: number) => void;
  readonly onFailed: (batch: SealedBatch, error: RustLogError) => void;
  /** There is no such partition: what becomes of these batches, of one partition and in order, is the listener's. */
  readonly onRefused: (batches: readonly SealedBatch[], error: RustLogError) => void;
}

/** The batches of one producer on their way. */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  /** Accumulators with an open batch, the one that was opened first in front. */
  readonly #open = new Set<PartitionAccumulator>();
  readonly #unsettled = new Set<SealedBatch>();
  #bufferedBytes = 0;
  #room: PromiseWithResolvers<void> | undefined;
  #lingerArmed = false;
  #lingerTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  /** Bytes of records that are neither acknowledged nor given up. */
  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  /** Whether the caller should wait for `room()` before adding more. */
  get isFull(): boolean {
    return this.#bufferedBytes >= this.#options.bufferBytesMax;
  }

  /** The place where records of a partition are gathered; there must be one of each. */
  partition(topic: string, partition: number): PartitionAccumulator {
    const { sender, pool, onAcknowledged, onFailed } = this.#options;
    const batchBytes = (): number => this.#options.batchBytes;
    const pipeline = new Pipeline(sender, {
      acknowledged: (batch, baseOffset) => {
        onAcknowledged(batch, baseOffset);
        // Of a batch that is given up a copy may still stand in the outbox of a connection: not its memory again.
        if (batch.encoder !== undefined) pool.put(batch.encoder);
        this.#settled(batch);
      },
      failed: (batch, error) => {
        onFailed(batch, error);
        this.#settled(batch);
      },
      refused: (batches, error) => {
        // What came after them follows them.
        const last = this.#takeOpen(accumulator);
        this.#options.onRefused(last === undefined ? batches : [...batches, last], error);
        for (const batch of batches) this.#settled(batch);
        if (last !== undefined) this.#settled(last);
      },
      hasRoom: () => this.#sealLingered(accumulator),
    });
    const accumulator = new PartitionAccumulator(topic, partition, pipeline, batchBytes, pool);
    return accumulator;
  }

  /** Counts bytes that are held elsewhere, before they come into a batch; negative: no longer. */
  reserve(bytes: number): void {
    this.#bufferedBytes += bytes;
    this.#announceRoom();
  }

  /** Adds a record to the open batch of its partition. Throws MESSAGE_TOO_LARGE, for this record alone. */
  append(
    accumulator: PartitionAccumulator,
    timestampMs: number,
    key: Uint8Array | string | null,
    value: Uint8Array | string | null,
    headers: readonly ProducerHeader[] | undefined,
    delivery: Delivery | undefined,
    pinned = false,
    openedAt?: number,
  ): void {
    if (recordBytesBound(key, value, headers) > accumulator.room) {
      const recordBytes = recordBytesMeasured(key, value, headers);
      this.#checkSize(recordBytes);
      if (recordBytes > accumulator.room) this.#seal(accumulator);
    }
    if (!accumulator.takesTime(timestampMs)) this.#seal(accumulator);
    const wasOpen = accumulator.isOpen;
    const bytes = accumulator.append(timestampMs, key, value, headers, delivery, pinned, openedAt);
    this.#bufferedBytes += bytes;
    if (!wasOpen) this.#opened(accumulator);
    // Another record like this one would not fit: the batch need not wait for it.
    if (accumulator.room < bytes) this.#seal(accumulator);
  }

  /** Completes all open batches, or those that `isMeant` tells, so that they are sent as soon as their turn comes. */
  sealAll(isMeant: (accumulator: PartitionAccumulator) => boolean = () => true): void {
    for (const accumulator of this.#open) if (isMeant(accumulator)) this.#seal(accumulator);
  }

  /**
   * Resolves when every batch that is complete now, of those that `isMeant` tells, was acknowledged, given up or
   * refused.
   */
  async settled(isMeant: (batch: SealedBatch) => boolean = () => true): Promise<void> {
    const batches = [...this.#unsettled].filter(isMeant);
    await Promise.all(batches.map((batch) => batch.settled.promise));
  }

  /**
   * Resolves when the buffer is no longer full. That comes with the next batch that is settled, and not later:
   * a caller that fills a large part of the buffer at one go lets no answer in and no batch out meanwhile.
   */
  room(): Promise<void> {
    if (this.#room === undefined) {
      this.#room = Promise.withResolvers();
      // With nothing on its way, what lingers is all there is.
      if (this.#unsettled.size === 0) this.sealAll();
      this.#announceRoom();
    }
    return this.#room?.promise ?? Promise.resolve();
  }

  /** Throws MESSAGE_TOO_LARGE for a record that no batch holds: found when it is handed over, also if it must wait. */
  checkRecordSize(
    key: Uint8Array | string | null,
    value: Uint8Array | string | null,
    headers: readonly ProducerHeader[] | undefined,
  ): void {
    if (recordBytesBound(key, value, headers) <= this.#options.recordBytesMax) return;
    this.#checkSize(recordBytesMeasured(key, value, headers));
  }

  #checkSize(recordBytes: number): void {
    const { recordBytesMax } = this.#options;
    if (recordBytes <= recordBytesMax) return;
    throw new RustLogError(
      "MESSAGE_TOO_LARGE",
      `a record of about ${recordBytes} bytes is larger than the ${recordBytesMax} bytes that a batch of this broker holds`,
    );
  }

  #opened(accumulator: PartitionAccumulator): void {
    this.#open.add(accumulator);
    this.#armLinger(this.#options.lingerMs);
  }

  #armLinger(ms: number): void {
    if (this.#lingerArmed) return;
    this.#lingerArmed = true;
    if (this.#options.lingerMs === 0) queueMicrotask(() => this.#lingered());
    else this.#lingerTimer = setTimeout(() => this.#lingered(), Math.max(1, Math.ceil(ms)));
  }

  /** With nothing open there is nothing to wait for; a timer left running would keep the process alive. */
  #disarmLinger(): void {
    if (this.#lingerTimer === undefined) return;
    clearTimeout(this.#lingerTimer);
    this.#lingerTimer = undefined;
    this.#lingerArmed = false;
  }

  /** Completes the batches whose time has come. While it could not be sent, a batch goes on filling. */
  #lingered(): void {
    this.#lingerArmed = false;
    this.#lingerTimer = undefined;
    const now = performance.now();
    for (const accumulator of this.#open) {
      const left = accumulator.openedAt + this.#options.lingerMs - now;
      if (left > 0) {
        this.#armLinger(left);
        return;
      }
      if (accumulator.pipeline.hasRoom) this.#seal(accumulator);
    }
  }

  #seal(accumulator: PartitionAccumulator): void {
    const batch = this.#takeOpen(accumulator);
    if (batch !== undefined) accumulator.pipeline.push(batch);
  }

  #takeOpen(accumulator: PartitionAccumulator): SealedBatch | undefined {
    this.#open.delete(accumulator);
    if (this.#open.size === 0) this.#disarmLinger();
    const batch = accumulator.seal();
    if (batch === undefined) return undefined;
    this.#unsettled.add(batch);
    this.#options.onSealed(batch);
    return batch;
  }

  /** Completes the open batch if it has lingered while the pipeline had no room for it. */
  #sealLingered(accumulator: PartitionAccumulator): void {
    if (!accumulator.isOpen) return;
    const lingered = performance.now() - accumulator.openedAt >= this.#options.lingerMs;
    if (lingered) this.#seal(accumulator);
  }

  #settled(batch: SealedBatch): void {
    this.#unsettled.delete(batch);
    this.#bufferedBytes -= batch.bufferedBytes;
    batch.settled.resolve();
    this.#announceRoom();
  }

  #announceRoom(): void {
    if (this.#room === undefined || this.isFull) return;
    this.#room.resolve();
    this.#room = undefined;
  }
}
