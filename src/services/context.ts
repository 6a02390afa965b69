// Context of the use cases: the topics, the committed offsets, and facts about this broker.
// Leaves to others: opening and closing them (broker/broker.ts).
import type { OffsetStore } from "../groups/offset-store.js";
import type { ProducerIds } from "../topics/producer-ids.js";
import type { TopicRegistry } from "../topics/topic-registry.js";

export interface ServiceContext {
  readonly registry: TopicRegistry;
  readonly offsets: OffsetStore;
  readonly producerIds: ProducerIds;
  readonly brokerVersion: string;
  /** Id of the data directory, chosen when it was created. */
  readonly logDirectoryId: string;
  /** Largest record batch that a client may produce to a topic without a limit of its own, in bytes. */
  readonly batchBytesMax: number;
  /** Whether a produce creates a missing topic. */
  readonly autoCreateTopics: boolean;
  /** Partitions of a topic created without a number of partitions. */
  readonly defaultPartitions: number;
}
