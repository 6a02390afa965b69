// Checks of partitions: that a caller names them, that the broker answered about each, and that one exists and can be read.
// Leaves to others: other arguments (argument-check).

import { RustLogError } from "../errors.js";
import type { PartitionDescription, TopicPartition } from "./admin-types.js";
import { checkArray, checkNatural, checkObject, checkString } from "./argument-check.js";

/** Throws INVALID_REQUEST unless `items` is an array of objects that name a topic and a partition. */
export function checkPartitions(what: string, items: readonly TopicPartition[]): void {
  checkArray("INVALID_REQUEST", what, items);
  for (const item of items) {
    checkObject("INVALID_REQUEST", `an item of ${what}`, item);
    checkString("INVALID_TOPIC", `topic of an item of ${what}`, item.topic);
    checkNatural("INVALID_REQUEST", `partition of an item of ${what}`, item.partition);
  }
}

/** Throws UNKNOWN_SERVER_ERROR unless the broker answered about each of the partitions. */
export function checkCount(answered: number, asked: number, what = "committed offsets"): void {
  if (answered === asked) return;
  throw new RustLogError(
    "UNKNOWN_SERVER_ERROR",
    `asked for ${asked} ${what}, the broker answered with ${answered}`,
  );
}

/** Whether the broker can't serve a partition, so its offsets are unknown. */
export function isOffline({ highWatermark }: PartitionDescription): boolean {
  return highWatermark < 0;
}

/** The error for an offline partition. */
export function offlineError(
  topic: string,
  { partition, offline }: PartitionDescription,
): RustLogError {
  const why = offline === undefined ? "" : `: ${offline}`;
  return new RustLogError(
    "STORAGE_ERROR",
    `topic '${topic}', partition ${partition} is offline${why}`,
    { help: "See the broker's log. The other partitions can be read (-p) and written." },
  );
}

/** The error for a partition number that a topic of `count` partitions does not have. */
export function unknownPartition(topic: string, partition: number, count: number): RustLogError {
  return new RustLogError(
    "UNKNOWN_TOPIC_OR_PARTITION",
    `topic '${topic}' has no partition ${partition}; its partitions are 0 to ${count - 1}`,
  );
}
