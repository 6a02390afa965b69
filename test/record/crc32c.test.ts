import { describe, expect, test } from "bun:test";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { crc32c, tableCrc32c } from "../../src/record/crc32c.js";
import { withTempDir } from "../support/tmp.js";
import { hex } from "./batches.js";

const ISCSI_READ_PDU = hex(`
  01c00000 00000000 00000000 00000000 14000000 00000400 00000014 00000018
  28000000 00000000 02000000 00000000`);

describe("crc32c", () => {
  test.each([
    ["nothing", new Uint8Array(0), 0],
    ["32 bytes of zero", new Uint8Array(32), 0x8a9136aa],
    ["32 bytes of 0xff", new Uint8Array(32).fill(0xff), 0x62a8ab43],
    ["32 ascending bytes", Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
    ["32 descending bytes", Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113fdb5c],
    ["an iSCSI read command", ISCSI_READ_PDU, 0xd9963a56],
    ["the check value", new TextEncoder().encode("123456789"), 0xe3069283],
  ])("RFC 3720, B.4: %s", (_, bytes, expected) => {
    expect(crc32c(bytes, 0, bytes.length)).toBe(expected);
    expect(tableCrc32c(bytes, 0, bytes.length)).toBe(expected);
  });

  test("is the same by table, by native code and bit by bit, at any start", () => {
    const input = fc.uint8Array({ maxLength: 3000, size: "max" });
    fc.assert(
      fc.property(input, fc.nat(), fc.nat(), (bytes, from, to) => {
        const end = to % (bytes.length + 1);
        const start = from % (end + 1);
        const expected = bitwise(bytes.subarray(start, end));
        expect(tableCrc32c(bytes, start, end)).toBe(expected);
        expect(crc32c(bytes, start, end)).toBe(expected);
      }),
    );
  });

  test("stays within its bounds in a view of a larger buffer", () => {
    const whole = Uint8Array.from({ length: 4096 }, (_, i) => i * 31);
    const view = whole.subarray(1000, 3000);
    expect(crc32c(view, 7, 1900)).toBe(bitwise(whole.subarray(1007, 2900)));
  });

  test("uses the table if the native code can't be loaded", async () => {
    await withTempDir(async (dir) => {
      const broken = join(dir, "node_modules", "@node-rs", "crc32");
      mkdirSync(broken, { recursive: true });
      writeFileSync(join(broken, "index.js"), 'throw new Error("Failed to load native binding");');
      writeFileSync(
        join(broken, "package.json"),
        '{ "name": "@node-rs/crc32", "main": "index.js" }',
      );
      const source = new URL("../../src/record/crc32c.ts", import.meta.url).pathname;
      const copy = join(dir, "crc32c.ts");
      copyFileSync(source, copy);
      const degraded = (await import(copy)) as typeof import("../../src/record/crc32c.js");
      const bytes = Uint8Array.from({ length: 5000 }, (_, i) => i * 7);
      expect(degraded.crc32c(bytes, 0, bytes.length)).toBe(bitwise(bytes));
    });
  });
});

/** The definition, as simple as possible. */
function bitwise(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return ~crc >>> 0;
}
