// A table whose rows are kept by key and updated in place, so that the focus, the selection and the scroll position stay.
// It scrolls in its own box, where its head and its first column, which names the row, stay.
// Leaves to others: which rows there are, and their order, unless a head is clicked.
import { button, element, setText } from "./dom.js";
import { shortText } from "./names.js";
import type { Pager } from "./pager.js";

export interface Column<Row> {
  readonly name: string;
  readonly title: string;
  /** The text of a cell. */
  readonly text: (row: Row) => string;
  /** Where the cell leads; undefined if nowhere. */
  readonly href?: (row: Row) => string | undefined;
  /** Fills a cell that is more than text; called when its text has changed. */
  readonly fill?: (cell: HTMLElement, row: Row) => void;
  /** How rows compare. Without it the column can be sorted by only if the owner of the table does that. */
  readonly compare?: (a: Row, b: Row) => number;
  /** Whether the owner sorts the rows, in `onOrder`. */
  readonly isSortedOutside?: boolean;
  /** Numbers are aligned to the right, and their largest comes first. */
  readonly isNumber?: boolean;
  /** Left out where there is no room for all columns. */
  readonly isExtra?: boolean;
}

/** The order of the rows: the name of a column, with `-` before it for descending. */
type Order = string;

interface TableOptions<Row> {
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly keyOf: (row: Row) => string;
  readonly order?: Order;
  /** Shows a page of the rows at a time; set its page before the rows. */
  readonly pager?: Pager;
  /** A head was clicked; the rows are in the new order already. */
  readonly onOrder?: (order: Order) => void;
}

interface Line {
  readonly root: HTMLTableRowElement;
  readonly cells: readonly HTMLTableCellElement[];
  readonly texts: (string | undefined)[];
}

export class Table<Row> {
  readonly root: HTMLElement;
  readonly #options: TableOptions<Row>;
  readonly #body = element("tbody");
  readonly #heads: readonly HTMLTableCellElement[];
  readonly #lines = new Map<string, Line>();
  #order: Order;
  #rows: readonly Row[] = [];

  constructor(options: TableOptions<Row>) {
    const { caption, columns, order = "" } = options;
    this.#options = options;
    this.#order = order;
    this.#heads = columns.map((column, i) => this.#head(column, kindOf(column, i)));
    const head = element("thead", {}, element("tr", {}, ...this.#heads));
    const table = element("table", {}, element("caption", {}, caption), head, this.#body);
    this.root = element(
      "div",
      { class: "table", tabindex: 0, role: "region", "aria-label": caption },
      table,
    );
    this.#markOrder();
  }

  set order(order: Order) {
    if (this.#order === order) return;
    this.#order = order;
    this.#markOrder();
    this.show(this.#rows);
  }

  /** Shows these rows in an order. */
  showIn(order: Order, rows: readonly Row[]): void {
    this.#order = order;
    this.#markOrder();
    this.show(rows);
  }

  /** Whether there is such an order: an address may have any. */
  has(order: Order): boolean {
    return this.#heads.some(({ dataset }) => dataset.column === order.replace(/^-/, ""));
  }

  /** Shows these rows, in this order unless the table has its own. */
  show(rows: readonly Row[]): void {
    this.#rows = rows;
    const { keyOf, pager } = this.#options;
    const sorted = this.#sorted(rows);
    const shown = pager === undefined ? sorted : pager.cut(sorted);
    const keys = new Set(shown.map(keyOf));
    for (const [key, { root }] of this.#lines) {
      if (keys.has(key)) continue;
      root.remove();
      this.#lines.delete(key);
    }
    let at = this.#body.firstElementChild;
    for (const row of shown) {
      const key = keyOf(row);
      let line = this.#lines.get(key);
      if (line === undefined) {
        line = this.#line();
        this.#lines.set(key, line);
      }
      this.#fill(line, row);
      // Moving a row takes the focus from it, so only those that are elsewhere are moved.
      if (at === line.root) at = at.nextElementSibling;
      else this.#body.insertBefore(line.root, at);
    }
  }

  /** Whether somebody points at a row, or has the focus in one. */
  get isInUse(): boolean {
    return this.#body.matches(":hover") || this.#body.contains(document.activeElement);
  }

  /** The line of a row, to mark it as the current one. */
  lineOf(key: string): HTMLTableRowElement | undefined {
    return this.#lines.get(key)?.root;
  }

  #sorted(rows: readonly Row[]): readonly Row[] {
    const name = this.#order.replace(/^-/, "");
    const compare = this.#options.columns.find((column) => column.name === name)?.compare;
    if (compare === undefined) return rows;
    const sign = this.#order.startsWith("-") ? -1 : 1;
    return rows.toSorted((a, b) => sign * compare(a, b));
  }

  #head(column: Column<Row>, kind: string): HTMLTableCellElement {
    const { name, title, compare, isSortedOutside = false } = column;
    if (compare === undefined && !isSortedOutside)
      return element("th", { scope: "col", class: kind }, title);
    const sorter = button(title, () => this.#sortBy(column), { class: "quiet" });
    return element("th", { scope: "col", class: kind, "data-column": name }, sorter);
  }

  #sortBy({ name, isNumber = false }: Column<Row>): void {
    const first = isNumber ? `-${name}` : name;
    const second = isNumber ? name : `-${name}`;
    this.order = this.#order === first ? second : first;
    this.#options.onOrder?.(this.#order);
  }

  #markOrder(): void {
    for (const head of this.#heads) {
      const { column } = head.dataset;
      if (column === undefined) continue;
      const isIt = this.#order.replace(/^-/, "") === column;
      if (isIt) head.ariaSort = this.#order.startsWith("-") ? "descending" : "ascending";
      else head.removeAttribute("aria-sort");
    }
  }

  #line(): Line {
    const cells = this.#options.columns.map((column, i) =>
      element("td", { class: kindOf(column, i) }),
    );
    return { root: element("tr", {}, ...cells), cells, texts: [] };
  }

  #fill({ cells, texts }: Line, row: Row): void {
    for (const [i, { text, href, fill }] of this.#options.columns.entries()) {
      const cell = cells[i];
      const now = text(row);
      if (cell === undefined || texts[i] === now) continue;
      texts[i] = now;
      if (fill !== undefined) fill(cell, row);
      else {
        const target = href?.(row);
        const short = shortText(now);
        if (short !== now) cell.title = now;
        else cell.removeAttribute("title");
        if (target === undefined) setText(cell, short);
        else cell.replaceChildren(element("a", { href: target }, short));
      }
    }
  }
}

/** The classes of a cell. */
function kindOf<Row>({ isNumber, isExtra }: Column<Row>, at: number): string {
  const kinds = [at === 0 && "name", isNumber === true && "number", isExtra === true && "extra"];
  return kinds.filter((kind) => kind !== false).join(" ");
}
