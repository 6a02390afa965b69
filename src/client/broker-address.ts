// Parses the address of a broker: "host:port", "host" or "[ipv6]:port".

import { RustLogError } from "../errors.js";
import { formatAddress } from "../net/address.js";

/** The default address of a broker. */
export const BROKER_ADDRESS_DEFAULT = "127.0.0.1:9092";

const PORT_DEFAULT = 9092;

/** Host and port, and both as text for messages. */
export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
  readonly text: string;
}

/** Parses an address. Throws INVALID_CONFIG with the reason. */
export function parseBrokerAddress(text: string): BrokerAddress {
  const match = /^(?:\[([^\]]+)\]|([^:[\]\s]+))(?::(\d{1,5}))?$/.exec(text.trim());
  const host = match?.[1] ?? match?.[2];
  const port = match?.[3] === undefined ? PORT_DEFAULT : Number(match[3]);
  if (host === undefined || port < 1 || port > 65_535) {
    throw new RustLogError(
      "INVALID_CONFIG",
      `'${text}' is not a broker address; expected HOST:PORT, such as ${BROKER_ADDRESS_DEFAULT}`,
    );
  }
  return { host, port, text: formatAddress(host, port) };
}
