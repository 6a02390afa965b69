// What the use cases work on: the topics, the committed offsets, and the facts about this broker.
// Leaves to others: opening and closing them (broker/broker.ts).
import type { OffsetStore } from "../groups/offset-store.ts";
import type { TopicRegistry } from "../topics/topic-registry.ts";

export interface ServiceContext {
  readonly registry: TopicRegistry;
  readonly offsets: OffsetStore;
  readonly brokerVersion: string;
  /** Identity of the data directory, made when it was created. */
  readonly logDirectoryId: string;
  /** Largest record batch that a client may produce, in bytes. */
  readonly batchBytesMax: number;
  /** Whether a produce creates a topic that is missing. */
  readonly autoCreateTopics: boolean;
  /** Partitions of a topic that is created without saying how many. */
  readonly defaultPartitions: number;
}
