// Snappy data: one raw block, or the framing of snappy-java ("xerial"), which Kafka's Java client writes.
// Leaves to others: the limit of a batch and its errors (compression.ts). Invalid data is a plain Error here.
// Sources: https://github.com/google/snappy/blob/main/format_description.txt, SnappyInputStream.java of snappy-java
//
// raw block: uncompressed length varint | elements
// element:   tag u8, the lowest two bits say which of these
//            00 literal: length - 1 in the upper bits, from 60 on in the next 1 to 4 bytes | the bytes
//            01 copy:    length - 4 in 3 bits, distance in 3 bits and the next byte
//            10, 11 copy: length - 1 in the upper bits | distance u16 or u32
// xerial:    0x82 "SNAPPY" 0x00 | version i32 | compatible version i32 | (block length i32 | raw block)…
// Numbers of a raw block are little-endian, those of the framing big-endian.
import { readI32 } from "./bytes.js";
import { loadLibrary } from "./codec-library.js";

type Library = typeof import("snappy");

const XERIAL_MAGIC = Uint8Array.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const XERIAL_HEADER_BYTES = XERIAL_MAGIC.length + 8;

/** An element of three bytes copies up to 64 bytes; no other element yields more per byte. */
const SNAPPY_EXPANSION_MAX = 64 / 3;

const LENGTH_BYTES_MAX = 5;

/** Length up to which a loop copies faster than a call. */
const LOOP_BYTES = 32;

let library: Library | undefined;

/** Returns one raw block, which every client reads; some read no framing. */
export function compressSnappy(bytes: Uint8Array): Buffer {
  library ??= loadLibrary("snappy", () => require("snappy") as Library);
  return library.compressSync(bytes);
}

/** Decompresses block by block, up to `bytesMax` bytes. Takes memory for what the data can yield, not for what it claims. */
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
  const content = new Uint8Array(Math.min(length, bytesMax));
  readElements(block, start, content, length);
  return content;
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

/** Fills `content`, the first of the `length` bytes that the elements from byte `start` yield. */
function readElements(block: Uint8Array, start: number, content: Uint8Array, length: number): void {
  const end = block.length;
  const wanted = content.length;
  let at = start;
  let filled = 0;
  while (filled < wanted || wanted === length) {
    if (at === end) {
      if (filled === length) return;
      throw new Error(`a block ends after ${filled} of ${length} bytes`);
    }
    const tag = block[at++]!;
    const kind = tag & 3;
    let size = tag >>> 2;
    let distance = 0;
    if (kind === 0) {
      if (size >= 60) {
        const sizeBytes = size - 59;
        if (sizeBytes > end - at) throw cutOff();
        size = readNumber(block, at, sizeBytes);
        at += sizeBytes;
      }
      size++;
      if (size > end - at) throw cutOff();
    } else {
      const distanceBytes = kind === 3 ? 4 : kind;
      if (distanceBytes > end - at) throw cutOff();
      distance = readNumber(block, at, distanceBytes);
      if (kind === 1) {
        distance += (tag >>> 5) << 8;
        size = 4 + (size & 7);
      } else size++;
      at += distanceBytes;
      if (distance === 0 || distance > filled) {
        throw new Error(`a copy at byte ${filled} refers ${distance} bytes back`);
      }
    }
    if (size > length - filled) throw new Error(`a block has more than ${length} bytes`);
    const stop = Math.min(filled + size, wanted);
    if (kind === 0) {
      if (size > LOOP_BYTES) content.set(block.subarray(at, at + stop - filled), filled);
      else for (let i = 0; i < stop - filled; i++) content[filled + i] = block[at + i]!;
      at += size;
      filled = stop;
    } else for (; filled < stop; filled++) content[filled] = content[filled - distance]!;
  }
}

function readNumber(block: Uint8Array, at: number, bytes: number): number {
  let number = 0;
  for (let i = bytes - 1; i >= 0; i--) number = number * 256 + block[at + i]!;
  return number;
}

function cutOff(): Error {
  return new Error("a block ends inside an element");
}
