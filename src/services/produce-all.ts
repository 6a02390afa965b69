// Produce for many partitions, as in Kafka's protocol: an outcome for each.
// Leaves to others: a batch that may create its topic (produce.ts).
import type { RustLogError } from "../errors.js";
import type { LogSettings } from "../log/log-context.js";
import type { Pieces } from "../record/bytes.js";
import { checkProducedBatch } from "../record/produced-batch.js";
import type { AppendWaiter } from "../topics/appender.js";
import type { Partition } from "../topics/partition.js";
import type { ServiceContext } from "./context.js";
import { appendChecked, checkRecords } from "./checked-append.js";
import { partitionOf, requireOnNamed, topicNameOf } from "./named-partition.js";
import { failureOf, type Outcome } from "./outcome.js";
import { refuseInternalTopic } from "./permissions.js";
import type { PartitionBatch } from "./produce.js";
import { RecordCheck } from "./record-check.js";
import { checkTimestamps, RefusedTimestamps } from "./timestamp-check.js";

export interface Appended {
  readonly baseOffset: number;
  /** Timestamp of all records if the topic has LogAppendTime, else -1. */
  readonly logAppendTimeMs: number;
  /** Offset of the first record of the log. */
  readonly logStartOffset: number;
}

/** Appends between two pauses of `produceAll`: about a millisecond of work. */
const PORTION_BATCHES = 100;

/**
 * Appends batches to existing topics, independently: a failed one stops no other. The appends start immediately, in
 * order, or with pauses if there is a `pause`: the result then resolves when all have started. `done` gets the outcomes
 * once all are acknowledged, possibly before this returns.
 */
export function produceAll(
  context: ServiceContext,
  batches: readonly PartitionBatch[],
  done: (outcomes: readonly Outcome<Appended>[]) => void,
  pause?: () => Promise<void>,
): void | Promise<void> {
  const outcomes = new Outcomes(batches.length, done);
  if (pause !== undefined) return produceInPortions(context, batches, outcomes, pause);
  for (let i = 0; i < batches.length; i++) produceToExisting(context, batches[i]!, i, outcomes);
  outcomes.started();
}

async function produceInPortions(
  context: ServiceContext,
  batches: readonly PartitionBatch[],
  outcomes: Outcomes,
  pause: () => Promise<void>,
): Promise<void> {
  for (let i = 0; i < batches.length; i++) {
    if (i > 0 && i % PORTION_BATCHES === 0) await pause();
    produceToExisting(context, batches[i]!, i, outcomes);
  }
  outcomes.started();
}

function produceToExisting(
  context: ServiceContext,
  batch: PartitionBatch,
  index: number,
  outcomes: Outcomes,
): void {
  const { registry } = context;
  const nowMs = registry.now();
  let settings = registry.logDefaults;
  let partition: Partition;
  try {
    const name = topicNameOf(context, batch);
    requireOnNamed(context, "WRITE", name, batch);
    refuseInternalTopic(name, "produced to");
    partition = partitionOf(context, "WRITE", batch);
    const topic = registry.find(name);
    checkProducedBatch(batch.batch, topic?.batchBytesMax ?? context.batchBytesMax);
    settings = topic?.logSettings.current ?? settings;
    checkTimestamps(batch.batch[0], settings, nowMs);
  } catch (error) {
    const failure = failureOf(error);
    if (failure.code !== "INVALID_TIMESTAMP") outcomes.set(index, failure);
    else void outcomes.setLater(index, namingRecords(failure, batch.batch, settings, nowMs));
    return;
  }
  appendChecked(partition, batch.batch, new PartitionWaiter(partition, index, outcomes), nowMs);
}

/** The error of a batch whose header is out of range, with the records that are, as far as it can be opened. */
async function namingRecords(
  error: RustLogError,
  batch: Pieces,
  settings: LogSettings,
  nowMs: number,
): Promise<RustLogError> {
  const check = new RecordCheck("", { ...settings, compacts: false }, nowMs);
  try {
    await checkRecords(batch, check);
    return error;
  } catch (failure) {
    return failure instanceof RefusedTimestamps ? failure : error;
  }
}

/** The outcomes of several appends. */
class Outcomes {
  readonly #outcomes: Outcome<Appended>[];
  readonly #done: (outcomes: readonly Outcome<Appended>[]) => void;
  /** Those that are missing, and one for a start that is not complete: it may still throw. */
  #missing: number;

  constructor(count: number, done: (outcomes: readonly Outcome<Appended>[]) => void) {
    this.#outcomes = new Array<Outcome<Appended>>(count);
    this.#done = done;
    this.#missing = count + 1;
  }

  set(index: number, outcome: Outcome<Appended>): void {
    this.#outcomes[index] = outcome;
    this.#settled();
  }

  async setLater(index: number, outcome: Promise<RustLogError>): Promise<void> {
    this.set(index, await outcome);
  }

  started(): void {
    this.#settled();
  }

  #settled(): void {
    if (--this.#missing === 0) this.#done(this.#outcomes);
  }
}

class PartitionWaiter implements AppendWaiter {
  readonly #partition: Partition;
  readonly #index: number;
  readonly #outcomes: Outcomes;

  constructor(partition: Partition, index: number, outcomes: Outcomes) {
    this.#partition = partition;
    this.#index = index;
    this.#outcomes = outcomes;
  }

  appended(baseOffset: number, logAppendTimeMs: number): void {
    const { logStartOffset } = this.#partition;
    this.#outcomes.set(this.#index, { baseOffset, logAppendTimeMs, logStartOffset });
  }

  refused(error: RustLogError): void {
    this.#outcomes.set(this.#index, error);
  }
}
