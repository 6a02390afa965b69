// LZ4 frames, as Kafka's clients write them. The frame is read here, block by block, so that memory is taken only for what a
// block can yield; a library decompresses the blocks.
// Leaves to others: the limit of a batch and its errors (compression.ts). Invalid data is a plain Error here.
// Source: https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md
//
// frame: magic u32 | FLG u8 | BD u8 | [content size u64] | [dictionary id u32] | header checksum u8
//        (block size u32, highest bit: not compressed | data | [block checksum u32])… | 0 u32 | [content checksum u32]
// All numbers are little-endian; the checksums are xxHash32.
import { RustLogError } from "../errors.js";
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

/** A byte of a block yields at most this many bytes. */
const LZ4_EXPANSION_MAX = 255;

interface FrameHeader {
  readonly flags: number;
  readonly blockBytesMax: number;
  readonly contentBytes: number | undefined;
  /** Position of the first block. */
  readonly end: number;
}

let library: Library | undefined;

/** Returns a frame of independent blocks, without checksums: Kafka's Java client reads no other blocks. */
export function compressLz4(bytes: Uint8Array): Buffer {
  return lz4().compressFrameSync(bufferOf(bytes));
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
  let window: Buffer | undefined;
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

/** The library takes a block after the size of its content, and accepts a larger size. */
function decompressBlock(
  block: Uint8Array,
  blockBytesMax: number,
  window: Buffer | undefined,
): Uint8Array {
  const sized = Buffer.allocUnsafe(4 + block.length);
  sized.writeUInt32LE(Math.min(blockBytesMax, block.length * LZ4_EXPANSION_MAX));
  sized.set(block, 4);
  return lz4().uncompressSync(sized, window);
}

/** The last bytes of the content so far, which the next block may refer to. */
function windowAfter(window: Buffer | undefined, content: Uint8Array): Buffer | undefined {
  if (content.length === 0) return window;
  const bytes = bufferOf(content);
  if (window === undefined || content.length >= WINDOW_BYTES) return bytes.subarray(-WINDOW_BYTES);
  return Buffer.concat([window, bytes]).subarray(-WINDOW_BYTES);
}

function need(view: DataView, at: number, bytes: number): void {
  if (bytes > view.byteLength - at) throw new Error("the data ends inside a frame");
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

function lz4(): Library {
  library ??= loadLibrary("lz4", () => require("lz4-napi") as Library);
  return library;
}
