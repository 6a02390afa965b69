// The headers of Kafka's requests and responses.
// Leaves to others: the bodies (schema.ts and the tables), and the length of a frame (net/frame.ts).
//
//   request   apiKey int16 | apiVersion int16 | correlationId int32 | clientId nullable string | tags, if flexible
//   response  correlationId int32 | tags, if flexible and not ApiVersions
import { FRAME_LENGTH_BYTES, type NextFrame } from "../../net/frame.js";
import { type Pieces, readI16, readI32 } from "../../record/bytes.js";
import { KafkaReader } from "./reader.js";
import type { Api, Fields, ReadOf, WriteOf } from "./schema.js";
import { KafkaWriter } from "./writer.js";

/** Keys that matter before a request is decoded. */
export const PRODUCE_KEY = 0;
export const FETCH_KEY = 1;
export const OFFSET_COMMIT_KEY = 8;
export const HEARTBEAT_KEY = 12;
export const API_VERSIONS_KEY = 18;

/** Bytes up to the correlation id, which every request has. */
export const KAFKA_HEADER_BYTES = 8;

/** The part of a request's header that is the same in all versions. */
export interface RequestHeader {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
}

/** The key of the API of a request that has arrived and is not read yet. */
export function keyOf(frame: NextFrame): number {
  return frame.nextByte(0) * 256 + frame.nextByte(1);
}

/** Reads the header's fixed part from the first `KAFKA_HEADER_BYTES` bytes of a payload. */
export function readHeader(payload: Uint8Array): RequestHeader {
  return {
    apiKey: readI16(payload, 0),
    apiVersion: readI16(payload, 2),
    correlationId: readI32(payload, 4),
  };
}

/** Reads the rest of the header. Throws INVALID_REQUEST. The reader is then at the body. */
export function openRequest(
  payload: Pieces,
  isFlexible: boolean,
): { readonly reader: KafkaReader; readonly clientId: string | null } {
  // The client id is never compact, so that a broker can read it in every version.
  const reader = new KafkaReader(payload, false, KAFKA_HEADER_BYTES);
  const clientId = reader.string(true);
  reader.isFlexible = isFlexible;
  if (isFlexible) reader.skipTags();
  return { reader, clientId };
}

/** Starts a response frame. Its length is patched by `finishResponse`. */
export function beginResponse(
  { key, flexibleSince }: Pick<Api, "key" | "flexibleSince">,
  { apiVersion, correlationId }: Pick<RequestHeader, "apiVersion" | "correlationId">,
): KafkaWriter {
  const isFlexible = apiVersion >= flexibleSince;
  const writer = new KafkaWriter(isFlexible);
  writer.int32(0);
  writer.int32(correlationId);
  // A client reads this answer before it knows the broker's versions.
  if (isFlexible && key !== API_VERSIONS_KEY) writer.uvarint(0);
  return writer;
}

/** Patches the length of the frame, and returns it in pieces if the writer was cut. */
export function finishInPieces(writer: KafkaWriter): Pieces {
  writer.patchInt32(0, writer.length - FRAME_LENGTH_BYTES);
  return writer.finishInPieces();
}

/** Patches the length of the frame, of which `bytesAfter` more bytes follow separately. */
export function finishResponse(writer: KafkaWriter, bytesAfter = 0): Uint8Array {
  writer.patchInt32(0, writer.length - FRAME_LENGTH_BYTES + bytesAfter);
  return writer.finish();
}

export function encodeResponse<Q extends Fields, F extends Fields>(
  api: Api<Q, F>,
  header: Pick<RequestHeader, "apiVersion" | "correlationId">,
  value: WriteOf<F>,
): Uint8Array {
  const writer = beginResponse(api, header);
  api.response.write(writer, value, header.apiVersion);
  return finishResponse(writer);
}

/** Encodes a request frame, for tests and tools. */
export function encodeRequest<F extends Fields, R extends Fields>(
  api: Api<F, R>,
  header: {
    readonly apiVersion: number;
    readonly correlationId: number;
    readonly clientId: string | null;
  },
  value: WriteOf<F>,
): Uint8Array {
  const writer = new KafkaWriter(false);
  writer.int32(0);
  writer.int16(api.key);
  writer.int16(header.apiVersion);
  writer.int32(header.correlationId);
  writer.string(header.clientId);
  writer.isFlexible = header.apiVersion >= api.flexibleSince;
  if (writer.isFlexible) writer.uvarint(0);
  api.request.write(writer, value, header.apiVersion);
  return finishResponse(writer);
}

/** Decodes the payload of a response, for tests and tools. */
export function decodeResponse<Q extends Fields, F extends Fields>(
  api: Api<Q, F>,
  apiVersion: number,
  payload: Uint8Array,
): { readonly correlationId: number; readonly value: ReadOf<F> } {
  const isFlexible = apiVersion >= api.flexibleSince;
  const reader = new KafkaReader([payload], isFlexible);
  const correlationId = reader.int32();
  if (isFlexible && api.key !== API_VERSIONS_KEY) reader.skipTags();
  return { correlationId, value: api.response.read(reader, apiVersion) };
}
