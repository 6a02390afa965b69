// One topic: its partitions in rows, at most a page of them at a time, so that a topic with hundreds does not push the
// others away. A section that opens by itself may begin with a few rows only. A row is created when it comes into view.
// Leaves to others: a row (row.ts), and which topics there are (topic-rows.ts).
import { button, element, setText } from "../parts/dom.js";
import { countOf, formatBytes, formatCount } from "../parts/format.js";
import { shortText } from "../parts/names.js";
import type { TopicState } from "../wire.js";
import type { Row } from "./row.js";

/** Rows of a topic at a time. */
export const ROWS_SHOWN_MAX = 20;

interface SectionHost {
  /** Calls `onSeen` whenever an element comes into view or leaves it. */
  observe(place: HTMLElement, onSeen: (isVisible: boolean) => void): void;
  unobserve(place: HTMLElement): void;
  makeRow(topic: string, partition: number): Row;
}

interface Place {
  readonly root: HTMLElement;
  row: Row | undefined;
}

export class TopicSection {
  topic: TopicState;
  readonly root: HTMLDetailsElement;
  readonly #host: SectionHost;
  readonly #sum = element("span", { class: "sum" });
  readonly #places = new Map<number, Place>();
  /** Made when the section is first opened: most topics never are. */
  #body: HTMLElement | undefined;
  #pager: PartitionPager | undefined;
  readonly #more = button("", () => this.#showMore(), { class: "more" });
  /** The first partition that has a place. */
  #from = 0;
  /** Rows at a time. */
  #rowsMax = ROWS_SHOWN_MAX;

  /** Opens at first with `rows` rows; stays closed with 0. */
  constructor(topic: TopicState, rows: number, host: SectionHost) {
    this.topic = topic;
    this.#host = host;
    this.root = element(
      "details",
      { class: "topic", open: rows > 0 },
      element(
        "summary",
        {},
        element("h2", { title: topic.name }, shortText(topic.name)),
        this.#sum,
      ),
    );
    this.root.addEventListener("toggle", () => this.#toggled());
    if (rows === 0) return;
    this.#rowsMax = rows;
    this.#page(0);
  }

  /** Rows that the section takes now. */
  get rowsShown(): number {
    return this.root.open && !this.root.hidden ? this.#places.size : 0;
  }

  /** The rows created so far. */
  *rows(): Iterable<Row> {
    for (const { row } of this.#places.values()) if (row !== undefined) yield row;
  }

  /** Something about the topic has changed; its size is `bytes` now. */
  changed(bytes: number): void {
    // All rows share one scale, so growth of one may change the others.
    for (const row of this.rows()) row.changed();
    const kind = this.topic.internal ? "internal, " : "";
    const partitions = countOf(this.topic.partitions, "partition");
    setText(this.#sum, `${kind}${partitions}, ${formatBytes(bytes)}`);
  }

  /** Takes a newer state of the topic: it may have more partitions, or other ones that are offline. */
  alter(topic: TopicState): void {
    const isSame =
      topic.partitions === this.topic.partitions &&
      JSON.stringify(topic.offline) === JSON.stringify(this.topic.offline);
    this.topic = topic;
    if (!isSame && this.#places.size > 0) this.#page(this.#from);
  }

  /** Opens the section where this partition is. Returns its row; undefined if it has none. */
  reveal(partition: number): Row | undefined {
    this.root.open = true;
    if (!this.#places.has(partition) && partition < this.topic.partitions) {
      this.#rowsMax = ROWS_SHOWN_MAX;
      this.#page(Math.floor(partition / ROWS_SHOWN_MAX) * ROWS_SHOWN_MAX);
    }
    return this.row(partition);
  }

  /** Scrolls to a partition, also to one that is offline and so has no row. */
  bring(partition: number): void {
    this.reveal(partition);
    this.#places.get(partition)?.root.scrollIntoView({ block: "center" });
  }

  /** The row of a partition, created if it has a place. */
  row(partition: number): Row | undefined {
    const place = this.#places.get(partition);
    const isOffline = this.topic.offline.some((each) => each.partition === partition);
    if (place === undefined || isOffline) return undefined;
    if (place.row === undefined) {
      place.row = this.#host.makeRow(this.topic.name, partition);
      place.root.replaceChildren(place.row.root);
    }
    return place.row;
  }

  remove(): void {
    this.root.remove();
    this.#clear();
  }

  #toggled(): void {
    if (this.root.open && this.#places.size === 0) this.#page(0);
  }

  /** Shows a whole page instead of the few rows with which it opened. The focus goes to the first row that was added. */
  #showMore(): void {
    const first = this.reveal(this.#places.size);
    first?.focus();
  }

  /** Shows the rows from a partition on. */
  #page(from: number): void {
    const { topic } = this;
    this.#clear();
    this.#from = Math.max(0, Math.min(from, topic.partitions - 1));
    const end = Math.min(this.#from + this.#rowsMax, topic.partitions);
    for (let i = this.#from; i < end; i++) {
      const root = element("div", { class: "place", "data-partition": i });
      const offline = topic.offline.find(({ partition }) => partition === i);
      if (offline !== undefined) {
        const text = `partition ${i} is offline: ${offline.reason}`;
        root.append(element("p", { class: "failure" }, text));
      }
      this.#places.set(i, { root, row: undefined });
      this.#host.observe(root, (isVisible) => {
        const row = isVisible ? this.row(i) : this.#places.get(i)?.row;
        row?.setVisible(isVisible);
      });
    }
    if (this.#body === undefined) {
      this.#body = element("div");
      this.root.append(this.#body);
    }
    const isFew = this.#rowsMax < Math.min(topic.partitions, ROWS_SHOWN_MAX);
    const more = Math.min(topic.partitions, ROWS_SHOWN_MAX) - this.#rowsMax;
    setText(this.#more, `Show ${more} more of ${countOf(topic.partitions, "partition")}`);
    const shown = [...this.#places.values()].map(({ root }) => root);
    this.#body.replaceChildren(...shown, ...(isFew ? [this.#more] : []));
    if (isFew) return;
    if (this.#pager === undefined && topic.partitions > ROWS_SHOWN_MAX) {
      this.#pager = new PartitionPager({
        page: (first) => this.#page(first),
        goTo: (wanted) => this.bring(wanted),
      });
      this.#body.before(this.#pager.root);
    }
    this.#pager?.show(this.#from, end, topic.partitions);
  }

  #clear(): void {
    for (const { root, row } of this.#places.values()) {
      this.#host.unobserve(root);
      row?.setVisible(false);
    }
    this.#places.clear();
  }
}

interface PagerHost {
  /** Shows the rows from a partition on. */
  page(from: number): void;
  goTo(partition: number): void;
}

/** Leads through the partitions of a topic that has more than a page of them. */
class PartitionPager {
  readonly root = element("form", { class: "pager" });
  readonly #range = element("span", { role: "status" });
  readonly #previous: HTMLButtonElement;
  readonly #next: HTMLButtonElement;
  readonly #wanted = element("input", { type: "number", name: "row", min: 0, step: 1 });
  #from = 0;

  constructor({ page, goTo }: PagerHost) {
    this.#previous = button("Previous", () => page(this.#from - ROWS_SHOWN_MAX), {
      "aria-label": "Previous partitions",
    });
    this.#next = button("Next", () => page(this.#from + ROWS_SHOWN_MAX), {
      "aria-label": "Next partitions",
    });
    const wanted = element("label", {}, element("span", {}, "go to"), this.#wanted);
    this.root.append(this.#range, this.#previous, this.#next, wanted);
    this.root.addEventListener("submit", (event) => event.preventDefault());
    this.#wanted.addEventListener("change", () => {
      if (this.#wanted.value !== "" && this.#wanted.checkValidity())
        goTo(this.#wanted.valueAsNumber);
    });
  }

  show(from: number, end: number, partitions: number): void {
    this.#from = from;
    const [first, last] = [formatCount(from), formatCount(end - 1)];
    setText(this.#range, `partitions ${first} – ${last} of ${formatCount(partitions)}`);
    this.#previous.disabled = from === 0;
    this.#next.disabled = end === partitions;
    this.#wanted.max = String(partitions - 1);
  }
}
