// The memory in which messages are written: most are short, and all begin in the same memory.
// Leaves to others: the messages.
//
// A finished message is copied, because a view is slower: the first view of an array needs an object for its buffer, which
// takes longer to make than a copy of some hundred bytes, and keeps all of the buffer in memory.

const SCRATCH_BYTES = 512;

/** Undefined while a message is being written in it. One that is given up keeps it, and the next gets another. */
let scratch: Uint8Array | undefined = new Uint8Array(SCRATCH_BYTES);

/** Memory for a new message. */
export function takeScratch(): Uint8Array {
  const taken = scratch ?? new Uint8Array(SCRATCH_BYTES);
  scratch = undefined;
  return taken;
}

/** The message in `bytes[0, end)`, which began in scratch memory and may have outgrown it. */
export function finishedMessage(bytes: Uint8Array, end: number): Uint8Array {
  if (bytes.length > SCRATCH_BYTES) return bytes.subarray(0, end);
  scratch = bytes;
  return bytes.slice(0, end);
}
