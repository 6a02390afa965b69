// Frees the memory of large chunks as soon as the requests in them are settled. The garbage collector would find a chunk
// late, because one still in use at a collection of young objects is then old, and new chunks would take new memory,
// whose first touch costs as much as copying into it.
// Leaves to others: which requests need their bytes no longer (the handlers).
//
// Safe by default: a chunk is freed only if every payload in it was freed, and nobody frees one that may still be read.
import type { Pieces } from "../record/bytes.js";

/** Smaller chunks are left to the garbage collector. */
const FREED_BYTES_MIN = 64 * 1024;

/** Payloads in a chunk that were not freed, and one for the decoder until it has passed on the whole chunk. */
const uses = new WeakMap<ArrayBufferLike, number>();

/** Frees a chunk that nobody has a view of, such as one of a TLS connection as it was received. Returns its bytes. */
export function freeChunk({ buffer, length }: Uint8Array): number {
  if (length < FREED_BYTES_MIN || length !== buffer.byteLength) return 0;
  if (!(buffer instanceof ArrayBuffer)) return 0;
  buffer.transfer(0);
  return length;
}

/** Begins to count the payloads in a chunk that was received. */
export function chunkReceived(chunk: Uint8Array): void {
  if (chunk.length >= FREED_BYTES_MIN && chunk.length === chunk.buffer.byteLength) {
    uses.set(chunk.buffer, 1);
  }
}

/** Counts a payload that is a view of a chunk. */
export function chunkUsed(chunk: Uint8Array): void {
  if (chunk.length < FREED_BYTES_MIN) return;
  const count = uses.get(chunk.buffer);
  if (count !== undefined) uses.set(chunk.buffer, count + 1);
}

/** Ends the decoder's use of a chunk. */
export function chunkPassedOn(chunk: Uint8Array): void {
  if (chunk.length >= FREED_BYTES_MIN) useEnded(chunk.buffer);
}

/** Frees a payload, which nobody may read again. Returns the bytes of the chunks that were freed with it. */
export function freePayload(payload: Pieces): number {
  let bytes = 0;
  for (const { buffer } of payload) {
    if (buffer.byteLength >= FREED_BYTES_MIN) bytes += useEnded(buffer);
  }
  return bytes;
}

function useEnded(buffer: ArrayBufferLike): number {
  const count = uses.get(buffer);
  if (count === undefined) return 0;
  uses.set(buffer, count - 1);
  if (count > 1 || !(buffer instanceof ArrayBuffer)) return 0;
  const bytes = buffer.byteLength;
  buffer.transfer(0); // takes the memory away from all views
  return bytes;
}
