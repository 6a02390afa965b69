// The model of a topic in the simulation, against which its logs are checked.
// Leaves to others: the workload (simulation.ts).
import type { CommittedOffset } from "../../src/groups/offsets/offset-record.js";
import { baseOffset, batchBytes, newestTimestamp } from "../../src/record/batch.js";
import { RecordCursor } from "../../src/record/cursor.js";
import { readAll } from "../../src/log/segment/log-slice.js";
import type { Partition } from "../../src/topics/partition.js";
import type { Topic } from "../../src/topics/topic.js";
import type { TopicSettings } from "../../src/topics/topic-settings.js";
import type { Random } from "./random.js";
import type { CompactedBatch } from "./simulated-compaction.js";

/** A broken promise. */
export class Violation extends Error {
  override readonly name = "Violation";
}

/** Throws a violation unless `condition` holds. */
export function hold(condition: boolean, message: string): void {
  if (!condition) throw new Violation(message);
}

/** A batch that was sent, and its outcome. */
export interface Attempt {
  readonly records: readonly string[];
  readonly timestamp: number;
  /** First sequence number; -1 without an idempotent producer. */
  readonly sequence: number;
  acknowledgedAt: number | undefined;
  /** Whether its records were removed from the log. */
  isCompacted: boolean;
}

/** A batch found in the log. */
interface FoundBatch {
  readonly offset: number;
  readonly timestamp: number;
}

/** The model of one partition. */
export class PartitionModel {
  readonly attempts: Attempt[] = [];
  /** Records given to a consumer, by offset. They never change, and only retention may remove them. */
  readonly seen = new Map<number, string>();
  /** Offsets that a group tried to commit, in order, and how many of them were acknowledged. */
  readonly commits: number[] = [];
  acknowledgedCommits = 0;
  /** The same for a group that commits only offsets beyond the log, with the offset as metadata. */
  readonly commitsAhead: number[] = [];
  acknowledgedAhead = 0;
  /** Everything below it is on the disk, whatever the flush policy. */
  #flushedOffset = 0;
  /** Last known log start. It may have moved forward, never back. */
  logStartOffset = 0;
  /** The batch that the idempotent producer resends until it is acknowledged. */
  unacknowledged: Attempt | undefined;
  nextSequence = 0;
  /** Whether that batch is in flight. */
  sending = false;

  /** Offsets that have no record any more. */
  readonly #gaps = new Set<number>();

  /** A batch has lost its records. */
  compacted({ first, next, values }: CompactedBatch): void {
    for (let offset = first; offset < next; offset++) {
      this.#gaps.add(offset);
      this.seen.delete(offset);
    }
    for (const attempt of this.attempts) {
      if (values.includes(attempt.records[0]!)) attempt.isCompacted = true;
    }
  }

  /** Marks everything below an offset as flushed. */
  flushedTo(offset: number): void {
    this.#flushedOffset = Math.max(this.#flushedOffset, offset);
  }

  /** A stop of the machine may lose unflushed data that was acknowledged, read or committed. */
  loseUnflushed(): void {
    for (const attempt of this.attempts) {
      if ((attempt.acknowledgedAt ?? -1) >= this.#flushedOffset) attempt.acknowledgedAt = undefined;
    }
    for (const offset of this.seen.keys()) {
      if (offset >= this.#flushedOffset) this.seen.delete(offset);
    }
    this.acknowledgedCommits = 0;
    this.acknowledgedAhead = 0;
  }

  /** Checks a partition against the model; throws a violation. */
  check(partition: Partition, random: Random): void {
    const { name, logStartOffset, highWatermark } = partition;
    hold(
      logStartOffset >= this.logStartOffset,
      `${name}: the log starts at ${logStartOffset} again`,
    );
    this.logStartOffset = logStartOffset;
    const records = recordsFrom(partition, logStartOffset, 700);
    let gaps = 0;
    for (let offset = logStartOffset; offset < highWatermark; offset++) {
      if (this.#gaps.has(offset)) gaps++;
      hold(records.has(offset) !== this.#gaps.has(offset), `${name}: offset ${offset} is a gap`);
    }
    const count = highWatermark - logStartOffset - gaps;
    hold(records.size === count, `${name}: records outside of the log`);
    this.#checkAttempts(partition, records);
    // A start flushes everything it finds.
    this.flushedTo(highWatermark);
    for (const [offset, record] of this.seen) {
      const kept = offset < logStartOffset || records.get(offset) === record;
      hold(kept, `${name}: offset ${offset} was read before and has changed`);
    }
    // This check has now read all records.
    for (const [offset, record] of records) this.seen.set(offset, record);
    checkTimes(partition, random);
  }

  /** Checks the committed offset of a partition against the attempted and acknowledged ones. */
  checkCommit(partition: Partition, committed: number | undefined): void {
    const { name, highWatermark } = partition;
    const sure = this.acknowledgedCommits > 0;
    const allowed = this.commits.slice(Math.max(0, this.acknowledgedCommits - 1));
    // If a log has lost unflushed records, a start sets the commit back to its end and flushes that.
    if (!sure && committed === highWatermark && allowed.some((offset) => offset > committed)) {
      this.commits.push(committed);
      this.acknowledgedCommits = this.commits.length;
      return;
    }
    hold(
      committed === undefined ? !sure : allowed.includes(committed),
      `${name}: committed is ${committed}, acknowledged were ${allowed.join()}`,
    );
    hold((committed ?? 0) <= highWatermark, `${name}: committed past the end`);
  }

  /** Checks the commit of the other group, which no start may change. */
  checkCommitAhead({ name }: Partition, committed: CommittedOffset | undefined): void {
    const allowed = this.commitsAhead.slice(Math.max(0, this.acknowledgedAhead - 1));
    const isAllowed =
      committed === undefined
        ? this.acknowledgedAhead === 0
        : allowed.includes(committed.offset) &&
          committed.details?.metadata === String(committed.offset);
    const text = JSON.stringify(committed);
    hold(isAllowed, `${name}: committed beyond the log is ${text}, acknowledged ${allowed.join()}`);
  }

  #checkAttempts({ name, logStartOffset }: Partition, records: ReadonlyMap<number, string>): void {
    const byRecord = new Map<string, number>();
    for (const [offset, record] of records) {
      hold(!byRecord.has(record), `${name}: record ${record} is there twice`);
      byRecord.set(record, offset);
    }
    for (const { records: sent, acknowledgedAt, isCompacted } of this.attempts) {
      if (isCompacted) continue;
      // Its first records may be below the log start.
      const first = sent.findIndex((record) => byRecord.has(record));
      const found = first < 0 ? undefined : byRecord.get(sent[first]!)! - first;
      const last = (acknowledgedAt ?? 0) + sent.length - 1;
      if (acknowledgedAt !== undefined && last >= logStartOffset) {
        const message = `${name}: acknowledged at ${acknowledgedAt}, now at ${found}`;
        hold(found === acknowledgedAt, message);
      }
      for (const [i, record] of sent.entries()) {
        const at = byRecord.get(record);
        const isThere = found !== undefined && found + i >= logStartOffset;
        const expected = isThere ? found + i : undefined;
        hold(at === expected, `${name}: a batch is there in part: ${record} at ${at}`);
        byRecord.delete(record);
      }
    }
    const strangers = [...byRecord.keys()].join();
    hold(byRecord.size === 0, `${name}: records that nobody sent: ${strangers}`);
  }
}

/** Whether a topic should exist. `creating` and `deleting` were attempted and may have succeeded. */
export type TopicState = "absent" | "creating" | "present" | "deleting";

/** The model of a topic. */
export class TopicModel {
  readonly name: string;
  state: TopicState = "absent";
  partitions: PartitionModel[] = [];
  readonly #partitionsAtFirst: number;
  /** Settings that it may have: the last ones that were acknowledged, and those attempted since. */
  #settings: TopicSettings[] = [];
  /** Numbers of partitions that additions were to give it, not acknowledged yet. */
  #totalsAttempted: number[] = [];

  constructor(name: string, partitionCount: number) {
    this.name = name;
    this.#partitionsAtFirst = partitionCount;
    this.#reset();
  }

  get partitionCount(): number {
    return this.partitions.length;
  }

  /** The settings are being replaced. Returns a function to call once that is acknowledged. */
  altering(settings: TopicSettings): () => void {
    this.#settings.push(settings);
    return () => {
      this.#settings = this.#settings.slice(this.#settings.indexOf(settings));
    };
  }

  /** Partitions are being added. Returns a function to call once that is acknowledged. */
  adding(total: number): () => void {
    this.#totalsAttempted.push(total);
    return () => this.#added(total);
  }

  #added(total: number): void {
    while (this.partitions.length < total) this.partitions.push(new PartitionModel());
    this.#totalsAttempted = this.#totalsAttempted.filter((it) => it > total);
  }

  /** Sets the state of the topic. Once it is absent, none of its records may reappear. */
  become(state: TopicState): void {
    if (state === "absent") this.#reset();
    this.state = state;
  }

  /** Checks the topic that a start has found against the model; undefined if there is no such topic. */
  check(topic: Topic | undefined, random: Random): void {
    const found = topic?.online;
    if (found === undefined) {
      hold(this.state !== "present", `topic ${this.name} is gone`);
      this.become("absent");
      return;
    }
    hold(this.state !== "absent", `topic ${this.name} is back`);
    const count = `topic ${this.name} has ${found.length} partitions`;
    if (this.#totalsAttempted.includes(found.length)) this.#added(found.length);
    hold(found.length === this.partitionCount, count);
    const settings = JSON.stringify(topic?.settings);
    const known = this.#settings.map((it) => JSON.stringify(it));
    hold(known.includes(settings), `topic ${this.name} has settings ${settings}`);
    this.#settings = [topic?.settings ?? {}];
    this.#totalsAttempted = [];
    for (const partition of found) this.partitions[partition.index]?.check(partition, random);
    this.state = "present";
  }

  #reset(): void {
    this.partitions = [];
    this.#totalsAttempted = [];
    this.#added(this.#partitionsAtFirst);
    this.#settings = [{}];
  }
}

/** The records from an offset on, by offset, read `bytesMax` bytes at a time. */
export function recordsFrom(
  partition: Partition,
  from: number,
  bytesMax: number,
): Map<number, string> {
  const records = new Map<number, string>();
  const cursor = new RecordCursor();
  let offset = from;
  while (offset < partition.highWatermark) {
    const read = partition.read(offset, bytesMax);
    hold(read.nextOffset > offset, `${partition.name}: a read at ${offset} does not go on`);
    cursor.reset(readAll(read), undefined, undefined, { fromOffset: offset });
    while (cursor.next()) records.set(cursor.offset, cursor.valueText() ?? "");
    offset = read.nextOffset;
  }
  return records;
}

/** Checks lookups by time against a linear search. */
export function checkTimes(partition: Partition, random: Random): void {
  const batches: FoundBatch[] = [];
  for (let offset = partition.logStartOffset; offset < partition.highWatermark;) {
    const read = partition.read(offset, 2_000);
    const bytes = readAll(read);
    for (let at = 0; at < bytes.length; at += batchBytes(bytes, at)) {
      const first = Math.max(baseOffset(bytes, at), partition.logStartOffset);
      batches.push({ offset: first, timestamp: newestTimestamp(bytes, at) });
    }
    offset = read.nextOffset;
  }
  const dated = batches.filter(({ timestamp }) => timestamp >= 0);
  if (dated.length === 0) return;
  const none = { offset: partition.highWatermark, timestamp: -1 };
  for (let i = 0; i < 3; i++) {
    const timestamp = random.pick(dated).timestamp + random.below(3) - 1;
    const expected = batches.find((batch) => batch.timestamp >= timestamp) ?? none;
    const found = partition.offsetForTimestamp(timestamp);
    const right = found.offset === expected.offset && found.timestamp === expected.timestamp;
    const message = `time ${timestamp} is at ${expected.offset}, and was found at ${found.offset}`;
    hold(right, `${partition.name}: ${message}`);
  }
}
