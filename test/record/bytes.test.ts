import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { RustLogError } from "../../src/errors.js";
import {
  readI16,
  readI32,
  readI64,
  readU16,
  readU32,
  writeI32,
  writeI64,
  writeU16,
  writeU32,
} from "../../src/record/bytes.js";

describe("bytes", () => {
  test("agrees with DataView on every integer", () => {
    const at = fc.nat(7);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffff }), at, (value, at) => {
        const { bytes, view } = memory();
        writeU16(bytes, at, value);
        expect(view.getUint16(at)).toBe(value);
        expect(readU16(bytes, at)).toBe(value);
        expect(readI16(bytes, at)).toBe(view.getInt16(at));
      }),
    );
    fc.assert(
      fc.property(fc.integer({ min: -(2 ** 31), max: 2 ** 32 - 1 }), at, (value, at) => {
        const { bytes, view } = memory();
        if (value < 0) writeI32(bytes, at, value);
        else writeU32(bytes, at, value);
        expect(view.getInt32(at)).toBe(value | 0);
        expect(readI32(bytes, at)).toBe(value | 0);
        expect(readU32(bytes, at)).toBe(value >>> 0);
      }),
    );
    fc.assert(
      fc.property(fc.maxSafeInteger(), at, (value, at) => {
        const { bytes, view } = memory();
        writeI64(bytes, at, value);
        expect(view.getBigInt64(at)).toBe(BigInt(value));
        expect(readI64(bytes, at)).toBe(value);
      }),
    );
  });

  test.each([
    0,
    -1,
    2 ** 32 - 1,
    2 ** 32,
    -(2 ** 32),
    -(2 ** 32) - 1,
    Number.MAX_SAFE_INTEGER,
    Number.MIN_SAFE_INTEGER,
  ])("keeps %d in 64 bits", (value) => {
    const { bytes, view } = memory();
    writeI64(bytes, 3, value);
    expect(view.getBigInt64(3)).toBe(BigInt(value));
    expect(readI64(bytes, 3)).toBe(value);
  });

  test.each([2n ** 53n, 2n ** 63n - 1n, -(2n ** 53n), -(2n ** 63n)])(
    "refuses %d, which a number can't hold",
    (value) => {
      const { bytes, view } = memory();
      view.setBigInt64(0, value);
      expect(() => readI64(bytes, 0)).toThrow(RustLogError);
    },
  );
});

function memory(): { bytes: Uint8Array; view: DataView } {
  const bytes = new Uint8Array(16);
  return { bytes, view: new DataView(bytes.buffer) };
}
