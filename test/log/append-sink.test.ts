// What append-sink.ts relies on in Bun's file sinks, on real files: a release that behaves differently should fail
// here and not in someone's log.
import { describe, expect, test } from "bun:test";
import {
  closeSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
} from "node:fs";
import { AppendSink, OPEN_SINKS_MAX } from "../../src/log/disk/append-sink.js";
import { codeOf, settle } from "../support/log-fixture.js";
import { smallDisk } from "../support/small-disk.js";
import { withDirectoryOnDisk } from "../support/tmp.js";
import { until } from "../support/until.js";

const mayMount = ((): boolean => {
  using disk = smallDisk(1);
  return disk !== undefined;
})();

const HIGH_WATER_MARKS = [16 * 1024, 8 * 1024 * 1024];

/** Descriptors of this process that are open on `path`. */
function descriptorsOf(path: string): number {
  const { ino, dev } = statSync(path);
  return readdirSync("/proc/self/fd").filter((name) => {
    try {
      const stat = fstatSync(Number(name));
      return stat.ino === ino && stat.dev === dev;
    } catch {
      return false; // The descriptor of the listing itself.
    }
  }).length;
}

test("of many written files only the latest keep a sink, and none loses bytes", () =>
  withDirectoryOnDisk(async (path) => {
    const count = OPEN_SINKS_MAX + 20;
    const files = Array.from({ length: count }, (_, i) => {
      const fd = openSync(`${path}/${i}`, "a+");
      return { fd, sink: new AppendSink(fd), path: `${path}/${i}` };
    });
    const isKept = ({ path }: { path: string }): boolean => descriptorsOf(path) === 2;
    for (let round = 0; round < 2; round++) {
      for (const { sink } of files) await sink.write([new Uint8Array([round])]);
    }
    // The duplicates are closed on another thread.
    await until(() => files.slice(0, 20).every((file) => !isKept(file)));
    expect(files.slice(20).every(isKept)).toBe(true);
    for (const { fd, sink, path } of files) {
      expect([...readFileSync(path)]).toEqual([0, 1]);
      sink.end();
      closeSync(fd);
    }
  }));

describe("a sink of Bun", () => {
  test.each(HIGH_WATER_MARKS)(
    "with a high-water mark of %d writes before write or flush returns",
    (highWaterMark) =>
      withDirectoryOnDisk((path) => {
        const fd = openSync(`${path}/file`, "a+");
        const sink = Bun.file(fd).writer({ highWaterMark });
        let size = 0;
        for (const bytes of [1, 100, 16_383, 16_384, 1_000_000]) {
          expect(sink.write(new Uint8Array(bytes))).toBe(bytes);
          expect(sink.flush()).toBeNumber();
          size += bytes;
          expect(fstatSync(fd).size).toBe(size);
        }
        sink.end();
        closeSync(fd);
      }),
  );

  test("closes its descriptor when it ends, and writes nothing more", () =>
    withDirectoryOnDisk(async (path) => {
      const fd = openSync(`${path}/file`, "a+");
      const sink = Bun.file(fd).writer();
      sink.write(new Uint8Array(10));
      sink.flush();
      expect(descriptorsOf(`${path}/file`)).toBe(2);
      sink.end();
      ftruncateSync(fd, 3);
      await until(() => descriptorsOf(`${path}/file`) === 1);
      Bun.gc(true);
      await settle();
      expect(fstatSync(fd).size).toBe(3);
      closeSync(fd);
    }));

  test.skipIf(!mayMount).each(HIGH_WATER_MARKS)(
    "with a high-water mark of %d that failed on a full disk writes nothing after its end",
    async (highWaterMark) => {
      for (const bytes of [100, 100_000, 3_000_000]) {
        using disk = smallDisk(1)!;
        const path = `${disk.path}/file`;
        const fd = openSync(path, "a+");
        const sink = Bun.file(fd).writer({ highWaterMark });
        const fill = async (): Promise<void> => {
          for (;;) {
            await sink.write(new Uint8Array(bytes));
            await sink.flush();
          }
        };
        expect(await codeOf(fill)).toBe("ENOSPC");
        await codeOf(() => sink.end());
        // There is space now, and still nothing is written.
        ftruncateSync(fd, 10);
        await until(() => descriptorsOf(path) === 1);
        Bun.gc(true);
        await settle();
        expect(fstatSync(fd).size).toBe(10);
        closeSync(fd);
      }
    },
  );
});

describe("an append sink", () => {
  test.each([
    ["one small piece", [100]],
    ["one large piece", [1_000_000]],
    ["small pieces that share a write", [1, 50_000, 0, 128 * 1024, 7]],
    ["more small pieces than are copied together", Array.from({ length: 9 }, () => 100_000)],
    ["small pieces around large ones", [10, 300_000, 20, 30, 500_000, 128 * 1024 + 1]],
    ["nothing", []],
  ])("writes %s in order", (_name, sizes) =>
    withDirectoryOnDisk((path) => {
      const fd = openSync(`${path}/file`, "a+");
      const sink = new AppendSink(fd);
      const pieces = sizes.map((bytes, i) => new Uint8Array(bytes).fill(i + 1));
      for (let round = 0; round < 2; round++) expect(sink.write(pieces)).toBeUndefined();
      expect(
        Buffer.compare(readFileSync(`${path}/file`), Buffer.concat([...pieces, ...pieces])),
      ).toBe(0);
      sink.end();
      closeSync(fd);
    }),
  );

  test("continues after its end with a new sink", () =>
    withDirectoryOnDisk((path) => {
      const fd = openSync(`${path}/file`, "a+");
      const sink = new AppendSink(fd);
      sink.write([Buffer.from("one ")]);
      sink.end();
      sink.end();
      sink.write([Buffer.from("two")]);
      expect(readFileSync(`${path}/file`, "utf8")).toBe("one two");
      sink.end();
      closeSync(fd);
    }));

  test("reports a limit on file sizes, and the file is correct after a truncate", () =>
    withDirectoryOnDisk((path) => {
      const script = `
        import { RealDisk } from ${JSON.stringify(`${import.meta.dir}/../../src/log/disk/real-disk.ts`)};
        for (const bytes of [100, 20_000, 45_000]) {
          const file = new RealDisk().openAppend(${JSON.stringify(path)} + "/file");
          let good = 0;
          let code;
          while (code === undefined) {
            try {
              file.write(new Uint8Array(bytes).fill(1));
              file.write(new Uint8Array(10).fill(1));
              await file.push();
              good += bytes + 10;
            } catch (error) {
              code = error.code;
            }
          }
          file.truncate(good);
          file.truncate(5);
          file.write(new Uint8Array(5).fill(2));
          await file.push();
          await file.sync();
          console.log(code, good <= 102_400, file.size, new RealDisk().readFile(file.path).join(""));
          file.truncate(0);
          file.close();
        }
      `;
      // 100 blocks of 1,024 bytes. Without the trap the signal SIGXFSZ would end the process.
      const child = Bun.spawnSync([
        "bash",
        "-c",
        `ulimit -f 100; trap '' XFSZ; exec "$0" -e "$1"`,
        process.execPath,
        script,
      ]);
      expect(child.stderr.toString()).toBe("");
      expect(child.stdout.toString()).toBe("EFBIG true 10 1111122222\n".repeat(3));
    }));
});
