// Temporary directories for tests: unique, and removed when the test is done. They are in memory where there is room,
// because tests make and flush thousands of small files, for which a busy disk takes longer than for all else.
// Leaves to others: their contents.
import { existsSync, mkdtempSync, readdirSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PREFIX = "rustlog-test-";

/** A file system in memory on most Linux machines. */
const MEMORY = "/dev/shm";
const MEMORY_BYTES_MIN = 2 * 1024 ** 3;

let chosen: string | undefined;

/** Where directories are that need no disk. Long tests, which are no run of `bun test`, always use the disk. */
function anywhere(): string {
  const { NODE_ENV, TMPDIR } = process.env;
  chosen ??= NODE_ENV === "test" && TMPDIR === undefined && hasRoom() ? MEMORY : tmpdir();
  return chosen;
}

function hasRoom(): boolean {
  try {
    const { bavail, bsize } = statfsSync(MEMORY);
    removeLeftovers();
    return bavail * bsize >= MEMORY_BYTES_MIN;
  } catch {
    return false;
  }
}

/** Removes directories of processes that were killed: they would take memory until the machine stops. */
function removeLeftovers(): void {
  for (const name of readdirSync(MEMORY)) {
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) {
      rmSync(join(MEMORY, name), { recursive: true, force: true });
    }
  }
}

type Place = "anywhere" | "on disk";

/** A fresh directory that is removed when the returned object is disposed of (`using dir = tempDir()`). */
export function tempDir(place: Place = "anywhere"): { readonly path: string } & Disposable {
  const parent = place === "on disk" ? tmpdir() : anywhere();
  const path = mkdtempSync(join(parent, `${PREFIX}${process.pid}-`));
  return {
    path,
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}

/** Runs `body` with a fresh directory and removes it afterwards, even if `body` throws. */
export async function withTempDir<T>(
  body: (path: string) => T | Promise<T>,
  place?: Place,
): Promise<T> {
  using dir = tempDir(place);
  return await body(dir.path);
}

/** The same, on disk: for tests of what the file system does. */
export function withDirectoryOnDisk<T>(body: (path: string) => T | Promise<T>): Promise<T> {
  return withTempDir(body, "on disk");
}
