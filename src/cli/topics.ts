// `rustlog topics`: list, describe and alter.
// Leaves to others: create, trim and delete (topics-create.ts, topics-trim.ts, topics-delete.ts), what a topic is (topics/), and requests to the broker (client/admin.ts).
import type {
  AlteredTopic,
  EffectiveSetting,
  PartitionDescription,
} from "../client/admin-types.js";
import { PARTITIONS_MAX } from "../limits.js";
import { newCommand, usageError } from "./command.js";
import { newClientCommand, withClient } from "./connection.js";
import { wholeNumber } from "./numbers.js";
import { jsonOption } from "./options.js";
import { writeJson, writeLines, writeText } from "./output.js";
import { settingList } from "./setting-list.js";
import { formatTable } from "./table.js";
import { create } from "./topics-create.js";
import { remove } from "./topics-delete.js";
import { trim } from "./topics-trim.js";

const EXAMPLES = `
  rustlog topics list
  rustlog topics create events --partitions 3
  rustlog topics describe events --json
  rustlog topics alter events --config retention.ms=7d --partitions 6
  rustlog topics trim events --before @-7d
  rustlog topics delete events orders`;

export function topicsCommand() {
  const command = newCommand(
    "topics",
    "List, create, describe, change and delete topics",
    EXAMPLES,
  );
  for (const subcommand of [list(), create(), describe(), alter(), trim(), remove()]) {
    command.addCommand(subcommand);
  }
  return command;
}

function list() {
  return newClientCommand("list", "List the topics of a broker", "rustlog topics list")
    .addOption(jsonOption())
    .option("--internal", "include internal topics")
    .action((options) =>
      withClient(options, async (client) => {
        const topics = await client.admin().listTopics({ internal: options.internal === true });
        if (options.json) return await writeJson(topics);
        const hasOffline = topics.some(({ offlinePartitions = 0 }) => offlinePartitions > 0);
        const header = ["TOPIC", "PARTITIONS", ...(hasOffline ? ["OFFLINE"] : [])];
        const rows = topics.map(({ name, partitions, offlinePartitions = 0 }) =>
          hasOffline ? [name, partitions, offlinePartitions] : [name, partitions],
        );
        await writeText(formatTable(header, rows));
      }),
    );
}

function describe() {
  const example = "rustlog topics describe events";
  return newClientCommand(
    "describe",
    "Show a topic's settings and who set them, and offsets and sizes by partition",
    example,
  )
    .argument("<topic>", "name of the topic")
    .addOption(jsonOption())
    .action((name, options) =>
      withClient(options, async (client) => {
        const topic = await client.admin().describeTopic(name);
        if (options.json) return await writeJson(topic);
        const header = ["PARTITION", "LOG-START", "HIGH-WATERMARK", "LOG-END", "SEGMENTS", "BYTES"];
        const rows = topic.partitions.map((partition) => {
          if (partition.offline !== undefined) return [partition.partition, "offline"];
          const { logStartOffset, highWatermark, logEndOffset, segments, bytes } = partition;
          return [
            partition.partition,
            logStartOffset,
            highWatermark,
            logEndOffset,
            segments,
            bytes,
          ];
        });
        await writeLines(
          `Topic: ${topic.name}${topic.internal ? " (internal)" : ""}`,
          `Id: ${topic.topicId ?? "unknown: the broker is older than topic ids"}`,
          `Settings: ${settingsText(topic.settings)}`,
          ...offlineLines(topic.partitions),
          "",
        );
        await writeText(allSettings(topic.effectiveSettings) + formatTable(header, rows));
      }),
    );
}

/** A topic's own settings in one line. */
function settingsText(own: Readonly<Record<string, string>>): string {
  const settings = Object.entries(own).map(([name, value]) => `${name}=${value}`);
  return settings.length === 0 ? "broker defaults" : settings.join(", ");
}

/** The table of all settings; nothing if the broker reports only the topic's own. */
function allSettings(settings: readonly EffectiveSetting[]): string {
  if (settings.every(({ source }) => source === "topic")) return "";
  const rows = settings.map(({ name, value, source }) => [name, value, source]);
  return `${formatTable(["SETTING", "VALUE", "SOURCE"], rows)}
`;
}

function alter() {
  const example = `
    rustlog topics alter events --config retention.ms=7d --config retention.bytes=1GiB
    rustlog topics alter events --delete-config retention.ms
    rustlog topics alter events --partitions 6 --dry-run`;
  const description = "Change a topic's settings, or give it more partitions, while it is in use";
  const command = newClientCommand("alter", description, example)
    .argument("<topic>", "name of the topic")
    .addOption(jsonOption())
    .option(
      "--config <name=value>",
      "set a setting, such as retention.ms=7d or retention.bytes=1GiB; may be repeated",
      settingList,
    )
    .option(
      "--delete-config <name>",
      "leave a setting to the broker again; may be repeated",
      (name: string, previous: readonly string[] = []): readonly string[] => [...previous, name],
    )
    .option(
      "--partitions <n>",
      "number of partitions, more than now; keys map to other partitions afterwards",
      wholeNumber(1, PARTITIONS_MAX),
    )
    .option("--dry-run", "check the change and show the result, and change nothing");
  return command.action((name, options) => {
    const { config = [], deleteConfig = [], partitions, dryRun = false } = options;
    if (config.length === 0 && deleteConfig.length === 0 && partitions === undefined) {
      usageError(command, "--config, --delete-config or --partitions is missing");
    }
    return withClient(options, async (client) => {
      const altered = await client.admin().alterTopic(name, {
        ...{ settings: Object.fromEntries(config), deleteSettings: deleteConfig },
        validateOnly: dryRun,
        ...(partitions === undefined ? {} : { partitions }),
      });
      if (options.json === true) return await writeJson({ name, dryRun, ...altered });
      await writeLines(...alterationLines(name, altered, dryRun));
    });
  });
}

function alterationLines(
  name: string,
  { previousPartitions, partitions, settings }: AlteredTopic,
  isDryRun: boolean,
): string[] {
  const hasMore = partitions > previousPartitions;
  return [
    isDryRun ? `Would alter topic '${name}'` : `Altered topic '${name}'`,
    `Partitions: ${partitions}${hasMore ? `, before ${previousPartitions}` : ""}`,
    `Settings: ${settingsText(settings)}`,
    ...(hasMore ? moreLines(isDryRun) : []),
    ...(isDryRun ? ["Dry run: nothing was changed."] : []),
  ];
}

/** What more partitions mean for clients. */
function moreLines(isDryRun: boolean): string[] {
  const [map, notice] = isDryRun ? ["would map", "would notice"] : ["map", "notice"];
  return [
    `Warning: keys ${map} to other partitions; earlier records stay where they are`,
    `Clients ${notice} the new partitions when they refresh their metadata, within 5 minutes by default`,
  ];
}

function offlineLines(partitions: readonly PartitionDescription[]): string[] {
  return partitions.flatMap(({ partition, offline }) =>
    offline === undefined ? [] : [`Partition ${partition} is offline: ${offline}`],
  );
}
