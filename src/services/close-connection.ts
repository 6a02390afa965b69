// Closes the connection of a client, which an operator does not want here. Kafka has no request for it; like its administrative
// requests it needs ALTER on the cluster.
// Leaves to others: keeping the client away, which can connect again (security/quotas.ts, security/authorizer.ts).
import { RustLogError } from "../errors.js";
import { Portions } from "../log/event-loop.js";
import { printable } from "../printable.js";
import type { ServiceContext } from "./context.js";
import { requireOnCluster } from "./permissions.js";

/** Connections looked at per turn of the event loop. */
const PORTION = 1_000;

/** A connection and its client. */
interface OpenConnection {
  readonly user: string | undefined;
  readonly client: {
    /** Number of the connection. */
    readonly serial: number;
    readonly endpoint: string;
    readonly id: string | undefined;
    readonly description: string;
  };
  readonly isGone: boolean;
  /** Resets it. Requests that wait end without an answer, and the answers of others are dropped. */
  terminate(): void;
  log(kind: string, line: string): void;
}

/** A connection by its number and its client's address: after a restart of the broker, another one may have the number. */
interface NamedConnection {
  readonly serial: number;
  readonly address: string;
}

/** Rejects with CLUSTER_AUTHORIZATION_FAILED, and with INVALID_REQUEST if there is no such connection any more. */
export async function closeConnection(
  context: ServiceContext,
  connections: Iterable<OpenConnection>,
  { serial, address }: NamedConnection,
): Promise<void> {
  requireOnCluster(context, "ALTER");
  const found = await find(connections, serial);
  if (found === undefined || found.isGone || found.client.endpoint !== address) {
    throw new RustLogError("INVALID_REQUEST", `the connection from ${address} is closed already`);
  }
  const { client, user } = found;
  const { caller, audit } = context;
  found.log(
    "connection closed on request",
    `closed the connection from ${client.description} because ${printable(caller.principal)} asked for it`,
  );
  found.terminate();
  audit.changed(caller, "connection-closed", {
    address,
    ...(client.id === undefined ? {} : { clientId: client.id }),
    ...(user === undefined ? {} : { user }),
  });
}

async function find(
  connections: Iterable<OpenConnection>,
  serial: number,
): Promise<OpenConnection | undefined> {
  const portions = new Portions(PORTION);
  for (const connection of connections) {
    if (connection.client.serial === serial) return connection;
    await portions.next();
  }
  return undefined;
}
