// The options of a balanced consumer, and their checks. Leaves to others: acting on them (balanced-consumer).

import { RustLogError } from "../errors.js";
import { SESSION_TIMEOUT_MS_MAX, SESSION_TIMEOUT_MS_MIN } from "../limits.js";
import type { TopicPartition } from "./admin-types.js";
import { checkCallback, checkObject, checkString } from "./argument-check.js";
import { checkFetchOptions, checkTopics, type FetchOptions } from "./consumer-options.js";
import { checkOffsetSpec } from "./offset-spec.js";
import { inRange } from "./option-check.js";

/**
 * Why a partition is taken from a consumer: another member gets it once `onRevoked` has returned and the records that
 * were processed are committed ("handover", also for `close`); or the broker has not heard from the consumer for too long,
 * and another member may be reading it already ("lost").
 */
export type RevocationReason = "handover" | "lost";

/** The options of a consumer that shares partitions with the other members of its group. */
export interface BalancedConsumerOptions<K = Uint8Array, V = Uint8Array> extends FetchOptions<
  K,
  V
> {
  /** Makes the consumer a member of its group: the broker gives each partition of the topics to one member. */
  readonly balance: true;
  readonly group: string;
  /**
   * Topics to read; they need not exist yet. A regular expression reads all topics that it matches, as with `test()`, also
   * those that are created later. Its syntax must be RE2's too (no lookaround, no backreferences), its flags i, m or s.
   */
  readonly topics: readonly (string | RegExp)[];
  /** Where to start in a partition without a committed offset ("earliest"). */
  readonly offset?: "earliest" | "latest" | { readonly timestamp: number };
  /**
   * Called before the first record of new partitions; reading starts once it has returned. Positions are known. If it
   * throws, `nextBatch` throws that error.
   */
  readonly onAssigned?: (partitions: readonly TopicPartition[]) => void | Promise<void>;
  /**
   * Called once partitions are not read any more. At a handover the consumer has been asked for its next record, so all
   * earlier ones are processed, and `commit` still works. If it throws, nothing is committed, and `nextBatch` throws that
   * error.
   */
  readonly onRevoked?: (
    partitions: readonly TopicPartition[],
    reason: RevocationReason,
  ) => void | Promise<void>;
  /**
   * Whether to commit, at a handover, what the application has processed (true): the records before the one that it
   * has asked for. Otherwise only `commit` commits.
   */
  readonly commitOnHandover?: boolean;
  /** Milliseconds without a sign of life after which the partitions are given to others (10,000). At least 6,000. */
  readonly sessionTimeoutMs?: number;
  /**
   * Milliseconds for a handover (60,000): for the application to ask for its next record, and for `onRevoked`. Then all
   * partitions of the consumer are lost.
   */
  readonly rebalanceTimeoutMs?: number;
  /**
   * Makes the member static: its name in the group, which no other member has. After `close`, or a crash, its partitions are
   * kept for it until the session timeout is over, and nothing is rebalanced when it comes back by then.
   */
  readonly instanceId?: string;
  /** Name of this member for people, in `rustlog groups describe` ("rustlog"). */
  readonly clientId?: string;
}

/** Throws INVALID_TOPIC, INVALID_GROUP, INVALID_SESSION_TIMEOUT or INVALID_CONFIG, naming the option. */
export function checkBalancedOptions(options: BalancedConsumerOptions<unknown, unknown>): void {
  checkObject("INVALID_CONFIG", "the options of a consumer", options);
  for (const name of [
    ...["topic", "partitions", "end", "follow", "metadataMaxAgeMs", "onTopicChanged"],
  ]) {
    if (!(name in options) || (options as unknown as Record<string, unknown>)[name] === undefined) {
      continue;
    }
    throw new RustLogError("INVALID_CONFIG", `${name} can't be combined with balance`, {
      help: "A balanced consumer reads the partitions of its `topics` that the broker assigns to it, without an end.",
    });
  }
  checkString("INVALID_GROUP", "group of a balanced consumer", options.group);
  const { topics, offset } = options;
  checkTopics(topics);
  if (offset !== undefined) {
    checkOffsetSpec("offset of a consumer", offset);
    if (typeof offset === "number" || (typeof offset === "object" && !("timestamp" in offset))) {
      throw new RustLogError(
        "INVALID_CONFIG",
        "offset of a balanced consumer must be earliest, latest or a timestamp",
        {
          help: "Its partitions differ in length, and change. `admin.commitOffsets` sets offsets of a group.",
        },
      );
    }
  }
  checkCallback("onAssigned", options.onAssigned);
  checkCallback("onRevoked", options.onRevoked);
  checkFetchOptions(options);
  inRange(
    "sessionTimeoutMs",
    options.sessionTimeoutMs ?? SESSION_TIMEOUT_MS_MIN,
    SESSION_TIMEOUT_MS_MIN,
    SESSION_TIMEOUT_MS_MAX,
  );
  inRange("rebalanceTimeoutMs", options.rebalanceTimeoutMs ?? 1, 1, 2 ** 31 - 1);
  for (const name of ["clientId", "instanceId"] as const) {
    if (options[name] !== undefined) checkString("INVALID_CONFIG", name, options[name]);
  }
}

/** Topics that are given by name. */
export function namesOf(topics: readonly (string | RegExp)[]): string[] {
  return [...new Set(topics.filter((topic) => typeof topic === "string"))];
}

/**
 * One expression in RE2's syntax for the whole name of all topics that any of the regular expressions matches; empty if
 * there are none.
 */
export function patternOf(topics: readonly (string | RegExp)[]): string {
  return (
    topics
      .filter((topic) => topic instanceof RegExp)
      // The broker compares with the whole name.
      .map(({ source, flags }) => `.*(?${flags}:${source}).*`)
      .join("|")
  );
}
