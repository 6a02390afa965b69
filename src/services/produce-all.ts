// Produce for many partitions, as in Kafka's protocol: an outcome for each.
// Leaves to others: a batch that may create its topic (produce.ts).
import type { RustLogError } from "../errors.js";
import { checkProducedBatch } from "../record/produced-batch.js";
import type { AppendWaiter } from "../topics/appender.js";
import type { Partition } from "../topics/partition.js";
import type { ServiceContext } from "./context.js";
import { appendKeyed } from "./keyed-append.js";
import { partitionOf, topicNameOf } from "./named-partition.js";
import { failureOf, type Outcome } from "./outcome.js";
import { refuseInternalTopic, requireOnTopic } from "./permissions.js";
import type { PartitionBatch } from "./produce.js";

export interface Appended {
  readonly baseOffset: number;
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
  let partition: Partition;
  try {
    const name = topicNameOf(context, batch);
    requireOnTopic(context, "WRITE", name);
    refuseInternalTopic(name, "produced to");
    partition = partitionOf(context, "WRITE", batch);
    const bytesMax = context.registry.find(name)?.batchBytesMax ?? context.batchBytesMax;
    checkProducedBatch(batch.batch, bytesMax);
  } catch (error) {
    outcomes.set(index, failureOf(error));
    return;
  }
  appendKeyed(partition, batch.batch, new PartitionWaiter(partition, index, outcomes));
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

  appended(baseOffset: number): void {
    const { logStartOffset } = this.#partition;
    this.#outcomes.set(this.#index, { baseOffset, logStartOffset });
  }

  refused(error: RustLogError): void {
    this.#outcomes.set(this.#index, error);
  }
}
