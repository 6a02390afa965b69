// The last request of a connection, decoded. The heartbeats of a member are the same bytes again and again, and comparing
// them takes a fraction of the time of decoding them.
// Leaves to others: decoding (call.ts), and for which APIs that is worth the memory (the handlers).
import type { Pieces } from "../../../record/bytes.js";
import { KAFKA_HEADER_BYTES } from "../headers.js";

/** Longer requests are not kept: ten thousand members may have as many connections. */
const REPEATED_BYTES_MAX = 512;

/** Bytes of the API key and the version. A correlation id follows, which differs. */
const KIND_BYTES = 4;

export class LastRequest {
  #bytes: Uint8Array | undefined;
  #value: unknown;

  /** What `decode` returned for the same API, version, client id and body, if it was the last request; else decodes it. */
  get<T>(payload: Pieces, decode: () => T): T {
    const [bytes] = payload;
    if (payload.length > 1 || bytes.length > REPEATED_BYTES_MAX) return decode();
    // The same kind of request gives the same type of value.
    if (this.#bytes !== undefined && isRepeated(this.#bytes, bytes)) return this.#value as T;
    const value = decode();
    this.#bytes = Uint8Array.from(bytes);
    this.#value = value;
    return value;
  }
}

function isRepeated(last: Uint8Array, bytes: Uint8Array): boolean {
  if (last.length !== bytes.length) return false;
  // From the end, where other members of the same group differ.
  for (let at = bytes.length - 1; at >= KAFKA_HEADER_BYTES; at--) {
    if (last[at] !== bytes[at]) return false;
  }
  for (let at = 0; at < KIND_BYTES; at++) if (last[at] !== bytes[at]) return false;
  return true;
}
