// Ping and ApiVersions: is anyone there, who, and what do they understand.
// Leaves to others: the table of what is supported (api-versions.ts).
import { API, decodeRequest, decodeResponse, encodeRequest, encodeResponse } from "./messages.ts";

// Ping
//   request  = nothing
//   response = nothing

/** Asks for nothing but an answer. */
export type PingRequest = Record<never, never>;

export type PingResponse = Record<never, never>;

export function encodePingRequest(correlationId: number, _request: PingRequest = {}): Uint8Array {
  return encodeRequest(API.Ping, correlationId, () => {});
}

export function decodePingRequest(payload: Uint8Array): PingRequest {
  return decodeRequest(payload, () => ({}));
}

export function encodePingResponse(
  correlationId: number,
  _response: PingResponse = {},
): Uint8Array {
  return encodeResponse(correlationId, () => {});
}

export function decodePingResponse(payload: Uint8Array): PingResponse {
  return decodeResponse(payload, () => ({}));
}

// ApiVersions
//   request  = nothing
//   response = brokerVersion string | logDirectoryId string | maxFrameBytes u32 | maxBatchBytes u32
//            | array(apiKey u8, minVersion u8, maxVersion u8)

/** Asks for nothing but an answer. */
export type ApiVersionsRequest = Record<never, never>;

export interface ApiVersionRange {
  readonly apiKey: number;
  readonly minVersion: number;
  readonly maxVersion: number;
}

/** Who the broker is and what it takes. */
export interface ApiVersionsResponse {
  readonly brokerVersion: string;
  /** Identity of the data directory: another one means another log. */
  readonly logDirectoryId: string;
  /** Largest payload of a frame, in bytes. */
  readonly maxFrameBytes: number;
  /** Largest record batch, in bytes. */
  readonly maxBatchBytes: number;
  readonly apis: readonly ApiVersionRange[];
}

export function encodeApiVersionsRequest(
  correlationId: number,
  _request: ApiVersionsRequest = {},
): Uint8Array {
  return encodeRequest(API.ApiVersions, correlationId, () => {});
}

export function decodeApiVersionsRequest(payload: Uint8Array): ApiVersionsRequest {
  return decodeRequest(payload, () => ({}));
}

export function encodeApiVersionsResponse(
  correlationId: number,
  response: ApiVersionsResponse,
): Uint8Array {
  return encodeResponse(correlationId, (body) =>
    body
      .string(response.brokerVersion)
      .string(response.logDirectoryId)
      .u32(response.maxFrameBytes)
      .u32(response.maxBatchBytes)
      .array(response.apis, (item, { apiKey, minVersion, maxVersion }) => {
        item.u8(apiKey).u8(minVersion).u8(maxVersion);
      }),
  );
}

export function decodeApiVersionsResponse(payload: Uint8Array): ApiVersionsResponse {
  return decodeResponse(payload, (body) => ({
    brokerVersion: body.string("brokerVersion"),
    logDirectoryId: body.string("logDirectoryId"),
    maxFrameBytes: body.u32("maxFrameBytes"),
    maxBatchBytes: body.u32("maxBatchBytes"),
    apis: body.array("apis", 3, (item) => ({
      apiKey: item.u8("apiKey"),
      minVersion: item.u8("minVersion"),
      maxVersion: item.u8("maxVersion"),
    })),
  }));
}
