// The fields of the records of a batch, in the order in which they stand, with their bytes.
// Leaves to others: reading records for what they say (record/cursor.ts): this is for looking at the bytes, of
// broken records too. (Layout of a record: record/encoder.ts.)
import { VarintReader } from "../record/varint.ts";
import { reasonOf } from "../log/disk/disk.ts";
import { type DumpItem, type Field, type FieldRole, heading } from "./fields.ts";

/** What the records of a batch are relative to. */
export interface RecordFrame {
  readonly baseOffset: number;
  /** In milliseconds. */
  readonly baseTimestamp: number;
  /** How many the header says that they are. */
  readonly recordCount: number;
}

/**
 * The fields of the records in `bytes[start, end)`, of which the first stands at `position`. Where a record does
 * not add up the rest is one broken field, and the heading above it says why. Unless `isWhole`, the bytes are the first
 * of more: a record that is cut off is no damage.
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
        yield heading(1, "the records go on; the rest is not decompressed here");
        return;
      }
      yield heading(1, `record ${index} at position ${position + from}: ${reasonOf(error)}`, true);
      yield walk.rest();
      return;
    }
  }
  if (index === frame.recordCount || !isWhole) return;
  yield heading(
    1,
    `the header says ${frame.recordCount}, but the records that are here are ${index}`,
    true,
  );
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

  /** The fields of the next record. */
  *record(frame: RecordFrame): Generator<Field, void> {
    let [value, field] = this.#varint("length", (length) => `${length} bytes follow`);
    yield field;
    const end = this.at + value;
    if (value < 0 || end > this.#bytes.length)
      throw new Error(`a length of ${value} is impossible`);
    yield this.#data("attributes", 1, "header", String(this.#bytes[this.at]));
    [value, field] = this.#varlong("timestampDelta", (delta) => timeText(delta, frame));
    yield field;
    [value, field] = this.#varint("offsetDelta", (delta) => offsetText(delta, frame));
    yield field;
    yield* this.#sized("key", "key", end);
    yield* this.#sized("value", "value", end);
    [value, field] = this.#varint("headerCount", String);
    yield field;
    if (value < 0) throw new Error(`${value} headers are impossible`);
    for (let header = 0; header < value; header++) {
      yield* this.#sized(`header ${header} name`, "name", end);
      yield* this.#sized(`header ${header} value`, "value", end);
    }
    if (this.at !== end) throw new Error(`its fields end ${end - this.at} bytes before its length`);
  }

  /** All bytes that are left, as what they are. */
  rest(): Field {
    return this.#field(this.at, this.#bytes.length, "no record", undefined, "broken");
  }

  *#sized(name: string, role: FieldRole, end: number): Generator<Field, void> {
    const [length, field] = this.#varint(`${name} length`, (n) =>
      n === -1 ? "-1 (null)" : String(n),
    );
    yield field;
    if (length < -1 || this.at + length > end) {
      throw new Error(`the length of its ${name}, ${length}, is impossible`);
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
