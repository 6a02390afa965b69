// The values of topic settings: canonical forms and messages, as Kafka 4.4 gives them, and what this broker can't keep.
import { describe, expect, test } from "bun:test";
import { LONG_MAX } from "../../src/topics/config-value.js";
import { TOPIC_CONFIG_NAMES, TOPIC_CONFIGS, topicConfig } from "../../src/topics/topic-configs.js";
import {
  canonicalSettings,
  ownLimits,
  settingsBeyond,
  settingsWithin,
} from "../../src/topics/topic-settings.js";

const BOUNDS = { batchBytesHighest: 20_000, flush: { kind: "always" } } as const;

test("all configs that Kafka 4.4 reports are there, in order of their names", () => {
  expect(TOPIC_CONFIG_NAMES.length).toBe(37);
  expect([...TOPIC_CONFIG_NAMES].sort()).toEqual([...TOPIC_CONFIG_NAMES]);
});

test("each default and each only value is valid and canonical", () => {
  for (const name of TOPIC_CONFIG_NAMES) {
    const config = topicConfig(name);
    for (const value of [config?.default ?? LONG_MAX, ...(config?.only ?? [])]) {
      if (config?.field === undefined)
        expect(canonicalSettings({ [name]: value })[name]).toBe(value);
    }
  }
});

test("each config has a default, or one that the broker's options decide", () => {
  for (const name of TOPIC_CONFIG_NAMES) {
    const { default: value, synonyms = [] } = topicConfig(name) ?? {};
    expect([name, value !== undefined || synonyms.length > 0]).toEqual([name, true]);
  }
  expect(
    Object.values(TOPIC_CONFIGS).every(({ documentation }) => documentation.endsWith(".")),
  ).toBe(true);
});

describe("values", () => {
  test.each([
    ["retention.ms", " 5 ", "5"],
    ["retention.ms", "+5", "5"],
    ["retention.ms", "007", "7"],
    ["retention.ms", LONG_MAX, LONG_MAX],
    ["cleanup.policy", "delete,delete", "delete"],
    ["cleanup.policy", "compact, delete", "compact,delete"],
    ["cleanup.policy", "", ""],
    ["compression.type", " producer ", "producer"],
    ["preallocate", "TRUE", "true"],
    ["min.cleanable.dirty.ratio", "1", "1.0"],
    ["min.cleanable.dirty.ratio", ".25", "0.25"],
    ["leader.replication.throttled.replicas", "*", "*"],
    ["leader.replication.throttled.replicas", "0:1, 1:1", "0:1,1:1"],
    ["leader.replication.throttled.replicas", "", ""],
    ["compression.gzip.level", "-1", "-1"],
  ])("%s=%j is stored as %j", (name, text, stored) => {
    expect(canonicalSettings({ [name]: text })).toEqual({ [name]: stored });
  });

  const throttled =
    "leader.replication.throttled.replicas must be the literal '*' or a list of replicas in the following format: " +
    "[partitionId]:[brokerId],[partitionId]:[brokerId],...";

  test.each([
    ["nope", "1", "Unknown topic config name: nope"],
    [
      "retention.ms",
      "x",
      "Invalid value x for configuration retention.ms: Not a number of type LONG",
    ],
    [
      "retention.ms",
      "",
      "Invalid value  for configuration retention.ms: Not a number of type LONG",
    ],
    [
      "retention.ms",
      "1.5",
      "Invalid value 1.5 for configuration retention.ms: Not a number of type LONG",
    ],
    [
      "retention.ms",
      "9223372036854775808",
      "Invalid value 9223372036854775808 for configuration retention.ms: Not a number of type LONG",
    ],
    [
      "retention.ms",
      "-2",
      "Invalid value -2 for configuration retention.ms: Value must be at least -1",
    ],
    [
      "max.message.bytes",
      "99999999999",
      "Invalid value 99999999999 for configuration max.message.bytes: Not a number of type INT",
    ],
    ["segment.ms", "0", "Invalid value 0 for configuration segment.ms: Value must be at least 1"],
    [
      "cleanup.policy",
      "foo",
      "Invalid value foo for configuration cleanup.policy: String must be one of: compact, delete",
    ],
    ["cleanup.policy", "delete,", "Configuration 'cleanup.policy' values must not be empty."],
    [
      "compression.type",
      "lz5",
      "Invalid value lz5 for configuration compression.type: " +
        "String must be one of: uncompressed, zstd, lz4, snappy, gzip, producer",
    ],
    [
      "compression.gzip.level",
      "0",
      "Invalid value 0 for configuration compression.gzip.level: Value must be between 1 and 9 or equal to -1",
    ],
    [
      "compression.lz4.level",
      "18",
      "Invalid value 18 for configuration compression.lz4.level: Value must be no more than 17",
    ],
    [
      "min.cleanable.dirty.ratio",
      "2",
      "Invalid value 2.0 for configuration min.cleanable.dirty.ratio: Value must be no more than 1",
    ],
    [
      "min.cleanable.dirty.ratio",
      "y",
      "Invalid value y for configuration min.cleanable.dirty.ratio: Not a number of type DOUBLE",
    ],
    [
      "preallocate",
      "yes",
      "Invalid value yes for configuration preallocate: Expected value to be either true or false",
    ],
    [
      "leader.replication.throttled.replicas",
      "*, 0:1",
      `Invalid value [*, 0:1] for configuration leader.replication.throttled.replicas: ${throttled}`,
    ],
    [
      "follower.replication.throttled.replicas",
      "0:1,".repeat(8_192),
      `Invalid value ${"0:1,".repeat(25)}… for configuration follower.replication.throttled.replicas: ` +
        "Value must have at most 32767 characters",
    ],
  ])("%s=%j is refused in Kafka's words", (name, value, message) => {
    expect(() => canonicalSettings({ [name]: value })).toThrow(
      expect.objectContaining({ code: "INVALID_CONFIG", message }),
    );
  });

  test.each([
    ["compression.type", "zstd", "producer"],
    ["min.insync.replicas", "2", "1"],
    ["remote.storage.enable", "true", "false"],
  ])("%s=%j is refused, because the broker does nothing about it", (name, value, only) => {
    expect(() => canonicalSettings({ [name]: value })).toThrow(
      `configuration ${name}: this broker supports only ${only}`,
    );
  });

  test("a long name or value is shortened in the message", () => {
    for (const settings of [{ ["n".repeat(1e6)]: "" }, { "retention.ms": "9".repeat(1e6) }]) {
      expect(() => canonicalSettings(settings)).toThrow(/^.{100,200}$/);
    }
  });

  test("a negative size is no limit", () => {
    expect(ownLimits({ "retention.bytes": "-9223372036854775808" })).toEqual({
      retentionBytes: -1,
    });
  });

  test("the lags of compaction must fit together", () => {
    const lags = { "min.compaction.lag.ms": "10", "max.compaction.lag.ms": "5" };
    expect(() => settingsWithin(BOUNDS, lags)).toThrow(
      "conflict topic config setting min.compaction.lag.ms (10) > max.compaction.lag.ms (5)",
    );
    expect(settingsWithin(BOUNDS, { "min.compaction.lag.ms": LONG_MAX })).toBeObject();
  });

  test.each([
    ["delete", true, false],
    ["compact", false, true],
    ["delete,compact", true, true],
    ["", false, false],
  ])("cleanup.policy=%s deletes: %p, compacts: %p", (policy, deletes, compacts) => {
    expect(ownLimits({ "cleanup.policy": policy })).toEqual({ deletes, compacts });
  });

  test("Kafka's largest number is no limit", () => {
    expect(ownLimits({ "retention.ms": LONG_MAX, preallocate: "true" })).toEqual({
      retentionMs: Number.MAX_SAFE_INTEGER,
    });
  });
});

describe("what the broker's options prevent", () => {
  test("a batch that fits no request", () => {
    const settings = { "max.message.bytes": "20001" };
    const why =
      "a request of this broker has room for a batch of 20000 bytes; raise --max-frame-bytes";
    expect(() => settingsWithin(BOUNDS, settings)).toThrow(why);
    expect(settingsBeyond(BOUNDS, settings)).toEqual([
      `max.message.bytes=20001 has no effect: ${why}`,
    ]);
    expect(settingsWithin(BOUNDS, { "max.message.bytes": "20000" })).toBeObject();
    expect(settingsBeyond(BOUNDS, { "max.message.bytes": "20000", preallocate: "true" })).toEqual(
      [],
    );
  });

  test.each([
    [{ kind: "always" } as const, { "flush.messages": "1", "flush.ms": "0" }, {}],
    [
      { kind: "interval", ms: 100 } as const,
      { "flush.messages": LONG_MAX, "flush.ms": "100" },
      { "flush.messages": "1", "flush.ms": "99" },
    ],
    [
      { kind: "never" } as const,
      { "flush.messages": LONG_MAX, "flush.ms": LONG_MAX },
      { "flush.messages": "1000000", "flush.ms": "1000000" },
    ],
  ])("more flushes than with --flush %j", (flush, kept, broken) => {
    const bounds = { ...BOUNDS, flush };
    expect(settingsWithin(bounds, kept as Record<string, string>)).toEqual(kept);
    for (const [name, value] of Object.entries(broken)) {
      expect(() => settingsWithin(bounds, { [name]: value })).toThrow(
        "flushes less often (--flush",
      );
    }
  });
});
