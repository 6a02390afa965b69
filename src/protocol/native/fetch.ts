// Fetch: whole record batches of one partition, from an offset.
// Leaves to others: finding them, and waiting for them (services/fetch.ts).
import { FRAME_LENGTH_BYTES } from "../../net/frame.js";
import { ZERO_UUID } from "../../record/bytes.js";
import { API, decodeRequest, decodeResponse, encodeRequest, encodeResponse } from "./messages.js";
import type { ByteReader } from "./reader.js";
import { api, type RequestOf, type ResponseOf, TOPIC_ID } from "./schema.js";
import type { ByteWriter } from "./writer.js";

const TABLE = api("Fetch", {
  request: {
    /** Reading starts at the committed offset of this group if that is larger; "" for no group. */
    group: "string",
    topic: "string",
    partition: "u32",
    /** Offset of the first record wanted. */
    offset: "i64",
    /** Maximum bytes of batches to return. One batch is returned even if it is larger. */
    maxBytes: "u32",
    /** Bytes to wait for before answering, until `maxWaitMs` is over. */
    minBytes: "u32",
    /** Maximum time to wait for `minBytes`, in milliseconds. */
    maxWaitMs: "u32",
    /** The topic that is meant, in case another topic has its name now. */
    topicId: TOPIC_ID,
  },
  response: {
    /** Where reading started: the larger of the requested and the committed offset. */
    startOffset: "i64",
    /** Offset after the last returned record: the next offset to request. */
    nextOffset: "i64",
    /** Offset after the last readable record. */
    highWatermark: "i64",
    /** Offset of the first remaining record. */
    logStartOffset: "i64",
    topicId: TOPIC_ID,
    /** Whole batches, back to back. The first may start before `startOffset`. A view of the payload. */
    batches: "bytes",
  },
});

/** Interpreting the table is slower than this code. test/protocol/codecs.test.ts compares the two. */
export const Fetch: typeof TABLE = {
  ...TABLE,
  encodeRequest(correlationId, request, version = 1) {
    const writeBody = (body: ByteWriter): void => {
      body
        .string(request.group)
        .string(request.topic)
        .u32(request.partition)
        .i64(request.offset)
        .u32(request.maxBytes)
        .u32(request.minBytes)
        .u32(request.maxWaitMs);
      writeTopicId(body, request.topicId, version);
    };
    return encodeRequest(API.Fetch, correlationId, writeBody, version);
  },
  decodeRequest: (payload) =>
    decodeRequest(payload, (body, version) => ({
      group: body.string("group"),
      topic: body.string("topic"),
      partition: body.u32("partition"),
      offset: body.i64("offset"),
      maxBytes: body.u32("maxBytes"),
      minBytes: body.u32("minBytes"),
      maxWaitMs: body.u32("maxWaitMs"),
      topicId: readTopicId(body, version),
    })),
  decodeResponse: (payload, version = 1) =>
    decodeResponse(payload, (body) => ({
      startOffset: body.i64("startOffset"),
      nextOffset: body.i64("nextOffset"),
      highWatermark: body.i64("highWatermark"),
      logStartOffset: body.i64("logStartOffset"),
      topicId: readTopicId(body, version),
      batches: body.bytes("batches"),
    })),
};

export type FetchRequest = RequestOf<typeof Fetch>;
export type FetchResponse = ResponseOf<typeof Fetch>;
type FetchResponseHead = Omit<FetchResponse, "batches">;

/** The end of a CORRUPT_MESSAGE message: clients rely on these words to continue. */
const AFTER_DAMAGE = /; the records after it begin at offset (\d+)$/;

/** The message of CORRUPT_MESSAGE for a Fetch, with the offset at which reading can continue. */
export function damageMessage(why: string, nextOffset: number): string {
  return `${withoutOffsetAfterDamage(why)}; the records after it begin at offset ${nextOffset}`;
}

/** The offset at which reading can continue, from a CORRUPT_MESSAGE message; undefined if it has none. */
export function offsetAfterDamage(message: string): number | undefined {
  const found = AFTER_DAMAGE.exec(message)?.[1];
  const offset = found === undefined ? Number.NaN : Number(found);
  return Number.isSafeInteger(offset) ? offset : undefined;
}

/** The message of CORRUPT_MESSAGE without its end, for callers that say themselves where to continue. */
export function withoutOffsetAfterDamage(message: string): string {
  return message.replace(AFTER_DAMAGE, "");
}

/** Bytes of a response's payload in addition to its batches. */
export function fetchResponseHeadBytes(version: number): number {
  headBytes[version] ??=
    encodeFetchResponseHead(0, NO_OFFSETS, 0, version).length - FRAME_LENGTH_BYTES;
  return headBytes[version];
}

/** Results of `fetchResponseHeadBytes`, by version. */
const headBytes: number[] = [];

const NO_OFFSETS = { startOffset: 0, nextOffset: 0, highWatermark: 0, logStartOffset: 0 };

/** A response frame up to its `batchesBytes` of batches, which the broker sends afterwards without a copy. */
export function encodeFetchResponseHead(
  correlationId: number,
  head: FetchResponseHead,
  batchesBytes: number,
  version = 1,
): Uint8Array {
  const writeBody = (body: ByteWriter): void => {
    body
      .i64(head.startOffset)
      .i64(head.nextOffset)
      .i64(head.highWatermark)
      .i64(head.logStartOffset);
    writeTopicId(body, head.topicId, version);
    body.u32(batchesBytes);
  };
  return encodeResponse(correlationId, writeBody, batchesBytes);
}

function writeTopicId(body: ByteWriter, topicId: string | undefined, version: number): void {
  if (version >= TOPIC_ID.since) body.uuid(topicId ?? ZERO_UUID);
}

function readTopicId(body: ByteReader, version: number): string | undefined {
  if (version < TOPIC_ID.since) return undefined;
  const topicId = body.uuid("topicId");
  return topicId === ZERO_UUID ? undefined : topicId;
}
