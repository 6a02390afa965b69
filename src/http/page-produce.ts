// A record that a person writes on the page: its batch, made as a client makes it, and what the log did with it.
// Leaves to others: the append itself (topics/partition.ts).
import type { Broker } from "../broker/broker.ts";
import { refuseInternalTopic } from "../broker/handlers/internal-topic.ts";
import { refuseMissingPartition } from "../broker/handlers/produce.ts";
import { RustLogError } from "../errors.ts";
import { formatCrc } from "../inspection/batch-description.ts";
import { INDEX_INTERVAL_BYTES } from "../limits.ts";
import { crc } from "../record/batch.ts";
import { checkProducedBatch } from "../record/produced-batch.ts";
import { BatchEncoder } from "../record/encoder.ts";
import type { Partition } from "../topics/partition.ts";
import type { ProduceOrder, ProduceReport } from "./page/wire.ts";

/** Bytes of the batch that are shown. */
const SHOWN_BYTES_MAX = 512;

/** Writes a record, and tells how; `flush` is the broker's policy, in words. */
export async function produceRecord(
  broker: Broker,
  order: ProduceOrder,
  flush: string,
): Promise<ProduceReport> {
  const { services } = broker;
  const { topic, key, value } = order;
  refuseInternalTopic(topic, "produced to");
  refuseMissingPartition(services, topic, order.partition);
  await services.registry.ensure(topic);
  const partition = services.registry.partition(topic, order.partition);
  const encoder = new BatchEncoder();
  encoder.append(Date.now(), key, value);
  const batch = encoder.finish();
  checkProducedBatch(batch, services.batchBytesMax);
  const segmentBefore = partition.layout.segments.active.baseOffset;
  const highWatermarkBefore = partition.highWatermark;
  const beganMs = performance.now();
  const offset = await partition.append(batch);
  const acknowledgedMs = performance.now() - beganMs;
  const place = placeOf(partition, offset);
  return {
    topic,
    partition: partition.index,
    offset,
    hex: Buffer.from(batch.subarray(0, SHOWN_BYTES_MAX)).toString("hex"),
    bytes: batch.length,
    crc: formatCrc(crc(batch, 0)),
    ...place,
    hasRolled: place.segment !== segmentBefore && place.segment === offset,
    intervalBytes: INDEX_INTERVAL_BYTES,
    flush,
    acknowledgedMs,
    highWatermarkBefore,
    highWatermark: partition.highWatermark,
  };
}

/** Where a record is, and which index entry is at or before it. */
function placeOf(
  partition: Partition,
  offset: number,
): Pick<ProduceReport, "segment" | "position" | "indexEntry" | "bytesSinceEntry"> {
  const { segments } = partition.layout;
  for (let i = segments.count - 1; i >= 0; i--) {
    const segment = segments.at(i);
    if (segment === undefined || segment.baseOffset > offset) continue;
    const position = segment.locate(offset, segment.bytes);
    const { offsets } = segment.index();
    const entry = offsets.lookupPosition(position);
    const isIts = entry >= 0 && offsets.position(entry) === position;
    const before = isIts ? entry - 1 : entry;
    const bytesSinceEntry = position - (before < 0 ? 0 : offsets.position(before));
    const indexEntry = isIts ? entry : null;
    return { segment: segment.baseOffset, position, indexEntry, bytesSinceEntry };
  }
  throw new RustLogError("OFFSET_OUT_OF_RANGE", `offset ${offset} is gone already`);
}
