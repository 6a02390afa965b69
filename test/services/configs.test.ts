// Configs of topics, with plain values. Leaves to others: the answers to Kafka's clients
// (protocol/kafka/configs.test.ts), and the values (topics/topic-configs.test.ts).
import { expect, test } from "bun:test";
import { changeTopicConfigs, describeTopicConfigs } from "../../src/services/configs.js";
import { codeOf } from "../support/log-fixture.js";
import { Random } from "../support/random.js";
import { openServices } from "../support/services.js";
import { SimulatedDisk } from "../support/simulated-disk.js";

const APPLY = { validateOnly: false };

function set(name: string, value: string) {
  return { name, operation: "set", value } as const;
}

test("changes of one topic at the same time don't undo each other", async () => {
  const context = await openServices();
  await context.registry.create("t", 1, {});
  await Promise.all([
    changeTopicConfigs(context, "t", [set("retention.ms", "1")], APPLY),
    changeTopicConfigs(context, "t", [set("retention.bytes", "2")], APPLY),
  ]);
  expect(context.registry.find("t")?.settings).toEqual({
    "retention.ms": "1",
    "retention.bytes": "2",
  });
});

test("topics share the description of what they don't set", async () => {
  const context = await openServices();
  await context.registry.create("a", 1, { "retention.ms": "1" });
  await context.registry.create("b", 1, {});
  const [a, b] = ["a", "b"].map((topic) => describeTopicConfigs(context, topic));
  const differing = a?.filter((config, i) => config !== b?.[i]);
  expect(differing?.map(({ name, value, source }) => [name, value, source])).toEqual([
    ["retention.ms", "1", "topic"],
  ]);
});

test("settings of a topic whose file is damaged are not made up", async () => {
  const disk = new SimulatedDisk(new Random(1));
  const first = await openServices({}, { disk });
  await first.registry.create("t", 1, { "retention.ms": "1" });
  await disk.writeFile("data/topics/t/topic.json", new TextEncoder().encode("{"));
  const context = await openServices({}, { disk });
  expect(await codeOf(async () => describeTopicConfigs(context, "t"))).toBe("STORAGE_ERROR");
  const change = () => changeTopicConfigs(context, "t", [set("retention.ms", "1")], APPLY);
  expect(await codeOf(change)).toBe("STORAGE_ERROR");
  const validation = () =>
    changeTopicConfigs(context, "t", [set("retention.ms", "1")], { validateOnly: true });
  expect(await codeOf(validation)).toBe("STORAGE_ERROR");
});

test("a change that can't be stored is not made", async () => {
  const disk = new SimulatedDisk(new Random(1));
  const context = await openServices({}, { disk });
  await context.registry.create("t", 1, {});
  disk.setCapacity(0);
  const change = () => changeTopicConfigs(context, "t", [set("retention.ms", "1")], APPLY);
  expect(await codeOf(change)).toBe("DISK_FULL");
  expect(context.registry.find("t")?.settings).toEqual({});
});
