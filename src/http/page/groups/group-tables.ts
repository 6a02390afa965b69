// The tables of one group: its topics, its partitions, its members.
// Leaves to others: asking for them (group-page.ts), the numbers over time (lag-series.ts).
import { compareNaturally } from "../../../natural-order.js";
import { button, element, setText } from "../parts/dom.js";
import { formatAge, formatCount, formatTime } from "../parts/format.js";
import { spark } from "../parts/line-chart.js";
import { type Column, Table } from "../parts/table.js";
import { hrefOf } from "../router.js";
import type { GroupDetail, GroupMemberRow, GroupPartitionRow, GroupTopic } from "./group-wire.js";
import { ageText, rateText } from "./group-words.js";
import { type GroupRate, type LagPoint, LagSeries, partitionKey } from "./lag-series.js";

/** With more partitions the small curves are left out. */
const SPARKS_MAX = 100;

/** Points of a small curve. */
const SPARK_POINTS_MAX = 40;

interface TopicActions {
  /** Leads to the reset of one topic. */
  reset(topic: string): void;
  deleteOffsets(topic: string): void;
  /** The topics are in another order; "" for that of names. */
  order(order: string): void;
}

/** The topics, with what can be done to the offsets of each, if anything can. */
export class GroupTopicTable {
  readonly root = element("div");
  readonly #actions: TopicActions;
  #table: Table<GroupTopic> | undefined;
  #hasActions = false;
  #order = "topic";
  #detail: GroupDetail | undefined;

  constructor(actions: TopicActions) {
    this.#actions = actions;
  }

  /** The order of an address; empty for that of names. */
  set order(order: string) {
    this.#order = order === "" ? "topic" : order;
    if (this.#table !== undefined) this.#table.order = this.#order;
  }

  show(detail: GroupDetail): void {
    this.#detail = detail;
    const { may, topics } = detail;
    const hasActions = (may.reset || may.deleteOffsets) && topics.some(({ mayRead }) => mayRead);
    if (this.#table === undefined || hasActions !== this.#hasActions) {
      this.#hasActions = hasActions;
      this.#table = this.#make(hasActions);
      this.root.replaceChildren(this.#table.root);
    }
    this.#table.show(topics);
  }

  #make(hasActions: boolean): Table<GroupTopic> {
    const actions: Column<GroupTopic> = {
      ...{ name: "actions", title: "actions" },
      text: (row) => this.#whyNotDelete(row) ?? "Delete offsets",
      fill: (cell, row) => this.#fillActions(cell, row),
    };
    return new Table({
      caption: "Topics of the group",
      columns: [...TOPIC_COLUMNS, ...(hasActions ? [actions] : [])],
      keyOf: ({ topic }) => topic,
      order: this.#order,
      onOrder: (order) => this.#actions.order(order === "topic" ? "" : order),
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
    const isRead = this.#detail?.partitions.some(
      (row) => row.topic === topic && row.member !== null,
    );
    return isRead === true ? "Members read the topic: stop them first" : undefined;
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
  readonly #table: Table<GroupPartitionRow>;
  #detail: GroupDetail | undefined;
  #series = new LagSeries();

  constructor(onOrder: (order: string) => void) {
    this.#table = new Table({
      caption: "Partitions of the group",
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
      onOrder: (order) => onOrder(order === "partition" ? "" : order),
    });
  }

  get root(): HTMLElement {
    return this.#table.root;
  }

  /** The order of an address; empty for the table's own. */
  set order(order: string) {
    this.#table.order = order === "" ? "partition" : order;
  }

  /** Shows the partitions whose topic, number or reader contains `find`. */
  show(detail: GroupDetail, series: LagSeries, find: string): void {
    this.#detail = detail;
    this.#series = series;
    const wanted = find.toLowerCase();
    const { partitions } = detail;
    this.#table.show(partitions.filter((row) => this.#textOf(row).includes(wanted)));
  }

  #textOf({ topic, partition, member }: GroupPartitionRow): string {
    return `${topic} ${partition} ${this.#readerName(member)}`.toLowerCase();
  }

  #rateOf(row: GroupPartitionRow): GroupRate | undefined {
    return this.#series.rate(partitionKey(row));
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
    const member = this.#detail?.members.find((each) => each.id === id);
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
  readonly #table: Table<GroupMemberRow>;
  #detail: GroupDetail | undefined;

  /** Names of clients lead to their connections if the visitor `seesConnections`. */
  constructor(seesConnections: boolean, onOrder: (order: string) => void) {
    this.#table = new Table({
      caption: "Members of the group",
      columns: [
        {
          ...{
            name: "client",
            title: "client",
            text: ({ clientId }) => (clientId === "" ? "—" : clientId),
            ...(seesConnections
              ? { href: (row) => hrefOf("connections", [], { filter: connectionFilter(row) }) }
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
      onOrder: (order) => onOrder(order === "client" ? "" : order),
    });
  }

  /** The order of an address; empty for the table's own. */
  set order(order: string) {
    this.#table.order = order === "" ? "client" : order;
  }

  get root(): HTMLElement {
    return this.#table.root;
  }

  show(detail: GroupDetail): void {
    this.#detail = detail;
    this.#table.show(detail.members);
  }

  #readsOf(member: string): string {
    const byTopic = Map.groupBy(
      (this.#detail?.partitions ?? []).filter((row) => row.member === member),
      ({ topic }) => topic,
    );
    const texts = [...byTopic].map(
      ([topic, rows]) => `${topic} ${rows.map(({ partition }) => partition).join(", ")}`,
    );
    return texts.length === 0 ? "nothing" : texts.join("; ");
  }
}

/** What finds its connection: its name, unless it is not told to the connection, as in our own protocol. */
function connectionFilter({ clientId, host, connectedMs }: GroupMemberRow): string {
  return connectedMs === null ? host : clientId;
}
