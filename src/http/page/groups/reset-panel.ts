// Resets a group: asks where to, shows what would change, and does that and nothing else once it is confirmed.
// Leaves to others: what is typed (reset-place.ts), and the checks (services/group-reset.ts).
import { openDialog } from "../parts/dialog.js";
import { button, element, failure, setText } from "../parts/dom.js";
import { choice, field } from "../parts/fields.js";
import { countOf, formatCount, formatTime, zoneText } from "../parts/format.js";
import { nameInText } from "../parts/names.js";
import { Pager, pageText } from "../parts/pager.js";
import { Table } from "../parts/table.js";
import { shownTime } from "../parts/typed-time.js";
import type { Query } from "../router.js";
import type { PageContext } from "../view.js";
import { askResetPlan, resetOffsets } from "./group-api.js";
import type { GroupDetail, ResetPlan } from "./group-wire.js";
import { partitionWords } from "./group-words.js";
import {
  placeQuery,
  RESET_FIELDS,
  RESET_KINDS,
  type ResetKind,
  resetKindOf,
  settled,
} from "./reset-place.js";

/** What the panel is chosen to do at first. */
const FIRST_KIND: ResetKind = "time";

interface ResetPanelEvents {
  /** The address of the group with this reset, or with none. */
  hrefOf(reset: Query): string;
  /** It is closed, after a reset or without one; `opener` had the focus before. */
  closed(opener: Element | null): void;
}

type Move = ResetPlan["moves"][number];

export class ResetPanel {
  readonly root = element("section", { class: "reset card", "aria-label": "Reset offsets" });
  readonly #context: PageContext;
  readonly #events: ResetPanelEvents;
  readonly #kind = choice("reset", RESET_KINDS);
  readonly #at = element("input", { name: "at", required: true, spellcheck: "false" });
  readonly #atLabel = element("span");
  readonly #atField = element("label", { class: "field field-at" }, this.#atLabel, this.#at);
  readonly #topic = choice("topic", { "": "all topics of the group" });
  readonly #partitions = element("input", {
    ...{ name: "partitions", placeholder: "all", pattern: "\\d+(\\s*,\\s*\\d+)*" },
    title: "Numbers, separated by commas",
  });
  readonly #form: HTMLFormElement;
  readonly #warning = element("p", { class: "failure", hidden: true });
  readonly #said = element("div", { class: "said", role: "status" });
  readonly #plan = element("div", { class: "plan" });
  readonly #table: Table<Move>;
  readonly #pager = new Pager({ noun: "partition", turn: (page) => this.#turn(page) });
  readonly #action = button("", () => void this.#confirm());
  /** What is shown, and in words where to. */
  #planned: { readonly plan: ResetPlan; readonly where: string } | undefined;
  /** Of the group; undefined while the broker has not said it. */
  #memberCount: number | undefined;
  #group = "";
  #shown = "";
  /** What had the focus when the panel was opened. */
  #opener: Element | null = null;
  #asking: AbortController | undefined;

  constructor(context: PageContext, events: ResetPanelEvents) {
    this.#context = context;
    this.#events = events;
    this.#table = new Table({
      ...{ caption: "What the reset would change", pager: this.#pager },
      columns: [
        { name: "topic", title: "topic", text: ({ topic }) => topic },
        {
          name: "partition",
          title: "partition",
          isNumber: true,
          text: (row) => String(row.partition),
        },
        { name: "from", title: "now", isNumber: true, text: ({ from }) => offsetText(from) },
        { name: "to", title: "new", isNumber: true, text: ({ to }) => offsetText(to) },
        {
          ...{ name: "difference", title: "difference", isNumber: true, isExtra: true },
          text: differenceText,
        },
        {
          ...{ name: "log", title: "log", isNumber: true, isExtra: true },
          text: ({ logStart, end }) => `${formatCount(logStart)} to ${formatCount(end)}`,
        },
      ],
      keyOf: ({ topic, partition }) => `${topic}:${partition}`,
    });
    this.#form = element(
      "form",
      { class: "tool", autocomplete: "off" },
      element("h2", {}, "Reset to"),
      field("where to", this.#kind),
      this.#atField,
      field("topic", this.#topic),
      field("partitions", this.#partitions),
      element("button", { type: "submit" }, "Show what would change"),
      button("Cancel", () => this.#close(), { "aria-keyshortcuts": "Escape" }),
    );
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#ask();
    });
    this.root.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.#close();
    });
    this.#kind.addEventListener("change", () => this.#fit());
    this.#topic.addEventListener("change", () => this.#fit());
    this.root.append(this.#form, this.#warning, this.#said, this.#plan);
  }

  /** The topics that can be chosen, and whether the group can be reset at all. */
  update({ topics, memberCount, may }: GroupDetail): void {
    const isRefused = !may.reset;
    for (const part of [this.#form, this.#said, this.#plan]) part.hidden = isRefused;
    this.#warning.hidden = !isRefused && memberCount === 0;
    setText(this.#warning, isRefused ? this.#refusal() : membersWarning(memberCount));
    const haveLeft = memberCount === 0 && (this.#memberCount ?? 0) > 0;
    this.#memberCount = memberCount;
    this.#action.disabled = !this.#canBeDone();
    // They may have committed before they left: what was shown could not be carried out.
    if (haveLeft && this.#planned !== undefined) this.#showAgain();
    const known = new Set([...this.#topic.options].map(({ value }) => value));
    for (const { topic } of topics) {
      if (!known.has(topic)) this.#topic.append(element("option", { value: topic }, topic));
    }
    // The one of the address, once it is known.
    const asked = new URLSearchParams(this.#shown).get("topic") ?? "";
    if (asked !== "" && this.#topic.value === "" && !known.has(asked)) this.#topic.value = asked;
  }

  #refusal(): string {
    return this.#context.session.isReadOnly
      ? "This page is read-only (--ui-read-only): the group can't be reset here."
      : "You may not reset this group: that needs READ on the group.";
  }

  /** Shows the reset of an address, with its dry run if the address says where to. */
  show(group: string, query: URLSearchParams): void {
    const shown = `${query}`;
    if (this.#group === group && this.#shown === shown) return;
    const { activeElement } = document;
    if (!this.root.contains(activeElement)) this.#opener = activeElement;
    if (this.#group !== group) {
      this.#memberCount = undefined;
      this.#warning.hidden = true;
    }
    this.#group = group;
    this.#shown = shown;
    const kind = resetKindOf(query.get("reset"));
    this.#kind.value = kind ?? FIRST_KIND;
    this.#at.value = shownTime(query.get("at") ?? "");
    this.#topic.value = query.get("topic") ?? "";
    this.#partitions.value = query.get("partitions") ?? "";
    this.#fit();
    this.#clear();
    if (kind !== undefined) void this.#show(kind, query);
    else (this.#at.disabled ? this.#kind : this.#at).focus();
  }

  hide(): void {
    this.#asking?.abort();
    this.#shown = "";
  }

  /** Leaves only the fields that the choices need. */
  #fit(): void {
    const kind = this.#kind.value as ResetKind;
    const { label = "", hint = "" } = RESET_FIELDS[kind] ?? {};
    this.#atField.hidden = label === "";
    this.#at.disabled = label === "";
    setText(this.#atLabel, kind === "time" ? `${label} (${zoneText()})` : label);
    this.#at.placeholder = hint;
    this.#partitions.disabled = this.#topic.value === "";
  }

  #clear(): void {
    this.#asking?.abort();
    this.#planned = undefined;
    this.#said.replaceChildren();
    this.#plan.replaceChildren();
  }

  /** Goes to the address of what is in the form, which shows the dry run. */
  #ask(): void {
    const kind = resetKindOf(this.#kind.value) ?? FIRST_KIND;
    const topic = this.#topic.value;
    const query = {
      ...{ reset: kind, at: settled(kind, this.#at.disabled ? "" : this.#at.value, new Date()) },
      ...{ topic, partitions: topic === "" ? "" : this.#partitions.value.replaceAll(/\s/g, "") },
    };
    const href = this.#events.hrefOf(query);
    if (location.hash === href) this.#showAgain();
    else this.#context.router.go(href);
  }

  /** Asks the question of the address again, which is about the group as it is now. */
  #showAgain(): void {
    this.#shown = "";
    this.show(this.#group, this.#context.router.current.query);
  }

  async #show(kind: ResetKind, query: URLSearchParams): Promise<void> {
    const at = query.get("at") ?? "";
    this.#asking = new AbortController();
    const { signal } = this.#asking;
    this.#said.replaceChildren(element("p", {}, "Looking up the offsets …"));
    try {
      const where = {
        topic: query.get("topic") ?? undefined,
        partitions: query.get("partitions") ?? undefined,
      };
      const asked = { group: this.#group, ...placeQuery(kind, at), ...where };
      const plan = await askResetPlan(asked, signal);
      if (!signal.aborted) this.#showPlan(plan, placeWords(kind, at));
    } catch (error) {
      if (!signal.aborted) this.#said.replaceChildren(failure(error));
    }
  }

  #turn(page: number): void {
    this.#pager.page = pageText(page);
    this.#table.show(this.#planned?.plan.moves ?? []);
  }

  #showPlan(plan: ResetPlan, where: string): void {
    this.#planned = { plan, where };
    this.#turn(1);
    const text = `To ${where}: ${summaryOf(plan)} Nothing has been changed yet.`;
    this.#said.replaceChildren(element("p", {}, text));
    setText(this.#action, `Reset ${countOf(movesOf(plan).length, "partition")}`);
    this.#action.disabled = !this.#canBeDone();
    this.#plan.replaceChildren(
      this.#table.root,
      this.#pager.root,
      element("div", { class: "actions" }, this.#action),
    );
  }

  #canBeDone(): boolean {
    return (
      this.#memberCount === 0 &&
      this.#planned !== undefined &&
      movesOf(this.#planned.plan).length > 0
    );
  }

  async #confirm(): Promise<void> {
    if (this.#planned === undefined) return;
    const { plan, where } = this.#planned;
    const moves = movesOf(plan);
    const group = this.#group;
    const body = [
      `Group ${nameInText(group)} moves to ${where} in ${partitionWords(moves)}.`,
      summaryOf({ moves }),
      "Consumers that join the group from now on begin there.",
    ];
    const text = { title: "Reset offsets", body, action: "Reset offsets", isDanger: true };
    const isDone = await openDialog(text, async () => {
      const asked = moves.map(({ logStart: _, end: __, ...move }) => move);
      await resetOffsets({ group, moves: asked });
    });
    if (!isDone) return;
    this.#context.notices.say(
      `Reset ${countOf(moves.length, "partition")} of group ${nameInText(group)}.`,
    );
    this.#close();
  }

  #close(): void {
    const opener = this.#opener;
    this.#opener = null;
    this.#context.router.go(this.#events.hrefOf({}));
    this.#events.closed(opener);
  }
}

/** Those that are not there already. */
function movesOf(plan: ResetPlan): readonly Move[] {
  return plan.moves.filter(({ from, to }) => from !== to);
}

function membersWarning(count: number): string {
  if (count === 1)
    return "The group has 1 member, which would go on from where it is: stop it first.";
  return `The group has ${countOf(count, "member")}, which would go on from where they are: stop them first.`;
}

function offsetText(offset: number): string {
  return offset < 0 ? "—" : formatCount(offset);
}

function differenceText({ from, to }: Move): string {
  if (from < 0) return "—";
  return to > from ? `+${formatCount(to - from)}` : formatCount(to - from);
}

/** What it means for the consumers. */
function summaryOf({ moves }: ResetPlan): string {
  let again = 0;
  let skipped = 0;
  let first = 0;
  for (const { from, to } of moves) {
    if (from < 0) first++;
    else if (to < from) again += from - to;
    else skipped += to - from;
  }
  const parts = [
    ...(again > 0 ? [`${countOf(again, "offset")} will be read again`] : []),
    ...(skipped > 0 ? [`${countOf(skipped, "offset")} will be skipped`] : []),
    ...(first > 0 ? [`${countOf(first, "partition")} had no committed offset`] : []),
  ];
  return parts.length === 0 ? "all partitions are there already." : `${parts.join(", ")}.`;
}

function placeWords(kind: ResetKind, at: string): string {
  if (kind === "time") {
    const ms = Date.parse(at);
    if (at.startsWith("-")) return `the first record from ${at.slice(1)} ago on`;
    if (Number.isNaN(ms)) return `the time ${at}`;
    return `the first record from ${formatTime(ms)} on`;
  }
  if (kind === "offset") return `offset ${at}`;
  if (kind === "end") return `${at} before the end of the log`;
  if (kind === "shift")
    return `${at.startsWith("-") ? at : `+${at.replace("+", "")}`} from where it is`;
  return RESET_KINDS[kind];
}
