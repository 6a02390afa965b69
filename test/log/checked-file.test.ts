// A checked file: what is written can be read, and nothing else passes for it.
import { expect, test } from "bun:test";
import { crc32c } from "../../src/record/crc32c.js";
import {
  decodeCheckedFile,
  encodeCheckedFile,
  encodeCheckedLists,
} from "../../src/log/disk/checked-file.js";

const FORMAT = { versionField: "version", version: 1, fields: ["name", "settings"] };
const FIELDS = { name: "orders", settings: { "retention.ms": "1000", größe: "ü" } };

const text = (content: string): Uint8Array => new TextEncoder().encode(content);

test("a written file can be read, also by a person", () => {
  const bytes = encodeCheckedFile(FORMAT, { name: "orders", settings: {} });
  const rest = text('{"version":1,"name":"orders","settings":{}}');
  const crc = crc32c(rest, 0, rest.length).toString(16).padStart(8, "0");
  expect(new TextDecoder().decode(bytes)).toBe(
    `{\n  "version": 1,\n  "name": "orders",\n  "settings": {},\n  "crc32c": "${crc}"\n}\n`,
  );
  const fields = { version: 1, name: "orders", settings: {} };
  expect(decodeCheckedFile(FORMAT, bytes)).toEqual({ fields, hasChecksum: true });
});

test("a flipped bit is found, whichever it is", () => {
  const bytes = encodeCheckedFile(FORMAT, FIELDS);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = bytes.slice();
    flipped[bit >>> 3]! ^= 1 << (bit & 7);
    expect(() => decodeCheckedFile(FORMAT, flipped)).toThrow();
  }
});

test("a truncated file is found, wherever it ends", () => {
  const bytes = encodeCheckedFile(FORMAT, FIELDS);
  // Without its last newline it says the same.
  for (let end = 0; end < bytes.length - 1; end++) {
    expect(() => decodeCheckedFile(FORMAT, bytes.subarray(0, end))).toThrow("it is not JSON");
  }
});

test("a file without a checksum is read and marked so; white space does not count", () => {
  const fields = { version: 1, ...FIELDS };
  const plain = text(JSON.stringify(fields));
  expect(decodeCheckedFile(FORMAT, plain)).toEqual({ fields, hasChecksum: false });
  const checked = JSON.parse(new TextDecoder().decode(encodeCheckedFile(FORMAT, FIELDS)));
  const dense = text(JSON.stringify(checked));
  expect(decodeCheckedFile(FORMAT, dense)).toEqual({ fields, hasChecksum: true });
});

test.each([
  ["", "it is not JSON"],
  ["[]", "it is not a JSON object"],
  ["null", "it is not a JSON object"],
  ["1", "it is not a JSON object"],
  ['{"name":"a"}', "version is undefined, and this release reads 1"],
  ['{"version":"1"}', "version is 1, and this release reads 1"],
  ['{"version":1,"name":"a","size":2}', 'it has an unknown field "size"'],
  ['{"version":1,"crc32c":1}', "but it states 1"],
  ['{"version":1,"crc32c":null}', "but it states null"],
])("%j is refused: %s", (content, reason) => {
  expect(() => decodeCheckedFile(FORMAT, text(content))).toThrow(reason);
});

test("a newer version with a valid checksum is refused by its number", () => {
  const newer = encodeCheckedFile({ ...FORMAT, version: 2 }, { ...FIELDS, more: true });
  expect(() => decodeCheckedFile(FORMAT, newer)).toThrow("version is 2, and this release reads 1");
});

test("lists are written a line for each item, and others get turns meanwhile", async () => {
  const format = { versionField: "version", version: 1, fields: ["users", "acls"] };
  const lists = { users: [], acls: Array.from({ length: 5_000 }, (_, i) => ({ name: `ü${i}` })) };
  let turns = 0;
  const count = (): void => {
    turns++;
    next = setImmediate(count);
  };
  let next = setImmediate(count);
  const bytes = await encodeCheckedLists(format, lists);
  clearImmediate(next);
  expect(turns).toBeGreaterThan(5);
  const read = decodeCheckedFile(format, bytes);
  expect(read).toEqual({ fields: { version: 1, ...lists }, hasChecksum: true });
  expect(new TextDecoder().decode(bytes)).toContain('\n{"name":"ü0"}\n,{"name":"ü1"}\n');
});
