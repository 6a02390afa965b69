// One record as a search reads it: its bytes, their text without capitals, and its value as JSON; each made once, however many
// conditions ask for it.
// Leaves to others: what is searched for (record-match.ts).
import { SEARCHED_JSON_BYTES_MAX, SEARCHED_TEXT_BYTES_MAX } from "../../limits.js";
import type { RecordCursor } from "../../record/cursor.js";

const NO_TEXT = Buffer.alloc(0);

export class RecordReading {
  /** The bytes that the record is part of. */
  text: Buffer = NO_TEXT;
  #buffer: Uint8Array | undefined;
  #valueStart = -1;
  #valueEnd = -1;
  #json: { readonly value: unknown } | "none" | "large" | undefined;
  readonly #lowered = new Map<number, Buffer>();

  /** Reads the current record of the cursor; returns whether its bytes are others than those of the record before. */
  begin(cursor: RecordCursor): boolean {
    const { buffer } = cursor;
    this.#valueStart = cursor.valueStart;
    this.#valueEnd = cursor.valueEnd;
    this.#json = undefined;
    if (this.#lowered.size > 0) this.#lowered.clear();
    if (this.#buffer === buffer) return false;
    this.#buffer = buffer;
    this.text = Buffer.from(buffer.buffer, buffer.byteOffset, buffer.length);
    return true;
  }

  release(): void {
    this.#buffer = undefined;
    this.text = NO_TEXT;
    this.#json = undefined;
    this.#lowered.clear();
  }

  has(needle: Buffer, start: number, end: number): boolean {
    return this.text.subarray(start, end).includes(needle);
  }

  /** Undefined for a part that is too long. */
  hasLower(lower: Buffer, start: number, end: number): boolean | undefined {
    if (end - start > SEARCHED_TEXT_BYTES_MAX) return undefined;
    if (start === end) return false;
    let lowered = this.#lowered.get(start);
    if (lowered === undefined) {
      // Of strings, `includes` takes a second where a long text nearly occurs everywhere.
      lowered = Buffer.from(this.text.toString("utf8", start, end).toLowerCase());
      this.#lowered.set(start, lowered);
    }
    return lowered.includes(lower);
  }

  /** The bytes of the value; undefined if it is null. */
  get valueBytes(): Buffer | undefined {
    return this.#valueStart < 0 ? undefined : this.text.subarray(this.#valueStart, this.#valueEnd);
  }

  /** The value as JSON. `none`: it is null, or not JSON. `large`: it is too long to be parsed. */
  json(): { readonly value: unknown } | "none" | "large" {
    this.#json ??= parsed(this.valueBytes);
    return this.#json;
  }
}

function parsed(bytes: Buffer | undefined): { readonly value: unknown } | "none" | "large" {
  if (bytes === undefined) return "none";
  if (bytes.length > SEARCHED_JSON_BYTES_MAX) return "large";
  try {
    return { value: JSON.parse(bytes.toString("utf8")) };
  } catch {
    return "none";
  }
}
