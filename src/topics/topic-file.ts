// The file that makes a directory a topic: what the topic was created with.
// Leaves to others: the directory (topic-registry.ts), and what the settings mean (topic-settings.ts).
//
//   topic.json   { "version": 1, "name": …, "partitions": …, "settings": { NAME: VALUE, … } }
import { RustLogError } from "../errors.ts";
import { PARTITIONS_MAX } from "../limits.ts";
import { type Disk, joinPath, reasonOf } from "../storage/disk.ts";
import { checkSettings, type TopicSettings } from "./topic-settings.ts";

const FILE = "topic.json";
const VERSION = 1;

/** What a topic was created with. */
export interface TopicFile {
  readonly name: string;
  readonly partitions: number;
  readonly settings: TopicSettings;
}

/** Writes the file of a topic and makes its content durable. Throws the system's error. */
export async function writeTopicFile(
  disk: Disk,
  directory: string,
  { name, partitions, settings }: TopicFile,
): Promise<void> {
  const text = JSON.stringify({ version: VERSION, name, partitions, settings }, null, 2);
  await disk.writeFile(joinPath(directory, FILE), new TextEncoder().encode(`${text}\n`));
}

/**
 * Reads the file of the topic that a directory is named after; undefined if there is none. Throws
 * DATA_DIRECTORY_UNUSABLE, naming the file, if it is not one that this release writes.
 */
export function readTopicFile(disk: Disk, directory: string, name: string): TopicFile | undefined {
  const path = joinPath(directory, FILE);
  const bytes = disk.readFile(path);
  if (bytes === undefined) return undefined;
  try {
    return parse(JSON.parse(new TextDecoder().decode(bytes)), name);
  } catch (error) {
    throw new RustLogError(
      "DATA_DIRECTORY_UNUSABLE",
      `${path} can't be used: ${reasonOf(error)}; mend it or restore it`,
      { cause: error },
    );
  }
}

function parse(json: unknown, name: string): TopicFile {
  if (typeof json !== "object" || json === null) throw new Error("it is no object");
  const file = json as Record<string, unknown>;
  if (file.version !== VERSION) throw new Error(`version ${String(file.version)} is not 1`);
  if (file.name !== name) throw new Error("it names another topic than its directory");
  const partitions = Number(file.partitions);
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > PARTITIONS_MAX) {
    throw new Error(`it says ${String(file.partitions)} partitions`);
  }
  const settings: Record<string, string> = {};
  for (const [key, value] of Object.entries(file.settings ?? {})) settings[key] = String(value);
  checkSettings(settings);
  return { name, partitions, settings };
}
