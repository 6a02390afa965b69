// LZ4 frames, as Kafka's clients write them, and the blocks in them.
// Leaves to others: the limit of a batch and its errors (compression.ts). Invalid data is a plain Error here.
// Sources: lz4_Frame_format.md and lz4_Block_format.md in https://github.com/lz4/lz4/tree/dev/doc
//
// frame: magic u32 | FLG u8 | BD u8 | [content size u64] | [dictionary id u32] | header checksum u8
//        (block size u32, highest bit: not compressed | data | [block checksum u32])… | 0 u32 | [content checksum u32]
// block: (token u8 | literals | distance u16)…, the last one with literals only; the token has the number of literals and
//        the length of the copy - 4, in four bits each; 15 is continued in bytes after the token or the distance, up to
//        one below 255
// All numbers are little-endian; the checksums are xxHash32.
import { RustLogError } from "../errors.js";
import { NO_BYTES } from "./bytes.js";
import { loadLibrary } from "./codec-library.js";

type Library = typeof import("lz4-napi");

const MAGIC = 0x184d2204;
const SKIPPABLE_MAGIC = 0x184d2a50;
const SKIPPABLE_MASK = 0xfffffff0;

const VERSION_MASK = 0xc0;
const VERSION = 0x40;
const INDEPENDENT_BLOCKS = 0x20;
const BLOCK_CHECKSUMS = 0x10;
const CONTENT_SIZE = 0x08;
const CONTENT_CHECKSUM = 0x04;
const RESERVED_FLAG = 0x02;
const DICTIONARY_ID = 0x01;
const RESERVED_BD = 0x8f;

const NOT_COMPRESSED = 0x80000000;

/** How far back a block may refer. */
const WINDOW_BYTES = 64 * 1024;

/** Length of the shortest copy, and the value of four bits that are continued. */
const COPY_BYTES_MIN = 4;
const CONTINUED = 15;

/** Length up to which a loop copies faster than a call. */
const LOOP_BYTES = 32;

interface FrameHeader {
  readonly flags: number;
  readonly blockBytesMax: number;
  readonly contentBytes: number | undefined;
  /** Position of the first block. */
  readonly end: number;
}

let library: Library | undefined;

/** Where a block is decompressed, behind its window. Its content is copied, because its size is not known before. */
let scratch = new Uint8Array(0);

/** Returns a frame of independent blocks, without checksums: Kafka's Java client reads no other blocks. */
export function compressLz4(bytes: Uint8Array): Buffer {
  library ??= loadLibrary("lz4", () => require("lz4-napi") as Library);
  return library.compressFrameSync(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
}

/** Decompresses block by block, each of at most 4 MiB. Throws UNSUPPORTED_COMPRESSION if a frame needs a dictionary. */
export function* decompressLz4(bytes: Uint8Array): Generator<Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  do {
    need(view, at, 4);
    const magic = view.getUint32(at, true);
    if ((magic & SKIPPABLE_MASK) >>> 0 === SKIPPABLE_MAGIC) {
      need(view, at, 8);
      at += 8;
      const size = view.getUint32(at - 4, true);
      need(view, at, size);
      at += size;
      continue;
    }
    if (magic !== MAGIC) throw new Error(`no frame starts at byte ${at}`);
    at = yield* decompressFrame(view, bytes, readHeader(view, bytes, at + 4));
  } while (at < bytes.length);
}

/** `at` is the position after the magic number. */
function readHeader(view: DataView, bytes: Uint8Array, at: number): FrameHeader {
  need(view, at, 2);
  const flags = view.getUint8(at);
  const sizes = view.getUint8(at + 1);
  if ((flags & VERSION_MASK) !== VERSION) throw new Error("the frame has an unknown version");
  // 4 stands for 64 KiB, each step for four times as much.
  const sizeCode = sizes >>> 4;
  if ((flags & RESERVED_FLAG) !== 0 || (sizes & RESERVED_BD) !== 0 || sizeCode < 4) {
    throw new Error("the frame has an unknown flag or block size");
  }
  const hasSize = (flags & CONTENT_SIZE) !== 0;
  const hasDictionary = (flags & DICTIONARY_ID) !== 0;
  const end = at + 2 + (hasSize ? 8 : 0) + (hasDictionary ? 4 : 0);
  need(view, at, end + 1 - at);
  const computed = (Bun.hash.xxHash32(bytes.subarray(at, end)) >>> 8) & 0xff;
  if (view.getUint8(end) !== computed) throw new Error("the header checksum is wrong");
  if (hasDictionary) {
    const message = "its lz4 frame needs a dictionary";
    throw new RustLogError("UNSUPPORTED_COMPRESSION", message);
  }
  const contentBytes = hasSize ? Number(view.getBigUint64(at + 2, true)) : undefined;
  return { flags, blockBytesMax: 4 ** (sizeCode + 4), contentBytes, end: end + 1 };
}

/** Yields the content of a frame and returns the position after it. */
function* decompressFrame(
  view: DataView,
  bytes: Uint8Array,
  { flags, blockBytesMax, contentBytes, end }: FrameHeader,
): Generator<Uint8Array, number> {
  const checksumBytes = (flags & BLOCK_CHECKSUMS) === 0 ? 0 : 4;
  let window: Uint8Array = NO_BYTES;
  let total = 0;
  let at = end;
  for (;;) {
    need(view, at, 4);
    const word = view.getUint32(at, true);
    at += 4;
    if (word === 0) break;
    const isCompressed = word < NOT_COMPRESSED;
    const size = isCompressed ? word : word - NOT_COMPRESSED;
    if (size > blockBytesMax) throw new Error(`a block of ${size} bytes is over ${blockBytesMax}`);
    need(view, at, size + checksumBytes);
    const block = bytes.subarray(at, at + size);
    at += size;
    if (checksumBytes > 0) {
      const isRight = view.getUint32(at, true) === Bun.hash.xxHash32(block);
      if (!isRight) throw new Error(`the checksum of the block at byte ${at - size - 4} is wrong`);
      at += checksumBytes;
    }
    const content = isCompressed ? decompressBlock(block, blockBytesMax, window) : block;
    if ((flags & INDEPENDENT_BLOCKS) === 0) window = windowAfter(window, content);
    total += content.length;
    yield content;
  }
  if (contentBytes !== undefined && contentBytes !== total) {
    throw new Error(`the frame has ${total} bytes, but its header says ${contentBytes}`);
  }
  if ((flags & CONTENT_CHECKSUM) === 0) return at;
  // Not compared: that would take the whole content in one piece. The batch's CRC covers the compressed bytes.
  need(view, at, 4);
  return at + 4;
}

/** Decompresses a block that may refer to `window`, the content before it. */
function decompressBlock(block: Uint8Array, bytesMax: number, window: Uint8Array): Uint8Array {
  if (scratch.length < window.length + bytesMax) {
    scratch = new Uint8Array(WINDOW_BYTES + bytesMax);
  }
  scratch.set(window);
  const end = readSequences(block, scratch, window.length, window.length + bytesMax);
  return scratch.slice(window.length, end);
}

/** Fills `content` from `start`, at most to `limit`, and returns where it ends. */
function readSequences(
  block: Uint8Array,
  content: Uint8Array,
  start: number,
  limit: number,
): number {
  const end = block.length;
  let at = 0;
  let filled = start;
  while (at < end) {
    const token = block[at++]!;
    let size = token >>> 4;
    if (size === CONTINUED) {
      let more: number;
      do {
        if (at === end) throw cutOff();
        more = block[at++]!;
        size += more;
      } while (more === 255);
    }
    if (size > end - at) throw cutOff();
    if (size > limit - filled) throw tooLong(limit - start);
    if (size > LOOP_BYTES) content.set(block.subarray(at, at + size), filled);
    else for (let i = 0; i < size; i++) content[filled + i] = block[at + i]!;
    at += size;
    filled += size;
    if (at === end) return filled;

    if (end - at < 2) throw cutOff();
    const distance = block[at]! | (block[at + 1]! << 8);
    at += 2;
    if (distance === 0 || distance > filled) {
      throw new Error(`a copy at byte ${filled - start} of a block refers ${distance} bytes back`);
    }
    size = token & CONTINUED;
    if (size === CONTINUED) {
      let more: number;
      do {
        if (at === end) throw cutOff();
        more = block[at++]!;
        size += more;
      } while (more === 255);
    }
    size += COPY_BYTES_MIN;
    if (size > limit - filled) throw tooLong(limit - start);
    for (const stop = filled + size; filled < stop; filled++) {
      content[filled] = content[filled - distance]!;
    }
  }
  throw cutOff();
}

/** The last bytes of the content so far, which the next block may refer to. */
function windowAfter(window: Uint8Array, content: Uint8Array): Uint8Array {
  if (content.length >= WINDOW_BYTES) return content.subarray(-WINDOW_BYTES);
  const kept = window.subarray(Math.max(0, window.length + content.length - WINDOW_BYTES));
  const next = new Uint8Array(kept.length + content.length);
  next.set(kept);
  next.set(content, kept.length);
  return next;
}

function cutOff(): Error {
  return new Error("a block ends inside a sequence");
}

function tooLong(bytesMax: number): Error {
  return new Error(`a block has more than ${bytesMax} bytes`);
}

function need(view: DataView, at: number, bytes: number): void {
  if (bytes > view.byteLength - at) throw new Error("the data ends inside a frame");
}
