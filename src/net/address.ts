// Addresses: their text form, which of them are loopback, which one clients are told to use.
// Leaves to others: listening (listen.ts).
import { isIP } from "node:net";

export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

/** `host:port`, with brackets where the host has colons itself. */
export function formatAddress(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** An address of the broker as Kafka writes it: `SSL://broker.example:9093`. */
export function listenerText(isTls: boolean, host: string, port: number): string {
  return `${isTls ? "SSL" : "PLAINTEXT"}://${formatAddress(host, port)}`;
}

/** Parses `host`, `host:port` or `[ipv6]:port`; undefined for any other text. Without a port, `port` is undefined. */
export function parseAddress(
  text: string,
): { readonly host: string; readonly port: number | undefined } | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:[\]\s]+))(?::(\d{1,5}))?$/.exec(text.trim());
  const host = match?.[1] ?? match?.[2];
  const port = match?.[3] === undefined ? undefined : Number(match[3]);
  if (host === undefined || port === 0 || (port ?? 0) > 65_535) return undefined;
  return { host, port };
}

/** Where to listen: `plain://127.0.0.1:9092`, `tls://0.0.0.0:9093`. */
export interface ListenAddress extends HostAndPort {
  readonly isTls: boolean;
}

/** Parses a value of --listen. Throws a RangeError that says what is wrong with it. */
export function parseListen(text: string): ListenAddress {
  const match = /^(plain|tls):\/\/(.*):(\d{1,5})$/.exec(text.trim());
  const port = Number(match?.[3]);
  // Port 0 is any free one here.
  const { host } = parseAddress(match?.[2] ?? "") ?? {};
  if (match === null || host === undefined || port > 65_535)
    throw new RangeError(
      `--listen '${text}' is not an address to listen on; expected plain://HOST:PORT or tls://HOST:PORT, such as tls://0.0.0.0:9093`,
    );
  return { isTls: match[1] === "tls", host, port };
}

/** An address that clients are told to use, on ports with TLS, without it, or on all. */
export interface AdvertisedAddress extends HostAndPort {
  readonly isTls: boolean | undefined;
}

/** Parses a value of --advertise, with or without the scheme of the ports that it is for. Throws like `parseAdvertised`. */
export function parseAdvertisedFor(text: string): AdvertisedAddress {
  const match = /^(plain|tls):\/\/(.*)$/.exec(text.trim());
  if (match === null) return { ...parseAdvertised(text), isTls: undefined };
  return { ...parseAdvertised(match[2] ?? ""), isTls: match[1] === "tls" };
}

/** Parses an address of --advertise. Throws a RangeError that says what is wrong with it. */
export function parseAdvertised(text: string): HostAndPort {
  const { host, port } = parseAddress(text) ?? {};
  const isIPv6 = text.includes("[");
  if (host === undefined || port === undefined || (isIPv6 ? isIP(host) !== 6 : !isHostName(host)))
    throw new RangeError(
      `--advertise '${text}' is not an address; expected HOST:PORT, such as broker.example:9092 or [fd00::1]:9092`,
    );
  // The parser knows every way to write an address: 0, 0x0, ::0.0.0.0.
  const canonical = URL.parse(`http://${isIPv6 ? `[${host}]` : host}`)?.hostname;
  if (canonical === "0.0.0.0" || canonical === "[::]" || canonical === "[::ffff:0:0]")
    throw new RangeError(
      `--advertise '${text}': no client can connect to it; name the address that clients use`,
    );
  return { host, port };
}

export function isHostName(host: string): boolean {
  return /^[\w-]+(?:\.[\w-]+)*\.?$/.test(host);
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
