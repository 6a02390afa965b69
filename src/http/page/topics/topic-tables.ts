// The tables of one topic: its partitions, its settings, and the groups that read it.
// Leaves to others: asking for them (topic-page.ts).
import { compareNaturally } from "../../../natural-order.js";
import { button, element } from "../parts/dom.js";
import { formatBytes, formatCount } from "../parts/format.js";
import { nameText } from "../parts/names.js";
import { type Column, Table } from "../parts/table.js";
import { hrefOf } from "../router.js";
import { percentText } from "./consequences.js";
import { settingMeaning, settingText } from "./setting-text.js";
import type { PartitionRow, TopicDetail, TopicReader, TopicSetting } from "./topic-wire.js";

interface NamedPartitionRow extends PartitionRow {
  readonly topic: string;
}

/** The text of a number that an offline partition does not have. */
const known =
  (text: (row: PartitionRow) => string) =>
  (row: PartitionRow): string =>
    row.offline === null ? text(row) : "–";

const PARTITION_COLUMNS: readonly Column<NamedPartitionRow>[] = [
  {
    ...{ name: "partition", title: "partition" },
    text: ({ partition }) => String(partition),
    href: ({ topic, partition }) => hrefOf("log", [topic, partition]),
    compare: (a, b) => a.partition - b.partition,
  },
  {
    ...{ name: "start", title: "log start", isNumber: true },
    text: known(({ logStart }) => formatCount(logStart)),
    compare: (a, b) => a.logStart - b.logStart,
  },
  {
    ...{ name: "watermark", title: "high watermark", isNumber: true },
    text: known(({ highWatermark }) => formatCount(highWatermark)),
    compare: (a, b) => a.highWatermark - b.highWatermark,
  },
  {
    ...{ name: "end", title: "log end", isNumber: true, isExtra: true },
    text: known(({ logEnd }) => formatCount(logEnd)),
    compare: (a, b) => a.logEnd - b.logEnd,
  },
  {
    ...{ name: "records", title: "records", isNumber: true, isExtra: true },
    text: known(({ logStart, highWatermark }) => formatCount(highWatermark - logStart)),
    compare: (a, b) => a.highWatermark - a.logStart - (b.highWatermark - b.logStart),
  },
  {
    ...{ name: "segments", title: "segments", isNumber: true, isExtra: true },
    text: known(({ segments }) => formatCount(segments)),
    compare: (a, b) => a.segments - b.segments,
  },
  {
    ...{ name: "size", title: "size", isNumber: true },
    text: known(({ bytes }) => formatBytes(bytes)),
    compare: (a, b) => a.bytes - b.bytes,
  },
];

const COMPACTION_COLUMNS: readonly Column<NamedPartitionRow>[] = [
  {
    ...{ name: "compacted", title: "compacted to", isNumber: true, isExtra: true },
    text: known(({ compactedTo }) => formatCount(compactedTo ?? 0)),
    compare: (a, b) => (a.compactedTo ?? 0) - (b.compactedTo ?? 0),
  },
  {
    ...{ name: "dirty", title: "not compacted", isNumber: true },
    text: known(
      ({ dirtyBytes, bytes }) =>
        `${formatBytes(dirtyBytes ?? 0)} (${percentText(dirtyBytes ?? 0, bytes)})`,
    ),
    compare: (a, b) => (a.dirtyBytes ?? 0) - (b.dirtyBytes ?? 0),
  },
];

const OFFLINE_COLUMN: Column<NamedPartitionRow> = {
  ...{ name: "offline", title: "offline" },
  text: ({ offline }) => offline ?? "",
  fill: (cell, { offline }) => {
    cell.classList.add("reason", "failure");
    cell.replaceChildren(offline ?? "");
  },
};

/** The partitions, with columns for compaction and for what is offline where there is something in them. */
export class PartitionTable {
  readonly root = element("div");
  readonly #onOrder: (order: string) => void;
  #kind = "";
  #order = "partition";
  #table: Table<NamedPartitionRow> | undefined;

  constructor(onOrder: (order: string) => void) {
    this.#onOrder = onOrder;
  }

  /** The order of an address; empty for that of the numbers. */
  set order(order: string) {
    this.#order = order === "" ? "partition" : order;
    if (this.#table !== undefined) this.#table.order = this.#order;
  }

  show(topic: string, rows: readonly PartitionRow[], detail: TopicDetail): void {
    const isCompacted = detail.dirtyBytes !== null;
    const hasOffline = detail.offline > 0;
    const kind = `${topic} ${isCompacted} ${hasOffline}`;
    if (this.#table === undefined || this.#kind !== kind) {
      this.#kind = kind;
      this.#table = new Table<NamedPartitionRow>({
        caption: "Partitions",
        columns: [
          ...PARTITION_COLUMNS,
          ...(isCompacted ? COMPACTION_COLUMNS : []),
          ...(hasOffline ? [OFFLINE_COLUMN] : []),
        ],
        keyOf: ({ partition }) => String(partition),
        order: this.#order,
        onOrder: (order) => this.#onOrder(order === "partition" ? "" : order),
      });
      this.root.replaceChildren(this.#table.root);
    }
    this.#table.show(rows.map((row) => ({ ...row, topic })));
  }
}

/** The settings that the broker acts on, and below them those that are only there for Kafka's tools. */
export class SettingTables {
  readonly root = element("div");
  readonly #edit: (name: string) => void;
  readonly #others = element("summary");
  #kind = "";
  #tables: readonly Table<TopicSetting>[] = [];

  constructor(edit: (name: string) => void) {
    this.#edit = edit;
  }

  show({ id, settings, may }: TopicDetail): void {
    const mayEdit = may.includes("ALTER_CONFIGS");
    const kind = `${id} ${mayEdit}`;
    if (this.#kind !== kind) {
      this.#kind = kind;
      const columns = mayEdit ? [...SETTING_COLUMNS, this.#editColumn()] : SETTING_COLUMNS;
      const tableOf = (caption: string) =>
        new Table<TopicSetting>({ caption, columns, keyOf: ({ name }) => name });
      const [active, others] = [tableOf("Settings"), tableOf("Settings without effect here")];
      this.#tables = [active, others];
      const more = element("details", {}, this.#others, others.root);
      this.root.replaceChildren(active.root, more);
    }
    const active = settings.filter(({ isActive }) => isActive);
    const others = settings.filter(({ isActive }) => !isActive);
    this.#tables[0]?.show(active.toSorted((a, b) => placeOf(a) - placeOf(b)));
    this.#tables[1]?.show(others);
    this.#others.textContent = `${others.length} more without effect here, for Kafka's tools`;
  }

  #editColumn(): Column<TopicSetting> {
    return {
      ...{ name: "edit", title: "actions" },
      text: ({ name }) => name,
      fill: (cell, { name }) =>
        cell.replaceChildren(
          button("Change", () => this.#edit(name), { "aria-label": `Change ${name}` }),
        ),
    };
  }
}

const SETTING_COLUMNS: readonly Column<TopicSetting>[] = [
  {
    ...{ name: "setting", title: "setting" },
    text: ({ name }) => name,
    fill: (cell, { name, documentation }) => {
      cell.classList.add("documented");
      cell.replaceChildren(
        element("strong", {}, name),
        element("small", {}, settingMeaning(documentation)),
      );
    },
  },
  {
    ...{ name: "value", title: "value" },
    text: ({ name, value }) => inWordsAndExactly(name, value),
    fill: (cell, { name, value }) => fillValue(cell, name, value),
  },
  { name: "source", title: "from", isExtra: true, text: sourceText },
  {
    ...{ name: "default", title: "default", isExtra: true },
    text: ({ name, inherited, flag }) =>
      `${settingText(name, inherited.value)}${flag === null ? "" : `, --${flag}`}`,
  },
];

/** What people look for most often. */
const FIRST = ["cleanup.policy", "retention.ms", "retention.bytes", "max.message.bytes"];

/** The topic's own settings come first, then those that people look for most often. */
function placeOf({ name, source }: TopicSetting): number {
  const place = FIRST.indexOf(name);
  return (source === "topic" ? 0 : FIRST.length + 1) + (place < 0 ? FIRST.length : place);
}

function sourceText({ source, flag }: TopicSetting): string {
  if (source === "topic") return "this topic";
  if (source === "default") return "default";
  return flag === null ? "the broker" : `the broker's --${flag}`;
}

function inWordsAndExactly(name: string, value: string): string {
  const words = settingText(name, value);
  return words === value ? value : `${words} ${value}`;
}

/** The value in words and, below, exactly. */
function fillValue(cell: HTMLElement, name: string, value: string): void {
  const words = settingText(name, value);
  const exactly = words === value || value === "" ? [] : [element("small", {}, value)];
  cell.classList.add("documented");
  cell.replaceChildren(element("strong", {}, words), ...exactly);
}

/** The groups that read a topic. */
export function readerTable(onOrder: (order: string) => void): Table<TopicReader> {
  return new Table<TopicReader>({
    caption: "Groups that read the topic",
    columns: [
      {
        ...{ name: "group", title: "group" },
        text: ({ group }) => nameText(group),
        href: ({ group }) => hrefOf("groups", [group]),
        compare: (a, b) => compareNaturally(a.group, b.group),
      },
      { name: "state", title: "state", text: ({ state }) => state },
      {
        ...{ name: "members", title: "members", isNumber: true, isExtra: true },
        text: ({ members }) => formatCount(members),
        compare: (a, b) => a.members - b.members,
      },
      {
        ...{ name: "assigned", title: "partitions read now", isNumber: true, isExtra: true },
        text: ({ assigned }) => formatCount(assigned),
        compare: (a, b) => a.assigned - b.assigned,
      },
      {
        ...{ name: "lag", title: "lag in this topic", isNumber: true },
        text: ({ lag }) => formatCount(lag),
        compare: (a, b) => a.lag - b.lag,
      },
    ],
    keyOf: ({ group }) => group,
    onOrder,
  });
}
