// What the handlers work on: the topics, the committed offsets, and the facts about this broker.
// Leaves to others: opening and closing them (broker.ts).
import type { OffsetStore } from "../groups/offset-store.ts";
import type { TopicRegistry } from "../topics/topic-registry.ts";

/** Everything that a handler may touch. */
export interface BrokerServices {
  readonly registry: TopicRegistry;
  readonly offsets: OffsetStore;
  /** Version of the program. */
  readonly brokerVersion: string;
  /** Identity of the data directory, made when it was created. */
  readonly logDirectoryId: string;
  /** Longest frame payload, in bytes. */
  readonly frameBytesMax: number;
  /** Largest record batch, in bytes. */
  readonly batchBytesMax: number;
  /** Whether a produce creates a topic that is missing. */
  readonly autoCreateTopics: boolean;
  /** Partitions of a topic that is created without saying how many. */
  readonly defaultPartitions: number;
}
