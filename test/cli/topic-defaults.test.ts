// The broker's flags for topics that have no settings of their own. Leaves to others: what the settings do.
import { expect, test } from "bun:test";
import { resolveOptions } from "../../src/broker/options.js";
import { brokerCommand } from "../../src/cli/broker.js";
import { withTopicDefaults } from "../../src/cli/topic-defaults.js";
import { logDefaults } from "../../src/topics/topic-defaults.js";
import { isActive, TOPIC_CONFIG_NAMES, TOPIC_CONFIGS } from "../../src/topics/topic-configs.js";
import { flagOf } from "../../src/broker/broker-configs.js";

/** The options of a broker that is started with these flags, or the error of the command line. */
async function started(...flags: string[]) {
  const command = brokerCommand().configureOutput({ outputError: () => {} });
  let options: ReturnType<typeof resolveOptions> | undefined;
  command.action((given) => {
    const { dataDir, ...others } = withTopicDefaults(command, given as { dataDir: string });
    const known = ["segmentBytes", "segmentMs", "retentionBytes", "retentionMs", "maxBatchBytes"];
    const picked = Object.entries(others).filter(([name]) => known.includes(name));
    const { topicDefaults } = others;
    options = resolveOptions({ dataDir, ...Object.fromEntries(picked), topicDefaults });
  });
  await command.parseAsync(flags, { from: "user" });
  return options!;
}

const failure = async (...flags: string[]): Promise<string> => {
  try {
    await started(...flags);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return "";
};

test("every setting that the broker acts on has a flag, in Kafka's words, with units", async () => {
  const flags = brokerCommand().options.map(({ long }) => long);
  const active = TOPIC_CONFIG_NAMES.filter((name) => isActive(TOPIC_CONFIGS[name]));
  const missing = active.filter((name) => !flags.includes(`--${flagOf(name)}`));
  expect(missing).toEqual(["max.message.bytes"]);
  const options = await started(
    ...["--message-timestamp-type", "LogAppendTime", "--message-timestamp-after-max-ms", "2h"],
    ...["--retention-ms", "1d", "--message-timestamp-before-max-ms", "none"],
    ...["--cleanup-policy", "compact, delete", "--min-cleanable-dirty-ratio", ".25"],
  );
  expect(logDefaults(options, options.topicDefaults)).toMatchObject({
    timestampType: "LogAppendTime",
    timestampAfterMaxMs: 7_200_000,
    timestampBeforeMaxMs: Number.MAX_SAFE_INTEGER,
    retentionMs: 86_400_000,
    compacts: true,
    minDirtyRatio: 0.25,
  });
});

test("--topic-config takes any of them, by the names of Kafka's topics and brokers", async () => {
  const options = await started(
    ...["--topic-config", "retention.ms=7d message.max.bytes=1MiB"],
    ...["--topic-config", "log.message.timestamp.type=LogAppendTime"],
    ...["--topic-config", "log.roll.hours=3", "--segment-bytes", "1MiB"],
  );
  expect(options).toMatchObject({
    retentionMs: 604_800_000,
    segmentMs: 10_800_000,
    segmentBytes: 2 ** 20,
    maxBatchBytes: 2 ** 20,
    topicDefaults: { "message.timestamp.type": "LogAppendTime" },
  });
  expect((await started("--topic-config", "log.retention.hours=-1")).retentionMs).toBe(-1);
});

test.each([
  [["--topic-config", "retention=1"], "Unknown topic config name: retention"],
  [["--topic-config", "retention.ms=soon"], "Not a number of type LONG"],
  [["--topic-config", "preallocate=true"], "preallocate can't be set for all topics"],
  [
    ["--topic-config", "retention.ms=1", "--retention-ms", "1"],
    "--retention-ms and --topic-config retention.ms set the same default",
  ],
  [
    ["--topic-config", "log.retention.hours=1", "--topic-config", "retention.ms=1"],
    "log.retention.hours and retention.ms set the same default",
  ],
  [
    ["--topic-config", "message.timestamp.type=CreateTime", "--message-timestamp-type=CreateTime"],
    "message.timestamp.type is set twice",
  ],
  [["--message-timestamp-type", "Both"], "String must be one of: CreateTime, LogAppendTime"],
  [["--message-timestamp-after-max-ms", "-1"], "Value must be at least 0"],
])("%j is refused", async (flags, why) => {
  expect(await failure(...flags)).toContain(why);
});
