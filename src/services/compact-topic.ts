// CompactTopic: compacts partitions of a topic now. The first request begins a run; later ones with its id look at it.
// Leaves to others: the runs (compaction-runs.ts).
import { RustLogError } from "../errors.js";
import { unknownTopic } from "../topics/topic-error.js";
import type { CompactionOfTopic } from "./compaction-runs.js";
import type { ServiceContext } from "./context.js";
import {
  anyPartitionOf,
  type NamedTopic,
  refuseRepeated,
  requireOnNamed,
  topicNameOf,
} from "./named-partition.js";
import { refuseInternalTopic } from "./permissions.js";

interface CompactionRequest extends NamedTopic {
  /** Chosen by the client, and the same in all requests of a run. */
  readonly runId: string;
  /** None means all. */
  readonly partitions: readonly number[];
}

/**
 * The run of a request, which begins if there is none with its id. Throws TOPIC_AUTHORIZATION_FAILED,
 * UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_ID, INVALID_TOPIC (an internal topic), POLICY_VIOLATION (not a compacted one),
 * INVALID_REQUEST (a repeated partition, or the id of another topic's run) and BROKER_OVERLOADED (too many runs).
 */
export function compactTopic(
  context: ServiceContext,
  request: CompactionRequest,
): CompactionOfTopic {
  const { compactions, registry } = context;
  const { runId, topicId, partitions } = request;
  const name = topicNameOf(context, request);
  requireOnNamed(context, "ALTER", name, request);
  const known = compactions.find(runId);
  if (known !== undefined) {
    if (known.topic === name) return known;
    const message = `run ${runId} compacts topic '${known.topic}', not '${name}'`;
    throw new RustLogError("INVALID_REQUEST", message);
  }
  refuseInternalTopic(name, "compacted on demand");
  const topic = registry.find(name);
  if (topic === undefined) throw unknownTopic(name);
  const wanted = partitions.length === 0 ? [...topic.partitions.keys()] : partitions;
  const named = wanted.map((partition) => ({ topic: name, topicId, partition }));
  refuseRepeated(named, "a compaction has each partition once");
  const found = named.map((place) => anyPartitionOf(context, "ALTER", place));
  if (!topic.logSettings.current.compacts) {
    const message = `topic '${name}' is not compacted: its cleanup.policy does not contain compact`;
    throw new RustLogError("POLICY_VIOLATION", message);
  }
  return compactions.begin(runId, topic, found);
}
