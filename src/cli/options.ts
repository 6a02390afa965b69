// The options that many commands share, and the connection of those that are clients.
// Leaves to others: the commands themselves (one file each), and how one is set up (command.ts).
import { InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { BROKER_ADDRESS_DEFAULT, parseBrokerAddress } from "../client/address.ts";
import { type Client, connect } from "../client/client.ts";
import { printError } from "./exit.ts";

/** The option `--broker` of everything that is a client. */
export function brokerOption() {
  return new Option("-b, --broker <host:port>", "broker to talk to")
    .env("RUSTLOG_BROKER")
    .default(BROKER_ADDRESS_DEFAULT)
    .argParser((text) => {
      try {
        return parseBrokerAddress(text).text;
      } catch {
        throw new InvalidArgumentError(`HOST:PORT is expected, such as ${BROKER_ADDRESS_DEFAULT}.`);
      }
    });
}

/** The option `--json` of commands that print a table otherwise. */
export function jsonOption() {
  return new Option("--json", "print JSON instead of a table");
}

/**
 * Connects, runs `body` and closes the connection. When `body` throws, the connection is left to the end
 * of the process: closing it would first wait for what failed.
 */
export async function withClient(
  broker: string,
  body: (client: Client) => Promise<void>,
): Promise<void> {
  let isSaid = false;
  const client = await connect({
    broker,
    onConnectionLost: (error) => {
      // Said once: a command that is still trying should not look as if it hung.
      if (!isSaid) printError(`rustlog: ${error.message}; trying again`);
      isSaid = true;
    },
  });
  await body(client);
  await client.close();
}
