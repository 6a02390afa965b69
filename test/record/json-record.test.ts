// A record as JSON in pieces, against the same at once. Leaves to others: what the JSON is (test/cli/json-record.test.ts).
import { expect, test } from "bun:test";
import { formatJsonPieces, formatJsonRecord } from "../../src/record/json-record.js";

const PLACE = { topic: "t", partition: 1, offset: 7, timestamp: 1_700_000_000_000 };
const KiB = 1024;

test.each([
  ["short", "key", "value", "v"],
  ["with long texts", "é".repeat(70 * KiB), "a日🙂\n\u0007\u202e".repeat(20 * KiB), "v"],
  ["with a long byte order mark", "\ufeff".repeat(50 * KiB), "\ufeffvalue", "\ufeff"],
  ["with long bytes", Buffer.alloc(200 * KiB, 0xff), Buffer.alloc(64 * KiB, 0xfe), "v"],
  ["with a long header", null, "value", Buffer.alloc(130 * KiB, "header ")],
])("a record %s is the same in pieces", (_, key, value, header) => {
  const bytes = (text: string | Buffer | null) => (text === null ? null : Buffer.from(text));
  const record = {
    ...PLACE,
    ...{ key: bytes(key), value: bytes(value) },
    headers: [
      { name: "n", value: bytes(header) },
      { name: "\ufffd", nameBytes: Buffer.of(0xff), value: null },
    ],
  };
  const pieces = [...formatJsonPieces(record)];
  expect(pieces.join("") === formatJsonRecord(record)).toBe(true);
  expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(400 * KiB);
});
