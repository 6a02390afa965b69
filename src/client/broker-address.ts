// The address of a broker as people write it: "host:port", "host", "[ipv6]:port".
// Leaves to others: resolving the name and connecting (connection).

import { RustLogError } from "../errors.ts";
import { formatAddress } from "../net/address.ts";

/** Where a broker listens unless told otherwise. */
export const BROKER_ADDRESS_DEFAULT = "127.0.0.1:9092";

const PORT_DEFAULT = 9092;

/** A host and a port, and the two as one text for messages. */
export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
  readonly text: string;
}

/** Reads an address. Throws INVALID_CONFIG, naming what is wrong with it. */
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
