// A topic that became another one while it was read: it was deleted and recreated, or the broker has other data.
// Leaves to others: noticing it (fetcher, consumer), and where reading goes on (fetcher).

import { RustLogError } from "../errors.ts";
import type { BrokerLink } from "./link.ts";

/** Which topic an offset belongs to. */
export interface TopicSource {
  /** Identity of the topic; undefined when the broker is older than topic ids. */
  readonly topicId: string | undefined;
  /** Identity of the broker's data directory. */
  readonly logDirectoryId: string;
}

/** A partition that is read, and up to which offset it was. */
interface ReadPartition {
  readonly topic: string;
  readonly partition: number;
  readonly position: number;
}

/** The error, or the report, for a topic that is not the one that was read before. */
export class TopicChangedError extends RustLogError {
  readonly topic: string;
  readonly partition: number;
  /** Offset after the last record that was read of the topic as it was before. */
  readonly position: number;
  /** Offset at which reading goes on in the topic as it is now; undefined if it does not go on. */
  readonly resumedAt: number | undefined;

  /** @internal Made by a consumer. */
  constructor(read: ReadPartition, cause: RustLogError, resumedAt?: number) {
    const { topic, partition, position } = read;
    const then =
      resumedAt === undefined
        ? "which means nothing in another topic"
        : `and goes on at offset ${resumedAt} of the topic that has the name now`;
    super(
      "UNKNOWN_TOPIC_ID",
      `${cause.message}; partition ${partition} was read up to offset ${position}, ${then}`,
      {
        cause,
        help:
          "Run the command again to read the topic that has the name now; a program can go on there with the consumer " +
          'option onOutOfRange: "earliest" or "latest".',
      },
    );
    this.topic = topic;
    this.partition = partition;
    this.position = position;
    this.resumedAt = resumedAt;
  }
}

/** The error for an answer from another data directory than the one that a topic was read from. */
export function otherDirectory(link: BrokerLink, topic: string, before: string): RustLogError {
  return new RustLogError(
    "UNKNOWN_TOPIC_ID",
    `the broker at ${link.address.text} has another data directory than before ` +
      `(${link.info.logDirectoryId}, before ${before}), so topic '${topic}' is another one`,
  );
}

/** Whether an error says that a topic is not the one with the id that was asked for. */
export function isTopicChanged(error: unknown): error is RustLogError {
  return error instanceof RustLogError && error.code === "UNKNOWN_TOPIC_ID";
}

/** The report of a change that no callback takes: a reader never goes on in another topic silently. */
export function warnOfTopicChange({ message }: TopicChangedError): void {
  process.emitWarning(message, "RustLogWarning");
}
