// Bytes cut into fields that have names: what an annotated hex dump is made of.
// Leaves to others: which fields there are (batch-fields.ts, record-fields.ts, index-entries.ts,
// snapshot-entries.ts), and how they are printed (hex.ts).

/** What kind of field it is: for colours. `broken` bytes are no field of anything. */
export type FieldRole = "header" | "length" | "time" | "key" | "value" | "name" | "broken";

export interface Field {
  readonly kind: "field";
  /** Where they start: in the file, or in the decompressed records of a batch. */
  readonly position: number;
  readonly bytes: Uint8Array;
  readonly name: string;
  /** What they say; undefined for data, which is shown as text beside its bytes. */
  readonly text: string | undefined;
  readonly role: FieldRole;
}

/** A line above the fields that it introduces. */
export interface Heading {
  readonly kind: "heading";
  /** 0 for a batch, 1 for what is in it. */
  readonly level: 0 | 1;
  readonly text: string;
  /** Whether it tells of damage. */
  readonly isBroken: boolean;
}

/** What a dump is made of. */
export type DumpItem = Field | Heading;

export function heading(level: 0 | 1, text: string, isBroken = false): Heading {
  return { kind: "heading", level, text, isBroken };
}

/** The same as JSON, one by one: bytes in hexadecimal. */
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
