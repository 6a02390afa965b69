// `rustlog verify`: prints the findings of a verification, one per line, and a summary.
// Leaves to others: all checks and repairs (inspection/verify.ts).
import { Option } from "@commander-js/extra-typings";
import { formatFinding, type SettledFinding } from "../inspection/finding.js";
import { type VerificationReport, verifyDirectory } from "../inspection/verify.js";
import { printable } from "../printable.js";
import { RealDisk } from "../log/disk/real-disk.js";
import { newCommand } from "./command.js";
import { EXIT } from "./exit.js";
import { jsonOption } from "./options.js";
import { writeJson, writeText } from "./output.js";
import { ProgressBar } from "./progress-bar.js";
import { isTalkative } from "./switches.js";
import { formatSize } from "./size.js";

const EXAMPLES = `
  rustlog verify
  rustlog verify /var/lib/rustlog --json
  rustlog verify ./data --repair`;

const DATA_DIR_DEFAULT = "./data";

export function verifyCommand() {
  return newCommand(
    "verify",
    "Check every segment, index and offset file of a stopped broker; exits with 1 on damage",
    EXAMPLES,
  )
    .argument(
      "[directory]",
      `data directory (default: "${DATA_DIR_DEFAULT}", env: RUSTLOG_DATA_DIR)`,
    )
    .addOption(jsonOption())
    .addOption(
      new Option(
        "--repair",
        "rebuild indexes and snapshots, remove leftovers of crashes, truncate a torn tail; reports each repair",
      ),
    )
    .action(async (argument, options) => {
      const directory = argument ?? (process.env.RUSTLOG_DATA_DIR || DATA_DIR_DEFAULT);
      const isRepairing = options.repair === true;
      const report = await verify(directory, isRepairing, options.json === true);
      if (report.damage > 0) process.exit(EXIT.failed);
    });
}

async function verify(
  directory: string,
  isRepairing: boolean,
  isJson: boolean,
): Promise<VerificationReport> {
  const bar = new ProgressBar();
  const startedMs = performance.now();
  // Lines are printed in order, and awaited at the end.
  let printing: Promise<void> = Promise.resolve();
  // Don't draw the bar while a line is waiting: the line would be printed after it.
  let linesLeft = 0;
  const print = (text: string): void => {
    linesLeft++;
    printing = printing.then(async () => {
      bar.clear();
      await writeText(text);
      linesLeft--;
    });
  };
  const report = await verifyDirectory({
    disk: new RealDisk(),
    directory,
    isRepairing,
    onProgress: (done, total, file) => {
      if (linesLeft === 0) bar.update(done, total, file);
    },
    ...(isJson ? {} : { onFinding: (finding) => print(`${printable(formatFinding(finding))}\n`) }),
  }).finally(async () => {
    bar.clear();
    await printing;
  });
  const seconds = (performance.now() - startedMs) / 1000;
  if (isJson) await writeJson(jsonReport(directory, report));
  else if (isTalkative() || report.damage > 0) {
    await writeText(formatReport(report, seconds, isRepairing));
  }
  return report;
}

function jsonReport(directory: string, report: VerificationReport): unknown {
  const findings = report.findings.map(({ repair, ...finding }: SettledFinding) => ({
    ...finding,
    ...(repair === undefined ? {} : { repair: repair.description }),
  }));
  return { directory, ...report, findings };
}

/** Summarizes what was checked, the damage, and what --repair can do. */
function formatReport(report: VerificationReport, seconds: number, isRepairing: boolean): string {
  const { counts, damage, repaired, findings } = report;
  const checked = [
    plural(counts.topics, "topic"),
    plural(counts.partitions, "partition"),
    plural(counts.segments, "segment"),
    plural(counts.batches, "batch", "batches"),
    plural(counts.records, "record"),
    formatSize(counts.bytes),
  ].join(", ");
  let text = `Checked ${checked} in ${seconds.toFixed(2)} s: ${damage === 0 ? "no damage" : `${damage} damaged`}`;
  const notes = findings.filter(({ severity }) => severity === "note").length;
  if (notes > 0) text += `, ${plural(notes, "note")}`;
  if (repaired > 0) text += `, ${repaired} repaired`;
  const repairable = findings.filter(({ repair }) => repair !== undefined).length;
  if (!isRepairing && repairable > 0) text += `\n--repair can fix ${repairable} of these`;
  return `${text}\n`;
}

function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString("en-US")} ${count === 1 ? one : many}`;
}
