// A random workload over the storage code on a simulated disk, with crashes, checked against a model of what
// was acknowledged and what was read. A seed determines everything; a failure names it.
// Leaves to others: how the disk fails (simulated-disk.ts).
import { RecordCursor } from "../../src/record/cursor.ts";
import { BatchEncoder } from "../../src/record/encoder.ts";
import { OffsetStore } from "../../src/offsets/offset-store.ts";
import { readAll } from "../../src/storage/log-slice.ts";
import { DataDirectory } from "../../src/topics/data-directory.ts";
import type { Partition } from "../../src/topics/partition.ts";
import { Random } from "./random.ts";
import { type Sabotage, SimulatedDisk } from "./simulated-disk.ts";

/** What a run found: nothing, or which promise was broken. */
export interface SimulationReport {
  readonly seed: number;
  readonly operations: number;
  readonly crashes: number;
  readonly violation: string | undefined;
}

/** A batch that was sent, and what became of it. */
interface Attempt {
  readonly records: readonly string[];
  acknowledgedAt: number | undefined;
}

/** What must be true of one partition. */
class PartitionModel {
  readonly attempts: Attempt[] = [];
  /** What a consumer has been given, by offset: it never changes and never vanishes. */
  readonly seen = new Map<number, string>();
  /** Offsets that a group tried to commit, in order, and how many of them were acknowledged. */
  readonly commits: number[] = [];
  acknowledgedCommits = 0;
}

const ROUNDS = 5;
const OPERATIONS_A_ROUND = 25;
const TOPIC = "orders";
const GROUP = "billing";

/** Runs one seed to its end, or to the first broken promise. */
export async function simulate(seed: number, sabotage: Sabotage = {}): Promise<SimulationReport> {
  const simulation = new Simulation(seed, sabotage);
  let violation: string | undefined;
  try {
    await simulation.run();
  } catch (error) {
    violation = error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  return {
    seed,
    operations: simulation.disk.operations,
    crashes: simulation.crashes,
    violation,
  };
}

class Simulation {
  readonly disk: SimulatedDisk;
  crashes = 0;
  readonly #random: Random;
  readonly #models: PartitionModel[];
  readonly #segmentBytes: number;
  #now = 1_000_000;
  #nextRecord = 0;
  #directory: DataDirectory | undefined;
  #offsets: OffsetStore | undefined;
  #topicAcknowledged = false;
  /** A flush has failed: the broker would end itself now. */
  #failed = false;

  constructor(seed: number, sabotage: Sabotage) {
    this.#random = new Random(seed);
    this.disk = new SimulatedDisk(this.#random, sabotage);
    this.#segmentBytes = 1024 + this.#random.below(3000);
    this.#models = Array.from({ length: 1 + this.#random.below(3) }, () => new PartitionModel());
  }

  async run(): Promise<void> {
    for (let round = 0; round < ROUNDS; round++) {
      await this.#startAndCheck();
      await this.#work();
      await this.#stop();
    }
    await this.#startAndCheck();
  }

  /** Starts, through crashes in the middle of recovery if chance wants them, and checks everything. */
  async #startAndCheck(): Promise<void> {
    for (;;) {
      if (this.#random.chance(0.2)) this.disk.crashAfter(this.#random.below(40));
      try {
        await this.#open();
        break;
      } catch (error) {
        await this.#settle();
        if (!this.disk.crashed) throw error;
        this.#restart();
      }
    }
    this.disk.crashAfter(Number.POSITIVE_INFINITY);
    const partitions = this.#partitions();
    if (this.#topicAcknowledged)
      expect(partitions.length === this.#models.length, "a topic is gone");
    for (const partition of partitions) this.#checkPartition(partition);
  }

  async #open(): Promise<void> {
    this.#failed = false;
    this.#directory = await DataDirectory.open("data", {
      disk: this.disk,
      flush: { kind: "always" },
      logDefaults: {
        segmentBytes: this.#segmentBytes,
        segmentMs: Number.MAX_SAFE_INTEGER,
        retentionBytes: -1,
        retentionMs: -1,
      },
      autoCreateTopics: true,
      defaultPartitions: this.#models.length,
      now: () => this.#now,
      report: () => {},
      onFatal: () => {
        this.#failed = true;
      },
    });
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
      const index = this.#random.below(this.#models.length);
      if (this.#random.chance(0.1)) this.#limitSpace();
      try {
        const topic = await this.#directory?.registry.ensure(TOPIC);
        this.#topicAcknowledged = topic !== undefined;
        const partition = topic?.partitions[index];
        if (partition !== undefined) await this.#operate(partition);
      } catch (error) {
        if (error instanceof Violation) throw error;
      }
    }
  }

  async #operate(partition: Partition): Promise<void> {
    const model = this.#modelOf(partition);
    const dice = this.#random.next();
    if (dice < 0.65) {
      const sent: Promise<void>[] = [];
      for (let i = this.#random.below(4); i >= 0; i--) sent.push(this.#append(partition, model));
      // Not always waited for: appends overlap with flushes, rolls and crashes.
      if (this.#random.chance(0.7)) await Promise.all(sent);
    } else if (dice < 0.85) this.#readSome(partition, model);
    else await this.#commit(partition, model);
  }

  async #append(partition: Partition, model: PartitionModel): Promise<void> {
    const encoder = new BatchEncoder();
    const records: string[] = [];
    for (let i = this.#random.below(4); i >= 0; i--) {
      const record = `${this.#nextRecord++}:`.padEnd(this.#random.below(200), "x");
      records.push(record);
      encoder.append(this.#now, null, record);
    }
    const attempt: Attempt = { records, acknowledgedAt: undefined };
    model.attempts.push(attempt);
    try {
      attempt.acknowledgedAt = await partition.append(encoder.finish());
    } catch {
      // Refused, or lost with the machine: it may be there after a restart, or not.
    }
  }

  async #commit(partition: Partition, model: PartitionModel): Promise<void> {
    const last = model.commits.at(-1) ?? 0;
    if (partition.highWatermark < last) return;
    const offset = last + this.#random.below(partition.highWatermark - last + 1);
    model.commits.push(offset);
    const number = model.commits.length;
    await this.#offsets?.commit(GROUP, [{ topic: TOPIC, partition: partition.index, offset }]);
    model.acknowledgedCommits = number;
  }

  #readSome(partition: Partition, model: PartitionModel): void {
    const from = this.#random.below(partition.highWatermark + 1);
    for (const [offset, record] of recordsFrom(partition, from, 1 + this.#random.below(2000))) {
      expect(offset < partition.highWatermark, `offset ${offset} is not below the high watermark`);
      model.seen.set(offset, record);
    }
  }

  #checkPartition(partition: Partition): void {
    const model = this.#modelOf(partition);
    const records = recordsFrom(partition, 0, 700);
    const name = partition.name;
    for (let offset = 0; offset < partition.highWatermark; offset++) {
      expect(records.has(offset), `${name}: offset ${offset} is a gap`);
    }
    const byRecord = new Map<string, number>();
    for (const [offset, record] of records) {
      expect(!byRecord.has(record), `${name}: record ${record} is there twice`);
      byRecord.set(record, offset);
    }
    for (const { records: sent, acknowledgedAt } of model.attempts) {
      const found = byRecord.get(sent[0]!);
      if (acknowledgedAt !== undefined) {
        expect(
          found === acknowledgedAt,
          `${name}: acknowledged at ${acknowledgedAt}, now at ${found}`,
        );
      }
      sent.forEach((record, i) => {
        const at = byRecord.get(record);
        const expected = found === undefined ? undefined : found + i;
        expect(
          at === expected,
          `${name}: a batch is there in part: ${record} at ${at}, not ${expected}`,
        );
        byRecord.delete(record);
      });
    }
    expect(
      byRecord.size === 0,
      `${name}: records that nobody sent: ${[...byRecord.keys()].join()}`,
    );
    for (const [offset, record] of model.seen) {
      expect(
        records.get(offset) === record,
        `${name}: offset ${offset} was read before and has changed`,
      );
    }
    const committed = this.#offsets?.fetch(GROUP, TOPIC, partition.index)?.offset;
    const allowed = model.commits.slice(Math.max(0, model.acknowledgedCommits - 1));
    expect(
      committed === undefined ? model.acknowledgedCommits === 0 : allowed.includes(committed),
      `${name}: committed is ${committed}, acknowledged were ${allowed.join()}`,
    );
    expect((committed ?? 0) <= partition.highWatermark, `${name}: committed past the end`);
  }

  async #stop(): Promise<void> {
    const how = this.#random.next();
    if (!this.disk.crashed && how < 0.3) {
      // A clean stop, in which the machine may crash as well.
      if (this.#random.chance(0.3)) this.disk.crashAfter(this.#random.below(20));
      await this.#directory?.closeCleanly().catch(() => {});
      await this.#settle();
      if (this.disk.crashed || this.#random.chance(0.5)) this.#restart();
    } else if (!this.disk.crashed && how < 0.5) {
      await this.#settle();
      if (this.#failed) await this.#directory?.abandon().catch(() => {});
      if (this.disk.crashed) this.#restart();
      else this.disk.restartProcess();
    } else {
      this.disk.crashAfter(0);
      await this.#settle();
      this.#restart();
    }
    this.disk.setCapacity(Number.POSITIVE_INFINITY);
  }

  #restart(): void {
    this.crashes++;
    this.disk.restart();
  }

  #limitSpace(): void {
    const full = this.#random.chance(0.5);
    const room = this.disk.usedBytes + this.#random.below(600);
    this.disk.setCapacity(full ? room : Number.POSITIVE_INFINITY);
  }

  /** Lets everything that was under way come to its end. */
  async #settle(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve));
  }

  #partitions(): readonly Partition[] {
    return this.#directory?.registry.find(TOPIC)?.partitions ?? [];
  }

  #modelOf(partition: Partition): PartitionModel {
    const model = this.#models[partition.index];
    if (model === undefined) throw new Violation(`${partition.name} should not exist`);
    return model;
  }
}

class Violation extends Error {}

function expect(condition: boolean, message: string): void {
  if (!condition) throw new Violation(message);
}

/** The records from an offset on, by offset, read `bytesMax` bytes at a time. */
function recordsFrom(partition: Partition, from: number, bytesMax: number): Map<number, string> {
  const records = new Map<number, string>();
  const cursor = new RecordCursor();
  let offset = from;
  while (offset < partition.highWatermark) {
    const read = partition.read(offset, bytesMax);
    expect(read.nextOffset > offset, `${partition.name}: a read at ${offset} does not go on`);
    cursor.reset(readAll(read), undefined, undefined, { fromOffset: offset });
    while (cursor.next()) records.set(cursor.offset, cursor.valueText() ?? "");
    offset = read.nextOffset;
  }
  return records;
}
