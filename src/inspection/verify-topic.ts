// Checks the topics directory: names, topic.json, and the partition directories.
// Leaves to others: the partitions themselves (verify-partition.ts).
import { OFFSETS_TOPIC } from "../topics/internal-topics.js";
import { isUnusable, joinPath, reasonOf } from "../log/disk/disk.js";
import { baseOffsetOfLogName } from "../log/segment/segment-files.js";
import { isEmpty } from "../topics/partition-directories.js";
import { readTopicFile } from "../topics/topic-file.js";
import type { CleanSegments } from "../topics/topic.js";
import { checkTopicName, LOST_AND_FOUND } from "../topics/topic-settings.js";
import { removeDirectory } from "./repair.js";
import type { Verification } from "./verification.js";
import type { CommittedOffsetsCheck } from "./verify-offsets.js";
import { type PartitionReport, verifyPartition } from "./verify-partition.js";

const PARTITION_NAME = /^(0|[1-9]\d*)$/;

export type PartitionReports = Map<string, PartitionReport>;

/** Checks all topics. `offsets` receives the records of the offsets topic. */
export async function verifyTopics(
  run: Verification,
  clean: CleanSegments,
  offsets: CommittedOffsetsCheck,
): Promise<PartitionReports> {
  const reports: PartitionReports = new Map();
  for (const name of run.disk.list(run.path("topics"))) {
    if (name === LOST_AND_FOUND) continue;
    const file = joinPath("topics", name);
    if (name.startsWith("+c-") || name.startsWith("+d-")) {
      const what = name.startsWith("+c-") ? "was being created" : "was being deleted";
      const repair = removeDirectory(run.disk, run.path("topics"), name);
      run.note({ file }, `a topic that ${what}; the next start removes it`, repair);
      continue;
    }
    try {
      await verifyTopic(run, name, clean, offsets, reports);
    } catch (error) {
      if (!isUnusable(error)) throw error;
      run.damage({ file, topic: name }, reasonOf(error));
    }
    await run.settle();
  }
  await run.settle();
  return reports;
}

async function verifyTopic(
  run: Verification,
  topic: string,
  clean: CleanSegments,
  offsets: CommittedOffsetsCheck,
  reports: PartitionReports,
): Promise<void> {
  const directory = joinPath("topics", topic);
  const present = run.disk.list(run.path(directory));
  const partitions = partitionNumbers(present);
  const count = partitionCount(run, topic, directory, partitions, offsets);
  if (count === undefined && partitions.length === 0) return;
  run.counts.topics++;
  for (const name of present) {
    if (name === "topic.json" || partitions.includes(Number(name))) continue;
    if (name === "topic.json.tmp") {
      run.note({ file: joinPath(directory, name), topic }, "left over from a crash");
      continue;
    }
    run.note({ file: joinPath(directory, name), topic }, "not a RustLog file; ignored");
  }
  for (let partition = 0; partition < (count ?? 0); partition++) {
    if (partitions.includes(partition)) continue;
    const where = { file: joinPath(directory, String(partition)), topic, partition };
    run.damage(where, "the directory of a partition is missing, and all its records with it");
  }
  for (const partition of partitions) {
    const where = joinPath(directory, String(partition));
    if (count !== undefined && partition >= count) {
      if (isEmpty(run.disk, run.path(where))) {
        const repair = removeDirectory(run.disk, run.path(directory), String(partition));
        const reason = "a partition that was being added; the next start removes it";
        run.note({ file: where, topic, partition }, reason, repair);
        continue;
      }
      const reason = `topic.json states ${count} partitions; this one is not served`;
      run.damage({ file: where, topic, partition }, reason);
    }
    const key = `${topic}/${partition}`;
    const place = { topic, partition, directory: where, clean: clean.get(key) };
    const isOffsets = topic === OFFSETS_TOPIC && partition === 0;
    const onRecord = isOffsets ? offsets.record.bind(offsets) : undefined;
    try {
      reports.set(key, await verifyPartition(run, place, onRecord));
    } catch (error) {
      if (!isUnusable(error)) throw error;
      run.damage({ file: where, topic, partition }, reasonOf(error));
    }
  }
}

/** Numbers of the partition directories, ascending. */
function partitionNumbers(names: readonly string[]): number[] {
  const numbers = names.filter((name) => PARTITION_NAME.test(name)).map(Number);
  return numbers.sort((a, b) => a - b);
}

/** The partition count in topic.json; undefined if it can't be read, which is reported. */
function partitionCount(
  run: Verification,
  topic: string,
  directory: string,
  partitions: readonly number[],
  offsets: CommittedOffsetsCheck,
): number | undefined {
  try {
    const description = readTopicFile(run.disk, run.path(directory), topic, run.directoryId);
    if (description !== undefined) {
      checkTopicName(topic);
      offsets.topicIds.set(topic, description.id);
      const { missing } = description;
      if (missing.length > 0) {
        const file = joinPath(directory, "topic.json");
        const added = missing.length > 1 ? "them" : "one";
        const reason = `it has no ${missing.join(" and no ")}; the next start adds ${added}`;
        run.note({ file, topic }, reason);
      }
      return description.partitions;
    }
  } catch (error) {
    run.damage({ file: joinPath(directory, "topic.json"), topic }, reasonOf(error));
    return undefined;
  }
  const hasLogs = partitions.some((partition) =>
    run
      .list(joinPath(directory, String(partition)))
      .some((name) => baseOffsetOfLogName(name) !== undefined),
  );
  if (hasLogs) {
    const reason =
      "it is missing, so the segments beside it are not served; write one as described in docs/STORAGE.md";
    run.damage({ file: joinPath(directory, "topic.json"), topic }, reason);
  } else run.note({ file: directory }, "not a topic: it has no topic.json; the broker ignores it");
  return undefined;
}
