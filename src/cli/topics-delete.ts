// `rustlog topics delete`: deletes topics, and asks first on a terminal.
// Leaves to others: requests to the broker (client/admin.ts), and failures among several topics (each-topic.ts).
import type { Admin } from "../client/admin.js";
import { RustLogError } from "../errors.js";
import { newClientCommand, withClient } from "./connection.js";
import { EachTopic } from "./each-topic.js";
import { jsonOption } from "./options.js";
import { writeNotes } from "./quiet.js";

const EXAMPLES = `
  rustlog topics delete events
  rustlog topics delete orders invoices --yes --if-exists`;

interface Deleted {
  readonly name: string;
  /** False if there was none. */
  readonly deleted: boolean;
}

export function remove() {
  return newClientCommand("delete", "Delete topics and all their records", EXAMPLES)
    .argument("<topic...>", "names of the topics")
    .addOption(jsonOption())
    .option("-y, --yes", "do not ask on a terminal; without a terminal nobody is asked")
    .option("--if-exists", "accept that a topic does not exist")
    .action(async (names, { yes = false, ifExists = false, json = false, ...options }) => {
      if (!yes) await (await import("./confirm.js")).confirm(questionOf(names, options.broker));
      await withClient(options, async (client) => {
        const topics = new EachTopic<Deleted>(names);
        await topics.run(async (name) => {
          const deleted = await deleteOne(client.admin(), name, ifExists);
          if (!json) await writeNotes(sentenceOf(deleted));
          return deleted;
        });
        if (json) await topics.printJson();
        topics.exitIfFailed();
      });
    });
}

function questionOf(names: readonly string[], broker: string): string {
  const topics = names.map((name) => `'${name}'`).join(", ");
  return names.length === 1
    ? `Delete topic ${topics} of ${broker} with all its records?`
    : `Delete topics ${topics} of ${broker} with all their records?`;
}

async function deleteOne(admin: Admin, name: string, mayBeMissing: boolean): Promise<Deleted> {
  try {
    await admin.deleteTopic(name);
    return { name, deleted: true };
  } catch (error) {
    const isMissing = error instanceof RustLogError && error.code === "UNKNOWN_TOPIC_OR_PARTITION";
    if (!mayBeMissing || !isMissing) throw error;
    return { name, deleted: false };
  }
}

function sentenceOf({ name, deleted }: Deleted): string {
  return deleted ? `Deleted topic '${name}'` : `Topic '${name}' does not exist`;
}
