// Playing steps, and the steps of a lookup. Leaves to others: the panel (page.browser.ts).
import { expect, test } from "bun:test";
import { recordPlace } from "../../../../src/http/page/log/pin.js";
import { formatCount } from "../../../../src/http/page/parts/format.js";
import { LogShape } from "../../../../src/http/page/log/log-shape.js";
import { lookupStory } from "../../../../src/http/page/log/lookup-steps.js";
import { Player, type Step } from "../../../../src/http/page/log/player.js";
import { lookUp, segmentRows } from "../../../../src/http/api/log.js";
import { startPage, writeOrders } from "../../../support/page-sample.js";

function steps(count: number): Player {
  const step = (number: number): Step => ({
    ...{ title: `step ${number}`, text: "", lines: [] },
    place: { topic: "orders", partition: 0, highlights: [] },
  });
  const all = Array.from({ length: count }, (_, i) => step(i));
  return new Player({ title: "a story", steps: all, result: undefined });
}

test("plays to the end, stops, and restarts from the beginning", () => {
  const player = steps(3);
  expect(player.elapsed()).toBe(false);
  player.play();
  expect([player.elapsed(), player.number, player.isPlaying]).toEqual([true, 1, true]);
  expect([player.elapsed(), player.number, player.isPlaying]).toEqual([true, 2, false]);
  expect(player.elapsed()).toBe(false);
  player.play();
  expect([player.number, player.isPlaying]).toEqual([0, true]);
});

test("going to a step pauses, and stays within the story", () => {
  const player = steps(3);
  player.play();
  player.go(9);
  expect([player.number, player.isPlaying, player.isLast]).toEqual([2, false, true]);
  player.go(-1);
  expect(player.step?.title).toBe("step 0");
});

test("a record's place names its segment, its batch, and the entry that leads to it", async () => {
  await using sample = await startPage();
  const { registry } = sample.broker.context;
  const partition = (await registry.create("orders", 1, {})).online[0]!;
  await writeOrders(sample.broker, "orders", 0, 600);
  const { segments, end } = partition.layout;
  const shape = new LogShape({
    ...{ topic: "orders", partition: 0, firstBase: 0, logStart: 0, highWatermark: 600 },
    ...{ logEnd: 600, endSegment: end.segment, endPosition: end.position, activeBase: 0 },
    ...{ activeBytes: segments.active.bytes, sealedCount: 0, sealedBytes: 0, revision: 0 },
    newestMs: null,
    compactedTo: null,
  });
  const { words, highlights, batch } = recordPlace(await lookUp(partition, { offset: 300 }), shape);
  const { position } = batch!;
  const { offsets } = segments.active.index();
  const entry = offsets.lookupPosition(position);
  expect(words).toEqual([
    "offset 300",
    "segment 0 (active)",
    `batch at position ${formatCount(position)}, offsets 296 – 303`,
    `index entry ${entry}, to position ${formatCount(offsets.position(entry))}`,
  ]);
  expect(highlights.map(({ kind, span }) => [kind, span.from])).toEqual([
    ["look", 0],
    ["look", offsets.position(entry)],
    ["found", position],
  ]);
  const next = recordPlace(await lookUp(partition, { offset: 600 }), shape);
  expect(next.words).toEqual(["offset 600: not written yet"]);
  const beyond = recordPlace(await lookUp(partition, { offset: 601 }), shape);
  expect(beyond.words[0]).toContain("is past the end of the log");
});

test("a lookup's steps point to what the search read", async () => {
  await using sample = await startPage();
  const { registry } = sample.broker.context;
  const partition = (await registry.create("orders", 1, {})).online[0]!;
  await writeOrders(sample.broker, "orders", 0, 3000);
  const { segments, end } = partition.layout;
  const { sealed, active } = segments;
  const shape = new LogShape({
    ...{
      topic: "orders",
      partition: 0,
      firstBase: 0,
      logStart: 0,
      highWatermark: 3000,
      logEnd: 3000,
    },
    ...{ endSegment: end.segment, endPosition: end.position, activeBase: active.baseOffset },
    ...{
      activeBytes: active.bytes,
      sealedCount: sealed.length,
      sealedBytes: 0,
      revision: 0,
      newestMs: null,
      compactedTo: null,
    },
  });
  shape.add(segmentRows(partition, -1), -1);
  const explanation = await lookUp(partition, { offset: 1234 });
  const story = lookupStory(explanation, shape);
  expect(story.steps.map(({ title }) => title)).toEqual([
    "Find the segment",
    "Search the offset index",
    "Scan from batch to batch",
    "Found",
  ]);
  const { segment, batch } = explanation;
  const place = shape.placeOf(segment!.baseOffset, batch!.position)!;
  const { highlights } = story.steps[3]!.place!;
  expect(highlights).toEqual([{ span: { from: place, to: place + batch!.bytes }, kind: "found" }]);
  expect(story.result).toMatchObject({ segment: segment!.baseOffset, position: batch!.position });
  // The first comparison is with the active segment; the result is the segment that holds the record.
  const [first, ...others] = story.steps[0]!.place!.highlights;
  expect(first).toEqual({ span: shape.spanOf(shape.count - 1), kind: "look" });
  expect(others.at(-1)).toEqual({ span: shape.spanOf(segment!.number), kind: "found" });
});
