// Options shared by several commands, and the connections of client commands.
// Leaves to others: the commands (one file each), and their setup (command.ts).
import { InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { BROKER_ADDRESS_DEFAULT, parseBrokerAddress } from "../client/broker-address.js";
import { type Client, connect } from "../client/client.js";
import type { RustLogError } from "../errors.js";
import { parseDuration } from "./duration.js";
import { printError } from "./exit.js";
import { sizeBetween } from "./size.js";
import { CLIENT_WAIT_MS_MAX } from "../limits.js";
import { CODECS } from "../record/batch.js";
import { CLEAR_LINE } from "./stderr.js";

export function brokerOption() {
  return new Option("-b, --broker <host:port>", "broker to connect to")
    .env("RUSTLOG_BROKER")
    .default(BROKER_ADDRESS_DEFAULT)
    .argParser((text) => {
      try {
        return parseBrokerAddress(text).text;
      } catch {
        throw new InvalidArgumentError(`Expected HOST:PORT, such as ${BROKER_ADDRESS_DEFAULT}.`);
      }
    });
}

export function jsonOption() {
  return new Option("--json", "print JSON instead of a table");
}

export function compressionOption() {
  return new Option("-z, --compression <codec>", "compression of batches")
    .choices(CODECS)
    .default("none" as const);
}

/** The option `--batch-bytes`; the producer's default applies without it. */
export function batchBytesOption() {
  const about = "size at which a batch is sent, before compression (default: 256KiB)";
  return new Option("--batch-bytes <size>", about).argParser(sizeBetween(1, 2 ** 30));
}

/** The option `--linger`; the producer's default applies without it. */
export function lingerOption() {
  const about = "maximum time a record waits for its batch to fill (default: 5ms)";
  return new Option("--linger <duration>", about).argParser((text) => {
    const ms = parseDuration(text);
    if (ms <= CLIENT_WAIT_MS_MAX) return ms;
    throw new InvalidArgumentError("Expected a duration of at most one day.");
  });
}

/**
 * Connects, runs `body` and closes the connection. If `body` throws, the connection is left open until the process
 * ends: closing it would wait for the requests that failed.
 */
export async function withClient(
  broker: string,
  body: (client: Client) => Promise<void>,
): Promise<void> {
  const [client] = await connectAll(broker, 1);
  if (client === undefined) throw new Error("no client was created");
  await body(client);
  await client.close();
}

/** Opens `count` connections. Once all are open, reports the first that is lost. */
export async function connectAll(broker: string, count: number): Promise<readonly Client[]> {
  const tell = lossTeller();
  let areThere = false;
  const onConnectionLost = (error: RustLogError): void => {
    // Until then, the error that ends the command reports it.
    if (areThere) tell(error);
  };
  const clients = await Promise.all(
    Array.from({ length: count }, () => connect({ broker, onConnectionLost })),
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
