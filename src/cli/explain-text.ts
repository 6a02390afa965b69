// A lookup as text: numbered steps, each with its result and its cost.
// Leaves to others: the steps themselves (inspection/explain-lookup.ts).
import { formatTime } from "../inspection/batch-description.js";
import { quoted, TEXT_CHARACTERS_MAX } from "../inspection/batch-line.js";
import type { Paint } from "../inspection/hex.js";
import type {
  Cost,
  EntrySummary,
  IndexStep,
  LookupExplanation,
  RecordDescription,
  ScanStep,
  SegmentSummary,
  TimeStep,
} from "../inspection/lookup-explanation.js";
import type { DescribedBytes } from "../record/described-bytes.js";
import type { Comparison } from "../inspection/lookup-steps.js";
import { OFFSET_ENTRY_BYTES } from "../log/index/offset-index.js";
import { TIME_ENTRY_BYTES } from "../log/index/time-index.js";
import { NumberedSteps } from "./numbered-steps.js";

/** Segments shown on each side of the chosen one, and at each end of the log. */
const SEGMENTS_SHOWN = 2;

/** Batches of a scan shown at each end of it. */
const BATCHES_SHOWN = 4;

export function lookupText(explanation: LookupExplanation, paint: Paint): string {
  const steps = new NumberedSteps(paint);
  const { topic, partition, directory, target, time, segment, index, scan } = explanation;
  const what =
    "offset" in target
      ? `offset ${target.offset}`
      : `the first record at or after ${target.timestamp} (${formatTime(target.timestamp)})`;
  steps.heading(`Lookup of ${what} in ${topic}, partition ${partition}`);
  steps.line(`files: ${directory}`);
  segmentsStep(steps, explanation);
  if (time !== undefined) timeSteps(steps, time);
  if (explanation.outcome === "waits") waitsStep(steps, explanation);
  const { offset, segmentComparisons } = explanation;
  if (offset !== undefined && segment !== undefined) {
    const how = comparisonCount(segmentComparisons ?? []);
    steps.step(`Which segment: the last that starts at or below offset ${offset}; ${how}`);
    comparisonLines(steps, segmentComparisons ?? [], (n) => `#${n} starts at`, offset);
    steps.result(`#${segment.number} ${segment.file}, ${segment.kind}`);
  }
  if (index !== undefined && segment !== undefined) {
    indexStep(steps, "offset index", index);
    entryLines(steps, index, (entry) => `batch at position ${entry.position}, which ends with`);
    startLine(steps, index, scan);
  }
  if (scan !== undefined) {
    if (explanation.read === undefined) {
      steps.step(`Scan: from position ${scan.from} to ${scan.to}, where it failed`);
    } else if (scan.passedCount === 0) {
      steps.step(`Scan: not needed, the batch at position ${scan.to} is the one`);
    } else steps.step(`Scan: from position ${scan.from} to ${scan.to}, ${scan.bytes} bytes`);
    passedLines(steps, scan, (value) => `ends with offset ${value}: passed`);
  }
  batchSteps(steps, explanation);
  costLines(steps, explanation);
  return steps.text;
}

function segmentsStep(steps: NumberedSteps, explanation: LookupExplanation): void {
  const { segments, logStartOffset, logEndOffset, segment, tail } = explanation;
  const bytes = segments.reduce((sum, each) => sum + each.bytes, 0);
  const count = segments.length === 1 ? "1 segment" : `${segments.length} segments`;
  const held =
    logStartOffset === logEndOffset
      ? `no records; the next offset is ${logEndOffset}`
      : `offsets ${logStartOffset} to ${logEndOffset - 1}`;
  steps.step(`The log: ${count}, ${bytes} bytes, ${held}`);
  const chosen = segment?.number ?? segments.length - 1;
  let isCut = false;
  for (const each of segments) {
    const { number } = each;
    const isNear = Math.abs(number - chosen) <= SEGMENTS_SHOWN;
    const isEnd = number < SEGMENTS_SHOWN || number >= segments.length - SEGMENTS_SHOWN;
    if (isNear || isEnd) steps.line(segmentLine(each));
    else if (!isCut) steps.line("…");
    isCut = !isNear && !isEnd;
  }
  if (tail === undefined) return;
  const what = tail.isPartial
    ? "an incomplete batch: torn by a crash, or still being written"
    : `not a valid batch (${tail.reason})`;
  steps.damage(`the last ${tail.bytes} bytes, from position ${tail.position}, are ${what}`);
}

function segmentLine({ number, file, bytes, kind }: SegmentSummary): string {
  return `#${String(number).padEnd(4)} ${file}  ${String(bytes).padStart(10)} bytes  ${kind}`;
}

function timeSteps(steps: NumberedSteps, { comparisons, found }: TimeStep): void {
  steps.step("Which segment: the first whose largest timestamp is at or after that time");
  const shown = comparisons.slice(-2 * SEGMENTS_SHOWN);
  const hidden = comparisons.length - shown.length;
  if (hidden > 0) steps.line(`… ${hidden} older segments: all their records are before it`);
  for (const { number, value } of shown) {
    steps.line(`#${number}: ${value === null ? "no records" : `up to ${value}`}`);
  }
  if (found === null) {
    steps.result("none: no record is that recent");
    return;
  }
  const { segment, index, scan, batch, offset } = found;
  steps.result(`#${segment.number} ${segment.file}, ${segment.kind}`);
  indexStep(steps, "time index", index);
  entryLines(steps, index, ({ timestamp }) => `largest timestamp ${timestamp}, batch up to`);
  startLine(steps, index, scan);
  steps.step(`Scan: from position ${scan.from} to ${scan.to}, ${scan.bytes} bytes`);
  passedLines(steps, scan, (value) => `largest timestamp ${value}: passed`);
  const { position, baseOffset, maxTimestamp } = batch;
  steps.result(`batch at position ${position}, from offset ${baseOffset}, up to ${maxTimestamp}`);
  steps.line("timestamps may go backwards; the first record in the batch at or after the time has");
  steps.result(`offset ${offset}, which is looked up like any other`);
}

function waitsStep(
  steps: NumberedSteps,
  { offset, logEndOffset, target }: LookupExplanation,
): void {
  steps.step(
    offset === logEndOffset
      ? `Offset ${offset} is the next to be written`
      : `No record has offset ${offset} or a later one; the next to be written gets ${logEndOffset}`,
  );
  if ("timestamp" in target) steps.line("There is no record at or after that time.");
  steps.line("A consumer at this offset waits for the next record.");
}

function indexStep(
  steps: NumberedSteps,
  name: "offset index" | "time index",
  { origin, entries, comparisons, intervalBytes }: IndexStep,
): void {
  const entryBytes = name === "time index" ? TIME_ENTRY_BYTES : OFFSET_ENTRY_BYTES;
  const size = `${entries} ${entries === 1 ? "entry" : "entries"} of ${entryBytes} bytes`;
  steps.step(`The ${name}: ${size}; ${comparisonCount(comparisons)}`);
  if (origin.kind === "file") steps.line(entries === 0 ? "empty" : "read from its file");
  else if (origin.kind === "rebuilt") {
    steps.damage(`its file is not used: ${origin.reason}`);
    steps.line("rebuilt from the batch headers of the log, as a broker does");
  } else {
    const file =
      origin.fileEntries === null
        ? "its file has different entries and is not used"
        : `its file has ${origin.fileEntries} of them so far`;
    steps.line(`held in the broker's memory, rebuilt here from the log as on a restart; ${file}`);
  }
  steps.line(
    name === "offset index"
      ? `sparse: a batch gets an entry if it starts more than ${intervalBytes} bytes after the last batch that has one`
      : "sparse: at most one per offset index entry, and a last one when the segment is sealed",
  );
}

function entryLines(
  steps: NumberedSteps,
  { entries, before, after, intervalBytes }: IndexStep,
  text: (entry: EntrySummary) => string,
): void {
  if (entries === 0) {
    steps.line(`no batch starts more than ${intervalBytes} bytes after the start of the segment`);
    return;
  }
  const line = (entry: EntrySummary | null, none: string): string =>
    entry === null ? none : `entry ${entry.entry}: ${text(entry)} offset ${entry.offset}`;
  steps.line(`before: ${line(before, "none, the target is below the first entry")}`);
  steps.line(`after:  ${line(after, "none, the target is after the last entry")}`);
}

function startLine(steps: NumberedSteps, { before }: IndexStep, scan: ScanStep | undefined): void {
  if (scan === undefined) return;
  const why = before === null ? ", the start of the segment" : "";
  steps.result(`scan from position ${scan.from}${why}`);
}

function passedLines(steps: NumberedSteps, scan: ScanStep, say: (value: number) => string): void {
  const { passed, passedCount } = scan;
  for (const [i, { position, bytes, value }] of passed.entries()) {
    const isHidden = i >= BATCHES_SHOWN && i < passed.length - BATCHES_SHOWN;
    if (!isHidden) steps.line(`position ${position}: ${bytes} bytes, ${say(value)}`);
    else if (i === BATCHES_SHOWN) steps.line("…");
  }
  if (passedCount > passed.length) steps.line(`… ${passedCount - passed.length} more`);
}

function batchSteps(
  steps: NumberedSteps,
  { offset, read, batch, record, nextOffset, outcome, failure }: LookupExplanation,
): void {
  if (read === undefined || batch === undefined || offset === undefined) return;
  const how =
    read.by === "mmap"
      ? "mmap: a view of the sealed file, without a copy"
      : "pread: the active file is still being written";
  steps.step(`Read: ${read.bytes} bytes at position ${read.position}, by ${how}`);
  const { baseOffset, lastOffset, count, crc, codec } = batch;
  const records = count === 1 ? "1 record" : `${count} records`;
  steps.step(`The batch: offsets ${baseOffset} to ${lastOffset}, ${records}, codec ${codec}`);
  steps.line(`CRC-32C ${crc}: ok`);
  if (nextOffset !== undefined) {
    steps.line(`None of its records is at or after offset ${offset}: compaction has removed them.`);
    steps.line(`A consumer continues at offset ${nextOffset}.`);
  }
  if (outcome === "found" && failure !== undefined) {
    steps.step("The record: in this batch, for a consumer that can decompress it");
    steps.line(`not shown: ${failure.message}`);
  }
  if (record === undefined) return;
  if (record.offset > offset) {
    steps.line(`No record has offset ${offset}: compaction has removed it, or nobody wrote it.`);
    steps.line("A consumer gets the first one after it.");
  }
  if (record.index > 0) {
    const before = record.index === 1 ? "record" : `${record.index} records`;
    steps.line(`It starts before offset ${offset}: the broker never opens a batch, it sends it`);
    steps.line(`whole, and the consumer skips the first ${before}.`);
  }
  recordStep(steps, record);
}

function recordStep(
  steps: NumberedSteps,
  { offset, timestamp, key, value, headers, isCut }: RecordDescription,
) {
  steps.step(`The record: offset ${offset}`);
  steps.line(`timestamp  ${timestamp} (${formatTime(timestamp)})`);
  steps.line(`key        ${bytesText(key)}`);
  steps.line(`value      ${bytesText(value)}`);
  for (const header of headers) {
    steps.line(`header     ${quoted(header.name)}=${bytesText(header.value)}`);
  }
  if (isCut === true) steps.line("… and more headers");
}

/** What finding the batch cost, and what it would have cost without the index. */
export function costLines(
  steps: NumberedSteps,
  { cost, time }: LookupExplanation,
  heading = "What it cost to find the batch",
): void {
  if (cost === undefined) return;
  const { comparisons, withIndex, withoutIndex, bytesWithoutSegments } = cost;
  steps.heading(heading);
  steps.line(`with the index:     ${countOf(comparisons)}, ${headersText(withIndex)}`);
  if (withoutIndex === null)
    steps.line("without the index:  not possible: the log before it is damaged");
  else steps.line(`without the index:  ${headersText(withoutIndex)}, from the segment's start`);
  steps.line(`one file, no index: ${bytesWithoutSegments} bytes, from the start of the log`);
  const found = time?.found;
  if (found === undefined || found === null) return;
  steps.line(
    `and for the time:    ${found.scan.bytes} bytes; without time indexes ${found.bytesWithoutIndex} bytes`,
  );
}

function headersText({ headers, bytes }: Cost): string {
  return `${headers} batch ${headers === 1 ? "header" : "headers"} over ${bytes} bytes`;
}

function comparisonCount({ length }: readonly Comparison[]): string {
  return length === 0 ? "no search" : countOf(length);
}

function countOf(comparisons: number): string {
  return `${comparisons} ${comparisons === 1 ? "comparison" : "comparisons"}`;
}

function comparisonLines(
  steps: NumberedSteps,
  comparisons: readonly Comparison[],
  say: (number: number) => string,
  target: number,
): void {
  for (const { number, value } of comparisons) {
    steps.line(`${say(number)} ${value}: ${(value ?? 0) <= target ? "not after it" : "after it"}`);
  }
}

function bytesText(bytes: DescribedBytes | null): string {
  if (bytes === null) return "null";
  const size = `${bytes.bytes} ${bytes.bytes === 1 ? "byte" : "bytes"}`;
  const text = "text" in bytes ? bytes.text : bytes.base64;
  const shown = text.length <= TEXT_CHARACTERS_MAX ? text : text.slice(0, TEXT_CHARACTERS_MAX);
  const said = "text" in bytes ? quoted(shown) : `base64 ${shown}`;
  const isWhole = shown === text && bytes.isCut !== true;
  return `${said}${isWhole ? "" : "…"} (${size})`;
}
