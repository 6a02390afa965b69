// The guided tour as a story: eight stops on logs and groups that the reader has, with their numbers. Pure.
// Leaves to others: choosing them and asking for their numbers (tour.ts), and showing the stops (log/player-view.ts).
import type { BatchDescription } from "../../../inspection/batch-description.js";
import type { LookupExplanation } from "../../../inspection/lookup-explanation.js";
import { INDEX_INTERVAL_BYTES } from "../../../limits.js";
import type { Highlight } from "../log/drawing.js";
import type { LogShape, Span } from "../log/log-shape.js";
import type { Step, Story } from "../log/player.js";
import { countOf, formatAge, formatBytes, formatCount } from "../parts/format.js";
import { hrefOf } from "../router.js";
import type { GroupOffset, TopicState } from "../wire.js";

/** A partition that a stop points to. */
export interface TourLog {
  readonly topic: TopicState;
  readonly partition: number;
  readonly shape: LogShape;
}

/** What the tour tells about: a partition first of all, whose shape is complete. */
export interface TourFacts extends TourLog {
  /** The broker's flush policy: `always`, `never` or `interval:` with milliseconds. */
  readonly flush: string;
  /** The oldest segment; undefined if the visitor may not read the topic. */
  readonly sample: SegmentSample | undefined;
  /** How a record in the middle is found; undefined likewise. */
  readonly lookup: LookupExplanation | undefined;
  readonly group: GroupFacts | undefined;
  /** A partition of a compacted topic, if there is one. */
  readonly compacted: TourLog | undefined;
}

export interface SegmentSample {
  readonly base: number;
  readonly file: string;
  /** The first two. */
  readonly batches: readonly BatchDescription[];
}

/** A group in one topic. */
export interface GroupFacts {
  /** Its partitions, ascending. */
  readonly offsets: readonly GroupOffset[];
  /** The one that the stop points to, and its log. */
  readonly shown: GroupOffset;
  readonly shape: LogShape;
  /** Another group that has records to read, if this one has none. */
  readonly behind: GroupOffset | undefined;
}

/** Segments, members and partitions that a stop lists. */
const LISTED_SEGMENTS_MAX = 6;
const LISTED_MEMBERS_MAX = 4;
const LISTED_PARTITIONS_MAX = 8;

/** Bytes around a batch that are shown with it: a few index entries, if batches are small. */
const SURROUNDING_BYTES = 16_384;

/** How much of the log a mark at one place covers, to be seen. */
const MARK_SHARE = 0.012;

/** `read` gives the facts of the moment: a stop shows the numbers that are true when it is reached. */
export function tourStory(read: () => TourFacts): Story {
  const stops = [logs, segments, batches, indexEntries, flushes, watermark, groups, deletion];
  return {
    title: `How a log works, on your topic ${read().topic.name}`,
    get steps() {
      const facts = read();
      return stops.map((stop) => stop(facts));
    },
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
    "Programs write records (producers) and read them (consumers). A record has a value and often a key, such as a customer. Records that belong together form a topic. Each row is one of its partitions; one is marked. A partition is a log: a list that grows on the right. A record's offset is its number there, and never changes. Order holds only within a partition, so all records of a key go to one.",
    [
      `${topic.name}: ${countOf(topic.partitions, "partition")}`,
      `partition ${partition}: offsets ${formatCount(logStart)} to ${formatCount(logEnd - 1)}`,
    ],
    undefined,
    found({ from: shape.logStartPlace, to: shape.bytes }),
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
  const here =
    last === 0
      ? "This log has only that one so far."
      : `This log has ${formatCount(last)} before it.`;
  return stop(
    facts,
    "The log is cut into segments",
    `On disk, a log is a series of files: its segments. Each is named after the offset where it starts. The last one is active and marked here: new records are appended to it. When it is full (segment.bytes) or old (segment.ms), it is sealed, and the next one begins. Nothing is appended to a sealed segment again. ${here}`,
    [...(first > 0 ? [`${countOf(first, "older segment")}, and`] : []), ...lines],
    undefined,
    found(shape.spanOf(last)),
  );
}

function batches(facts: TourFacts): Step {
  const { sample, shape } = facts;
  const title = "A segment holds batches";
  const text =
    "A producer collects records and sends them as one batch, compressed if it likes. The broker checks the batch's checksum, writes the offset of its first record into its header, and appends it to the segment as it is. Consumers get the same bytes. So a batch of 1,000 records is hardly more work for the broker than a batch of one.";
  const [one, two] = sample?.batches ?? [];
  if (sample === undefined || one === undefined) return stop(facts, title, text, [], undefined);
  const start = shape.placeOf(sample.base, 0);
  // Deleted since it was read.
  if (start === undefined) return stop(facts, title, text, [], undefined);
  const spans = [one, ...(two === undefined ? [] : [two])].map(({ position, bytes }): Span => {
    const from = start + position;
    return { from, to: from + bytes };
  });
  const [from, to] = [spans[0]?.from ?? 0, spans.at(-1)?.to ?? 0];
  const marked =
    two === undefined
      ? "The marked batch is the first of the oldest segment."
      : "Marked are the first two batches of the oldest segment.";
  const step = stop(
    facts,
    title,
    `${text} ${marked}`,
    [one, ...(two === undefined ? [] : [two])].map(
      ({ position, count, bytes, codec, crc }) =>
        `at byte ${formatCount(position)} of ${sample.file}: ${countOf(count, "record")} in ${formatBytes(bytes)}, ${compressionOf(codec)}, checksum ${crc}`,
    ),
    around({ from, to }, shape, (to - from) * 2),
    // In two colours, so that one can see where the second starts.
    spans.map((span, i) => ({ span, kind: i === 0 ? "found" : "look" })),
  );
  return linked(facts, step, "See its bytes", { segment: sample.base, batch: one.position });
}

function compressionOf(codec: BatchDescription["codec"]): string {
  if (codec === "none") return "not compressed";
  return codec === null ? "compressed" : `compressed with ${codec}`;
}

function indexEntries(facts: TourFacts): Step {
  const { lookup, shape } = facts;
  const title = "An index entry every few KiB";
  const text = `A tick below the row is an index entry: a batch's last offset, and the byte where it starts. A batch gets one if it starts over ${formatBytes(INDEX_INTERVAL_BYTES)} after the last such batch. To find an offset, the broker picks the file by its name and, by binary search, the nearest entry before. From there it scans batch headers until one covers the offset. It sends that batch; the consumer skips to the record.`;
  const { offset, segment, index, batch, cost } = lookup ?? {};
  if (offset === undefined || segment === undefined || batch === undefined) {
    return stop(facts, title, text, [], undefined);
  }
  const from = shape.placeOf(segment.baseOffset, batch.position);
  // Deleted since it was looked up.
  if (from === undefined) return stop(facts, title, text, [], undefined);
  const span = { from, to: from + batch.bytes };
  const { before, entries = 0 } = index ?? {};
  const at =
    before?.position === undefined ? undefined : shape.placeOf(segment.baseOffset, before.position);
  const entry =
    before === undefined || before === null
      ? `${entries === 0 ? "no index entry yet" : `none of ${countOf(entries, "index entry", "index entries")} is before it`}, so from the start of the file`
      : `entry ${formatCount(before.entry + 1)} of ${formatCount(entries)} in its index: offset ${formatCount(before.offset)}, byte ${formatCount(before.position ?? 0)}`;
  const without = cost?.withoutIndex?.headers;
  const lines = [
    `offset ${formatCount(offset)}: ${segment.file}; ${entry}`,
    `${countOf(cost?.withIndex.headers ?? 1, "batch header")} read from there${without === undefined ? "" : `, ${formatCount(without)} without the index`} (${at === undefined ? "the batch is" : "entry and batch are"} marked)`,
  ];
  const step = stop(
    facts,
    title,
    text,
    lines,
    around({ from: at ?? from, to: span.to }, shape, Math.max(SURROUNDING_BYTES, batch.bytes)),
    [...(at === undefined ? [] : [look({ from: at, to: at })]), ...found(span)],
  );
  return linked(facts, step, `Look up offset ${formatCount(offset)}`, { lookup: offset });
}

function flushes(facts: TourFacts): Step {
  const { flush, shape } = facts;
  const { highWatermark, logEnd } = shape.state;
  const from = shape.logStartPlace;
  const start =
    "To acknowledge a record is to answer the producer: it is stored. At first, a record is only in the memory of the operating system: that survives a crash of the broker, but not a power failure. A flush puts it on the disk.";
  const title = "Written, flushed, acknowledged";
  if (flush !== "always") {
    const ms = /^interval:(\d+)$/.exec(flush)?.[1];
    const when =
      ms === undefined
        ? "lets the operating system flush, until a segment fills"
        : `flushes every ${formatCount(Number(ms))} ms`;
    // Of the active segment nobody knows; a sealed one is on the disk.
    const sealed = shape.startOf(shape.count - 1);
    const marked = sealed > from ? " Sealed segments, marked, are flushed." : "";
    return stop(
      facts,
      title,
      `${start} This broker acknowledges first, and ${when}: a power failure may take the last acknowledged records, a crash of the broker none.${marked}`,
      [`flush ${flush}`],
      undefined,
      sealed > from ? found({ from, to: sealed }) : [],
    );
  }
  const waiting = logEnd - highWatermark;
  const place = shape.watermarkPlace;
  return stop(
    facts,
    title,
    `${start} This broker flushes first and acknowledges then. So an acknowledged record survives both. Marked is what is flushed; what is not, is drawn paler, mostly too briefly to be seen.`,
    [
      "flush always",
      waiting === 0
        ? "everything is flushed right now"
        : `${countOf(waiting, "record")} not flushed yet`,
    ],
    undefined,
    [
      ...found({ from, to: place }),
      ...(waiting === 0 ? [] : [look({ from: place, to: shape.bytes })]),
    ],
  );
}

function watermark(facts: TourFacts): Step {
  const { flush, shape } = facts;
  const { highWatermark, logEnd } = shape.state;
  const moves =
    flush === "always"
      ? "It moves when records are flushed, and then they are acknowledged. Those from it to the end of the log may still be lost in a power failure. So no consumer ever acts upon a record that is gone later."
      : "With this broker's flush policy, it moves as soon as records are written. So a consumer may have read a record that a power failure takes back. With flush always, it moves only when records are flushed.";
  return stop(
    facts,
    "The high watermark",
    `The red line is the high watermark: consumers can read the records before it. One that has read them all waits there. ${moves}`,
    [
      `high watermark ${formatCount(highWatermark)}`,
      `end of the log ${formatCount(logEnd)}, the offset of the next record`,
    ],
    undefined,
    found(markAt(shape.watermarkPlace, shape)),
  );
}

function groups(facts: TourFacts): Step {
  const { group, topic } = facts;
  const text =
    "Consumers with the same group name are its members and share the work: each partition is read by one of them. If one stops, another takes over. A member commits, per partition, the offset to read next: the violet triangle. There the next reader continues; what was read but not committed is read again. Lag is the high watermark minus that offset: what is left to read. Reading deletes nothing: each group reads everything.";
  const title = "A group shares the partitions";
  if (group === undefined) {
    const lines = [
      "no group has committed anything here yet",
      `to see one: rustlog consume ${topic.name} --group NAME --balance`,
    ];
    return stop(facts, title, text, lines, undefined);
  }
  const { shown, shape, behind } = group;
  const from = shape.placeOfOffset(Math.max(shown.offset, shape.state.logStart));
  const isBehind = shown.offset >= 0 && shown.lag > 0;
  const marks = [
    ...(isBehind ? [look({ from, to: shape.watermarkPlace })] : []),
    ...(shown.offset < 0 ? [] : found(markAt(from, shape))),
  ];
  const lines = [
    `group ${shown.group}, topic ${shown.topic}`,
    ...memberLines(group.offsets),
    offsetLine(shown, `partition ${shown.partition}`),
    ...(behind === undefined
      ? []
      : [offsetLine(behind, `group ${behind.group}, ${behind.topic} ${behind.partition}`)]),
  ];
  return {
    ...stop(
      { topic: { name: shown.topic }, partition: shown.partition },
      title,
      text,
      lines,
      undefined,
      marks,
    ),
    link: { text: `Open ${shown.group}`, href: hrefOf("groups", [shown.group]) },
  };
}

/** Who reads which partitions. */
function memberLines(offsets: readonly GroupOffset[]): string[] {
  const read = offsets.filter(({ member }) => member !== null);
  if (read.length === 0) return ["no member reads it right now"];
  const members = [...Map.groupBy(read, ({ member }) => member).values()];
  const lines = members.slice(0, LISTED_MEMBERS_MAX).map((own, i) => {
    const listed = own.slice(0, LISTED_PARTITIONS_MAX).map(({ partition }) => partition);
    const more = own.length > listed.length ? ` and ${own.length - listed.length} more` : "";
    const noun = own.length === 1 ? "partition" : "partitions";
    return `member ${i + 1} (${own[0]?.reader ?? "unnamed"}) reads ${noun} ${listed.join(", ")}${more}`;
  });
  const left = members.length - lines.length;
  return left > 0 ? [...lines, `and ${countOf(left, "more member")}`] : lines;
}

function offsetLine({ offset, lag }: GroupOffset, where: string): string {
  const at = offset < 0 ? "nothing committed yet" : `committed ${formatCount(offset)}`;
  return `${where}: ${at}, lag ${formatCount(lag)}`;
}

function deletion(facts: TourFacts): Step {
  const { topic, compacted } = facts;
  const place = compacted ?? facts;
  const { shape } = place;
  const end = compacted === undefined ? undefined : shape.compactedPlace;
  const isCompacted = end !== undefined && end > shape.logStartPlace;
  const lines = [
    retentionLine(topic),
    ...(facts.shape.state.logStart > 0
      ? [
          `${topic.name} ${facts.partition}: deleted below ${formatCount(facts.shape.state.logStart)}`,
        ]
      : []),
    compactionLine(compacted, isCompacted),
  ];
  return {
    ...stop(
      place,
      "How old records go",
      "The setting cleanup.policy of a topic says how. With delete, the oldest segments go, whole files: once all their records are older than retention.ms, or while the rest still has retention.bytes. With compact, sealed segments are rewritten: of each key, the newest record stays, at its offset, so gaps remain. A record without a value, a tombstone, says that its key is deleted; it goes too, later, after delete.retention.ms.",
      lines,
      undefined,
      isCompacted ? found({ from: shape.logStartPlace, to: end }) : [],
    ),
    link: { text: `Settings of ${place.topic.name}`, href: hrefOf("topics", [place.topic.name]) },
  };
}

function retentionLine({ name, cleanup, retentionMs, retentionBytes }: TopicState): string {
  const limits = [
    ...(retentionMs >= 0 ? [`retention.ms ${formatAge(retentionMs)}`] : []),
    ...(retentionBytes >= 0 ? [`retention.bytes ${formatBytes(retentionBytes)} a partition`] : []),
  ];
  const policy = `${name}: cleanup.policy ${cleanup === "" ? "empty" : cleanup}`;
  if (!cleanup.includes("delete")) return `${policy}, so retention deletes nothing`;
  if (limits.length === 0) return `${policy}, without a limit: retention deletes nothing`;
  return `${policy}, ${limits.join(", ")}`;
}

function compactionLine(compacted: TourLog | undefined, isCompacted: boolean): string {
  if (compacted === undefined) return "no topic here has cleanup.policy compact";
  const { topic, partition, shape } = compacted;
  const name = `${topic.name} ${partition}`;
  return isCompacted
    ? `${name}: compacted below ${formatCount(shape.state.compactedTo ?? 0)}, marked`
    : `${name}: cleanup.policy ${topic.cleanup}, nothing compacted yet`;
}

function stop(
  { topic, partition }: { readonly topic: { readonly name: string }; readonly partition: number },
  title: string,
  text: string,
  lines: readonly string[],
  view: Span | undefined,
  highlights: readonly Highlight[] = [],
): Step {
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

function found(span: Span): Highlight[] {
  return [{ span, kind: "found" }];
}

function look(span: Span): Highlight {
  return { span, kind: "look" };
}

/** A span around one place that is wide enough to be seen beside the mark at it. */
function markAt(place: number, { bytes }: LogShape): Span {
  const half = bytes * MARK_SHARE;
  return { from: place - half, to: place + half };
}

/** A span with some of its surroundings. */
function around({ from, to }: Span, { bytes }: LogShape, margin: number): Span {
  return { from: Math.max(0, from - margin), to: Math.min(bytes, to + margin) };
}

function fileName(base: number): string {
  return `${String(base).padStart(20, "0")}.log`;
}
