// A log's files for the page: segments, index entries, batches, and the bytes of a batch. Every response is bounded, so
// that it blocks nobody. Leaves to others: the requests (routes.ts), and the meaning of the bytes (inspection/).
import { firstNotBefore } from "../../binary-search.js";
import { RustLogError } from "../../errors.js";
import { batchFields, type OpenRecords } from "../../inspection/batch-fields.js";
import { describeBatch } from "../../inspection/batch-description.js";
import type { DumpItem } from "../../inspection/fields.js";
import { explainLookup, type LookupBounds } from "../../inspection/explain-lookup.js";
import { FileReader } from "../../inspection/file-reader.js";
import type { LookupExplanation, LookupTarget } from "../../inspection/lookup-explanation.js";
import { BATCH_HEADER_BYTES, BATCH_MAGIC, batchBytes, codecOf, magic } from "../../record/batch.js";
import { decompressPrefix } from "../../record/compression.js";
import { joinPath } from "../../log/disk/disk.js";
import { Portions } from "../../log/event-loop.js";
import type { SegmentView } from "../../log/log-view.js";
import { segmentFileName } from "../../log/segment/segment-files.js";
import type { Partition } from "../../topics/partition.js";
import type {
  BatchDump,
  BatchRows,
  DumpRow,
  IndexTicks,
  SegmentRows,
} from "../page/log/log-wire.js";

const ANSWER_SEGMENTS_MAX = 2_000;

/** Segments whose index is read, and entries returned, per response. */
const TICK_SEGMENTS_MAX = 64;
const TICKS_MAX = 4_000;

/** Per response: batches, rows, and bytes shown of a field. */
const ANSWER_BATCHES_MAX = 50;
const ANSWER_ROWS_MAX = 500;
const SHOWN_FIELD_BYTES_MAX = 256;

/** Batches between two index entries that are read to find the last ones. */
const BACKWARDS_BATCHES_MAX = 2_000;

/** The last row of a batch that can be requested: reaching a row means reading all rows before it. */
const ROW_LAST = 50_000;

/** The largest batch that is read, and the most bytes decompressed from one. */
const OPENED_BATCH_BYTES_MAX = 16 * 1024 * 1024;
const OPENED_BYTES_MAX = 2 * 1024 * 1024;

const LOOKUP_BOUNDS: LookupBounds = {
  // The page already has the segments.
  segmentsMax: 0,
  scanHeadersMax: 5_000,
  batchBytesMax: OPENED_BATCH_BYTES_MAX,
  recordBytesMax: OPENED_BYTES_MAX,
  fieldBytesMax: SHOWN_FIELD_BYTES_MAX,
  headersMax: 100,
};

/** Rows of a batch skipped, and segments whose index is read, per turn of the event loop. */
const ROWS_PER_TURN = 1_000;
const INDEXES_PER_TURN = 1;

/** Segment comparisons shown for a search by time. */
const COMPARISONS_MAX = 1_000;

/** The segments with a base offset above `after`. */
export function segmentRows(partition: Partition, after: number): SegmentRows {
  const { sealed, active } = partition.layout.segments;
  const first = sealed.findIndex((segment) => segment.baseOffset > after);
  const wanted = first < 0 ? [] : sealed.slice(first, first + ANSWER_SEGMENTS_MAX);
  const hasMore = first >= 0 && first + ANSWER_SEGMENTS_MAX < sealed.length;
  const rows = hasMore || active.baseOffset <= after ? wanted : [...wanted, active];
  return {
    bases: rows.map(({ baseOffset }) => baseOffset),
    bytes: rows.map((segment) => segment.fileBytes),
    hasMore,
  };
}

interface TickSpan {
  /** Base offsets of segments. */
  readonly bases: readonly number[];
  /** Bytes between two entries, at least. */
  readonly spacing: number;
  /** A position in the first of them, and one in the last. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
}

/** Index entries of these segments. */
export async function indexTicks(
  partition: Partition,
  { bases, spacing, from = 0, to = Number.POSITIVE_INFINITY }: TickSpan,
): Promise<IndexTicks> {
  let left = TICKS_MAX;
  const segments: IndexTicks["segments"][number][] = [];
  const portions = new Portions(INDEXES_PER_TURN);
  for (const base of bases.slice(0, TICK_SEGMENTS_MAX)) {
    // A deletion may have closed the segment in the previous turn.
    const segment = partition.closed ? undefined : findSegment(partition, base);
    if (segment === undefined) continue;
    const { offsets } = segment.index();
    const positions: number[] = [];
    const first = base === bases[0] && from > 0 ? offsets.lookupPosition(from - 1) + 1 : 0;
    const end = base === bases.at(-1) ? to : Number.POSITIVE_INFINITY;
    for (let entry = first; entry < offsets.count && left > 0; left--) {
      const position = offsets.position(entry);
      if (position > end) break;
      positions.push(position);
      entry = Math.max(entry, offsets.lookupPosition(position + spacing - 1)) + 1;
    }
    segments.push({ base, entries: offsets.count, positions });
    // A damaged index file is rebuilt from the log.
    await portions.next();
  }
  return { segments };
}

/** Explains a lookup in the current log, step by step. */
export async function lookUp(
  partition: Partition,
  target: LookupTarget,
): Promise<LookupExplanation> {
  if ("timestamp" in target) await partition.prepareTimeSearch(target.timestamp);
  const { topic, index, logStartOffset } = partition;
  const log = { ...partition.layout, topic, partition: index, logStartOffset, tail: undefined };
  const explanation = await explainLookup(log, target, LOOKUP_BOUNDS);
  const { time } = explanation;
  return time === undefined
    ? explanation
    : { ...explanation, time: { ...time, comparisons: time.comparisons.slice(-COMPARISONS_MAX) } };
}

interface BatchStart {
  readonly at?: number | undefined;
  /** The batch that the index gives for this position, or the one before it. */
  readonly near?: number | undefined;
  readonly offset?: number | undefined;
  /** The batches that end where this one starts. */
  readonly before?: number | undefined;
}

type BatchRow = BatchRows["batches"][number];

/** Some batches of a segment, described by their headers. */
export function batchRows(partition: Partition, base: number, start: BatchStart): BatchRows {
  const segment = segmentOf(partition, base);
  const { offsets } = segment.index();
  const { bytes } = segment;
  using file = openSegment(partition, base);
  const about = {
    file: segmentFileName(base, "log"),
    ...{ bytes, indexEntries: offsets.count },
    isActive: segment === partition.layout.segments.active,
  };
  if (start.before !== undefined) {
    const before = Math.min(start.before, bytes);
    return { ...about, ...batchesBefore(file, segment, before), next: before };
  }
  let position = start.at ?? 0;
  if (start.offset !== undefined) {
    position = segment.lookup.locate(start.offset, bytes)?.position ?? bytes;
  }
  if (start.near !== undefined) {
    const entry = offsets.lookupPosition(start.near);
    position = entry < 0 ? 0 : offsets.position(entry);
  }
  const walk = walkBatches(file, position, bytes, ANSWER_BATCHES_MAX);
  const { batches, end } = walk;
  if (walk.isDamaged) {
    // The index leads past damage. What it leads to may be damaged too, which the next answer says.
    const after = offsets.lookupPosition(end) + 1;
    const next = after < offsets.count ? offsets.position(after) : null;
    return { ...about, batches, next, damage: `no batch starts at position ${end}` };
  }
  if (end < bytes) return { ...about, batches, next: end, damage: null };
  const rest = segment.fileBytes - bytes;
  const damage = rest > 0 ? `the last ${rest} bytes of the file are not a batch` : null;
  return { ...about, batches, next: null, damage };
}

/** The batches from `position` to `end`, up to damage, and up to `countMax`. */
function walkBatches(file: FileReader, position: number, end: number, countMax: number) {
  const batches: BatchRow[] = [];
  const header = new Uint8Array(BATCH_HEADER_BYTES);
  let at = position;
  while (at < end && batches.length < countMax) {
    const isWhole = file.read(header, at) === header.length;
    const size = isWhole ? batchBytes(header, 0) : 0;
    const isBatch = magic(header, 0) === BATCH_MAGIC && size >= BATCH_HEADER_BYTES;
    if (!isWhole || !isBatch || at + size > file.size) return { batches, end: at, isDamaged: true };
    batches.push(describeBatch(header, 0, at));
    at += size;
  }
  return { batches, end: at, isDamaged: false };
}

/** The last batches before a position, found from index entries: a log can't be walked backwards. */
function batchesBefore(
  file: FileReader,
  segment: SegmentView,
  before: number,
): Pick<BatchRows, "batches" | "damage"> {
  const { offsets } = segment.index();
  let batches: BatchRow[] = [];
  let end = before;
  let entry = before === 0 ? -1 : offsets.lookupPosition(before - 1);
  while (end > 0 && batches.length < ANSWER_BATCHES_MAX) {
    const start = entry < 0 ? 0 : offsets.position(entry);
    const walk = walkBatches(file, start, end, BACKWARDS_BATCHES_MAX);
    if (walk.isDamaged || walk.end < end) {
      const damage = walk.isDamaged
        ? `no batch starts at position ${walk.end}`
        : `more than ${BACKWARDS_BATCHES_MAX} batches follow position ${start} without an index entry`;
      return { batches, damage };
    }
    batches = [...walk.batches, ...batches];
    end = start;
    entry--;
  }
  return { batches: batches.slice(-ANSWER_BATCHES_MAX), damage: null };
}

/** The batch at `position`, field by field, starting with row `from`. */
export async function batchDump(
  partition: Partition,
  base: number,
  position: number,
  from: number,
): Promise<BatchDump> {
  const bytes = readBatch(partition, base, position);
  const open = await openRecords(bytes);
  const portions = new Portions(ROWS_PER_TURN);
  const rows: DumpRow[] = [];
  let number = 0;
  let next: number | null = null;
  for (const item of batchFields(bytes, 0, bytes.length, position, open)) {
    if (number >= from + ANSWER_ROWS_MAX || number >= ROW_LAST) {
      next = number;
      break;
    }
    if (number >= from) rows.push(rowOf(item));
    number++;
    await portions.next();
  }
  return { batch: describeBatch(bytes, 0, position), rows, next: next === ROW_LAST ? null : next };
}

/** Decompresses the records of a batch, or tells why that is not possible, before their fields are read. */
async function openRecords(batch: Uint8Array): Promise<OpenRecords> {
  const codec = codecOf(batch, 0);
  if (codec === undefined || codec === "none") return () => ({ bytes: batch, isWhole: true });
  try {
    const records = batch.subarray(BATCH_HEADER_BYTES);
    const prefix = await decompressPrefix(codec, records, OPENED_BYTES_MAX);
    return () => prefix;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

function rowOf(item: DumpItem): DumpRow {
  if (item.kind === "heading") return { heading: item.text, isBroken: item.isBroken };
  const { position, bytes, name, text, role } = item;
  const hex = Buffer.from(bytes.subarray(0, SHOWN_FIELD_BYTES_MAX)).toString("hex");
  return { position, bytes: bytes.length, hex, name, text: text ?? null, role };
}

function readBatch(partition: Partition, base: number, position: number): Uint8Array {
  const { bytes: end } = segmentOf(partition, base);
  using file = openSegment(partition, base);
  const header = new Uint8Array(BATCH_HEADER_BYTES);
  const isWhole = position < end && file.read(header, position) === header.length;
  if (!isWhole || magic(header, 0) !== BATCH_MAGIC) {
    const name = segmentFileName(base, "log");
    throw new RustLogError("INVALID_REQUEST", `no batch starts at position ${position} of ${name}`);
  }
  const size = Math.max(BATCH_HEADER_BYTES, batchBytes(header, 0));
  const bytes = new Uint8Array(Math.min(size, end - position, OPENED_BATCH_BYTES_MAX));
  return bytes.subarray(0, file.read(bytes, position));
}

function openSegment(partition: Partition, base: number): FileReader {
  const { directory } = partition.layout;
  return new FileReader(joinPath(directory, segmentFileName(base, "log")));
}

function segmentOf(partition: Partition, base: number): SegmentView {
  const segment = findSegment(partition, base);
  if (segment !== undefined) return segment;
  const message = `${partition.name} has no segment ${segmentFileName(base, "log")}`;
  throw new RustLogError("INVALID_REQUEST", message);
}

function findSegment(partition: Partition, base: number): SegmentView | undefined {
  const { segments } = partition.layout;
  const isBefore = (i: number): boolean => (segments.at(i)?.baseOffset ?? 0) < base;
  const segment = segments.at(firstNotBefore(segments.count, isBefore));
  return segment?.baseOffset === base ? segment : undefined;
}
