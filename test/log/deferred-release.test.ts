// A large file that was removed or replaced is let go in the background, in steps, and not before its last mapping.
import { expect, test } from "bun:test";
import {
  closeSync,
  existsSync,
  fstatSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { RealDisk } from "../../src/log/disk/real-disk.js";
import { withTempDir } from "../support/tmp.js";
import { until } from "../support/until.js";

const LARGE_BYTES = 4 * 1024 * 1024;

/** Sizes of the files of a directory that have no name any more, and that this process has open. */
function nameless(directory: string): number[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`);
      return path.startsWith(directory) && path.endsWith("(deleted)")
        ? [statSync(`/proc/self/fd/${fd}`).size]
        : [];
    } catch {
      return [];
    }
  });
}

/** A sparse file. */
function largeFile(path: string, bytes = LARGE_BYTES): void {
  writeFileSync(path, "x");
  truncateSync(path, bytes);
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

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
    await nextTurn();
    expect(nameless(directory).length).toBe(1);
    expect(mapping[0]).toBe(120);
  });
});

test.skipIf(process.platform !== "linux")("a large file becomes smaller in steps", async () => {
  await withTempDir(async (directory) => {
    const path = join(directory, "large");
    largeFile(path, 12 * LARGE_BYTES);
    new RealDisk().remove(path);
    const sizes = new Set<number>();
    for (let [size] = nameless(directory); size !== undefined; [size] = nameless(directory)) {
      sizes.add(size / LARGE_BYTES);
      await nextTurn();
    }
    expect([...sizes]).toEqual([12, 8, 4]);
  });
});

test.skipIf(process.platform !== "linux")(
  "the large files of a directory become smaller in steps, one after another",
  async () => {
    await withTempDir(async (directory) => {
      const [topic, deleted] = [join(directory, "topic"), join(directory, "deleted")];
      mkdirSync(join(topic, "0"), { recursive: true });
      for (const name of ["first", "second"]) largeFile(join(topic, "0", name), 9 * LARGE_BYTES);
      const disk = new RealDisk();
      disk.rename(topic, deleted);
      let isRemoved = false;
      const removal = disk.removeDirectory(deleted).then(() => {
        isRemoved = true;
      });
      const seen = new Set<string>();
      while (!isRemoved) {
        const sizes = nameless(directory).map((size) => size / LARGE_BYTES);
        if (sizes.length > 0) seen.add(sizes.join());
        await nextTurn();
      }
      await removal;
      // It may have begun before anyone looked.
      seen.delete("9");
      expect([...seen].sort()).toEqual(["1", "5"]);
      expect(existsSync(deleted)).toBe(false);
    });
  },
);

test.skipIf(process.platform !== "linux")(
  "a mapped file of a removed directory is let go after its mapping",
  async () => {
    await withTempDir(async (directory) => {
      const [topic, deleted] = [join(directory, "topic"), join(directory, "deleted")];
      mkdirSync(topic);
      largeFile(join(topic, "mapped"), 12 * LARGE_BYTES);
      const disk = new RealDisk();
      const mapping = disk.map(join(topic, "mapped"));
      disk.rename(topic, deleted);
      await disk.removeDirectory(deleted);
      expect(nameless(directory)).toEqual([12 * LARGE_BYTES]);
      expect(mapping[0]).toBe(120);
    });
  },
);

test.skipIf(process.platform !== "linux")(
  "the rest of a file is freed at once when the removal is stopped",
  async () => {
    await withTempDir(async (directory) => {
      const path = join(directory, "topic");
      mkdirSync(path);
      largeFile(join(path, "file"), 100 * LARGE_BYTES);
      let asked = 0;
      await new RealDisk().removeDirectory(path, () => ++asked > 4);
      expect(nameless(directory)).toEqual([]);
      expect(asked).toBeLessThan(10);
    });
  },
);

test.skipIf(process.platform !== "linux")(
  "a file that is open or linked elsewhere keeps its bytes",
  async () => {
    await withTempDir(async (directory) => {
      const disk = new RealDisk();
      const [read, linked, link] = ["read", "linked", "link"].map((name) => join(directory, name));
      for (const path of [read!, linked!]) largeFile(path, 12 * LARGE_BYTES);
      const reader = openSync(read!, "r");
      linkSync(linked!, link!);
      disk.remove(read!);
      disk.remove(linked!);
      await until(() => nameless(directory).length === 1);
      expect(fstatSync(reader).size).toBe(12 * LARGE_BYTES);
      closeSync(reader);
      expect(statSync(link!).size).toBe(12 * LARGE_BYTES);
    });
  },
);
