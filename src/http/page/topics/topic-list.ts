// The list of topics: filtered, in a chosen order, and a page at a time, so that thousands of topics cost what a hundred cost.
// Leaves to others: which topics and in which order (topic-order.ts), a topic by itself (topic-page.ts), the numbers (model.ts).
import { button, element } from "../parts/dom.js";
import { emptyState, link } from "../parts/empty.js";
import { filterInput, toggle } from "../parts/fields.js";
import { formatAgo, formatBytes, formatCount } from "../parts/format.js";
import { Pager, pageText } from "../parts/pager.js";
import { type Column, Table } from "../parts/table.js";
import { hrefOf, type Route } from "../router.js";
import type { PageContext } from "../view.js";
import { recordsText } from "./consequences.js";
import { retentionText } from "./setting-text.js";
import { TopicOrder, type TopicRow } from "./topic-order.js";

const DEFAULT_ORDER = "name";

const COLUMNS: readonly Column<TopicRow>[] = [
  {
    ...{ name: "name", title: "topic" },
    text: ({ topic }) => topic.name,
    href: ({ topic }) => hrefOf("topics", [topic.name]),
  },
  {
    ...{ name: "partitions", title: "partitions", isNumber: true, isExtra: true },
    text: ({ topic: { partitions, offline } }) =>
      offline.length === 0
        ? formatCount(partitions)
        : `${formatCount(partitions)} (${formatCount(offline.length)} offline)`,
  },
  {
    ...{ name: "records", title: "records", isNumber: true, isExtra: true },
    text: ({ topic, records }) => recordsText(records, topic.cleanup.includes("compact")),
  },
  {
    ...{ name: "size", title: "size", isNumber: true },
    text: ({ bytes }) => formatBytes(bytes),
  },
  {
    ...{ name: "records-in", title: "records/s in", isNumber: true, isExtra: true },
    text: ({ recordsIn }) => (recordsIn === undefined ? "–" : rateText(recordsIn)),
  },
  {
    ...{ name: "bytes-in", title: "bytes/s in", isNumber: true },
    text: ({ bytesIn }) => (bytesIn === undefined ? "–" : `${formatBytes(Math.round(bytesIn))}/s`),
  },
  {
    ...{ name: "newest", title: "newest record", isNumber: true, isExtra: true },
    text: ({ newestMs }) => formatAgo(newestMs),
  },
  {
    ...{ name: "cleanup", title: "cleanup", isExtra: true },
    text: ({ topic: { cleanup } }) => (cleanup === "" ? "none" : cleanup.replace(",", ", ")),
  },
  {
    ...{ name: "retention", title: "retention", isExtra: true },
    text: ({ topic }) => retentionText(topic),
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
    columns: COLUMNS.map((column) => ({ ...column, isSortedOutside: true })),
    keyOf: ({ topic }) => topic.id + topic.name,
    order: DEFAULT_ORDER,
    onOrder: (order) => this.#replace({ order: order === DEFAULT_ORDER ? "" : order, page: "" }),
  });
  readonly #pager = new Pager({
    ...{ noun: "topic", saysAll: true },
    turn: (page) => this.#turn(page),
  });
  readonly #empty = element("div");
  readonly #create: () => void;
  readonly #order: TopicOrder;
  #query = new URLSearchParams();
  #choice = { filter: "", hasInternal: false, order: DEFAULT_ORDER };

  constructor(context: PageContext, create: () => void) {
    this.#context = context;
    this.#create = create;
    this.#order = new TopicOrder(context.model);
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
      this.#pager.root,
    );
  }

  /** The address of what is shown. */
  get href(): string {
    return this.#href({});
  }

  show({ query }: Route): void {
    this.#query = query;
    const filter = query.get("filter") ?? "";
    const order = query.get("order") ?? DEFAULT_ORDER;
    this.#choice = { filter, hasInternal: query.has("internal"), order };
    if (this.#filter.value !== filter) this.#filter.value = filter;
    this.#internal.box.checked = this.#choice.hasInternal;
    this.#table.order = order;
    this.#pager.page = query.get("page");
    this.renew();
  }

  /** Shows what is known now. Rows that somebody points at, or has the focus in, stay where they are. */
  renew(): void {
    const { overview, topics } = this.#context.model;
    const left = (overview?.topicCount ?? 0) - topics.length;
    const more = left > 0 ? `; the broker has ${formatCount(left)} more` : "";
    const listed = this.#order.topics(this.#choice, this.#table.isInUse);
    const shown = this.#pager.cut(listed, more);
    this.#table.show(shown.map((topic) => this.#order.row(topic)));
    this.#table.root.hidden = shown.length === 0;
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

  #turn(page: number): void {
    this.#context.router.go(this.#href({ page: pageText(page) }));
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
