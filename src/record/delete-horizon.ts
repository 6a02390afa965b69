// The delete horizon of a batch: when its tombstones may be dropped. Compaction sets it; a producer's batch has none.
// Leaves to others: the rest of the header (batch.ts).
//
// As in Kafka, it takes the place of the base timestamp, and bit 6 of the attributes says so. The timestamps of the records
// are relative to it.
import { attributes, baseTimestamp, FIELD } from "./batch.js";
import { writeI64, writeU16 } from "./bytes.js";

export const DELETE_HORIZON_BIT = 0x40;

/** The horizon, in milliseconds; undefined if the batch has none. */
export function deleteHorizon(bytes: Uint8Array, at: number): number | undefined {
  const isSet = (attributes(bytes, at) & DELETE_HORIZON_BIT) !== 0;
  return isSet ? baseTimestamp(bytes, at) : undefined;
}

/** Sets the horizon. The caller changes the timestamp deltas of the records. */
export function setDeleteHorizon(bytes: Uint8Array, at: number, horizonMs: number): void {
  writeU16(bytes, at + FIELD.attributes, attributes(bytes, at) | DELETE_HORIZON_BIT);
  writeI64(bytes, at + FIELD.baseTimestamp, horizonMs);
}

/** Removes the horizon of a batch without records. */
export function clearDeleteHorizon(bytes: Uint8Array, at: number): void {
  writeU16(bytes, at + FIELD.attributes, attributes(bytes, at) & ~DELETE_HORIZON_BIT);
}
