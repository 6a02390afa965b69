// The batches of a producer: completes a batch when it is full or has lingered long enough, passes it to the pipeline of
// its partition, and counts the bytes that are not settled.
// Leaves to others: choosing a partition (producer), order and retries (pipeline), sending (sender).

import { RustLogError } from "../errors.js";
import { type ProducerHeader, recordBytesBound, recordBytesMeasured } from "../record/encoder.js";
import {
  type AccumulatorOptions,
  type Delivery,
  PartitionAccumulator,
  type SealedBatch,
} from "./accumulator.js";
import { type BatchAttempts, Pipeline } from "./pipeline.js";

export interface DispatcherOptions extends AccumulatorOptions {
  readonly lingerMs: number;
  /** Largest record that can be sent, in bytes; can change with the broker. */
  readonly recordBytesMax: number;
  /** Number of unsettled bytes at which the dispatcher is full. */
  readonly bufferBytesMax: number;
  readonly sender: BatchAttempts;
  /** A batch is complete; the next record of its partition opens another one. */
  readonly onSealed: (batch: SealedBatch) => void;
  readonly onAcknowledged: (batch: SealedBatch, baseOffset: number) => void;
  readonly onFailed: (batch: SealedBatch, error: RustLogError) => void;
  /** The partition does not exist. The listener takes over these batches of one partition, in order. */
  readonly onRefused: (batches: readonly SealedBatch[], error: RustLogError) => void;
}

/** One partition of a producer: the open batch, and the complete ones on their way. */
export interface ProducerPartition {
  readonly accumulator: PartitionAccumulator;
  readonly pipeline: Pipeline;
}

/** The batches of one producer on their way. */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  /** Partitions with an open batch, in the order in which the batches were opened. */
  readonly #open = new Set<ProducerPartition>();
  readonly #unsettled = new Set<SealedBatch>();
  #bufferedBytes = 0;
  #room: PromiseWithResolvers<void> | undefined;
  #lingerArmed = false;
  #lingerTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  /** Bytes of unsettled records. */
  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  /** Whether the caller should wait for `room()` before it adds more. */
  get isFull(): boolean {
    return this.#bufferedBytes >= this.#options.bufferBytesMax;
  }

  /** Makes a partition. Call it once for each: two pipelines of one partition would not keep the order. */
  partition(topic: string, number: number): ProducerPartition {
    const { sender, pool, onAcknowledged, onFailed } = this.#options;
    const pipeline = new Pipeline(sender, {
      acknowledged: (batch, baseOffset) => {
        onAcknowledged(batch, baseOffset);
        // Don't reuse the memory of a batch that is given up: it may still wait in the outbox of a connection.
        if (batch.encoder !== undefined) pool.put(batch.encoder);
        this.#settled(batch);
      },
      failed: (batch, error) => {
        onFailed(batch, error);
        this.#settled(batch);
      },
      refused: (batches, error) => {
        // The open batch follows them, so that the records keep their order.
        const last = this.#takeOpen(partition);
        this.#options.onRefused(last === undefined ? batches : [...batches, last], error);
        for (const batch of batches) this.#settled(batch);
        if (last !== undefined) this.#settled(last);
      },
      hasRoom: () => this.#sealLingered(partition),
    });
    const accumulator = new PartitionAccumulator(topic, number, this.#options);
    const partition = { accumulator, pipeline };
    return partition;
  }

  /** Counts bytes that are held elsewhere until they are added to a batch; a negative number releases them. */
  reserve(bytes: number): void {
    this.#bufferedBytes += bytes;
    this.#announceRoom();
  }

  /** Adds a record to the open batch of its partition. Throws MESSAGE_TOO_LARGE for this record alone. */
  add(
    partition: ProducerPartition,
    timestampMs: number,
    key: Uint8Array | string | null,
    value: Uint8Array | string | null,
    headers: readonly ProducerHeader[] | undefined,
    delivery: Delivery | undefined,
    pinned = false,
    openedAt?: number,
  ): void {
    const { accumulator } = partition;
    if (recordBytesBound(key, value, headers) > accumulator.room) {
      const recordBytes = recordBytesMeasured(key, value, headers);
      this.#checkSize(recordBytes);
      if (recordBytes > accumulator.room) this.#seal(partition);
    }
    if (!accumulator.takesTime(timestampMs)) this.#seal(partition);
    const wasOpen = accumulator.isOpen;
    const bytes = accumulator.add(timestampMs, key, value, headers, delivery, pinned, openedAt);
    this.#bufferedBytes += bytes;
    if (!wasOpen) this.#opened(partition);
    // Another record of this size would not fit, so there is no point in waiting for it.
    if (accumulator.room < bytes) this.#seal(partition);
  }

  /** Completes all open batches, or those that `isMeant` selects, so that they are sent as soon as their turn comes. */
  sealAll(isMeant: (place: PartitionAccumulator) => boolean = () => true): void {
    for (const partition of this.#open) if (isMeant(partition.accumulator)) this.#seal(partition);
  }

  /** Resolves when the batches that are complete now (or those that `isMeant` selects) are acknowledged, given up or refused. */
  async settled(isMeant: (batch: SealedBatch) => boolean = () => true): Promise<void> {
    const batches = [...this.#unsettled].filter(isMeant);
    await Promise.all(batches.map((batch) => batch.settled.promise));
  }

  /**
   * Resolves when the buffer is no longer full, which is when the next batch is settled. It does not wait longer: a
   * caller that then fills much of the buffer at once would block responses and requests meanwhile.
   */
  room(): Promise<void> {
    if (this.#room === undefined) {
      this.#room = Promise.withResolvers();
      // With nothing in flight, only lingering batches can make room.
      if (this.#unsettled.size === 0) this.sealAll();
      this.#announceRoom();
    }
    return this.#room?.promise ?? Promise.resolve();
  }

  /** Throws MESSAGE_TOO_LARGE for a record that fits no batch. Called when the record is taken, even if it must wait. */
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
      `a record of about ${recordBytes} bytes is larger than the ${recordBytesMax} bytes that fit into a batch of this broker`,
    );
  }

  #opened(partition: ProducerPartition): void {
    this.#open.add(partition);
    this.#armLinger(this.#options.lingerMs);
  }

  #armLinger(ms: number): void {
    if (this.#lingerArmed) return;
    this.#lingerArmed = true;
    if (this.#options.lingerMs === 0) queueMicrotask(() => this.#lingered());
    else this.#lingerTimer = setTimeout(() => this.#lingered(), Math.max(1, Math.ceil(ms)));
  }

  /** Stops the timer when no batch is open: a running timer would keep the process alive. */
  #disarmLinger(): void {
    if (this.#lingerTimer === undefined) return;
    clearTimeout(this.#lingerTimer);
    this.#lingerTimer = undefined;
    this.#lingerArmed = false;
  }

  /** Completes the batches that have lingered long enough. A batch that can't be sent yet goes on filling. */
  #lingered(): void {
    this.#lingerArmed = false;
    this.#lingerTimer = undefined;
    const now = performance.now();
    for (const partition of this.#open) {
      const left = partition.accumulator.openedAt + this.#options.lingerMs - now;
      if (left > 0) {
        this.#armLinger(left);
        return;
      }
      if (partition.pipeline.hasRoom) this.#seal(partition);
    }
  }

  #seal(partition: ProducerPartition): void {
    const batch = this.#takeOpen(partition);
    if (batch !== undefined) partition.pipeline.push(batch);
  }

  #takeOpen(partition: ProducerPartition): SealedBatch | undefined {
    this.#open.delete(partition);
    if (this.#open.size === 0) this.#disarmLinger();
    const batch = partition.accumulator.seal();
    if (batch === undefined) return undefined;
    this.#unsettled.add(batch);
    this.#options.onSealed(batch);
    return batch;
  }

  /** Completes the open batch if its linger time ended while the pipeline had no room for it. */
  #sealLingered(partition: ProducerPartition): void {
    const { isOpen, openedAt } = partition.accumulator;
    if (isOpen && performance.now() - openedAt >= this.#options.lingerMs) this.#seal(partition);
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
