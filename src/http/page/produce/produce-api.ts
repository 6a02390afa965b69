// The request that writes a record. Leaves to others: sending it (api.ts), using the answer.
import { order } from "../api.js";
import type { ProduceOrder, ProduceReport } from "./produce-wire.js";

/** Writes a record, and resolves with its way in. */
export function produce(record: ProduceOrder): Promise<ProduceReport> {
  return order("POST", "/api/produce", record);
}
