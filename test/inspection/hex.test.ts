// The annotated dump: its fields cover all bytes in order, match the cursor, and are readable.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { batchFields } from "../../src/inspection/batch-fields.js";
import type { DumpItem, Field } from "../../src/inspection/fields.js";
import { coloured, HEX_COLUMNS_MAX, hexLines } from "../../src/inspection/hex.js";
import { BATCH_HEADER_BYTES, CODECS, FIELD } from "../../src/record/batch.js";
import { RecordCursor } from "../../src/record/cursor.js";
import { anyRecords, batchOf, encodeBatch, hex, readAll, record } from "../record/batches.js";

function fieldsOf(batch: Uint8Array, end = batch.length): Field[] {
  const items: DumpItem[] = [...batchFields(batch, 0, end, 0)];
  return items.filter((item) => item.kind === "field");
}

const codec = fc.constantFrom(...CODECS);

test("property: the fields cover all bytes in order and match what the cursor reads", () => {
  fc.assert(
    fc.property(anyRecords, codec, (records, codecName) => {
      const batch = encodeBatch(records, { codec: codecName });
      const fields = fieldsOf(batch);
      const inFile = codecName === "none" ? fields : fields.slice(0, 14);
      expect(Buffer.concat(inFile.map(({ bytes }) => bytes)).equals(batch)).toBe(true);
      let position = 0;
      for (const field of inFile) {
        expect(field.position).toBe(position);
        position += field.bytes.length;
      }
      expect(fields.some(({ role }) => role === "broken")).toBe(false);
      const cursor = new RecordCursor().reset(batch);
      const expected = readAll(cursor).flatMap(({ key, value, headers }) => [
        ...[key, value].map((data) => data ?? new Uint8Array(0)),
        ...headers.flatMap((header) => [
          new TextEncoder().encode(header.name),
          header.value ?? new Uint8Array(0),
        ]),
      ]);
      const data = fields.slice(13 + (codecName === "none" ? 0 : 1));
      const found = data.filter(({ text }) => text === undefined).map(({ bytes }) => bytes);
      expect(Buffer.concat(found).equals(Buffer.concat(expected))).toBe(true);
      for (const line of hexLines(fields)) expect(line.length).toBeLessThanOrEqual(HEX_COLUMNS_MAX);
    }),
    { numRuns: 60 },
  );
});

test("every header field is shown with its name in the format", () => {
  const names = fieldsOf(encodeBatch([record({})])).map(({ name }) => name);
  expect(names.slice(0, 13)).toEqual(Object.keys(FIELD).slice(0, 13));
});

describe("damaged bytes", () => {
  test("property: any bytes can be dumped", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), (bytes) => {
        const shown = fieldsOf(bytes);
        const [first] = shown;
        expect(first?.position).toBe(0);
        for (const line of hexLines(batchFields(bytes, 0, bytes.length, 0))) {
          expect(line.length).toBeLessThanOrEqual(HEX_COLUMNS_MAX);
        }
      }),
    );
  });

  test("a wrong CRC shows both values", () => {
    const batch = encodeBatch([record({ value: "hello" })]);
    batch[batch.length - 2]! ^= 1;
    const crc = fieldsOf(batch).find(({ name }) => name === "crc");
    expect(crc?.text).toMatch(/^0x\w{8} WRONG: 0x\w{8}$/);
    expect(crc?.role).toBe("broken");
  });

  test("an inconsistent record is shown up to the fault, then as bytes", () => {
    const batch = batchOf(hex("0e 00 00 00 01 02 61 00 7f 7f"), 2);
    const items = [...batchFields(batch, 0, batch.length, 0)];
    const broken = items.filter((item) => item.kind === "heading" && item.isBroken);
    expect(broken).toEqual([
      expect.objectContaining({ text: expect.stringContaining("record 1 at position 69: ") }),
    ]);
    const last = items.at(-1);
    expect(last).toMatchObject({ name: "not a record", role: "broken", position: 70 });
  });

  test("a record count that differs from the header is reported", () => {
    const batch = batchOf(hex("0e 00 00 00 01 02 61 00"), 2);
    const last = [...batchFields(batch, 0, batch.length, 0)].at(-1);
    const text = "the header states 2 records, but there are 1";
    expect(last).toMatchObject({ kind: "heading", isBroken: true, text });
  });

  test("a truncated header is shown as far as it goes", () => {
    const batch = encodeBatch([record({ value: "hello" })]);
    expect(fieldsOf(batch, 19).at(-1)).toMatchObject({
      name: "crc",
      text: "cut off",
      role: "broken",
    });
    expect(fieldsOf(batch, BATCH_HEADER_BYTES)).toHaveLength(13);
  });
});

test("colours change only the colours; a star replaces repeated lines", () => {
  const batch = encodeBatch([record({ value: "a".repeat(100) })]);
  const lines = [...hexLines(batchFields(batch, 0, batch.length, 0))];
  const painted = [...hexLines(batchFields(batch, 0, batch.length, 0), coloured)];
  const unpainted = painted.map((line) => Bun.stripANSI(line).trimEnd());
  expect(unpainted).toEqual(lines);
  expect(painted.join("\n")).toContain("\u001b[36m");
  expect(lines.filter((line) => line === "*")).toHaveLength(1);
});
