// The commands that connect to a broker: their options for it, and their connections.
// Leaves to others: the library that connects (client/client.ts), and other shared options (options.ts).
import { InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { BROKER_ADDRESS_DEFAULT, parseBrokerAddress } from "../client/broker-address.js";
import { type Client, type ConnectOptions, connect } from "../client/client.js";
import type { RustLogError } from "../errors.js";
import { newCommand } from "./command.js";
import { printError } from "./exit.js";
import { CLEAR_LINE } from "./stderr.js";

/** How to reach a broker, from the options of a command. */
export interface ConnectionFlags {
  readonly broker: string;
}

/** Timeouts and retries. */
type ConnectSettings = Omit<ConnectOptions, "broker" | "onConnectionLost">;

/** A command with the options of a connection. Each is declared here and nowhere else. */
export function newClientCommand(name: string, description: string, examples: string) {
  return newCommand(name, description, examples).addOption(brokerOption());
}

function brokerOption() {
  return new Option("-b, --broker <host:port>", "broker to connect to")
    .env("RUSTLOG_BROKER")
    .default(BROKER_ADDRESS_DEFAULT)
    .argParser(brokerAddress);
}

/** Parses the address of a broker. Throws InvalidArgumentError. */
function brokerAddress(text: string): string {
  try {
    return parseBrokerAddress(text).text;
  } catch {
    throw new InvalidArgumentError(`Expected HOST:PORT, such as ${BROKER_ADDRESS_DEFAULT}.`);
  }
}

/**
 * Connects, runs `body` and closes the connection. If `body` throws, the connection is left open until the process
 * ends: closing it would wait for the requests that failed.
 */
export async function withClient(
  flags: ConnectionFlags,
  body: (client: Client) => Promise<void>,
  settings: ConnectSettings = {},
): Promise<void> {
  const [client] = await connectAll(flags, 1, settings);
  if (client === undefined) throw new Error("no client was created");
  await body(client);
  await client.close();
}

/** Opens `count` connections. Once all are open, reports the first that is lost. */
export async function connectAll(
  flags: ConnectionFlags,
  count: number,
  settings: ConnectSettings = {},
): Promise<readonly Client[]> {
  const tell = lossTeller();
  let areThere = false;
  const onConnectionLost = (error: RustLogError): void => {
    // Until then, the error that ends the command reports it.
    if (areThere) tell(error);
  };
  const clients = await Promise.all(
    Array.from({ length: count }, () =>
      connect({ ...settings, broker: flags.broker, onConnectionLost }),
    ),
  );
  areThere = true;
  return clients;
}

/** Reports the first lost connection, so that a command that is retrying does not seem to hang. */
function lossTeller(): (error: RustLogError) => void {
  let isSaid = false;
  return (error) => {
    // On a terminal, clear a progress line first.
    const clear = process.stderr.isTTY === true ? CLEAR_LINE : "";
    if (!isSaid) printError(`rustlog: ${error.message}; retrying`, clear);
    isSaid = true;
  };
}
