// Questions about one record. Leaves to others: sending them (../api.ts), using the answers.
import { askFor, askForBytes } from "../api.js";
import { bytesOfBase64 } from "./record-text.js";
import type { ShownRecord } from "./record-wire.js";

/** Where the broker has a record; its parts are below. */
export function pathOfRecord(topic: string, partition: number, offset: number): string {
  return `/api/records/${encodeURIComponent(topic)}/${partition}/${offset}`;
}

export function askRecord(path: string, signal: AbortSignal): Promise<ShownRecord> {
  return askFor(path, signal);
}

/** The whole key of a record, which may be longer than what is shown. */
export async function askKey(
  path: string,
  { key }: Pick<ShownRecord, "key">,
  signal?: AbortSignal,
): Promise<Uint8Array | null> {
  if (key === null) return null;
  const bytes = bytesOfBase64(key.base64);
  return bytes.length === key.bytes ? bytes : askForBytes(`${path}/key`, signal);
}
