// Requests about connections. Leaves to others: sending them (api.ts), using the answers.
import { askFor, order } from "../api.js";
import { workFilter } from "./connection-words.js";
import type { CloseOrder, ConnectionsState } from "./connection-wire.js";

/** Asks which clients are connected, in an order and with a filter. */
export function askConnections(query: string, signal: AbortSignal): Promise<ConnectionsState> {
  return askFor(`/api/connections?${query}`, signal);
}

/** Asks how many clients write to a topic; undefined if there is no answer: what asks has more important things to show. */
export async function askWriters(
  topic: string,
  signal: AbortSignal,
): Promise<ConnectionsState | undefined> {
  const query = new URLSearchParams({ filter: workFilter("writes", topic), by: "writes" });
  try {
    return await askConnections(query.toString(), signal);
  } catch {
    return undefined;
  }
}

export async function closeConnection(connection: CloseOrder): Promise<void> {
  await order("POST", "/api/connections/close", connection);
}
