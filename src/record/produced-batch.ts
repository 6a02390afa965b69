// The checks of a batch that a client sends, in one piece or, if it is large, in several.
// Leaves to others: what makes any batch valid (batch.ts).
import { RustLogError } from "../errors.js";
import {
  attributes,
  type BatchFault,
  baseSequence,
  batchBytes,
  CONTROL_BIT,
  FIELD,
  findBatchFault,
  findCrcFault,
  hasLogAppendTime,
  isSafeI64,
  lastOffsetDelta,
  producerEpoch,
  producerId,
  recordCount,
  TRANSACTIONAL_BIT,
} from "./batch.js";
import { bytesOf, type Pieces } from "./bytes.js";
import { crc32c } from "./crc32c.js";

/**
 * Checks that the pieces are exactly one valid batch of at most `bytesMax` bytes, as a client may send it. Throws
 * MESSAGE_TOO_LARGE, CORRUPT_MESSAGE (length or CRC) or INVALID_RECORD (any other rule).
 */
export function checkProducedBatch(batch: Pieces, bytesMax: number): void {
  const [bytes] = batch;
  const length = bytesOf(batch);
  if (length > bytesMax) {
    const message = `a batch of ${length} bytes is over the limit of ${bytesMax}`;
    throw new RustLogError("MESSAGE_TOO_LARGE", message);
  }
  const fault = batch.length === 1 ? findBatchFault(bytes, 0, length) : findFaultInPieces(batch);
  if (fault !== undefined) {
    const corrupt = fault.kind === "truncated" || fault.kind === "length" || fault.kind === "crc";
    throw new RustLogError(
      corrupt ? "CORRUPT_MESSAGE" : "INVALID_RECORD",
      `batch: ${fault.message}`,
    );
  }
  const size = batchBytes(bytes, 0);
  if (size !== length) {
    const message = `batch: its header says ${size} bytes, but ${length} were sent`;
    throw new RustLogError("CORRUPT_MESSAGE", message);
  }
  const count = recordCount(bytes, 0);
  const delta = lastOffsetDelta(bytes, 0);
  if (count < 1 || count !== delta + 1) {
    const message = `batch: a record count of ${count} with a last offset delta of ${delta}`;
    throw new RustLogError("INVALID_RECORD", message);
  }
  if ((attributes(bytes, 0) & (TRANSACTIONAL_BIT | CONTROL_BIT)) !== 0) {
    throw new RustLogError("INVALID_RECORD", "batch: transactions are not supported");
  }
  if (hasLogAppendTime(bytes, 0)) {
    throw new RustLogError("INVALID_RECORD", "batch: its timestamps must be of type CreateTime");
  }
  checkProducer(bytes);
}

/** Throws INVALID_RECORD for producer fields that neither an idempotent nor any other producer has. */
function checkProducer(bytes: Uint8Array): void {
  if (!isSafeI64(bytes, FIELD.producerId)) {
    throw new RustLogError("INVALID_RECORD", "batch: its producer id is impossible");
  }
  const id = producerId(bytes, 0);
  const epoch = producerEpoch(bytes, 0);
  const sequence = baseSequence(bytes, 0);
  if (id < 0 || (epoch >= 0 && sequence >= 0)) return;
  const message = `batch: producer ${id} with epoch ${epoch} and sequence ${sequence}`;
  throw new RustLogError("INVALID_RECORD", message);
}

/** Like `findBatchFault`, for several pieces. More bytes than those of the batch are no fault. */
function findFaultInPieces(batch: Pieces): BatchFault | undefined {
  const [bytes, ...others] = batch;
  const fault = findBatchFault(bytes, 0, bytes.length, false);
  if (fault !== undefined && fault.kind !== "truncated") return fault;
  const size = batchBytes(bytes, 0);
  const available = bytesOf(batch);
  if (size > available) {
    return { kind: "truncated", message: `${available} bytes of a batch of ${size}` };
  }
  let left = size - Math.min(size, bytes.length);
  let computed = crc32c(bytes, FIELD.attributes, Math.min(size, bytes.length));
  for (const piece of others) {
    const end = Math.min(left, piece.length);
    computed = crc32c(piece, 0, end, computed);
    left -= end;
  }
  return findCrcFault(bytes, 0, computed);
}
