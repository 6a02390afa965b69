// Text in numbered steps, for what explains itself step by step.
// Leaves to others: what the steps say (explain-text.ts, explain-produce.ts).
import type { DumpItem } from "../inspection/fields.ts";
import { hexLines, type Paint } from "../inspection/hex.ts";
import { printable } from "../printable.ts";

/** Lines of text, in steps that are numbered. */
export class NumberedSteps {
  readonly #lines: string[] = [];
  readonly #paint: Paint;
  #count = 0;

  constructor(paint: Paint) {
    this.#paint = paint;
  }

  /** All lines, each with its newline. */
  get text(): string {
    return this.#lines.map((line) => `${line}\n`).join("");
  }

  /** Begins the next step. */
  step(text: string): void {
    this.#lines.push("", this.#paint("heading", printable(`${++this.#count}. ${text}`)));
  }

  heading(text: string): void {
    if (this.#lines.length > 0) this.#lines.push("");
    this.#lines.push(this.#paint("heading", printable(text)));
  }

  line(text: string): void {
    this.#lines.push(printable(`   ${text}`));
  }

  result(text: string): void {
    this.#lines.push(this.#paint("key", ` → ${printable(text)}`));
  }

  /** Something that is not as it should be. */
  damage(text: string): void {
    this.#lines.push(this.#paint("broken", ` ! ${printable(text)}`));
  }

  /** The fields of bytes, as a hex dump. */
  dump(items: Iterable<DumpItem>): void {
    for (const line of hexLines(items, this.#paint)) this.#lines.push(line);
  }
}
