// The fields of a batch's records in file order, with their bytes, also of damaged records.
// Leaves to others: reading records as data (record/cursor.ts). The layout of a record is in record/encoder.ts.
import { VarintReader } from "../record/varint.js";
import { reasonOf } from "../log/disk/disk.js";
import { type DumpItem, type Field, type FieldRole, heading } from "./fields.js";

/** The base values of a batch's records. */
export interface RecordFrame {
  readonly baseOffset: number;
  /** In milliseconds. */
  readonly baseTimestamp: number;
  /** The record count stated by the header. */
  readonly recordCount: number;
}

/**
 * The fields of the records in `bytes[start, end)`, whose first byte is at `position`. From the first inconsistent
 * record on, the rest is one broken field under a heading that says why. Unless `isWhole`, the bytes are a prefix, and
 * a record that is cut off is not damage.
 */
export function* recordFields(
  bytes: Uint8Array,
  start: number,
  end: number,
  position: number,
  frame: RecordFrame,
  isWhole = true,
): Generator<DumpItem, void> {
  const walk = new FieldWalk(bytes.subarray(start, end), position);
  let index = 0;
  for (; !walk.isDone; index++) {
    const from = walk.at;
    yield heading(1, `record ${index}`);
    try {
      yield* walk.record(frame);
    } catch (error) {
      if (!isWhole) {
        yield heading(1, "more records follow; they are not decompressed here");
        return;
      }
      yield heading(1, `record ${index} at position ${position + from}: ${reasonOf(error)}`, true);
      yield walk.rest();
      return;
    }
  }
  if (index === frame.recordCount || !isWhole) return;
  yield heading(1, `the header states ${frame.recordCount} records, but there are ${index}`, true);
}

class FieldWalk {
  readonly #bytes: Uint8Array;
  readonly #position: number;
  readonly #reader = new VarintReader();

  constructor(bytes: Uint8Array, position: number) {
    this.#bytes = bytes;
    this.#position = position;
    this.#reader.bytes = bytes;
  }

  get at(): number {
    return this.#reader.position;
  }

  get isDone(): boolean {
    return this.at >= this.#bytes.length;
  }

  *record(frame: RecordFrame): Generator<Field, void> {
    let [value, field] = this.#varint("length", (length) => `${length} bytes follow`);
    yield field;
    const end = this.at + value;
    if (value < 0 || end > this.#bytes.length) throw new Error(`invalid length ${value}`);
    yield this.#data("attributes", 1, "header", String(this.#bytes[this.at]));
    [value, field] = this.#varlong("timestampDelta", (delta) => timeText(delta, frame));
    yield field;
    [value, field] = this.#varint("offsetDelta", (delta) => offsetText(delta, frame));
    yield field;
    yield* this.#sized("key", "key", end);
    yield* this.#sized("value", "value", end);
    [value, field] = this.#varint("headerCount", String);
    yield field;
    if (value < 0) throw new Error(`invalid number of headers ${value}`);
    for (let header = 0; header < value; header++) {
      yield* this.#sized(`header ${header} name`, "name", end);
      yield* this.#sized(`header ${header} value`, "value", end);
    }
    if (this.at !== end)
      throw new Error(`its fields end ${end - this.at} bytes before the end given by its length`);
  }

  /** All remaining bytes, as one broken field. */
  rest(): Field {
    return this.#field(this.at, this.#bytes.length, "not a record", undefined, "broken");
  }

  *#sized(name: string, role: FieldRole, end: number): Generator<Field, void> {
    const [length, field] = this.#varint(`${name} length`, (n) =>
      n === -1 ? "-1 (null)" : String(n),
    );
    yield field;
    if (length < -1 || this.at + length > end) {
      throw new Error(`invalid length of ${name}: ${length}`);
    }
    if (length > 0) yield this.#data(name, length, role, undefined);
  }

  #varint(name: string, text: (value: number) => string): [number, Field] {
    const from = this.at;
    const value = this.#reader.readVarint();
    const role = name === "offsetDelta" ? "header" : "length";
    return [value, this.#field(from, this.at, name, text(value), role)];
  }

  #varlong(name: string, text: (value: number) => string): [number, Field] {
    const from = this.at;
    const value = this.#reader.readVarlong();
    return [value, this.#field(from, this.at, name, text(value), "time")];
  }

  #data(name: string, length: number, role: FieldRole, text: string | undefined): Field {
    const from = this.at;
    this.#reader.position = from + length;
    return this.#field(from, this.at, name, text, role);
  }

  #field(from: number, to: number, name: string, text: string | undefined, role: FieldRole): Field {
    const bytes = this.#bytes.subarray(from, to);
    return { kind: "field", position: this.#position + from, bytes, name, text, role };
  }
}

function timeText(delta: number, frame: RecordFrame): string {
  return `${delta} (timestamp ${frame.baseTimestamp + delta})`;
}

function offsetText(delta: number, frame: RecordFrame): string {
  return `${delta} (offset ${frame.baseOffset + delta})`;
}
