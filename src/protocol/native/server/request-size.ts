// The longest request of each API, and which requests are small: those whose cost is bounded by their length. The others
// wait for their turn when the broker is busy. Leaves to others: the turns (net/turns.ts).
import { RustLogError } from "../../../errors.js";
import { REQUEST_BYTES_MAX } from "../../../limits.js";
import { API } from "../messages.js";

const KiB = 1024;

/** Longest payload of a small request, in bytes, by API. Requests of other APIs are never small. */
const SMALL_BYTES_MAX: ReadonlyMap<number, number> = new Map([
  [API.Produce, 64 * KiB],
  [API.OffsetCommit, 4 * KiB],
  [API.OffsetFetch, 4 * KiB],
  [API.Ping, KiB],
  [API.ApiVersions, KiB],
]);

/** Whether a request takes only a few microseconds. */
export function isSmallRequest(apiKey: number, payloadBytes: number): boolean {
  return payloadBytes <= (SMALL_BYTES_MAX.get(apiKey) ?? 0);
}

/** Longest payload of a request, in bytes. A Produce is limited only by the frame. */
export function requestBytesMax(apiKey: number): number {
  return apiKey === API.Produce ? Number.POSITIVE_INFINITY : REQUEST_BYTES_MAX;
}

export function tooLongError(bytes: number): RustLogError {
  return new RustLogError(
    "INVALID_REQUEST",
    `a request of ${bytes} bytes: only a Produce may have more than ${REQUEST_BYTES_MAX}`,
  );
}
