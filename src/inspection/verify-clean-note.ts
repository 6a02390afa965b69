// Checks clean-shutdown.json against the files it describes.
// Leaves to others: the files themselves (verify-partition.ts). A broker that finds the note wrong scans instead.
import { crc32c } from "../record/crc32c.js";
import { joinPath } from "../log/disk/disk.js";
import type { CleanSegment } from "../log/recovery/noted-segment.js";
import { segmentFileName } from "../log/segment/segment-files.js";
import { CLEAN, type CleanNote } from "../topics/clean-note.js";
import { removeFile } from "./repair.js";
import type { Verification } from "./verification.js";
import type { PartitionReport } from "./verify-partition.js";
import type { PartitionReports } from "./verify-topic.js";

/** Checks the note of a clean stop against the files as they are after all repairs. */
export function verifyCleanNote(
  run: Verification,
  note: CleanNote | undefined,
  reports: PartitionReports,
): void {
  if (note === undefined) return;
  const repair = removeFile(run.disk, run.directory, CLEAN);
  const { segments, distrust, isDamaged } = note;
  if (distrust !== undefined) {
    const reason = `${distrust}; the next start ignores it and scans the last segment of every partition`;
    if (isDamaged) run.damage({ file: CLEAN }, reason, repair);
    else run.note({ file: CLEAN }, reason, repair);
    return;
  }
  for (const [name, segment] of segments) {
    const report = reports.get(name);
    const faults =
      report === undefined
        ? ["the partition does not exist"]
        : faultsOf(run, name, segment, report);
    for (const fault of faults)
      run.damage({ file: CLEAN, ...placeOf(name) }, `${name}: ${fault}`, repair);
  }
  for (const name of reports.keys()) {
    if (segments.has(name)) continue;
    const reason = `it does not list ${name}, which the next start scans`;
    run.note({ file: CLEAN, ...placeOf(name) }, reason);
  }
}

function placeOf(name: string): { topic: string; partition: number } {
  const slash = name.lastIndexOf("/");
  return { topic: name.slice(0, slash), partition: Number(name.slice(slash + 1)) };
}

function faultsOf(
  run: Verification,
  name: string,
  segment: CleanSegment,
  report: PartitionReport,
): string[] {
  const { baseOffset } = segment;
  if (report.lastSegment !== baseOffset) {
    const last = report.lastSegment ?? "none";
    return [`the last segment was ${baseOffset} at the clean stop, but is now ${last}`];
  }
  const faults: string[] = [];
  const directory = joinPath("topics", name);
  const path = (kind: "log" | "index" | "timeindex"): string =>
    joinPath(directory, segmentFileName(baseOffset, kind));
  const bytes = run.size(path("log"));
  if (bytes !== segment.bytes) {
    faults.push(
      `its last segment had ${segment.bytes} bytes at the clean stop, but now has ${bytes}`,
    );
  }
  if (segment.nextOffset !== report.nextOffset && !report.isUncertain) {
    faults.push(
      `its next offset was ${segment.nextOffset} at the clean stop, but is now ${report.nextOffset}`,
    );
  }
  for (const [kind, stated] of [
    ["index", segment.indexCrc],
    ["timeindex", segment.timeIndexCrc],
  ] as const) {
    const content = run.disk.readFile(run.path(path(kind)));
    const crc = content === undefined ? 0 : crc32c(content, 0, content.length);
    if (crc !== stated) faults.push(`the .${kind} file has changed since the clean stop`);
  }
  return faults;
}
