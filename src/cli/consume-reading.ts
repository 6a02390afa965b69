// What `rustlog consume` reads from: topics, or with --balance the partitions that its group gives it; and the commits of
// what was printed.
// Leaves to others: options and printing (consume.ts), when to commit (group-commits.ts).
import type { Client } from "../client/client.js";
import type { OutOfRangePolicy } from "../client/consumer-plan.js";
import type { DamagedRecordsError } from "../client/damage.js";
import type { FetchedRecords } from "../client/fetched-records.js";
import { RustLogError } from "../errors.js";
import { CliError, oneLine, printError } from "./exit.js";
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
  readonly topics: readonly (string | RegExp)[];
  readonly isSkipping: boolean;
  readonly onOutOfRange: OutOfRangePolicy;
  readonly isCommitting: boolean;
}

export interface TopicReadingOptions extends ReadingOptions {
  readonly range: OffsetRangeSpec;
  readonly partitions: readonly number[] | undefined;
  readonly isFollowing: boolean;
  readonly group: string | undefined;
}

export interface BalancedReadingOptions extends ReadingOptions {
  readonly offset: "earliest" | "latest" | { readonly timestamp: number };
  readonly group: string;
  readonly sessionTimeoutMs: number;
  readonly instanceId: string | undefined;
}

/** Reads topics, or some of their partitions. */
export function readTopics(client: Client, options: TopicReadingOptions): Reading {
  const { topics, range, partitions, group, isFollowing, onOutOfRange } = options;
  const consumer = client.consumer({
    topics,
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
          onShared: () => printError(`rustlog: ${sharedWarning(group, consumer.assignment)}`),
        });
  let starting: Promise<void> | undefined;
  return {
    nextBatch: async () => {
      starting ??= consumer.start().then(() => {
        checkMatches(consumer.assignment, options);
        consumer.on("assigned", (added) => printNote(`rustlog: reads also: ${placesText(added)}`));
        consumer.on("revoked", (gone) => printNote(`rustlog: deleted: ${placesText(gone)}`));
      });
      await starting;
      return await consumer.nextBatch();
    },
    position: (of) => consumer.position(of),
    // Each batch is flushed before the next one starts, so the consumer's topic id still matches the marks.
    printed: ({ topic, partition }, offset) => {
      const topicId = consumer.topicId({ topic, partition });
      commits?.request({ topic, partition, offset, topicId });
    },
    isCommitting: commits !== undefined,
    committed: async () => await commits?.settled(),
    close: () => consumer.close(),
  };
}

/** Says that no topic matches: a typing error would otherwise print nothing, or wait, without a word. */
function checkMatches(
  assignment: readonly MarkedPartition[],
  { topics, isFollowing }: TopicReadingOptions,
): void {
  if (assignment.length > 0) return;
  const text = `no topic matches ${topics.map(String).join(", ")}`;
  if (!isFollowing) throw new CliError(text, { help: "`rustlog topics list` lists the topics." });
  printNote(`rustlog: ${text} yet; waiting for one`);
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
  const { topics, group, offset, sessionTimeoutMs, instanceId, isCommitting } = options;
  let isClosing = false;
  const consumer = client.consumer({
    ...{ balance: true, topics, group, offset, sessionTimeoutMs },
    ...handling(options),
    ...(instanceId === undefined ? {} : { instanceId }),
    // What was read is not always printed.
    commitOnHandover: false,
    onAssigned: (partitions) => printNote(`rustlog: assigned: ${placesText(partitions)}`),
    onRevoked: async (partitions, reason) => {
      if (reason === "handover") {
        await settled();
        await commits.settled();
      }
      const isKept = isClosing && instanceId !== undefined;
      const handedOver = isKept ? `kept for a while for instance '${instanceId}'` : "handed over";
      const what = reason === "handover" ? handedOver : "lost to others of the group";
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
    isCommitting,
    committed: () => commits.settled(),
    close: () => {
      isClosing = true;
      return consumer.close();
    },
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
function sharedWarning(group: string, partitions: readonly MarkedPartition[]): string {
  const topics = [...new Set(partitions.map(({ topic }) => topic))].join("', '");
  return (
    `another client reads the same partitions of '${topics}' with group '${group}': both get every record, and each ` +
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
