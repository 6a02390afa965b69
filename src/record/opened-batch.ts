// A batch without compression, for code that has the event loop to share.
// Leaves to others: reading its records (cursor.ts).
import { RustLogError } from "../errors.js";
import { BATCH_HEADER_BYTES, BATCH_OVERHEAD_BYTES, codecOf, FIELD, setCodec } from "./batch.js";
import { writeI32 } from "./bytes.js";
import { decompressPrefix } from "./compression.js";

/**
 * Decompresses a batch that passed `findBatchFault`, in small steps. Returns it with codec none and the old CRC, so read it
 * without checking that. Rejects with MESSAGE_TOO_LARGE past `bytesMax`, and as `decompressPrefix` does.
 */
export async function openBatch(batch: Uint8Array, bytesMax: number): Promise<Uint8Array> {
  const codec = codecOf(batch, 0) ?? "none";
  if (codec === "none") return batch;
  const records = batch.subarray(BATCH_HEADER_BYTES);
  const { bytes, isWhole } = await decompressPrefix(codec, records, bytesMax);
  if (!isWhole) {
    const message = `the ${codec} data of a batch decompresses to more than ${bytesMax} bytes`;
    throw new RustLogError("MESSAGE_TOO_LARGE", message);
  }
  return withRecords(batch, bytes);
}

/** The batch with these records, decompressed, in place of its own, and with the old CRC. */
export function withRecords(batch: Uint8Array, records: Uint8Array): Uint8Array {
  const opened = new Uint8Array(BATCH_HEADER_BYTES + records.length);
  opened.set(batch.subarray(0, BATCH_HEADER_BYTES));
  opened.set(records, BATCH_HEADER_BYTES);
  setCodec(opened, 0, "none");
  writeI32(opened, FIELD.batchLength, opened.length - BATCH_OVERHEAD_BYTES);
  return opened;
}
