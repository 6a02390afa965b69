// The memory that one request may take.
import { expect, test } from "bun:test";
import { CALL_BYTES_MAX } from "../../../src/limits.js";
import { Call, type CallOwner } from "../../../src/protocol/kafka/server/call.js";
import { InflightRequest, type RequestOwner } from "../../../src/net/inflight-request.js";

test("a call can't take more memory than one request may have", () => {
  let charged = 0;
  const inflight = { charge: (bytes: number) => (charged += bytes) };
  const request = new InflightRequest({ inflight } as unknown as RequestOwner, 8, 0);
  const call = new Call({} as CallOwner, request, [new Uint8Array(8)]);
  call.charge(CALL_BYTES_MAX - 1);
  call.charge(1);
  expect([charged, call.isTooLarge]).toEqual([CALL_BYTES_MAX, false]);
  expect(() => call.charge(1)).toThrow("the response would be too long");
  expect(call.isTooLarge).toBe(true);
});
