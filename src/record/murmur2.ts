// Murmur2 with Kafka's seed: the hash that maps a key to a partition in every Kafka client.

const SEED = 0x9747b28c;
const MULTIPLIER = 0x5bd1e995;
const SHIFT = 24;

/** Kafka's murmur2 of the first `length` bytes of `data`: a signed 32-bit integer. */
export function murmur2(data: Uint8Array, length = data.length): number {
  const wordsEnd = length & ~3;
  let hash = SEED ^ length;
  for (let i = 0; i < wordsEnd; i += 4) {
    let word = data[i]! | (data[i + 1]! << 8) | (data[i + 2]! << 16) | (data[i + 3]! << 24);
    word = Math.imul(word, MULTIPLIER);
    word ^= word >>> SHIFT;
    hash = Math.imul(hash, MULTIPLIER) ^ Math.imul(word, MULTIPLIER);
  }
  const rest = length - wordsEnd;
  if (rest > 0) {
    if (rest > 2) hash ^= data[wordsEnd + 2]! << 16;
    if (rest > 1) hash ^= data[wordsEnd + 1]! << 8;
    hash = Math.imul(hash ^ data[wordsEnd]!, MULTIPLIER);
  }
  hash = Math.imul(hash ^ (hash >>> 13), MULTIPLIER);
  return hash ^ (hash >>> 15);
}
