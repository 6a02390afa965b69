// meta.json, the id and format of a data directory.
// Leaves to others: everything else in the directory (data-directory.ts).
//
//   meta.json   { "formatVersion": 1, "id": UUID, "crc32c": … }
import { RustLogError } from "../errors.js";
import {
  type CheckedFormat,
  decodeCheckedFile,
  encodeCheckedFile,
} from "../log/disk/checked-file.js";
import { type Disk, isDiskFull, joinPath, reasonOf, replaceFile } from "../log/disk/disk.js";
import { LOST_AND_FOUND } from "./topic-settings.js";

/** Version of all formats on disk. A directory with another version is rejected. */
export const FORMAT_VERSION = 1;

export const META = "meta.json";

const FORMAT: CheckedFormat = {
  versionField: "formatVersion",
  version: FORMAT_VERSION,
  fields: ["id"],
};

interface DirectoryMeta {
  readonly id: string;
  /** Whether the file lacks fields that this release writes, and should be replaced. */
  readonly isOutdated: boolean;
}

/**
 * Reads meta.json; undefined for a new directory. Throws DATA_DIRECTORY_UNUSABLE if there are topics but no meta.json,
 * another format, or a meta.json but no topics: the topics directory is created first.
 */
export function readMeta(disk: Disk, path: string): DirectoryMeta | undefined {
  if (disk.fileSize(joinPath(path, "topics")) !== undefined) {
    throw new RustLogError(
      "DATA_DIRECTORY_UNUSABLE",
      `${path}/topics must be a directory but is a file; restore it, or choose another --data-dir`,
    );
  }
  const meta = read(disk, joinPath(path, META));
  if (meta === undefined) {
    const names = disk.list(joinPath(path, "topics")).filter((name) => name !== LOST_AND_FOUND);
    if (names.length === 0) return undefined;
    throw new RustLogError(
      "DATA_DIRECTORY_UNUSABLE",
      `${path} has topics but no ${META}; restore it, or choose another --data-dir`,
    );
  }
  if (!disk.list(path).includes("topics")) {
    throw new RustLogError(
      "DATA_DIRECTORY_UNUSABLE",
      `${path} has a ${META} but no topics directory; restore it, or remove ${META} to start without records`,
    );
  }
  return meta;
}

/** Replaces the file atomically and durably. Throws the system's error. */
export async function writeMeta(disk: Disk, path: string, id: string): Promise<void> {
  await replaceFile(disk, path, META, encodeCheckedFile(FORMAT, { id }));
}

/** Adds what an older release did not write. */
export async function upgradeMeta(
  disk: Disk,
  path: string,
  id: string,
  report: (line: string) => void,
): Promise<void> {
  try {
    await writeMeta(disk, path, id);
  } catch (error) {
    // The file is usable as it is, so a full disk must not prevent the start.
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
      `${path} can't be used: ${reasonOf(error)}; restore it, or correct it as described in docs/STORAGE.md`,
      { cause: error },
    );
  }
}
