// A lookup as a story: segment, index entry, skipped batches, record. Every number comes from the broker's own search.
// Pure. Leaves to others: the search (inspection/explain-lookup.ts).
import type {
  IndexStep,
  LookupExplanation,
  ScanStep,
  SegmentSummary,
} from "../../../inspection/lookup-explanation.js";
import type { Highlight } from "./drawing.js";
import { countOf, formatBytes, formatCount, formatTime } from "../parts/format.js";
import type { LogShape, Span } from "./log-shape.js";
import type { Step, StepPlace, Story } from "./player.js";

/** Maximum lines per step; the first ones are kept. */
const LINES_MAX = 24;

/** Builds the story of a lookup in a partition drawn as `shape`. */
export function lookupStory(explanation: LookupExplanation, shape: LogShape): Story {
  return new LookupStory(explanation, shape).make();
}

class LookupStory {
  readonly #explanation: LookupExplanation;
  readonly #shape: LogShape;

  constructor(explanation: LookupExplanation, shape: LogShape) {
    this.#explanation = explanation;
    this.#shape = shape;
  }

  make(): Story {
    const { topic, partition, target, segment, batch, record } = this.#explanation;
    const wanted =
      "offset" in target
        ? `offset ${formatCount(target.offset)}`
        : `the first record at or after ${formatTime(target.timestamp)}`;
    const result =
      segment === undefined || batch === undefined || record === undefined
        ? undefined
        : {
            ...{ topic, partition, segment: segment.baseOffset },
            ...{ position: batch.position, offset: record.offset },
          };
    const steps = [...this.#timeSteps(), ...this.#offsetSteps()];
    return { title: `Where is ${wanted}?`, steps, result };
  }

  #timeSteps(): Step[] {
    const { time, target } = this.#explanation;
    if (time === undefined || !("timestamp" in target)) return [];
    const segments = this.#step(
      "Find the segment by time",
      "Starting with the oldest segment, the largest timestamp of each is compared with the time, until one is at or after it.",
      time.comparisons.map(
        ({ number, value }) => `segment ${number + 1}: newest ${formatTime(value)}`,
      ),
      undefined,
      time.comparisons.map(({ number }) => this.#segmentLook(number)),
    );
    const { found } = time;
    if (found === null) {
      const text = "No record is that recent: a consumer would wait at the high watermark.";
      return [segments, this.#step("No record is that recent", text, [], undefined, [])];
    }
    return [
      segments,
      this.#indexStep("Search the time index", found.segment, found.index, formatTime),
      this.#scanStep("Scan to the batch", found.segment, found.scan, found.batch.position),
    ];
  }

  #offsetSteps(): Step[] {
    const explanation = this.#explanation;
    const { segment, index, scan, batch, record, cost, failure, outcome } = explanation;
    const steps: Step[] = [];
    if (segment !== undefined) steps.push(this.#segmentStep(segment));
    if (segment !== undefined && index !== undefined) {
      steps.push(this.#indexStep("Search the offset index", segment, index, formatCount));
    }
    if (segment !== undefined && scan !== undefined) {
      steps.push(this.#scanStep("Scan from batch to batch", segment, scan, batch?.position));
    }
    if (segment !== undefined && batch !== undefined && record !== undefined) {
      const span = this.#spanIn(segment, batch.position, batch.bytes);
      const lines = [
        `batch at position ${formatCount(batch.position)}, ${formatBytes(batch.bytes)}, CRC ${batch.crc}`,
        ...(cost === undefined
          ? []
          : [
              `${countOf(cost.comparisons, "comparison")} and ${countOf(cost.withIndex.headers, "batch header")} read`,
              ...(cost.withoutIndex === null
                ? []
                : [`without the index: ${countOf(cost.withoutIndex.headers, "batch header")}`]),
            ]),
      ];
      const skipped =
        record.index === 0
          ? "It is the first in its batch."
          : `A consumer skips the ${countOf(record.index, "record")} before it.`;
      const wanted = explanation.offset ?? record.offset;
      const gap =
        record.offset > wanted
          ? `No record has offset ${formatCount(wanted)}: this is the next one. `
          : "";
      const text = `${gap}Record ${formatCount(record.offset)} is number ${formatCount(record.index + 1)} of ${formatCount(batch.count)} in this batch. ${skipped}`;
      steps.push(this.#step("Found", text, lines, span, [{ span, kind: "found" }]));
    }
    if (segment !== undefined && batch !== undefined && explanation.nextOffset !== undefined) {
      const span = this.#spanIn(segment, batch.position, batch.bytes);
      const text = `None of its records is at or after offset ${formatCount(explanation.offset ?? 0)}: compaction has removed them. A consumer continues at offset ${formatCount(explanation.nextOffset)}.`;
      steps.push(this.#step("Not in the batch", text, [], span, [{ span, kind: "found" }]));
    }
    if (failure !== undefined)
      steps.push(this.#step(failure.code, failure.message, [], undefined, []));
    if (outcome === "waits") {
      const { offset = 0, logEndOffset } = explanation;
      const text =
        offset === logEndOffset
          ? `Offset ${formatCount(offset)} is the next to be written: a consumer waits for it.`
          : `No record has offset ${formatCount(offset)} or a later one: a consumer waits for offset ${formatCount(logEndOffset)}.`;
      const { bytes } = this.#shape;
      const end: Highlight = { span: { from: bytes, to: bytes }, kind: "found" };
      steps.push(this.#step("The end of the log", text, [], undefined, [end]));
    }
    return steps;
  }

  #segmentStep(segment: SegmentSummary): Step {
    const comparisons = this.#explanation.segmentComparisons ?? [];
    const span = this.#segmentSpan(segment);
    return this.#step(
      "Find the segment",
      `A binary search over the base offsets: the last segment that starts at or below the offset is ${segment.file}.`,
      comparisons.map(
        ({ number, value }) =>
          `segment ${formatCount(number + 1)} starts at offset ${formatCount(value ?? 0)}`,
      ),
      undefined,
      [
        ...comparisons.map(({ number }) => this.#segmentLook(number)),
        { span, kind: "found" as const },
      ],
    );
  }

  #indexStep(
    title: string,
    segment: SegmentSummary,
    index: IndexStep,
    format: (value: number) => string,
  ): Step {
    const { from, to } = this.#segmentSpan(segment);
    const looks = index.comparisons.map(({ number }): Highlight => {
      // Entries are roughly evenly spaced, so this estimates where the entry's batch is.
      const place = from + ((to - from) * (number + 0.5)) / Math.max(1, index.entries);
      return { span: { from: place, to: place }, kind: "look" };
    });
    const { before, origin } = index;
    const found: Highlight[] =
      before?.position === undefined
        ? []
        : [{ span: this.#spanIn(segment, before.position, 0), kind: "found" }];
    const where =
      origin.kind === "memory"
        ? "kept in memory"
        : origin.kind === "file"
          ? "a mapped file"
          : "rebuilt from the log";
    const base = title.includes("time") ? 0 : segment.baseOffset;
    const text =
      before === null
        ? `Of ${countOf(index.entries, "entry", "entries")} (${where}) none is at or below it: the scan starts at the start of the segment.`
        : `A binary search in ${countOf(index.entries, "entry", "entries")} (${where}) ends at entry ${formatCount(before.entry)}${before.position === undefined ? "" : `, which points to position ${formatCount(before.position)}`}.`;
    const lines = index.comparisons.map(
      ({ number, value }) => `entry ${formatCount(number)} is ${format(base + (value ?? 0))}`,
    );
    return this.#step(title, text, lines, { from, to }, [...looks, ...found]);
  }

  #scanStep(
    title: string,
    segment: SegmentSummary,
    scan: ScanStep,
    position: number | undefined,
  ): Step {
    const looks = scan.passed.map((batch): Highlight => ({
      span: this.#spanIn(segment, batch.position, batch.bytes),
      kind: "look",
    }));
    const end = this.#spanIn(segment, scan.to, 0);
    const text =
      scan.passedCount === 0
        ? "The index points directly to the batch: nothing has to be skipped."
        : `From there ${countOf(scan.passedCount, "batch header")} ${scan.passedCount === 1 ? "is" : "are"} read, ${formatBytes(scan.bytes)} of log: 61 bytes each, without the records.`;
    const lines = scan.passed.map((batch) => `skipped the batch at ${formatCount(batch.position)}`);
    const span = this.#spanIn(
      segment,
      scan.from,
      Math.max(scan.bytes, (position ?? scan.to) - scan.from),
    );
    return this.#step(title, text, lines, span, [...looks, { span: end, kind: "found" }]);
  }

  #segmentLook(number: number): Highlight {
    return { span: this.#shape.spanOf(number), kind: "look" };
  }

  #segmentSpan(segment: SegmentSummary): Span {
    const number = this.#shape.numberOf(segment.baseOffset);
    return number === undefined ? { from: 0, to: 0 } : this.#shape.spanOf(number);
  }

  #spanIn(segment: SegmentSummary, position: number, bytes: number): Span {
    const from = this.#shape.placeOf(segment.baseOffset, position) ?? 0;
    return { from, to: from + bytes };
  }

  #step(
    title: string,
    text: string,
    lines: readonly string[],
    span: Span | undefined,
    highlights: readonly Highlight[],
  ): Step {
    const { topic, partition } = this.#explanation;
    const place: StepPlace = { topic, partition, span, highlights };
    const more = lines.length - LINES_MAX;
    const shown =
      more > 0 ? [...lines.slice(0, LINES_MAX), `and ${formatCount(more)} more`] : lines;
    return { title, text, lines: shown, place };
  }
}
