// The seam between connections and wire protocols. A dialect is one protocol: it detects its connections, decodes
// headers, encodes errors, and sets the order of responses. A new protocol implements `Dialect` and registers with the
// listener. Leaves to others: everything that protocols share (connection.ts, input.ts, outbox.ts, inflight.ts).
import type { RustLogError } from "../errors.js";
import { type Pieces, readU32 } from "../record/bytes.js";
import type { HostAndPort } from "./address.js";
import type { Client } from "./client.js";
import { FRAME_LENGTH_BYTES, type NextFrame, type RequestLimits } from "./frame.js";
import type { InflightAccount } from "./inflight.js";
import type { InflightRequest } from "./inflight-request.js";
import type { Turns } from "./turns.js";

/** Bytes that identify a dialect: a length, and the first byte of a payload. */
export const OPENING_BYTES = FRAME_LENGTH_BYTES + 1;

/** A wire protocol. A request that is too long is refused with `tooLongError` as soon as its header has arrived. */
export interface Dialect extends RequestLimits {
  /** Name of the protocol in metrics, in the log and on the page. */
  readonly name: string;
  /** Whether responses must leave in the order of their requests. */
  readonly inOrder: boolean;
  /** Whether a connection uses this protocol, by the first byte of its first payload. */
  speaks(firstByte: number): boolean;
  tooLongError(payloadBytes: number): RustLogError;
  /** Whether a request takes only a few microseconds, so that it need not wait for a turn. */
  isSmall(frame: NextFrame): boolean;
  /**
   * Encodes the reason for closing a connection; undefined if the protocol has no error that belongs to no request. The
   * connection is then closed without a word, and the reason is logged.
   */
  encodeConnectionError(error: RustLogError): Uint8Array | undefined;
  open(connection: DialectConnection): Session;
  /** Resolves when no request is being handled, including those of closed connections. */
  idle(): Promise<void>;
}

export interface Session {
  readonly dialect: Dialect;
  /** Whether the client has said who it is, if it must. Until then it gets little memory and time; afterwards it stays true. */
  readonly isKnown: boolean;
  /** The user who has logged in, if anyone has to. */
  readonly user: string | undefined;
  /**
   * Whether the next request, which has arrived, may begin before those in flight are settled. If not, it stays where it
   * is, and the socket is not read: what a client sends ahead takes none of the memory that requests share.
   */
  mayTake(frame: NextFrame): boolean;
  /**
   * Handles a request, and settles it now or later. The payload does not change. Throws a RustLogError if the header is
   * invalid; the connection is then closed.
   */
  take(request: InflightRequest, payload: Pieces): void;
  /**
   * Answers a request with an error. `head` is the start of its payload. Throws like `take`; a protocol that cannot answer
   * such a request throws `error` itself.
   */
  refuse(request: InflightRequest, head: Uint8Array, error: RustLogError): void;
  /** Told how long the client's requests took, and sending what they asked for. */
  spent(ms: number, nowMs: number): void;
  /** Why the connection has to end, asked several times a second; undefined if it may stay. */
  endReason(): RustLogError | undefined;
}

export interface DialectConnection {
  /**
   * The address of the broker to tell this client: --advertise, or else the one that the client connected to; with TLS its
   * name, if the client has said it. An IPv4 address is never in its IPv6 form.
   */
  readonly advertised: HostAndPort;
  readonly isTls: boolean;
  /** A session sets how its client names itself. */
  readonly client: Client;
  /** Longest payload of a response. */
  readonly frameBytesMax: number;
  /** Whether the connection is closed, so that answers are dropped. */
  readonly isGone: boolean;
  /** Whether a request may wait for data; false once the client has sent FIN or the broker stops. */
  readonly mayWait: boolean;
  /** For work that takes long, or that many requests need at once. */
  readonly turns: Pick<Turns, "nextPortion" | "whenTime" | "spend">;
  /** Keeps track of waiting requests, which end when the connection closes or the broker stops. */
  readonly inflight: Pick<InflightAccount, "addWait" | "removeWait">;
  /** Begins no further request for so long, because the client has used more than its quota. */
  mute(ms: number): void;
  /** Writes a line to the broker's log, with a rate limit for each kind. */
  log(kind: string, line: string): void;
  /**
   * Accepts no more requests, and closes the connection once those in flight are settled. The client is told why if its
   * protocol can say it; otherwise the reason is logged, with a rate limit.
   */
  close(reason: RustLogError): void;
}

/** A client that uses no protocol of this port. */
export interface Stranger {
  readonly reason: string;
  readonly isHttp: boolean;
  readonly isTls?: boolean;
}

/** First bytes of HTTP requests. Read as the length of a frame, each is above every limit. */
const HTTP_METHODS = ["GET ", "HEAD", "POST", "PUT ", "PATC", "DELE", "OPTI"];

/** Text. Read as the length of a frame: at least 512 MiB, which is above every limit. */
const TEXT = /^[ -~]{4}$/;

/** First bytes of the PROXY protocol's version 2; version 1 is text. */
const PROXY_2 = "\r\n\r\n";

/** Identifies a client by the first bytes of its connection; undefined if there are too few. */
export function identify(
  opening: Uint8Array,
  dialects: readonly Dialect[],
): Dialect | Stranger | undefined {
  if (opening.length < FRAME_LENGTH_BYTES) return undefined;
  // A TLS record: handshake, version 3.x. Read as the length of a frame: 352 MiB, which no client starts with.
  if (opening[0] === 0x16 && opening[1] === 0x03)
    return {
      reason: "it is from a TLS client, but this port does not use TLS",
      ...{ isHttp: false, isTls: true },
    };
  const start = String.fromCharCode(...opening.subarray(0, FRAME_LENGTH_BYTES));
  if (HTTP_METHODS.includes(start)) return { reason: "it is from an HTTP client", isHttp: true };
  if (TEXT.test(start)) return { reason: `it starts with the text "${start}"`, isHttp: false };
  if (start === PROXY_2)
    return { reason: "it starts with a PROXY header, which this port does not use", isHttp: false };
  if (readU32(opening, 0) === 0) return { reason: "its first frame is empty", isHttp: false };
  const first = opening[FRAME_LENGTH_BYTES];
  if (first === undefined) return undefined;
  const dialect = dialects.find((each) => each.speaks(first));
  if (dialect !== undefined) return dialect;
  return { reason: `no protocol of this port starts with byte ${first}`, isHttp: false };
}
