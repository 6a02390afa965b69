// topic.json, which makes a directory a topic and holds its id, number of partitions and own settings.
// Leaves to others: the directory (topic-registry.ts), and the meaning of the settings (topic-settings.ts).
//
//   topic.json   { "version": 1, "name": …, "id": UUID, "partitions": …, "settings": { NAME: VALUE, … }, "crc32c": … }
import { RustLogError } from "../errors.js";
import { PARTITIONS_MAX } from "../limits.js";
import { isUuid, readUuid, ZERO_UUID } from "../record/bytes.js";
import {
  type CheckedFormat,
  decodeCheckedFile,
  encodeCheckedFile,
} from "../log/disk/checked-file.js";
import { type Disk, joinPath, reasonOf, replaceFile } from "../log/disk/disk.js";
import { canonicalSettings, type TopicSettings } from "./topic-settings.js";

const FILE = "topic.json";
const FORMAT: CheckedFormat = {
  versionField: "version",
  version: 1,
  fields: ["name", "id", "partitions", "settings"],
};

export interface TopicFile {
  readonly name: string;
  /** Identifies the topic: another topic of the same name has another id. */
  readonly id: string;
  readonly partitions: number;
  readonly settings: TopicSettings;
}

interface ReadTopicFile extends TopicFile {
  /** What this release writes but the file lacks; if any, the file should be replaced. */
  readonly missing: readonly ("checksum" | "id")[];
}

/** Writes the file of a topic and makes its content durable. Throws the system's error. */
export async function writeTopicFile(
  disk: Disk,
  directory: string,
  file: TopicFile,
): Promise<void> {
  await disk.writeFile(joinPath(directory, FILE), encode(file));
}

/**
 * Replaces the file of a topic atomically and durably. Throws the system's error. The file is then unchanged, unless the
 * directory can't be flushed and the old file can't be restored either; `report` is told.
 */
export async function replaceTopicFile(
  disk: Disk,
  directory: string,
  { from, to }: { readonly from: TopicFile; readonly to: TopicFile },
  report: (line: string) => void,
): Promise<void> {
  try {
    await replaceFile(disk, directory, FILE, encode(to));
  } catch (error) {
    await restore(disk, directory, from).catch((failure: unknown) => {
      const path = joinPath(directory, FILE);
      report(
        `${path} was changed, but not durably, and could not be restored: ${reasonOf(failure)}; ` +
          "the next start may find either content",
      );
    });
    throw error;
  }
}

async function restore(disk: Disk, directory: string, file: TopicFile): Promise<void> {
  const bytes = encode(file);
  const found = disk.readFile(joinPath(directory, FILE));
  if (found !== undefined && Buffer.compare(found, bytes) === 0) return;
  await replaceFile(disk, directory, FILE, bytes);
}

/** Adds what an older release did not write. If that fails, the next start tries again. */
export async function upgradeTopicFile(
  disk: Disk,
  directory: string,
  file: TopicFile,
  report: (line: string) => void,
): Promise<void> {
  try {
    await replaceFile(disk, directory, FILE, encode(file));
  } catch (error) {
    // The file is usable as it is, so a failure such as a full disk must not prevent serving the topic.
    const path = joinPath(directory, FILE);
    report(`${path}: no checksum could be added: ${reasonOf(error)}; the next start tries again`);
  }
}

/**
 * The id of a topic that a release without topic ids created, in the data directory with id `directoryId`. It is
 * computed, so that it is the same at every start even if it could not be saved. Offsets committed without an id belong
 * to it.
 */
export function firstTopicId(directoryId: string, name: string): string {
  const hash = new Bun.CryptoHasher("sha256").update(`${directoryId}/${name}`).digest();
  hash[6] = (hash[6]! & 0x0f) | 0x80; // Version 8: custom.
  hash[8] = (hash[8]! & 0x3f) | 0x80;
  return readUuid(hash, 0);
}

/**
 * Reads the file of the topic that the directory is named after; undefined if there is none. Throws
 * DATA_DIRECTORY_UNUSABLE, with path and reason, if the file is damaged or has an unknown format.
 */
export function readTopicFile(
  disk: Disk,
  directory: string,
  name: string,
  directoryId: string,
): ReadTopicFile | undefined {
  const path = joinPath(directory, FILE);
  try {
    const bytes = disk.readFile(path);
    return bytes === undefined ? undefined : decode(bytes, name, directoryId);
  } catch (error) {
    throw new RustLogError(
      "DATA_DIRECTORY_UNUSABLE",
      `${path} can't be used: ${reasonOf(error)}; restore it or correct it`,
      { cause: error },
    );
  }
}

function encode({ name, id, partitions, settings }: TopicFile): Uint8Array {
  return encodeCheckedFile(FORMAT, { name, id, partitions, settings });
}

function decode(bytes: Uint8Array, directoryName: string, directoryId: string): ReadTopicFile {
  const { fields, hasChecksum } = decodeCheckedFile(FORMAT, bytes);
  const { name, partitions, id: statedId, settings: stated } = fields;
  const id = statedId ?? firstTopicId(directoryId, directoryName);
  if (name !== directoryName) throw new Error("its name differs from its directory");
  if (!isPartitionCount(partitions))
    throw new Error(`invalid number of partitions ${String(partitions)}`);
  if (!isTopicId(id)) throw new Error(`its id ${JSON.stringify(id)} is not a UUID`);
  const settings: Record<string, string> = {};
  for (const [key, value] of Object.entries(stated ?? {})) settings[key] = String(value);
  const missing: ReadTopicFile["missing"][number][] = [];
  if (!hasChecksum) missing.push("checksum");
  if (statedId === undefined) missing.push("id");
  return { name: directoryName, id, partitions, settings: canonicalSettings(settings), missing };
}

function isTopicId(value: unknown): value is string {
  return typeof value === "string" && isUuid(value) && value !== ZERO_UUID;
}

function isPartitionCount(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= PARTITIONS_MAX;
}
