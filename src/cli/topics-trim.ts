// `rustlog topics trim`: deletes the records of a topic up to an offset or a time.
// Leaves to others: parsing the place (offset-range.ts), finding its offset, and the deletion (client/admin.ts).
import { Option } from "@commander-js/extra-typings";
import type { Admin } from "../client/admin.js";
import type { OffsetSpec } from "../client/offset-spec.js";
import { RustLogError } from "../errors.js";
import { newClientCommand, withClient } from "./connection.js";
import { partitionList } from "./numbers.js";
import { parseOffset } from "./offset-range.js";
import { jsonOption } from "./options.js";
import { writeJson, writeText } from "./output.js";
import { formatTable } from "./table.js";

const EXAMPLES = `
  rustlog topics trim events --before @-7d
  rustlog topics trim events --before @2026-01-31T12:00:00Z --dry-run
  rustlog topics trim events -p 0,2 --before 1000
  rustlog topics trim events --before latest`;

interface Trim {
  readonly topic: string;
  readonly topicId: string | undefined;
  readonly partition: number;
  readonly previousLogStartOffset: number;
  /** Offset of the first record to keep. */
  readonly offset: number;
}

export function trim() {
  const description = "Delete the records of a topic before an offset or a time";
  return newClientCommand("trim", description, EXAMPLES)
    .argument("<topic>", "name of the topic")
    .addOption(jsonOption())
    .addOption(
      new Option(
        "--before <offset>",
        "first record to keep: N, @TIME, -N (the last N of each partition), or latest (keep none)",
      )
        .argParser((text) => parseOffset(text))
        .makeOptionMandatory(),
    )
    .addOption(
      new Option("-p, --partition <n[,n...]>", "partitions (default: all)") //
        .argParser(partitionList),
    )
    .option("--dry-run", "show what would be deleted, and delete nothing")
    .action((topic, options) =>
      withClient(options, async (client) => {
        const admin = client.admin();
        const trims = await trimsOf(admin, topic, options.before, options.partition);
        const { dryRun = false } = options;
        const starts = dryRun ? trims.map(({ offset }) => offset) : await deleteAll(admin, trims);
        const rows = trims.map(({ partition, previousLogStartOffset }, i) => ({
          ...{ partition, previousLogStartOffset },
          logStartOffset: starts[i]!,
        }));
        if (options.json === true) return await writeJson({ topic, dryRun, partitions: rows });
        const header = ["PARTITION", "OLD-LOG-START", "NEW-LOG-START"];
        const note = dryRun ? "\nDry run: nothing was deleted.\n" : "";
        const table = rows.map((row) => Object.values(row));
        await writeText(`${formatTable(header, table)}${note}`);
      }),
    );
}

/**
 * The new log starts. They have the id of the topic: if it is recreated in the meantime, the deletion fails instead of
 * deleting records of the new topic.
 */
async function trimsOf(
  admin: Admin,
  topic: string,
  before: OffsetSpec,
  only: readonly number[] | undefined,
): Promise<Trim[]> {
  const ranges = (await admin.describeTopic(topic)).partitions;
  const places = await admin.offsetsFor(topic, before, only);
  return places.map(({ topicId, partition, offset }) => {
    const { logStartOffset = 0, highWatermark = 0 } = ranges[partition] ?? {};
    // A number means a place in the partition, which may not be there yet. The others are found in it.
    if (typeof before === "number" && offset > highWatermark) {
      throw new RustLogError(
        "OFFSET_OUT_OF_RANGE",
        `offset ${offset} is above the high watermark ${highWatermark} of partition ${partition} of ` +
          `'${topic}'; nothing was deleted`,
      );
    }
    return {
      ...{ topic, topicId, partition, previousLogStartOffset: logStartOffset },
      offset: Math.max(logStartOffset, offset),
    };
  });
}

/** Deletes, and returns the log starts. */
async function deleteAll(admin: Admin, trims: readonly Trim[]): Promise<number[]> {
  const records = trims.map(({ topic, topicId, partition, offset }) => ({
    ...{ topic, topicId, partition, offset },
  }));
  const trimmed = await admin.deleteRecords(records);
  return trimmed.map(({ logStartOffset }) => logStartOffset);
}
