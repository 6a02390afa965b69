// A thread for compaction, so that clients are served meanwhile. It starts with the first run and ends when nothing is
// left to do, because only its end gives all of its memory back.
// Leaves to others: the work (compact-segments.ts) and what runs in the thread (compaction-worker.ts).
import { errorFromWire, RustLogError } from "../../errors.js";
import { type Disk, FlushFailure, reasonOf } from "../disk/disk.js";
import { nextTurn } from "../event-loop.js";
import { compactSegments } from "./compact-segments.js";
import type { CompactionJob, CompactionResult } from "./compaction-job.js";
import { ClientLoad, type ClientTraffic } from "./compaction-pace.js";
import { type ThreadAnswer, type ThreadJob, ThreadSignals } from "./thread-messages.js";

/** Called now and then with the bytes of log that a run has read. */
type OnProgress = (bytesRead: number) => void;

/** Runs jobs, one at a time. */
export interface CompactionRunner {
  /**
   * Resolves with undefined soon after `isStopped` returns true. Then, and if the run fails, no file is left behind.
   */
  run(
    job: CompactionJob,
    isStopped: () => boolean,
    onProgress?: OnProgress,
  ): Promise<CompactionResult | undefined>;
  /** Gives back the memory. `run` may be called again. */
  rest(): Promise<void>;
}

/** Time between two looks at the signals, in milliseconds. */
const SIGNAL_MS = 100;

/** Where the code of the thread is: in the executable, whose entry points `npm run build` names, or beside this file. */
const ENTRY = Bun.isStandaloneExecutable
  ? "/$bunfs/root/log/compaction/compaction-worker.js"
  : new URL("./compaction-worker.ts", import.meta.url).href;

/** Runs jobs on the files of this machine. */
export class CompactionThread implements CompactionRunner {
  readonly #entry: string;
  readonly #report: (line: string) => void;
  readonly #disk: Disk;
  readonly #load: ClientLoad;
  #thread: Promise<Thread> | undefined;
  /** In place of a thread that can't be started. */
  #slices: CompactionRunner | undefined;

  /** It rests while `traffic` grows. Without a thread it works on `disk`. Tests have an entry of their own. */
  constructor(disk: Disk, report: (line: string) => void, traffic: ClientTraffic, entry = ENTRY) {
    this.#disk = disk;
    this.#report = report;
    this.#load = new ClientLoad(traffic);
    this.#entry = entry;
  }

  async run(
    job: CompactionJob,
    isStopped: () => boolean,
    onProgress?: OnProgress,
  ): Promise<CompactionResult | undefined> {
    const thread = await this.#started();
    if (thread === undefined) return await this.#slices!.run(job, isStopped, onProgress);
    const signals = new ThreadSignals();
    signals.load = this.#load.next();
    const watch = setInterval(() => {
      if (isStopped()) signals.stop();
      signals.load = this.#load.next();
      onProgress?.(signals.bytesRead);
    }, SIGNAL_MS);
    try {
      return resultOf(await thread.ask({ job, signals: signals.memory }));
    } catch (error) {
      if (thread.hasEnded) this.#thread = undefined;
      throw error;
    } finally {
      clearInterval(watch);
    }
  }

  async rest(): Promise<void> {
    const thread = this.#thread;
    this.#thread = undefined;
    await (await thread?.catch(() => undefined))?.end();
  }

  /** The thread; undefined if none can be started. */
  async #started(): Promise<Thread | undefined> {
    if (this.#slices !== undefined) return undefined;
    this.#thread ??= startThread(this.#entry);
    try {
      return await this.#thread;
    } catch (error) {
      this.#thread = undefined;
      this.#report(
        `the thread of compaction can't be started (${reasonOf(error)}), so compaction takes turns with clients`,
      );
      this.#slices = new CompactionSlices(this.#disk);
      return undefined;
    }
  }
}

async function startThread(entry: string): Promise<Thread> {
  const thread = new Thread(entry);
  await thread.answer();
  return thread;
}

/** A thread that answers one question at a time. */
class Thread {
  readonly #worker: Worker;
  #failure: Error | undefined;
  #waiting: PromiseWithResolvers<ThreadAnswer> | undefined;

  constructor(entry: string) {
    this.#worker = new Worker(entry, { name: "compaction" });
    this.#worker.onmessage = ({ data }: MessageEvent<ThreadAnswer>) => this.#waiting?.resolve(data);
    this.#worker.onerror = ({ message }) => this.#fail(message);
    this.#worker.addEventListener("close", () => this.#fail("the thread of compaction has ended"));
  }

  get hasEnded(): boolean {
    return this.#failure !== undefined;
  }

  ask(question: ThreadJob): Promise<ThreadAnswer> {
    const answer = this.answer();
    this.#worker.postMessage(question);
    return answer;
  }

  /** The next answer. Rejects if the thread ends without one. */
  answer(): Promise<ThreadAnswer> {
    this.#waiting = Promise.withResolvers();
    if (this.#failure !== undefined) this.#waiting.reject(this.#failure);
    return this.#waiting.promise;
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  #fail(reason: string): void {
    this.#failure ??= new Error(reason);
    this.#waiting?.reject(this.#failure);
  }
}

function resultOf(answer: ThreadAnswer): CompactionResult | undefined {
  if (answer.kind === "failed") {
    const { wire, message } = answer;
    throw wire === undefined ? new Error(message) : errorFromWire(wire, message);
  }
  return answer.kind === "done" ? answer.result : undefined;
}

/** Longest time between two turns of the event loop, in milliseconds. */
const SLICE_MS = 2;

/** Runs jobs on the event loop, in slices: on the disk of a simulation, and where no thread can be started. */
export class CompactionSlices implements CompactionRunner {
  readonly #disk: Disk;

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  async run(
    job: CompactionJob,
    isStopped: () => boolean,
    onProgress?: OnProgress,
  ): Promise<CompactionResult | undefined> {
    let sliceEndMs = performance.now() + SLICE_MS;
    const pause = (bytesRead: number): Promise<void> | undefined => {
      if (performance.now() < sliceEndMs) return undefined;
      onProgress?.(bytesRead);
      return nextTurn().then(() => {
        sliceEndMs = performance.now() + SLICE_MS;
      });
    };
    try {
      return await compactSegments(this.#disk, job, { isStopped, pause });
    } catch (error) {
      if (!(error instanceof FlushFailure)) throw error;
      // Of a new segment that nothing depends on: the log stays as it is.
      throw new RustLogError("STORAGE_ERROR", error.message, { cause: error });
    }
  }

  rest(): Promise<void> {
    return Promise.resolve();
  }
}
