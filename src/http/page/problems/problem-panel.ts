// The list of what is wrong. Rows are updated in place, so that the focus and the mouse stay where they are.
// Leaves to others: the sentences (problem-words.ts), and opening and closing it (problem-status.ts).
import { element, setText } from "../parts/dom.js";
import { countOf, formatAge, formatBytes } from "../parts/format.js";
import { type ProblemWords, SIGNS, wordsOf } from "./problem-words.js";
import type { Problem, ProblemList } from "./problem-wire.js";

export class ProblemPanel {
  readonly root = element("div");
  readonly #good = element("p", {}, "The broker knows of nothing that is wrong.");
  readonly #list = element("ol");
  readonly #more = element("p", { class: "muted" });
  readonly #state = element("p", { class: "muted" });
  readonly #unknown = element("p", {}, "The broker does not respond: it is not known how it is.");
  readonly #rows: Row[] = [];

  /** `isWhole` tells that the visitor may know everything. */
  constructor(isWhole: boolean) {
    this.#unknown.hidden = true;
    this.root.append(this.#unknown, this.#good, this.#list, this.#more, this.#state);
    if (!isWhole) setText(this.#state, "Only topics and groups that you may see count here.");
  }

  /** `list` is undefined while the broker does not respond. */
  show(list: ProblemList | undefined, bytesPerSecond: number | undefined): void {
    for (const part of [this.#good, this.#list, this.#more, this.#state]) {
      part.hidden = list === undefined;
    }
    this.#unknown.hidden = list !== undefined;
    if (list === undefined) return;
    const { problems, counts, nowMs, disk, startedMs } = list;
    const rate = bytesPerSecond === undefined ? {} : { bytesPerSecond };
    for (const [i, problem] of problems.entries()) {
      const row = this.#rows[i] ?? new Row();
      row.show(problem, wordsOf(problem, { nowMs, ...rate }));
      this.#rows[i] = row;
      if (row.root.parentNode === null) this.#list.append(row.root);
    }
    for (const row of this.#rows.splice(problems.length)) row.root.remove();
    const others = counts.error + counts.warning + counts.note - problems.length;
    this.#good.hidden = counts.error + counts.warning > 0;
    this.#more.hidden = others === 0;
    setText(this.#more, `and ${countOf(others, "more", "more")}`);
    if (startedMs === null) return;
    const free =
      disk === null
        ? ""
        : `${formatBytes(disk.usableBytes)} of ${formatBytes(disk.totalBytes)} on the disk are free. `;
    setText(this.#state, `${free}The broker has been up for ${formatAge(nowMs - startedMs)}.`);
  }
}

class Row {
  readonly #sign = element("span", { class: "sign" });
  readonly #what = element("strong");
  readonly #next = element("span");
  readonly #link = element("a");
  readonly #since = element("span", { class: "muted" });
  readonly root = element(
    "li",
    {},
    this.#sign,
    element("p", {}, this.#what),
    element("p", {}, this.#next, " ", this.#link, " ", this.#since),
  );

  show({ severity }: Problem, { what, next, link, since }: ProblemWords): void {
    this.root.dataset.level = severity;
    setText(this.#sign, SIGNS[severity]);
    this.#sign.ariaLabel = severity;
    this.#sign.role = "img";
    setText(this.#what, what);
    setText(this.#next, next);
    this.#link.hidden = link === undefined;
    setText(this.#link, link?.text ?? "");
    const href = link?.href ?? "";
    if (this.#link.getAttribute("href") !== href) this.#link.href = href;
    setText(this.#since, since?.text ?? "");
    this.#since.title = since?.time ?? "";
  }
}
