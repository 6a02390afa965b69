// The consumer groups with their state, members and total lag, and a filter for when there are many.
// Leaves to others: a group's position in a partition (log/row.ts).
import { askGroups } from "../api.js";
import { element, setText } from "../parts/dom.js";
import type { PageContext, View } from "../view.js";
import { countOf, formatCount } from "../parts/format.js";
import type { GroupOffset, GroupsState, Tick } from "../wire.js";

/** Minimum time between refreshes of filtered groups; slow answers extend it. */
const REFRESH_MS = 1000;
const REST_FACTOR = 20;

export class GroupsView implements View {
  readonly root = element("section", { id: "groups", class: "all-groups" });
  readonly #summary = element("h2");
  readonly #list = element("ul");
  readonly #note = element("p", { class: "empty" });
  readonly #filter = element("input", {
    type: "search",
    name: "group",
    placeholder: "part of a name",
    "aria-label": "Filter groups by name",
    spellcheck: "false",
  });
  #first: GroupsState | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor({ model }: PageContext) {
    this.root.append(this.#summary, this.#filter, this.#list, this.#note);
    this.#filter.addEventListener("input", () => this.#filtered());
    if (model.groupsState !== undefined) this.#update(model.groupsState);
  }

  show(): string {
    this.#filtered();
    return "Groups";
  }

  hide(): void {
    clearTimeout(this.#timer);
  }

  tick({ groups }: Tick): void {
    if (groups !== undefined) this.#update(groups);
  }

  /** Takes the first groups, shown while there is no filter. */
  #update(first: GroupsState): void {
    this.#first = first;
    if (this.#filter.value === "") this.#show(first);
    else setText(this.#summary, countOf(first.count, "consumer group"));
  }

  #filtered(): void {
    clearTimeout(this.#timer);
    if (this.#filter.value === "") {
      if (this.#first !== undefined) this.#show(this.#first);
    } else void this.#ask(this.#filter.value);
  }

  async #ask(filter: string): Promise<void> {
    const beganMs = performance.now();
    const state = await askGroups(filter).catch(() => undefined);
    if (this.#filter.value !== filter) return;
    if (state !== undefined) this.#show(state);
    const restMs = Math.max(REFRESH_MS, (performance.now() - beganMs) * REST_FACTOR);
    this.#timer = setTimeout(() => void this.#ask(filter), restMs);
  }

  #show(state: GroupsState): void {
    setText(this.#summary, countOf(state.count, "consumer group"));
    const byMember = Map.groupBy(state.offsets, ({ group, member }) => `${group}\n${member}`);
    const lines = state.groups.map((group) =>
      groupLine(group, (member) => byMember.get(`${group.group}\n${member}`) ?? []),
    );
    this.#list.replaceChildren(...lines);
    const more = state.hasMore ? "There are more: filter by name." : "";
    setText(this.#note, state.groups.length === 0 ? "No group matches." : more);
  }
}

type Group = GroupsState["groups"][number];

/** Partitions of a member that are listed. */
const PARTITIONS_LISTED_MAX = 20;

/** A group, and below it its members and what each reads. */
function groupLine(
  { group, state, lag, partitions, memberCount, members }: Group,
  readBy: (member: string) => readonly GroupOffset[],
): HTMLLIElement {
  const count = memberCount === 0 ? "" : `${countOf(memberCount, "member")}, `;
  const total = `lag ${formatCount(lag)} in ${countOf(partitions, "partition")}`;
  const text = `${group}: ${state}, ${count}${total}`;
  if (members.length === 0) return element("li", {}, text);
  const lines = members.map(({ id, name }) =>
    element("li", {}, `${name}: ${readWords(readBy(id))}`),
  );
  const left = memberCount - members.length;
  if (left > 0) lines.push(element("li", {}, `and ${formatCount(left)} more`));
  return element("li", { class: "shared" }, text, element("ul", {}, ...lines));
}

/** `orders 0 lag 2, orders 2 lag 0`. */
function readWords(offsets: readonly GroupOffset[]): string {
  if (offsets.length === 0) return "no partitions";
  const words = offsets
    .slice(0, PARTITIONS_LISTED_MAX)
    .map(({ topic, partition, lag }) => `${topic} ${partition} lag ${formatCount(lag)}`);
  const left = offsets.length - words.length;
  return words.join(", ") + (left > 0 ? ` and ${formatCount(left)} more` : "");
}
