// What the broker and its thread of compaction tell each other.
// Leaves to others: both ends (compaction-thread.ts, compaction-worker.ts).
import type { CompactionJob, CompactionResult } from "./compaction-job.js";

/** What the thread is asked to do. */
export interface ThreadJob {
  readonly job: CompactionJob;
  readonly signals: SharedArrayBuffer;
}

/** What the thread says: that it is ready, and then how each job ended. */
export type ThreadAnswer =
  | { readonly kind: "ready" }
  | { readonly kind: "done"; readonly result: CompactionResult | undefined }
  | { readonly kind: "failed"; readonly message: string; readonly wire: number | undefined };

/** Memory that both threads see while a job runs. */
export class ThreadSignals {
  readonly #stop: Int32Array;
  readonly #bytesRead: Float64Array;
  readonly #load: Float64Array;

  constructor(readonly memory = new SharedArrayBuffer(24)) {
    this.#stop = new Int32Array(memory, 0, 1);
    this.#bytesRead = new Float64Array(memory, 8, 1);
    this.#load = new Float64Array(memory, 16, 1);
  }

  get isStopped(): boolean {
    return Atomics.load(this.#stop, 0) !== 0;
  }

  stop(): void {
    Atomics.store(this.#stop, 0, 1);
    Atomics.notify(this.#stop, 0);
  }

  /** In the thread: waits for a time, or until it is stopped. */
  wait(ms: number): void {
    Atomics.wait(this.#stop, 0, 0, ms);
  }

  get bytesRead(): number {
    return this.#bytesRead[0]!;
  }

  set bytesRead(bytes: number) {
    this.#bytesRead[0] = bytes;
  }

  /** How busy clients keep the broker: from 0 to 1. */
  get load(): number {
    return this.#load[0]!;
  }

  set load(load: number) {
    this.#load[0] = load;
  }
}
