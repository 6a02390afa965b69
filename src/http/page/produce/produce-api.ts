// The request that writes a record. Leaves to others: sending it (api.ts), using the answer.
import { order } from "../api.js";
import type { ProduceOrder, ProduceReport } from "./produce-wire.js";
import { checkSize } from "./produce-words.js";

/** Writes a record, and resolves with its way in. Rejects if the request is too long. */
export async function produce(record: ProduceOrder): Promise<ProduceReport> {
  checkSize(record);
  return order("POST", "/api/produce", record);
}
