// The tables of one group: its topics, its partitions, its members.
// Leaves to others: asking for them (group-page.ts), the numbers over time (lag-series.ts).
import { compareNaturally } from "../../../natural-order.js";
import { button, element, setText } from "../parts/dom.js";
import { formatAge, formatCount, formatTime } from "../parts/format.js";
import { spark } from "../parts/line-chart.js";
import { Pager, pageText } from "../parts/pager.js";
import { type Column, Table } from "../parts/table.js";
import { workFilter } from "../connections/connection-words.js";
import { hrefOf } from "../router.js";
import type { GroupDetail, GroupMemberRow, GroupPartitionRow, GroupTopic } from "./group-wire.js";
import { ageText, rateText } from "./group-words.js";
import { type GroupRate, type LagPoint, LagSeries, partitionKey } from "./lag-series.js";

/** With more partitions the small curves are left out. */
const SPARKS_MAX = 100;

/** Points of a small curve. */
const SPARK_POINTS_MAX = 40;

/** Leads to another page or order of a table: changes of the address. */
type Go = (change: Readonly<Record<string, string>>) => void;

interface TopicActions {
  /** Leads to the reset of one topic. */
  reset(topic: string): void;
  deleteOffsets(topic: string): void;
  readonly go: Go;
}

/** The topics, with what can be done to the offsets of each, if anything can. */
export class GroupTopicTable {
  readonly root = element("div", { class: "group-topics" });
  readonly #actions: TopicActions;
  readonly #pager: Pager;
  #table: Table<GroupTopic> | undefined;
  #hasActions = false;
  #detail: GroupDetail | undefined;
  /** Topics that members read. */
  #read: ReadonlySet<string> = new Set();

  constructor(actions: TopicActions) {
    this.#actions = actions;
    this.#pager = pagerOf("topic", "topic-page", actions.go);
  }

  /** Shows the page of an address, in its order. */
  show(detail: GroupDetail, query: URLSearchParams): void {
    this.#detail = detail;
    const { may, topics, partitions } = detail;
    const read = partitions.filter(({ member }) => member !== null);
    this.#read = new Set(read.map(({ topic }) => topic));
    this.#pager.page = query.get("topic-page");
    const hasActions = (may.reset || may.deleteOffsets) && topics.some(({ mayRead }) => mayRead);
    if (this.#table === undefined || hasActions !== this.#hasActions) {
      this.#hasActions = hasActions;
      this.#table = this.#make(hasActions);
      this.root.replaceChildren(this.#table.root, this.#pager.root);
    }
    this.#table.showIn(query.get("topic-order") ?? "topic", topics);
  }

  #make(hasActions: boolean): Table<GroupTopic> {
    const actions: Column<GroupTopic> = {
      ...{ name: "actions", title: "actions" },
      text: (row) => this.#whyNotDelete(row) ?? "Delete offsets",
      fill: (cell, row) => this.#fillActions(cell, row),
    };
    return new Table({
      ...{ caption: "Topics of the group", pager: this.#pager },
      columns: [...TOPIC_COLUMNS, ...(hasActions ? [actions] : [])],
      keyOf: ({ topic }) => topic,
      order: "topic",
      onOrder: (order) =>
        this.#actions.go({ "topic-order": order === "topic" ? "" : order, "topic-page": "" }),
    });
  }

  #fillActions(cell: HTMLElement, row: GroupTopic): void {
    const { may } = this.#detail ?? {};
    const actions: HTMLElement[] = [];
    if (may?.reset === true && row.mayRead) {
      actions.push(button("Reset", () => this.#actions.reset(row.topic)));
    }
    if (may?.deleteOffsets === true && row.mayRead) {
      const why = this.#whyNotDelete(row);
      const act = (): void => this.#actions.deleteOffsets(row.topic);
      actions.push(
        button("Delete offsets", act, { disabled: why !== undefined, title: why ?? "" }),
      );
    }
    cell.replaceChildren(element("div", { class: "actions" }, ...actions));
  }

  /** Why the offsets of a topic can't be deleted now; undefined if they can. */
  #whyNotDelete({ topic, committed }: GroupTopic): string | undefined {
    if (committed === 0) return "Nothing is committed";
    return this.#read.has(topic) ? "Members read the topic: stop them first" : undefined;
  }
}

const TOPIC_COLUMNS: readonly Column<GroupTopic>[] = [
  {
    ...{ name: "topic", title: "topic", text: ({ topic }) => topic },
    href: ({ topic }) => hrefOf("topics", [topic]),
    compare: (a, b) => compareNaturally(a.topic, b.topic),
  },
  {
    ...{ name: "committed", title: "committed partitions", isNumber: true, isExtra: true },
    text: ({ committed, partitions }) => `${formatCount(committed)} of ${formatCount(partitions)}`,
  },
  {
    ...{ name: "lag", title: "lag", isNumber: true, text: ({ lag }) => formatCount(lag) },
    compare: (a, b) => a.lag - b.lag,
  },
];

/** The partitions: where the group is in each, how fast it moves, and which member reads it. */
export class GroupPartitionTable {
  readonly root: HTMLElement;
  readonly #table: Table<GroupPartitionRow>;
  readonly #pager: Pager;
  #detail: GroupDetail | undefined;
  #series = new LagSeries();
  /** Of partitions that were asked for since the last change: rows are compared by them. */
  readonly #rates = new Map<GroupPartitionRow, GroupRate | undefined>();
  #readers: ReadonlyMap<string, GroupMemberRow> = new Map();

  constructor(go: Go) {
    this.#pager = pagerOf("partition", "page", go);
    this.#table = new Table({
      ...{ caption: "Partitions of the group", pager: this.#pager },
      columns: [
        {
          ...{ name: "partition", title: "partition" },
          text: ({ topic, partition }) => `${topic} ${partition}`,
          href: ({ topic, partition }) => hrefOf("log", [topic, partition]),
          compare: (a, b) => compareNaturally(a.topic, b.topic) || a.partition - b.partition,
        },
        {
          ...{ name: "committed", title: "committed", isNumber: true },
          text: ({ committed }) => (committed < 0 ? "—" : formatCount(committed)),
          href: ({ topic, partition, committed }) =>
            committed < 0 ? undefined : hrefOf("records", [topic], { partition, from: committed }),
        },
        {
          name: "end",
          title: "log end",
          isNumber: true,
          isExtra: true,
          text: ({ end }) => formatCount(end),
        },
        {
          ...{ name: "lag", title: "lag", isNumber: true, text: ({ lag }) => formatCount(lag) },
          compare: (a, b) => a.lag - b.lag,
        },
        {
          ...{ name: "hour", title: "last hour", isExtra: true },
          text: (row) => this.#sparkText(row),
          fill: (cell, row) => cell.replaceChildren(...this.#sparkOf(row)),
        },
        {
          ...{ name: "in", title: "in/s", isNumber: true, isExtra: true },
          text: (row) => rateText(this.#rateOf(row)?.in),
          compare: (a, b) => (this.#rateOf(a)?.in ?? 0) - (this.#rateOf(b)?.in ?? 0),
        },
        {
          ...{ name: "out", title: "read/s", isNumber: true, isExtra: true },
          text: (row) => rateText(this.#rateOf(row)?.out ?? undefined),
          compare: (a, b) => (this.#rateOf(a)?.out ?? 0) - (this.#rateOf(b)?.out ?? 0),
        },
        {
          ...{ name: "age", title: "oldest unread", isNumber: true, isExtra: true },
          text: (row) => ageText(this.#series.age(partitionKey(row))),
        },
        {
          name: "eta",
          title: "caught up in",
          isNumber: true,
          isExtra: true,
          text: (row) => this.#etaOf(row),
        },
        {
          ...{ name: "commit", title: "last commit", isNumber: true, isExtra: true },
          text: (row) => this.#commitText(row),
          fill: (cell, row) => {
            cell.title = formatTime(row.commitMs);
            setText(cell, this.#commitText(row));
          },
          compare: (a, b) => a.commitMs - b.commitMs,
        },
        { name: "reader", title: "read by", text: ({ member }) => this.#readerName(member) },
        { name: "metadata", title: "metadata", isExtra: true, text: ({ metadata }) => metadata },
      ],
      keyOf: partitionKey,
      order: "partition",
      onOrder: (order) => go({ order: order === "partition" ? "" : order, page: "" }),
    });
    this.root = element("div", {}, this.#table.root, this.#pager.root);
  }

  /** Shows the page of an address, of the partitions whose topic, number or reader contains what it searches. */
  show(detail: GroupDetail, series: LagSeries, query: URLSearchParams): void {
    this.#detail = detail;
    this.#series = series;
    this.#rates.clear();
    this.#readers = new Map(detail.members.map((member) => [member.id, member]));
    this.#pager.page = query.get("page");
    const wanted = (query.get("find") ?? "").toLowerCase();
    const { partitions } = detail;
    const found =
      wanted === "" ? partitions : partitions.filter((row) => this.#textOf(row).includes(wanted));
    this.#table.showIn(query.get("order") ?? "partition", found);
  }

  #textOf({ topic, partition, member }: GroupPartitionRow): string {
    return `${topic} ${partition} ${this.#readerName(member)}`.toLowerCase();
  }

  #rateOf(row: GroupPartitionRow): GroupRate | undefined {
    if (!this.#rates.has(row)) this.#rates.set(row, this.#series.rate(partitionKey(row)));
    return this.#rates.get(row);
  }

  #etaOf(row: GroupPartitionRow): string {
    if (row.lag === 0) return "—";
    const rate = this.#rateOf(row);
    if (rate === undefined || rate.out === null) return "…";
    return rate.out > rate.in ? formatAge((row.lag / (rate.out - rate.in)) * 1000) : "never";
  }

  #commitText({ commitMs }: GroupPartitionRow): string {
    const nowMs = this.#detail?.nowMs ?? 0;
    return commitMs < 0 ? "never" : `${formatAge(nowMs - commitMs)} ago`;
  }

  #readerName(id: string | null): string {
    if (id === null) return "nobody";
    const member = this.#readers.get(id);
    if (member === undefined) return id;
    return `${member.instanceId ?? member.clientId} at ${member.host}`;
  }

  #sparkOf(row: GroupPartitionRow): readonly Element[] {
    const points = this.#sparkPoints(row);
    return points.length < 2 ? [] : [spark(points)];
  }

  #sparkText(row: GroupPartitionRow): string {
    return this.#sparkPoints(row)
      .map(({ value }) => value)
      .join(" ");
  }

  #sparkPoints(row: GroupPartitionRow): readonly LagPoint[] {
    if ((this.#detail?.partitions.length ?? 0) > SPARKS_MAX) return [];
    const points = this.#series.points(partitionKey(row));
    const step = Math.ceil(points.length / SPARK_POINTS_MAX);
    return points.filter((_, i) => (points.length - 1 - i) % step === 0);
  }
}

/** The members, and what each of them reads. */
export class GroupMemberTable {
  readonly root: HTMLElement;
  readonly #table: Table<GroupMemberRow>;
  readonly #pager: Pager;
  #read: ReadonlyMap<string | null, readonly GroupPartitionRow[]> = new Map();
  #group = "";

  /** Names of clients lead to their connections if the visitor `seesConnections`. */
  constructor(seesConnections: boolean, go: Go) {
    this.#pager = pagerOf("member", "member-page", go);
    this.#table = new Table({
      ...{ caption: "Members of the group", pager: this.#pager },
      columns: [
        {
          ...{
            name: "client",
            title: "client",
            text: ({ clientId }) => (clientId === "" ? "—" : clientId),
            ...(seesConnections
              ? {
                  href: (row) =>
                    hrefOf("connections", [], { filter: connectionFilter(row, this.#group) }),
                }
              : {}),
          },
          compare: (a, b) => compareNaturally(a.clientId, b.clientId),
        },
        {
          name: "instance",
          title: "instance",
          isExtra: true,
          text: ({ instanceId }) => instanceId ?? "—",
        },
        { name: "host", title: "address", text: ({ host }) => host },
        { name: "user", title: "user", isExtra: true, text: ({ user }) => user ?? "—" },
        {
          name: "software",
          title: "library",
          isExtra: true,
          text: ({ software }) => software ?? "—",
        },
        {
          ...{ name: "epoch", title: "epoch", isNumber: true, isExtra: true },
          text: ({ epoch }) => (epoch === null ? "—" : formatCount(epoch)),
        },
        {
          ...{ name: "partitions", title: "partitions", isNumber: true },
          text: ({ partitions }) => formatCount(partitions),
          compare: (a, b) => a.partitions - b.partitions,
        },
        { name: "reads", title: "reads", text: ({ id }) => this.#readsOf(id) },
        { name: "id", title: "member id", isExtra: true, text: ({ id }) => id },
      ],
      keyOf: ({ id }) => id,
      order: "client",
      onOrder: (order) =>
        go({ "member-order": order === "client" ? "" : order, "member-page": "" }),
    });
    this.root = element("div", {}, this.#table.root, this.#pager.root);
  }

  /** Shows the page of an address, in its order. */
  show({ group, partitions, members }: GroupDetail, query: URLSearchParams): void {
    this.#group = group;
    this.#read = Map.groupBy(partitions, ({ member }) => member);
    this.#pager.page = query.get("member-page");
    this.#table.showIn(query.get("member-order") ?? "client", members);
  }

  #readsOf(member: string): string {
    const byTopic = Map.groupBy(this.#read.get(member) ?? [], ({ topic }) => topic);
    const texts = [...byTopic].map(
      ([topic, rows]) => `${topic} ${rows.map(({ partition }) => partition).join(", ")}`,
    );
    return texts.length === 0 ? "nothing" : texts.join("; ");
  }
}

/** What finds its connection in the list of connections. */
function connectionFilter({ clientId, isNamed }: GroupMemberRow, group: string): string {
  return isNamed ? clientId : workFilter("group", group);
}

/** The pager of a table, whose page is the `parameter` of the address. */
function pagerOf(noun: string, parameter: string, go: Go): Pager {
  return new Pager({ noun, turn: (page) => go({ [parameter]: pageText(page) }) });
}
