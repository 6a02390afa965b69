// What retention would delete under other settings: the same as it deletes once they are set.
import { expect, test } from "bun:test";
import { changeTopicConfigs, type ConfigChange } from "../../src/services/configs.js";
import { retentionForecast } from "../../src/services/retention-forecast.js";
import { batchOf, codeOf } from "../support/log-fixture.js";
import { openServices } from "../support/services.js";

const VALUE = "x".repeat(600);
const NOW = 1_000_000;
const { signal } = new AbortController();

const set = (name: string, value: string): ConfigChange => ({ name, operation: "set", value });

/** A topic with five segments of one record in partition 0, 100 s apart, and one record in partition 1. */
async function setUp(settings: Readonly<Record<string, string>> = {}) {
  const context = await openServices({}, { now: () => NOW });
  const own = { "segment.bytes": "1024", "cleanup.policy": "delete", ...settings };
  const { online } = await context.registry.create("a", 2, own);
  for (let i = 0; i < 5; i++) {
    await online[0]!.append(batchOf([VALUE], NOW - 500_000 + i * 100_000));
  }
  await online[1]!.append(batchOf(["y"], NOW - 200_000));
  const bytes = online[0]!.layout.segments.sealed[0]!.fileBytes;
  return { context, online, bytes };
}

test.each([
  ["by age", [set("retention.ms", "250000")], 3],
  ["up to the age of the newest record, also of an active segment", [set("retention.ms", "1")], 6],
  ["by size", [set("retention.bytes", "1500")], 2],
  ["by whichever is more", [set("retention.bytes", "1500"), set("retention.ms", "350000")], 2],
  ["nothing, if nothing is old", [set("retention.ms", "600000")], 0],
  ["nothing without a limit", [set("retention.ms", "-1"), set("retention.bytes", "-1")], 0],
  ["nothing, if the topic is only compacted", [set("cleanup.policy", "compact")], 0],
] as const)("%s", async (_, changes, segments) => {
  const { context, online } = await setUp();
  const forecast = await retentionForecast(context, "a", changes, signal);
  const before = sumOf(online);
  expect(forecast).toMatchObject({ segments, records: segments, unknown: 0 });
  expect(sumOf(online)).toEqual(before);
  await changeTopicConfigs(context, "a", changes, { validateOnly: false });
  await context.registry.applyRetention();
  const after = sumOf(online);
  expect(forecast.bytes).toBe(before.bytes - after.bytes);
  expect(forecast.records).toBe(after.logStarts - before.logStarts);
});

function sumOf(partitions: Awaited<ReturnType<typeof setUp>>["online"]) {
  return {
    bytes: partitions.reduce((sum, partition) => sum + partition.bytes, 0),
    logStarts: partitions.reduce((sum, { logStartOffset }) => sum + logStartOffset, 0),
  };
}

test("counts partitions that lose records, and those that nothing is known of", async () => {
  const { context, online, bytes } = await setUp();
  const changes = [set("retention.ms", "250000")];
  const forecast = await retentionForecast(context, "a", changes, signal);
  expect(forecast).toEqual({
    segments: 3,
    bytes: 3 * bytes,
    records: 3,
    partitions: 1,
    unknown: 0,
  });
  await online[1]!.closeCleanly();
  const unknown = await retentionForecast(context, "a", changes, signal);
  expect(unknown).toMatchObject({ segments: 3, partitions: 1, unknown: 1 });
});

test("is refused as the change would be", async () => {
  const { context } = await setUp();
  const ask = (name: string, value: string, topic = "a") =>
    codeOf(() => retentionForecast(context, topic, [set(name, value)], signal));
  expect(await ask("retention.ms", "soon")).toBe("INVALID_CONFIG");
  expect(await ask("retention.ms", "1", "b")).toBe("UNKNOWN_TOPIC_OR_PARTITION");
  expect(await ask("retention.ms", "1", "__consumer_offsets")).toBe("INVALID_TOPIC");
});
