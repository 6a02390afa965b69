// `rustlog groups`: list, describe, seek and delete.
// Leaves to others: what a commit is (groups/), and requests to the broker (client/admin.ts).
import { Option } from "@commander-js/extra-typings";
import type { Admin } from "../client/admin.js";
import type { PartitionOffset } from "../client/admin-types.js";
import type { OffsetSpec } from "../client/offset-spec.js";
import { RustLogError } from "../errors.js";
import { lagOf, NOT_COMMITTED } from "../services/group-lag.js";
import { newCommand } from "./command.js";
import { partitionList } from "./numbers.js";
import { parseOffset } from "./offset-range.js";
import { brokerOption, jsonOption, withClient } from "./options.js";
import { writeJson, writeLines, writeText } from "./output.js";
import { writePages } from "./paged-output.js";
import { formatTable } from "./table.js";

const EXAMPLES = `
  rustlog groups list
  rustlog groups describe billing
  rustlog groups seek billing events --to earliest
  rustlog groups delete billing`;

export function groupsCommand() {
  const description = "List, describe, move and delete consumer groups";
  const command = newCommand("groups", description, EXAMPLES);
  for (const subcommand of [list(), describe(), seek(), remove()]) command.addCommand(subcommand);
  return command;
}

function list() {
  return newCommand("list", "List the groups that have committed offsets", "rustlog groups list")
    .addOption(brokerOption())
    .addOption(jsonOption())
    .action((options) =>
      withClient(options.broker, async (client) => {
        await writePages(client.admin().groupPages(), {
          json: options.json === true,
          header: ["GROUP", "PARTITIONS"],
          row: ({ group, partitions }) => [group, partitions],
        });
      }),
    );
}

function describe() {
  const example = "rustlog groups describe billing";
  return newCommand("describe", "Show a group's position and lag by partition", example)
    .argument("<group>", "name of the group")
    .addOption(brokerOption())
    .addOption(jsonOption())
    .action((group, options) =>
      withClient(options.broker, async (client) => {
        const offsets = await client.admin().describeGroup(group);
        const partitions = offsets.map((offset) => ({ ...offset, lag: lagOf(offset) }));
        const lag = partitions.reduce((sum, partition) => sum + partition.lag, 0);
        if (options.json) return await writeJson({ group, lag, partitions });
        const header = ["TOPIC", "PARTITION", "COMMITTED", "LOG-END", "LAG", "COMMITTED-AT"];
        const rows = partitions.map((row) => [
          row.topic,
          row.partition,
          row.committedOffset === NOT_COMMITTED ? "-" : row.committedOffset,
          row.highWatermark,
          row.lag,
          row.committedOffset === NOT_COMMITTED ? "-" : new Date(row.commitTimestamp).toISOString(),
        ]);
        await writeText(`${formatTable(header, rows)}\nTotal lag: ${lag}\n`);
      }),
    );
}

function seek() {
  const example = `
    rustlog groups seek billing events --to earliest
    rustlog groups seek billing events --to @-1h
    rustlog groups seek billing events --to 4200 --partition 0`;
  return newCommand("seek", "Move a group to other offsets of a topic", example)
    .argument("<group>", "name of the group")
    .argument("<topic>", "topic to move it in")
    .addOption(brokerOption())
    .addOption(jsonOption())
    .addOption(
      new Option(
        "--to <offset>",
        "earliest (beginning), latest (end), N, -N (from the end) or @TIME",
      )
        .argParser((text) => parseOffset(text))
        .makeOptionMandatory(),
    )
    .addOption(
      new Option("-p, --partition <n[,n...]>", "partitions to move in (default: all)") //
        .argParser(partitionList),
    )
    .action((group, topic, options) =>
      withClient(options.broker, async (client) => {
        const admin = client.admin();
        const entries = await seekTargets(admin, topic, options.to, options.partition);
        // All or nothing: never leave a group half moved.
        await admin.commitOffsets(group, entries);
        const moved = entries.map(({ topicId: _, ...entry }) => entry);
        if (options.json) return await writeJson({ group, partitions: moved });
        const rows = entries.map((entry) => [entry.topic, entry.partition, entry.offset]);
        await writeText(formatTable(["TOPIC", "PARTITION", "COMMITTED"], rows));
      }),
    );
}

async function seekTargets(
  admin: Admin,
  topic: string,
  to: OffsetSpec,
  only: readonly number[] | undefined,
): Promise<PartitionOffset[]> {
  const { partitions, topicId } = await admin.describeTopic(topic);
  const chosen = only ?? partitions.map(({ partition }) => partition);
  return await Promise.all(
    chosen.map(async (partition) => {
      const offset = await admin.offsetFor(topic, partition, to);
      const range = partitions.find((row) => row.partition === partition);
      if (range !== undefined && (offset < range.logStartOffset || offset > range.highWatermark)) {
        throw new RustLogError(
          "OFFSET_OUT_OF_RANGE",
          `offset ${offset} is outside partition ${partition} of '${topic}', which has offsets ` +
            `${range.logStartOffset} to ${range.highWatermark}; nothing was moved`,
        );
      }
      // If the topic is recreated in the meantime, the commit fails instead of moving the group in the new topic.
      return { topic, topicId, partition, offset };
    }),
  );
}

function remove() {
  const example = "rustlog groups delete billing";
  return newCommand("delete", "Delete a group and its committed offsets", example)
    .argument("<group>", "name of the group")
    .addOption(brokerOption())
    .addOption(jsonOption())
    .action((group, options) =>
      withClient(options.broker, async (client) => {
        await client.admin().deleteGroup(group);
        if (options.json) return await writeJson({ group, deleted: true });
        await writeLines(`Deleted group '${group}'`);
      }),
    );
}
