// Text in numbered steps, for `explain`.
// Leaves to others: the text of the steps (explain-text.ts, explain-produce.ts).
import type { DumpItem } from "../inspection/fields.js";
import { hexLines, type Paint } from "../inspection/hex.js";
import { printable } from "../printable.js";

export class NumberedSteps {
  readonly #lines: string[] = [];
  readonly #paint: Paint;
  #count = 0;

  constructor(paint: Paint) {
    this.#paint = paint;
  }

  get text(): string {
    return this.#lines.map((line) => `${line}\n`).join("");
  }

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

  damage(text: string): void {
    this.#lines.push(this.#paint("broken", ` ! ${printable(text)}`));
  }

  dump(items: Iterable<DumpItem>): void {
    for (const line of hexLines(items, this.#paint)) this.#lines.push(line);
  }
}
