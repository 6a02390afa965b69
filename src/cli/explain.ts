// `rustlog explain`: explains one lookup step by step, from the files of a data directory.
// Leaves to others: the lookup (inspection/explain-lookup.ts) and its text (explain-text.ts).
import { type Command, Option } from "@commander-js/extra-typings";
import { resolveOffset, type OffsetSpec } from "../client/offset-spec.js";
import { RustLogError } from "../errors.js";
import { explainLookup } from "../inspection/explain-lookup.js";
import { type LogFiles, openLogFiles } from "../inspection/log-files.js";
import type { LookupExplanation, LookupTarget } from "../inspection/lookup-explanation.js";
import { paintForStdout } from "./colour.js";
import { newCommand, usageError } from "./command.js";
import { explainProduce } from "./explain-produce.js";
import { lookupText } from "./explain-text.js";
import { wholeNumber } from "./numbers.js";
import { parseOffset, parseTime } from "./offset-range.js";
import { writeJson, writeText } from "./output.js";

const EXAMPLES = `
  rustlog explain orders 0 4711
  rustlog explain orders 0 latest --data-dir /var/lib/rustlog
  rustlog explain orders 0 --timestamp 2026-03-01T12:00:00Z
  rustlog explain orders 0 -1 --json
  rustlog explain produce orders "hello" -k user-1 --data-dir ./data`;

const LOOKUP_EXAMPLES = `
  rustlog explain lookup orders 0 4711
  rustlog explain lookup produce 0 4711`;

/** The command `explain`; `lookup` is its default subcommand. */
export function explainCommand() {
  const description = "Show step by step how a record is found or written, and what that costs";
  return withPlace(newCommand("explain", description, EXAMPLES))
    .addCommand(lookup(), { isDefault: true })
    .addCommand(explainProduce());
}

/** Adds the arguments of a lookup. The command `explain` lists them too, for its help. */
function withPlace(command: Command) {
  return command
    .argument("<topic>", "topic to look in")
    .argument("<partition>", "partition to look in", wholeNumber(0, 2 ** 32 - 1))
    .argument("[offset]", "earliest, latest, N, -N (from the end) or @TIME", parsePlace);
}

function lookup() {
  const described = newCommand(
    "lookup",
    "Show how a record is found (the default)",
    LOOKUP_EXAMPLES,
  );
  const command = withPlace(described)
    .option("-t, --timestamp <time>", "find the first record at or after a time instead", parseTime)
    .addOption(dataDirOption())
    .addOption(new Option("--json", "print the steps as a JSON object"));
  return command.action(async (topic, partition, offset, options) => {
    const { timestamp } = options;
    if ((offset === undefined) === (timestamp === undefined)) {
      usageError(command, "pass either an offset or --timestamp");
    }
    const spec = offset ?? { timestamp: timestamp ?? 0 };
    using log = openLogFiles(options.dataDir, topic, partition);
    const explanation = await explainLookup(log, targetOf(spec, log));
    await print(explanation, options.json === true);
    const { outcome, failure } = explanation;
    if (outcome !== "failed" || failure === undefined) return;
    throw new RustLogError(failure.code, failure.message);
  });
}

function dataDirOption() {
  return new Option(
    "-d, --data-dir <path>",
    "data directory; only read, so the broker may be running",
  )
    .env("RUSTLOG_DATA_DIR")
    .default("./data");
}

function print(explanation: LookupExplanation, isJson: boolean): Promise<void> {
  return isJson ? writeJson(explanation) : writeText(lookupText(explanation, paintForStdout()));
}

function targetOf(spec: OffsetSpec, log: LogFiles): LookupTarget {
  if (typeof spec === "object" && "timestamp" in spec) return spec;
  const range = { logStartOffset: log.logStartOffset, highWatermark: log.end.offset };
  const offset = resolveOffset(spec, range, () => Promise.resolve(range.highWatermark));
  if (typeof offset !== "number") throw new Error("expected an offset or a time");
  return { offset };
}

function parsePlace(text: string): OffsetSpec {
  return parseOffset(text);
}
