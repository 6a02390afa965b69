// A random workload over the storage code on a simulated disk, with crashes, checked against a model of acknowledged
// and read records. A seed determines everything, and every failure reports it.
// Leaves to others: how the disk fails (simulated-disk.ts), and what must be true (simulation-model.ts).
import { RustLogError } from "../../src/errors.js";
import { OffsetStore } from "../../src/groups/offsets/offset-store.js";
import { stampProducer } from "../../src/record/batch.js";
import { BatchEncoder } from "../../src/record/encoder.js";
import { ANY_TIMESTAMPS, CLEANUP_DEFAULTS } from "../../src/log/log-context.js";
import { FlushFailure, systemErrorCode } from "../../src/log/disk/disk.js";
import { CompactionSlices } from "../../src/log/compaction/compaction-thread.js";
import { OFFSETS_TOPIC } from "../../src/topics/internal-topics.js";
import { DataDirectory, FLUSH_FAILED } from "../../src/topics/data-directory.js";
import type { FlushPolicy } from "../../src/topics/flush-policy.js";
import type { Partition } from "../../src/topics/partition.js";
import { Random } from "./random.js";
import { compactBatch } from "./simulated-compaction.js";
import { type Sabotage, SimulatedDisk } from "./simulated-disk.js";
import {
  type Attempt,
  hold,
  type PartitionModel,
  recordsFrom,
  TopicModel,
  Violation,
} from "./simulation-model.js";

/** Options of a run. */
export interface SimulationOptions {
  /** Deliberate faults, to verify that they are found. */
  readonly sabotage?: Sabotage;
  /** Kill only the process, never the machine. Appends may then be acknowledged without a flush. */
  readonly processes?: boolean;
  /** Acknowledge before the flush, and crash the machine anyway. Then the newest records may be lost. */
  readonly early?: boolean;
  /** Also change the settings of topics, add partitions, and delete records as clients do. */
  readonly changes?: boolean;
}

/** The result of a run, with the broken promise if there is one. */
export interface SimulationReport {
  readonly seed: number;
  readonly operations: number;
  readonly crashes: number;
  readonly violation: string | undefined;
}

const ROUNDS = 5;
const OPERATIONS_A_ROUND = 25;
const GROUP = "billing";
/** A group that commits offsets beyond the log, from this one on. */
const GROUP_AHEAD = "ahead";
const AHEAD_FROM = 1_000_000_000;
const PRODUCER_ID = 4_711;

/** Runs one seed to its end, or to the first broken promise. */
export function simulate(seed: number, options: SimulationOptions = {}): Promise<SimulationReport> {
  return reportOf(seed, new Simulation(seed, options));
}

/** What can be run, and reported of. */
interface Run {
  readonly crashes: number;
  readonly disk: SimulatedDisk;
  run(): Promise<void>;
}

/** Runs a simulation of this seed, and reports what it found. */
export async function reportOf(seed: number, simulation: Run): Promise<SimulationReport> {
  let violation: string | undefined;
  try {
    await simulation.run();
  } catch (error) {
    violation = error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  const { crashes, disk } = simulation;
  return { seed, operations: disk.operations, crashes, violation };
}

class Simulation {
  readonly disk: SimulatedDisk;
  crashes = 0;
  readonly #random: Random;
  /** A topic with commits, and one that is created and deleted repeatedly. */
  readonly #orders: TopicModel;
  readonly #drafts: TopicModel;
  readonly #flush: FlushPolicy;
  readonly #processes: boolean;
  readonly #early: boolean;
  readonly #changes: boolean;
  readonly #defaultPartitions: number;
  readonly #segmentBytes: number;
  readonly #retentionBytes: number;
  #now = 1_000_000;
  #nextRecord = 0;
  #directory: DataDirectory | undefined;
  #offsets: OffsetStore | undefined;
  /** A flush has failed, so the broker would stop itself now. */
  #failed = false;
  /** A violation found in work that nobody awaits. */
  #violation: Violation | undefined;

  constructor(seed: number, options: SimulationOptions) {
    const { sabotage, processes = false, early = false, changes = false } = options;
    const random = new Random(seed);
    this.#random = random;
    this.disk = new SimulatedDisk(random, sabotage);
    this.disk.slowPushes = random.pick([0, 0, 0.1]);
    this.disk.refusedMappings = random.pick([0, 0.5, 1]);
    this.#processes = processes;
    this.#early = early;
    this.#changes = changes;
    this.#flush = { kind: early || (processes && random.chance(0.7)) ? "never" : "always" };
    this.#segmentBytes = 1024 + random.below(3000);
    this.#retentionBytes = random.chance(0.3) ? random.below(3 * this.#segmentBytes) : -1;
    const partitions = 1 + random.below(3);
    this.#defaultPartitions = partitions;
    this.#orders = new TopicModel("orders", partitions);
    this.#drafts = new TopicModel("drafts", partitions);
  }

  async run(): Promise<void> {
    for (let round = 0; round < ROUNDS; round++) {
      if (this.#random.chance(0.3)) this.#compact();
      await this.#startAndCheck();
      await this.#work();
      await this.#stop();
    }
    await this.#startAndCheck();
  }

  /** Makes gaps in the logs that are there. */
  #compact(): void {
    if (this.#orders.state !== "present") return;
    this.disk.crashAfter(Number.POSITIVE_INFINITY);
    for (const [i, model] of this.#orders.partitions.entries()) {
      const compacted = compactBatch(this.disk, `data/topics/orders/${i}`, this.#random);
      if (compacted !== undefined) model.compacted(compacted);
    }
  }

  /** Starts, possibly with random crashes during recovery, and checks everything. */
  async #startAndCheck(): Promise<void> {
    for (;;) {
      if (this.#random.chance(0.2)) this.disk.crashAfter(this.#random.below(40));
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
    for (const model of [this.#orders, this.#drafts]) {
      for (const partition of model.partitions) partition.sending = false;
      model.check(this.#directory?.registry.find(model.name), this.#random);
    }
    // Includes the recreated topic: the model does not know commits of an earlier one.
    for (const { name, partitions } of [this.#orders, this.#drafts]) {
      for (const partition of this.#directory?.registry.find(name)?.online ?? []) {
        const { topic, index } = partition;
        const committed = this.#offsets?.fetch(GROUP, topic, index)?.offset;
        partitions[index]?.checkCommit(partition, committed);
        partitions[index]?.checkCommitAhead(
          partition,
          this.#offsets?.fetch(GROUP_AHEAD, topic, index),
        );
      }
    }
  }

  async #open(): Promise<void> {
    this.#failed = false;
    this.#directory = await DataDirectory.open("data", {
      disk: this.disk,
      flush: this.#flush,
      logDefaults: {
        segmentBytes: this.#segmentBytes,
        ...ANY_TIMESTAMPS,
        segmentMs: Number.MAX_SAFE_INTEGER,
        retentionBytes: this.#retentionBytes,
        retentionMs: -1,
        ...CLEANUP_DEFAULTS,
      },
      autoCreateTopics: true,
      defaultPartitions: this.#defaultPartitions,
      now: () => this.#now,
      report: () => {},
      onFatal: () => {
        this.#failed = true;
      },
    });
    const [offline] = this.#directory.registry.offline;
    if (offline !== undefined) {
      // Only a crash or a failed flush makes a log unusable here. The next start must find all of it.
      this.#directory.abandon();
      throw offline.cause;
    }
    this.#offsets = await OffsetStore.open({
      registry: this.#directory.registry,
      mode: "durable",
      now: () => this.#now,
      report: () => {},
    });
  }

  async #work(): Promise<void> {
    if (this.#random.chance(0.7)) this.disk.crashAfter(this.#random.below(150));
    if (this.#random.chance(0.1)) this.disk.failSyncs(1);
    for (let i = 0; i < OPERATIONS_A_ROUND && !this.disk.crashed && !this.#failed; i++) {
      // A clock that jumps, also backwards.
      this.#now += this.#random.chance(0.05) ? -50_000 : this.#random.below(100);
      if (this.#random.chance(0.1)) this.#limitSpace();
      const model = this.#random.chance(0.85) ? this.#orders : this.#drafts;
      const index = this.#random.below(model.partitionCount);
      try {
        const partition = await this.#ensure(model, index);
        if (this.#changes && this.#random.chance(0.1)) await this.#change(model, partition);
        else await this.#operate(model, partition);
      } catch (error) {
        if (error instanceof Violation) throw error;
      }
      if (this.#violation !== undefined) throw this.#violation;
    }
  }

  async #ensure(model: TopicModel, index: number): Promise<Partition> {
    if (model.state === "absent") model.become("creating");
    const topic = await this.#directory?.registry.ensure(model.name);
    const partition = topic?.online[index];
    if (partition === undefined) throw new Violation(`${model.name} has no partition ${index}`);
    // The deletion had succeeded without an answer; the topic is now recreated.
    if (model.state === "deleting") model.become("absent");
    model.become("present");
    return partition;
  }

  async #operate(topic: TopicModel, partition: Partition): Promise<void> {
    const model = topic.partitions[partition.index]!;
    // Sealed segments were flushed, whatever the policy.
    model.flushedTo(partition.layout.segments.active.baseOffset);
    if (this.#early && this.#random.chance(0.1)) await this.#sync(partition, model);
    const dice = this.#random.next();
    if (dice < 0.6) {
      const sent: Promise<void>[] = [];
      for (let i = this.#random.below(4); i >= 0; i--) {
        const idempotent = this.#random.chance(0.3) && !model.sending && !this.#early;
        sent.push(idempotent ? this.#appendOnce(partition, model) : this.#append(partition, model));
      }
      // Don't always wait, so that appends overlap with flushes, rolls and crashes.
      if (this.#random.chance(0.7)) await Promise.all(sent);
    } else if (dice < 0.8) this.#readSome(partition, model);
    else if (dice < 0.85) await this.#retain(partition, model);
    else if (dice < 0.87) await this.#advanceLogStart(partition, model);
    else if (topic === this.#orders || dice < 0.92) await this.#commit(partition, model);
    else if (dice < 0.97) await this.#delete(topic);
  }

  #newAttempt(model: PartitionModel, sequence: number): Attempt {
    const records: string[] = [];
    for (let i = this.#random.below(4); i >= 0; i--) {
      records.push(`${this.#nextRecord++}:`.padEnd(this.#random.below(200), "x"));
    }
    const attempt = {
      records,
      timestamp: this.#now,
      sequence,
      acknowledgedAt: undefined,
      isCompacted: false,
    };
    model.attempts.push(attempt);
    return attempt;
  }

  async #append(partition: Partition, model: PartitionModel): Promise<void> {
    const attempt = this.#newAttempt(model, -1);
    try {
      attempt.acknowledgedAt = await partition.append(encode(attempt));
    } catch {
      // Refused, or lost with the machine: it may or may not be there after a restart.
    }
  }

  /** Sends the next batch of the idempotent producer, or resends the unacknowledged one. */
  async #appendOnce(partition: Partition, model: PartitionModel): Promise<void> {
    model.unacknowledged ??= this.#newAttempt(model, model.nextSequence);
    const attempt = model.unacknowledged;
    model.sending = true;
    try {
      const offset = await partition.append(encode(attempt));
      attempt.acknowledgedAt = offset;
      model.nextSequence = attempt.sequence + attempt.records.length;
      model.unacknowledged = undefined;
      model.sending = false;
    } catch (error) {
      if (error instanceof RustLogError && error.code === "DISK_FULL") model.sending = false;
      const refused =
        error instanceof RustLogError &&
        (error.code === "OUT_OF_ORDER_SEQUENCE" || error.code === "INVALID_PRODUCER_EPOCH");
      if (refused) this.#violation ??= new Violation(`${partition.name}: ${error.message}`);
    }
  }

  async #sync(partition: Partition, model: PartitionModel): Promise<void> {
    const { highWatermark } = partition;
    await partition.sync();
    model.flushedTo(highWatermark);
  }

  async #commit(partition: Partition, model: PartitionModel): Promise<void> {
    const last = model.commits.at(-1) ?? 0;
    if (partition.highWatermark < last) return;
    const offset = last + this.#random.below(partition.highWatermark - last + 1);
    model.commits.push(offset);
    const number = model.commits.length;
    const { topic, index } = partition;
    await this.#offsets?.commit(GROUP, [{ topic, partition: index, offset }]);
    model.acknowledgedCommits = number;
    if (number % 2 === 0) await this.#commitAhead(partition, model);
    if (number % 2 === 0) await this.#compactOffsets();
  }

  async #compactOffsets(): Promise<void> {
    const partition = this.#directory?.registry.findOnline(OFFSETS_TOPIC, 0);
    await partition?.roll();
    const runner = new CompactionSlices(this.disk);
    await partition?.compaction.compact((job, isStopped) => runner.run(job, isStopped), {
      ...{ minLagMs: 0, deleteRetentionMs: 0, mapBytes: 64 * 1024 },
    });
  }

  /** Commits as only a Kafka client can. */
  async #commitAhead({ topic, index }: Partition, model: PartitionModel): Promise<void> {
    const number = model.commitsAhead.push(AHEAD_FROM + model.commitsAhead.length);
    const offset = model.commitsAhead.at(-1)!;
    const details = { leaderEpoch: 0, metadata: String(offset), isAhead: true };
    await this.#offsets?.commit(GROUP_AHEAD, [{ topic, partition: index, offset, details }]);
    model.acknowledgedAhead = number;
  }

  async #delete(topic: TopicModel): Promise<void> {
    topic.become("deleting");
    await this.#directory?.registry.delete(topic.name);
    topic.become("absent");
  }

  async #retain(partition: Partition, model: PartitionModel): Promise<void> {
    const { sealed } = partition.layout.segments;
    const { logStartOffset, logEndOffset } = partition;
    const sealedBelow = sealed.filter(({ endOffset }) => endOffset <= logStartOffset).length;
    // The active segment too, if it holds nothing above the log start.
    const below = sealedBelow + (logStartOffset >= logEndOffset ? 1 : 0);
    const deleted = await partition.applyRetention();
    // If the partition has failed meanwhile, nothing is known.
    if (partition.closed) return;
    model.logStartOffset = Math.max(model.logStartOffset, partition.logStartOffset);
    const tooMuch = deleted > below && partition.bytes < this.#retentionBytes;
    hold(!tooMuch, `${partition.name}: retention has left ${partition.bytes} bytes`);
  }

  async #advanceLogStart(partition: Partition, model: PartitionModel): Promise<void> {
    const { logStartOffset, highWatermark } = partition;
    const offset = logStartOffset + this.#random.below(highWatermark - logStartOffset + 1);
    await partition.advanceLogStart(offset);
    model.flushedTo(offset);
    model.logStartOffset = Math.max(model.logStartOffset, offset);
  }

  /** One change of a topic, sometimes beside another one. */
  async #change(topic: TopicModel, partition: Partition): Promise<void> {
    const { registry } = this.#directory!;
    const { name } = topic;
    const works: Promise<unknown>[] = [];
    do {
      const dice = this.#random.next();
      if (dice < 0.4) {
        const settings = { "segment.bytes": String(1024 + this.#random.below(3000)) };
        works.push(registry.alterSettings(name, settings).then(topic.altering(settings)));
      } else if (dice < 0.6 && topic.partitionCount < 6) {
        const total = topic.partitionCount + 1 + this.#random.below(2);
        works.push(registry.addPartitions(name, total).then(topic.adding(total)));
      } else works.push(this.#deleteRecords(partition, topic.partitions[partition.index]!));
    } while (works.length < 3 && this.#random.chance(0.3));
    await Promise.allSettled(works);
  }

  async #deleteRecords(partition: Partition, model: PartitionModel): Promise<void> {
    const { logStartOffset, highWatermark } = partition;
    const offset = logStartOffset + this.#random.below(highWatermark - logStartOffset + 1);
    await this.#directory?.registry.deleteRecords(partition, offset);
    model.flushedTo(offset);
    // The log start may be higher, but perhaps not durably yet, if another deletion is under way.
    model.logStartOffset = Math.max(model.logStartOffset, offset);
    if (partition.closed) return;
    const [first] = partition.layout.segments.sealed;
    hold(first === undefined || first.endOffset > offset, `${partition.name}: space is not freed`);
  }

  #readSome(partition: Partition, model: PartitionModel): void {
    const { logStartOffset, highWatermark } = partition;
    const from = logStartOffset + this.#random.below(highWatermark - logStartOffset + 1);
    for (const [offset, record] of recordsFrom(partition, from, 1 + this.#random.below(2000))) {
      hold(offset < highWatermark, `offset ${offset} is not below the high watermark`);
      const before = model.seen.get(offset);
      hold(before === undefined || before === record, `offset ${offset} has changed`);
      model.seen.set(offset, record);
    }
  }

  async #stop(): Promise<void> {
    const how = this.#random.next();
    if (!this.disk.crashed && how < 0.3) {
      // A clean stop, during which the machine may crash.
      if (this.#random.chance(0.3)) this.disk.crashAfter(this.#random.below(20));
      await this.#directory?.closeCleanly().catch(() => {});
      await this.#settle();
      if (!this.disk.crashed && !this.#failed) this.#noteAllFlushed();
      if (this.#random.chance(0.3)) this.#damageCleanNote();
      if (this.disk.crashed || this.#random.chance(0.5)) this.#restart();
    } else if (!this.disk.crashed && how < 0.5) {
      await this.#settle();
      if (this.#failed && this.#random.chance(0.5)) {
        this.#directory?.abandon();
      }
      if (this.disk.crashed) this.#restart();
      else this.disk.restartProcess();
    } else {
      this.disk.crashAfter(0);
      await this.#settle();
      this.#restart();
    }
    this.disk.setCapacity(Number.POSITIVE_INFINITY);
    if (this.#violation !== undefined) throw this.#violation;
  }

  #restart(): void {
    this.crashes++;
    // Sometimes only the process crashes: unflushed data is then there, but not durable. Not between a failed flush and
    // its note, because nobody could know.
    const unknown = this.disk.syncFailed && !this.disk.has(`data/${FLUSH_FAILED}`);
    const kill = this.#random.chance(0.25) && !unknown;
    if (this.#processes || kill) this.disk.restartProcess();
    else {
      this.disk.restart();
      if (this.#early) {
        for (const { partitions } of [this.#orders, this.#drafts]) {
          for (const partition of partitions) partition.loseUnflushed();
        }
      }
    }
  }

  /** Flips a bit of the note, which must then be rejected. */
  #damageCleanNote(): void {
    const path = "data/clean-shutdown.json";
    if (!this.disk.has(path) || this.disk.crashed) return;
    const size = this.disk.fileSize(path) ?? 0;
    if (size > 0) this.disk.flipBit(path, this.#random.below(8 * size));
  }

  #noteAllFlushed(): void {
    for (const { name, partitions } of [this.#orders, this.#drafts]) {
      for (const { index, highWatermark } of this.#directory?.registry.find(name)?.online ?? []) {
        partitions[index]?.flushedTo(highWatermark);
      }
    }
  }

  #limitSpace(): void {
    const full = this.#random.chance(0.5);
    const room = this.disk.usedBytes + this.#random.below(600);
    this.disk.setCapacity(full ? room : Number.POSITIVE_INFINITY);
  }

  /** Waits for all work in progress. */
  async #settle(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

function encode({ records, timestamp, sequence }: Attempt): Uint8Array {
  const encoder = new BatchEncoder();
  for (const record of records) encoder.append(timestamp, null, record);
  const batch = encoder.finish();
  if (sequence >= 0) {
    stampProducer(batch, { producerId: PRODUCER_ID, producerEpoch: 0, baseSequence: sequence });
  }
  return batch;
}
