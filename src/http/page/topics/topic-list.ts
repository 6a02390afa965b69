// The list of topics: filtered, in a chosen order, and a page at a time, so that thousands of topics cost what a hundred cost.
// Leaves to others: a topic by itself (topic-page.ts), the numbers (model.ts).
import { compareNaturally } from "../../../natural-order.js";
import { button, element, setText } from "../parts/dom.js";
import { emptyState, link } from "../parts/empty.js";
import { filterInput, toggle } from "../parts/fields.js";
import { countOf, formatAgo, formatBytes, formatCount } from "../parts/format.js";
import { type Column, Table } from "../parts/table.js";
import { hrefOf, type Route } from "../router.js";
import type { PageContext } from "../view.js";
import type { TopicState } from "../wire.js";
import { recordsText } from "./consequences.js";
import { retentionText } from "./setting-text.js";

/** A topic with its sums. */
interface TopicRow {
  readonly topic: TopicState;
  readonly records: number;
  readonly bytes: number;
  /** Per second; undefined while it is not known. */
  readonly recordsIn: number | undefined;
  readonly bytesIn: number | undefined;
  readonly newestMs: number | null;
}

/** Rows of a page. */
const PAGE_ROWS = 100;

const DEFAULT_ORDER = "name";

const COLUMNS: readonly Column<TopicRow>[] = [
  {
    ...{ name: "name", title: "topic" },
    text: ({ topic }) => topic.name,
    href: ({ topic }) => hrefOf("topics", [topic.name]),
    compare: (a, b) => compareNaturally(a.topic.name, b.topic.name),
  },
  {
    ...{ name: "partitions", title: "partitions", isNumber: true, isExtra: true },
    text: ({ topic: { partitions, offline } }) =>
      offline.length === 0
        ? formatCount(partitions)
        : `${formatCount(partitions)} (${formatCount(offline.length)} offline)`,
    compare: (a, b) => a.topic.partitions - b.topic.partitions,
  },
  {
    ...{ name: "records", title: "records", isNumber: true, isExtra: true },
    text: ({ topic, records }) => recordsText(records, topic.cleanup.includes("compact")),
    compare: (a, b) => a.records - b.records,
  },
  {
    ...{ name: "size", title: "size", isNumber: true },
    text: ({ bytes }) => formatBytes(bytes),
    compare: (a, b) => a.bytes - b.bytes,
  },
  {
    ...{ name: "records-in", title: "records/s in", isNumber: true, isExtra: true },
    text: ({ recordsIn }) => (recordsIn === undefined ? "–" : rateText(recordsIn)),
    compare: (a, b) => (a.recordsIn ?? 0) - (b.recordsIn ?? 0),
  },
  {
    ...{ name: "bytes-in", title: "bytes/s in", isNumber: true },
    text: ({ bytesIn }) => (bytesIn === undefined ? "–" : `${formatBytes(Math.round(bytesIn))}/s`),
    compare: (a, b) => (a.bytesIn ?? 0) - (b.bytesIn ?? 0),
  },
  {
    ...{ name: "newest", title: "newest record", isNumber: true, isExtra: true },
    text: ({ newestMs }) => formatAgo(newestMs),
    compare: (a, b) => (a.newestMs ?? -1) - (b.newestMs ?? -1),
  },
  {
    ...{ name: "cleanup", title: "cleanup", isExtra: true },
    text: ({ topic: { cleanup } }) => (cleanup === "" ? "none" : cleanup.replace(",", ", ")),
    compare: (a, b) => compareNaturally(a.topic.cleanup, b.topic.cleanup),
  },
  {
    ...{ name: "retention", title: "retention", isExtra: true },
    text: ({ topic }) => retentionText(topic),
    compare: (a, b) => retentionOf(a.topic) - retentionOf(b.topic),
  },
];

export class TopicList {
  readonly root: HTMLElement;
  readonly #context: PageContext;
  readonly #filter = filterInput("Filter topics", (filter) => this.#replace({ filter, page: "" }));
  readonly #internal = toggle("internal topics", "internal", (isOn) =>
    this.#replace({ internal: isOn ? "1" : "", page: "" }),
  );
  readonly #table = new Table<TopicRow>({
    caption: "Topics",
    columns: COLUMNS.map(({ compare: _, ...column }) => ({ ...column, isSortedOutside: true })),
    keyOf: ({ topic }) => topic.id + topic.name,
    order: DEFAULT_ORDER,
    onOrder: (order) => this.#replace({ order: order === DEFAULT_ORDER ? "" : order, page: "" }),
  });
  readonly #sum = element("p", { class: "sum", role: "status" });
  readonly #back = button("Previous", () => this.#turn(-1));
  readonly #on = button("Next", () => this.#turn(1));
  readonly #pager = element("div", { class: "actions pager" }, this.#sum, this.#back, this.#on);
  readonly #empty = element("div");
  readonly #create: () => void;
  /** Where each topic was in the last order. */
  #places = new Map<string, number>();
  #query = new URLSearchParams();

  constructor(context: PageContext, create: () => void) {
    this.#context = context;
    this.#create = create;
    const actions = context.session.mayCreateTopics
      ? [element("div", { class: "actions" }, button("Create a topic", create))]
      : [];
    this.#filter.addEventListener("keydown", ({ key }) => {
      if (key === "Enter") this.#openFirst();
    });
    this.root = element(
      "section",
      { class: "topic-list" },
      element(
        "div",
        { class: "view-head" },
        element("h2", {}, "Topics"),
        this.#filter,
        this.#internal.root,
        ...actions,
      ),
      this.#table.root,
      this.#empty,
      this.#pager,
    );
  }

  /** The address of what is shown. */
  get href(): string {
    return this.#href({});
  }

  show({ query }: Route): void {
    this.#query = query;
    const filter = query.get("filter") ?? "";
    if (this.#filter.value !== filter) this.#filter.value = filter;
    this.#internal.box.checked = query.has("internal");
    this.#table.order = query.get("order") ?? DEFAULT_ORDER;
    this.#places = new Map();
    this.renew();
  }

  /** Shows what is known now. */
  renew(): void {
    const { model } = this.#context;
    const filter = (this.#query.get("filter") ?? "").toLowerCase();
    const isInternalShown = this.#query.has("internal");
    const rows: TopicRow[] = [];
    for (const topic of model.topics) {
      if (topic.internal && !isInternalShown) continue;
      if (!topic.name.toLowerCase().includes(filter)) continue;
      const { name } = topic;
      const rate = model.inRates.of(name);
      rows.push({
        ...{ topic, records: model.recordsOf(name), bytes: model.bytesOf(name) },
        ...{ recordsIn: rate?.records, bytesIn: rate?.bytes, newestMs: model.newestMsOf(name) },
      });
    }
    this.#sort(rows);
    this.#show(rows);
  }

  /** Brings rows into the chosen order. Rows that somebody points at, or has the focus in, stay where they are. */
  #sort(rows: TopicRow[]): void {
    const order = this.#query.get("order") ?? DEFAULT_ORDER;
    const name = order.replace(/^-/, "");
    const compare = COLUMNS.find((column) => column.name === name)?.compare;
    const sign = order.startsWith("-") ? -1 : 1;
    if (compare !== undefined) rows.sort((a, b) => sign * compare(a, b));
    if (this.#table.isInUse) {
      const placeOf = ({ topic }: TopicRow) => this.#places.get(topic.name) ?? rows.length;
      rows.sort((a, b) => placeOf(a) - placeOf(b));
    }
    this.#places = new Map(rows.map(({ topic }, i) => [topic.name, i]));
  }

  #show(rows: readonly TopicRow[]): void {
    const pages = Math.max(1, Math.ceil(rows.length / PAGE_ROWS));
    const page = Math.min(pages, Math.max(1, Number(this.#query.get("page")) || 1));
    const first = (page - 1) * PAGE_ROWS;
    const shown = rows.slice(first, first + PAGE_ROWS);
    this.#table.show(shown);
    this.#table.root.hidden = shown.length === 0;
    this.#back.disabled = page === 1;
    this.#on.disabled = page === pages;
    this.#back.hidden = pages === 1;
    this.#on.hidden = pages === 1;
    const all = countOf(rows.length, "topic");
    const range = `${formatCount(first + 1)} – ${formatCount(first + shown.length)} of ${all}`;
    const { overview, topics } = this.#context.model;
    const left = (overview?.topicCount ?? 0) - topics.length;
    const more = left > 0 ? `; the broker has ${formatCount(left)} more` : "";
    setText(this.#sum, shown.length === 0 ? "" : (pages === 1 ? all : range) + more);
    this.#showEmpty(shown.length === 0);
  }

  #showEmpty(isEmpty: boolean): void {
    const { overview } = this.#context.model;
    const filter = this.#query.get("filter") ?? "";
    const kind = !isEmpty || overview === undefined ? "" : `empty ${filter}`;
    if (this.#empty.dataset.kind === kind) return;
    this.#empty.dataset.kind = kind;
    if (kind === "") this.#empty.replaceChildren();
    else this.#empty.replaceChildren(this.#emptyState(filter));
  }

  #emptyState(filter: string): HTMLElement {
    const { mayCreateTopics, user } = this.#context.session;
    const create = mayCreateTopics ? [button("Create a topic", this.#create)] : [];
    const which = user === null ? "topics yet" : "topics that you may see";
    if (filter === "") return emptyState(`There are no ${which}.`, ...create);
    const { overview, topics } = this.#context.model;
    const isPartial = (overview?.topicCount ?? 0) > topics.length;
    const open = isPartial ? [link(`Open the topic “${filter}”`, hrefOf("topics", [filter]))] : [];
    const clear = button("Show all topics", () => this.#replace({ filter: "", page: "" }));
    return emptyState(`No topic has “${filter}” in its name.`, clear, ...open, ...create);
  }

  /** Leads to the first topic of the list. */
  #openFirst(): void {
    this.#table.root.querySelector<HTMLAnchorElement>("tbody a")?.click();
  }

  #turn(by: number): void {
    const page = (Number(this.#query.get("page")) || 1) + by;
    this.#context.router.go(this.#href({ page: page === 1 ? "" : String(page) }));
    this.root.scrollIntoView({ block: "start" });
  }

  #replace(changes: Readonly<Record<string, string>>): void {
    this.#context.router.replace(this.#href(changes));
  }

  #href(changes: Readonly<Record<string, string>>): string {
    return hrefOf("topics", [], { ...Object.fromEntries(this.#query), ...changes });
  }
}

function rateText(perSecond: number): string {
  if (perSecond >= 10 || perSecond === 0) return formatCount(Math.round(perSecond));
  return perSecond.toFixed(1);
}

/** The age to which a topic keeps records, to compare by. */
function retentionOf({ cleanup, retentionMs }: TopicState): number {
  return !cleanup.includes("delete") || retentionMs < 0 ? Number.MAX_SAFE_INTEGER : retentionMs;
}
