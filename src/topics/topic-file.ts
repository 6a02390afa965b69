// The file that makes a directory a topic: what the topic was created with.
// Leaves to others: the directory (topic-registry.ts), and what the settings mean (topic-settings.ts).
//
//   topic.json   { "version": 1, "name": …, "partitions": …, "settings": { NAME: VALUE, … }, "crc32c": … }
import { RustLogError } from "../errors.ts";
import { PARTITIONS_MAX } from "../limits.ts";
import {
  type CheckedFormat,
  decodeCheckedFile,
  encodeCheckedFile,
} from "../storage/checked-file.ts";
import { type Disk, joinPath, reasonOf, replaceFile } from "../storage/disk.ts";
import { checkSettings, type TopicSettings } from "./topic-settings.ts";

const FILE = "topic.json";
const FORMAT: CheckedFormat = {
  versionField: "version",
  version: 1,
  fields: ["name", "partitions", "settings"],
};

/** What a topic was created with. */
export interface TopicFile {
  readonly name: string;
  readonly partitions: number;
  readonly settings: TopicSettings;
}

/** The same as it was read from its file. */
export interface ReadTopicFile extends TopicFile {
  /** Whether the file lacks something that this release writes, and should be replaced. */
  readonly isOutdated: boolean;
}

/** Writes the file of a topic and makes its content durable. Throws the system's error. */
export async function writeTopicFile(
  disk: Disk,
  directory: string,
  file: TopicFile,
): Promise<void> {
  await disk.writeFile(joinPath(directory, FILE), encode(file));
}

/** Replaces the file of a topic, durably: after a crash it is the old one or the new one. Throws the system's error. */
export async function replaceTopicFile(
  disk: Disk,
  directory: string,
  file: TopicFile,
): Promise<void> {
  await replaceFile(disk, directory, FILE, encode(file));
}

/**
 * Reads the file of the topic that a directory is named after; undefined if there is none. Throws
 * DATA_DIRECTORY_UNUSABLE, with the path and the reason, if it is damaged or of a format that is not known.
 */
export function readTopicFile(
  disk: Disk,
  directory: string,
  name: string,
): ReadTopicFile | undefined {
  const path = joinPath(directory, FILE);
  try {
    const bytes = disk.readFile(path);
    return bytes === undefined ? undefined : decode(bytes, name);
  } catch (error) {
    throw new RustLogError(
      "DATA_DIRECTORY_UNUSABLE",
      `${path} can't be used: ${reasonOf(error)}; restore it or correct it`,
      { cause: error },
    );
  }
}

function encode({ name, partitions, settings }: TopicFile): Uint8Array {
  return encodeCheckedFile(FORMAT, { name, partitions, settings });
}

function decode(bytes: Uint8Array, directoryName: string): ReadTopicFile {
  const { fields, hasChecksum } = decodeCheckedFile(FORMAT, bytes);
  const { name, partitions } = fields;
  if (name !== directoryName) throw new Error("it names another topic than its directory");
  if (!isPartitionCount(partitions)) throw new Error(`it says ${String(partitions)} partitions`);
  const settings: Record<string, string> = {};
  for (const [key, value] of Object.entries(fields.settings ?? {})) settings[key] = String(value);
  checkSettings(settings);
  return { name: directoryName, partitions, settings, isOutdated: !hasChecksum };
}

function isPartitionCount(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= PARTITIONS_MAX;
}
