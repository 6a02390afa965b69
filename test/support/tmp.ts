// Temporary directories for tests: unique, and removed when the test is done.
// Leaves to others: their contents.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A fresh directory that is removed when the returned object is disposed of (`using dir = tempDir()`). */
export function tempDir(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "rustlog-test-"));
  return {
    path,
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}

/** Runs `body` with a fresh directory and removes it afterwards, even if `body` throws. */
export async function withTempDir<T>(body: (path: string) => T | Promise<T>): Promise<T> {
  using dir = tempDir();
  return await body(dir.path);
}
