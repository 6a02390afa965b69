// Replaces a file that only the owner may read, and restores it if a change fails.
// Leaves to others: the files (security-file.ts, quotas-file.ts).
import { RustLogError } from "../errors.js";
import { type Disk, isDiskFull, joinPath, reasonOf, replaceFile } from "../log/disk/disk.js";

/** Replaces a file atomically and durably. Rejects with DISK_FULL or STORAGE_ERROR. */
export async function replacePrivateFile(
  disk: Disk,
  directory: string,
  name: string,
  bytes: Uint8Array,
): Promise<void> {
  try {
    await replaceFile(disk, directory, name, bytes, { isPrivate: true });
  } catch (error) {
    throw new RustLogError(
      isDiskFull(error) ? "DISK_FULL" : "STORAGE_ERROR",
      `the change can't be stored: ${joinPath(directory, name)}: ${reasonOf(error)}`,
      { cause: error },
    );
  }
}

/**
 * Stores `next` with `store`. If that fails, the file may have `next` nevertheless, because only the flush of its directory has
 * failed. So it gets `before` again, or a refused change would hold after a restart. If that fails, too, the next change
 * that can be stored replaces the file.
 */
export async function storeOrRestore<Content>(
  store: ((content: Content) => Promise<void>) | undefined,
  next: Content,
  before: () => Content,
): Promise<void> {
  try {
    await store?.(next);
  } catch (error) {
    await store?.(before()).catch(() => {});
    throw error;
  }
}
