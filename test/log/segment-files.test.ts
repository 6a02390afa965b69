import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  baseOffsetOfLogName,
  parseSegmentFileName,
  segmentFileName,
} from "../../src/log/segment/segment-files.js";

test("a file is named by its base offset in 20 digits and its kind", () => {
  expect(segmentFileName(42, "log")).toBe("00000000000000000042.log");
  expect(segmentFileName(0, "index")).toBe("00000000000000000000.index");
  expect(segmentFileName(Number.MAX_SAFE_INTEGER, "timeindex")).toBe(
    "00009007199254740991.timeindex",
  );
});

test("names are parsed back and sort like their offsets", () => {
  const offset = fc.nat(Number.MAX_SAFE_INTEGER);
  const kind = fc.constantFrom("log", "index", "timeindex", "snapshot");
  fc.assert(
    fc.property(offset, offset, kind, (a, b, kind) => {
      const name = segmentFileName(a, kind);
      expect(parseSegmentFileName(name)).toEqual({ offset: a, kind });
      expect(baseOffsetOfLogName(name)).toBe(kind === "log" ? a : undefined);
      expect(segmentFileName(a, kind) < segmentFileName(b, kind)).toBe(a < b);
    }),
  );
});

test.each([
  "",
  "42.log",
  "00000000000000000042",
  "00000000000000000042.logs",
  "00000000000000000042.log.tmp",
  "x00000000000000000042.log",
  "0000000000000000004a.log",
  "-0000000000000000042.log",
  "000000000000000000042.log",
  "00000000000000000042.LOG",
  // Beyond the safe integers.
  "00009007199254740992.log",
  "99999999999999999999.log",
])("%j is not a file of a segment", (name) => {
  expect(parseSegmentFileName(name)).toBeUndefined();
  expect(baseOffsetOfLogName(name)).toBeUndefined();
});
