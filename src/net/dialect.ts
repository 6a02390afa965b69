// What a wire protocol tells the connections that speak it: which connections those are, what its headers and errors
// look like, and in which order its responses leave. A new protocol implements this, and registers with the listener.
// Leaves to others: everything that all protocols share (connection.ts, input.ts, outbox.ts, inflight.ts).
import type { RustLogError } from "../errors.ts";
import { readU32 } from "../record/bytes.ts";
import { FRAME_LENGTH_BYTES, type NextFrame, type Payload, type RequestLimits } from "./frame.ts";
import type { InflightAccount } from "./inflight.ts";
import type { InflightRequest } from "./inflight-request.ts";
import type { Turns } from "./turns.ts";

/** Bytes from which a dialect is known: a length, and the first byte of a payload. */
export const OPENING_BYTES = FRAME_LENGTH_BYTES + 1;

/** A wire protocol. A request that is longer than it may be is refused with `tooLongError` once its header has come. */
export interface Dialect extends RequestLimits {
  /** Whether responses must leave in the order of their requests. */
  readonly inOrder: boolean;
  /** Whether a connection speaks it, by the first byte of its first payload. */
  speaks(firstByte: number): boolean;
  tooLongError(payloadBytes: number): RustLogError;
  /** Whether a request costs a few microseconds only, so that it need not wait for a turn. */
  isSmall(frame: NextFrame): boolean;
  /** Tells a client why its connection ends, in answer to no request; undefined if the protocol has no words for it. */
  encodeConnectionError(error: RustLogError): Uint8Array | undefined;
  /** Begins to speak on one connection. */
  open(connection: DialectConnection): Session;
  /** Resolves when no request is being worked on any more, also for clients that have left. */
  idle(): Promise<void>;
}

/** A dialect on one connection. */
export interface Session {
  readonly dialect: Dialect;
  /**
   * Takes a request, and settles it now or later. The payload will not change. Throws a RustLogError if it makes no
   * sense: then the connection ends.
   */
  take(request: InflightRequest, payload: Payload): void;
  /** Answers a request, of which `head` is the beginning, with an error. Throws as `take` does. */
  refuse(request: InflightRequest, head: Uint8Array, error: RustLogError): void;
}

/** What a dialect knows of a connection. */
export interface DialectConnection {
  /** Longest payload of a response. */
  readonly frameBytesMax: number;
  /** Whether nobody is there any more to take an answer. */
  readonly isGone: boolean;
  /** Whether a request may wait for data; not once the client or the broker is leaving. */
  readonly mayWait: boolean;
  /** For work that takes long, or is due for many at once. */
  readonly turns: Pick<Turns, "nextPortion" | "whenTime">;
  /** Where a request that waits is kept, so that it ends with the connection or with the broker. */
  readonly inflight: Pick<InflightAccount, "addWait" | "removeWait">;
  /** Writes a line to the broker's log, unless there were many of its kind lately. */
  log(kind: string, line: string): void;
}

/** A client that speaks no dialect of this port. */
export interface Stranger {
  /** How that shows. */
  readonly reason: string;
  readonly isHttp: boolean;
}

/** Begins of HTTP requests; as the length of a frame, each is above every limit. */
const HTTP_METHODS = ["GET ", "HEAD", "POST", "PUT ", "PATC", "DELE", "OPTI"];

/** Who a client is, by the first bytes of its connection; undefined while they are too few. */
export function identify(
  opening: Uint8Array,
  dialects: readonly Dialect[],
): Dialect | Stranger | undefined {
  if (opening.length < FRAME_LENGTH_BYTES) return undefined;
  // A TLS record: handshake, version 3.x. As the length of a frame it would be 352 MiB, which no client begins with.
  if (opening[0] === 0x16 && opening[1] === 0x03)
    return { reason: "it is of a TLS client, and this port has no TLS", isHttp: false };
  const start = String.fromCharCode(...opening.subarray(0, FRAME_LENGTH_BYTES));
  if (HTTP_METHODS.includes(start)) return { reason: "it is of an HTTP client", isHttp: true };
  if (readU32(opening, 0) === 0) return { reason: "its first frame is empty", isHttp: false };
  const first = opening[FRAME_LENGTH_BYTES];
  if (first === undefined) return undefined;
  const dialect = dialects.find((each) => each.speaks(first));
  if (dialect !== undefined) return dialect;
  return { reason: `no protocol of this port begins with byte ${first}`, isHttp: false };
}
