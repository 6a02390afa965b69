// The client connections as shown on the page: which protocol each speaks, who is at the other end, and its traffic.
// Leaves to others: counting them for monitoring (metrics-text.ts).
import type { Broker } from "../../broker/broker.js";
import { Portions } from "../../log/event-loop.js";
import { printable } from "../../printable.js";
import type { ServiceContext } from "../../services/context.js";
import { requireOnCluster } from "../../services/permissions.js";
import type { ConnectionState, ConnectionsState } from "../page/wire.js";
import type { PageRoutes } from "./access.js";
import { answered } from "./answer.js";

/** Limit on connections shown. */
const SHOWN_CONNECTIONS_MAX = 100;

/** Connections counted per turn of the event loop. */
const PORTION = 1_000;

/** Rejects with CLUSTER_AUTHORIZATION_FAILED: a connection tells who uses the broker, and from where. */
async function connectionsState(
  broker: Broker,
  context: ServiceContext,
): Promise<ConnectionsState> {
  requireOnCluster(context, "DESCRIBE");
  const protocols: Record<string, number> = {};
  const connections: ConnectionState[] = [];
  const portions = new Portions(PORTION);
  let count = 0;
  for (const { protocol = "unknown", client, receivedBytes, sentBytes } of broker.clients) {
    count++;
    protocols[protocol] = (protocols[protocol] ?? 0) + 1;
    if (connections.length < SHOWN_CONNECTIONS_MAX) {
      const { endpoint: address, id, software } = client;
      const clientId = id === undefined ? null : printable(id);
      const named = software === undefined ? null : printable(software);
      connections.push({
        ...{ address, protocol, clientId, software: named, receivedBytes, sentBytes },
      });
    }
    await portions.next();
  }
  return { protocols, connections, hasMore: count > connections.length };
}

export function connectionRoutes(broker: Broker): PageRoutes {
  return {
    "/api/connections": {
      GET: (_, { context }) => answered(() => connectionsState(broker, context)),
    },
  };
}
