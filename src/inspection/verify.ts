// Verifies a whole data directory of a stopped broker. Read this file first.
// Leaves to others: each check (verify-*.ts), and printing the findings (cli/verify.ts).
import { RustLogError } from "../errors.js";
import { joinPath, reasonOf } from "../log/disk/disk.js";
import { baseOffsetOfLogName } from "../log/segment/segment-files.js";
import { LAST_BOOT } from "../topics/boot-note.js";
import { CLEAN, readCleanNote } from "../topics/clean-note.js";
import { FLUSH_FAILED, FLUSH_FAILED_SPARE } from "../topics/data-directory.js";
import { META, readMeta } from "../topics/meta-file.js";
import { PRODUCER_IDS, readNextProducerId } from "../topics/producer-ids.js";
import type { SettledFinding } from "./finding.js";
import { removeFile } from "./repair.js";
import { Verification, type VerificationCounts, type VerificationOptions } from "./verification.js";
import { verifyCleanNote } from "./verify-clean-note.js";
import { CommittedOffsetsCheck } from "./verify-offsets.js";
import { verifyTopics } from "./verify-topic.js";

const OUR_NAMES = new Set([
  CLEAN,
  LAST_BOOT,
  FLUSH_FAILED,
  FLUSH_FAILED_SPARE,
  META,
  PRODUCER_IDS,
  "LOCK",
  "topics",
]);

export interface VerificationReport {
  readonly findings: readonly SettledFinding[];
  readonly counts: Readonly<VerificationCounts>;
  /** Number of damage findings that were not repaired. */
  readonly damage: number;
  readonly repaired: number;
}

/**
 * Verifies a data directory, and repairs it if requested. Throws DATA_DIRECTORY_UNUSABLE if the directory is not a data
 * directory or a broker is using it.
 */
export async function verifyDirectory(options: VerificationOptions): Promise<VerificationReport> {
  const run = new Verification(options);
  const { disk, directory } = run;
  const names = disk.list(directory);
  if (!names.includes(META) && !names.includes("topics")) {
    const message = `${directory} is not a data directory: it has neither ${META} nor topics`;
    throw new RustLogError("DATA_DIRECTORY_UNUSABLE", message);
  }
  const lockFile = run.path("LOCK");
  const lock = options.isRepairing ? disk.lock(lockFile) : disk.lockToRead(lockFile);
  try {
    run.totalBytes = logBytes(run, "topics");
    verifyRoot(run, names);
    const note = readCleanNote(disk, directory);
    const offsets = new CommittedOffsetsCheck(run);
    const reports = await verifyTopics(run, note?.segments ?? new Map(), offsets);
    offsets.finish(reports);
    verifyCleanNote(run, note, reports);
    await run.settle();
  } finally {
    lock.release();
  }
  const { findings, counts } = run;
  const damage = findings.filter(isUnrepairedDamage).length;
  const repaired = findings.filter((finding) => finding.repaired !== undefined).length;
  return { findings, counts, damage, repaired };
}

function isUnrepairedDamage({ severity, repaired }: SettledFinding): boolean {
  return severity === "damage" && repaired === undefined;
}

function verifyRoot(run: Verification, names: readonly string[]): void {
  const { disk, directory } = run;
  for (const name of names) {
    if (OUR_NAMES.has(name)) continue;
    if (name.endsWith(".tmp")) {
      const repair = removeFile(disk, directory, name);
      run.note({ file: name }, "left over from a crash", repair);
    } else run.note({ file: name }, "not a RustLog file; ignored");
  }
  try {
    const meta = readMeta(disk, directory);
    run.directoryId = meta?.id ?? "";
    if (meta?.isOutdated === true) {
      run.note({ file: META }, "it has no checksum; the next start adds one");
    }
  } catch (error) {
    run.damage({ file: META }, reasonOf(error));
  }
  try {
    readNextProducerId(disk, directory);
  } catch (error) {
    run.damage({ file: PRODUCER_IDS }, reasonOf(error));
  }
  if (names.includes(FLUSH_FAILED)) {
    const reason =
      "a flush failed before the last stop; the next start rewrites the active segments";
    run.note({ file: FLUSH_FAILED }, reason);
  }
}

/** Total size of all `.log` files below a directory of the data directory. */
function logBytes(run: Verification, topics: string): number {
  let bytes = 0;
  for (const topic of run.list(topics)) {
    for (const partition of run.list(joinPath(topics, topic))) {
      const directory = joinPath(joinPath(topics, topic), partition);
      if (!/^\d+$/.test(partition)) continue;
      for (const name of run.list(directory)) {
        if (baseOffsetOfLogName(name) === undefined) continue;
        bytes += run.size(joinPath(directory, name));
      }
    }
  }
  return bytes;
}
