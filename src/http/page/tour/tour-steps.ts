// The guided tour as a story: eight stops on a partition that the reader has, with its numbers. Pure.
// Leaves to others: choosing the partition and asking for its numbers (tour.ts), and showing the stops (log/player-view.ts).
import type { BatchDescription } from "../../../inspection/batch-description.js";
import type { LogShape, Span } from "../log/log-shape.js";
import type { Step, Story } from "../log/player.js";
import { countOf, formatBytes, formatCount } from "../parts/format.js";
import { hrefOf } from "../router.js";
import type { GroupOffset, TopicState } from "../wire.js";

/** What the tour tells about. */
export interface TourFacts {
  readonly topic: TopicState;
  readonly partition: number;
  /** Complete. */
  readonly shape: LogShape;
  /** The broker's flush policy. */
  readonly flush: string;
  /** A segment with a batch of it; undefined if the visitor may not read the topic. */
  readonly sample: SegmentSample | undefined;
  /** A group that reads the partition. */
  readonly group: GroupOffset | undefined;
}

export interface SegmentSample {
  readonly base: number;
  readonly file: string;
  readonly indexEntries: number;
  readonly batch: BatchDescription;
}

/** Segments that a stop lists. */
const LISTED_SEGMENTS_MAX = 6;

export function tourStory(facts: TourFacts): Story {
  const { topic } = facts;
  const stops = [logs, segments, batches, indexEntries, flushes, watermark, groups, deletion];
  return {
    title: `How a log works, on your topic ${topic.name}`,
    steps: stops.map((stop) => stop(facts)),
    result: undefined,
  };
}

/** What to tell if nothing was written yet. */
export function emptyTour(mayProduce: boolean): Story {
  const text =
    "The tour explains a log on your own records, and there are none yet. Write one, and start it again.";
  const link = mayProduce ? { text: "Produce a record", href: hrefOf("produce") } : undefined;
  const step = { title: "Nothing to see yet", text, lines: [], place: undefined, link };
  return { title: "How a log works", steps: [step], result: undefined };
}

function logs(facts: TourFacts): Step {
  const { topic, partition, shape } = facts;
  const { logStart, logEnd } = shape.state;
  return stop(
    facts,
    "A partition is a log",
    `Each row of the drawing is one of the ${countOf(topic.partitions, "partition")} of ${topic.name}: a log, to which records are only ever appended, the newest at the right. A record never moves. Its number is its offset, and that is how consumers ask for it. Records with the same key go to the same partition, so they stay in order; between partitions there is no order.`,
    [`partition ${partition}: offsets ${formatCount(logStart)} to ${formatCount(logEnd - 1)}`],
    undefined,
  );
}

function segments(facts: TourFacts): Step {
  const { shape } = facts;
  const last = shape.count - 1;
  const first = Math.max(0, shape.count - LISTED_SEGMENTS_MAX);
  const lines = Array.from({ length: shape.count - first }, (_, i) => {
    const number = first + i;
    const { from, to } = shape.spanOf(number);
    const kind = shape.isActive(number) ? "active" : "sealed";
    return `${fileName(shape.baseOf(number))}: ${kind}, ${formatBytes(to - from)}`;
  });
  const sealed =
    shape.count === 1
      ? "There is only this one so far."
      : `The ${countOf(last, "other")} are sealed: nothing in them will change.`;
  return stop(
    facts,
    "The log is cut into segments",
    `On disk the log is ${countOf(shape.count, "file")}, each named after its first offset. Only the last one, the active segment, is written to. When it is full, it is sealed and the next one begins. ${sealed}`,
    lines,
    undefined,
    shape.spanOf(last),
  );
}

function batches(facts: TourFacts): Step {
  const { sample, shape } = facts;
  const text =
    "Inside a segment are batches. A producer collects records and sends them as one batch, compressed if it likes. The broker checks its checksum, writes the offset into its header, and appends the bytes as they are. A consumer gets the same bytes. So the broker works per batch, not per record.";
  if (sample === undefined) return stop(facts, "A segment holds batches", text, [], undefined);
  const { batch, base } = sample;
  const from = shape.placeOf(base, batch.position) ?? 0;
  const span = { from, to: from + batch.bytes };
  const step = stop(
    facts,
    "A segment holds batches",
    text,
    [
      `at position ${formatCount(batch.position)} of ${sample.file}: ${countOf(batch.count, "record")} in ${formatBytes(batch.bytes)}`,
      `codec ${batch.codec ?? "unknown"}, CRC-32C ${batch.crc}`,
    ],
    around(span, shape),
    span,
  );
  const query = { segment: base, batch: batch.position };
  return linked(facts, step, "See its bytes", query);
}

function indexEntries(facts: TourFacts): Step {
  const { sample, shape } = facts;
  const text =
    "The ticks below a row are entries of the index: for about every 4 KiB of log, one offset and its position in the file. To find a record, the broker picks the segment by its name, the last entry at or before the offset by binary search, and from there reads batch headers until it has the batch. It never reads everything, however long the log is.";
  const title = "An index entry every few KiB";
  if (sample === undefined) return stop(facts, title, text, [], undefined);
  const number = shape.numberOf(sample.base);
  const span = number === undefined ? undefined : shape.spanOf(number);
  const step = stop(
    facts,
    title,
    text,
    [`${sample.file} has ${countOf(sample.indexEntries, "index entry", "index entries")}`],
    span,
  );
  const { logStart, highWatermark } = shape.state;
  const middle = Math.floor((logStart + highWatermark) / 2);
  return linked(facts, step, `Look up offset ${formatCount(middle)}`, { lookup: middle });
}

function flushes(facts: TourFacts): Step {
  const { flush, shape } = facts;
  const { highWatermark, logEnd } = shape.state;
  const promise =
    flush === "always"
      ? "This broker flushes to the disk before it acknowledges: an acknowledged record survives a crash of the broker, and a power failure."
      : `This broker flushes ${flush === "never" ? "only when a segment is sealed" : `on a schedule (${flush})`} and acknowledges before: an acknowledged record survives a crash of the broker, but perhaps not a power failure.`;
  const waiting = logEnd - highWatermark;
  return stop(
    facts,
    "Written, then flushed",
    `A new record is first only in the memory of the operating system. ${promise} What is written but not flushed yet is drawn paler.`,
    [
      waiting === 0
        ? "everything is flushed right now"
        : `${countOf(waiting, "record")} not flushed yet`,
    ],
    undefined,
    { from: shape.watermarkPlace, to: shape.bytes },
  );
}

function watermark(facts: TourFacts): Step {
  const { shape } = facts;
  const { highWatermark } = shape.state;
  const place = shape.watermarkPlace;
  return stop(
    facts,
    "The high watermark",
    `Consumers read up to the red line, the high watermark, and no further: what is below it cannot be lost by a crash any more. So a consumer never sees a record that is gone later. It waits at offset ${formatCount(highWatermark)} now, for the next record.`,
    [`high watermark ${formatCount(highWatermark)}`],
    undefined,
    { from: place, to: place },
  );
}

function groups(facts: TourFacts): Step {
  const { group, shape } = facts;
  const text =
    "Consumers with the same group name share the work: each partition is read by one of them. If one stops, the others take over its partitions. The group commits, for each partition, the offset to go on from: the violet triangle. Its distance to the high watermark is the lag: records that are still to be read. Reading deletes nothing, so another group reads the same records at its own pace.";
  const title = "A group shares the partitions";
  if (group === undefined) {
    return stop(facts, title, `${text} No group has committed anything here yet.`, [], undefined);
  }
  const { offset, lag, reader } = group;
  const at = offset < 0 ? "nothing committed yet" : `committed ${formatCount(offset)}`;
  const place = shape.placeOfOffset(Math.max(offset, shape.state.logStart));
  return {
    ...stop(
      facts,
      title,
      text,
      [
        `${group.group}: ${at}, lag ${formatCount(lag)}`,
        reader === null ? "no member reads this partition right now" : `read by ${reader}`,
      ],
      undefined,
      { from: place, to: place },
    ),
    link: { text: `Open ${group.group}`, href: hrefOf("groups", [group.group]) },
  };
}

function deletion(facts: TourFacts): Step {
  const { topic, shape } = facts;
  const compacts = topic.cleanup.includes("compact");
  const kept = [
    ...(topic.retentionMs >= 0 ? [`retention.ms is ${formatCount(topic.retentionMs)}`] : []),
    ...(topic.retentionBytes >= 0
      ? [`retention.bytes is ${formatBytes(topic.retentionBytes)} for each partition`]
      : []),
  ];
  const isDeleted = topic.cleanup.includes("delete") && kept.length > 0;
  const here = [
    isDeleted
      ? "In this topic, segments that are older or in excess are deleted, the oldest first."
      : "In this topic nothing is deleted by age or size.",
    compacts
      ? "It is compacted: the green line is what was compacted, the orange one what was not yet."
      : "It is not compacted.",
  ];
  return {
    ...stop(
      facts,
      "How old records go",
      `There are two ways. Retention deletes whole segments, by age or by size. Compaction keeps the newest record of every key and removes the older ones; offsets stay as they are, so gaps remain, and a record with a key but no value (a tombstone) says that the key is deleted. ${here.join(" ")}`,
      [`cleanup.policy is ${topic.cleanup === "" ? "none" : topic.cleanup}`, ...kept],
      undefined,
      compacts && shape.compactedPlace !== undefined
        ? { from: shape.logStartPlace, to: shape.compactedPlace }
        : undefined,
    ),
    link: { text: `Settings of ${topic.name}`, href: hrefOf("topics", [topic.name]) },
  };
}

function stop(
  { topic, partition }: TourFacts,
  title: string,
  text: string,
  lines: readonly string[],
  view: Span | undefined,
  found?: Span,
): Step {
  const highlights = found === undefined ? [] : [{ span: found, kind: "found" as const }];
  return { title, text, lines, place: { topic: topic.name, partition, span: view, highlights } };
}

/** A stop with a way into the log view. */
function linked(
  { topic, partition }: TourFacts,
  step: Step,
  text: string,
  query: Readonly<Record<string, number>>,
): Step {
  return { ...step, link: { text, href: hrefOf("log", [topic.name, partition], query) } };
}

/** A span with some of its surroundings. */
function around({ from, to }: Span, shape: LogShape): Span {
  const margin = Math.max(to - from, 1) * 4;
  return { from: Math.max(0, from - margin), to: Math.min(shape.bytes, to + margin) };
}

function fileName(base: number): string {
  return `${String(base).padStart(20, "0")}.log`;
}
