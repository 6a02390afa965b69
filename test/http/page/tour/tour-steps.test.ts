// The stops of the guided tour: what they say of logs and groups, and where they point.
import { expect, test } from "bun:test";
import { LogShape } from "../../../../src/http/page/log/log-shape.js";
import type { Step } from "../../../../src/http/page/log/player.js";
import { emptyTour, type TourFacts, tourStory } from "../../../../src/http/page/tour/tour-steps.js";
import type { GroupOffset, PartitionState, TopicState } from "../../../../src/http/page/wire.js";
import type { LookupExplanation } from "../../../../src/inspection/lookup-explanation.js";

const WORDS_MAX = 75;

const TOPIC: TopicState = {
  ...{ name: "orders", id: "1", internal: false, partitions: 3, cleanup: "delete" },
  ...{ retentionMs: 604_800_000, retentionBytes: -1, offline: [] },
};
const CUSTOMERS: TopicState = { ...TOPIC, name: "customers", id: "2", cleanup: "compact" };

/** Two segments of 1,000 bytes: offsets 0 to 99 and, without the last ten flushed, 100 to 199. */
function shape(more: Partial<PartitionState> = {}): LogShape {
  const made = new LogShape({
    ...{ topic: "orders", partition: 1, firstBase: 0, logStart: 0, highWatermark: 190 },
    ...{ endSegment: 100, endPosition: 900, logEnd: 200, activeBase: 100, activeBytes: 1000 },
    ...{ sealedCount: 1, sealedBytes: 1000, revision: 0, newestMs: null, compactedTo: null },
    ...more,
  });
  made.add({ bases: [0, 100], bytes: [1000, 1000], hasMore: false }, -1);
  return made;
}

/** One segment, flushed. */
function single(): LogShape {
  const one = { activeBase: 0, endSegment: 0, endPosition: 1000, sealedCount: 0, sealedBytes: 0 };
  return new LogShape({ ...shape().state, ...one, logEnd: 190 });
}

const batch = {
  ...{ position: 0, bytes: 100, baseOffset: 0, lastOffset: 9, count: 10, codec: "none" as const },
  ...{ isControl: false, crc: "0x00000001", isCrcValid: true },
};
const SAMPLE = {
  base: 0,
  file: "00000000000000000000.log",
  batches: [batch, { ...batch, position: 100 }],
} as unknown as TourFacts["sample"];

const LOOKUP = {
  ...{ topic: "orders", partition: 1, target: { offset: 95 }, offset: 95, outcome: "found" },
  segment: { number: 0, file: "00000000000000000000.log", baseOffset: 0, bytes: 1000 },
  index: { entries: 4, before: { entry: 2, offset: 79, position: 700 } },
  batch: { ...batch, position: 900 },
  cost: { comparisons: 3, withIndex: { headers: 3 }, withoutIndex: { headers: 10 } },
} as unknown as LookupExplanation;

/** Two members share three partitions; one is behind. */
function groupOf(more: Partial<GroupOffset> = {}): TourFacts["group"] {
  const offsets = [190, 90, 190].map((offset, partition) => ({
    ...{ group: "billing", topic: "orders", partition, offset, lag: 190 - offset },
    ...{ member: partition < 2 ? "a" : "b", reader: "app at 10.0.0.1", ...more },
  }));
  const [, shown] = offsets;
  if (shown === undefined) throw new Error("no partition");
  return { offsets, shown, shape: shape(), behind: undefined };
}

function factsOf(more: Partial<TourFacts> = {}): TourFacts {
  const facts = { topic: TOPIC, partition: 1, shape: shape(), flush: "always" };
  const unknown = { sample: undefined, lookup: undefined, group: undefined, compacted: undefined };
  return { ...facts, ...unknown, ...more };
}

function stopOf(number: number, more: Partial<TourFacts> = {}): Step {
  const step = tourStory(() => factsOf(more)).steps[number - 1];
  if (step === undefined) throw new Error(`no stop ${number}`);
  return step;
}

function spansOf({ place }: Step): readonly { readonly from: number; readonly to: number }[] {
  return place?.highlights.map(({ span }) => span) ?? [];
}

test.each([
  ["a visitor who may not read", {}],
  ["a log of one segment", { shape: single(), sample: SAMPLE, flush: "never" }],
  ["a log that lost its start", { shape: shape({ logStart: 50 }), flush: "interval:100" }],
  ["everything", { sample: SAMPLE, lookup: LOOKUP, group: groupOf() }],
] as const)("has eight short stops for %s", (_, facts) => {
  const { steps } = tourStory(() => factsOf(facts));
  expect(steps).toHaveLength(8);
  for (const { title, text, place } of steps) {
    expect(title).not.toBe("");
    const words = text.split(" ").length;
    expect(`${title}: ${words > WORDS_MAX ? words : "short"}`).toBe(`${title}: short`);
    expect(words).toBeGreaterThan(40);
    expect(place).toMatchObject({ topic: "orders", partition: 1 });
  }
});

test("shows the numbers of the moment in which a stop is reached", () => {
  const live = shape();
  const story = tourStory(() => factsOf({ shape: live }));
  expect(story.steps[5]?.lines[0]).toBe("high watermark 190");
  live.update({ ...live.state, highWatermark: 200, endPosition: 1000 });
  expect(story.steps[5]?.lines[0]).toBe("high watermark 200");
});

test("names the files, and marks the active one", () => {
  const step = stopOf(2);
  expect(step.lines).toEqual([
    "00000000000000000000.log: sealed, 1000 B",
    "00000000000000000100.log: active, 1000 B",
  ]);
  expect(spansOf(step)).toEqual([{ from: 1000, to: 2000 }]);
  expect(stopOf(2, { shape: single() }).text).toContain("only that one");
});

test("marks two batches, so that one can see where the second starts", () => {
  const step = stopOf(3, { sample: SAMPLE });
  expect(spansOf(step)).toEqual([
    { from: 0, to: 100 },
    { from: 100, to: 200 },
  ]);
  expect(new Set(step.place?.highlights.map(({ kind }) => kind)).size).toBe(2);
  expect(step.lines).toHaveLength(2);
});

test("finds a record of the reader's by an index entry, and zooms to both", () => {
  const step = stopOf(4, { lookup: LOOKUP });
  expect(step.lines).toEqual([
    "offset 95: 00000000000000000000.log; entry 3 of 4 in its index: offset 79, byte 700",
    "3 batch headers read from there, 10 without the index (entry and batch are marked)",
  ]);
  expect(spansOf(step)).toEqual([
    { from: 700, to: 700 },
    { from: 900, to: 1000 },
  ]);
  expect(step.link?.href).toBe("#/log/orders/1?lookup=95");
  const none = { ...LOOKUP, index: { ...LOOKUP.index, before: null } } as LookupExplanation;
  expect(stopOf(4, { lookup: none }).lines).toEqual([
    "offset 95: 00000000000000000000.log; none of 4 index entries is before it, so from the start of the file",
    "3 batch headers read from there, 10 without the index (the batch is marked)",
  ]);
});

test("marks no batch of a segment that was deleted meanwhile", () => {
  const later = shape({ firstBase: 100, logStart: 100, sealedCount: 0, sealedBytes: 0 });
  for (const number of [3, 4]) {
    const step = stopOf(number, { sample: SAMPLE, lookup: LOOKUP, shape: later });
    expect([number, ...step.lines]).toEqual([number]);
    expect(spansOf(step)).toEqual([]);
  }
});

test("says in words how a batch is compressed", () => {
  const zstd = {
    ...SAMPLE,
    batches: [{ ...batch, codec: "zstd" }],
  } as unknown as TourFacts["sample"];
  expect(stopOf(3, { sample: SAMPLE }).lines[0]).toContain("100 B, not compressed, checksum");
  expect(stopOf(3, { sample: zstd }).lines[0]).toContain("100 B, compressed with zstd, checksum");
});

test.each([
  ["always", "survives both", "is gone later"],
  [
    "never",
    "acknowledges first, and lets the operating system flush",
    "a power failure takes back",
  ],
  ["interval:100", "acknowledges first, and flushes every 100 ms", "a power failure takes back"],
])(
  "says what an acknowledgement and the high watermark promise with flush %s",
  (flush, promise, readable) => {
    expect(stopOf(5, { flush }).text).toContain(promise);
    expect(stopOf(6, { flush }).text).toContain(readable);
  },
);

test("marks as flushed only what is", () => {
  const always = stopOf(5);
  expect(always.lines[1]).toBe("10 records not flushed yet");
  expect(spansOf(always)).toEqual([
    { from: 0, to: 1900 },
    { from: 1900, to: 2000 },
  ]);
  // With the other policies the high watermark says nothing of the disk; a sealed segment is flushed.
  expect(spansOf(stopOf(5, { flush: "never" }))).toEqual([{ from: 0, to: 1000 }]);
  const alone = stopOf(5, { flush: "never", shape: single() });
  expect(spansOf(alone)).toEqual([]);
  expect(alone.text).not.toContain("marked");
});

test("says which member reads which partitions, and marks the lag", () => {
  const step = stopOf(7, { group: groupOf() });
  expect(step.lines).toEqual([
    "group billing, topic orders",
    "member 1 (app at 10.0.0.1) reads partitions 0, 1",
    "member 2 (app at 10.0.0.1) reads partition 2",
    "partition 1: committed 90, lag 100",
  ]);
  expect(spansOf(step)[0]).toEqual({ from: 900, to: 1900 });
  expect(step.link?.href).toBe("#/groups/billing");
  expect(stopOf(7, { group: groupOf({ member: null }) }).lines[1]).toBe(
    "no member reads it right now",
  );
  expect(stopOf(7).lines[1]).toContain("rustlog consume orders --group NAME --balance");
});

test("says how the topic deletes, and shows a compacted one if there is one", () => {
  const linesOf = (more: Partial<TopicState>) => stopOf(8, { topic: { ...TOPIC, ...more } }).lines;
  expect(linesOf({})).toEqual([
    "orders: cleanup.policy delete, retention.ms 7 d",
    "no topic here has cleanup.policy compact",
  ]);
  expect(linesOf({ retentionMs: -1 })[0]).toContain("retention deletes nothing");
  expect(linesOf({ cleanup: "" })[0]).toContain("cleanup.policy empty, so");
  const compacted = { topic: CUSTOMERS, partition: 0, shape: shape({ compactedTo: 100 }) };
  const step = stopOf(8, { compacted });
  expect(step.lines[1]).toBe("customers 0: compacted below 100, marked");
  expect(step.place).toMatchObject({ topic: "customers", partition: 0 });
  expect(spansOf(step)).toEqual([{ from: 0, to: 1000 }]);
  const dirty = { ...compacted, shape: shape({ compactedTo: 0 }) };
  expect(stopOf(8, { compacted: dirty }).lines[1]).toContain("nothing compacted yet");
  expect(stopOf(8, { shape: shape({ logStart: 50 }) }).lines[1]).toBe("orders 1: deleted below 50");
});

test("without records it says how to begin", () => {
  expect(emptyTour(true).steps[0]?.link?.href).toBe("#/produce");
  expect(emptyTour(false).steps[0]?.link).toBe(undefined);
});
