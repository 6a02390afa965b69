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
  wrongType,
} from "./argument-check.js";
import { checkSignal } from "./abort.js";
import type { OffsetSpecs, OutOfRangePolicy } from "./consumer-plan.js";
import type { DamagedPolicy, DamagedRecordsError } from "./damage.js";
import { checkOffsetSpec } from "./offset-spec.js";
import { inRange } from "./option-check.js";
import { checkSerialization, type Deserializers } from "./serialization.js";
import type { TopicChangedError } from "./topic-change.js";

/** How a consumer fetches. */
export interface FetchOptions<K = Uint8Array, V = Uint8Array> {
  /** How keys and values are read (as Uint8Arrays, views of the fetched bytes). */
  readonly deserializers?: Deserializers<K, V>;
  /** Closes the consumer, as `close` does, when it is aborted. */
  readonly signal?: AbortSignal;
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
export interface ConsumerOptions<K = Uint8Array, V = Uint8Array> extends FetchOptions<K, V> {
  /** The topic to read; or else `topics`. */
  readonly topic?: string;
  /**
   * Topics to read. Those that are given by name must exist. A regular expression reads all that it matches, as with `test()`,
   * and those that are created later; its flags are i, m or s. Internal topics are only read by name.
   */
  readonly topics?: readonly (string | RegExp)[];
  /** Partitions to read of each topic (all, also those that are added later). */
  readonly partitions?: readonly number[];
  /**
   * Where to start: one offset for all partitions, or a map by partition ("earliest"; also for partitions not in the map). In
   * partitions that are added later, "latest" and numbers are "earliest": no record of them is left out.
   */
  readonly offset?: OffsetSpecs;
  /** Where to stop: the first offset that is not read. */
  readonly end?: OffsetSpecs;
  /** Whether to wait for new records (true) or to end at the high watermarks of the start. */
  readonly follow?: boolean;
  /** Time between two look-ups for added topics and partitions, in milliseconds (300,000). */
  readonly metadataMaxAgeMs?: number;
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
export function checkConsumerOptions(options: ConsumerOptions<unknown, unknown>): void {
  checkObject("INVALID_CONFIG", "the options of a consumer", options);
  if (options.topics === undefined) {
    checkString("INVALID_TOPIC", "topic of a consumer", options.topic);
  } else if (options.topic === undefined) {
    checkTopics(options.topics);
  } else {
    throw new RustLogError("INVALID_CONFIG", "topic and topics of a consumer can't be combined", {
      help: "Use one of the two.",
    });
  }
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
  inRange("metadataMaxAgeMs", options.metadataMaxAgeMs ?? 1, 1, CLIENT_WAIT_MS_MAX);
  checkFetchOptions(options);
}

/** The topics of a consumer. */
export function topicsOf({
  topic,
  topics,
}: Pick<ConsumerOptions, "topic" | "topics">): readonly (string | RegExp)[] {
  return topics ?? (topic === undefined ? [] : [topic]);
}

/** Throws INVALID_TOPIC unless there are names or regular expressions, INVALID_CONFIG for the flags of one. */
export function checkTopics(topics: readonly (string | RegExp)[]): void {
  checkArray("INVALID_TOPIC", "topics of a consumer", topics);
  if (topics.length === 0) {
    throw new RustLogError("INVALID_TOPIC", "topics of a consumer must not be empty");
  }
  for (const topic of topics) {
    if (typeof topic === "string") continue;
    if (!(topic instanceof RegExp)) {
      throw wrongType("INVALID_TOPIC", "an item of topics", "a name or a RegExp", topic);
    }
    if (/^[ims]*$/.test(topic.flags)) continue;
    throw new RustLogError(
      "INVALID_CONFIG",
      `${String(topic)} in topics has the flags '${topic.flags}'; only i, m and s are allowed`,
      { help: "The flags g and y keep a position between calls; u, v and d change the syntax." },
    );
  }
}

/** Throws INVALID_CONFIG, naming the option. */
export function checkFetchOptions(options: FetchOptions<unknown, unknown>): void {
  checkSerialization("deserializers", options.deserializers);
  checkSignal(options.signal);
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
