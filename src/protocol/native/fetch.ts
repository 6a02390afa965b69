// Fetch: whole record batches of one partition, from an offset.
// Leaves to others: finding them, and waiting for them (services/fetch.ts).
//
//   request  = group string ("" for none) | topic string | partition u32 | offset i64
//            | maxBytes u32 | minBytes u32 | maxWaitMs u32 | topicId uuid (v2)
//   response = startOffset i64 | nextOffset i64 | highWatermark i64 | logStartOffset i64 | topicId uuid (v2)
//            | batches bytes
import { FRAME_LENGTH_BYTES } from "../../net/frame.ts";
import { API, decodeRequest, decodeResponse, encodeRequest, encodeResponse } from "./messages.ts";
import { readTopicId, writeTopicId } from "./topic-id.ts";
import type { ByteWriter } from "./writer.ts";

/** What to read, and how long to wait for it. */
export interface FetchRequest {
  /** Reading starts at the committed offset of this group if that is larger; "" for none. */
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  /** Offset of the first record wanted. */
  readonly offset: number;
  /** Bytes of batches to return at most; one batch is returned even if it is larger. */
  readonly maxBytes: number;
  /** Bytes that must be there before an answer is sent, unless `maxWaitMs` is over first. */
  readonly minBytes: number;
  /** Milliseconds to wait for `minBytes`. */
  readonly maxWaitMs: number;
  /** The topic that is meant, should another one have its name by now; whichever has it, if not given. */
  readonly topicId?: string | undefined;
}

/** The fields of a response before its batches. */
export interface FetchResponseHead {
  /** Where reading started: the larger of the offset asked for and the one committed. */
  readonly startOffset: number;
  /** Offset after the last record returned: what to ask for next. */
  readonly nextOffset: number;
  /** Offset after the last record that may be read. */
  readonly highWatermark: number;
  /** Offset of the first record that is still there. */
  readonly logStartOffset: number;
  /** Identity of the topic; undefined when the broker does not say it. */
  readonly topicId?: string | undefined;
}

export interface FetchResponse extends FetchResponseHead {
  /** Whole batches, back to back. The first may begin before `startOffset`. A view of the payload. */
  readonly batches: Uint8Array;
}

export function encodeFetchRequest(
  correlationId: number,
  request: FetchRequest,
  version = 1,
): Uint8Array {
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
}

export function decodeFetchRequest(payload: Uint8Array): FetchRequest {
  return decodeRequest(payload, (body, version) => ({
    group: body.string("group"),
    topic: body.string("topic"),
    partition: body.u32("partition"),
    offset: body.i64("offset"),
    maxBytes: body.u32("maxBytes"),
    minBytes: body.u32("minBytes"),
    maxWaitMs: body.u32("maxWaitMs"),
    topicId: readTopicId(body, version),
  }));
}

/** The end of the message of CORRUPT_MESSAGE: clients rely on these words to read on. */
const AFTER_DAMAGE = /; the records after it begin at offset (\d+)$/;

/** The message of CORRUPT_MESSAGE for a Fetch, with the offset at which reading can go on. */
export function damageMessage(why: string, nextOffset: number): string {
  return `${withoutOffsetAfterDamage(why)}; the records after it begin at offset ${nextOffset}`;
}

/** The offset at which reading can go on, by the message of CORRUPT_MESSAGE; undefined if it names none. */
export function offsetAfterDamage(message: string): number | undefined {
  const found = AFTER_DAMAGE.exec(message)?.[1];
  const offset = found === undefined ? Number.NaN : Number(found);
  return Number.isSafeInteger(offset) ? offset : undefined;
}

/** The message of CORRUPT_MESSAGE without its end, for those who have said where reading goes on. */
export function withoutOffsetAfterDamage(message: string): string {
  return message.replace(AFTER_DAMAGE, "");
}

/** Bytes of the payload of a response beside its batches. */
export function fetchResponseHeadBytes(version: number): number {
  headBytes[version] ??=
    encodeFetchResponseHead(0, NO_OFFSETS, 0, version).length - FRAME_LENGTH_BYTES;
  return headBytes[version];
}

/** What `fetchResponseHeadBytes` has found, by version. */
const headBytes: number[] = [];

const NO_OFFSETS = { startOffset: 0, nextOffset: 0, highWatermark: 0, logStartOffset: 0 };

/** A response frame up to its `batchesBytes` of batches, which the broker sends after it without a copy. */
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

export function decodeFetchResponse(payload: Uint8Array, version = 1): FetchResponse {
  return decodeResponse(payload, (body) => ({
    startOffset: body.i64("startOffset"),
    nextOffset: body.i64("nextOffset"),
    highWatermark: body.i64("highWatermark"),
    logStartOffset: body.i64("logStartOffset"),
    topicId: readTopicId(body, version),
    batches: body.bytes("batches"),
  }));
}
