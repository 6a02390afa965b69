// `rustlog inspect`: shows a file of a partition as lines, JSON, or an annotated hex dump.
// Leaves to others: logs (inspect-log.ts), indexes and snapshots (inspect-entries.ts). Takes no lock and writes
// nothing, so the broker may be running.
import { statSync } from "node:fs";
import { basename, extname } from "node:path";
import { finalName, isCutFileName } from "../log/segment/segment-files.js";
import { newCommand, usageError } from "./command.js";
import { CliError } from "./exit.js";
import { printIndex, printSnapshot } from "./inspect-entries.js";
import { LogPrinter } from "./inspect-log.js";
import { InspectOutput } from "./inspect-output.js";
import { wholeNumber } from "./numbers.js";

const EXAMPLES = `
  rustlog inspect data/topics/events/0/00000000000000000000.log
  rustlog inspect data/topics/events/0/00000000000000000000.log --records --from 1000 --limit 10
  rustlog inspect data/topics/events/0/00000000000000000000.log --hex --limit 1
  rustlog inspect data/topics/events/0/00000000000000000000.index --json`;

export function inspectCommand() {
  const command = newCommand(
    "inspect",
    "Show the contents of a .log, .index, .timeindex or .snapshot file; the broker may be running",
    EXAMPLES,
  )
    .argument("<file>", "file to show; only read")
    .option("-r, --records", "show the records in each batch of a log")
    .option("-x, --hex", "annotated hex dump: every field with its bytes, name and meaning")
    .option("--json", "print one JSON object per line: a batch, entry, producer, or damage")
    .option(
      "--from <offset>",
      "start with the batch, record or entry of this offset",
      wholeNumber(0),
    )
    .option(
      "-n, --limit <n>",
      "stop after this many batches, entries or (with --records) records",
      wholeNumber(1),
    );
  return command.action(async (file, given) => {
    const kind = isCutFileName(basename(file))
      ? "log"
      : extname(finalName(basename(file))).slice(1);
    if (!isKind(kind))
      usageError(command, `'${file}' is not a .log, .index, .timeindex or .snapshot file`);
    // Reading a pipe or device could block or never end.
    if (!statSync(file).isFile()) throw new CliError(`'${file}' is not a regular file`);
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
      // Drain also when reading failed, to show what was found before.
      await output.drain();
    }
  });
}

const KINDS = ["log", "index", "timeindex", "snapshot"] as const;

function isKind(text: string): text is (typeof KINDS)[number] {
  return KINDS.some((kind) => kind === text);
}
