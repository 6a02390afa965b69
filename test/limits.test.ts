// The relations between the limits: every reader accepts whatever a broker can be configured to accept.
import { describe, expect, test } from "bun:test";
import {
  BATCH_BYTES_HIGHEST,
  BATCH_BYTES_MAX_DEFAULT,
  checkLimits,
  CONNECTION_BYTES_MAX_DEFAULT,
  DECOMPRESSED_BYTES_MAX,
  FRAME_BYTES_HIGHEST,
  FRAME_BYTES_MAX_DEFAULT,
  FRAME_OVERHEAD_BYTES,
  INFLIGHT_BYTES_MAX_DEFAULT,
  RESPONSE_BYTES_MAX,
  SEGMENT_BYTES_DEFAULT,
  SEGMENT_BYTES_MAX,
} from "../src/limits.js";

const DEFAULTS = {
  frameBytesMax: FRAME_BYTES_MAX_DEFAULT,
  batchBytesMax: BATCH_BYTES_MAX_DEFAULT,
  connectionBytesMax: CONNECTION_BYTES_MAX_DEFAULT,
  inflightBytesMax: INFLIGHT_BYTES_MAX_DEFAULT,
  segmentBytes: SEGMENT_BYTES_DEFAULT,
};
const HIGHEST = {
  frameBytesMax: FRAME_BYTES_HIGHEST,
  batchBytesMax: BATCH_BYTES_HIGHEST,
  connectionBytesMax: FRAME_BYTES_HIGHEST,
  inflightBytesMax: 4 * FRAME_BYTES_HIGHEST,
  segmentBytes: SEGMENT_BYTES_MAX,
};

test("the defaults are consistent, and so are the highest values", () => {
  expect(() => checkLimits(DEFAULTS)).not.toThrow();
  expect(() => checkLimits(HIGHEST)).not.toThrow();
});

test("a client accepts and decompresses the largest batch that a broker can be configured to accept", () => {
  expect(RESPONSE_BYTES_MAX).toBeGreaterThanOrEqual(BATCH_BYTES_HIGHEST + FRAME_OVERHEAD_BYTES);
  expect(DECOMPRESSED_BYTES_MAX).toBeGreaterThanOrEqual(BATCH_BYTES_HIGHEST);
  // A batch larger than a segment gets its own segment, whose positions the index must be able to address.
  expect(BATCH_BYTES_HIGHEST).toBeLessThanOrEqual(SEGMENT_BYTES_MAX);
});

describe("an inconsistent set is rejected with the name of a flag", () => {
  test.each([
    [{ ...HIGHEST, batchBytesMax: BATCH_BYTES_HIGHEST + 1 }, "--max-batch-bytes"],
    [{ ...HIGHEST, frameBytesMax: FRAME_BYTES_HIGHEST + 1 }, "--max-frame-bytes"],
    [{ ...DEFAULTS, batchBytesMax: FRAME_BYTES_MAX_DEFAULT }, "--max-batch-bytes"],
    [{ ...DEFAULTS, frameBytesMax: CONNECTION_BYTES_MAX_DEFAULT + 1 }, "--max-frame-bytes"],
    [{ ...DEFAULTS, connectionBytesMax: INFLIGHT_BYTES_MAX_DEFAULT }, "--max-inflight-bytes"],
    [{ ...DEFAULTS, segmentBytes: SEGMENT_BYTES_MAX + 1 }, "--segment-bytes"],
  ])("%p", (limits, flag) => {
    expect(() => checkLimits(limits)).toThrow(flag);
  });
});
