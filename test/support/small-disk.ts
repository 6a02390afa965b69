// A small tmpfs, to test with a disk that is really full. Leaves to others: writing to it.
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "./tmp.js";

/** A mounted file system of a few megabytes. */
export interface SmallDisk extends Disposable {
  readonly path: string;
  /** Fills the free space except `spareBytes` with a foreign file. */
  fill(spareBytes: number): void;
  /** Deletes that file. */
  makeSpace(): void;
}

/** Mounts a tmpfs of `mebibytes`. If mounting is not permitted, returns undefined and prints why on stderr. */
export function smallDisk(mebibytes: number): SmallDisk | undefined {
  const directory = tempDir();
  const { path } = directory;
  const mounted = Bun.spawnSync([
    "mount",
    "-t",
    "tmpfs",
    "-o",
    `size=${mebibytes}m`,
    "tmpfs",
    path,
  ]);
  if (!mounted.success) {
    directory[Symbol.dispose]();
    console.error(`skipped: no small disk can be mounted: ${mounted.stderr.toString().trim()}`);
    return undefined;
  }
  const filler = join(path, "filler");
  return {
    path,
    fill(spareBytes) {
      rmSync(filler, { force: true });
      const df = Bun.spawnSync(["df", "--output=avail", "-B1", path]).stdout.toString();
      const available = Number(df.trim().split("\n").at(-1));
      writeFileSync(filler, new Uint8Array(Math.max(0, available - spareBytes)));
    },
    makeSpace: () => rmSync(filler, { force: true }),
    [Symbol.dispose]() {
      Bun.spawnSync(["umount", "-l", path]);
      directory[Symbol.dispose]();
    },
  };
}
