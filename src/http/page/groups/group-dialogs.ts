// The dialogs that delete a group, or its offsets in a topic. Each states the consequences first.
// Leaves to others: requests (group-api.ts), dialogs as such (parts/dialog.ts), resets (reset-panel.ts).
import { openDialog } from "../parts/dialog.js";
import { countOf } from "../parts/format.js";
import { nameInText } from "../parts/names.js";
import { deleteGroup, deleteTopicOffsets } from "./group-api.js";
import type { GroupTopic } from "./group-wire.js";

/** Deletes the offsets of a group in a topic; resolves with whether that was done. */
export function deleteOffsetsDialog(
  group: string,
  { topic, committed }: GroupTopic,
): Promise<boolean> {
  const body = [
    `Group ${nameInText(group)} forgets where it is in ${countOf(committed, "partition")} of ${topic}.`,
    "A consumer of the group then begins where its setting auto.offset.reset says: at the end, at the beginning, or with an error.",
  ];
  const text = { title: "Delete offsets", body, action: "Delete offsets", isDanger: true };
  return openDialog(text, async () => {
    await deleteTopicOffsets({ group, topic });
  });
}

/** Deletes a group with its offsets in these topics; resolves with whether that was done. */
export function deleteGroupDialog(group: string, topics: readonly GroupTopic[]): Promise<boolean> {
  const partitions = topics.reduce((sum, { committed }) => sum + committed, 0);
  const body = [
    `Deletes group ${nameInText(group)} with its committed offsets: ${countOf(partitions, "partition")} in ${countOf(topics.length, "topic")}.`,
    "No records are deleted. A consumer that joins the group later begins where its setting auto.offset.reset says.",
  ];
  const text = { title: "Delete group", body, action: "Delete group", isDanger: true };
  return openDialog({ ...text, typed: group.trim() }, async () => {
    await deleteGroup({ group });
  });
}
