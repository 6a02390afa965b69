// Parses the address of a broker: "host:port", "host" or "[ipv6]:port".

import { RustLogError } from "../errors.js";
import { formatAddress, parseAddress } from "../net/address.js";

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
  const address = parseAddress(text);
  if (address === undefined) {
    throw new RustLogError(
      "INVALID_CONFIG",
      `'${text}' is not a broker address; expected HOST:PORT, such as ${BROKER_ADDRESS_DEFAULT}`,
    );
  }
  const { host, port = PORT_DEFAULT } = address;
  return { host, port, text: formatAddress(host, port) };
}
