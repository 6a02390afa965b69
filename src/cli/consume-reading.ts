// What `rustlog consume` reads from: one topic, or with --balance the partitions that its group gives it; and the commits
// of what was printed.
// Leaves to others: options and printing (consume.ts), when to commit (group-commits.ts).
import type { Client } from "../client/client.js";
import type { OutOfRangePolicy } from "../client/consumer-plan.js";
import type { DamagedRecordsError } from "../client/damage.js";
import type { FetchedRecords } from "../client/fetched-records.js";
import { RustLogError } from "../errors.js";
import { oneLine, printError } from "./exit.js";
import { GroupCommits } from "./group-commits.js";
import type { OffsetRangeSpec } from "./offset-range.js";
import type { MarkedPartition } from "./output.js";
import { printNote } from "./quiet.js";

/** Time between two look-ups for added topics and partitions: somebody may be watching. */
const METADATA_MAX_AGE_MS = 1_000;

/** A consumer, as the command needs it. */
export interface Reading {
  nextBatch(): Promise<FetchedRecords | null>;
  /** Offset after the last returned record. */
  position(of: MarkedPartition): number | undefined;
  /** Requests a commit of printed records. */
  printed(from: MarkedPartition, nextOffset: number): void;
  /** Whether anything is committed. */
  readonly isCommitting: boolean;
  /** Waits for the requested commits. Throws the error of the broker. */
  committed(): Promise<void>;
  close(): Promise<void>;
}

interface ReadingOptions {
  readonly isSkipping: boolean;
  readonly onOutOfRange: OutOfRangePolicy;
}

export interface TopicReadingOptions extends ReadingOptions {
  readonly topic: string;
  readonly range: OffsetRangeSpec;
  readonly partitions: readonly number[] | undefined;
  readonly isFollowing: boolean;
  readonly group: string | undefined;
  readonly isCommitting: boolean;
}

export interface BalancedReadingOptions extends ReadingOptions {
  readonly topics: readonly (string | RegExp)[];
  readonly offset: "earliest" | "latest" | { readonly timestamp: number };
  readonly group: string;
  readonly sessionTimeoutMs: number;
}

/** Reads one topic, or some of its partitions. */
export function readTopic(client: Client, options: TopicReadingOptions): Reading {
  const { topic, range, partitions, group, isFollowing, onOutOfRange } = options;
  const consumer = client.consumer({
    topic,
    offset: range.start,
    follow: isFollowing,
    metadataMaxAgeMs: METADATA_MAX_AGE_MS,
    onTopicChanged: ({ message }) => printError(`rustlog: ${oneLine(message)}`),
    ...handling(options),
    ...(range.end === undefined ? {} : { end: range.end }),
    ...(partitions === undefined ? {} : { partitions }),
    ...(group === undefined ? {} : { group }),
  });
  const commits =
    group === undefined || !options.isCommitting
      ? undefined
      : new GroupCommits(client.admin(), group, {
          goesOn: onOutOfRange !== "error",
          onShared: () => printError(`rustlog: ${sharedWarning(group, topic)}`),
        });
  return {
    nextBatch: () => consumer.nextBatch(),
    position: ({ partition }) => consumer.position(partition),
    // Each batch is flushed before the next one starts, so the consumer's topic id still matches the marks.
    printed: ({ partition }, offset) =>
      commits?.request({ topic, partition, offset, topicId: consumer.topicId(partition) }),
    isCommitting: commits !== undefined,
    committed: async () => await commits?.settled(),
    close: () => consumer.close(),
  };
}

/**
 * Reads the partitions that the group gives this process, and says on stderr which. Before a partition is handed over,
 * `settled` waits until its records are printed, and they are committed.
 */
export function readBalanced(
  client: Client,
  options: BalancedReadingOptions,
  settled: () => Promise<void>,
): Reading {
  const { topics, group, offset, sessionTimeoutMs } = options;
  const consumer = client.consumer({
    ...{ balance: true, topics, group, offset, sessionTimeoutMs },
    ...handling(options),
    // What was read is not always printed.
    commitOnHandover: false,
    onAssigned: (partitions) => printNote(`rustlog: assigned: ${placesText(partitions)}`),
    onRevoked: async (partitions, reason) => {
      if (reason === "handover") {
        await settled();
        await commits.settled();
      }
      const what = reason === "handover" ? "handed over" : "lost to others of the group";
      printNote(`rustlog: ${what}: ${placesText(partitions)}`);
    },
  });
  const commits = new GroupCommits(
    {
      commitOffsets: async (_, offsets) => {
        await consumer.commit(offsets);
        return { isShared: false };
      },
    },
    group,
  );
  let starting: Promise<void> | undefined;
  return {
    nextBatch: async () => {
      starting ??= reportMissing(client, topics).then(() => consumer.start());
      await starting;
      return await consumer.nextBatch();
    },
    position: (of) => consumer.position(of),
    printed: ({ topic, partition }, next) => commits.request({ topic, partition, offset: next }),
    isCommitting: true,
    committed: () => commits.settled(),
    close: () => consumer.close(),
  };
}

function handling({ isSkipping, onOutOfRange }: ReadingOptions) {
  return {
    onOutOfRange,
    onDamaged: isSkipping ? "skip" : "throw",
    onSkip: ({ message }: DamagedRecordsError) =>
      printError(`rustlog: skipped: ${oneLine(message)}`),
  } as const;
}

/** For two readers that know nothing of each other. */
function sharedWarning(group: string, topic: string): string {
  return (
    `another client reads the same partitions of '${topic}' with group '${group}': both get every record, and each ` +
    "overwrites the other's commits. Share the partitions with --balance, or give each its own --partition or --group"
  );
}

/** Says which topics do not exist: a typing error would otherwise wait without a word. */
async function reportMissing(
  client: Client,
  topics: BalancedReadingOptions["topics"],
): Promise<void> {
  const admin = client.admin();
  const names = topics.filter((topic) => typeof topic === "string");
  for (const name of names) {
    try {
      await admin.describeTopic(name);
    } catch (error) {
      const isMissing =
        error instanceof RustLogError && error.code === "UNKNOWN_TOPIC_OR_PARTITION";
      if (!isMissing) throw error;
      printNote(`rustlog: topic '${name}' does not exist yet; waiting for it`);
    }
  }
}

/** Partitions as the options of other commands have them: `orders:0,2 returns:1`. */
function placesText(partitions: readonly MarkedPartition[]): string {
  const byTopic = Map.groupBy(partitions, ({ topic }) => topic);
  return [...byTopic]
    .map(([topic, rows]) => {
      const numbers = rows.map(({ partition }) => partition).sort((a, b) => a - b);
      return `${topic}:${numbers.join()}`;
    })
    .sort()
    .join(" ");
}
