// Explains one lookup, by offset or by time, as data: each step as the storage code took it, and what it would have
// cost without the index. Leaves to others: opening the log (log-files.ts), printing (cli/explain.ts).
import { RustLogError } from "../errors.js";
import { DECOMPRESSED_BYTES_MAX, INDEX_INTERVAL_BYTES } from "../limits.js";
import { BATCH_HEADER_BYTES } from "../record/batch.js";
import { joinPath } from "../log/disk/disk.js";
import type { IndexEntries } from "../log/index/index-file.js";
import { type LogRead, MappedSlice, readAll } from "../log/segment/log-slice.js";
import type { OffsetIndexView } from "../log/index/segment-index.js";
import type { SegmentView } from "../log/log-view.js";
import { segmentFileName } from "../log/segment/segment-files.js";
import { describeBatch } from "./batch-description.js";
import { findRecord, type RecordBounds } from "./find-record.js";
import type { ReadableLog } from "./log-files.js";
import type {
  Cost,
  EntrySummary,
  IndexOrigin,
  IndexStep,
  LookupExplanation,
  LookupTarget,
  ScanStep,
  SegmentSummary,
  TimeStep,
} from "./lookup-explanation.js";
import { LookupSteps } from "./lookup-steps.js";

/** Limits on what an explanation reads beyond the lookup itself. */
export interface LookupBounds extends RecordBounds {
  readonly segmentsMax: number;
  /** Batch headers read to measure the search without the index. */
  readonly scanHeadersMax: number;
  /** Size of the largest batch that is decompressed. */
  readonly batchBytesMax: number;
}

/** For the command line, where a long run blocks nobody. */
const COMMAND_BOUNDS: LookupBounds = {
  segmentsMax: Number.POSITIVE_INFINITY,
  scanHeadersMax: Number.POSITIVE_INFINITY,
  batchBytesMax: DECOMPRESSED_BYTES_MAX,
  recordBytesMax: DECOMPRESSED_BYTES_MAX,
  fieldBytesMax: 1024 * 1024,
  headersMax: 10_000,
};

/** Runs a lookup and explains it. A failed lookup is part of the explanation. */
export async function explainLookup(
  log: ReadableLog,
  target: LookupTarget,
  bounds: LookupBounds = COMMAND_BOUNDS,
): Promise<LookupExplanation> {
  const { count } = log.segments;
  const explanation: LookupExplanation = {
    topic: log.topic,
    partition: log.partition,
    directory: log.directory,
    target,
    logStartOffset: log.logStartOffset,
    logEndOffset: log.end.offset,
    segments:
      count > bounds.segmentsMax ? [] : Array.from({ length: count }, (_, i) => summaryOf(log, i)),
    ...(log.tail === undefined ? {} : { tail: log.tail }),
    outcome: "found",
  };
  try {
    if ("timestamp" in target) {
      explanation.time = await findTime(log, target.timestamp, bounds);
    }
    const offset =
      "offset" in target ? target.offset : (explanation.time?.found?.offset ?? log.end.offset);
    explanation.offset = offset;
    checkOffset(log, offset);
    if (offset === log.end.offset) explanation.outcome = "waits";
    else await findOffset(log, offset, explanation, bounds);
  } catch (error) {
    if (!(error instanceof RustLogError)) throw error;
    explanation.outcome = "failed";
    explanation.failure = { code: error.code, message: error.message };
  }
  return explanation;
}

function checkOffset({ topic, partition, logStartOffset, end, tail }: ReadableLog, offset: number) {
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
    `${topic}-${partition}: offset ${offset} is ${why}; valid offsets are ${logStartOffset} to ${end.offset}`,
  );
}

async function findOffset(
  log: ReadableLog,
  offset: number,
  explanation: LookupExplanation,
  bounds: LookupBounds,
): Promise<void> {
  const { segments, end } = log;
  const steps = new LookupSteps();
  let read: LogRead;
  try {
    read = segments.read(offset, 1, end, steps);
  } finally {
    // Also after a failure: the last step shows where the damage is.
    explanation.segmentComparisons = steps.segments;
    explanation.segment = summaryOf(log, steps.segment);
    if (steps.index !== undefined) {
      explanation.index = offsetIndexStep(log, explanation.segment, steps, steps.index.offsets);
      explanation.scan = scanStep(steps, explanation.index.before?.position ?? 0);
    }
  }
  if (read.bytes === 0) {
    // In a gap before the log end.
    explanation.outcome = "waits";
    return;
  }
  const { segment, scan } = explanation;
  if (segment === undefined || scan === undefined) throw new Error("read before search");
  const by = read.slices[0] instanceof MappedSlice ? "mmap" : "pread";
  explanation.read = { by, position: scan.to, bytes: read.bytes };
  explanation.batch = describeBatch(headerOf(read), 0, scan.to);
  explanation.cost = {
    comparisons: steps.segments.length + steps.entries.length,
    withIndex: { headers: scan.passedCount + 1, bytes: scan.bytes },
    withoutIndex: costWithoutIndex(log, segment.number, offset, bounds.scanHeadersMax),
    bytesWithoutSegments: bytesBefore(log, segment.number) + scan.to,
  };
  try {
    const bytes = openBatch(read, bounds);
    const record = await findRecord(bytes, (each) => each.offset >= offset, bounds);
    if (record === undefined) explanation.nextOffset = read.nextOffset;
    else explanation.record = record;
  } catch (error) {
    if (!(error instanceof RustLogError) || error.code === "CORRUPT_MESSAGE") throw error;
    // The codec is unknown or the batch too large. A broker would still serve it.
    explanation.failure = { code: error.code, message: error.message };
  }
}

async function findTime(
  log: ReadableLog,
  timestamp: number,
  bounds: LookupBounds,
): Promise<TimeStep> {
  const { segments, end } = log;
  const steps = new LookupSteps();
  const match = segments.findTimestamp(timestamp, log.logStartOffset, end, steps);
  const comparisons = steps.segments;
  // The search by time passed every earlier segment; the last one compared has the record.
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
  const limit = limitOf(log, segment);
  const position = segment.lookup.locate(match.offset, limit)?.position ?? limit;
  const read = segments.read(match.offset, 1, end);
  const isWanted = (each: { readonly offset: number; readonly timestamp: number }): boolean =>
    each.timestamp >= timestamp && each.offset >= log.logStartOffset;
  const record = await findRecord(openBatch(read, bounds), isWanted, bounds);
  return {
    comparisons,
    found: {
      segment: summary,
      index,
      scan: scanStep(steps, steps.passed[0]?.position ?? position),
      batch: { position, baseOffset: match.offset, maxTimestamp: match.timestamp },
      // Compaction may have removed the record with the header's timestamp.
      offset: record?.offset ?? read.nextOffset,
      bytesWithoutIndex: bytesBefore(log, number) + position,
    },
  };
}

function summaryOf({ segments }: ReadableLog, number: number): SegmentSummary {
  const segment = segments.at(number) ?? segments.active;
  return {
    number,
    file: segmentFileName(segment.baseOffset, "log"),
    baseOffset: segment.baseOffset,
    bytes: segment.fileBytes,
    kind: number < segments.sealed.length ? "sealed" : "active",
  };
}

function offsetIndexStep(
  log: ReadableLog,
  segment: SegmentSummary,
  steps: LookupSteps,
  offsets: OffsetIndexView,
): IndexStep {
  return indexStep(log, segment, "index", offsets, steps, (entry) => ({
    entry,
    offset: segment.baseOffset + offsets.relativeOffset(entry),
    position: offsets.position(entry),
  }));
}

function indexStep(
  log: ReadableLog,
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
  { segments, disk, directory }: ReadableLog,
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
  return { kind: "memory", fileEntries: isSame ? Math.floor(size / index.entryBytes) : null };
}

function scanStep({ passed, passedCount, passedEnd }: LookupSteps, from: number): ScanStep {
  const to = passedEnd ?? from;
  return { from, to, bytes: to - from, passedCount, passed };
}

function openBatch(read: LogRead, { batchBytesMax }: LookupBounds): Uint8Array {
  if (read.bytes <= batchBytesMax) return readAll(read);
  const message = `the batch has ${read.bytes} bytes; batches above ${batchBytesMax} bytes are not decompressed`;
  throw new RustLogError("MESSAGE_TOO_LARGE", message);
}

function headerOf({ slices: [slice] }: LogRead): Uint8Array {
  if (slice === undefined) throw new Error("read returned no batch");
  const header = new Uint8Array(BATCH_HEADER_BYTES);
  for (let at = 0; at < header.length;) {
    const part = slice.read(at, header.length - at);
    header.set(part, at);
    at += part.length;
  }
  return header;
}

/** Records a scan, and stops it with a RustLogError after too many batches. */
class BoundedSteps extends LookupSteps {
  readonly #passedMax: number;

  constructor(passedMax: number) {
    super();
    this.#passedMax = passedMax;
  }

  override passedBatch(position: number, bytes: number, value: number): void {
    super.passedBatch(position, bytes, value);
    if (this.passedCount > this.#passedMax) {
      throw new RustLogError("MESSAGE_TOO_LARGE", "the scan takes too long");
    }
  }
}

/** Repeats the search from the start of the segment, with the same code. */
function costWithoutIndex(
  log: ReadableLog,
  number: number,
  offset: number,
  headersMax: number,
): Cost | null {
  const segment = log.segments.at(number) ?? log.segments.active;
  const steps = new BoundedSteps(headersMax);
  try {
    const limit = limitOf(log, segment);
    const bytes = segment.lookup.scan(offset, limit, steps)?.position ?? limit;
    return { headers: steps.passedCount + 1, bytes };
  } catch (error) {
    if (error instanceof RustLogError) return null;
    throw error;
  }
}

function limitOf({ end }: ReadableLog, segment: SegmentView): number {
  return segment.baseOffset === end.segment ? end.position : segment.bytes;
}

function bytesBefore({ segments }: ReadableLog, number: number): number {
  let bytes = 0;
  for (let i = 0; i < number; i++) bytes += segments.at(i)?.fileBytes ?? 0;
  return bytes;
}
