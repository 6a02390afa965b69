// Listening on an address, and on both loopback addresses of this machine when one of them is meant: some clients resolve
// `localhost` to ::1 first, others to 127.0.0.1.
// Leaves to others: what is done with connections (listener.ts, and http/http-gate.ts).
//
// Observed in Bun 1.4.5, and relied on here: the error of `Bun.listen` has the system's code, EADDRINUSE or EADDRNOTAVAIL,
// except for names that can't be resolved.
import { formatAddress } from "./address.js";

/** Attempts to find a port that is free on both addresses. */
const FREE_PORT_ATTEMPTS = 20;

/** The flags that set an address, for messages. */
export interface AddressFlags {
  readonly host: string;
  readonly port: string;
}

interface ListenAddress {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  readonly flags: AddressFlags;
}

interface Listening {
  readonly port: number;
  stop(closeActiveConnections?: boolean): void;
}

/**
 * Listens on an address; on loopback on both of them with the same port, or on one if the machine does not have the other.
 * Throws an error that says what to do if the address is not available.
 */
export function listenOn<Socket extends Listening>(
  address: ListenAddress,
  listen: (host: string, port: number) => Socket,
): readonly [Socket, ...Socket[]] {
  const { port, flags } = address;
  const [host, other] = hostsOf(address.host);
  for (let attempt = 1; ; attempt++) {
    const socket = attemptTo(listen, host, port, flags);
    if (other === undefined) return [socket];
    try {
      return [socket, listen(other, socket.port)];
    } catch (error) {
      if (codeOf(error) !== "EADDRINUSE") return [socket]; // no such address: a machine without IPv6
      socket.stop(true);
      if (port !== 0 || attempt === FREE_PORT_ATTEMPTS)
        throw listenError(other, socket.port, flags, error);
    }
  }
}

/** The address to listen on, and the other loopback address if it is one. */
function hostsOf(host: string): readonly [string, string?] {
  if (host === "localhost" || host === "127.0.0.1") return ["127.0.0.1", "::1"];
  return host === "::1" ? ["::1", "127.0.0.1"] : [host];
}

function attemptTo<Socket>(
  listen: (host: string, port: number) => Socket,
  host: string,
  port: number,
  flags: AddressFlags,
): Socket {
  try {
    return listen(host, port);
  } catch (error) {
    throw listenError(host, port, flags, error);
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

function listenError(host: string, port: number, flags: AddressFlags, error: unknown): Error {
  const code = codeOf(error);
  const where = formatAddress(host, port);
  const why = error instanceof Error ? error.message : String(error);
  const message =
    code === "EADDRINUSE"
      ? `${where} is in use: stop the program that has it, or choose another ${flags.port}`
      : code === "EACCES"
        ? `not allowed to listen on ${where}: choose a ${flags.port} above 1023`
        : `can't listen on ${where}: ${why}; check ${flags.host} and ${flags.port}`;
  return new Error(message, { cause: error });
}
