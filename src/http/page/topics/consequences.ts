// What changes of a topic lead to, in sentences with numbers.
// Leaves to others: the numbers (http/api/topics.ts), asking whether to go on (topic-dialogs.ts).
import { countOf, formatBytes, formatCount } from "../parts/format.js";
import { durationText, settingText } from "./setting-text.js";
import { nameInText } from "../parts/names.js";
import type {
  AlterOutcome,
  CompactionReport,
  NewTopic,
  TopicDetail,
  TrimPlan,
} from "./topic-wire.js";

/** What a change of settings leads to; the first sentence is about what is lost. */
export function settingConsequences(
  { settings, deletes }: AlterOutcome,
  topic: Pick<TopicDetail, "retentionCheckMs" | "bytes" | "records">,
): readonly string[] {
  const said: string[] = [];
  if (deletes !== null) {
    const { bytes, records, segments, partitions, unknown } = deletes;
    const within = durationText(topic.retentionCheckMs);
    said.push(
      records === 0
        ? "No records are old or large enough to be deleted by this now."
        : `About ${formatBytes(bytes)} will be deleted at the next check, within ${within}: ` +
            `${countOf(records, "record")} in ${countOf(segments, "segment")} of ${countOf(partitions, "partition")}` +
            `${olderThan(settings)}.`,
    );
    if (unknown > 0) {
      said.push(`Of ${countOf(unknown, "more partition")} it can't be told: offline or damaged.`);
    }
  }
  for (const { name, before, after } of settings) {
    const text = before === after ? undefined : settingNote(name, before, after);
    if (text !== undefined) said.push(text);
  }
  return said;
}

/** `, older than 3 days`, if a limit on the age is set. */
function olderThan(settings: AlterOutcome["settings"]): string {
  const age = settings.find(({ name }) => name === "retention.ms")?.after ?? "-1";
  return age.startsWith("-") ? "" : `, those older than ${settingText("retention.ms", age)}`;
}

function settingNote(name: string, before: string, after: string): string | undefined {
  if (name === "cleanup.policy") {
    const isNew = after.includes("compact") && !before.includes("compact");
    return isNew
      ? "Compaction will keep only the last record of each key, and records without a key will be refused."
      : undefined;
  }
  if (name === "max.message.bytes" && Number(after) < Number(before)) {
    return "Larger batches will be refused; what is stored stays.";
  }
  if (name.startsWith("segment.")) return "Holds for new segments, and for when one is sealed.";
  return undefined;
}

/** What will be created. */
export function creationConsequences(
  { name, partitions, settings, similar }: NewTopic,
  isDefault: boolean,
): readonly string[] {
  const count = `${countOf(partitions, "partition")}${isDefault ? ", the broker's default" : ""}`;
  const own = settings.map((each) => `${each.name} ${settingText(each.name, each.value)}`);
  const rest = own.length === 0 ? "All settings are" : `${own.join(", ")}; other settings are`;
  return [
    `${name} will have ${count}. ${rest} the broker's.`,
    ...(similar === null
      ? []
      : [`There is a topic ${similar}: Kafka's metrics can't tell the two names apart.`]),
  ];
}

/** What more partitions lead to. */
export function partitionConsequences(
  { previousPartitions, partitions }: Pick<AlterOutcome, "previousPartitions" | "partitions">,
  records: number,
): readonly string[] {
  return [
    `${countOf(partitions - previousPartitions, "partition")} will be added. This can't be undone.`,
    `Keys will map to other partitions: records with the same key are in order only within a partition, ` +
      `and the ${countOf(records, "record")} written so far stay where they are.`,
    "Clients notice the new partitions when they refresh their metadata, within 5 minutes by default.",
  ];
}

/** Sums of a trim. */
export function sumOfTrim({ partitions }: TrimPlan): {
  readonly partitions: number;
  readonly records: number;
  readonly bytes: number;
  readonly freedBytes: number;
} {
  const sum = { partitions: partitions.length, records: 0, bytes: 0, freedBytes: 0 };
  for (const { records, bytes, freedBytes } of partitions) {
    sum.records += records;
    sum.bytes += bytes;
    sum.freedBytes += freedBytes;
  }
  return sum;
}

export function trimConsequence(plan: TrimPlan): string {
  const { partitions, records, bytes, freedBytes } = sumOfTrim(plan);
  if (records === 0) return "Nothing is before that place.";
  const what = `${countOf(records, "record")} (${formatBytes(bytes)}) of ${countOf(partitions, "partition")}`;
  const freed =
    freedBytes < bytes
      ? `${formatBytes(freedBytes)} on disk is freed at once, the rest with the segments that hold it.`
      : `${formatBytes(freedBytes)} on disk is freed.`;
  return `${what} will be deleted and can't be read any more. ${freed}`;
}

/** What a compaction has saved, or how far it is. */
export function compactionText(report: CompactionReport): string {
  const { isDone, done, failed, partitions, rows } = report;
  const running = rows.find(({ state }) => state === "running");
  if (!isDone) {
    if (running === undefined) return "waiting for another compaction";
    const { partition, doneBytes, totalBytes } = running;
    const place = `${done + failed + 1} of ${partitions}`;
    return `partition ${partition} (${place}), ${percentText(doneBytes, totalBytes)}`;
  }
  const failure = failed === 0 ? "" : `; ${countOf(failed, "partition")} failed`;
  if (report.bytesBefore === 0) return `Nothing to compact${failure}`;
  const saved = report.bytesBefore - report.bytesAfter;
  const removed = countOf(report.recordsBefore - report.recordsAfter, "record");
  const seconds = (report.durationMs / 1000).toFixed(2);
  return (
    `Removed ${removed} and ${formatBytes(saved)} (${percentText(saved, report.bytesBefore)}) ` +
    `in ${seconds} s${failure}`
  );
}

/** A number of records that is counted by offsets, of which compaction leaves gaps. */
export function recordsText(records: number, isCompacted: boolean): string {
  return isCompacted && records > 0 ? `≤ ${formatCount(records)}` : formatCount(records);
}

export function percentText(part: number, whole: number): string {
  return whole === 0 ? "0 %" : `${Math.floor((100 * part) / whole)} %`;
}

/** `billing, search and 3 more groups`; undefined if there are none. */
export function groupNames(names: readonly string[], hasMore: boolean): string | undefined {
  const SHOWN = 5;
  if (names.length === 0) return undefined;
  const left = names.length - SHOWN;
  const shown = names.slice(0, SHOWN).map(nameInText).join(", ");
  if (left <= 0) return hasMore ? `${shown} and more` : shown;
  return `${shown} and ${hasMore ? "at least " : ""}${countOf(left, "more group")}`;
}
