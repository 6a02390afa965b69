// Addresses to listen on: their text form, which of them are loopback, and the error when one is not available.
// Leaves to others: listening (listener.ts, and http/http-server.ts).

/** The flags that set an address, for messages. */
export interface AddressFlags {
  readonly host: string;
  readonly port: string;
}

/** `host:port`, with brackets where the host has colons itself. */
export function formatAddress(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** An address of a socket without the IPv6 form of IPv4 addresses, which a socket that listens on `::` reports. */
export function plainAddress(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  return mapped?.[1] ?? address;
}

/** Whether an address or name can be reached from this machine only. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** The error for an address that can't be listened on; it says what to do. */
export function listenError(
  host: string,
  port: number,
  flags: AddressFlags,
  error: unknown,
): Error {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
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
