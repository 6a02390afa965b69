// The idempotent producers of a partition. Leaves to others: remembering them (log/producer-states.ts).
import { sequenceAfter } from "../record/batch.js";
import type { ServiceContext } from "./context.js";
import { requireOnTopic } from "./permissions.js";

export interface ActiveProducer {
  readonly id: number;
  readonly epoch: number;
  /** Sequence number of its last record. */
  readonly lastSequence: number;
  /** Largest timestamp in its last batch, in milliseconds. */
  readonly lastTimestamp: number;
}

/** The producers that a partition remembers, least recently active first. Throws as `registry.partition`. */
export function activeProducers(
  context: ServiceContext,
  topic: string,
  partition: number,
): ActiveProducer[] {
  requireOnTopic(context, "READ", topic);
  const producers: ActiveProducer[] = [];
  for (const [id, { epoch, batches }] of context.registry.partition(topic, partition).producers()) {
    const last = batches.at(-1);
    if (last === undefined) continue;
    const lastSequence = sequenceAfter(last.baseSequence, last.recordCount - 1);
    producers.push({ id, epoch, lastSequence, lastTimestamp: last.timestamp });
  }
  return producers;
}
