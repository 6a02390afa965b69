// Removes a directory tree, one file after the other in the background, so that the event loop never waits for it.
// Leaves to others: which directories (topics/removals.ts).
import type { Dirent } from "node:fs";
import { readdir, rmdir, unlink } from "node:fs/promises";
import { joinPath, systemErrorCode } from "./disk.ts";

/** How deep symbolic links are followed: the directory of a topic may be one, and those of its partitions. */
const LINK_DEPTH = 1;

/** Files that are removed between two rests. */
const FILES_BEFORE_REST = 32;

/** Longest rest, in milliseconds. */
const REST_MS_MAX = 100;

/** One removal: what all its directories share. */
interface Removal {
  readonly isStopped: () => boolean;
  /** What could not be removed. */
  readonly faults: unknown[];
  /** To be awaited after each file. */
  readonly pace: () => Promise<void> | undefined;
}

/**
 * Rests as long as it has worked: a flush of the file system waits for all removals before it, and clients wait for
 * flushes.
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
 * Removes a directory with everything in it. The directory itself, or one directly in it, may be a symbolic link:
 * then what the link leads to is emptied, and the link removed. A file that cannot be removed stays, with the
 * directories above it; rejects with the first such error once everything else is gone.
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
      else await attempt(() => unlink(below));
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

/** What a directory holds; nothing if it is a file, or a link to one. */
async function entriesOf(path: string): Promise<Dirent[]> {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (error) {
    if (systemErrorCode(error) === "ENOTDIR") return [];
    throw error;
  }
}
