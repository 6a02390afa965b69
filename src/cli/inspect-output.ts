// The output of `inspect`: lines, JSON objects and hex dumps, written as they are produced.
// Leaves to others: their content (inspect-log.ts, inspect-entries.ts).
//
// A batch of a few megabytes may expand to gigabytes of text. Only one buffer of it is in memory at a time, and the
// command ends when the reader closes the pipe, as `head` does.
import type { DumpItem } from "../inspection/fields.js";
import { hexLines, type Paint } from "../inspection/hex.js";
import { printable, printableJson } from "../printable.js";
import { paintForStdout } from "./colour.js";
import { ByteOutput, STDOUT, writeDescriptor } from "./output.js";

export interface InspectOptions {
  readonly isRecords: boolean;
  readonly isHex: boolean;
  readonly isJson: boolean;
  readonly from: number;
  readonly limit: number;
}

export class InspectOutput {
  /** Adds colours if stdout is a terminal. */
  readonly paint: Paint = paintForStdout();
  readonly #output = new ByteOutput(writeDescriptor(STDOUT));

  /** Whether the reader has closed the pipe. */
  get isClosed(): boolean {
    return this.#output.isClosed;
  }

  line(text: string): void {
    this.#output.text(`${text}\n`);
  }

  /** Writes a line that reports damage. */
  damage(text: string): void {
    this.line(this.paint("broken", printable(text)));
  }

  json(value: unknown): void {
    this.line(printableJson(value));
  }

  /** Writes an object as one line of JSON, with lists of any length as additional fields. */
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

  /** Writes lines as the iterable produces them. */
  async lines(lines: Iterable<string>): Promise<void> {
    for (const line of lines) {
      this.line(line);
      if (await this.isOver()) return;
    }
  }

  dump(items: Iterable<DumpItem>): Promise<void> {
    return this.lines(hexLines(items, this.paint));
  }

  /** Flushes if the buffer is full. Returns whether the reader has closed the pipe. */
  isOver(): boolean | Promise<boolean> {
    return this.#output.isFull ? this.#output.flush().then(() => this.isClosed) : this.isClosed;
  }

  /** Writes the rest. Throws the error of a failed write. */
  drain(): Promise<void> {
    return this.#output.drain();
  }
}
