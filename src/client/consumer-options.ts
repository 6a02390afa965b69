// The options of a consumer, and their checks. Leaves to others: acting on them (consumer.ts, consumer-plan.ts).

import { RustLogError } from "../errors.js";
import { CLIENT_WAIT_MS_MAX } from "../limits.js";
import {
  checkArray,
  checkCallback,
  checkChoice,
  checkNatural,
  checkObject,
  checkString,
} from "./argument-check.js";
import type { OffsetSpecs, OutOfRangePolicy } from "./consumer-plan.js";
import type { DamagedPolicy, DamagedRecordsError } from "./damage.js";
import { checkOffsetSpec } from "./offset-spec.js";
import { inRange } from "./option-check.js";
import type { TopicChangedError } from "./topic-change.js";

/** How a consumer fetches. */
export interface FetchOptions {
  /** Largest size of one fetch in bytes, within `bufferBytesMax` (4 MiB). */
  readonly maxBytes?: number;
  /** Bytes that must be available before the broker answers a fetch (1). */
  readonly minBytes?: number;
  /** How long the broker waits for them, in milliseconds: 1 to a day, which the broker limits to a minute (1,000). */
  readonly maxWaitMs?: number;
  /** Limit of bytes fetched but not yet returned, over all partitions (64 MiB). Single larger batches can exceed it. */
  readonly bufferBytesMax?: number;
  /** How long retriable errors and lost connections are retried, in milliseconds (120,000). */
  readonly retryTimeoutMs?: number;
  /** What to do if a position is outside of its partition ("error"). */
  readonly onOutOfRange?: OutOfRangePolicy;
  /**
   * What to do about unreadable records: throw a DamagedRecordsError after the records before them ("throw"), or skip
   * them, call `onSkip`, and continue with the records after them ("skip").
   */
  readonly onDamaged?: DamagedPolicy;
  /** Called for each skip with topic, partition, the offsets `from` up to but not including `to`, and the reason. Default: a process warning. */
  readonly onSkip?: (skipped: DamagedRecordsError) => void;
  /**
   * Whether to check the CRC of each batch (true). The broker checks it on write, and again when a sealed segment is first
   * read; false trusts the memory of the broker and the network.
   */
  readonly checkCrcs?: boolean;
}

/** The options of a consumer. */
export interface ConsumerOptions extends FetchOptions {
  readonly topic: string;
  /** Partitions to read (all that there are at the start; only a balanced consumer notices when some are added). */
  readonly partitions?: readonly number[];
  /** Where to start: one offset for all partitions, or a map by partition ("earliest"; also for partitions not in the map). */
  readonly offset?: OffsetSpecs;
  /** Where to stop: the first offset that is not read. */
  readonly end?: OffsetSpecs;
  /** Whether to wait for new records (true) or to end at the high watermarks of the start. */
  readonly follow?: boolean;
  /**
   * Consumer group. Reading starts at its committed offset, or at `offset` if that is larger ("latest" never is: it applies
   * only to a group without a committed offset). Enables `commit`.
   */
  readonly group?: string;
  /** Only a balanced consumer shares its partitions with others: see BalancedConsumerOptions. */
  readonly balance?: false;
  /**
   * Called for each partition if the topic was recreated while it was read, or the broker has another data directory, and
   * reading continues in the topic that has the name now, as `onOutOfRange` says. With "error", or with an end, reading
   * fails with a TopicChangedError instead. Default: a process warning.
   */
  readonly onTopicChanged?: (change: TopicChangedError) => void;
}

/** Throws INVALID_TOPIC, INVALID_GROUP or INVALID_CONFIG, naming the option. */
export function checkConsumerOptions(options: ConsumerOptions): void {
  checkObject("INVALID_CONFIG", "the options of a consumer", options);
  if ("topics" in options && options.topics !== undefined) {
    throw new RustLogError("INVALID_CONFIG", "`topics` of a consumer needs `balance: true`", {
      help: "Without it, a consumer reads one `topic`.",
    });
  }
  checkString("INVALID_TOPIC", "topic of a consumer", options.topic);
  const { group, partitions, offset, end } = options;
  if (group !== undefined) checkString("INVALID_GROUP", "group of a consumer", group);
  if (partitions !== undefined) {
    checkArray("INVALID_CONFIG", "partitions of a consumer", partitions);
    for (const item of partitions)
      checkNatural("INVALID_CONFIG", "a partition of a consumer", item);
  }
  checkSpecs("offset", offset);
  checkSpecs("end", end);
  checkCallback("onTopicChanged", options.onTopicChanged);
  checkFetchOptions(options);
}

/** Throws INVALID_CONFIG, naming the option. */
export function checkFetchOptions(options: FetchOptions): void {
  checkChoice("onOutOfRange", options.onOutOfRange, ["error", "earliest", "latest"]);
  checkChoice("onDamaged", options.onDamaged, ["throw", "skip"]);
  checkCallback("onSkip", options.onSkip);
  for (const name of ["maxBytes", "minBytes", "maxWaitMs", "bufferBytesMax"] as const) {
    const value = options[name];
    if (value === undefined || (Number.isInteger(value) && value >= 1)) continue;
    throw new RustLogError("INVALID_CONFIG", `${name} is a whole number from 1 on, not ${value}`);
  }
  inRange("maxWaitMs", options.maxWaitMs ?? 1, 1, CLIENT_WAIT_MS_MAX);
  inRange("retryTimeoutMs", options.retryTimeoutMs ?? 0, 0);
}

function checkSpecs(name: string, specs: OffsetSpecs | undefined): void {
  if (specs === undefined) return;
  if (!(specs instanceof Map)) {
    checkOffsetSpec(`${name} of a consumer`, specs);
    return;
  }
  for (const [partition, spec] of specs) {
    checkNatural("INVALID_CONFIG", `a partition in ${name} of a consumer`, partition);
    checkOffsetSpec(`${name} of partition ${partition} of a consumer`, spec);
  }
}
