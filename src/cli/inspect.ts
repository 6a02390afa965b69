// `rustlog inspect`: what is in a file of a partition, as lines, as JSON, or as an annotated hex dump.
// Leaves to others: logs (inspect-log.ts), indexes and snapshots (inspect-entries.ts). It takes no lock and writes
// nothing, so that it can look at a running broker's files.
import { statSync } from "node:fs";
import { basename, extname } from "node:path";
import { isCutFileName } from "../log/segment/segment-files.ts";
import { newCommand, usageError } from "./command.ts";
import { CliError } from "./exit.ts";
import { printIndex, printSnapshot } from "./inspect-entries.ts";
import { LogPrinter } from "./inspect-log.ts";
import { InspectOutput } from "./inspect-output.ts";
import { wholeNumber } from "./numbers.ts";

const EXAMPLES = `
  rustlog inspect data/topics/events/0/00000000000000000000.log
  rustlog inspect data/topics/events/0/00000000000000000000.log --records --from 1000 --limit 10
  rustlog inspect data/topics/events/0/00000000000000000000.log --hex --limit 1
  rustlog inspect data/topics/events/0/00000000000000000000.index --json`;

export function inspectCommand() {
  const command = newCommand(
    "inspect",
    "Show what is in a .log, .index, .timeindex or .snapshot file, also of a running broker",
    EXAMPLES,
  )
    .argument("<file>", "file to look into; it is only read")
    .option("-r, --records", "open the batches of a log and show their records")
    .option(
      "-x, --hex",
      "an annotated hex dump: every field with its bytes, its name and what it says",
    )
    .option("--json", "print a JSON object a line: a batch, an entry, a producer, or damage")
    .option(
      "--from <offset>",
      "begin with the batch, record or entry of this offset",
      wholeNumber(0),
    )
    .option(
      "-n, --limit <n>",
      "end after so many batches, entries or (with --records) records",
      wholeNumber(1),
    );
  return command.action(async (file, given) => {
    const kind = isCutFileName(basename(file)) ? "log" : extname(file).slice(1);
    if (!isKind(kind))
      usageError(command, `'${file}' is none of .log, .index, .timeindex and .snapshot`);
    // A pipe or a device would be waited for, or read without an end.
    if (!statSync(file).isFile()) throw new CliError(`'${file}' is no regular file`);
    const options = {
      isRecords: given.records === true,
      isHex: given.hex === true,
      isJson: given.json === true,
      from: given.from ?? 0,
      limit: given.limit ?? Number.POSITIVE_INFINITY,
    };
    const output = new InspectOutput();
    try {
      if (kind === "log") await new LogPrinter(options, output).print(file);
      else if (kind === "snapshot") await printSnapshot(file, options, output);
      else await printIndex(file, kind, options, output);
    } finally {
      // Also when reading the file failed: what was found before is shown.
      await output.drain();
    }
  });
}

const KINDS = ["log", "index", "timeindex", "snapshot"] as const;

function isKind(text: string): text is (typeof KINDS)[number] {
  return KINDS.some((kind) => kind === text);
}
