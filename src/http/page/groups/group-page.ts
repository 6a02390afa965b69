// One group: why it is behind, its lag over the last hour, what each member reads, and where it is in each partition.
// Leaves to others: findings and facts (group-summary.ts), the tables (group-tables.ts), the numbers over time (lag-series.ts),
// resetting it (reset-panel.ts), deleting it (group-dialogs.ts).
import { Refused } from "../api.js";
import { button, element, setText } from "../parts/dom.js";
import { emptyState, link } from "../parts/empty.js";
import { filterInput } from "../parts/fields.js";
import { countOf, formatClock, formatCount, zoneText } from "../parts/format.js";
import { LineChart } from "../parts/line-chart.js";
import { nameInText, NameTitle } from "../parts/names.js";
import { Poll } from "../parts/poll.js";
import { hrefOf, type Query } from "../router.js";
import type { PageContext } from "../view.js";
import { askGroup, askLagHistory } from "./group-api.js";
import { deleteGroupDialog, deleteOffsetsDialog } from "./group-dialogs.js";
import { GroupSummary } from "./group-summary.js";
import { GroupMemberTable, GroupPartitionTable, GroupTopicTable } from "./group-tables.js";
import type { GroupDetail, LagHistory } from "./group-wire.js";
import { LagSeries, partitionKey } from "./lag-series.js";
import { ResetPanel } from "./reset-panel.js";

/** Time between two refreshes in milliseconds, and how much slow answers extend it. */
const PACE = { restMs: () => 2000, restFactor: 50 };

/** After this long without an answer, as when the page was in the background, the page asks for the last hour again. */
const PAUSE_MS = 60_000;

/** With fewer partitions there is no filter. */
const FIND_MIN = 20;

/** First letters by which groups are listed that a wrong name may stand for. */
const SIMILAR_LENGTH = 4;

/** Parts of the address that stay when another one changes. */
const KEPT = [
  ...["chart", "find", "order", "page"],
  ...["topic-order", "topic-page", "member-order", "member-page"],
];

export class GroupPage {
  readonly root = element("div", { class: "group-page" });
  readonly #context: PageContext;
  readonly #title: NameTitle;
  readonly #state = element("span", { class: "badge" });
  readonly #actions = element("div", { class: "actions" });
  readonly #resetButton: HTMLButtonElement;
  readonly #deleteButton: HTMLButtonElement;
  readonly #missing = element("div");
  readonly #body = element("div");
  readonly #summary = new GroupSummary();
  readonly #chart = new LineChart({ noun: "lag", words: formatCount });
  readonly #charted = element("select", { name: "chart", "aria-label": "Lag of" });
  readonly #chartNote = element("p", { class: "muted" });
  readonly #topics: GroupTopicTable;
  readonly #partitions: GroupPartitionTable;
  readonly #members: GroupMemberTable;
  readonly #membersTitle = element("h3");
  readonly #partitionsTitle = element("h3");
  readonly #find = filterInput("Filter by topic, partition or reader", (find) =>
    this.#go({ find, page: "" }),
  );
  readonly #topicsSection: HTMLElement;
  readonly #reset: ResetPanel;
  readonly #poll = new Poll((signal) => this.#refresh(signal), PACE);
  #series = new LagSeries();
  #group = "";
  /** Whether a group was shown: its name may be empty. */
  #hasBegun = false;
  #query = new URLSearchParams();
  #detail: GroupDetail | undefined;
  #historyOf: string | undefined;
  /** Why a part of the hour is missing. */
  #historyNote = "";

  constructor(context: PageContext) {
    this.#context = context;
    this.#reset = new ResetPanel(context, {
      hrefOf: (reset) => this.#href(reset),
      closed: (opener) => {
        const isThere = opener instanceof HTMLButtonElement && opener.isConnected;
        (isThere ? opener : this.#resetButton).focus();
      },
    });
    this.#title = new NameTitle(context.notices);
    this.#resetButton = button("Reset offsets", () => this.#go({ reset: "ask" }));
    this.#deleteButton = button("Delete group", () => void this.#delete());
    this.#actions.append(this.#resetButton, this.#deleteButton);
    const go = (change: Readonly<Record<string, string>>): void => this.#go(change);
    this.#topics = new GroupTopicTable({
      reset: (topic) => this.#go({ reset: "ask", topic }),
      deleteOffsets: (topic) => void this.#deleteOffsets(topic),
      go,
    });
    this.#partitions = new GroupPartitionTable(go);
    this.#members = new GroupMemberTable(context.session.seesCluster, go);
    this.#charted.addEventListener("change", () => this.#go({ chart: this.#charted.value }));
    const back = element("a", { href: hrefOf("groups") }, "Groups");
    const head = element(
      "div",
      { class: "view-head" },
      back,
      this.#title.root,
      this.#title.copy,
      this.#state,
      this.#actions,
    );
    const chartHead = element(
      "div",
      { class: "chart-head" },
      element("h3", {}, "Lag of"),
      this.#charted,
    );
    const chart = element(
      "section",
      { class: "card" },
      chartHead,
      this.#chart.root,
      this.#chartNote,
    );
    this.#topicsSection = element("section", {}, element("h3", {}, "Topics"), this.#topics.root);
    this.#body.append(
      element("div", { class: "overview" }, this.#summary.root, chart),
      this.#topicsSection,
      element("section", {}, this.#membersTitle, this.#members.root),
      element(
        "section",
        {},
        element("div", { class: "view-head" }, this.#partitionsTitle, this.#find),
        this.#partitions.root,
      ),
    );
    this.root.append(head, this.#reset.root, this.#missing, this.#body);
  }

  show(group: string, query: URLSearchParams): void {
    this.#query = query;
    if (this.#group !== group || !this.#hasBegun) this.#begin(group);
    const find = query.get("find") ?? "";
    // Not while somebody is typing there.
    if (this.#find.value !== find) this.#find.value = find;
    const isResetting = query.has("reset");
    this.#reset.root.hidden = !isResetting;
    if (isResetting) this.#reset.show(group, query);
    else this.#reset.hide();
    this.#show();
    this.#poll.start();
  }

  hide(): void {
    this.#poll.stop();
    this.#reset.hide();
  }

  #begin(group: string): void {
    this.#hasBegun = true;
    this.#group = group;
    this.#detail = undefined;
    this.#historyOf = undefined;
    this.#historyNote = "";
    this.#series = new LagSeries();
    this.#title.show(group);
    this.#missing.replaceChildren();
    this.#body.hidden = true;
    this.#actions.hidden = true;
    this.#state.hidden = true;
    this.#charted.replaceChildren(element("option", { value: "" }, "all partitions"));
  }

  /** Changes the address, without what was reset before. */
  #go(change: Readonly<Record<string, string>>): void {
    const { router } = this.#context;
    if ("reset" in change) router.go(this.#href(change));
    else router.replace(this.#href(change));
  }

  #href(change: Query): string {
    const kept = Object.fromEntries(KEPT.map((name) => [name, this.#query.get(name) ?? ""]));
    return hrefOf("groups", [this.#group], { ...kept, ...change });
  }

  async #refresh(signal: AbortSignal): Promise<void> {
    const group = this.#group;
    try {
      const detail = await askGroup(group, signal);
      if (signal.aborted) return;
      if (detail.nowMs - (this.#detail?.nowMs ?? 0) > PAUSE_MS) this.#historyOf = undefined;
      this.#detail = detail;
      this.#series.add(detail);
      this.#missing.replaceChildren();
      this.#show();
      await this.#askHistory(group, signal);
    } catch (error) {
      if (!signal.aborted) this.#fail(error);
    }
  }

  /** Once: from then on, the page sees for itself. */
  async #askHistory(group: string, signal: AbortSignal): Promise<void> {
    if (this.#historyOf === group) return;
    try {
      const history = await askLagHistory(group, signal);
      if (this.#group !== group) return;
      this.#series.load(history);
      this.#historyNote = gapNote(history);
    } catch (error) {
      if (signal.aborted) return;
      this.#historyNote = error instanceof Error ? error.message : String(error);
    }
    this.#historyOf = group;
    this.#show();
  }

  #fail(error: unknown): void {
    const text = error instanceof Error ? error.message : String(error);
    // What was shown is out of date, but better than nothing while the broker restarts.
    const isGone = error instanceof Refused && error.code === "GROUP_NOT_FOUND";
    const said = isGone ? this.#nothing() : emptyState(text, link("All groups", hrefOf("groups")));
    // Not again every few seconds: a screen reader would begin again, and the focus would go.
    if (this.#missing.textContent !== said.textContent) this.#missing.replaceChildren(said);
    if (!isGone) return;
    this.#detail = undefined;
    for (const part of [this.#body, this.#actions, this.#state, this.#reset.root])
      part.hidden = true;
  }

  #nothing(): HTMLElement {
    const which = this.#context.session.user === null ? "group" : "group that you may see";
    return emptyState(
      `There is no ${which} “${nameInText(this.#group)}”. A group appears when a consumer joins it or commits an offset for it.`,
      link(
        "Similar groups",
        hrefOf("groups", [], { filter: this.#group.slice(0, SIMILAR_LENGTH) }),
      ),
      link("All groups", hrefOf("groups")),
    );
  }

  #show(): void {
    const detail = this.#detail;
    if (detail === undefined) return;
    this.#reset.root.hidden = !this.#query.has("reset");
    const { may, state, memberCount, members, partitions, partitionCount } = detail;
    this.#body.hidden = false;
    this.#actions.hidden = false;
    this.#resetButton.hidden = !may.reset;
    this.#deleteButton.hidden = !may.delete;
    this.#deleteButton.disabled = memberCount > 0;
    this.#deleteButton.title =
      memberCount > 0 ? `It has ${countOf(memberCount, "member")}: stop them first` : "";
    this.#state.hidden = false;
    setText(this.#state, state);
    this.#reset.update(detail);
    this.#summary.show(detail, this.#series, this.#context.model.topics);
    this.#showChart(detail);
    this.#topics.show(detail, this.#query);
    this.#topicsSection.hidden = detail.topics.length === 0;
    setText(this.#membersTitle, titleOf(memberCount, "member", members.length, "first"));
    this.#members.root.hidden = members.length === 0;
    this.#members.show(detail, this.#query);
    const which = titleOf(partitionCount, "partition", partitions.length, "most behind");
    setText(this.#partitionsTitle, which);
    this.#partitions.root.hidden = partitions.length === 0;
    this.#find.hidden = partitions.length < FIND_MIN;
    this.#partitions.show(detail, this.#series, this.#query);
  }

  #showChart({ partitions }: GroupDetail): void {
    if (this.#charted.options.length === 1) {
      this.#charted.append(
        ...partitions.map((row) =>
          element("option", { value: partitionKey(row) }, `${row.topic} ${row.partition}`),
        ),
      );
    }
    const key = this.#query.get("chart") ?? "";
    this.#charted.value = key;
    this.#chart.show(this.#series.points(key === "" ? undefined : key));
    setText(this.#chartNote, this.#historyNote);
  }

  async #deleteOffsets(topic: string): Promise<void> {
    const row = this.#detail?.topics.find((each) => each.topic === topic);
    const group = this.#group;
    if (row === undefined || !(await deleteOffsetsDialog(group, row))) return;
    this.#context.notices.say(`Deleted the offsets of group ${nameInText(group)} in ${topic}.`);
    this.#poll.start();
  }

  async #delete(): Promise<void> {
    const group = this.#group;
    if (!(await deleteGroupDialog(group, this.#detail?.topics ?? []))) return;
    this.#context.notices.say(`Deleted group ${nameInText(group)}.`);
    this.#context.router.go(hrefOf("groups"));
  }
}

/** `3 members`, and how many of them are listed. */
function titleOf(count: number, noun: string, listed: number, which: string): string {
  const all = count === 0 ? `No ${noun}s` : countOf(count, noun);
  return listed < count ? `${all}: the ${formatCount(listed)} ${which}` : all;
}

/** Why the curve has a gap at its beginning. */
function gapNote({ times, lags, gap }: LagHistory): string {
  if (gap === null) return "";
  const since = `${formatClock(times[lags.findIndex((lag) => lag !== null)] ?? 0)} ${zoneText()}`;
  if (gap === "uncommitted") return `It had committed nothing before ${since}.`;
  return `Not known before ${since}: the log of commits was compacted since.`;
}
