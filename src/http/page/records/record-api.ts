// Requests about records: a part of a list, one record, its key, and how many there are over time. Leaves to others: sending them (../api.ts), using the answers.
import { askFor, askForBytes } from "../api.js";
import { bytesOfBase64 } from "./record-text.js";
import type { RecordRows, RecordsOverTime, ShownRecord } from "./record-wire.js";
import { parametersOf, type RecordsQuery } from "./records-place.js";
import type { AskedTime, TimeParts } from "./time-parts.js";

function pathOfTopic(topic: string): string {
  return `/api/records/${encodeURIComponent(topic)}`;
}

/** The broker answers with what it can read in a bounded time, which may be less than was asked for. */
export function askRecords(
  topic: string,
  query: RecordsQuery,
  signal: AbortSignal,
): Promise<RecordRows> {
  return askFor(`${pathOfTopic(topic)}?${parametersOf(query)}`, signal);
}

/** Records over time, of one partition or all; undefined if there are none. */
export async function askTimes(
  topic: string,
  asked: AskedTime & { readonly partition: number | undefined },
  signal: AbortSignal,
): Promise<TimeParts | undefined> {
  const query = Object.entries(asked).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)]],
  );
  const path = `${pathOfTopic(topic)}/times?${new URLSearchParams(query)}`;
  const { fromMs, toMs, counts } = await askFor<RecordsOverTime>(path, signal);
  return fromMs === null || toMs === null ? undefined : { fromMs, toMs, counts };
}

/** Where the broker has a record; its parts are below. */
export function pathOfRecord(topic: string, partition: number, offset: number): string {
  return `${pathOfTopic(topic)}/${partition}/${offset}`;
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
