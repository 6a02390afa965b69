// The stops of the guided tour: what they say of a partition, and where they point.
import { expect, test } from "bun:test";
import { LogShape } from "../../../../src/http/page/log/log-shape.js";
import { emptyTour, type TourFacts, tourStory } from "../../../../src/http/page/tour/tour-steps.js";
import type { TopicState } from "../../../../src/http/page/wire.js";

const TOPIC: TopicState = {
  ...{ name: "orders", id: "1", internal: false, partitions: 3, cleanup: "delete" },
  ...{ retentionMs: 604_800_000, retentionBytes: -1, offline: [] },
};

/** Two segments of 1,000 bytes: offsets 0 to 99 and, without the last ten flushed, 100 to 199. */
function shape(): LogShape {
  const made = new LogShape({
    ...{ topic: "orders", partition: 1, firstBase: 0, logStart: 0, highWatermark: 190 },
    ...{ endSegment: 100, endPosition: 900, logEnd: 200, activeBase: 100, activeBytes: 1000 },
    ...{ sealedCount: 1, sealedBytes: 1000, revision: 0, compactedTo: null },
  });
  made.add({ bases: [0, 100], bytes: [1000, 1000], hasMore: false }, -1);
  return made;
}

function factsOf(more: Partial<TourFacts> = {}): TourFacts {
  const facts = { topic: TOPIC, partition: 1, shape: shape(), flush: "always" };
  return { ...facts, sample: undefined, group: undefined, ...more };
}

test("has eight stops on the partition, each with something to read", () => {
  const { steps } = tourStory(factsOf());
  expect(steps).toHaveLength(8);
  for (const { title, text, place } of steps) {
    expect(title).not.toBe("");
    expect(text.length).toBeGreaterThan(100);
    expect(place).toMatchObject({ topic: "orders", partition: 1 });
  }
});

test("names the files, and points to what it explains", () => {
  const { steps } = tourStory(factsOf());
  expect(steps[1]?.lines).toEqual([
    "00000000000000000000.log: sealed, 1000 B",
    "00000000000000000100.log: active, 1000 B",
  ]);
  expect(steps[1]?.place?.highlights[0]?.span).toEqual({ from: 1000, to: 2000 });
  expect(steps[4]?.lines).toEqual(["10 records not flushed yet"]);
  expect(steps[4]?.place?.highlights[0]?.span).toEqual({ from: 1900, to: 2000 });
  expect(steps[5]?.text).toContain("at offset 190 now");
});

test.each([
  ["always", "a power failure"],
  ["never", "only when a segment is sealed"],
  ["every 100 ms", "on a schedule (every 100 ms)"],
])("says what an acknowledgement promises with flush %s", (flush, words) => {
  expect(tourStory(factsOf({ flush })).steps[4]?.text).toContain(words);
});

test("tells of a group that reads the partition, and leads to it", () => {
  const group = { group: "billing", topic: "orders", partition: 1, offset: 90, lag: 100 };
  const story = tourStory(factsOf({ group: { ...group, member: null, reader: null } }));
  expect(story.steps[6]?.lines[0]).toBe("billing: committed 90, lag 100");
  expect(story.steps[6]?.link?.href).toBe("#/groups/billing");
});

test("says how the topic deletes", () => {
  const last = (more: Partial<TopicState>): string =>
    tourStory(factsOf({ topic: { ...TOPIC, ...more } })).steps[7]?.text ?? "";
  expect(last({})).toContain("the oldest first. It is not compacted");
  expect(last({ retentionMs: -1 })).toContain("nothing is deleted");
  expect(last({ cleanup: "compact" })).toContain("It is compacted");
});

test("without records it says how to begin", () => {
  expect(emptyTour(true).steps[0]?.link?.href).toBe("#/produce");
  expect(emptyTour(false).steps[0]?.link).toBe(undefined);
});
