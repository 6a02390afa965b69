// Writes a record entered on the page: encodes its batch as a client does, and reports what the log did with it.
// Leaves to others: the produce itself (services/produce.ts).
import { RustLogError } from "../errors.js";
import { formatCrc } from "../inspection/batch-description.js";
import { INDEX_INTERVAL_BYTES } from "../limits.js";
import { crc } from "../record/batch.js";
import { BatchEncoder } from "../record/encoder.js";
import type { ServiceContext } from "../services/context.js";
import { produce } from "../services/produce.js";
import type { Partition } from "../topics/partition.js";
import type { ProduceOrder, ProduceReport } from "./page/wire.js";

const SHOWN_BYTES_MAX = 512;

/** Writes a record and reports how. `flush` is the broker's policy as text. */
export async function produceRecord(
  context: ServiceContext,
  order: ProduceOrder,
  flush: string,
): Promise<ProduceReport> {
  const { topic, key, value } = order;
  const encoder = new BatchEncoder();
  encoder.append(Date.now(), key, value);
  const batch = encoder.finish();
  const before = context.registry.findOnline(topic, order.partition);
  const segmentBefore = before?.layout.segments.active.baseOffset;
  const highWatermarkBefore = before?.highWatermark ?? 0;
  const beganMs = performance.now();
  const offset = await produce(context, { topic, partition: order.partition, batch: [batch] });
  const acknowledgedMs = performance.now() - beganMs;
  const partition = context.registry.partition(topic, order.partition);
  const place = placeOf(partition, offset);
  return {
    topic,
    partition: partition.index,
    offset,
    hex: Buffer.from(batch.subarray(0, SHOWN_BYTES_MAX)).toString("hex"),
    bytes: batch.length,
    crc: formatCrc(crc(batch, 0)),
    ...place,
    hasRolled: before !== undefined && place.segment !== segmentBefore && place.segment === offset,
    intervalBytes: INDEX_INTERVAL_BYTES,
    flush,
    acknowledgedMs,
    highWatermarkBefore,
    highWatermark: partition.highWatermark,
  };
}

/** The position of a record, and the index entry at or before it. */
function placeOf(
  partition: Partition,
  offset: number,
): Pick<ProduceReport, "segment" | "position" | "indexEntry" | "bytesSinceEntry"> {
  const { segments } = partition.layout;
  for (let i = segments.count - 1; i >= 0; i--) {
    const segment = segments.at(i);
    if (segment === undefined || segment.baseOffset > offset) continue;
    const position = segment.lookup.locate(offset, segment.bytes)?.position ?? segment.bytes;
    const { offsets } = segment.index();
    const entry = offsets.lookupPosition(position);
    const isIts = entry >= 0 && offsets.position(entry) === position;
    const before = isIts ? entry - 1 : entry;
    const bytesSinceEntry = position - (before < 0 ? 0 : offsets.position(before));
    const indexEntry = isIts ? entry : null;
    return { segment: segment.baseOffset, position, indexEntry, bytesSinceEntry };
  }
  throw new RustLogError("OFFSET_OUT_OF_RANGE", `offset ${offset} has already been deleted`);
}
