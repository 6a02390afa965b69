// The options that many commands share, and the connection of those that are clients.
// Leaves to others: the commands themselves (one file each), and how one is set up (command.ts).
import { InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { BROKER_ADDRESS_DEFAULT, parseBrokerAddress } from "../client/address.ts";
import { type Client, connect } from "../client/client.ts";
import { WAIT_MS_MAX } from "../client/option-check.ts";
import type { RustLogError } from "../errors.ts";
import { parseDuration } from "./duration.ts";
import { printError } from "./exit.ts";
import { sizeBetween } from "./size.ts";

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

/** The option `--compression` of commands that produce. */
export function compressionOption() {
  return new Option("-z, --compression <codec>", "how batches are compressed")
    .choices(["none", "gzip", "zstd"] as const)
    .default("none" as const);
}

/** The option `--batch-bytes` of commands that produce; without it the producer's default holds. */
export function batchBytesOption() {
  const about = "size at which a batch is sent, before compression (default: 256KiB)";
  return new Option("--batch-bytes <size>", about).argParser(sizeBetween(1, 2 ** 30));
}

/** The option `--linger` of commands that produce; without it the producer's default holds. */
export function lingerOption() {
  const about = "longest that a record waits for its batch (default: 5ms)";
  return new Option("--linger <duration>", about).argParser((text) => {
    const ms = parseDuration(text);
    if (ms <= WAIT_MS_MAX) return ms;
    throw new InvalidArgumentError("A duration of at most a day is expected.");
  });
}

/**
 * Connects, runs `body` and closes the connection. When `body` throws, the connection is left to the end
 * of the process: closing it would first wait for what failed.
 */
export async function withClient(
  broker: string,
  body: (client: Client) => Promise<void>,
): Promise<void> {
  const [client] = await connectAll(broker, 1);
  if (client === undefined) throw new Error("no client although one was asked for");
  await body(client);
  await client.close();
}

/** As many connections as `count` says. The first loss of one of them is told, once all are there. */
export async function connectAll(broker: string, count: number): Promise<readonly Client[]> {
  const tell = lossTeller();
  let areThere = false;
  const onConnectionLost = (error: RustLogError): void => {
    // Before, the error that ends the command says it.
    if (areThere) tell(error);
  };
  const clients = await Promise.all(
    Array.from({ length: count }, () => connect({ broker, onConnectionLost })),
  );
  areThere = true;
  return clients;
}

/** Tells of a lost connection once: a command that is still trying should not look as if it hung. */
function lossTeller(): (error: RustLogError) => void {
  let isSaid = false;
  return (error) => {
    // In a terminal, a line that shows progress may be in the way.
    const clear = process.stderr.isTTY === true ? "\r\u001b[K" : "";
    if (!isSaid) printError(`rustlog: ${error.message}; trying again`, clear);
    isSaid = true;
  };
}
