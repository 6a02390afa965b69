// How long requests may be, and which are small: those whose bytes bound what they cost. The others wait for their turn
// once the time that all connections share is spent. Leaves to others: the turns (net/turns.ts).
import { RustLogError } from "../../../errors.ts";
import { REQUEST_BYTES_MAX } from "../../../limits.ts";
import { API } from "../messages.ts";

const KiB = 1024;

/** Longest payload with which a request is small, in bytes, by API; those that are not here never are. */
const SMALL_BYTES_MAX: ReadonlyMap<number, number> = new Map([
  [API.Produce, 64 * KiB],
  [API.OffsetCommit, 4 * KiB],
  [API.OffsetFetch, 4 * KiB],
  [API.Ping, KiB],
  [API.ApiVersions, KiB],
]);

/** Whether a request costs a few microseconds only. */
export function isSmallRequest(apiKey: number, payloadBytes: number): boolean {
  return payloadBytes <= (SMALL_BYTES_MAX.get(apiKey) ?? 0);
}

/** Longest payload of a request, in bytes; for Produce the limit of frames holds. */
export function requestBytesMax(apiKey: number): number {
  return apiKey === API.Produce ? Number.POSITIVE_INFINITY : REQUEST_BYTES_MAX;
}

/** The answer to a request that no client needs to make so long. */
export function tooLongError(bytes: number): RustLogError {
  return new RustLogError(
    "INVALID_REQUEST",
    `a request of ${bytes} bytes: only a Produce may have more than ${REQUEST_BYTES_MAX}`,
  );
}
