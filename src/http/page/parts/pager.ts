// Shows many rows a page at a time, so that thousands cost as much as a hundred.
// Leaves to others: the rows (table.ts), and the address of a page.
import { button, element, setText } from "./dom.js";
import { countOf, formatCount } from "./format.js";

/** Rows of a page. */
const PAGE_ROWS = 100;

interface PagerOptions {
  /** What the rows are: `topic`. */
  readonly noun: string;
  /** Whether to say how many rows there are when all of them fit on one page. */
  readonly saysAll?: boolean;
  /** The person asks for another page; the caller sets `page`. */
  readonly turn: (page: number) => void;
}

export class Pager {
  readonly root: HTMLElement;
  readonly #options: PagerOptions;
  readonly #sum = element("p", { class: "sum", role: "status" });
  readonly #back = button("Previous", () => this.#options.turn(this.#shown - 1));
  readonly #on = button("Next", () => this.#options.turn(this.#shown + 1));
  #page = 1;
  #shown = 1;

  constructor(options: PagerOptions) {
    this.#options = options;
    this.root = element("div", { class: "actions pager" }, this.#sum, this.#back, this.#on);
  }

  /** The number of the page, as an address has it; null for the first. */
  set page(text: string | null) {
    this.#page = Number(text) || 1;
  }

  /** The rows of the page, or of the last one. Says which they are, and that there are `more` beside all rows. */
  cut<Row>(rows: readonly Row[], more = ""): readonly Row[] {
    const { noun, saysAll = false } = this.#options;
    const pages = Math.max(1, Math.ceil(rows.length / PAGE_ROWS));
    this.#shown = Math.min(pages, Math.max(1, Math.floor(this.#page)));
    const first = (this.#shown - 1) * PAGE_ROWS;
    const shown = rows.slice(first, first + PAGE_ROWS);
    this.#back.disabled = this.#shown === 1;
    this.#on.disabled = this.#shown === pages;
    this.#back.hidden = pages === 1;
    this.#on.hidden = pages === 1;
    const all = countOf(rows.length, noun);
    const range = `${formatCount(first + 1)} – ${formatCount(first + shown.length)} of ${all}`;
    setText(this.#sum, shown.length === 0 ? "" : (pages === 1 ? all : range) + more);
    this.root.hidden = pages === 1 && !saysAll;
    return shown;
  }
}

/** The number of a page for an address: the first one is not named. */
export function pageText(page: number): string {
  return page === 1 ? "" : String(page);
}
