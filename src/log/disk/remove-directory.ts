// Removes a directory tree in the background, one file at a time and large ones in steps, so that neither the event loop nor
// a flush waits.
// Leaves to others: which directories (topics/removals.ts).
import type { Dirent } from "node:fs";
import { readdir, rmdir, unlink } from "node:fs/promises";
import { removeReleasing } from "./deferred-release.js";
import { joinPath, systemErrorCode } from "./disk.js";

/** Depth to which symbolic links are followed: the directories of a topic and of its partitions may be links. */
const LINK_DEPTH = 1;

/** Files removed between two pauses. */
const FILES_BEFORE_REST = 32;

/** Longest pause, in milliseconds. */
const REST_MS_MAX = 100;

/** State that all directories of one removal share. */
interface Removal {
  readonly isStopped: () => boolean;
  /** Errors of files that could not be removed. */
  readonly faults: unknown[];
  /** Must be awaited after each file. */
  readonly pace: () => Promise<void> | undefined;
}

/**
 * Pauses for as long as it has worked: a flush of the file system waits for all removals before it, and clients wait
 * for flushes.
 */
function halfTime(): () => Promise<void> | undefined {
  let files = 0;
  let beganMs = performance.now();
  return () => {
    files++;
    if (files % FILES_BEFORE_REST !== 0) return undefined;
    const restMs = Math.min(REST_MS_MAX, performance.now() - beganMs);
    return Bun.sleep(restMs).then(() => {
      beganMs = performance.now();
    });
  };
}

/**
 * Removes a directory with everything in it. The directory itself, or one directly in it, may be a symbolic link: then
 * its target is emptied and the link removed. A file that cannot be removed stays, with its parent directories; once
 * everything else is gone, it rejects with the first such error.
 */
export async function removeTree(path: string, isStopped: () => boolean): Promise<void> {
  const removal: Removal = { isStopped, faults: [], pace: halfTime() };
  await removeBelow(path, 0, removal);
  if (removal.faults.length > 0) throw removal.faults[0];
}

async function removeBelow(path: string, depth: number, removal: Removal): Promise<void> {
  const { isStopped, faults, pace } = removal;
  const attempt = async (action: () => Promise<void>): Promise<boolean> => {
    if (isStopped()) return false;
    try {
      await action();
      return true;
    } catch (error) {
      if (systemErrorCode(error) === "ENOENT") return true;
      faults.push(error);
      return false;
    }
  };
  const known = faults.length;
  const isRead = await attempt(async () => {
    for (const entry of await entriesOf(path)) {
      const below = joinPath(path, entry.name);
      const isLink = entry.isSymbolicLink() && depth < LINK_DEPTH;
      if (entry.isDirectory() || isLink) await removeBelow(below, depth + 1, removal);
      else await attempt(() => removeReleasing(below, isStopped));
      await pace();
    }
  });
  if (!isRead || faults.length > known) return;
  await attempt(async () => {
    try {
      await rmdir(path);
    } catch (error) {
      // A symbolic link, or a link to a file.
      if (systemErrorCode(error) !== "ENOTDIR") throw error;
      await unlink(path);
    }
  });
}

/** Entries of a directory; empty for a file or a link to one. */
async function entriesOf(path: string): Promise<Dirent[]> {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (error) {
    if (systemErrorCode(error) === "ENOTDIR") return [];
    throw error;
  }
}
