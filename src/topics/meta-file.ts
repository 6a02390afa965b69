// The file of a data directory's identity and format: meta.json.
// Leaves to others: everything else in the directory (data-directory.ts).
//
//   meta.json   { "formatVersion": 1, "id": UUID, "crc32c": … }
import { RustLogError } from "../errors.ts";
import {
  type CheckedFormat,
  decodeCheckedFile,
  encodeCheckedFile,
} from "../log/disk/checked-file.ts";
import { type Disk, isDiskFull, joinPath, reasonOf, replaceFile } from "../log/disk/disk.ts";
import { LOST_AND_FOUND } from "./topic-settings.ts";

/** Version of all formats on disk. A directory with another one is refused. */
export const FORMAT_VERSION = 1;

/** Name of the file. */
export const META = "meta.json";

const FORMAT: CheckedFormat = {
  versionField: "formatVersion",
  version: FORMAT_VERSION,
  fields: ["id"],
};

/** The identity of a directory, as its file says. */
export interface DirectoryMeta {
  readonly id: string;
  /** Whether the file lacks something that this release writes, and should be replaced. */
  readonly isOutdated: boolean;
}

/**
 * The identity of a directory; undefined for one that is new. Throws DATA_DIRECTORY_UNUSABLE when it has topics but
 * no identity or another format, or an identity and no topics: their directory is older than `meta.json`.
 */
export function readMeta(disk: Disk, path: string): DirectoryMeta | undefined {
  if (disk.fileSize(joinPath(path, "topics")) !== undefined) {
    throw new RustLogError(
      "DATA_DIRECTORY_UNUSABLE",
      `${path}/topics is a file, and must be the directory of the topics: restore it, or choose another --data-dir`,
    );
  }
  const meta = read(disk, joinPath(path, META));
  if (meta === undefined) {
    const names = disk.list(joinPath(path, "topics")).filter((name) => name !== LOST_AND_FOUND);
    if (names.length === 0) return undefined;
    throw new RustLogError(
      "DATA_DIRECTORY_UNUSABLE",
      `${path} has topics but no ${META}: restore it, or choose another --data-dir`,
    );
  }
  if (!disk.list(path).includes("topics")) {
    throw new RustLogError(
      "DATA_DIRECTORY_UNUSABLE",
      `${path} has a ${META} but no topics directory: restore it, or remove ${META} to begin without any records`,
    );
  }
  return meta;
}

/** Writes the file, durably: after a crash it is the old one or the new one. Throws the system's error. */
export async function writeMeta(disk: Disk, path: string, id: string): Promise<void> {
  await replaceFile(disk, path, META, encodeCheckedFile(FORMAT, { id }));
}

/** Gives the file of an older release what this one writes. */
export async function upgradeMeta(
  disk: Disk,
  path: string,
  id: string,
  report: (line: string) => void,
): Promise<void> {
  try {
    await writeMeta(disk, path, id);
  } catch (error) {
    // It can be read as it is, and a full disk is no reason not to start.
    if (!isDiskFull(error)) throw error;
    report(`no space to add a checksum to ${joinPath(path, META)}; the next start tries again`);
  }
}

function read(disk: Disk, path: string): DirectoryMeta | undefined {
  try {
    const bytes = disk.readFile(path);
    if (bytes === undefined) return undefined;
    const { fields, hasChecksum } = decodeCheckedFile(FORMAT, bytes);
    const { id } = fields;
    if (typeof id !== "string") throw new Error("it has no id");
    return { id, isOutdated: !hasChecksum };
  } catch (error) {
    throw new RustLogError(
      "DATA_DIRECTORY_UNUSABLE",
      `${path} can't be used: ${reasonOf(error)}; restore it, or correct it as docs/STORAGE.md says`,
      { cause: error },
    );
  }
}
