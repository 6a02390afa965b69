// Compressing the records section of a batch, and unfolding it within a limit.
// Leaves to others: the header, which is never compressed, and the CRC, which covers the compressed form.
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { RustLogError } from "../errors.ts";
import type { Codec } from "./batch.ts";

/** The codecs that can be written and read here; the others pass through the broker untouched. */
export type WritableCodec = Extract<Codec, "none" | "gzip" | "zstd">;

/** Whether batches of this codec can be written and read here. */
export function isWritableCodec(codec: Codec): codec is WritableCodec {
  return codec === "none" || codec === "gzip" || codec === "zstd";
}

/** `bytes` in compressed form; with "none" the same bytes, not a copy. */
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
 * What `compress` was given. It stops at `bytesMax` bytes, so that a few bytes can't unfold to more memory
 * than there is. Throws UNSUPPORTED_COMPRESSION for snappy and lz4, MESSAGE_TOO_LARGE past `bytesMax`, and
 * CORRUPT_MESSAGE for bytes that no compressor wrote.
 */
export function decompress(codec: Codec, bytes: Uint8Array, bytesMax: number): Uint8Array {
  if (!isWritableCodec(codec)) {
    throw new RustLogError("UNSUPPORTED_COMPRESSION", `${codec} can't be decompressed here`);
  }
  if (codec === "none") {
    if (bytes.length > bytesMax) throw tooLarge(codec, bytesMax);
    return bytes;
  }
  try {
    const options = { maxOutputLength: bytesMax };
    const unfold = codec === "gzip" ? gunzipSync : zstdDecompressSync;
    return plain(unfold(bytes, options));
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ERR_BUFFER_TOO_LARGE") {
      throw tooLarge(codec, bytesMax);
    }
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RustLogError("CORRUPT_MESSAGE", `no ${codec} data: ${reason}`, { cause });
  }
}

/** Not a Buffer: views of it must be what views of an uncompressed batch are. */
function plain(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}

function tooLarge(codec: Codec, bytesMax: number): RustLogError {
  const message = `the ${codec} data of a batch unfolds to more than ${bytesMax} bytes`;
  return new RustLogError("MESSAGE_TOO_LARGE", message);
}
