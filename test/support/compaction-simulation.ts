// A random workload over a compacted topic on a simulated disk: appends, compactions, deletions, crashes of the machine
// at any operation, a full disk, failed flushes; checked against a model. A seed determines everything.
// Leaves to others: how the disk fails (simulated-disk.ts), and what must be true (keyed-model.ts).
import { RustLogError } from "../../src/errors.js";
import { compactSegments } from "../../src/log/compaction/compact-segments.js";
import type { CompactionRun } from "../../src/log/compaction/log-compaction.js";
import { FlushFailure, systemErrorCode } from "../../src/log/disk/disk.js";
import type { LogRead } from "../../src/log/segment/log-slice.js";
import { readAll } from "../../src/log/segment/log-slice.js";
import { CODECS, stampProducer } from "../../src/record/batch.js";
import { RecordCursor } from "../../src/record/cursor.js";
import { BatchEncoder } from "../../src/record/encoder.js";
import { DataDirectory, FLUSH_FAILED } from "../../src/topics/data-directory.js";
import type { Partition } from "../../src/topics/partition.js";
import {
  idOf,
  type KeyedAttempt,
  KeyedModel,
  type KeyedProducer,
  type KeyedRecord,
} from "./keyed-model.js";
import { ENDLESS } from "./log-fixture.js";
import { Random } from "./random.js";
import { type Sabotage, SimulatedDisk } from "./simulated-disk.js";
import { reportOf, type SimulationReport } from "./simulation.js";
import { checkTimes, hold, Violation } from "./simulation-model.js";

export interface CompactionSimulationOptions {
  /** Deliberate faults, to verify that they are found. */
  readonly sabotage?: Sabotage;
  /** Kill only the process, never the machine. */
  readonly processes?: boolean;
}

const ROUNDS = 5;
const OPERATIONS_A_ROUND = 30;
const TOPIC = "accounts";

/** Runs one seed to its end, or to the first broken promise. */
export function simulateCompaction(
  seed: number,
  options: CompactionSimulationOptions = {},
): Promise<SimulationReport> {
  return reportOf(seed, new CompactionSimulation(seed, options));
}

/** A read whose bytes are not sent yet. */
interface HeldRead {
  readonly read: LogRead;
  readonly bytes: Uint8Array;
}

class CompactionSimulation {
  readonly disk: SimulatedDisk;
  crashes = 0;
  readonly #random: Random;
  readonly #processes: boolean;
  readonly #keys: number;
  readonly #segmentBytes: number;
  readonly #retentionBytes: number;
  readonly #deleteRetentionMs: number;
  /** Whether records are also deleted from the start of the log. */
  readonly #deletes: boolean;
  readonly #refusesMappings: boolean;
  #models: KeyedModel[] = [];
  #isThere: "yes" | "no" | "maybe" = "maybe";
  #now = 1_000_000;
  /** The latest time that any clock showed. */
  #latest = 1_000_000;
  #nextId = 0;
  #directory: DataDirectory | undefined;
  #failed = false;
  #violation: unknown;
  #held: HeldRead[] = [];
  /** Work that nobody awaits. */
  #background: Promise<void>[] = [];

  constructor(seed: number, { sabotage, processes = false }: CompactionSimulationOptions) {
    const random = new Random(seed);
    this.#random = random;
    this.disk = new SimulatedDisk(random, sabotage);
    this.disk.slowPushes = random.pick([0, 0, 0.1]);
    const refused = random.pick([0, 0.5, 1]);
    this.disk.refusedMappings = refused;
    this.#refusesMappings = refused > 0;
    this.#processes = processes;
    this.#keys = random.pick([1, 4, 12, 40]);
    this.#segmentBytes = 1024 + random.below(2000);
    this.#deletes = random.chance(0.4);
    this.#retentionBytes = this.#deletes ? 3 * this.#segmentBytes : -1;
    this.#deleteRetentionMs = random.pick([0, 500, 1_000_000_000]);
    this.#reset();
  }

  async run(): Promise<void> {
    for (let round = 0; round < ROUNDS; round++) {
      await this.#startAndCheck();
      await this.#work();
      await this.#stop();
    }
    await this.#startAndCheck();
  }

  #reset(): void {
    this.#models = [new KeyedModel(), new KeyedModel()];
  }

  /** Starts, possibly with random crashes during recovery, and checks everything. */
  async #startAndCheck(): Promise<void> {
    for (;;) {
      if (this.#random.chance(0.4)) this.disk.crashAfter(this.#random.below(60));
      if (this.#random.chance(0.03)) this.disk.failSyncs(1);
      try {
        await this.#open();
        break;
      } catch (error) {
        await this.#settle();
        if (this.disk.crashed) this.#restart();
        else if (error instanceof FlushFailure || systemErrorCode(error) === "EIO")
          this.disk.restartProcess();
        else throw error;
      }
    }
    this.disk.crashAfter(Number.POSITIVE_INFINITY);
    this.disk.failSyncs(0);
    for (const { producers } of this.#models) {
      for (const producer of producers) producer.isSending = false;
    }
    const topic = this.#directory?.registry.find(TOPIC);
    if (topic === undefined) {
      hold(this.#isThere !== "yes", "the topic is gone");
      this.#reset();
      this.#isThere = "no";
      return;
    }
    hold(this.#isThere !== "no", "the topic is back");
    this.#isThere = "yes";
    for (const partition of topic.online) this.#check(partition);
  }

  #check(partition: Partition): void {
    this.#models[partition.index]?.check(partition, this.#deleteRetentionMs, this.#latest);
    checkTimes(partition, this.#random);
    const { directory } = partition.layout;
    const left = this.disk.list(directory).filter((name) => name.endsWith(".cleaned"));
    hold(left.length === 0, `${partition.name}: ${left.join()} are left`);
  }

  async #open(): Promise<void> {
    this.#failed = false;
    if (!this.#deletes && this.#random.chance(0.3)) this.#loseSnapshots();
    this.#directory = await DataDirectory.open("data", {
      disk: this.disk,
      flush: { kind: "always" },
      logDefaults: {
        ...ENDLESS,
        segmentBytes: this.#segmentBytes,
        retentionBytes: this.#retentionBytes,
      },
      autoCreateTopics: true,
      defaultPartitions: this.#models.length,
      now: () => this.#now,
      report: () => {},
      onFatal: () => {
        this.#failed = true;
      },
    });
    const [offline] = this.#directory.registry.offline;
    if (offline !== undefined) {
      this.#directory.abandon();
      throw offline.cause;
    }
  }

  /** The producers must then be rebuilt from the batches that compaction has left. */
  #loseSnapshots(): void {
    for (const i of this.#models.keys()) {
      const directory = `data/topics/${TOPIC}/${i}`;
      if (this.disk.crashed) return;
      for (const name of this.disk.list(directory)) {
        if (name.endsWith(".snapshot")) this.disk.overwrite(`${directory}/${name}`, undefined);
      }
    }
  }

  async #work(): Promise<void> {
    if (this.#random.chance(0.7)) this.disk.crashAfter(this.#random.below(500));
    if (this.#random.chance(0.1)) this.disk.failSyncs(1);
    for (let i = 0; i < OPERATIONS_A_ROUND && !this.disk.crashed && !this.#failed; i++) {
      // A clock that jumps back may end the time of a tombstone early.
      const mayJump = this.#deleteRetentionMs !== 500;
      if (!this.#random.chance(0.05)) this.#now += this.#random.below(100);
      else if (mayJump) this.#now -= 50_000;
      this.#latest = Math.max(this.#latest, this.#now);
      if (this.#random.chance(0.1)) this.#limitSpace();
      const index = this.#random.below(this.#models.length);
      try {
        const partition = await this.#ensure(index);
        await this.#operate(partition, this.#models[index]!);
      } catch (error) {
        if (error instanceof Violation) throw error;
      }
      if (this.#violation !== undefined) throw this.#violation;
    }
  }

  async #ensure(index: number): Promise<Partition> {
    if (this.#isThere !== "yes") this.#isThere = "maybe";
    const topic = await this.#directory?.registry.ensure(TOPIC);
    const partition = topic?.online[index];
    if (partition === undefined) throw new Violation(`there is no partition ${index}`);
    this.#isThere = "yes";
    return partition;
  }

  async #operate(partition: Partition, model: KeyedModel): Promise<void> {
    const dice = this.#random.next();
    if (dice < 0.5) {
      const sent: Promise<void>[] = [];
      for (let i = this.#random.below(5); i >= 0; i--) {
        const producer = this.#random.pick(model.producers);
        const isOnce = this.#random.chance(0.4) && !producer.isSending;
        sent.push(
          isOnce ? this.#appendOnce(partition, model, producer) : this.#append(partition, model),
        );
      }
      if (this.#random.chance(0.7)) await Promise.all(sent);
      else this.#background.push(...sent);
    } else if (dice < 0.72) {
      const compacted = this.#compact(partition);
      if (this.#random.chance(0.5)) await compacted;
      else this.#background.push(compacted);
    } else if (dice < 0.78) await partition.roll();
    else if (dice < 0.88) this.#readSome(partition, model);
    else if (dice < 0.95) {
      if (this.#deletes) await this.#delete(partition, model);
    } else if (dice < 0.96) await this.#deleteTopic();
  }

  #newAttempt(model: KeyedModel, producer?: KeyedProducer): KeyedAttempt {
    const records: KeyedRecord[] = [];
    for (let i = this.#random.below(4); i >= 0; i--) {
      const id = String(this.#nextId++);
      const key = `key ${this.#random.below(this.#keys)}`;
      records.push({ id, key, isTombstone: this.#random.chance(0.2), sentMs: this.#now });
    }
    const attempt = {
      records,
      producer: producer && { id: producer.id, sequence: producer.nextSequence },
      base: undefined,
      isAcknowledged: false,
    };
    model.sent(attempt);
    return attempt;
  }

  async #append(partition: Partition, model: KeyedModel): Promise<void> {
    const attempt = this.#newAttempt(model);
    try {
      const base = await partition.append(this.#encode(attempt));
      this.#guarded(() => model.acknowledged(attempt, base));
    } catch {
      // Refused, or lost with the machine: it may or may not be there after a restart.
    }
  }

  /** Sends the next batch of an idempotent producer, or its unacknowledged one again. */
  async #appendOnce(
    partition: Partition,
    model: KeyedModel,
    producer: KeyedProducer,
  ): Promise<void> {
    producer.unacknowledged ??= this.#newAttempt(model, producer);
    const attempt = producer.unacknowledged;
    producer.isSending = true;
    try {
      const base = await partition.append(this.#encode(attempt));
      this.#guarded(() => model.acknowledged(attempt, base));
      producer.nextSequence += attempt.records.length;
      producer.unacknowledged = undefined;
      producer.isSending = false;
    } catch (error) {
      if (!(error instanceof RustLogError)) return;
      if (error.code === "DISK_FULL") producer.isSending = false;
      if (error.code === "OUT_OF_ORDER_SEQUENCE" || error.code === "INVALID_PRODUCER_EPOCH") {
        this.#violation ??= new Violation(`${partition.name}: ${error.message}`);
      }
    }
  }

  #encode({ records, producer }: KeyedAttempt): Uint8Array {
    const encoder = new BatchEncoder({ codec: this.#random.pick(CODECS) });
    for (const { id, key, isTombstone, sentMs } of records) {
      const value = isTombstone ? null : "x".repeat(this.#random.below(150));
      encoder.append(sentMs, key, value, [{ name: id, value: null }]);
    }
    const batch = encoder.finish();
    if (producer !== undefined) {
      const { id: producerId, sequence: baseSequence } = producer;
      stampProducer(batch, { producerId, producerEpoch: 0, baseSequence });
    }
    return batch;
  }

  async #compact(partition: Partition): Promise<void> {
    const run: CompactionRun = (job, isStopped) =>
      compactSegments(this.disk, job, {
        isStopped,
        pause: () => (this.#random.chance(0.1) ? this.#pause() : undefined),
      });
    const options = {
      minLagMs: this.#random.pick([0, 0, 200]),
      deleteRetentionMs: this.#deleteRetentionMs,
      mapBytes: this.#random.pick([1, 500, 100_000]),
    };
    try {
      await partition.compaction.compact(run, options);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const isDamaged = error instanceof RustLogError && error.code === "CORRUPT_MESSAGE";
      if (isDamaged) this.#violation ??= new Violation(`${partition.name}: ${error.message}`);
    }
  }

  /** Lets other work run. */
  async #pause(): Promise<void> {
    for (let turns = this.#random.below(10); turns >= 0; turns--) await Promise.resolve();
  }

  #readSome(partition: Partition, model: KeyedModel): void {
    const { logStartOffset, highWatermark } = partition;
    const from = logStartOffset + this.#random.below(highWatermark - logStartOffset + 1);
    const read = partition.read(from, 1 + this.#random.below(2000));
    const bytes = readAll(read);
    if (this.#random.chance(0.5)) this.#held.push({ read, bytes });
    const cursor = new RecordCursor().reset(bytes, undefined, undefined, { fromOffset: from });
    while (cursor.next()) {
      model.seen(partition.name, cursor.offset, idOf(cursor), cursor.keyText() ?? "");
    }
    for (const held of this.#held.splice(0, this.#random.below(3))) this.#readHeld(held);
  }

  /** A slice gives the bytes that it had, whatever has replaced its segment. */
  #readHeld({ read, bytes }: HeldRead): void {
    try {
      hold(Buffer.compare(readAll(read), bytes) === 0, "the bytes of a slice have changed");
    } catch (error) {
      // Without a mapping they may be gone, and so may those of the active segment when the machine is down.
      const mayBeGone = this.#refusesMappings || this.disk.crashed;
      if (error instanceof Violation || !mayBeGone) throw new Violation(String(error));
    }
  }

  async #delete(partition: Partition, model: KeyedModel): Promise<void> {
    if (this.#random.chance(0.5)) await partition.applyRetention();
    else {
      const { logStartOffset, highWatermark } = partition;
      const offset = logStartOffset + this.#random.below(highWatermark - logStartOffset + 1);
      await this.#directory?.registry.deleteRecords(partition, offset);
    }
    if (!partition.closed) {
      model.logStartOffset = Math.max(model.logStartOffset, partition.logStartOffset);
    }
  }

  async #deleteTopic(): Promise<void> {
    this.#isThere = "maybe";
    await this.#directory?.registry.delete(TOPIC);
    this.#isThere = "no";
    this.#held = [];
    this.#reset();
  }

  async #stop(): Promise<void> {
    const how = this.#random.next();
    if (!this.disk.crashed && how < 0.3) {
      if (this.#random.chance(0.3)) this.disk.crashAfter(this.#random.below(40));
      await this.#directory?.closeCleanly().catch(() => {});
      await this.#settle();
      if (this.disk.crashed || this.#random.chance(0.5)) this.#restart();
    } else {
      const isKilled = this.#random.chance(0.3);
      this.disk.crashAfter(0);
      await this.#settle();
      if (isKilled && !this.#isFlushUnknown) this.disk.restartProcess();
      else this.#restart();
    }
    this.disk.setCapacity(Number.POSITIVE_INFINITY);
    this.#held = [];
    if (this.#violation !== undefined) throw this.#violation;
  }

  /** Whether a flush has failed, and the crash came before its note, so that nobody knows. */
  get #isFlushUnknown(): boolean {
    return this.disk.syncFailed && !this.disk.has(`data/${FLUSH_FAILED}`);
  }

  #restart(): void {
    this.crashes++;
    const isKilled = this.#random.chance(0.25) && !this.#isFlushUnknown;
    if (this.#processes || isKilled) this.disk.restartProcess();
    else this.disk.restart();
  }

  #limitSpace(): void {
    const isFull = this.#random.chance(0.5);
    const room = this.disk.usedBytes + this.#random.below(2_000);
    this.disk.setCapacity(isFull ? room : Number.POSITIVE_INFINITY);
  }

  /** Keeps a violation that is found where errors are expected. */
  #guarded(check: () => void): void {
    try {
      check();
    } catch (error) {
      this.#violation ??= error;
    }
  }

  /** Waits for all work in progress. */
  async #settle(): Promise<void> {
    await Promise.allSettled(this.#background.splice(0));
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}
