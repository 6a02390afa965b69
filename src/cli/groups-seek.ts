// `rustlog groups seek`: which partitions move, where to, and what that would change.
// Leaves to others: parsing the place (offset-range.ts), and finding its offset (client/admin.ts).
import { Option } from "@commander-js/extra-typings";
import type { Admin } from "../client/admin.js";
import type { PartitionOffset } from "../client/admin-types.js";
import type { OffsetSpec } from "../client/offset-spec.js";
import { RustLogError } from "../errors.js";
import { OFFSET_ENTRIES_MAX } from "../limits.js";
import { NOT_COMMITTED } from "../services/group-lag.js";
import { usageError } from "./command.js";
import { newClientCommand, withClient } from "./connection.js";
import { parseDuration } from "./duration.js";
import { offsetCell } from "./groups-describe.js";
import { refuseMembers } from "./live-members.js";
import { partitionList } from "./numbers.js";
import { parseOffset } from "./offset-range.js";
import { jsonOption } from "./options.js";
import { writeJson, writeText } from "./output.js";
import { formatTable } from "./table.js";
import { type TopicPartitions, topicPartitionsList } from "./topic-partitions.js";

const EXAMPLES = `
  rustlog groups seek billing orders --to earliest
  rustlog groups seek billing orders:0,2 invoices --to latest
  rustlog groups seek billing --all-topics --by-duration 1h30m --dry-run`;

/** The topics as the command line names them. */
interface Named {
  readonly topics: readonly TopicPartitions[];
  readonly allTopics: boolean;
  /** Of `--partition`, for a single topic. */
  readonly partitions: readonly number[] | undefined;
}

interface Move extends PartitionOffset {
  /** -1 if nothing was committed. */
  readonly previousOffset: number;
}

export function seek() {
  const description = "Move a group to other offsets of its topics";
  const command = newClientCommand("seek", description, EXAMPLES)
    .argument("<group>", "name of the group")
    .argument("[topic[:p,...]...]", "topics, or some of their partitions", topicPartitionsList)
    .addOption(jsonOption())
    .option("--all-topics", "all topics in which the group has committed an offset")
    .addOption(
      new Option(
        "--to <offset>",
        "earliest (beginning), latest (end), N, -N (from the end) or @TIME",
      ).argParser((text) => parseOffset(text)),
    )
    .addOption(
      new Option(
        "--by-duration <duration>",
        "to what was written so long ago, such as 1h30m",
      ).argParser((text): OffsetSpec => {
        return { timestamp: Math.max(0, Date.now() - parseDuration(text)) };
      }),
    )
    .addOption(
      new Option("-p, --partition <n[,n...]>", "partitions of a single topic (default: all)") //
        .argParser(partitionList),
    )
    .option("--dry-run", "show what would change, and commit nothing");
  return command.action((group, topics, options) => {
    const { to, byDuration } = options;
    if (to !== undefined && byDuration !== undefined) {
      usageError(command, "--to and --by-duration can't be combined");
    }
    const place = to ?? byDuration ?? usageError(command, "--to or --by-duration is missing");
    const { allTopics = false, partition: partitions } = options;
    const named = checked({ topics: topics ?? [], allTopics, partitions }, (message) =>
      usageError(command, message),
    );
    return withClient(options, async (client) => {
      const admin = client.admin();
      // A member keeps its own position, and its next commit would undo the move.
      await refuseMembers(admin, group);
      const moves = await movesOf(admin, group, named, place);
      const isDryRun = options.dryRun === true;
      // All or nothing: never leave a group half moved.
      if (!isDryRun) await admin.commitOffsets(group, moves);
      if (options.json === true) await writeJson(jsonOf(group, moves, isDryRun));
      else await writeText(textOf(moves, isDryRun));
    });
  });
}

/** Rejects what is missing or contradictory. */
function checked(named: Named, refuse: (message: string) => never): Named {
  const { topics, allTopics, partitions } = named;
  if (allTopics && topics.length > 0) refuse("name topics or use --all-topics, not both");
  if (!allTopics && topics.length === 0) refuse("name the topics to move in, or use --all-topics");
  if (partitions === undefined) return named;
  const [topic, ...others] = topics;
  if (topic === undefined || others.length > 0 || topic.partitions !== undefined) {
    refuse("--partition requires a single topic; otherwise write TOPIC:P[,P...]");
  }
  return { ...named, topics: [{ topic: topic.topic, partitions }] };
}

async function movesOf(admin: Admin, group: string, named: Named, to: OffsetSpec): Promise<Move[]> {
  const topics = named.allTopics ? await topicsOf(admin, group) : named.topics;
  const moves: PartitionOffset[] = [];
  for (const { topic, partitions } of topics) {
    moves.push(...(await checkedOffsets(admin, topic, partitions, to)));
  }
  const previous: number[] = [];
  for (let from = 0; from < moves.length; from += OFFSET_ENTRIES_MAX) {
    const some = moves.slice(from, from + OFFSET_ENTRIES_MAX);
    for (const { offset } of await admin.fetchOffsets(group, some)) {
      previous.push(offset ?? NOT_COMMITTED);
    }
  }
  return moves.map((move, i) => ({ ...move, previousOffset: previous[i]! }));
}

/** The topics in which a group has committed an offset. */
async function topicsOf(admin: Admin, group: string): Promise<TopicPartitions[]> {
  const names = new Set((await admin.describeGroup(group)).map(({ topic }) => topic));
  return [...names].map((topic) => ({ topic, partitions: undefined }));
}

/**
 * The new offsets in a topic. They have its id: if it is recreated in the meantime, the commit fails instead of moving
 * the group in the new topic.
 */
async function checkedOffsets(
  admin: Admin,
  topic: string,
  only: readonly number[] | undefined,
  to: OffsetSpec,
): Promise<PartitionOffset[]> {
  const ranges = (await admin.describeTopic(topic)).partitions;
  const offsets = await admin.offsetsFor(topic, to, only);
  for (const { partition, offset } of offsets) {
    const range = ranges[partition];
    if (range === undefined) continue;
    const { logStartOffset, highWatermark } = range;
    // A number means a place in the partition, which may not be there. The others are found in it.
    if (typeof to !== "number" || (offset >= logStartOffset && offset <= highWatermark)) continue;
    throw new RustLogError(
      "OFFSET_OUT_OF_RANGE",
      `offset ${offset} is outside partition ${partition} of '${topic}', which has offsets ` +
        `${logStartOffset} to ${highWatermark}; nothing was moved`,
    );
  }
  return offsets;
}

function jsonOf(group: string, moves: readonly Move[], dryRun: boolean): object {
  const partitions = moves.map(({ topicId: _, ...move }) => move);
  return { group, dryRun, partitions };
}

function textOf(moves: readonly Move[], isDryRun: boolean): string {
  const header = ["TOPIC", "PARTITION", "OLD-OFFSET", "NEW-OFFSET"];
  const rows = moves.map(({ topic, partition, previousOffset, offset }) => [
    topic,
    partition,
    offsetCell(previousOffset),
    offset,
  ]);
  const note = isDryRun ? "\nDry run: nothing was committed.\n" : "";
  return `${formatTable(header, rows)}${note}`;
}
