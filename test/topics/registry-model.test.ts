// Random operations on topics agree with a table in memory, after each of them and after a crash.
// Leaves to others: crashes in the middle of an operation (log/simulation.test.ts, topics/topic-change.test.ts).
import { test, expect } from "bun:test";
import fc from "fast-check";
import type { TopicRegistry } from "../../src/topics/topic-registry.js";
import { codeOf } from "../support/log-fixture.js";
import { newDisk, open } from "../support/registry-fixture.js";

interface ModelTopic {
  readonly id: string;
  readonly partitions: number;
  readonly settings: Readonly<Record<string, string>>;
}

type Model = Map<string, ModelTopic>;

/** An operation: what it should do to the model, or the code of its error. */
type Operation = (registry: TopicRegistry, model: Model) => Promise<[did: unknown, due: unknown]>;

const name = fc.constantFrom("a", "b.c", "__d");
const count = fc.integer({ min: -1, max: 4 });
const settings = fc.constantFrom<Record<string, string>>(
  {},
  { "segment.ms": "5" },
  { "retention.bytes": "-1", "segment.bytes": "2048" },
  { "segment.ms": "0" },
);
const isValid = (own: Record<string, string>): boolean => own["segment.ms"] !== "0";

const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.tuple(name, count, settings).map(([topic, partitions, own]): Operation => {
    return async (registry, model) => {
      let due: string | undefined;
      if (model.has(topic)) due = "TOPIC_ALREADY_EXISTS";
      else if (!isValid(own)) due = "INVALID_CONFIG";
      else if (partitions < 0) due = "INVALID_PARTITIONS";
      const checked = await codeOf(() => registry.checkCreation(topic, partitions, own));
      const did = await codeOf(async () => {
        const { id } = await registry.create(topic, partitions, own);
        // The registry of these tests creates three by default.
        model.set(topic, { id, partitions: partitions === 0 ? 3 : partitions, settings: own });
      });
      return [
        [checked, did],
        [due, due],
      ];
    };
  }),
  fc.tuple(name, settings).map(([topic, own]): Operation => {
    return async (registry, model) => {
      const now = model.get(topic);
      const fault = isValid(own) ? undefined : "INVALID_CONFIG";
      const due = now === undefined ? "UNKNOWN_TOPIC_OR_PARTITION" : fault;
      const did = await codeOf(() => registry.alterSettings(topic, own));
      if (now !== undefined && due === undefined) model.set(topic, { ...now, settings: own });
      return [did, due];
    };
  }),
  fc.tuple(name, count).map(([topic, total]): Operation => {
    return async (registry, model) => {
      const now = model.get(topic);
      const fault = now !== undefined && total > now.partitions ? undefined : "INVALID_PARTITIONS";
      const due = now === undefined ? "UNKNOWN_TOPIC_OR_PARTITION" : fault;
      const checked = await codeOf(() => registry.checkPartitions(topic, total));
      const did = await codeOf(() => registry.addPartitions(topic, total));
      if (now !== undefined && due === undefined) model.set(topic, { ...now, partitions: total });
      return [
        [checked, did],
        [due, due],
      ];
    };
  }),
  fc.tuple(name, fc.boolean()).map(([topic, isOther]): Operation => {
    return async (registry, model) => {
      const now = model.get(topic);
      const isKnown = now !== undefined && !isOther;
      const id = isOther ? crypto.randomUUID() : undefined;
      const did = await codeOf(() => registry.delete(topic, id));
      if (isKnown) {
        model.delete(topic);
        expect(registry.byId(now.id)).toBeUndefined();
      }
      return [did, isKnown ? undefined : "UNKNOWN_TOPIC_OR_PARTITION"];
    };
  }),
);

function compare(registry: TopicRegistry, model: Model): void {
  const found = registry.list().map((topic) => {
    expect(registry.byId(topic.id)).toBe(topic);
    expect(topic.online.map(({ index }) => index)).toEqual(topic.partitions.map((_, i) => i));
    const { id, settings: own } = topic;
    return [topic.name, { id, partitions: topic.partitions.length, settings: own }];
  });
  expect(new Map(found as [string, ModelTopic][])).toEqual(model);
  const total = [...model.values()].reduce((sum, { partitions }) => sum + partitions, 0);
  expect(registry.partitionCount).toBe(total);
}

test("random operations agree with the model, and survive a crash", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { maxLength: 25 }), fc.nat(), async (operations, seed) => {
      const disk = await newDisk(seed);
      const model: Model = new Map();
      let registry = await open(disk);
      for (const run of operations) {
        const [did, due] = await run(registry, model);
        expect(did).toEqual(due);
        compare(registry, model);
      }
      disk.restart();
      registry = await open(disk);
      compare(registry, model);
    }),
    { numRuns: 60 },
  );
});
