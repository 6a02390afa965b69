// Requests about connections. Leaves to others: sending them (api.ts), using the answers.
import { askFor, order } from "../api.js";
import type { CloseOrder, ConnectionsState } from "./connection-wire.js";

/** Asks which clients are connected, in an order and with a filter. */
export function askConnections(query: string, signal: AbortSignal): Promise<ConnectionsState> {
  return askFor(`/api/connections?${query}`, signal);
}

export async function closeConnection(connection: CloseOrder): Promise<void> {
  await order("POST", "/api/connections/close", connection);
}
