// The envelope, the keys of the APIs, and frame heads followed by bytes that are sent without a copy.
import { describe, expect, test } from "bun:test";
import { RustLogError } from "../../src/errors.js";
import {
  FRAME_OVERHEAD_BYTES,
  GROUP_NAME_BYTES_MAX,
  TOPIC_NAME_LENGTH_MAX,
} from "../../src/limits.js";
import { Fetch, encodeFetchResponseHead } from "../../src/protocol/native/fetch.js";
import { FRAME_LENGTH_BYTES } from "../../src/net/frame.js";
import {
  API,
  apiName,
  decodeRequestHeader,
  decodeResponseHeader,
  encodeErrorResponse,
  encodeRequest,
  encodeResponse,
} from "../../src/protocol/native/messages.js";
import {
  decodeProduceRequest,
  encodeProduceRequestHead,
} from "../../src/protocol/native/produce.js";
import { readU32 } from "../../src/record/bytes.js";
import { thrownBy } from "./codecs.js";
import { encodeFetchResponse, encodeProduceRequest } from "../support/whole-frames.js";

describe("the keys of the APIs", () => {
  test("are distinct, fit a byte, and none is 0", () => {
    const keys = Object.values(API);
    expect(new Set(keys).size).toBe(keys.length);
    for (const key of keys) expect(key >= 1 && key <= 255).toBe(true);
  });

  test("have names", () => {
    for (const [name, key] of Object.entries(API))
      expect(apiName(key)).toBe(name as keyof typeof API);
    for (const key of [0, 127, 255]) expect(apiName(key)).toBeUndefined();
  });
});

describe("the envelope", () => {
  test("of a request", () => {
    const frame = encodeRequest(API.Ping, 0xfedcba98, () => {});
    expect([...frame]).toEqual([0, 0, 0, 6, 10, 1, 0xfe, 0xdc, 0xba, 0x98]);
    expect(decodeRequestHeader(frame.subarray(4))).toEqual({
      apiKey: API.Ping,
      apiVersion: 1,
      correlationId: 0xfedcba98,
    });
  });

  test("of a response", () => {
    const frame = encodeResponse(0xfedcba98, (body) => body.u8(5));
    expect([...frame]).toEqual([0, 0, 0, 7, 0xfe, 0xdc, 0xba, 0x98, 0, 0, 5]);
    expect(decodeResponseHeader(frame.subarray(4))).toEqual({
      correlationId: 0xfedcba98,
      errorCode: 0,
    });
  });

  test("of an error: the message follows, without a length", () => {
    const frame = encodeErrorResponse(3, new RustLogError("DISK_FULL", "é"));
    expect([...frame]).toEqual([0, 0, 0, 8, 0, 0, 0, 3, 0x03, 0xe9, 0xc3, 0xa9]);
  });

  test("is read with any key and version: the router rejects unknown ones", () => {
    const header = decodeRequestHeader(Uint8Array.of(0, 255, 0, 0, 0, 1));
    expect(header).toMatchObject({ apiKey: 0, apiVersion: 255, correlationId: 1 });
  });

  test("that is incomplete is rejected", () => {
    for (let length = 0; length < 6; length++) {
      const payload = new Uint8Array(length);
      for (const decode of [decodeRequestHeader, decodeResponseHeader]) {
        expect(thrownBy(() => decode(payload))).toMatchObject({
          code: "INVALID_REQUEST",
          message: expect.stringContaining(`${length} bytes`),
        });
      }
    }
  });

  test("an invalid correlation id is rejected", () => {
    for (const id of [-1, 2 ** 32, 1.5]) {
      expect(thrownBy(() => encodeRequest(API.Ping, id, () => {}))).toMatchObject({
        code: "INVALID_REQUEST",
      });
    }
  });
});

describe("a frame's head", () => {
  const bytes = Uint8Array.of(1, 2, 3, 4, 5);

  test("counts the batch that follows it, of a Produce request", () => {
    const request = { topic: "topic", partition: 3, batch: bytes };
    const frame = encodeProduceRequest(7, request);
    expect(readU32(frame, 0)).toBe(frame.length - FRAME_LENGTH_BYTES);
    expect(decodeProduceRequest([frame.subarray(FRAME_LENGTH_BYTES)])).toEqual({
      ...request,
      batch: [bytes],
    });
  });

  test("counts the batches that follow it, of a Fetch response", () => {
    const fields = { startOffset: 1, nextOffset: 2, highWatermark: 3, logStartOffset: 0 };
    const frame = encodeFetchResponse(7, { ...fields, batches: bytes });
    expect(readU32(frame, 0)).toBe(frame.length - FRAME_LENGTH_BYTES);
    const payload = frame.subarray(FRAME_LENGTH_BYTES);
    expect(Fetch.decodeResponse(payload)).toEqual({ ...fields, batches: bytes });
  });

  test("with the longest names fits into the space that limits.ts reserves beside the batches", () => {
    const produce = encodeProduceRequestHead(2 ** 32 - 1, "t".repeat(TOPIC_NAME_LENGTH_MAX), 0, 0);
    const fields = { startOffset: 0, nextOffset: 0, highWatermark: 0, logStartOffset: 0 };
    const fetch = encodeFetchResponseHead(2 ** 32 - 1, fields, 0);
    for (const head of [produce, fetch])
      expect(head.length).toBeLessThanOrEqual(FRAME_OVERHEAD_BYTES);
    expect(2 * (TOPIC_NAME_LENGTH_MAX + GROUP_NAME_BYTES_MAX)).toBeLessThan(FRAME_OVERHEAD_BYTES);
  });
});
