// What `inspect` prints: lines, JSON objects and hex dumps, written while they are made.
// Leaves to others: what is in them (inspect-log.ts, inspect-entries.ts).
//
// A batch of a few megabytes may unfold to gigabytes of text: no more of that than a buffer is in memory, and a
// reader that goes away, such as `head`, ends it.
import type { DumpItem } from "../inspection/fields.ts";
import { hexLines, type Paint } from "../inspection/hex.ts";
import { printable, printableJson } from "../printable.ts";
import { paintForStdout } from "./colour.ts";
import { ByteOutput, STDOUT, writeDescriptor } from "./output.ts";

/** What is shown of a file, and how. */
export interface InspectOptions {
  readonly isRecords: boolean;
  readonly isHex: boolean;
  readonly isJson: boolean;
  readonly from: number;
  readonly limit: number;
}

/** The standard output of one `inspect`. */
export class InspectOutput {
  /** Colours, if there is a terminal. */
  readonly paint: Paint = paintForStdout();
  readonly #output = new ByteOutput(writeDescriptor(STDOUT));

  /** Whether nobody reads any more. */
  get isClosed(): boolean {
    return this.#output.isClosed;
  }

  line(text: string): void {
    this.#output.text(`${text}\n`);
  }

  /** What is broken, as a line. */
  damage(text: string): void {
    this.line(this.paint("broken", printable(text)));
  }

  /** A value, as a line of JSON. */
  json(value: unknown): void {
    this.line(printableJson(value));
  }

  /** An object and, as further fields of it, lists of any length, as a line of JSON. */
  async jsonWithLists(
    value: object,
    lists: Readonly<Record<string, Iterable<unknown>>>,
  ): Promise<void> {
    this.#output.text(printableJson(value).slice(0, -1));
    for (const [name, items] of Object.entries(lists)) {
      this.#output.text(`,${JSON.stringify(name)}:[`);
      let comma = "";
      for (const item of items) {
        this.#output.text(`${comma}${printableJson(item)}`);
        comma = ",";
        if (await this.isOver()) return;
      }
      this.#output.text("]");
    }
    this.#output.text("}\n");
  }

  /** Lines that are made one by one. */
  async lines(lines: Iterable<string>): Promise<void> {
    for (const line of lines) {
      this.line(line);
      if (await this.isOver()) return;
    }
  }

  dump(items: Iterable<DumpItem>): Promise<void> {
    return this.lines(hexLines(items, this.paint));
  }

  /** Writes what has gathered when it is time to; whether nobody reads any more. */
  isOver(): boolean | Promise<boolean> {
    return this.#output.isFull ? this.#output.flush().then(() => this.isClosed) : this.isClosed;
  }

  /** Writes the rest. Throws the error of a write. */
  drain(): Promise<void> {
    return this.#output.drain();
  }
}
