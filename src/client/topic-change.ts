// A topic that was replaced while it was read: it was recreated, or the broker has another data directory.
// Leaves to others: detecting it (fetcher, consumer), and where reading continues (fetcher).

import { RustLogError } from "../errors.js";
import type { BrokerLink } from "./link.js";

/** Which topic an offset belongs to. */
export interface TopicSource {
  /** Id of the topic; undefined if the broker does not support topic ids. */
  readonly topicId: string | undefined;
  /** Id of the broker's data directory. */
  readonly logDirectoryId: string;
}

/** A partition, and the offset up to which it was read. */
interface ReadPartition {
  readonly topic: string;
  readonly partition: number;
  readonly position: number;
}

/** The error, or the report, for a topic that was replaced while it was read. */
export class TopicChangedError extends RustLogError {
  readonly topic: string;
  readonly partition: number;
  /** Offset after the last record read from the previous topic. */
  readonly position: number;
  /** Offset at which reading continues in the new topic; undefined if it ends. */
  readonly resumedAt: number | undefined;

  /** @internal Made by a consumer. */
  constructor(read: ReadPartition, cause: RustLogError, resumedAt?: number) {
    const { topic, partition, position } = read;
    const then =
      resumedAt === undefined
        ? "an offset that means nothing in the new topic"
        : `and reading continues at offset ${resumedAt} of the new topic`;
    super(
      "UNKNOWN_TOPIC_ID",
      `${cause.message}; partition ${partition} was read up to offset ${position}, ${then}`,
      {
        cause,
        help:
          "Run the command again to read the new topic; a program can continue there with the consumer " +
          'option onOutOfRange: "earliest" or "latest".',
      },
    );
    this.topic = topic;
    this.partition = partition;
    this.position = position;
    this.resumedAt = resumedAt;
  }
}

/** The error for a response from another data directory than before. */
export function otherDirectory(link: BrokerLink, topic: string, before: string): RustLogError {
  return new RustLogError(
    "UNKNOWN_TOPIC_ID",
    `the broker at ${link.address.text} has another data directory than before ` +
      `(${link.info.logDirectoryId}, before ${before}), so topic '${topic}' is a different topic`,
  );
}

/** Whether an error says that the topic with the requested id does not exist (any more). */
export function isTopicChanged(error: unknown): error is RustLogError {
  return error instanceof RustLogError && error.code === "UNKNOWN_TOPIC_ID";
}

/** Whether an error says that the topic, by its id or its name, does not exist (any more). */
export function isTopicGone(error: unknown): boolean {
  if (isTopicChanged(error)) return true;
  return error instanceof RustLogError && error.code === "UNKNOWN_TOPIC_OR_PARTITION";
}

/** Reports a change when there is no callback, so that a reader never continues in another topic silently. */
export function warnOfTopicChange({ message }: TopicChangedError): void {
  process.emitWarning(message, "RustLogWarning");
}
