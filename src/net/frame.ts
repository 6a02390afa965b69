// Splits a stream of chunks into frames: `u32 length | payload`. Does no I/O, and does not interpret payloads.
// Leaves to others: reading the socket (connection.ts, broker-connection.ts), and the headers (messages.ts).
//
// Invariant: consumed <= available, where `available` is the total length of the chunks and `consumed` the number of
// bytes of the first chunk that belong to earlier frames. A frame's length is checked first, and nothing is allocated for
// a frame before all of it has arrived.
import { RustLogError } from "../errors.js";
import { NO_BYTES, type Pieces, readU32 } from "../record/bytes.js";
import { chunkPassedOn, chunkReceived, chunkUsed } from "./chunks.js";

/** Bytes of the length before each payload. */
export const FRAME_LENGTH_BYTES = 4;

/**
 * While a frame is incomplete, smaller chunks than this are copied into blocks, so that many tiny chunks take little
 * more memory than they have bytes.
 */
const GATHERED_CHUNK_BYTES_MAX = 2 * 1024;
const GATHER_BLOCK_BYTES = 16 * 1024;

/** A payload with a shorter first piece is copied into one, so that its header is always in one piece. */
const FIRST_PIECE_BYTES_MIN = 512;

/** Payloads of at least this size are copied into memory that was not zeroed. */
const UNZEROED_BYTES_MIN = 64 * 1024;

interface FrameDecoderOptions {
  /** Largest payload, in bytes. */
  readonly frameBytesMax: number;
}

/** The next frame, of which at least the header has arrived. */
export interface NextFrame {
  /** Length of its payload. */
  readonly nextBytes: number;
  /** The byte of its payload at `offset`, which must have arrived. */
  nextByte(offset: number): number;
}

export interface RequestLimits {
  /** Length of a request header: what is needed to answer a request with an error. */
  readonly headerBytes: number;
  /** Longest payload of a request. */
  requestBytesMax(frame: NextFrame): number;
}

/** A decoder for one direction of one connection. */
export class FrameDecoder implements NextFrame {
  /** Largest payload, in bytes. */
  frameBytesMax: number;
  /** Added to the error for a larger one. */
  limitReason = "";
  #chunks: Uint8Array[] = [];
  #consumed = 0;
  #available = 0;
  /** Bytes of a refused frame that have not arrived yet. */
  #dropping = 0;
  #failure: RustLogError | undefined;
  #block = NO_BYTES;
  #blockUsed = 0;
  /** Bytes of the block that `#available` includes. */
  #blockAvailable = 0;
  /** The newest chunk in the block. */
  #blockView: Uint8Array | undefined;
  /** Length of the payload that `hasNext` or `takeTooLong` has found. */
  nextBytes = 0;

  constructor(options: FrameDecoderOptions) {
    this.frameBytesMax = options.frameBytesMax;
  }

  /** Bytes received that belong to no returned frame. */
  get pendingBytes(): number {
    return this.#available - this.#consumed;
  }

  /**
   * Memory of the pending bytes. A chunk, or the current block, counts completely while any part of it is pending. Earlier
   * blocks count only their pending bytes: the start of the oldest and up to an eighth of each are not included.
   */
  get keptBytes(): number {
    return this.#available + this.#block.length - this.#blockAvailable;
  }

  /** Drops all pending bytes. */
  clear(): void {
    this.#chunks = [];
    this.#consumed = 0;
    this.#available = 0;
    this.#dropBlock();
  }

  /** Copies the pending bytes if they are a small part of the memory that they keep. */
  trim(): void {
    if (this.keptBytes <= GATHER_BLOCK_BYTES || this.keptBytes < 2 * this.pendingBytes) return;
    const pending = this.peek(this.pendingBytes);
    this.clear();
    this.feed(pending);
  }

  /** Adds a chunk. The decoder keeps it, and payloads may be views of it. */
  feed(bytes: Uint8Array): void {
    const dropped = Math.min(this.#dropping, bytes.length);
    this.#dropping -= dropped;
    const chunk = dropped === 0 ? bytes : bytes.subarray(dropped);
    if (chunk.length === 0 || this.#failure !== undefined) return;
    this.#available += chunk.length;
    const isGathered = this.#chunks.length > 0 && chunk.length < GATHERED_CHUNK_BYTES_MAX;
    if (isGathered) this.#gather(chunk);
    else {
      chunkReceived(chunk);
      this.#chunks.push(chunk);
    }
  }

  /**
   * Returns the next payload, or undefined if it is incomplete: a view if it lies in one chunk, otherwise a copy. Throws
   * INVALID_REQUEST for a length of 0 and FRAME_TOO_LARGE for one above the limit, and then on every call, because the
   * start of the next frame is unknown.
   */
  next(): Uint8Array | undefined {
    const length = this.#nextLength();
    return length === undefined ? undefined : this.#take(length);
  }

  /** Copies the first pending bytes, at most `bytesMax`. */
  peek(bytesMax: number): Uint8Array {
    const length = Math.min(bytesMax, this.pendingBytes);
    return Uint8Array.from({ length }, (_, at) => this.#peekByte(at));
  }

  nextByte(offset: number): number {
    return this.#peekByte(FRAME_LENGTH_BYTES + offset);
  }

  /**
   * Returns the header of the next frame if that frame is longer than `limits` permit, as soon as the header has arrived,
   * and drops the rest as it arrives. Otherwise returns undefined. Throws like `next`.
   */
  takeTooLong(limits: RequestLimits): Uint8Array | undefined {
    const { headerBytes } = limits;
    if (this.pendingBytes < FRAME_LENGTH_BYTES + headerBytes) return undefined;
    if (this.#failure !== undefined) throw this.#failure;
    const length = this.#peekLength();
    this.#checkLength(length);
    this.nextBytes = length;
    if (length < headerBytes || length <= limits.requestBytesMax(this)) return undefined;
    this.#skip(FRAME_LENGTH_BYTES);
    const header = this.#take(headerBytes).slice();
    const arrived = Math.min(this.pendingBytes, length - headerBytes);
    this.#skip(arrived);
    this.#dropping = length - headerBytes - arrived;
    return header;
  }

  /** Whether a complete frame is pending. Throws like `next`. */
  hasNext(): boolean {
    const length = this.#wholeLength();
    if (length === undefined) return false;
    this.nextBytes = length;
    return true;
  }

  /** Consumes the length of the next frame if the frame is complete. */
  #nextLength(): number | undefined {
    const length = this.#wholeLength();
    if (length !== undefined) this.#skip(FRAME_LENGTH_BYTES);
    return length;
  }

  #wholeLength(): number | undefined {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.pendingBytes < FRAME_LENGTH_BYTES) return undefined;
    const length = this.#peekLength();
    this.#checkLength(length);
    return this.pendingBytes < FRAME_LENGTH_BYTES + length ? undefined : length;
  }

  /** Like `next`, but does not copy a large payload that spans several chunks. */
  nextInPieces(): Pieces | undefined {
    const length = this.#nextLength();
    if (length === undefined) return undefined;
    const first = this.#chunks[0]!;
    const bytesInFirst = first.length - this.#consumed;
    if (bytesInFirst >= length || bytesInFirst < FIRST_PIECE_BYTES_MIN) return [this.#take(length)];
    const pieces: [Uint8Array, ...Uint8Array[]] = [first.subarray(this.#consumed)];
    chunkUsed(first);
    let left = length - bytesInFirst;
    for (let i = 1; left > 0; i++) {
      const chunk = this.#chunks[i]!;
      const piece = chunk.subarray(0, left);
      chunkUsed(chunk);
      pieces.push(piece);
      left -= piece.length;
    }
    this.#skip(length);
    return pieces;
  }

  /**
   * Copies a chunk of an incomplete frame into a block, so that a peer who sends single bytes costs no object for each.
   * Bytes of a block are written once, because payloads may be views of them. A block is filled even if a large chunk
   * arrives in between; otherwise alternating sizes would leave every block almost empty.
   */
  #gather(chunk: Uint8Array): void {
    if (chunk.length > this.#block.length - this.#blockUsed) {
      this.#dropBlock();
      this.#block = new Uint8Array(GATHER_BLOCK_BYTES);
    }
    let start = this.#blockUsed;
    this.#block.set(chunk, start);
    this.#blockUsed += chunk.length;
    this.#blockAvailable += chunk.length;
    const last = this.#chunks.at(-1);
    if (last !== undefined && last === this.#blockView) {
      start = last.byteOffset;
      this.#chunks.pop();
    }
    this.#blockView = this.#block.subarray(start, this.#blockUsed);
    this.#chunks.push(this.#blockView);
  }

  #peekLength(): number {
    const first = this.#chunks[0]!;
    if (first.length - this.#consumed >= FRAME_LENGTH_BYTES) return readU32(first, this.#consumed);
    // The length spans several chunks.
    let length = 0;
    for (let i = 0; i < FRAME_LENGTH_BYTES; i++) length = length * 256 + this.#peekByte(i);
    return length;
  }

  /** The pending byte at `offset`, which must have arrived. */
  #peekByte(offset: number): number {
    let at = this.#consumed + offset;
    const first = this.#chunks[0];
    if (first !== undefined && at < first.length) return first[at]!; // nearly always
    for (const chunk of this.#chunks) {
      if (at < chunk.length) return chunk[at]!;
      at -= chunk.length;
    }
    return 0;
  }

  #checkLength(length: number): void {
    if (length > 0 && length <= this.frameBytesMax) return;
    this.#failure =
      length === 0
        ? new RustLogError("INVALID_REQUEST", "a frame of length 0")
        : new RustLogError(
            "FRAME_TOO_LARGE",
            `a frame of ${length} bytes is over the limit of ${this.frameBytesMax}${this.limitReason}`,
          );
    this.clear();
    throw this.#failure;
  }

  #take(length: number): Uint8Array {
    const first = this.#chunks[0]!;
    if (first.length - this.#consumed >= length) {
      const payload = first.subarray(this.#consumed, this.#consumed + length);
      chunkUsed(first);
      this.#skip(length);
      return payload;
    }
    const payload = newPayload(length);
    let filled = 0;
    while (filled < length) {
      const chunk = this.#chunks[0]!;
      const end = Math.min(chunk.length, this.#consumed + length - filled);
      payload.set(chunk.subarray(this.#consumed, end), filled);
      filled += end - this.#consumed;
      this.#skip(end - this.#consumed);
    }
    return payload;
  }

  /** Releases the block, so that a connection with nothing pending keeps none. */
  #dropBlock(): void {
    if (this.#block === NO_BYTES) return;
    this.#block = NO_BYTES;
    this.#blockUsed = 0;
    this.#blockAvailable = 0;
    this.#blockView = undefined;
  }

  /** Consumes bytes, and drops chunks that are fully consumed. */
  #skip(bytes: number): void {
    this.#consumed += bytes;
    let dropped = 0;
    for (
      let chunk = this.#chunks[dropped];
      chunk !== undefined && this.#consumed >= chunk.length;
      chunk = this.#chunks[++dropped]
    ) {
      this.#consumed -= chunk.length;
      this.#available -= chunk.length;
      if (this.#block !== NO_BYTES && chunk.buffer === this.#block.buffer) {
        this.#blockAvailable -= chunk.length;
      }
      chunkPassedOn(chunk);
    }
    if (dropped > 0) this.#chunks.splice(0, dropped);
    if (this.#chunks.length === 0) this.#dropBlock();
  }
}

/** Allocates memory for a payload, to be filled completely. For a large one, zeroing would take as long as filling. */
function newPayload(length: number): Uint8Array {
  return length < UNZEROED_BYTES_MIN ? new Uint8Array(length) : Buffer.allocUnsafeSlow(length);
}
