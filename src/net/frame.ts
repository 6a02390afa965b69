// Cuts a stream of chunks into frames: `u32 length | payload`. No I/O, no knowledge of what a payload says.
// Leaves to others: reading the socket (connection.ts, broker-connection.ts), and the headers (messages.ts).
//
// Invariant: consumed <= available, where `available` is the sum of the chunks' lengths and `consumed` the
// bytes of the first chunk that earlier frames took. A frame's length is checked before anything is done
// with it, and nothing is allocated for a frame before all of it is there.
import { RustLogError } from "../errors.ts";
import { NO_BYTES, readU32, restBytes } from "../record/bytes.ts";

/** Bytes of the length before each payload. */
export const FRAME_LENGTH_BYTES = 4;

/**
 * While a frame is incomplete, chunks below this size are gathered in blocks: so no run of chunks, however cut,
 * takes much more memory than it has bytes.
 */
const GATHERED_CHUNK_BYTES_MAX = 2 * 1024;
const GATHER_BLOCK_BYTES = 16 * 1024;
/** A payload whose first piece is shorter is put together: whoever reads its first fields has them in one piece. */
const FIRST_PIECE_BYTES_MIN = 512;

/** Payloads from this size on are put together in memory that was not zeroed. */
const UNZEROED_BYTES_MIN = 64 * 1024;

export interface FrameDecoderOptions {
  /** Largest payload, in bytes. */
  readonly frameBytesMax: number;
}

/** A payload in one piece or, a large one, in those that it came in; the first has more than any header. */
export type Payload = readonly [Uint8Array, ...Uint8Array[]];

export function payloadBytes(payload: Payload): number {
  return payload.length === 1 ? payload[0].length : restBytes(payload);
}

/** The next frame, of which a header at least has come. */
export interface NextFrame {
  /** Length of its payload. */
  readonly nextBytes: number;
  /** The byte of its payload at `offset`, which must have come. */
  nextByte(offset: number): number;
}

/** How long requests may be. */
export interface RequestLimits {
  /** Bytes that a payload must begin with to be answered, be it with an error. */
  readonly headerBytes: number;
  /** Longest payload of a request. */
  requestBytesMax(frame: NextFrame): number;
}

/** A decoder for one direction of one connection. */
export class FrameDecoder implements NextFrame {
  readonly #frameBytesMax: number;
  #chunks: Uint8Array[] = [];
  #consumed = 0;
  #available = 0;
  /** Bytes of a frame that is too long that are still to come. */
  #dropping = 0;
  #failure: RustLogError | undefined;
  #block = NO_BYTES;
  #blockUsed = 0;
  /** What `#available` counts of the block. */
  #blockAvailable = 0;
  /** The newest chunk that lies in the block. */
  #blockView: Uint8Array | undefined;
  /** Length of the payload that `hasNext` or `takeTooLong` has found. */
  nextBytes = 0;

  constructor(options: FrameDecoderOptions) {
    this.#frameBytesMax = options.frameBytesMax;
  }

  /** Bytes that came and that no frame has taken yet. */
  get pendingBytes(): number {
    return this.#available - this.#consumed;
  }

  /**
   * Bytes of memory that are kept for what came: of a chunk, and of the block, whole while any of it is pending.
   * Of earlier blocks only what is pending is counted: the oldest's start and an eighth of each may be missing.
   */
  get keptBytes(): number {
    return this.#available + this.#block.length - this.#blockAvailable;
  }

  /** Forgets what came. */
  clear(): void {
    this.#chunks = [];
    this.#consumed = 0;
    this.#available = 0;
    this.#dropBlock();
  }

  /** Adds what the socket gave. The decoder keeps the chunk, and payloads may be views of it. */
  push(bytes: Uint8Array): void {
    const dropped = Math.min(this.#dropping, bytes.length);
    this.#dropping -= dropped;
    const chunk = dropped === 0 ? bytes : bytes.subarray(dropped);
    if (chunk.length === 0 || this.#failure !== undefined) return;
    this.#available += chunk.length;
    const isGathered = this.#chunks.length > 0 && chunk.length < GATHERED_CHUNK_BYTES_MAX;
    if (isGathered) this.#gather(chunk);
    else this.#chunks.push(chunk);
  }

  /**
   * The next payload, or undefined until more has come: a view of one chunk where it lies in one, else put
   * together once. Throws INVALID_REQUEST for a length of 0 and FRAME_TOO_LARGE above the limit, and from
   * then on always: where the next frame would begin is not known.
   */
  next(): Uint8Array | undefined {
    const length = this.#nextLength();
    return length === undefined ? undefined : this.#take(length);
  }

  /** A copy of the first bytes that came and that no frame has taken, `bytesMax` at most. */
  peek(bytesMax: number): Uint8Array {
    const length = Math.min(bytesMax, this.pendingBytes);
    return Uint8Array.from({ length }, (_, at) => this.#peekByte(at));
  }

  nextByte(offset: number): number {
    return this.#peekByte(FRAME_LENGTH_BYTES + offset);
  }

  /**
   * If the next frame is longer than it may be: its header, as soon as that has come; the rest is dropped as it comes.
   * Otherwise undefined. Throws as `next` does.
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
    const come = Math.min(this.pendingBytes, length - headerBytes);
    this.#skip(come);
    this.#dropping = length - headerBytes - come;
    return header;
  }

  /** Whether a whole frame has come, which stays there. Throws as `next` does. */
  hasNext(): boolean {
    const length = this.#wholeLength();
    if (length === undefined) return false;
    this.nextBytes = length;
    return true;
  }

  /** Consumes the length of the next frame, if all of that frame has come. */
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

  /** As `next`, but a large payload that lies across chunks is not put together. */
  nextInPieces(): Payload | undefined {
    const length = this.#nextLength();
    if (length === undefined) return undefined;
    const first = this.#chunks[0]!;
    const bytesInFirst = first.length - this.#consumed;
    if (bytesInFirst >= length || bytesInFirst < FIRST_PIECE_BYTES_MIN) return [this.#take(length)];
    const pieces: [Uint8Array, ...Uint8Array[]] = [first.subarray(this.#consumed)];
    let left = length - bytesInFirst;
    for (let i = 1; left > 0; i++) {
      const piece = this.#chunks[i]!.subarray(0, left);
      pieces.push(piece);
      left -= piece.length;
    }
    this.#skip(length);
    return pieces;
  }

  /**
   * Copies a chunk of a frame that is not complete into a block, so that a peer who sends single bytes costs
   * no object for each. Bytes of a block are written once: payloads may be views of them. What is left of a
   * block is used even if a large chunk came in between, or alternating sizes would leave each block empty.
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
    // The length itself lies across chunks.
    let length = 0;
    for (let i = 0; i < FRAME_LENGTH_BYTES; i++) length = length * 256 + this.#peekByte(i);
    return length;
  }

  /** The pending byte at `offset`, which must have come. */
  #peekByte(offset: number): number {
    let at = this.#consumed + offset;
    for (const chunk of this.#chunks) {
      if (at < chunk.length) return chunk[at]!;
      at -= chunk.length;
    }
    return 0;
  }

  #checkLength(length: number): void {
    if (length > 0 && length <= this.#frameBytesMax) return;
    this.#failure =
      length === 0
        ? new RustLogError("INVALID_REQUEST", "a frame of length 0")
        : new RustLogError(
            "FRAME_TOO_LARGE",
            `a frame of ${length} bytes is over the limit of ${this.#frameBytesMax}`,
          );
    this.clear();
    throw this.#failure;
  }

  #take(length: number): Uint8Array {
    const first = this.#chunks[0]!;
    if (first.length - this.#consumed >= length) {
      const payload = first.subarray(this.#consumed, this.#consumed + length);
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

  /** A connection that has nothing pending keeps no block. */
  #dropBlock(): void {
    if (this.#block === NO_BYTES) return;
    this.#block = NO_BYTES;
    this.#blockUsed = 0;
    this.#blockAvailable = 0;
    this.#blockView = undefined;
  }

  /** Consumes bytes, and drops the chunks that are used up. */
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
    }
    if (dropped > 0) this.#chunks.splice(0, dropped);
    if (this.#chunks.length === 0) this.#dropBlock();
  }
}

/** Memory for a payload, which is filled whole. That of a large one is not zeroed before: it would take as long as filling it. */
function newPayload(length: number): Uint8Array {
  return length < UNZEROED_BYTES_MIN ? new Uint8Array(length) : Buffer.allocUnsafeSlow(length);
}
