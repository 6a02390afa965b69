// Snappy data: one raw block, or the framing of snappy-java ("xerial"), which Kafka's Java client writes.
// Leaves to others: the limit of a batch and its errors (compression.ts). Invalid data is a plain Error here.
// Sources: https://github.com/google/snappy/blob/main/format_description.txt, SnappyInputStream.java of snappy-java
//
// raw block: uncompressed length varint | elements
// xerial:    0x82 "SNAPPY" 0x00 | version i32 | compatible version i32 | (block length i32 | raw block)…
import { readI32 } from "./bytes.js";
import { loadLibrary } from "./codec-library.js";

type Library = typeof import("snappy");

const XERIAL_MAGIC = Uint8Array.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const XERIAL_HEADER_BYTES = XERIAL_MAGIC.length + 8;

/** An element of three bytes copies up to 64 bytes; no other element yields more per byte. */
const SNAPPY_EXPANSION_MAX = 64 / 3;

const LENGTH_BYTES_MAX = 5;

let library: Library | undefined;

/** Returns one raw block, which every client reads; some read no framing. */
export function compressSnappy(bytes: Uint8Array): Buffer {
  return snappy().compressSync(bytes);
}

/**
 * Decompresses block by block. Ends after `bytesMax` bytes or somewhat more. Takes memory for what the data can yield, not
 * for what it claims.
 */
export function* decompressSnappy(bytes: Uint8Array, bytesMax: number): Generator<Uint8Array> {
  if (!isXerial(bytes, 0)) {
    yield decompressBlock(bytes, bytesMax);
    return;
  }
  let left = bytesMax;
  for (let at = 0; at < bytes.length && left > 0;) {
    // The framing may start over, where a writer was flushed or streams were joined.
    if (isXerial(bytes, at)) {
      at += XERIAL_HEADER_BYTES;
      if (at > bytes.length) throw new Error("the data ends inside a header");
      continue;
    }
    const start = at + 4;
    const size = start <= bytes.length ? readI32(bytes, at) : -1;
    if (size < 0 || size > bytes.length - start) {
      throw new Error(`the block at byte ${at} is longer than the data`);
    }
    at = start + size;
    const block = decompressBlock(bytes.subarray(start, at), left);
    left -= block.length;
    yield block;
  }
}

function isXerial(bytes: Uint8Array, at: number): boolean {
  return XERIAL_MAGIC.every((byte, i) => bytes[at + i] === byte);
}

function decompressBlock(block: Uint8Array, bytesMax: number): Uint8Array {
  const { length, start } = readLength(block);
  if (length > (block.length - start) * SNAPPY_EXPANSION_MAX) {
    throw new Error(`a block of ${block.length} bytes can't hold ${length} bytes`);
  }
  const { uncompressSync } = snappy();
  const part = length > bytesMax ? firstElements(block, start, bytesMax) : block;
  return uncompressSync(part, { asBuffer: true }) as Buffer;
}

function readLength(block: Uint8Array): { readonly length: number; readonly start: number } {
  let length = 0;
  for (let i = 0; i < LENGTH_BYTES_MAX && i < block.length; i++) {
    const byte = block[i]!;
    length += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return { length, start: i + 1 };
  }
  throw new Error("a block does not start with a length");
}

/**
 * The shortest block with the first elements of `block` that yields `bytesMax` bytes. It saves decompressing what nobody
 * wants; the library checks the elements themselves.
 */
function firstElements(block: Uint8Array, start: number, bytesMax: number): Uint8Array {
  let at = start;
  let yielded = 0;
  while (yielded < bytesMax && at < block.length) {
    const tag = block[at++]!;
    const kind = tag & 3;
    const upper = tag >>> 2;
    if (kind !== 0) {
      yielded += kind === 1 ? 4 + (upper & 7) : 1 + upper;
      at += kind === 3 ? 4 : kind;
      continue;
    }
    let length = upper;
    if (upper >= 60) {
      length = 0;
      for (let i = 0; i < upper - 59; i++) length += (block[at++] ?? 0) * 2 ** (8 * i);
    }
    yielded += length + 1;
    at += length + 1;
  }
  if (at > block.length) throw new Error("an element ends after its block");
  const part = new Uint8Array(LENGTH_BYTES_MAX + at - start);
  // A varint may have more bytes than it needs.
  for (let i = 0; i < LENGTH_BYTES_MAX; i++) {
    const more = i < LENGTH_BYTES_MAX - 1 ? 0x80 : 0;
    part[i] = (Math.floor(yielded / 2 ** (7 * i)) & 0x7f) | more;
  }
  part.set(block.subarray(start, at), LENGTH_BYTES_MAX);
  return part;
}

function snappy(): Library {
  library ??= loadLibrary("snappy", () => require("snappy") as Library);
  return library;
}
