// Writes a record entered on the page: encodes its batch as a client does, and reports what the log did with it.
// Leaves to others: the produce itself (services/produce.ts).
import { RustLogError } from "../../errors.js";
import { formatCrc } from "../../inspection/batch-description.js";
import { INDEX_INTERVAL_BYTES } from "../../limits.js";
import { crc } from "../../record/batch.js";
import { BatchEncoder } from "../../record/encoder.js";
import type { ServiceContext } from "../../services/context.js";
import { produce } from "../../services/produce.js";
import type { Partition } from "../../topics/partition.js";
import type { PageRoutes } from "./access.js";
import { answered, invalid, jsonOf } from "./answer.js";
import type { ProduceOrder, ProduceReport } from "../page/wire.js";

const SHOWN_BYTES_MAX = 512;

/** Writes a record and reports how. `flush` is the broker's policy as text. */
async function produceRecord(
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

/** Maximum number of records written concurrently from pages. The server bounds their bodies. */
const PRODUCING_MAX = 32;

/** The route of a record. `flush` is the broker's flush policy as text. */
export function produceRoutes(flush: string): PageRoutes {
  let producing = 0;
  return {
    "/api/produce": {
      POST: (request, { context }) =>
        answered(async () => {
          if (producing >= PRODUCING_MAX) {
            const message = `too many records from pages are being written (${PRODUCING_MAX})`;
            throw new RustLogError("BROKER_OVERLOADED", message);
          }
          producing++;
          try {
            return await produceRecord(context, await orderOf(request), flush);
          } finally {
            producing--;
          }
        }),
    },
  };
}

async function orderOf(request: Request): Promise<ProduceOrder> {
  const { topic, partition, key, value } = await jsonOf(request);
  const isKey = key === null || typeof key === "string";
  const isPartition = typeof partition === "number" && Number.isSafeInteger(partition);
  if (typeof topic === "string" && isPartition && isKey && typeof value === "string") {
    return { topic, partition, key, value };
  }
  throw invalid("the body must be {topic, partition, key, value}");
}
