// Writes a record entered on the page: chooses its partition and encodes its batch as a client does, and reports what the log
// did with it.
// Leaves to others: the order (produce-order.ts), and the produce itself (services/produce.ts).
import { RustLogError } from "../../errors.js";
import { formatCrc } from "../../inspection/batch-description.js";
import { INDEX_INTERVAL_BYTES } from "../../limits.js";
import { crc } from "../../record/batch.js";
import { BatchEncoder } from "../../record/encoder.js";
import { partitionForKey } from "../../record/key-partition.js";
import { compressBatch } from "../../record/opened-batch.js";
import type { ServiceContext } from "../../services/context.js";
import { partitionsToChooseFrom } from "../../services/partition-choice.js";
import { produce } from "../../services/produce.js";
import type { Partition } from "../../topics/partition.js";
import type { PageRoutes } from "./access.js";
import { answered } from "./answer.js";
import { jsonOf } from "./body.js";
import type { ProduceReport } from "../page/produce/produce-wire.js";
import { produceOrderOf, type RecordToWrite } from "./produce-order.js";

const SHOWN_BYTES_MAX = 512;

/** Writes a record and reports how. `flush` is the broker's policy as text. */
async function produceRecord(
  context: ServiceContext,
  record: RecordToWrite,
  flush: string,
): Promise<ProduceReport> {
  const { topic, codec } = record;
  const partitions = partitionsToChooseFrom(context, topic, record.mayCreate);
  const { partition: index, chosenBy } = choosePartition(record, partitions);
  const batch = await compressBatch(encoded(record), codec);
  const before = context.registry.findOnline(topic, index);
  const segmentBefore = before?.layout.segments.active.baseOffset;
  const highWatermarkBefore = before?.highWatermark ?? 0;
  const beganMs = performance.now();
  const offset = await produce(context, { topic, partition: index, batch: [batch] });
  const acknowledgedMs = performance.now() - beganMs;
  const partition = context.registry.partition(topic, index);
  const place = placeOf(partition, offset);
  return {
    ...{ topic, partition: index, chosenBy, partitions, offset, codec },
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

/** The partition that the order names, or else the one that a client would choose. */
function choosePartition(
  { partition, key }: RecordToWrite,
  partitions: number,
): Pick<ProduceReport, "partition" | "chosenBy"> {
  if (partition !== undefined) return { partition, chosenBy: "order" };
  if (key !== null) return { partition: partitionForKey(key, partitions), chosenBy: "key" };
  return { partition: Math.floor(Math.random() * partitions), chosenBy: "chance" };
}

function encoded({ timestampMs = Date.now(), key, value, headers }: RecordToWrite): Uint8Array {
  const encoder = new BatchEncoder();
  encoder.append(timestampMs, key, value, headers);
  return encoder.finish();
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
            return await produceRecord(context, produceOrderOf(await jsonOf(request)), flush);
          } finally {
            producing--;
          }
        }),
    },
  };
}
