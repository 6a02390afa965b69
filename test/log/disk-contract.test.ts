// What storage relies on in a disk, held against the real one and the simulated one alike.
import { describe, expect, test } from "bun:test";
import { type Disk, joinPath, replaceFile, systemErrorCode } from "../../src/log/disk/disk.js";
import { RealDisk } from "../../src/log/disk/real-disk.js";
import { codeOf } from "../support/log-fixture.js";
import { Random } from "../support/random.js";
import { SimulatedDisk } from "../support/simulated-disk.js";
import { withDirectoryOnDisk } from "../support/tmp.js";

const text = (content: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(content);

type Run = (body: (disk: Disk, root: string) => void | Promise<void>) => Promise<void>;

const disks: readonly [string, Run][] = [
  ["real", (body) => withDirectoryOnDisk((path) => body(new RealDisk(), path))],
  [
    "simulated",
    async (body) => {
      const disk = new SimulatedDisk(new Random(1));
      disk.makeDirectory("root");
      await body(disk, "root");
    },
  ],
  [
    "simulated, with slow pushes",
    async (body) => {
      const disk = new SimulatedDisk(new Random(2));
      disk.slowPushes = 1;
      disk.makeDirectory("root");
      await body(disk, "root");
    },
  ],
];

describe.each(disks)("%s disk", (_name, run) => {
  const fileTest = (name: string, body: (disk: Disk, path: string) => void | Promise<void>): void =>
    test(name, () => run((disk, root) => body(disk, joinPath(root, "file"))));

  fileTest("what is appended can be read once it is pushed", async (disk, path) => {
    const file = disk.openAppend(path);
    expect(file.size).toBe(0);
    expect(disk.fileSize(path)).toBe(0);
    file.write(text("hello "));
    file.write(text("world"));
    expect(file.size).toBe(0);
    await file.push();
    expect(file.size).toBe(11);
    expect(disk.fileSize(path)).toBe(11);
    expect(disk.readFile(path)).toEqual(text("hello world"));
    file.close();
  });

  fileTest("reads are by position, and short at the end", async (disk, path) => {
    const file = disk.openAppend(path);
    file.write(text("0123456789"));
    await file.push();
    const into = new Uint8Array(4);
    expect(file.read(into, 3)).toBe(4);
    expect(into).toEqual(text("3456"));
    expect(file.read(into, 8)).toBe(2);
    expect(into.subarray(0, 2)).toEqual(text("89"));
    expect(file.read(into, 10)).toBe(0);
    expect(file.read(into, 99)).toBe(0);
    file.close();
  });

  fileTest("a file that is there is appended to", async (disk, path) => {
    for (const part of ["one", "two", "three"]) {
      const file = disk.openAppend(path);
      file.write(text(part));
      await file.push();
      await file.sync();
      file.close();
    }
    expect(disk.readFile(path)).toEqual(text("onetwothree"));
  });

  fileTest("many writes of all sizes keep their order", async (disk, path) => {
    const random = new Random(7);
    const file = disk.openAppend(path);
    const expected: number[] = [];
    for (let i = 0; i < 60; i++) {
      const size = random.pick([0, 1, 7, 1000, 70_000]);
      const bytes = new Uint8Array(size).fill(i + 1);
      for (const byte of bytes) expected.push(byte);
      file.write(bytes);
      if (random.chance(0.3)) await file.push();
    }
    await file.push();
    expect(file.size).toBe(expected.length);
    expect(
      Buffer.compare(disk.readFile(path) ?? new Uint8Array(0), Uint8Array.from(expected)),
    ).toBe(0);
    file.close();
  });

  fileTest("a write that is larger than every buffer arrives whole", async (disk, path) => {
    const bytes = new Random(3).bytes(1_000_000);
    const file = disk.openAppend(path);
    file.write(text("before"));
    file.write(bytes);
    file.write(text("after"));
    await file.push();
    expect(file.size).toBe(bytes.length + 11);
    expect(Buffer.compare((disk.readFile(path) ?? bytes).subarray(6, -5), bytes)).toBe(0);
    file.close();
  });

  fileTest(
    "truncate cuts, forgets what was not pushed, and appends go on there",
    async (disk, path) => {
      const file = disk.openAppend(path);
      file.write(text("0123456789"));
      await file.push();
      file.write(text("never to be seen"));
      file.truncate(4);
      expect(file.size).toBe(4);
      file.write(text("abc"));
      await file.push();
      expect(file.size).toBe(7);
      await file.sync();
      file.close();
      expect(disk.readFile(path)).toEqual(text("0123abc"));
    },
  );

  fileTest("a push of nothing does nothing", async (disk, path) => {
    const file = disk.openAppend(path);
    await file.push();
    await file.push();
    expect(file.size).toBe(0);
    file.close();
  });

  fileTest("closing twice is harmless, also while a flush is under way", async (disk, path) => {
    const file = disk.openAppend(path);
    file.write(text("x"));
    await file.push();
    const flushed = file.sync();
    file.close();
    file.close();
    await flushed;
    expect(disk.readFile(path)).toEqual(text("x"));
  });

  fileTest("a mapping shows the whole file and survives its removal", async (disk, path) => {
    await disk.writeFile(path, text("mapped"));
    const mapping = disk.map(path);
    disk.remove(path);
    expect(Uint8Array.from(mapping)).toEqual(text("mapped"));
  });

  fileTest("an empty file and a missing one can't be mapped", async (disk, path) => {
    expect(await codeOf(() => disk.map(path))).toBe("ENOENT");
    await disk.writeFile(path, new Uint8Array(0));
    expect(() => disk.map(path)).toThrow();
  });

  fileTest("writeFile creates, replaces by more and by less", async (disk, path) => {
    for (const content of ["middle size", "a longer content than before", "", "x"]) {
      await disk.writeFile(path, text(content));
      expect(disk.readFile(path)).toEqual(text(content));
    }
  });

  fileTest("replaceFile leaves the new content and nothing beside it", async (disk, path) => {
    const directory = path.slice(0, path.lastIndexOf("/"));
    await replaceFile(disk, directory, "file", text("old"));
    await replaceFile(disk, directory, "file", text("new"));
    expect(disk.readFile(path)).toEqual(text("new"));
    expect(disk.list(directory)).toEqual(["file"]);
  });

  fileTest("the time of a file is that of its last write", async (disk, path) => {
    expect(disk.modifiedMs(path)).toBeUndefined();
    const file = disk.openAppend(path);
    const created = disk.modifiedMs(path)!;
    file.write(Uint8Array.of(1));
    await file.push();
    file.close();
    const written = disk.modifiedMs(path)!;
    expect(written).toBeGreaterThanOrEqual(created);
    expect(disk.readFile(path)?.length).toBe(1);
    expect(disk.modifiedMs(path)).toBe(written);
  });

  fileTest("what is missing is undefined, also below a file", async (disk, path) => {
    expect(disk.readFile(path)).toBeUndefined();
    expect(disk.fileSize(path)).toBeUndefined();
    await disk.writeFile(path, text("x"));
    expect(disk.readFile(`${path}/below`)).toBeUndefined();
    expect(disk.fileSize(`${path}/below`)).toBeUndefined();
    expect(disk.list(`${path}/below`)).toEqual([]);
  });

  fileTest("a file in a missing directory can't be opened", async (disk, path) => {
    expect(await codeOf(() => disk.openAppend(`${path}/missing/file`))).toBe("ENOENT");
    expect(await codeOf(() => disk.writeFile(`${path}/missing/file`, text("x")))).toBe("ENOENT");
  });

  test("list is sorted, and empty for a missing directory", () =>
    run(async (disk, root) => {
      for (const name of ["b", "a", "C", "10", "9"])
        await disk.writeFile(joinPath(root, name), text(name));
      disk.makeDirectory(joinPath(root, "directory"));
      expect(disk.list(root)).toEqual(["10", "9", "C", "a", "b", "directory"]);
      expect(disk.list(joinPath(root, "none"))).toEqual([]);
    }));

  test("a directory is not a file", () =>
    run((disk, root) => {
      disk.makeDirectory(`${root}/directory`);
      expect(disk.fileSize(`${root}/directory`)).toBeUndefined();
      expect(disk.readFile(`${root}/directory`)).toBeUndefined();
    }));

  test("makeDirectory creates parents too, and may be repeated", () =>
    run(async (disk, root) => {
      disk.makeDirectory(`${root}/a/b/c`);
      disk.makeDirectory(`${root}/a/b/c`);
      expect(disk.list(`${root}/a/b`)).toEqual(["c"]);
      await disk.syncDirectory(`${root}/a/b`);
    }));

  test("rename moves files and directories, and replaces a file", () =>
    run(async (disk, root) => {
      await disk.writeFile(`${root}/from`, text("content"));
      await disk.writeFile(`${root}/to`, text("replaced"));
      disk.rename(`${root}/from`, `${root}/to`);
      expect(disk.list(root)).toEqual(["to"]);
      expect(disk.readFile(`${root}/to`)).toEqual(text("content"));
      disk.makeDirectory(`${root}/old/below`);
      disk.rename(`${root}/old`, `${root}/new`);
      expect(disk.list(`${root}/new`)).toEqual(["below"]);
      expect(await codeOf(() => disk.rename(`${root}/none`, `${root}/other`))).toBe("ENOENT");
    }));

  test("rename does not replace a directory that is not empty", () =>
    run(async (disk, root) => {
      disk.makeDirectory(`${root}/full/below`);
      disk.makeDirectory(`${root}/other`);
      expect(await codeOf(() => disk.rename(`${root}/other`, `${root}/full`))).toBe("ENOTEMPTY");
      expect(disk.list(root)).toEqual(["full", "other"]);
    }));

  test("remove and removeDirectory do nothing if the path is missing", () =>
    run(async (disk, root) => {
      disk.makeDirectory(`${root}/directory/below`);
      await disk.writeFile(`${root}/directory/below/file`, text("x"));
      await disk.writeFile(`${root}/file`, text("x"));
      disk.remove(`${root}/file`);
      disk.remove(`${root}/file`);
      await disk.removeDirectory(`${root}/directory`);
      await disk.removeDirectory(`${root}/directory`);
      expect(disk.list(root)).toEqual([]);
    }));

  test("a lock has one holder at a time", () =>
    run((disk, root) => {
      const first = disk.lock(`${root}/LOCK`);
      expect(() => disk.lock(`${root}/LOCK`)).toThrow(`${root}/LOCK is held`);
      first.release();
      disk.lock(`${root}/LOCK`).release();
    }));

  test("system errors have a code", () =>
    run((disk, root) => {
      try {
        disk.openAppend(root);
        throw new Error("a directory was opened for append");
      } catch (error) {
        expect(systemErrorCode(error)).toBe("EISDIR");
      }
    }));
});
