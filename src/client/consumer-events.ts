// The events of a consumer. Leaves to others: when they happen.

import type { PartitionOffset, TopicPartition } from "./admin-types.js";
import type { RevocationReason } from "./balanced-options.js";
import type { PartitionProgress } from "./consumer-stats.js";
import type { DamagedRecordsError } from "./damage.js";
import type { RustLogError } from "../errors.js";
import type { TopicChangedError } from "./topic-change.js";

/** The events of a consumer by name, with what a listener is called with. */
export interface ConsumerEvents {
  /** It begins to read partitions: at the start, when topics or partitions are added, or after a rebalance. */
  readonly assigned: [partitions: readonly TopicPartition[]];
  /** It no longer reads partitions: another member of the group does, or their topic is deleted ("lost"). */
  readonly revoked: [partitions: readonly TopicPartition[], reason: RevocationReason];
  /** The broker has stored offsets. */
  readonly committed: [offsets: readonly PartitionOffset[]];
  /** How far it is in a partition, whenever it is about to return records of it. */
  readonly lag: [progress: PartitionProgress];
  /** Unreadable records were skipped. */
  readonly skipped: [skipped: DamagedRecordsError];
  /** Reading continues in another topic of the same name. */
  readonly topicChanged: [change: TopicChangedError];
  /** It can't go on reading; its next call throws this error. */
  readonly error: [error: RustLogError];
}
