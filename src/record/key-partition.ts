// The partition of a key: the same as in Kafka's clients, for our producers and for the page.
// Leaves to others: the hash (murmur2.ts), and records without a key (client/partitioner.ts).
import { murmur2 } from "./murmur2.js";

const utf8 = new TextEncoder();

// Holds short ASCII keys (the usual case) while they are hashed, so that no record allocates.
const scratch = new Uint8Array(256);

/** The partition of a key: the same as in Kafka's clients for the same key and count. */
export function partitionForKey(key: Uint8Array | string, partitions: number): number {
  const hash = typeof key === "string" ? murmur2OfText(key) : murmur2(key);
  return (hash & 0x7fffffff) % partitions;
}

function murmur2OfText(text: string): number {
  const { length } = text;
  if (length > scratch.length) return murmur2(utf8.encode(text));
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0x7f) return murmur2(utf8.encode(text));
    scratch[i] = unit;
  }
  return murmur2(scratch, length);
}
