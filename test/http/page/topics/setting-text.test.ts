// Values of settings in words, and as they may be written: what is written is read as the same value.
import { expect, test } from "bun:test";
import {
  retentionText,
  settingHint,
  settingInput,
  settingMeaning,
  settingText,
} from "../../../../src/http/page/topics/setting-text.js";
import { TOPIC_CONFIGS } from "../../../../src/topics/topic-configs.js";
import { inUnits } from "../../../../src/topics/setting-units.js";

const LONG_MAX = "9223372036854775807";

test.each([
  ["retention.ms", "604800000", "7 days", "7d"],
  ["retention.ms", "5400000", "90 minutes", "90m"],
  ["retention.ms", "1500", "1,500 ms", "1500ms"],
  ["retention.ms", "86400000", "1 day", "1d"],
  ["retention.ms", "-1", "no limit", "none"],
  ["max.compaction.lag.ms", LONG_MAX, "no limit", "none"],
  ["min.compaction.lag.ms", "0", "0 ms", "0"],
  ["retention.bytes", "-1", "no limit", "none"],
  ["retention.bytes", "1073741824", "1 GiB", "1GiB"],
  ["segment.bytes", "1000000", "1,000,000 bytes", "1000000"],
  ["max.message.bytes", "1", "1 byte", "1"],
  ["local.retention.ms", "-2", "-2", "-2"],
  ["min.cleanable.dirty.ratio", "0.5", "0.5", "0.5"],
  ["cleanup.policy", "compact,delete", "compact,delete", "compact,delete"],
  ["leader.replication.throttled.replicas", "", "none", ""],
])("%s %s is %s, and %s in a field", (name, value, text, input) => {
  expect(settingText(name, value)).toBe(text);
  expect(settingInput(name, value)).toBe(input);
  expect(inUnits(name, input)).toBe(value);
});

test.each([
  [{ cleanup: "delete", retentionMs: 259_200_000, retentionBytes: -1 }, "3 days"],
  [{ cleanup: "delete", retentionMs: -1, retentionBytes: 1024 }, "1 KiB per partition"],
  [
    { cleanup: "compact,delete", retentionMs: 1000, retentionBytes: 2 ** 30 },
    "1 second, 1 GiB per partition",
  ],
  [{ cleanup: "compact", retentionMs: 1000, retentionBytes: 1 }, "no limit"],
  [{ cleanup: "delete", retentionMs: Number.MAX_SAFE_INTEGER, retentionBytes: -1 }, "no limit"],
])("the retention of %j is %s", (topic, text) => {
  expect(retentionText(topic)).toBe(text);
});

test("what a setting means is told without another way to write its value", () => {
  expect(settingMeaning(TOPIC_CONFIGS["retention.ms"].documentation)).toBe(
    "Age of its newest record at which a segment is deleted.",
  );
  expect(settingMeaning(TOPIC_CONFIGS["delete.retention.ms"].documentation)).toBe(
    "How long a compacted topic keeps a tombstone after its first compaction. Others keep it like other records.",
  );
  for (const { documentation } of Object.values(TOPIC_CONFIGS)) {
    expect(settingMeaning(documentation)).not.toMatch(/in milliseconds|in bytes|-1|negative/);
  }
});

test("none is offered for the settings that take it", () => {
  for (const [name, { type }] of Object.entries(TOPIC_CONFIGS)) {
    if (!/\.(ms|bytes)$/.test(name)) continue;
    const isOffered = settingHint(name, type).endsWith("none for no limit");
    expect([name, isOffered]).toEqual([name, inUnits(name, "none") !== "none"]);
  }
});
