// The life of one lookup, by offset or by time, as numbers: each step as the storage code took it, and what it would
// have cost without the index. Leaves to others: opening the log (log-files.ts), showing it (cli/explain.ts).
import { isUtf8 } from "node:buffer";
import { RustLogError } from "../errors.ts";
import { INDEX_INTERVAL_BYTES } from "../limits.ts";
import { RecordCursor } from "../record/cursor.ts";
import { joinPath } from "../storage/disk.ts";
import type { IndexEntries } from "../storage/index-file.ts";
import { type LogRead, MappedSlice, readAll } from "../storage/log-slice.ts";
import { OFFSET_ENTRY_BYTES, type OffsetIndex } from "../storage/offset-index.ts";
import { SealedSegment } from "../storage/sealed-segment.ts";
import type { LogSegment } from "../storage/segment.ts";
import { segmentFileName } from "../storage/segment-files.ts";
import { TIME_ENTRY_BYTES } from "../storage/time-index.ts";
import { describeBatch } from "./batch-description.ts";
import type { LogFiles } from "./log-files.ts";
import type {
  Cost,
  DescribedBytes,
  EntrySummary,
  IndexOrigin,
  IndexStep,
  LookupExplanation,
  LookupTarget,
  RecordDescription,
  ScanStep,
  SegmentSummary,
  TimeStep,
} from "./lookup-explanation.ts";
import { LookupSteps } from "./lookup-steps.ts";

/**
 * Looks something up in a log, and tells how. A failure of the lookup is part of what is told. What the search costs
 * without the index is not tried out for a batch that lies further than `scanBytesMax` into its segment.
 */
export function explainLookup(
  log: LogFiles,
  target: LookupTarget,
  scanBytesMax = Number.POSITIVE_INFINITY,
): LookupExplanation {
  const explanation: LookupExplanation = {
    topic: log.topic,
    partition: log.partition,
    directory: log.directory,
    target,
    logStartOffset: log.logStartOffset,
    logEndOffset: log.end.offset,
    segments: Array.from({ length: log.segments.count }, (_, i) => summaryOf(log, i)),
    ...(log.tail === undefined ? {} : { tail: log.tail }),
    outcome: "found",
  };
  try {
    if ("timestamp" in target) explanation.time = findTime(log, target.timestamp);
    const offset =
      "offset" in target ? target.offset : (explanation.time?.found?.offset ?? log.end.offset);
    explanation.offset = offset;
    checkOffset(log, offset);
    if (offset === log.end.offset) explanation.outcome = "waits";
    else findOffset(log, offset, explanation, scanBytesMax);
  } catch (error) {
    if (!(error instanceof RustLogError)) throw error;
    explanation.outcome = "failed";
    explanation.failure = { code: error.code, message: error.message };
  }
  return explanation;
}

function checkOffset({ topic, partition, logStartOffset, end, tail }: LogFiles, offset: number) {
  if (offset >= end.offset && tail !== undefined && !tail.isPartial) {
    throw new RustLogError(
      "CORRUPT_MESSAGE",
      `${tail.file}, position ${tail.position}: ${tail.reason}; the log ends before it, at offset ${end.offset}`,
    );
  }
  if (offset >= logStartOffset && offset <= end.offset) return;
  const why = offset < logStartOffset ? "below the log start" : "past the end of the log";
  throw new RustLogError(
    "OFFSET_OUT_OF_RANGE",
    `${topic}-${partition}: offset ${offset} is ${why}: valid are ${logStartOffset} to ${end.offset}`,
  );
}

function findOffset(
  log: LogFiles,
  offset: number,
  explanation: LookupExplanation,
  scanBytesMax: number,
): void {
  const { segments, end } = log;
  const steps = new LookupSteps();
  let read: LogRead;
  try {
    read = segments.read(offset, 1, end, steps);
  } finally {
    // Also when it failed: how far it came tells where the damage is.
    explanation.segmentComparisons = steps.segments;
    explanation.segment = summaryOf(log, segmentFound(steps, offset));
    if (steps.index !== undefined) {
      explanation.index = offsetIndexStep(log, explanation.segment, steps, steps.index.offsets);
      explanation.scan = scanStep(steps, explanation.index.before?.position ?? 0);
    }
  }
  const { segment, scan } = explanation;
  if (segment === undefined || scan === undefined) throw new Error("a read without a search");
  const bytes = readAll(read);
  const by = read.slices[0] instanceof MappedSlice ? "mmap" : "pread";
  explanation.read = { by, position: scan.to, bytes: bytes.length };
  explanation.batch = describeBatch(bytes, 0, scan.to);
  explanation.cost = {
    comparisons: steps.segments.length + steps.entries.length,
    withIndex: { headers: scan.passedCount + 1, bytes: scan.bytes },
    withoutIndex: scan.to > scanBytesMax ? null : costWithoutIndex(log, segment.number, offset),
    bytesWithoutSegments: bytesBefore(log, segment.number) + scan.to,
  };
  try {
    explanation.record = firstRecord(bytes, (record) => record.offset >= offset);
  } catch (error) {
    if (!(error instanceof RustLogError) || error.code === "CORRUPT_MESSAGE") throw error;
    // A codec that is not known here: the batch is what a broker would send all the same.
    const { code, message } = error.cause instanceof RustLogError ? error.cause : error;
    explanation.failure = { code, message };
  }
}

function findTime(log: LogFiles, timestamp: number): TimeStep {
  const { segments, end } = log;
  const steps = new LookupSteps();
  const match = segments.findTimestamp(timestamp, end, steps);
  const comparisons = steps.segments;
  // All segments before it were passed by: the last one looked at has the record.
  const number = comparisons.at(-1)?.number ?? 0;
  const segment = segments.at(number);
  if (match === undefined || steps.index === undefined || segment === undefined) {
    return { comparisons, found: null };
  }
  const { times } = steps.index;
  const summary = summaryOf(log, number);
  const index = indexStep(log, summary, "timeindex", times, steps, (entry) => ({
    entry,
    offset: segment.baseOffset + times.relativeOffset(entry),
    timestamp: times.timestamp(entry),
  }));
  const position = segment.locate(match.offset, limitOf(log, segment));
  const bytes = readAll(segments.read(match.offset, 1, end));
  return {
    comparisons,
    found: {
      segment: summary,
      index,
      scan: scanStep(steps, steps.passed[0]?.position ?? position),
      batch: { position, baseOffset: match.offset, maxTimestamp: match.timestamp },
      offset: firstRecord(bytes, (record) => record.timestamp >= timestamp).offset,
      bytesWithoutIndex: bytesBefore(log, number) + position,
    },
  };
}

/** Number of the segment that a search by offset ends at: the last that was seen to begin at or below it. */
function segmentFound(steps: LookupSteps, offset: number): number {
  let found = 0;
  for (const { number, value } of steps.segments) {
    if (value !== null && value <= offset) found = Math.max(found, number);
  }
  return found;
}

function summaryOf({ segments }: LogFiles, number: number): SegmentSummary {
  const segment = segments.at(number) ?? segments.active;
  return {
    number,
    file: segmentFileName(segment.baseOffset, "log"),
    baseOffset: segment.baseOffset,
    bytes: segment.fileBytes,
    kind: segment instanceof SealedSegment ? "sealed" : "active",
  };
}

function offsetIndexStep(
  log: LogFiles,
  segment: SegmentSummary,
  steps: LookupSteps,
  offsets: OffsetIndex,
): IndexStep {
  return indexStep(log, segment, "index", offsets, steps, (entry) => ({
    entry,
    offset: segment.baseOffset + offsets.relativeOffset(entry),
    position: offsets.position(entry),
  }));
}

function indexStep(
  log: LogFiles,
  segment: SegmentSummary,
  kind: "index" | "timeindex",
  index: IndexEntries,
  { entry, entries }: LookupSteps,
  summary: (entry: number) => EntrySummary,
): IndexStep {
  return {
    origin: originOf(log, segment, kind, index),
    entries: index.count,
    intervalBytes: INDEX_INTERVAL_BYTES,
    comparisons: entries,
    before: entry < 0 ? null : summary(entry),
    after: entry + 1 < index.count ? summary(entry + 1) : null,
  };
}

function originOf(
  { segments, disk, directory }: LogFiles,
  { number, baseOffset }: SegmentSummary,
  kind: "index" | "timeindex",
  index: IndexEntries,
): IndexOrigin {
  const sealed = segments.sealed[number];
  if (sealed !== undefined) {
    const reason = sealed.rebuildReason;
    return reason === undefined ? { kind: "file" } : { kind: "rebuilt", reason };
  }
  const path = joinPath(directory, segmentFileName(baseOffset, kind));
  const file = disk.readFile(path) ?? new Uint8Array(0);
  const expected = index.bytesFrom(0);
  const size = Math.min(file.length, expected.length);
  const isSame = Buffer.compare(file.subarray(0, size), expected.subarray(0, size)) === 0;
  const entryBytes = kind === "index" ? OFFSET_ENTRY_BYTES : TIME_ENTRY_BYTES;
  return { kind: "memory", fileEntries: isSame ? Math.floor(size / entryBytes) : null };
}

function scanStep({ passed, passedCount, passedEnd }: LookupSteps, from: number): ScanStep {
  const to = passedEnd ?? from;
  return { from, to, bytes: to - from, passedCount, passed };
}

/** The same search by the same code, from the start of the segment. */
function costWithoutIndex(log: LogFiles, number: number, offset: number): Cost | null {
  const segment = log.segments.at(number) ?? log.segments.active;
  const steps = new LookupSteps();
  try {
    const bytes = segment.scan(offset, limitOf(log, segment), steps);
    return { headers: steps.passedCount + 1, bytes };
  } catch (error) {
    if (error instanceof RustLogError) return null;
    throw error;
  }
}

function limitOf({ end }: LogFiles, segment: LogSegment): number {
  return segment.baseOffset === end.segment ? end.position : segment.bytes;
}

function bytesBefore({ segments }: LogFiles, number: number): number {
  let bytes = 0;
  for (let i = 0; i < number; i++) bytes += segments.at(i)?.fileBytes ?? 0;
  return bytes;
}

/** The first record of a batch that is wanted, which there must be. Throws CORRUPT_MESSAGE. */
function firstRecord(
  bytes: Uint8Array,
  isWanted: (cursor: RecordCursor) => boolean,
): RecordDescription {
  const cursor = new RecordCursor().reset(bytes);
  for (let index = 0; cursor.next(); index++) {
    if (!isWanted(cursor)) continue;
    const headers = cursor
      .headers()
      .map(({ name, value }) => ({ name, value: describedBytes(value) }));
    const { offset, timestamp } = cursor;
    const [key, value] = [describedBytes(cursor.key()), describedBytes(cursor.value())];
    return { offset, index, timestamp, key, value, headers };
  }
  throw new RustLogError("CORRUPT_MESSAGE", "the batch does not have the record that it should");
}

function describedBytes(bytes: Uint8Array | null): DescribedBytes | null {
  if (bytes === null) return null;
  return isUtf8(bytes)
    ? { bytes: bytes.length, text: new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes) }
    : { bytes: bytes.length, base64: Buffer.from(bytes).toString("base64") };
}
