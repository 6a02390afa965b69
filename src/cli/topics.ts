// `rustlog topics`: list, create, describe and delete.
// Leaves to others: what a topic is (topics/), and requests to the broker (client/admin.ts).
import type { PartitionDescription } from "../client/admin-types.js";
import { PARTITIONS_MAX } from "../limits.js";
import { newCommand } from "./command.js";
import { wholeNumber } from "./numbers.js";
import { brokerOption, jsonOption, withClient } from "./options.js";
import { writeJson, writeLines, writeText } from "./output.js";
import { settingList } from "./setting-list.js";
import { formatTable } from "./table.js";

const EXAMPLES = `
  rustlog topics list
  rustlog topics create events --partitions 3
  rustlog topics describe events --json
  rustlog topics delete events`;

export function topicsCommand() {
  const command = newCommand("topics", "List, create, describe and delete topics", EXAMPLES);
  for (const subcommand of [list(), create(), describe(), remove()]) command.addCommand(subcommand);
  return command;
}

function list() {
  return newCommand("list", "List the topics of a broker", "rustlog topics list")
    .addOption(brokerOption())
    .addOption(jsonOption())
    .option("--internal", "include internal topics")
    .action((options) =>
      withClient(options.broker, async (client) => {
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

function create() {
  const example = `
    rustlog topics create events --partitions 3
    rustlog topics create events --config retention.ms=7d --config segment.bytes=1GiB`;
  return newCommand("create", "Create a topic", example)
    .argument("<topic>", "name of the topic")
    .addOption(brokerOption())
    .addOption(jsonOption())
    .option("--partitions <n>", "number of partitions", wholeNumber(1, PARTITIONS_MAX))
    .option(
      "--config <name=value>",
      "topic setting, such as retention.ms=7d or retention.bytes=1GiB; may be repeated",
      settingList,
    )
    .action((topic, options) =>
      withClient(options.broker, async (client) => {
        const { partitions, topicId } = await client.admin().createTopic(topic, {
          settings: Object.fromEntries(options.config ?? []),
          ...(options.partitions === undefined ? {} : { partitions: options.partitions }),
        });
        if (options.json) return await writeJson({ name: topic, partitions, topicId });
        const count = `${partitions} ${partitions === 1 ? "partition" : "partitions"}`;
        await writeLines(`Created topic '${topic}' with ${count}`);
      }),
    );
}

function describe() {
  const example = "rustlog topics describe events";
  return newCommand(
    "describe",
    "Show a topic's settings, and offsets and sizes by partition",
    example,
  )
    .argument("<topic>", "name of the topic")
    .addOption(brokerOption())
    .addOption(jsonOption())
    .action((name, options) =>
      withClient(options.broker, async (client) => {
        const topic = await client.admin().describeTopic(name);
        if (options.json) return await writeJson(topic);
        const settings = Object.entries(topic.settings).map(([key, value]) => `${key}=${value}`);
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
          `Settings: ${settings.length === 0 ? "broker defaults" : settings.join(", ")}`,
          ...offlineLines(topic.partitions),
          "",
        );
        await writeText(formatTable(header, rows));
      }),
    );
}

function offlineLines(partitions: readonly PartitionDescription[]): string[] {
  return partitions.flatMap(({ partition, offline }) =>
    offline === undefined ? [] : [`Partition ${partition} is offline: ${offline}`],
  );
}

function remove() {
  const example = "rustlog topics delete events";
  return newCommand("delete", "Delete a topic and all its records", example)
    .argument("<topic>", "name of the topic")
    .addOption(brokerOption())
    .addOption(jsonOption())
    .action((topic, options) =>
      withClient(options.broker, async (client) => {
        await client.admin().deleteTopic(topic);
        if (options.json) return await writeJson({ name: topic, deleted: true });
        await writeLines(`Deleted topic '${topic}'`);
      }),
    );
}
