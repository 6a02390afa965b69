// Named fields of bytes, from which an annotated hex dump is made.
// Leaves to others: the fields of each format (batch-fields.ts, record-fields.ts, index-entries.ts,
// snapshot-entries.ts), and printing (hex.ts).

/** The kind of a field, which selects its colour. `broken` bytes belong to no field. */
export type FieldRole = "header" | "length" | "time" | "key" | "value" | "name" | "broken";

export interface Field {
  readonly kind: "field";
  /** Start of the bytes: in the file, or in the decompressed records of a batch. */
  readonly position: number;
  readonly bytes: Uint8Array;
  readonly name: string;
  /** The meaning of the bytes; undefined for data, which is shown as text instead. */
  readonly text: string | undefined;
  readonly role: FieldRole;
}

/** A line above the fields that it introduces. */
interface Heading {
  readonly kind: "heading";
  /** 0 for a batch, 1 for its parts. */
  readonly level: 0 | 1;
  readonly text: string;
  /** Whether the line reports damage. */
  readonly isBroken: boolean;
}

export type DumpItem = Field | Heading;

export function heading(level: 0 | 1, text: string, isBroken = false): Heading {
  return { kind: "heading", level, text, isBroken };
}

/** Fields as JSON objects, with bytes in hexadecimal. */
export function* jsonFields(items: Iterable<DumpItem>): Generator<object, void> {
  for (const item of items) {
    if (item.kind === "heading") {
      yield { heading: item.text };
      continue;
    }
    const { position, bytes, name, text } = item;
    const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");
    yield { position, hex, name, ...(text === undefined ? {} : { text }) };
  }
}
