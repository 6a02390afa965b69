// TLS on an accepted socket, and what a client may send before the handshake is done.
// Leaves to others: certificates (tls-files.ts), and what is sent afterwards (connection.ts).
//
// Observed in Bun 1.4.5, and relied on here:
//  - `upgradeTLS` of an accepted socket in its `open`, before anything was read, makes it a server's end of TLS. So each
//    connection has the certificate of its time, and the listening socket stays when that is replaced.
//  - From then on `data` of the socket below gets the bytes as they were received, before TLS does.
//  - `handshake` is called before `data`: once, with false if it failed or the connection has ended.
//  - With `rejectUnauthorized` a client without a certificate is refused by TLS, which tells it so, and Bun closes the
//    connection; a reset instead could destroy that message. A certificate that is not valid is left to us: `handshake` is
//    called with true, and `authorized` is false.
import type { PeerCertificate } from "node:tls";
import type { ServerTls } from "./tls-files.js";

/** Time for the handshake, in milliseconds. */
const HANDSHAKE_MS_MAX = 10_000;

/** Bytes after which an unfinished handshake fails. A client sends a few certificates at most. */
const HANDSHAKE_BYTES_MAX = 64 * 1024;

/** Type of a client's first TLS record. */
const HANDSHAKE_RECORD = 0x16;

export type TlsSocket<Data> = Bun.Socket<Data> & {
  getServername(): string | false | undefined;
  getPeerCertificate(): PeerCertificate | null | undefined;
};

export class TlsHandshake {
  readonly #beganAtMs: number;
  #bytes = 0;

  constructor(nowMs: number) {
    this.#beganAtMs = nowMs;
  }

  /** Whether the client has sent nothing: it may only want to know whether there is a port. */
  get isSilent(): boolean {
    return this.#bytes === 0;
  }

  isLate(nowMs: number): boolean {
    return nowMs - this.#beganAtMs >= HANDSHAKE_MS_MAX;
  }

  /** Takes a chunk as it was received. Returns why it is no handshake: `plain` if the client does not use TLS. */
  received(chunk: Uint8Array): string | undefined {
    const bytesBefore = this.#bytes;
    this.#bytes += chunk.length;
    if (bytesBefore === 0 && chunk[0] !== HANDSHAKE_RECORD) return "plain";
    // The chunk that completes the handshake may also have the first requests.
    return bytesBefore > HANDSHAKE_BYTES_MAX ? "it is too long" : undefined;
  }
}

/** Begins TLS on a socket that was just accepted. Returns the socket to use from now on. */
export function overTls<Data>(
  socket: Bun.Socket<Data>,
  data: Data,
  tls: ServerTls,
  handler: Omit<Bun.SocketHandler<Data>, "handshake"> & {
    handshake(socket: TlsSocket<Data>, isDone: boolean, error: Error | null): void;
  },
): TlsSocket<Data> {
  const [, secured] = socket.upgradeTLS<Data>({
    ...{ data, tls },
    socket: handler as Bun.SocketHandler<Data>,
  });
  return secured as TlsSocket<Data>;
}

/** Why a handshake failed, without the words that all such errors have. */
export function handshakeFault(error: Error | null): string {
  const { message } = error ?? { message: "unknown reason" };
  const coded = /^error:[0-9a-f]+:SSL routines:[^:]*:(\w+)$/i.exec(message)?.[1];
  return coded === undefined ? message : coded.toLowerCase().replaceAll("_", " ");
}

/** The certificate of the client in DER; undefined if it has none. */
export function clientCertificate(socket: TlsSocket<unknown>): Uint8Array | undefined {
  const raw = socket.getPeerCertificate()?.raw;
  return raw === undefined ? undefined : new Uint8Array(raw);
}
