// Compresses the records section of a batch, and decompresses it within a limit.
// Leaves to others: the header, which is never compressed, and the CRC, which covers the compressed form.
import {
  constants,
  createGunzip,
  createZstdDecompress,
  gunzipSync,
  gzipSync,
  zstdCompressSync,
  zstdDecompressSync,
} from "node:zlib";
import { RustLogError } from "../errors.js";
import type { Codec } from "./batch.js";

/** The codecs that this code can write and read. Batches of other codecs pass through the broker unchanged. */
export type WritableCodec = Extract<Codec, "none" | "gzip" | "zstd">;

/** Bytes that one step of decompression produces. */
const STEP_BYTES = 64 * 1024;

/** Compressed data states how much memory its decompression takes; zstd's own levels up to 19 need 8 MiB. */
const ZSTD_PARAMS = { [constants.ZSTD_d_windowLogMax]: 24 };

/** Whether this code can write and read batches of the codec. */
export function isWritableCodec(codec: Codec): codec is WritableCodec {
  return codec === "none" || codec === "gzip" || codec === "zstd";
}

/** Compresses `bytes`. With "none", returns the same bytes, not a copy. */
export function compress(codec: WritableCodec, bytes: Uint8Array): Uint8Array {
  switch (codec) {
    case "none":
      return bytes;
    case "gzip":
      return plain(gzipSync(bytes));
    case "zstd":
      return plain(zstdCompressSync(bytes));
  }
}

/**
 * Decompresses what `compress` returned. Stops at `bytesMax` bytes, so that a few bytes can't use up the memory. Throws
 * UNSUPPORTED_COMPRESSION for snappy and lz4, MESSAGE_TOO_LARGE past `bytesMax`, and CORRUPT_MESSAGE for invalid data.
 */
export function decompress(codec: Codec, bytes: Uint8Array, bytesMax: number): Uint8Array {
  if (!isWritableCodec(codec)) {
    throw unsupported(codec);
  }
  if (codec === "none") {
    if (bytes.length > bytesMax) throw tooLarge(codec, bytesMax);
    return bytes;
  }
  try {
    const options = { maxOutputLength: bytesMax };
    const decompressor = codec === "gzip" ? gunzipSync : zstdDecompressSync;
    return plain(decompressor(bytes, options));
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ERR_BUFFER_TOO_LARGE") {
      throw tooLarge(codec, bytesMax);
    }
    throw notCompressed(codec, cause);
  }
}

/** The first bytes of decompressed data. */
export interface Prefix {
  readonly bytes: Uint8Array;
  /** Whether this is all of the data. */
  readonly isWhole: boolean;
}

/**
 * Decompresses the first `bytesMax` bytes, in small steps outside of the event loop, and then stops. Rejects with
 * UNSUPPORTED_COMPRESSION for snappy and lz4, and with CORRUPT_MESSAGE for data that is invalid or needs a window of more
 * than 16 MiB.
 */
export async function decompressPrefix(
  codec: Codec,
  bytes: Uint8Array,
  bytesMax: number,
): Promise<Prefix> {
  if (!isWritableCodec(codec)) throw unsupported(codec);
  if (codec === "none") {
    return { bytes: bytes.subarray(0, bytesMax), isWhole: bytes.length <= bytesMax };
  }
  const stream =
    codec === "gzip"
      ? createGunzip({ chunkSize: STEP_BYTES })
      : createZstdDecompress({ chunkSize: STEP_BYTES, params: ZSTD_PARAMS });
  stream.end(bytes);
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > bytesMax) break;
    }
  } catch (cause) {
    throw notCompressed(codec, cause);
  } finally {
    stream.destroy();
  }
  const prefix = new Uint8Array(Math.min(length, bytesMax));
  let at = 0;
  for (const chunk of chunks) {
    const part = chunk.subarray(0, prefix.length - at);
    prefix.set(part, at);
    at += part.length;
  }
  return { bytes: prefix, isWhole: length <= bytesMax };
}

/** Not a Buffer: its views must have the same type as those of an uncompressed batch. */
function plain(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}

function tooLarge(codec: Codec, bytesMax: number): RustLogError {
  const message = `the ${codec} data of a batch decompresses to more than ${bytesMax} bytes`;
  return new RustLogError("MESSAGE_TOO_LARGE", message);
}

function unsupported(codec: Codec): RustLogError {
  return new RustLogError("UNSUPPORTED_COMPRESSION", `${codec} can't be decompressed here`);
}

function notCompressed(codec: Codec, cause: unknown): RustLogError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new RustLogError("CORRUPT_MESSAGE", `no ${codec} data: ${reason}`, { cause });
}
