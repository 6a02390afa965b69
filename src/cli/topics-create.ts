// `rustlog topics create`: creates topics with the same settings.
// Leaves to others: requests to the broker (client/admin.ts), and failures among several topics (each-topic.ts).
import type { Admin } from "../client/admin.js";
import type { CreateTopicOptions } from "../client/admin-types.js";
import { RustLogError } from "../errors.js";
import { PARTITIONS_MAX } from "../limits.js";
import { newClientCommand, withClient } from "./connection.js";
import { EachTopic } from "./each-topic.js";
import { wholeNumber } from "./numbers.js";
import { jsonOption } from "./options.js";
import { writeNotes } from "./quiet.js";
import { settingList } from "./setting-list.js";

const EXAMPLES = `
  rustlog topics create events --partitions 3
  rustlog topics create orders invoices returns --if-not-exists
  rustlog topics create events --config retention.ms=7d --config segment.bytes=1GiB`;

interface Created {
  readonly name: string;
  readonly partitions: number;
  readonly topicId: string | undefined;
  /** False if it existed. */
  readonly created: boolean;
}

export function create() {
  return newClientCommand("create", "Create topics", EXAMPLES)
    .argument("<topic...>", "names of the topics")
    .addOption(jsonOption())
    .option("--partitions <n>", "number of partitions", wholeNumber(1, PARTITIONS_MAX))
    .option(
      "--config <name=value>",
      "topic setting, such as retention.ms=7d or retention.bytes=1GiB; may be repeated",
      settingList,
    )
    .option("--if-not-exists", "leave a topic that exists as it is, without an error")
    .action((names, { partitions, config, ifNotExists = false, json = false, ...options }) =>
      withClient(options, async (client) => {
        const settings = {
          settings: Object.fromEntries(config ?? []),
          ...(partitions === undefined ? {} : { partitions }),
        };
        const topics = new EachTopic<Created>(names);
        await topics.run(async (name) => {
          const created = await createOne(client.admin(), name, settings, ifNotExists);
          if (!json) await writeNotes(sentenceOf(created));
          return created;
        });
        if (json) await topics.printJson();
        topics.exitIfFailed();
      }),
    );
}

async function createOne(
  admin: Admin,
  name: string,
  settings: CreateTopicOptions,
  mayExist: boolean,
): Promise<Created> {
  try {
    return { name, ...(await admin.createTopic(name, settings)), created: true };
  } catch (error) {
    const exists = error instanceof RustLogError && error.code === "TOPIC_ALREADY_EXISTS";
    if (!mayExist || !exists) throw error;
    const { partitions, topicId } = await admin.describeTopic(name);
    return { name, partitions: partitions.length, topicId, created: false };
  }
}

function sentenceOf({ name, partitions, created }: Created): string {
  const count = `${partitions} ${partitions === 1 ? "partition" : "partitions"}`;
  return created
    ? `Created topic '${name}' with ${count}`
    : `Topic '${name}' exists, with ${count}`;
}
