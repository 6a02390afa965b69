// What was seen of Bun and the system while choosing how to write, a test each: a release that behaves
// otherwise is to fail here and not in someone's log.
import { expect, test } from "bun:test";
import { closeSync, fdatasync, openSync, readFileSync, writeFileSync } from "node:fs";
import { QuickFlushes } from "../../src/log/disk/quick-flush.js";
import { RealAppendFile, RealDisk } from "../../src/log/disk/real-disk.js";
import { codeOf, settle } from "../support/log-fixture.js";
import { withDirectoryOnDisk } from "../support/tmp.js";

const text = (content: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(content);

/** Runs `body` in a file system of 1 MiB; only root may mount one. */
async function withSmallDisk(body: (path: string) => Promise<void>): Promise<void> {
  await withDirectoryOnDisk(async (path) => {
    const mounted = Bun.spawnSync(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", path]);
    expect(mounted.stderr.toString()).toBe("");
    try {
      await body(path);
    } finally {
      Bun.spawnSync(["umount", "--lazy", path]);
    }
  });
}

const mayMount =
  Bun.which("unshare") !== null &&
  Bun.spawnSync(["sh", "-c", "d=$(mktemp -d) && mount -t tmpfs tmpfs $d && umount $d && rmdir $d"])
    .exitCode === 0;

test("a write and a push that succeed need no promise", () =>
  withDirectoryOnDisk((path) => {
    const file = new RealDisk().openAppend(`${path}/file`);
    for (const size of [1, 1_000, 300_000, 5_000_000]) {
      file.write(new Uint8Array(size));
      expect(file.push()).toBeUndefined();
    }
    expect(file.size).toBe(5_301_001);
    file.close();
  }));

test.each([1, 1_000, 300_000, 3_000_000])(
  "a write of %d bytes to a full device fails at the push",
  (size) => {
    const file = new RealAppendFile("/dev/full", openSync("/dev/full", "a+"), new QuickFlushes());
    file.write(new Uint8Array(size));
    file.write(new Uint8Array(10));
    expect(() => file.push()).toThrow("ENOSPC");
    expect(file.size).toBe(0);
    file.close();
  },
);

test.skipIf(!mayMount)(
  "after a full disk a truncate makes the file right, and writing goes on",
  () =>
    withSmallDisk(async (path) => {
      const disk = new RealDisk();
      for (const chunk of [100, 100_000, 300_000]) {
        const file = disk.openAppend(`${path}/file`);
        let good = 0;
        const fill = async (): Promise<string | undefined> => {
          for (;;) {
            file.write(new Uint8Array(chunk).fill(1));
            const code = await codeOf(() => file.push());
            if (code !== undefined) return code;
            good += chunk;
          }
        };
        expect(await fill()).toBe("ENOSPC");
        expect(good).toBeGreaterThan(0);
        // Part of the batch may be in the file: the next one must not follow it.
        file.truncate(good);
        expect(file.size).toBe(good);
        expect(disk.fileSize(`${path}/file`)).toBe(good);
        file.truncate(good - chunk);
        file.write(new Uint8Array(50).fill(2));
        await file.push();
        await file.sync();
        const content = readFileSync(`${path}/file`);
        expect(content.length).toBe(good - chunk + 50);
        expect(content.subarray(0, good - chunk).every((byte) => byte === 1)).toBe(true);
        expect(content.subarray(good - chunk).every((byte) => byte === 2)).toBe(true);
        // Emptied first: a sink's descriptor is closed on another thread, and keeps the space of a removed file.
        file.truncate(0);
        file.close();
        disk.remove(`${path}/file`);
      }
    }),
);

test("unpushed bytes of a truncated or closed file are never written", () =>
  withDirectoryOnDisk(async (path) => {
    const disk = new RealDisk();
    const opened = (name: string) => {
      const file = disk.openAppend(`${path}/${name}`);
      file.write(text("kept"));
      file.push();
      file.write(text("forgotten"));
      return file;
    };
    const truncated = opened("truncated");
    truncated.truncate(4);
    opened("closed").close();
    // It gets the number of the descriptor that was closed.
    const next = disk.openAppend(`${path}/next`);
    for (let i = 0; i < 5; i++) {
      Bun.gc(true);
      await settle();
    }
    expect(readFileSync(`${path}/truncated`, "utf8")).toBe("kept");
    expect(readFileSync(`${path}/closed`, "utf8")).toBe("kept");
    expect(readFileSync(`${path}/next`, "utf8")).toBe("");
    truncated.close();
    next.close();
  }));

test("closing waits for a running flush, so that its descriptor is not reused", () =>
  withDirectoryOnDisk(async (path) => {
    const disk = new RealDisk();
    for (let i = 0; i < 20; i++) {
      const file = disk.openAppend(`${path}/${i}`);
      file.write(new Uint8Array(100_000));
      await file.push();
      const flushes = [file.sync(), file.sync(), file.sync()];
      file.close();
      await Promise.all(flushes);
    }
    const descriptors = new Set<number>();
    for (let i = 0; i < 20; i++) {
      const fd = openSync(`${path}/${i}`, "r");
      descriptors.add(fd);
      closeSync(fd);
    }
    // Each was closed in the end: the system gives the same number again and again.
    expect(descriptors.size).toBe(1);
  }));

test("an empty file can't be mapped", () =>
  withDirectoryOnDisk((path) => {
    writeFileSync(`${path}/file`, "");
    expect(() => Bun.mmap(`${path}/file`, { shared: false })).toThrow();
  }));

test("a mapping keeps its length when the file grows", () =>
  withDirectoryOnDisk((path) => {
    writeFileSync(`${path}/file`, "0123456789");
    const mapping = new RealDisk().map(`${path}/file`);
    writeFileSync(`${path}/file`, "more", { flag: "a" });
    expect(mapping.length).toBe(10);
    expect(new RealDisk().map(`${path}/file`).length).toBe(14);
  }));

test("a mapping of ours does not write through to the file; a shared one does", () =>
  withDirectoryOnDisk((path) => {
    writeFileSync(`${path}/file`, "0123456789");
    const ours = new RealDisk().map(`${path}/file`);
    ours[0] = 120;
    expect(readFileSync(`${path}/file`, "utf8")).toBe("0123456789");
    const shared = Bun.mmap(`${path}/file`);
    shared[0] = 120;
    expect(readFileSync(`${path}/file`, "utf8")).toBe("x123456789");
  }));

test("a flush runs in the background: other work is done before it ends", () =>
  withDirectoryOnDisk(async (path) => {
    const fd = openSync(`${path}/file`, "a+");
    writeFileSync(fd, new Uint8Array(1_000_000));
    const order: string[] = [];
    const flushed = new Promise<void>((resolve, reject) => {
      fdatasync(fd, (error) => {
        order.push("flushed");
        if (error) reject(error);
        else resolve();
      });
    });
    order.push("called");
    await Promise.resolve().then(() => order.push("other work"));
    await flushed;
    expect(order).toEqual(["called", "other work", "flushed"]);
    closeSync(fd);
  }));

test("a directory that may not be opened is not ours to flush; a missing one is an error", () =>
  withDirectoryOnDisk(async (path) => {
    expect(await codeOf(() => new RealDisk().syncDirectory(`${path}/none`))).toBe("ENOENT");
    await new RealDisk().syncDirectory(path);
  }));

test("a lock held by another process is refused with its process id, and free once it is killed", () =>
  withDirectoryOnDisk(async (path) => {
    const script = `
      import { RealDisk } from ${JSON.stringify(`${import.meta.dir}/../../src/log/disk/real-disk.ts`)};
      new RealDisk().lock(${JSON.stringify(`${path}/LOCK`)});
      console.log("held");
      setInterval(() => {}, 1_000_000);
    `;
    const holder = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe" });
    const reader = holder.stdout.getReader();
    await reader.read();
    const refused = await codeOf(() => new RealDisk().lock(`${path}/LOCK`));
    expect(refused).toBe("DATA_DIRECTORY_UNUSABLE");
    expect(() => new RealDisk().lock(`${path}/LOCK`)).toThrow(`process ${holder.pid}`);
    holder.kill("SIGKILL");
    await holder.exited;
    const lock = new RealDisk().lock(`${path}/LOCK`);
    expect(readFileSync(`${path}/LOCK`, "utf8")).toBe(`${process.pid}\n`);
    lock.release();
  }));
