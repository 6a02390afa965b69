// One topic: its sums, its partitions, its settings with their sources, the groups that read it, and what can be done to it.
// Leaves to others: the sums (topic-facts.ts), the tables (topic-tables.ts), the buttons (topic-actions.ts), and following a
// compaction (compaction-panel.ts).
import { button, element } from "../parts/dom.js";
import { isMissing, isTopicName, missingPartition, missingTopic } from "../missing.js";
import { emptyState, link } from "../parts/empty.js";
import { formatCount } from "../parts/format.js";
import { NameTitle, shortText } from "../parts/names.js";
import { Poll } from "../parts/poll.js";
import { Tabs } from "../parts/tabs.js";
import { hrefOf, type Route } from "../router.js";
import type { PageContext } from "../view.js";
import { CompactionPanel } from "./compaction-panel.js";
import { askWriters } from "../connections/connection-api.js";
import { TopicActions } from "./topic-actions.js";
import { askPartitions, askReaders, askTopic } from "./topic-api.js";
import { TopicFacts } from "./topic-facts.js";
import { PartitionTable, readerTable, SettingTables } from "./topic-tables.js";
import type { PartitionRows, TopicDetail, TopicReaderRows } from "./topic-wire.js";

/** Time between two refreshes in milliseconds, and how much slow answers extend it. */
const PACE = { restMs: () => 5000, restFactor: 20 };

const TABS = { partitions: "Partitions", settings: "Settings", groups: "Groups" } as const;

type TabName = keyof typeof TABS;

export class TopicPage {
  readonly root = element("section", { class: "topic-page" });
  readonly #context: PageContext;
  /** Leads to the list, as it was. */
  readonly #crumb = element("a", { href: hrefOf("topics") }, "Topics");
  readonly #title: NameTitle;
  readonly #links = element("p", { class: "links" });
  readonly #actions: TopicActions;
  readonly #facts: TopicFacts;
  readonly #panel = element("div", { class: "tab-panel" });
  readonly #tabs: Tabs;
  readonly #partitions = new PartitionTable((order) => this.#order(order));
  readonly #settings: SettingTables;
  readonly #readers = readerTable((order) => this.#order(order));
  readonly #more = element("div", { class: "actions pager" });
  readonly #compaction = new CompactionPanel(() => this.#askAgain());
  readonly #body: HTMLElement;
  readonly #missing = element("div");
  #name = "";
  #tab: TabName = "partitions";
  #from = 0;
  #detail: TopicDetail | undefined;
  #rows: PartitionRows | undefined;
  #groups: TopicReaderRows | undefined;
  #isShown = false;
  readonly #poll = new Poll((signal) => this.#refresh(signal), PACE);

  constructor(context: PageContext) {
    this.#context = context;
    this.#title = new NameTitle(context.notices);
    this.#actions = new TopicActions(context, {
      done: () => this.#askAgain(),
      compact: (topic) => void this.#compaction.follow(topic),
    });
    this.#settings = new SettingTables((name) => void this.#actions.edit(name));
    this.#tabs = new Tabs("Parts of the topic", TABS, this.#panel, (tab) =>
      context.router.go(
        hrefOf("topics", [this.#name], { tab: tab === "partitions" ? undefined : tab }),
      ),
    );
    this.#facts = new TopicFacts(
      context.model,
      context.session.seesCluster,
      (setting) => void this.#actions.edit(setting),
    );
    this.#body = element(
      "div",
      {},
      this.#facts.root,
      this.#compaction.root,
      this.#tabs.root,
      this.#panel,
    );
    const heading = element(
      "div",
      { class: "view-head" },
      this.#crumb,
      this.#title.root,
      this.#title.copy,
      this.#links,
      this.#actions.root,
    );
    this.root.append(heading, this.#missing, this.#body);
  }

  /** The table of the tab is in another order. */
  #order(order: string): void {
    const tab = this.#tab === "partitions" ? "" : this.#tab;
    const from = this.#from === 0 ? "" : this.#from;
    this.#context.router.note(hrefOf("topics", [this.#name], { tab, from, order }));
  }

  /** Shows a place of a topic; returns its title. */
  show({ path: [name = ""], query }: Route): string {
    this.#isShown = true;
    const isOther = this.#name !== name;
    this.#name = name;
    this.#tab = Object.keys(TABS).find((each) => each === query.get("tab")) as TabName;
    this.#tab ??= "partitions";
    this.#from = Math.max(0, Number(query.get("from")) || 0);
    this.#tabs.chosen = this.#tab;
    const order = query.get("order") ?? "";
    this.#partitions.order = this.#tab === "partitions" ? order : "";
    this.#readers.order = this.#tab === "groups" ? order : "";
    if (isOther) {
      this.#detail = undefined;
      this.#facts.showWriters(name, undefined);
      this.#compaction.leave();
      this.#missing.replaceChildren();
    }
    this.#rows = undefined;
    this.#groups = undefined;
    this.#showAll();
    this.#poll.start();
    return `${shortText(name)} – Topics`;
  }

  /** Where the list is, with its filter and order. */
  set listHref(href: string) {
    this.#crumb.href = href;
  }

  hide(): void {
    this.#isShown = false;
    this.#poll.stop();
  }

  /** Topics were created, changed or deleted. */
  changed(): void {
    if (!this.#isShown) return;
    const known = this.#context.model.topics.find(({ name }) => name === this.#name);
    const detail = this.#detail;
    const isSame = known?.id === detail?.id && known?.partitions === detail?.partitions;
    if (!isSame) this.#poll.start();
  }

  /** Shows the numbers of the last events. */
  renew(): void {
    if (this.#detail !== undefined) this.#facts.show(this.#name, this.#detail);
    if (this.#tab === "partitions") this.#showPartitions();
  }

  #askAgain(): void {
    if (this.#isShown) this.#poll.start();
  }

  async #refresh(signal: AbortSignal): Promise<void> {
    const [name, tab] = [this.#name, this.#tab];
    if (!isTopicName(name)) {
      this.#showMissing(missingTopic(this.#context, name, "topics"));
      return;
    }
    try {
      const [detail, writers, rows, groups] = await Promise.all([
        askTopic(name),
        this.#context.session.seesCluster ? askWriters(name, signal) : undefined,
        tab === "partitions" ? askPartitions(name, this.#from) : undefined,
        tab === "groups" ? askReaders(name) : undefined,
      ]);
      if (signal.aborted) return;
      [this.#detail, this.#rows] = [detail, rows];
      this.#groups = groups;
      this.#facts.showWriters(name, writers);
      this.#missing.replaceChildren();
      this.#showAll();
    } catch (error) {
      if (signal.aborted) return;
      if (isMissing(error)) this.#showMissing(missingTopic(this.#context, name, "topics"));
      else if (this.#detail === undefined) this.#showMissing(failed(error));
    }
  }

  #showMissing(said: HTMLElement): void {
    this.#detail = undefined;
    this.#body.hidden = true;
    this.#actions.show(undefined);
    this.#links.replaceChildren();
    // Not again every few seconds: a screen reader would begin again, and the focus would go.
    if (this.#missing.textContent !== said.textContent) this.#missing.replaceChildren(said);
  }

  #showAll(): void {
    this.#title.show(this.#name);
    const detail = this.#detail;
    this.#body.hidden = detail === undefined;
    if (detail === undefined) {
      this.#actions.show(undefined);
      this.#links.replaceChildren();
      return;
    }
    this.#showLinks(detail);
    this.#actions.show({ name: this.#name, detail });
    this.#facts.show(this.#name, detail);
    const shown = this.#panelOf(detail);
    if (this.#panel.firstElementChild !== shown) this.#panel.replaceChildren(shown, this.#more);
  }

  /** The content of the tab, filled. */
  #panelOf(detail: TopicDetail): HTMLElement {
    this.#more.replaceChildren();
    if (this.#tab === "settings") {
      this.#settings.show(detail);
      return this.#settings.root;
    }
    if (this.#tab === "groups") return this.#showReaders();
    return this.#showPartitions();
  }

  #showPartitions(): HTMLElement {
    const { model } = this.#context;
    const detail = this.#detail;
    const rows = this.#rows;
    if (detail === undefined || rows === undefined) return this.#partitions.root;
    const states = rows.partitions.map((row) => {
      const state = model.shape(this.#name, row.partition)?.state;
      return state === undefined || row.offline !== null ? row : { ...row, ...liveOf(state) };
    });
    this.#partitions.show(this.#name, states, detail);
    if (states.length === 0 && this.#from > 0) {
      const first = link("The first partitions", hrefOf("topics", [this.#name]));
      return missingPartition(this.#name, this.#from, detail.partitions, first);
    }
    this.#showPager(detail, rows);
    return this.#partitions.root;
  }

  #showPager({ partitions }: TopicDetail, rows: PartitionRows): void {
    const { next, partitions: shown } = rows;
    if (this.#from === 0 && next === null) {
      this.#more.replaceChildren();
      return;
    }
    const first = shown[0]?.partition ?? this.#from;
    const range = `${formatCount(first)} – ${formatCount(first + shown.length - 1)}`;
    const size = next === null ? PAGE_PARTITIONS : next - this.#from;
    const order = this.#context.router.current.query.get("order") ?? "";
    const to = (from: number | undefined) => hrefOf("topics", [this.#name], { from, order });
    const before = this.#from - size;
    this.#more.replaceChildren(
      element("p", { class: "sum" }, `partitions ${range} of ${formatCount(partitions)}`),
      ...(this.#from === 0 ? [] : [link("Previous", to(before > 0 ? before : undefined))]),
      ...(next === null ? [] : [link("Next", to(next))]),
    );
  }

  #showReaders(): HTMLElement {
    const { readers = [], next = null } = this.#groups ?? {};
    if (this.#groups !== undefined && readers.length === 0 && next === null) {
      return emptyState(
        "No group has committed an offset in this topic, or reads it now.",
        link("All groups", hrefOf("groups")),
      );
    }
    this.#readers.show(readers);
    if (next !== null) this.#more.append(button("Look for more", () => void this.#askMore(next)));
    return this.#readers.root;
  }

  async #askMore(after: string): Promise<void> {
    // What is added would be gone with the next answer.
    this.#poll.stop();
    const groups = this.#groups;
    try {
      const { readers, next } = await askReaders(this.#name, after);
      if (groups !== this.#groups) return;
      this.#groups = { readers: [...(this.#groups?.readers ?? []), ...readers], next };
      this.#showAll();
    } catch (error) {
      this.#context.notices.fail(error);
      if (groups === this.#groups) this.#poll.start();
    }
  }

  #showLinks({ may }: TopicDetail): void {
    const { session } = this.#context;
    const links: [string, string][] = [
      ...(may.includes("READ") && session.mayRead
        ? [["Records", hrefOf("records", [this.#name])] as [string, string]]
        : []),
      ["Log", hrefOf("log", [this.#name])],
      ...(may.includes("WRITE") && session.mayProduce
        ? [["Produce", hrefOf("produce", [], { topic: this.#name })] as [string, string]]
        : []),
    ];
    const key = links.map(([text]) => text).join() + this.#name;
    if (this.#links.dataset.key === key && this.#links.childElementCount > 0) return;
    this.#links.dataset.key = key;
    this.#links.replaceChildren(...links.map(([text, href]) => element("a", { href }, text)));
  }
}

/** Partitions of an answer, for the way back from the last ones. */
const PAGE_PARTITIONS = 100;

function failed(error: unknown): HTMLElement {
  const text = error instanceof Error ? error.message : String(error);
  return emptyState(`${text}.`, link("All topics", hrefOf("topics")));
}

function liveOf(state: {
  readonly logStart: number;
  readonly highWatermark: number;
  readonly logEnd: number;
  readonly sealedCount: number;
  readonly sealedBytes: number;
  readonly activeBytes: number;
}) {
  const { logStart, highWatermark, logEnd, sealedCount, sealedBytes, activeBytes } = state;
  return {
    ...{ logStart, highWatermark, logEnd },
    ...{ segments: sealedCount + 1, bytes: sealedBytes + activeBytes },
  };
}
