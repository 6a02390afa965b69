// The consumer groups with their total lag, and a filter for when there are many.
// Leaves to others: a group's position in a partition (row.ts), and storing the shown groups (model.ts).
import { askGroups } from "./api.js";
import { element, setText } from "./dom.js";
import { countOf, formatCount } from "./format.js";
import type { GroupsState } from "./wire.js";

/** Minimum time between refreshes of filtered groups; slow answers extend it. */
const REFRESH_MS = 1000;
const REST_FACTOR = 20;

export class GroupsView {
  readonly #root: HTMLDetailsElement;
  readonly #onChosen: (state: GroupsState) => void;
  readonly #summary = element("summary");
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

  /** `onChosen` is called with the groups that are shown now. */
  constructor(root: HTMLDetailsElement, onChosen: (state: GroupsState) => void) {
    this.#root = root;
    this.#onChosen = onChosen;
    root.append(this.#summary, this.#filter, this.#list, this.#note);
    this.#filter.addEventListener("input", () => this.#filtered());
  }

  /** Takes the first groups, shown while there is no filter. */
  update(first: GroupsState): void {
    this.#first = first;
    this.#root.hidden = first.count === 0;
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
    const lines = state.groups.map(({ group, lag, partitions }) =>
      element("li", {}, `${group}: lag ${formatCount(lag)} in ${countOf(partitions, "partition")}`),
    );
    this.#list.replaceChildren(...lines);
    const more = state.hasMore ? "There are more: filter by name." : "";
    setText(this.#note, state.groups.length === 0 ? "No group matches." : more);
    this.#onChosen(state);
  }
}
