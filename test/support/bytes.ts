// Bytes in one piece. Leaves to others: their meaning.

/** A copy of all pieces, one after the other. It is no Buffer, so `slice` copies. */
export function concat(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.concat(pieces));
}
