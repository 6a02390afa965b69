// Changes of a topic's settings and partitions in one request: checked as a whole before anything changes.
import { expect, test } from "bun:test";
import { alterTopic } from "../../src/services/alter-topic.js";
import type { ConfigChange } from "../../src/services/configs.js";
import { codeOf } from "../support/log-fixture.js";
import { Random } from "../support/random.js";
import { openServices } from "../support/services.js";
import { SimulatedDisk } from "../support/simulated-disk.js";

const set = (name: string, value: string): ConfigChange => ({ name, operation: "set", value });
const unset = (name: string): ConfigChange => ({ name, operation: "delete", value: null });

async function setUp() {
  const disk = new SimulatedDisk(new Random(1));
  const context = await openServices({}, { disk });
  await context.registry.create("t", 2, { "retention.ms": "7", "segment.bytes": "4096" });
  const change = (changes: readonly ConfigChange[], partitions = 0, validateOnly = false) =>
    alterTopic(context, { topic: "t", changes, partitions, validateOnly });
  const now = () => {
    const { partitions, settings } = context.registry.find("t")!;
    return [partitions.length, settings];
  };
  return { context, disk, change, now };
}

test("settings are set and deleted, partitions are added; a validation only says so", async () => {
  const { context, change, now } = await setUp();
  const before = now();
  const changes = [set("retention.bytes", " 9"), unset("retention.ms"), unset("segment.ms")];
  const after = { "segment.bytes": "4096", "retention.bytes": "9" };
  const expected = {
    ...{ topicId: context.registry.find("t")!.id, settings: after },
    ...{ previousPartitions: 2, partitions: 3 },
    previousSettings: context.registry.find("t")!.settings,
  };
  expect(await change(changes, 3, true)).toEqual(expected);
  expect(now()).toEqual(before);
  expect(await change(changes, 3)).toEqual(expected);
  expect(now()).toEqual([3, after]);
  expect(await change([unset("retention.bytes")])).toMatchObject({
    ...{ previousPartitions: 3, partitions: 3 },
    settings: { "segment.bytes": "4096" },
  });
});

test("if one part is wrong, nothing changes", async () => {
  const { context, change, now } = await setUp();
  const before = now();
  const good = set("retention.ms", "9");
  const wrong: [Parameters<typeof change>, string][] = [
    [[[good, set("segment.bytes", "few")], 3], "INVALID_CONFIG"],
    [[[good, set("no.such", "1")], 3], "INVALID_CONFIG"],
    [[[good, unset("no.such")], 3], "INVALID_CONFIG"],
    [[[good, unset("retention.ms")], 3], "INVALID_REQUEST"],
    [[[good, good], 3], "INVALID_REQUEST"],
    [[[good], 2], "INVALID_PARTITIONS"],
    [[[good], 1], "INVALID_PARTITIONS"],
    [[[good], 10_001], "INVALID_PARTITIONS"],
    [[[]], "INVALID_REQUEST"],
  ];
  for (const [request, code] of wrong) {
    expect([request, await codeOf(() => change(...request))]).toEqual([request, code]);
  }
  await context.registry.create("__consumer_offsets", 1, {});
  for (const [topic, code] of [
    ["u", "UNKNOWN_TOPIC_OR_PARTITION"],
    ["a/b", "INVALID_TOPIC"],
    ["__consumer_offsets", "INVALID_TOPIC"],
  ] as const) {
    const request = { topic, changes: [good], partitions: 3, validateOnly: false };
    expect([topic, await codeOf(() => alterTopic(context, request))]).toEqual([topic, code]);
  }
  expect(now()).toEqual(before);
});

test("a full disk changes nothing", async () => {
  const { disk, change, now } = await setUp();
  const before = now();
  disk.setCapacity(0);
  expect(await codeOf(() => change([set("retention.ms", "9")], 3))).toBe("DISK_FULL");
  expect(now()).toEqual(before);
});
