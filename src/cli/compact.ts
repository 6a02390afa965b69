// `rustlog compact`: compacts a topic now, and prints what that saved.
// Leaves to others: the compaction, which is the broker's work (client/admin.ts).
import { Option } from "@commander-js/extra-typings";
import type { CompactedPartition } from "../client/admin-types.js";
import { newClientCommand, withClient } from "./connection.js";
import { EXIT, printError } from "./exit.js";
import { partitionList } from "./numbers.js";
import { jsonOption } from "./options.js";
import { writeJson, writeText } from "./output.js";
import { countRecords, formatCount } from "./progress.js";
import { formatSize } from "./size.js";
import { CLEAR_LINE, writeStderr } from "./stderr.js";
import { formatTable } from "./table.js";

const EXAMPLES = `
  rustlog topics create prices --config cleanup.policy=compact
  rustlog compact prices
  rustlog compact prices -p 0,2 --json`;

export function compactCommand() {
  const description =
    "Compact a topic now: of the records of each key, only the last one is kept. " +
    "Needs a topic with cleanup.policy=compact or compact,delete; the broker compacts it by itself, too.";
  return newClientCommand("compact", description, EXAMPLES)
    .argument("<topic>", "name of the topic")
    .addOption(jsonOption())
    .addOption(
      new Option("-p, --partition <n[,n...]>", "partitions (default: all)") //
        .argParser(partitionList),
    )
    .action((topic, { partition: partitions = [], ...options }) =>
      withClient(options, async (client) => {
        const isShown = options.json !== true && process.stderr.isTTY === true;
        const rows = await client.admin().compactTopic(topic, {
          partitions,
          onProgress: (states) => {
            if (isShown) writeStderr(`${CLEAR_LINE}${formatCompacting(states)}`);
          },
        });
        if (isShown) writeStderr(CLEAR_LINE);
        if (options.json === true) await writeJson({ topic, partitions: rows });
        else await writeText(formatCompacted(rows));
        const failed = rows.filter(({ state }) => state === "failed");
        for (const { partition, error } of failed) {
          printError(`rustlog: partition ${partition} could not be compacted: ${error}`);
        }
        if (failed.length > 0) process.exit(EXIT.failed);
      }),
    );
}

/** `partition 3 (4 of 12), 57 %` */
function formatCompacting(states: readonly CompactedPartition[]): string {
  const at = states.findIndex(({ state }) => state === "running");
  const current = states[at];
  if (current === undefined) return "waiting for another compaction";
  const { partition, doneBytes, totalBytes } = current;
  return `partition ${partition} (${at + 1} of ${states.length}), ${percent(doneBytes, totalBytes)}`;
}

/** A table of the compacted partitions, and a line with the total. */
export function formatCompacted(rows: readonly CompactedPartition[]): string {
  const header = ["PARTITION", "RECORDS", "AFTER", "SIZE", "AFTER", "SAVED", "SECONDS"];
  const done = rows.filter(({ state }) => state === "done");
  const table = done.map((row) => [
    row.partition,
    formatCount(row.recordsBefore),
    formatCount(row.recordsAfter),
    formatSize(row.bytesBefore),
    formatSize(row.bytesAfter),
    percent(row.bytesBefore - row.bytesAfter, row.bytesBefore),
    (row.durationMs / 1000).toFixed(2),
  ]);
  if (done.length === 0) return "";
  if (done.every(({ bytesBefore }) => bytesBefore === 0)) {
    return "Nothing to compact: there is no record that was not compacted yet and is older than min.compaction.lag.ms\n";
  }
  const records = sum(done, (row) => row.recordsBefore - row.recordsAfter);
  const before = sum(done, (row) => row.bytesBefore);
  const saved = before - sum(done, (row) => row.bytesAfter);
  const total = `Removed ${countRecords(records)} and ${formatSize(saved)} (${percent(saved, before)})`;
  const seconds = sum(done, (row) => row.durationMs) / 1000;
  return `${formatTable(header, table)}\n${total} in ${seconds.toFixed(2)} s\n`;
}

function sum(rows: readonly CompactedPartition[], of: (row: CompactedPartition) => number): number {
  return rows.reduce((total, row) => total + of(row), 0);
}

function percent(part: number, whole: number): string {
  return whole === 0 ? "0 %" : `${Math.floor((100 * part) / whole)} %`;
}
