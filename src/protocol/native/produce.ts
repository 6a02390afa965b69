// Produce: one record batch for one partition.
// Leaves to others: the format of a batch (record/batch.ts).
import { FRAME_LENGTH_BYTES } from "../../net/frame.js";
import { bytesOf, joined, type Pieces, readU16, writeI64, writeU32 } from "../../record/bytes.js";
import {
  API,
  decodeRequest,
  decodeResponse,
  encodeRequest,
  REQUEST_HEADER_BYTES,
  RESPONSE_HEADER_BYTES,
} from "./messages.js";
import { api, type RequestOf, since } from "./schema.js";

/** What the first piece of a batch contains at least: its header, with space to spare. */
const BATCH_HEAD_BYTES = 64;

/** Length of a response: its head, the base offset, and from version 2 on the time. */
const RESPONSE_FRAME_BYTES = FRAME_LENGTH_BYTES + RESPONSE_HEADER_BYTES + 8;
const TIME_BYTES = 8;

const TABLE = api("Produce", {
  request: { topic: "string", partition: "u32", batch: "bytes" },
  response: {
    /** Offset of the first record. */
    baseOffset: "i64",
    /** Timestamp of all records, in milliseconds, if the topic has LogAppendTime; else -1. */
    logAppendTime: since(2, "i64", -1),
  },
});

/** Interpreting the table is slower than this code. test/protocol/codecs.test.ts compares the two. */
export const Produce: typeof TABLE = {
  ...TABLE,
  encodeResponse(correlationId, { baseOffset, logAppendTime }, version = 1) {
    const bytes = RESPONSE_FRAME_BYTES + (version >= 2 ? TIME_BYTES : 0);
    const frame = new Uint8Array(bytes);
    writeU32(frame, 0, bytes - FRAME_LENGTH_BYTES);
    writeU32(frame, FRAME_LENGTH_BYTES, correlationId);
    writeI64(frame, FRAME_LENGTH_BYTES + RESPONSE_HEADER_BYTES, baseOffset);
    if (version >= 2) writeI64(frame, RESPONSE_FRAME_BYTES, logAppendTime);
    return frame;
  },
  decodeResponse: (payload, version = 1) =>
    decodeResponse(payload, (body) => ({
      baseOffset: body.i64("baseOffset"),
      logAppendTime: version >= 2 ? body.i64("logAppendTime") : -1,
    })),
};

/** The batch is whole, and made of views of the payload. */
export type ProduceRequest = Omit<RequestOf<typeof Produce>, "batch"> & { readonly batch: Pieces };

/** A request frame up to its batch of `batchBytes`, which the caller sends afterwards without a copy. */
export function encodeProduceRequestHead(
  correlationId: number,
  topic: string,
  partition: number,
  batchBytes: number,
  version = 1,
): Uint8Array {
  return encodeRequest(
    API.Produce,
    correlationId,
    (body) => body.string(topic).u32(partition).u32(batchBytes),
    version,
    batchBytes,
  );
}

/** Reads a request without copying the batch. */
export function decodeProduceRequest(payload: Pieces): ProduceRequest {
  const [first, ...others] = payload;
  if (others.length > 0 && first.length < headBytes(first) + BATCH_HEAD_BYTES) {
    return decodeProduceRequest([joined(payload)]);
  }
  return decodeRequest(first, (body) => {
    const topic = body.string("topic");
    const partition = body.u32("partition");
    const start = body.lastBytes("batch", bytesOf(payload) - first.length);
    return { topic, partition, batch: [start, ...others] };
  });
}

/** Where the batch starts in a payload, if the first piece contains the length of the topic's name. */
function headBytes(payload: Uint8Array): number {
  const topic = REQUEST_HEADER_BYTES + 2;
  return payload.length < topic ? topic : topic + readU16(payload, REQUEST_HEADER_BYTES) + 4 + 4;
}
