// One group: why it is behind, its lag over the last hour, what each member reads, and where it is in each partition.
// Leaves to others: the sentences (diagnosis.ts), the numbers over time (lag-series.ts), moving it (reset-panel.ts).
import { compareNaturally } from "../../../natural-order.js";
import { Refused } from "../api.js";
import { openDialog } from "../parts/dialog.js";
import { button, element, setText } from "../parts/dom.js";
import { emptyState, link } from "../parts/empty.js";
import { filterInput } from "../parts/fields.js";
import { countOf, formatAge, formatClock, formatCount, formatTime } from "../parts/format.js";
import { LineChart, spark } from "../parts/line-chart.js";
import { Poll } from "../parts/poll.js";
import { Table } from "../parts/table.js";
import { hrefOf } from "../router.js";
import type { PageContext } from "../view.js";
import { diagnose, type Finding, formatRate } from "./diagnosis.js";
import { askGroup, askLagHistory, deleteGroup, deleteTopicOffsets } from "./group-api.js";
import type {
  GroupDetail,
  GroupMemberRow,
  GroupPartitionRow,
  GroupTopic,
  LagHistory,
} from "./group-wire.js";
import { type GroupRate, LagSeries, partitionKey, sumOf, type UnreadAge } from "./lag-series.js";
import { ResetPanel } from "./reset-panel.js";

const REFRESH_MS = 2000;

/** After so long without a look, as while the page was in the background, the hour is asked for again. */
const PAUSE_MS = 60_000;

/** Partitions with a small curve of their own, and the points of it. */
const SPARKS_MAX = 100;
const SPARK_POINTS = 40;

/** That a record is older than that says nothing. */
const AGE_MS_MIN = 60_000;

/** With fewer partitions nobody has to search. */
const FIND_MIN = 20;

/** Parts of the address that stay when another one changes. */
const KEPT = ["chart", "order", "find"] as const;

/** What the words of a finding's kind are. */
const KINDS: Readonly<Record<Finding["kind"], string>> = {
  good: "Good",
  note: "Note",
  problem: "Problem",
};

export class GroupPage {
  readonly root = element("div", { class: "group-page" });
  readonly #context: PageContext;
  readonly #title = element("h2");
  readonly #state = element("span", { class: "badge" });
  readonly #actions = element("div", { class: "actions" });
  readonly #resetButton: HTMLButtonElement;
  readonly #deleteButton: HTMLButtonElement;
  readonly #missing = element("div");
  readonly #body = element("div");
  readonly #findings = element("ul", {
    class: "findings card",
    "aria-label": "What is to be said",
  });
  readonly #facts = element("dl", { class: "facts" });
  readonly #chart = new LineChart({ noun: "lag", words: formatCount });
  readonly #charted = element("select", { name: "chart", "aria-label": "Lag of" });
  readonly #chartNote = element("p", { class: "muted" });
  readonly #topics: Table<GroupTopic>;
  readonly #partitions: Table<GroupPartitionRow>;
  readonly #members: Table<GroupMemberRow>;
  readonly #membersTitle = element("h3");
  readonly #partitionsTitle = element("h3");
  readonly #find = filterInput("Topic, partition or reader", (find) => this.#go({ find }));
  readonly #topicsSection: HTMLElement;
  readonly #reset: ResetPanel;
  readonly #poll = new Poll((signal) => this.#refresh(signal), REFRESH_MS);
  #series = new LagSeries();
  #group = "";
  #query = new URLSearchParams();
  #detail: GroupDetail | undefined;
  #historyOf: string | undefined;
  /** Why a part of the hour is missing. */
  #historyNote = "";

  constructor(context: PageContext) {
    this.#context = context;
    this.#reset = new ResetPanel(context, () => this.#resetButton.focus());
    this.#resetButton = button("Reset offsets …", () => this.#go({ reset: "ask" }));
    this.#deleteButton = button("Delete group …", () => void this.#delete(), { class: "danger" });
    this.#actions.append(this.#resetButton, this.#deleteButton);
    this.#topics = this.#topicTable();
    this.#partitions = this.#partitionTable();
    this.#members = this.#memberTable();
    this.#charted.addEventListener("change", () => this.#go({ chart: this.#charted.value }));
    const back = element("a", { href: hrefOf("groups") }, "Groups");
    const head = element(
      "div",
      { class: "view-head" },
      back,
      this.#title,
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
      element("div", { class: "overview" }, element("div", {}, this.#findings, this.#facts), chart),
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
    if (this.#group !== group) this.#begin(group);
    this.#partitions.order = query.get("order") ?? "partition";
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
    this.#group = group;
    this.#detail = undefined;
    this.#historyOf = undefined;
    this.#historyNote = "";
    this.#series = new LagSeries();
    setText(this.#title, group);
    this.#missing.replaceChildren();
    this.#body.hidden = true;
    this.#actions.hidden = true;
    this.#state.hidden = true;
    this.#charted.replaceChildren(element("option", { value: "" }, "all partitions"));
  }

  /** Changes the address, without what was reset before. */
  #go(change: Readonly<Record<string, string>>): void {
    const { router } = this.#context;
    const kept = Object.fromEntries(KEPT.map((name) => [name, this.#query.get(name) ?? ""]));
    const href = hrefOf("groups", [this.#group], { ...kept, ...change });
    if ("reset" in change) router.go(href);
    else router.replace(href);
  }

  #isFound(row: GroupPartitionRow): boolean {
    const find = (this.#query.get("find") ?? "").toLowerCase();
    const text = `${row.topic} ${row.partition} ${this.#readerName(row.member)}`;
    return find === "" || text.toLowerCase().includes(find);
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
    this.#missing.replaceChildren(emptyState(text, link("All groups", hrefOf("groups"))));
    if (error instanceof Refused && error.code === "GROUP_NOT_FOUND") this.#body.hidden = true;
  }

  #show(): void {
    const detail = this.#detail;
    if (detail === undefined) return;
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
    const rates = partitions.map((row) => this.#rateOf(row));
    this.#showFindings(
      diagnose(detail, {
        rate: (row) => this.#rateOf(row),
        behindSince: ({ topic, partition }) =>
          this.#series.behindSince(partitionKey(topic, partition)),
      }),
    );
    this.#showFacts(detail, sumOf(rates));
    this.#showChart(detail);
    this.#topics.show(detail.topics);
    this.#topicsSection.hidden = detail.topics.length === 0;
    setText(this.#membersTitle, titleOf(memberCount, "member", members.length, "first"));
    this.#members.root.hidden = members.length === 0;
    this.#members.show(members);
    const which = titleOf(partitionCount, "partition", partitions.length, "most behind");
    setText(this.#partitionsTitle, which);
    this.#partitions.root.hidden = partitions.length === 0;
    this.#find.hidden = partitions.length < FIND_MIN;
    this.#partitions.show(partitions.filter((row) => this.#isFound(row)));
  }

  #showFindings(findings: readonly Finding[]): void {
    const texts = findings.map(({ kind, text, next }) => `${kind} ${text} ${next?.committed}`);
    const shown = texts.join("\n");
    if (this.#findings.dataset.shown === shown) return;
    this.#findings.dataset.shown = shown;
    this.#findings.replaceChildren(
      ...findings.map(({ kind, text, next }) =>
        element(
          "li",
          { class: kind },
          element("strong", {}, KINDS[kind]),
          ` ${text}`,
          ...(next === undefined ? [] : [" ", nextLink(next)]),
        ),
      ),
    );
  }

  #showFacts(detail: GroupDetail, rate: GroupRate | undefined): void {
    const { type, assignor, generation, assignmentEpoch, coordinator, lag } = detail;
    const isConsumer = type === "consumer";
    const epochs =
      assignmentEpoch === null || assignmentEpoch === generation
        ? formatCount(generation)
        : `${formatCount(generation)}, assigned in ${formatCount(assignmentEpoch)}`;
    const facts: readonly (readonly [string, string])[] = [
      ["lag", formatCount(lag)],
      ["oldest unread", ageText(this.#oldest(detail))],
      ["records in", rate === undefined ? "…" : `${formatRate(rate.in)}/s`],
      ["records read", rate === undefined || rate.out === null ? "…" : `${formatRate(rate.out)}/s`],
      ["type", typeWords(detail)],
      ["assignor", assignor === "" ? "—" : assignor],
      [isConsumer ? "epoch" : "generation", epochs],
      ["coordinator", coordinator],
    ];
    for (const [i, [name, value]] of facts.entries()) {
      const known = this.#facts.children[i];
      if (known === undefined) {
        this.#facts.append(element("div", {}, element("dt", {}, name), element("dd", {}, value)));
        continue;
      }
      setText(known.children[0] as HTMLElement, name);
      setText(known.children[1] as HTMLElement, value);
    }
  }

  #showChart({ partitions }: GroupDetail): void {
    if (this.#charted.options.length === 1) {
      this.#charted.append(
        ...partitions.map(({ topic, partition }) =>
          element("option", { value: partitionKey(topic, partition) }, `${topic} ${partition}`),
        ),
      );
    }
    const key = this.#query.get("chart") ?? "";
    this.#charted.value = key;
    this.#chart.show(this.#series.points(key === "" ? undefined : key));
    setText(this.#chartNote, this.#historyNote);
  }

  #rateOf({ topic, partition }: GroupPartitionRow): GroupRate | undefined {
    return this.#series.rate(partitionKey(topic, partition));
  }

  #ageOf({ topic, partition }: GroupPartitionRow): UnreadAge | undefined {
    return this.#series.age(partitionKey(topic, partition));
  }

  /** The age of the oldest record of all partitions that was not read. */
  #oldest({ partitions }: GroupDetail): UnreadAge | undefined {
    return partitions
      .map((row) => this.#ageOf(row))
      .reduce((oldest, age) => ((age?.ms ?? -1) > (oldest?.ms ?? -1) ? age : oldest), undefined);
  }

  #topicTable(): Table<GroupTopic> {
    return new Table({
      caption: "Topics of the group",
      columns: [
        {
          ...{ name: "topic", title: "topic", text: ({ topic }) => topic },
          href: ({ topic }) => hrefOf("topics", [topic]),
          compare: (a, b) => compareNaturally(a.topic, b.topic),
        },
        {
          ...{ name: "committed", title: "committed partitions", isNumber: true },
          text: ({ committed, partitions }) =>
            `${formatCount(committed)} of ${formatCount(partitions)}`,
        },
        {
          ...{ name: "lag", title: "lag", isNumber: true, text: ({ lag }) => formatCount(lag) },
          compare: (a, b) => a.lag - b.lag,
        },
        {
          ...{ name: "actions", title: "changes" },
          text: (row) => this.#whyNotDelete(row) ?? "Delete offsets …",
          fill: (cell, row) => this.#fillTopicActions(cell, row),
        },
      ],
      keyOf: ({ topic }) => topic,
      order: "topic",
    });
  }

  #fillTopicActions(cell: HTMLElement, row: GroupTopic): void {
    const { may } = this.#detail ?? {};
    const actions: HTMLElement[] = [];
    if (may?.reset === true && row.mayRead) {
      actions.push(button("Reset …", () => this.#go({ reset: "ask", topic: row.topic })));
    }
    if (may?.deleteOffsets === true && row.mayRead) {
      const why = this.#whyNotDelete(row);
      const act = (): void => void this.#deleteOffsets(row.topic);
      actions.push(
        button("Delete offsets …", act, { disabled: why !== undefined, title: why ?? "" }),
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

  #partitionTable(): Table<GroupPartitionRow> {
    return new Table({
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
        { name: "end", title: "log end", isNumber: true, text: ({ end }) => formatCount(end) },
        {
          ...{ name: "lag", title: "lag", isNumber: true, text: ({ lag }) => formatCount(lag) },
          compare: (a, b) => a.lag - b.lag,
        },
        {
          ...{ name: "hour", title: "last hour" },
          text: (row) => this.#sparkText(row),
          fill: (cell, row) => cell.replaceChildren(...this.#sparkOf(row)),
        },
        {
          ...{ name: "in", title: "in/s", isNumber: true },
          text: (row) => rateText(this.#rateOf(row)?.in),
          compare: (a, b) => (this.#rateOf(a)?.in ?? 0) - (this.#rateOf(b)?.in ?? 0),
        },
        {
          ...{ name: "out", title: "read/s", isNumber: true },
          text: (row) => rateText(this.#rateOf(row)?.out ?? undefined),
          compare: (a, b) => (this.#rateOf(a)?.out ?? 0) - (this.#rateOf(b)?.out ?? 0),
        },
        {
          name: "age",
          title: "oldest unread",
          isNumber: true,
          text: (row) => ageText(this.#ageOf(row)),
        },
        { name: "eta", title: "caught up in", isNumber: true, text: (row) => this.#etaOf(row) },
        {
          ...{ name: "commit", title: "last commit", isNumber: true },
          text: (row) => this.#commitText(row),
          fill: (cell, row) => {
            cell.title = formatTime(row.commitMs);
            setText(cell, this.#commitText(row));
          },
          compare: (a, b) => a.commitMs - b.commitMs,
        },
        { name: "reader", title: "read by", text: ({ member }) => this.#readerName(member) },
        { name: "metadata", title: "metadata", text: ({ metadata }) => metadata },
      ],
      keyOf: ({ topic, partition }) => partitionKey(topic, partition),
      order: "partition",
      onOrder: (order) => this.#go({ order: order === "partition" ? "" : order }),
    });
  }

  #memberTable(): Table<GroupMemberRow> {
    return new Table({
      caption: "Members of the group",
      columns: [
        {
          ...{
            name: "client",
            title: "client",
            text: ({ clientId }) => (clientId === "" ? "—" : clientId),
            ...(this.#context.session.seesCluster
              ? { href: ({ clientId }) => hrefOf("connections", [], { filter: clientId }) }
              : {}),
          },
          compare: (a, b) => compareNaturally(a.clientId, b.clientId),
        },
        { name: "instance", title: "instance", text: ({ instanceId }) => instanceId ?? "—" },
        { name: "host", title: "address", text: ({ host }) => host },
        { name: "user", title: "user", text: ({ user }) => user ?? "—" },
        { name: "software", title: "library", text: ({ software }) => software ?? "—" },
        {
          ...{ name: "epoch", title: "epoch", isNumber: true },
          text: ({ epoch }) => (epoch === null ? "—" : formatCount(epoch)),
        },
        {
          ...{ name: "partitions", title: "partitions", isNumber: true },
          text: ({ partitions }) => formatCount(partitions),
          compare: (a, b) => a.partitions - b.partitions,
        },
        { name: "reads", title: "reads", text: ({ id }) => this.#readsOf(id) },
        { name: "id", title: "member id", text: ({ id }) => id },
      ],
      keyOf: ({ id }) => id,
      order: "client",
    });
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

  #readerName(id: string | null): string {
    if (id === null) return "nobody";
    const member = this.#detail?.members.find((each) => each.id === id);
    if (member === undefined) return id;
    return `${member.instanceId ?? member.clientId} at ${member.host}`;
  }

  #commitText({ commitMs }: GroupPartitionRow): string {
    const nowMs = this.#detail?.nowMs ?? 0;
    return commitMs < 0 ? "never" : `${formatAge(nowMs - commitMs)} ago`;
  }

  #etaOf(row: GroupPartitionRow): string {
    if (row.lag === 0) return "—";
    const rate = this.#rateOf(row);
    if (rate === undefined || rate.out === null) return "…";
    return rate.out > rate.in ? formatAge((row.lag / (rate.out - rate.in)) * 1000) : "never";
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

  #sparkPoints({ topic, partition }: GroupPartitionRow) {
    if ((this.#detail?.partitions.length ?? 0) > SPARKS_MAX) return [];
    const points = this.#series.points(partitionKey(topic, partition));
    const step = Math.ceil(points.length / SPARK_POINTS);
    return points.filter((_, i) => (points.length - 1 - i) % step === 0);
  }

  async #deleteOffsets(topic: string): Promise<void> {
    const row = this.#detail?.topics.find((each) => each.topic === topic);
    if (row === undefined) return;
    const group = this.#group;
    const body = [
      `Group ${group} forgets where it is in ${countOf(row.committed, "partition")} of ${topic}.`,
      "A consumer of the group then begins where its setting auto.offset.reset says: at the end, at the beginning, or with an error.",
    ];
    const text = { title: "Delete offsets", body, action: "Delete offsets", isDanger: true };
    const isDone = await openDialog(text, async () => {
      await deleteTopicOffsets({ group, topic });
    });
    if (!isDone) return;
    this.#context.notices.say(`Deleted the offsets of group ${group} in ${topic}.`);
    this.#poll.start();
  }

  async #delete(): Promise<void> {
    const { topics = [] } = this.#detail ?? {};
    const group = this.#group;
    const partitions = topics.reduce((sum, { committed }) => sum + committed, 0);
    const body = [
      `Deletes group ${group} with its committed offsets: ${countOf(partitions, "partition")} in ${countOf(topics.length, "topic")}.`,
      "No records are deleted. A consumer that joins the group later begins where its setting auto.offset.reset says.",
    ];
    const text = { title: "Delete group", body, action: "Delete group", isDanger: true };
    const isDone = await openDialog({ ...text, typed: group }, async () => {
      await deleteGroup({ group });
    });
    if (!isDone) return;
    this.#context.notices.say(`Deleted group ${group}.`);
    this.#context.router.go(hrefOf("groups"));
  }
}

/** Leads to the record at which somebody may be stuck. */
function nextLink({ topic, partition, committed }: GroupPartitionRow): HTMLElement {
  const href = hrefOf("records", [topic], {
    ...{ partition, from: committed, record: `${partition}/${committed}` },
  });
  return element("a", { href }, `The next record is at offset ${formatCount(committed)}.`);
}

function typeWords({ type, protocolType }: GroupDetail): string {
  if (type === "") return "never had members";
  const words = type === "classic" ? "classic: a member assigns" : "consumer: the broker assigns";
  return protocolType === "consumer" ? words : `${words} (${protocolType})`;
}

/** `3 members`, and how many of them are listed. */
function titleOf(count: number, noun: string, listed: number, which: string): string {
  const all = count === 0 ? `No ${noun}s` : countOf(count, noun);
  return listed < count ? `${all}: the ${formatCount(listed)} ${which}` : all;
}

/** Why the curve has a gap at its beginning. */
function gapNote({ times, lags, gap }: LagHistory): string {
  if (gap === null) return "";
  const since = formatClock(times[lags.findIndex((lag) => lag !== null)] ?? 0);
  if (gap === "uncommitted") return `It had committed nothing before ${since}.`;
  return `Not known before ${since}: the log of commits was compacted since.`;
}

function ageText(age: UnreadAge | undefined): string {
  if (age === undefined) return "—";
  if (age.isMore && age.ms < AGE_MS_MIN) return "…";
  return `${age.isMore ? "over " : ""}${formatAge(age.ms)}`;
}

function rateText(perSecond: number | undefined): string {
  return perSecond === undefined ? "…" : formatRate(perSecond);
}
