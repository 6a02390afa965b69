// A batch decompressed, or compressed, by code that has the event loop to share.
// Leaves to others: reading its records (cursor.ts), and writing them (encoder.ts).
import {
  BATCH_HEADER_BYTES,
  BATCH_OVERHEAD_BYTES,
  type Codec,
  codecOf,
  FIELD,
  NO_PRODUCER,
  setCodec,
  stampProducer,
} from "./batch.js";
import { writeI32 } from "./bytes.js";
import { compressAside, decompressBehind } from "./compression.js";

/**
 * Decompresses a batch that passed `findBatchFault`, in small steps. Returns it with codec none and the old CRC, so read it
 * without checking that. Rejects with MESSAGE_TOO_LARGE past `bytesMax`, and as `decompressPrefix` does.
 */
export async function openBatch(batch: Uint8Array, bytesMax: number): Promise<Uint8Array> {
  const codec = codecOf(batch, 0) ?? "none";
  if (codec === "none") return batch;
  const records = batch.subarray(BATCH_HEADER_BYTES);
  const head = batch.subarray(0, BATCH_HEADER_BYTES);
  return withCodec(await decompressBehind(head, codec, records, bytesMax), "none");
}

/** Compresses a batch that has no producer, and none of the codecs. */
export async function compressBatch(batch: Uint8Array, codec: Codec): Promise<Uint8Array> {
  if (codec === "none") return batch;
  const records = await compressAside(codec, batch.subarray(BATCH_HEADER_BYTES));
  const compressed = withRecords(batch, records, codec);
  stampProducer(compressed, NO_PRODUCER);
  return compressed;
}

/** The batch with these records, decompressed unless there is a codec, in place of its own, and with the old CRC. */
export function withRecords(
  batch: Uint8Array,
  records: Uint8Array,
  codec: Codec = "none",
): Uint8Array {
  const opened = new Uint8Array(BATCH_HEADER_BYTES + records.length);
  opened.set(batch.subarray(0, BATCH_HEADER_BYTES));
  opened.set(records, BATCH_HEADER_BYTES);
  return withCodec(opened, codec);
}

/** A batch whose records are compressed, or not, by now. */
function withCodec(batch: Uint8Array, codec: Codec): Uint8Array {
  setCodec(batch, 0, codec);
  writeI32(batch, FIELD.batchLength, batch.length - BATCH_OVERHEAD_BYTES);
  return batch;
}
