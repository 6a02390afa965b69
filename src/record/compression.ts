// Compresses the records section of a batch, and decompresses it within a limit.
// Leaves to others: the header, which is never compressed, and the CRC, which covers the compressed form.
import {
  constants,
  createGunzip,
  createZstdDecompress,
  gunzipSync,
  gzip,
  gzipSync,
  zstdCompress,
  zstdCompressSync,
  zstdDecompressSync,
} from "node:zlib";
import { promisify } from "node:util";
import { RustLogError } from "../errors.js";
import type { Codec } from "./batch.js";
import { joined, NO_BYTES } from "./bytes.js";
import { compressLz4, decompressLz4 } from "./lz4.js";
import { compressSnappy, decompressSnappy } from "./snappy.js";

/** Bytes that one step of decompression produces, and that are copied at once. */
const STEP_BYTES = 64 * 1024;
const COPIED_BYTES = 2 * 1024 * 1024;

/** Compressed data states how much memory its decompression takes; zstd's own levels up to 19 need 8 MiB. */
const ZSTD_PARAMS = { [constants.ZSTD_d_windowLogMax]: 24 };

/**
 * Compresses `bytes`. With "none", returns the same bytes, not a copy. Throws UNSUPPORTED_COMPRESSION if the library for
 * snappy or lz4 can't be loaded.
 */
export function compress(codec: Codec, bytes: Uint8Array): Uint8Array {
  switch (codec) {
    case "none":
      return bytes;
    case "gzip":
      return plain(gzipSync(bytes));
    case "snappy":
      return plain(compressSnappy(bytes));
    case "lz4":
      return plain(compressLz4(bytes));
    case "zstd":
      return plain(zstdCompressSync(bytes));
  }
}

/**
 * The same for code that has the event loop to share: gzip and zstd, which take 5 to 20 ms for a MiB, work in other threads.
 * The faster ones take 1 or 2 ms.
 */
export async function compressAside(codec: Codec, bytes: Uint8Array): Promise<Uint8Array> {
  if (codec === "gzip") return plain(await gzipAside(bytes));
  if (codec === "zstd") return plain(await zstdAside(bytes));
  return compress(codec, bytes);
}

const gzipAside = promisify<Uint8Array, Buffer>(gzip);
const zstdAside = promisify<Uint8Array, Buffer>(zstdCompress);

/**
 * Decompresses what any writer of Kafka's format wrote. Stops at `bytesMax` bytes, so that a few bytes can't use up the
 * memory. Throws MESSAGE_TOO_LARGE past `bytesMax`, CORRUPT_MESSAGE for invalid data, and UNSUPPORTED_COMPRESSION for lz4
 * data that needs a dictionary.
 */
export function decompress(codec: Codec, bytes: Uint8Array, bytesMax: number): Uint8Array {
  try {
    switch (codec) {
      case "none":
        if (bytes.length > bytesMax) throw tooLarge(codec, bytesMax);
        return bytes;
      case "gzip":
        return plain(gunzipSync(bytes, { maxOutputLength: bytesMax }));
      case "zstd":
        return plain(zstdDecompressSync(bytes, { maxOutputLength: bytesMax }));
      case "snappy":
      case "lz4":
        return joinBlocks(codec, blocksOf(codec, bytes, bytesMax), bytesMax);
    }
  } catch (cause) {
    if (cause instanceof RustLogError) throw cause;
    if (cause instanceof Error && "code" in cause && cause.code === "ERR_BUFFER_TOO_LARGE") {
      throw tooLarge(codec, bytesMax);
    }
    throw notCompressed(codec, cause);
  }
}

/** The content, block by block. Ends with the block that passes `bytesMax`, if not before. */
function* blocksOf(
  codec: "snappy" | "lz4",
  bytes: Uint8Array,
  bytesMax: number,
): Generator<Uint8Array> {
  const blocks = codec === "snappy" ? decompressSnappy(bytes, bytesMax + 1) : decompressLz4(bytes);
  let length = 0;
  for (const block of blocks) {
    yield block;
    length += block.length;
    if (length > bytesMax) return;
  }
}

function joinBlocks(codec: Codec, blocks: Iterable<Uint8Array>, bytesMax: number): Uint8Array {
  const [first = NO_BYTES, ...others] = blocks;
  const whole = joined([first, ...others]);
  if (whole.length > bytesMax) throw tooLarge(codec, bytesMax);
  return plain(whole);
}

/** The first bytes of decompressed data. */
export interface Prefix {
  readonly bytes: Uint8Array;
  /** Whether this is all of the data. */
  readonly isWhole: boolean;
}

/**
 * Decompresses the first `bytesMax` bytes, in small steps between which other work goes on, and then stops. Rejects with
 * CORRUPT_MESSAGE for data that is invalid or needs a window of more than 16 MiB, and with UNSUPPORTED_COMPRESSION as
 * `decompress` does.
 */
export async function decompressPrefix(
  codec: Codec,
  bytes: Uint8Array,
  bytesMax: number,
): Promise<Prefix> {
  if (codec === "none") {
    return { bytes: bytes.subarray(0, bytesMax), isWhole: bytes.length <= bytesMax };
  }
  const { chunks, length } = await chunksUpTo(codec, bytes, bytesMax);
  const prefix = await joinedInSteps(NO_BYTES, chunks, Math.min(length, bytesMax));
  return { bytes: prefix, isWhole: length <= bytesMax };
}

/**
 * Decompresses all of it likewise, behind other bytes, such as the header of a batch. Rejects with MESSAGE_TOO_LARGE past
 * `bytesMax`, too.
 */
export async function decompressBehind(
  head: Uint8Array,
  codec: Exclude<Codec, "none">,
  bytes: Uint8Array,
  bytesMax: number,
): Promise<Uint8Array> {
  const { chunks, length } = await chunksUpTo(codec, bytes, bytesMax);
  if (length > bytesMax) throw tooLarge(codec, bytesMax);
  return await joinedInSteps(head, chunks, length);
}

/** The content, or as much of it as is more than `bytesMax` bytes. */
async function chunksUpTo(
  codec: Exclude<Codec, "none">,
  bytes: Uint8Array,
  bytesMax: number,
): Promise<{ readonly chunks: readonly Uint8Array[]; readonly length: number }> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of chunksOf(codec, bytes, bytesMax)) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > bytesMax) break;
    }
  } catch (cause) {
    throw cause instanceof RustLogError ? cause : notCompressed(codec, cause);
  }
  return { chunks, length };
}

/** `head` and `length` bytes of the chunks. */
async function joinedInSteps(
  head: Uint8Array,
  chunks: readonly Uint8Array[],
  length: number,
): Promise<Uint8Array> {
  const all = new Uint8Array(head.length + length);
  all.set(head);
  let at = head.length;
  let copied = 0;
  for (const chunk of chunks) {
    const part = chunk.subarray(0, all.length - at);
    all.set(part, at);
    at += part.length;
    copied += part.length;
    if (copied < COPIED_BYTES) continue;
    copied = 0;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return all;
}

/** The content in small chunks. Gzip and zstd are decompressed outside of the event loop. */
async function* chunksOf(
  codec: Exclude<Codec, "none">,
  bytes: Uint8Array,
  bytesMax: number,
): AsyncGenerator<Uint8Array> {
  if (codec === "snappy" || codec === "lz4") {
    for (const block of blocksOf(codec, bytes, bytesMax)) {
      yield block;
      await new Promise((resolve) => setImmediate(resolve));
    }
    return;
  }
  const stream =
    codec === "gzip"
      ? createGunzip({ chunkSize: STEP_BYTES })
      : createZstdDecompress({ chunkSize: STEP_BYTES, params: ZSTD_PARAMS });
  stream.end(bytes);
  try {
    yield* stream as AsyncIterable<Buffer>;
  } finally {
    stream.destroy();
  }
}

/** Not a Buffer: its views must have the same type as those of an uncompressed batch. */
function plain(buffer: Uint8Array): Uint8Array {
  // Bun makes an empty Buffer of native code detached, and a detached one can't be viewed.
  if (buffer.length === 0) return NO_BYTES;
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}

function tooLarge(codec: Codec, bytesMax: number): RustLogError {
  const message = `the ${codec} data of a batch decompresses to more than ${bytesMax} bytes`;
  return new RustLogError("MESSAGE_TOO_LARGE", message);
}

function notCompressed(codec: Codec, cause: unknown): RustLogError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new RustLogError("CORRUPT_MESSAGE", `no ${codec} data: ${reason}`, { cause });
}
