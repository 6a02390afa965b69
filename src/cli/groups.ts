// `rustlog groups`: list, delete and delete-offsets.
// Leaves to others: what a commit is (groups/), requests to the broker (client/admin.ts), describe (groups-describe.ts) and seek (groups-seek.ts).
import type { GroupOffset, TopicPartition } from "../client/admin-types.js";
import { NOT_COMMITTED } from "../services/group-lag.js";
import { newCommand } from "./command.js";
import { newClientCommand, withClient } from "./connection.js";
import { CliError } from "./exit.js";
import { describe, offsetCell } from "./groups-describe.js";
import { seek } from "./groups-seek.js";
import { namingMembers } from "./live-members.js";
import { jsonOption } from "./options.js";
import { writeJson, writeText } from "./output.js";
import { writePages } from "./paged-output.js";
import { writeNotes } from "./quiet.js";
import { formatTable } from "./table.js";
import { type TopicPartitions, topicPartitionsList } from "./topic-partitions.js";

const EXAMPLES = `
  rustlog groups list
  rustlog groups describe billing
  rustlog groups seek billing events --to earliest
  rustlog groups delete-offsets billing events
  rustlog groups delete billing`;

export function groupsCommand() {
  const description = "List, describe, move and delete consumer groups and their offsets";
  const command = newCommand("groups", description, EXAMPLES);
  const subcommands = [list(), describe(), seek(), deleteOffsets(), remove()];
  for (const subcommand of subcommands) command.addCommand(subcommand);
  return command;
}

function list() {
  return newClientCommand(
    "list",
    "List the groups that have members or committed offsets",
    "rustlog groups list",
  )
    .addOption(jsonOption())
    .action((options) =>
      withClient(options, async (client) => {
        await writePages(client.admin().groupPages(), {
          json: options.json === true,
          header: ["GROUP", "STATE", "TYPE", "MEMBERS", "PARTITIONS"],
          row: ({ group, state = "-", type = "-", members, partitions }) => [
            ...[group, state, type, members, partitions],
          ],
          field: ({ type = null, state = null, ...group }) => ({ ...group, state, type }),
        });
      }),
    );
}

function deleteOffsets() {
  const example = `
    rustlog groups delete-offsets billing orders
    rustlog groups delete-offsets billing orders:0,2 invoices`;
  const description = "Delete a group's committed offsets of topics or partitions";
  return newClientCommand("delete-offsets", description, example)
    .argument("<group>", "name of the group")
    .argument("<topic[:p,...]...>", "topics, or some of their partitions", topicPartitionsList)
    .addOption(jsonOption())
    .action((group, topics, options) =>
      withClient(options, async (client) => {
        const admin = client.admin();
        const offsets = await admin.describeGroup(group);
        const chosen = topics.flatMap((topic) => committedPartitions(group, topic, offsets));
        // All or nothing, as for a commit.
        const deleted = await namingMembers(admin, group, () => admin.deleteOffsets(group, chosen));
        const partitions = deleted.map(({ offset = NOT_COMMITTED, ...where }) => ({
          ...where,
          offset,
        }));
        if (options.json) return await writeJson({ group, partitions });
        const rows = partitions.map((row) => [row.topic, row.partition, offsetCell(row.offset)]);
        await writeText(formatTable(["TOPIC", "PARTITION", "DELETED-OFFSET"], rows));
      }),
    );
}

/** The partitions as they are named; of a whole topic, those with a committed offset. */
function committedPartitions(
  group: string,
  { topic, partitions }: TopicPartitions,
  offsets: readonly GroupOffset[],
): TopicPartition[] {
  if (partitions !== undefined) return partitions.map((partition) => ({ topic, partition }));
  const committed = offsets.filter(
    (it) => it.topic === topic && it.committedOffset !== NOT_COMMITTED,
  );
  if (committed.length > 0) return committed.map(({ partition }) => ({ topic, partition }));
  throw new CliError(`group '${group}' has committed no offset in topic '${topic}'`, {
    help: `\`rustlog groups describe\` lists its topics.`,
  });
}

function remove() {
  const example = "rustlog groups delete billing";
  return newClientCommand("delete", "Delete a group and its committed offsets", example)
    .argument("<group>", "name of the group")
    .addOption(jsonOption())
    .action((group, options) =>
      withClient(options, async (client) => {
        const admin = client.admin();
        await namingMembers(admin, group, () => admin.deleteGroup(group));
        if (options.json) return await writeJson({ group, deleted: true });
        await writeNotes(`Deleted group '${group}'`);
      }),
    );
}
