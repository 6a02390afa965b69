// quotas.json in the data directory: the quotas, which a broker has with and without users.
// Leaves to others: what they mean (quotas.ts).
//
//   { "version": 1, "quotas": [{ "entity": { "user": "ann", "client-id": null },
//     "values": { "producer_byte_rate": 1048576 } }], "crc32c": … }
import { RustLogError } from "../errors.js";
import {
  type CheckedFormat,
  decodeCheckedFile,
  encodeCheckedFile,
} from "../log/disk/checked-file.js";
import { type Disk, joinPath, reasonOf } from "../log/disk/disk.js";
import { isEntityType, isQuotaKey, type Quota, quotaFault } from "./quota.js";
import { replacePrivateFile } from "./private-file.js";

export const QUOTAS_FILE = "quotas.json";

const FORMAT: CheckedFormat = { versionField: "version", version: 1, fields: ["quotas"] };

/** Reads the file. Throws DATA_DIRECTORY_UNUSABLE if it is unusable: without it nobody would have a limit. */
export function readQuotasFile(disk: Disk, directory: string): readonly Quota[] {
  const path = joinPath(directory, QUOTAS_FILE);
  try {
    const bytes = disk.readFile(path);
    if (bytes === undefined) return [];
    const { quotas } = decodeCheckedFile(FORMAT, bytes).fields;
    if (!Array.isArray(quotas)) throw new Error("quotas is not a list");
    return quotas.map(quotaOf);
  } catch (error) {
    throw new RustLogError(
      "DATA_DIRECTORY_UNUSABLE",
      `${path} can't be used: ${reasonOf(error)}; restore it, or remove it to start without quotas`,
      { cause: error },
    );
  }
}

/** Replaces the file atomically and durably. Rejects with DISK_FULL or STORAGE_ERROR. */
export async function writeQuotasFile(
  disk: Disk,
  directory: string,
  quotas: readonly Quota[],
): Promise<void> {
  const bytes = encodeCheckedFile(FORMAT, { quotas });
  await replacePrivateFile(disk, directory, QUOTAS_FILE, bytes);
}

function quotaOf(value: unknown): Quota {
  const { entity, values } = fieldsOf(value);
  const isKnown =
    Object.entries(fieldsOf(entity)).every(
      ([type, name]) => isEntityType(type) && (name === null || typeof name === "string"),
    ) &&
    Object.entries(fieldsOf(values)).every(
      ([key, number]) => isQuotaKey(key) && typeof number === "number",
    );
  const quota = value as Quota;
  const fault = isKnown
    ? quotaFault(quota.entity, Object.entries(quota.values))
    : "a field is missing or unknown";
  if (fault !== undefined) throw new Error(`the quota ${JSON.stringify(value)}: ${fault}`);
  return quota;
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null
    ? (value as Readonly<Record<string, unknown>>)
    : {};
}
