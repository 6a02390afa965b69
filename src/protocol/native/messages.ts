// The envelope of requests and responses, and the keys of the APIs.
// Leaves to others: the bodies (produce.ts, fetch.ts, …), the versions of each API (api-versions.ts), and the frame's
// length prefix when reading (frame.ts).
//
//   request  frame = length u32 | apiKey u8 | apiVersion u8 | correlationId u32 | body
//   response frame = length u32 | correlationId u32 | errorCode u16 | body
//   error           the body is the message, UTF-8, to the end of the frame
import { errorFromWire, RustLogError } from "../../errors.js";
import { readU16, readU32 } from "../../record/bytes.js";
import { FRAME_LENGTH_BYTES } from "../../net/frame.js";
import { ByteReader } from "./reader.js";
import { ByteWriter } from "./writer.js";

/** Keys of the APIs. None is 0, which is reserved: it may become the first byte of another protocol. */
export const API = {
  Produce: 1,
  Fetch: 2,
  OffsetCommit: 3,
  OffsetFetch: 4,
  CreateTopic: 5,
  ListTopics: 6,
  DescribeTopic: 7,
  DeleteTopic: 8,
  ListOffsets: 9,
  Ping: 10,
  ListGroups: 11,
  DescribeGroup: 12,
  DeleteGroup: 13,
  ApiVersions: 14,
  OffsetDelete: 15,
  DescribeMembers: 16,
  GroupHeartbeat: 17,
  AlterTopic: 18,
  DeleteRecords: 19,
  CompactTopic: 20,
  Authenticate: 21,
  DescribeUsers: 22,
  AlterUser: 23,
  DescribeAcls: 24,
  AlterAcls: 25,
  DescribeQuotas: 26,
  AlterQuotas: 27,
} as const;

export type ApiName = keyof typeof API;

const NAME_BY_KEY = new Map<number, ApiName>(
  Object.entries(API).map(([name, key]) => [key, name as ApiName]),
);

/** The name of an API by key, or undefined. */
export function apiName(apiKey: number): ApiName | undefined {
  return NAME_BY_KEY.get(apiKey);
}

/** Bytes of a request's payload before its body. */
export const REQUEST_HEADER_BYTES = 6;

/** Bytes of a response's payload before its body. */
export const RESPONSE_HEADER_BYTES = 6;

interface RequestHeader {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
}

interface ResponseHeader {
  readonly correlationId: number;
  /** 0 for success, or a number of src/errors.ts. */
  readonly errorCode: number;
}

/** Reads the envelope of a request. Throws INVALID_REQUEST if the payload is too short. */
export function decodeRequestHeader(payload: Uint8Array): RequestHeader {
  requireBytes(payload, REQUEST_HEADER_BYTES);
  return {
    apiKey: payload[0]!,
    apiVersion: payload[1]!,
    correlationId: readU32(payload, 2),
  };
}

/** The version of a request, read from its frame. */
export function versionOfFrame(frame: Uint8Array): number {
  return frame[FRAME_LENGTH_BYTES + 1]!;
}

/** Reads the envelope of a response. Throws INVALID_REQUEST if the payload is too short. */
export function decodeResponseHeader(payload: Uint8Array): ResponseHeader {
  requireBytes(payload, RESPONSE_HEADER_BYTES);
  return {
    correlationId: readU32(payload, 0),
    errorCode: readU16(payload, 4),
  };
}

/**
 * A complete request frame; version 1 by default. `followingBytes` counts bytes of the body that are not in the frame
 * because the caller sends them right after it.
 */
export function encodeRequest(
  apiKey: number,
  correlationId: number,
  writeBody: (writer: ByteWriter) => void,
  apiVersion = 1,
  followingBytes = 0,
): Uint8Array {
  const writer = new ByteWriter().u32(0).u8(apiKey).u8(apiVersion).u32(correlationId);
  return finishFrame(writer, writeBody, followingBytes);
}

/** A complete frame of a successful response; `followingBytes` as for `encodeRequest`. */
export function encodeResponse(
  correlationId: number,
  writeBody: (writer: ByteWriter) => void,
  followingBytes = 0,
): Uint8Array {
  return finishFrame(new ByteWriter().u32(0).u32(correlationId).u16(0), writeBody, followingBytes);
}

/** A complete frame of an error response. */
export function encodeErrorResponse(correlationId: number, error: RustLogError): Uint8Array {
  const writer = new ByteWriter().u32(0).u32(correlationId).u16(error.wire);
  return finishFrame(writer, (body) => body.raw(new TextEncoder().encode(error.message)), 0);
}

/** Reads the body of a request with `readBody`, which must consume all of it; `version` is the request's. */
export function decodeRequest<Body>(
  payload: Uint8Array,
  readBody: (reader: ByteReader, version: number) => Body,
): Body {
  requireBytes(payload, REQUEST_HEADER_BYTES);
  const version = payload[1]!;
  return decodeBody(payload, REQUEST_HEADER_BYTES, (reader) => readBody(reader, version));
}

/** The error reported by a response; undefined for success. Throws INVALID_REQUEST if the payload has no envelope. */
export function errorOf(payload: Uint8Array): RustLogError | undefined {
  const { errorCode } = decodeResponseHeader(payload);
  if (errorCode === 0) return undefined;
  const message = new TextDecoder().decode(payload.subarray(RESPONSE_HEADER_BYTES));
  return errorFromWire(errorCode, message);
}

/** Like `decodeRequest`, for a response. Throws the error that it reports. */
export function decodeResponse<Body>(
  payload: Uint8Array,
  readBody: (reader: ByteReader) => Body,
): Body {
  const error = errorOf(payload);
  if (error !== undefined) throw error;
  return decodeBody(payload, RESPONSE_HEADER_BYTES, readBody);
}

function decodeBody<Body>(
  payload: Uint8Array,
  start: number,
  readBody: (reader: ByteReader) => Body,
): Body {
  const reader = new ByteReader(payload, start);
  const body = readBody(reader);
  reader.expectEnd();
  return body;
}

function finishFrame(
  writer: ByteWriter,
  writeBody: (writer: ByteWriter) => void,
  followingBytes: number,
): Uint8Array {
  writeBody(writer);
  writer.patchU32(0, writer.length - FRAME_LENGTH_BYTES + followingBytes);
  return writer.finish();
}

function requireBytes(payload: Uint8Array, bytes: number): void {
  if (payload.length >= bytes) return;
  throw new RustLogError(
    "INVALID_REQUEST",
    `a payload of ${payload.length} bytes is shorter than its envelope of ${bytes}`,
  );
}
