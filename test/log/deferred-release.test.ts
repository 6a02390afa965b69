// A large file that was removed or replaced is let go in the background, and not before its last mapping.
import { expect, test } from "bun:test";
import { readdirSync, readlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RealDisk } from "../../src/log/disk/real-disk.js";
import { withTempDir } from "../support/tmp.js";
import { until } from "../support/until.js";

const LARGE_BYTES = 4 * 1024 * 1024;

/** Descriptors of this process on files that have no name any more, in a directory. */
function nameless(directory: string): string[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`);
      return path.startsWith(directory) && path.endsWith("(deleted)") ? [path] : [];
    } catch {
      return [];
    }
  });
}

function largeFile(path: string): void {
  writeFileSync(path, "x");
  truncateSync(path, LARGE_BYTES);
}

test.skipIf(process.platform !== "linux")("large files are let go", async () => {
  await withTempDir(async (directory) => {
    const disk = new RealDisk();
    const [first, second] = [join(directory, "first"), join(directory, "second")];
    largeFile(first);
    largeFile(second);
    disk.rename(first, second);
    disk.remove(second);
    disk.remove(second);
    await until(() => nameless(directory).length === 0);
  });
});

test.skipIf(process.platform !== "linux")("a mapped file is let go after its mapping", async () => {
  await withTempDir(async (directory) => {
    const disk = new RealDisk();
    const path = join(directory, "mapped");
    largeFile(path);
    const mapping = disk.map(path);
    disk.remove(path);
    await new Promise((resolve) => setImmediate(resolve));
    expect(nameless(directory).length).toBe(1);
    expect(mapping[0]).toBe(120);
  });
});
