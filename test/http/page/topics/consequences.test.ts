// What changes of a topic lead to, in words.
import { expect, test } from "bun:test";
import {
  compactionText,
  creationConsequences,
  groupNames,
  partitionConsequences,
  settingConsequences,
  trimConsequence,
} from "../../../../src/http/page/topics/consequences.js";
import type {
  AlterOutcome,
  CompactionReport,
  CompactionRow,
} from "../../../../src/http/page/topics/topic-wire.js";

const TOPIC = { retentionCheckMs: 300_000, bytes: 20 * 2 ** 30, records: 5000 };
const NOTHING = { segments: 0, bytes: 0, records: 0, partitions: 0, unknown: 0 };

function outcome(
  name: string,
  before: string,
  after: string,
  deletes: Partial<AlterOutcome["deletes"]> | null,
): AlterOutcome {
  return {
    settings: [{ name, before, after, source: "topic" }],
    ...{ previousPartitions: 1, partitions: 1 },
    deletes: deletes === null ? null : { ...NOTHING, ...deletes },
  };
}

test("shorter retention says how much is deleted, when, and from what age on", () => {
  const deletes = { segments: 12, bytes: 12 * 2 ** 30, records: 3400, partitions: 3, unknown: 1 };
  const change = outcome("retention.ms", "604800000", "259200000", deletes);
  expect(settingConsequences(change, TOPIC)).toEqual([
    "About 12 GiB will be deleted at the next check, within 5 minutes: " +
      "3,400 records in 12 segments of 3 partitions, those older than 3 days.",
    "Of 1 more partition it can't be told: offline or damaged.",
  ]);
  const bySize = outcome("retention.bytes", "-1", "1024", { ...deletes, unknown: 0 });
  expect(settingConsequences(bySize, TOPIC)[0]).toEndWith("of 3 partitions.");
  const longer = outcome("retention.ms", "1000", "2000", {});
  expect(settingConsequences(longer, TOPIC)).toEqual([
    "No records are old or large enough to be deleted by this now.",
  ]);
});

test("other settings say what they change", () => {
  const compacted = outcome("cleanup.policy", "delete", "compact", {});
  expect(settingConsequences(compacted, TOPIC)[1]).toContain("only the last record of each key");
  const smaller = outcome("max.message.bytes", "2048", "1024", null);
  expect(settingConsequences(smaller, TOPIC)[0]).toContain("will be refused");
  const larger = outcome("max.message.bytes", "1024", "2048", null);
  expect(settingConsequences(larger, TOPIC)).toEqual([]);
  const segments = outcome("segment.bytes", "1024", "2048", null);
  expect(settingConsequences(segments, TOPIC)[0]).toContain("new segments");
});

test("a creation says what the topic will have, and of a name that is easily mistaken", () => {
  const topic = { name: "a.b", partitions: 3, settings: [], similar: null };
  expect(creationConsequences(topic, true)).toEqual([
    "a.b will have 3 partitions, the broker's default. All settings are the broker's.",
  ]);
  const settings = [{ name: "retention.ms", value: "259200000" }];
  expect(creationConsequences({ ...topic, settings, similar: "a_b" }, false)).toEqual([
    "a.b will have 3 partitions. retention.ms 3 days; other settings are the broker's.",
    "There is a topic a_b: Kafka's metrics can't tell the two names apart.",
  ]);
});

test("more partitions warn that keys move", () => {
  const [added, keys] = partitionConsequences({ previousPartitions: 3, partitions: 6 }, 1200);
  expect(added).toBe("3 partitions will be added. This can't be undone.");
  expect(keys).toContain("the 1,200 records written so far stay where they are");
});

test("a trim says how many records and bytes are lost, and what is freed", () => {
  const row = { partition: 0, logStart: 0, offset: 100, records: 100, bytes: 4096 };
  const plan = (...rows: (typeof row & { freedBytes: number })[]) => ({ id: "", partitions: rows });
  expect(trimConsequence(plan({ ...row, freedBytes: 4096 }))).toBe(
    "100 records (4 KiB) of 1 partition will be deleted and can't be read any more. 4 KiB on disk is freed.",
  );
  const part = plan({ ...row, freedBytes: 1024 });
  expect(trimConsequence(part)).toEndWith(
    "1 KiB on disk is freed at once, the rest with the segments that hold it.",
  );
  expect(trimConsequence(plan())).toBe("Nothing is before that place.");
});

test("a compaction says how far it is, and what it has saved", () => {
  const row: CompactionRow = {
    ...{ partition: 4, state: "running", doneBytes: 57, totalBytes: 100, durationMs: 0 },
    ...{ recordsBefore: 0, recordsAfter: 0, bytesBefore: 0, bytesAfter: 0, error: null },
  };
  const report: CompactionReport = {
    ...{ isDone: false, partitions: 12, done: 3, failed: 0, durationMs: 1234, rows: [row] },
    ...{ recordsBefore: 200, recordsAfter: 97, bytesBefore: 2048, bytesAfter: 1024 },
  };
  expect(compactionText(report)).toBe("partition 4 (4 of 12), 57 %");
  expect(compactionText({ ...report, rows: [] })).toBe("waiting for another compaction");
  expect(compactionText({ ...report, isDone: true })).toBe(
    "Removed 103 records and 1 KiB (50 %) in 1.23 s",
  );
  expect(compactionText({ ...report, isDone: true, bytesBefore: 0, failed: 1 })).toBe(
    "Nothing to compact; 1 partition failed",
  );
});

test("a few groups are named", () => {
  const names = ["a", "b", "c", "d", "e", "f", "g"];
  expect(groupNames([], false)).toBeUndefined();
  expect(groupNames(["a", "b"], false)).toBe("a, b");
  expect(groupNames(["a", "b"], true)).toBe("a, b and more");
  expect(groupNames(names, false)).toBe("a, b, c, d, e and 2 more groups");
  expect(groupNames(names, true)).toBe("a, b, c, d, e and at least 2 more groups");
});
