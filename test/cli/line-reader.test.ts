// Splitting input gives the same records for any chunks.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { CliError } from "../../src/cli/exit.js";
import { LineReader, NEWLINE, NUL, type ReadInto } from "../../src/cli/line-reader.js";

/** A source that returns `bytes` in pieces of the given lengths, repeatedly. */
function sourceOf(bytes: Uint8Array, pieces: readonly number[]): ReadInto {
  let at = 0;
  let turn = 0;
  return async (buffer, start, length) => {
    const piece = pieces[turn++ % pieces.length]!;
    const count = Math.min(length, piece, bytes.length - at);
    buffer.set(bytes.subarray(at, at + count), start);
    at += count;
    return count;
  };
}

async function recordsOf(
  read: ReadInto,
  options: Partial<ConstructorParameters<typeof LineReader>[1]> = {},
): Promise<Uint8Array[]> {
  const reader = new LineReader(read, { delimiter: NEWLINE, recordBytesMax: 1000, ...options });
  const records: Uint8Array[] = [];
  while (await reader.fill()) {
    while (reader.next()) records.push(Uint8Array.from(reader.record()));
  }
  expect(reader.count).toBe(records.length);
  return records;
}

/** The simplest form of the rule: split, and ignore a delimiter at the very end. */
function split(bytes: Uint8Array, delimiter: number): Uint8Array[] {
  const records: Uint8Array[] = [];
  let start = 0;
  for (const [at, byte] of bytes.entries()) {
    if (byte !== delimiter) continue;
    records.push(bytes.slice(start, at));
    start = at + 1;
  }
  if (start < bytes.length) records.push(bytes.slice(start));
  return records;
}

describe("LineReader", () => {
  const text = async (input: string): Promise<string[]> => {
    const records = await recordsOf(sourceOf(new TextEncoder().encode(input), [3]));
    return records.map((record) => new TextDecoder().decode(record));
  };

  test("empty lines are records; a trailing newline adds none", async () => {
    expect(await text("")).toEqual([]);
    expect(await text("\n")).toEqual([""]);
    expect(await text("a")).toEqual(["a"]);
    expect(await text("a\n")).toEqual(["a"]);
    expect(await text("\na\n\nb")).toEqual(["", "a", "", "b"]);
    expect(await text("a\r\nb\r\n")).toEqual(["a\r", "b\r"]);
  });

  test("property: any bytes, pieces and buffer size give the same records as a simple split", async () => {
    const byte = fc.oneof(fc.constantFrom(NEWLINE, NUL), fc.integer({ min: 0, max: 255 }));
    const bytes = fc.array(byte, { maxLength: 200 }).map((array) => Uint8Array.from(array));
    const pieces = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(
        bytes,
        pieces,
        fc.integer({ min: 1, max: 64 }),
        fc.constantFrom(NEWLINE, NUL),
        async (input, lengths, bufferBytes, delimiter) => {
          const options = { delimiter, bufferBytes };
          expect(await recordsOf(sourceOf(input, lengths), options)).toEqual(
            split(input, delimiter),
          );
        },
      ),
    );
  });

  test("a record of exactly the maximum is accepted; one byte more is refused with its number", async () => {
    const input = (length: number): Uint8Array =>
      new TextEncoder().encode(`ok\n${"x".repeat(length)}\n`);
    const options = { recordBytesMax: 100, bufferBytes: 8 };
    expect(await recordsOf(sourceOf(input(100), [7]), options)).toHaveLength(2);
    await expect(recordsOf(sourceOf(input(101), [7]), options)).rejects.toThrow(
      "line 2 of the input is longer than 100 bytes",
    );
  });

  test("an endless record is refused with bounded memory", async () => {
    let asked = 0;
    const endless: ReadInto = async (buffer, start, length) => {
      asked += length;
      buffer.fill(1, start, start + length);
      return length;
    };
    const refused = recordsOf(endless, { recordBytesMax: 10_000, bufferBytes: 16 });
    await expect(refused).rejects.toBeInstanceOf(CliError);
    expect(asked).toBeLessThan(50_000);
  });
});

describe("a byte order mark at the start of the input", () => {
  const text = Uint8Array.from(Buffer.from("\ufeffa\n\ufeffb\n"));

  test.each([1, 2, 3, 4, 100])("is skipped once, in pieces of %p bytes", async (piece) => {
    const records = await recordsOf(sourceOf(text, [piece]), { skipsMark: true });
    expect(records.map((record) => Buffer.from(record).toString())).toEqual(["a", "\ufeffb"]);
  });

  test.each([1, 2])("is not recognized when only %p of its bytes are there", async (bytes) => {
    const part = text.subarray(0, bytes);
    expect(await recordsOf(sourceOf(part, [1]), { skipsMark: true })).toEqual([part.slice()]);
  });

  test("is kept unless it is to be skipped", async () => {
    expect((await recordsOf(sourceOf(text, [100])))[0]).toHaveLength(4);
  });
});
