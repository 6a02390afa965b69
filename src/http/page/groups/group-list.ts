// The list of groups: filtered and in an order, a page at a time, refreshed while it is shown.
// Leaves to others: one group (group-page.ts), comparing many groups (services/group-list.ts).
import { compareNaturally } from "../../../natural-order.js";
import { element, setText } from "../parts/dom.js";
import { emptyState, link } from "../parts/empty.js";
import { choice, filterInput } from "../parts/fields.js";
import { countOf, formatCount } from "../parts/format.js";
import { nameText } from "../parts/names.js";
import { Poll } from "../parts/poll.js";
import { type Column, Table } from "../parts/table.js";
import { hrefOf, type Query } from "../router.js";
import type { PageContext } from "../view.js";
import { askGroupRows } from "./group-api.js";
import type { GroupRow, GroupRows } from "./group-wire.js";
import { formatRate } from "./group-words.js";

/** Time between two refreshes in milliseconds, and how much slow answers extend it. */
const PACE = { restMs: () => 2000, restFactor: 50 };

/** The trend is an average over this time, since consumers commit every few seconds; over less than the other it is not shown. */
const TREND_MS = 20_000;
const TREND_MS_MIN = 5000;

/** The choices of states; a group that rebalances passes through several. */
const STATES = {
  "": "all states",
  Stable: "Stable",
  Empty: "Empty",
  "PreparingRebalance,CompletingRebalance,Assigning,Reconciling": "rebalancing",
} as const;

const TYPES = { "": "all types", classic: "classic", consumer: "consumer" } as const;

/** The parts of the address, in the order in which they are written. */
const NAMES = ["filter", "state", "type", "order", "after", "value"] as const;

interface Seen {
  readonly ms: number;
  readonly lag: number;
}

export class GroupList {
  readonly root = element("div");
  readonly #context: PageContext;
  readonly #filter: HTMLInputElement;
  readonly #state = choice("state", STATES);
  readonly #type = choice("type", TYPES);
  readonly #note = element("p", { class: "muted", role: "status" });
  readonly #empty = element("div");
  readonly #pages = element("nav", { class: "actions", "aria-label": "Pages" });
  readonly #table: Table<GroupRow>;
  readonly #poll = new Poll((signal) => this.#refresh(signal), PACE);
  /** What was seen of each group's lag, oldest first. */
  #seen = new Map<string, readonly Seen[]>();
  #query = new URLSearchParams();

  constructor(context: PageContext) {
    this.#context = context;
    this.#filter = filterInput("Filter groups", () => this.#change({}));
    this.#state.ariaLabel = "State";
    this.#type.ariaLabel = "Type";
    for (const select of [this.#state, this.#type]) {
      select.addEventListener("change", () => this.#change({}));
    }
    this.#table = new Table({
      caption: "Groups",
      columns: this.#columns(),
      keyOf: ({ group }) => group,
      order: "name",
      onOrder: (order) => this.#change({ order }),
    });
    const fields = element("div", { class: "filters" }, this.#filter, this.#state, this.#type);
    const head = element(
      "div",
      { class: "view-head" },
      element("h2", {}, "Groups"),
      fields,
      this.#note,
    );
    this.root.append(head, this.#table.root, this.#empty, this.#pages);
  }

  show(asked: URLSearchParams): void {
    const query = new URLSearchParams(asked);
    if (!this.#table.has(query.get("order") ?? "name")) query.delete("order");
    const isSame = this.#query.toString() === query.toString();
    this.#query = query;
    // Not while somebody is typing there.
    if (this.#filter.value !== (query.get("filter") ?? ""))
      this.#filter.value = query.get("filter") ?? "";
    this.#state.value = query.get("state") ?? "";
    this.#type.value = query.get("type") ?? "";
    if (!isSame) this.#table.show([]);
    this.#table.order = query.get("order") ?? "name";
    this.#poll.start();
  }

  hide(): void {
    this.#poll.stop();
  }

  #columns(): Column<GroupRow>[] {
    return [
      {
        ...{ name: "name", title: "group", text: ({ group }) => nameText(group) },
        href: ({ group }) => hrefOf("groups", [group]),
        compare: (a, b) => compareNaturally(a.group, b.group),
      },
      {
        ...{ name: "state", title: "state", text: ({ state }) => state },
        compare: (a, b) => (a.state < b.state ? -1 : a.state > b.state ? 1 : 0),
      },
      {
        name: "type",
        title: "type",
        isExtra: true,
        text: ({ type }) => (type === "" ? "—" : type),
      },
      {
        ...{ name: "members", title: "members", isNumber: true, isExtra: true },
        text: ({ members }) => formatCount(members),
        compare: (a, b) => a.members - b.members,
      },
      {
        ...{ name: "partitions", title: "partitions", isNumber: true, isExtra: true },
        text: ({ partitions }) => formatCount(partitions),
      },
      {
        ...{ name: "lag", title: "lag", isNumber: true },
        text: ({ lag }) => (lag === null ? "—" : formatCount(lag)),
        compare: (a, b) => (a.lag ?? 0) - (b.lag ?? 0),
      },
      { name: "trend", title: "trend", text: ({ group }) => this.#trendOf(group) },
    ];
  }

  /** Goes to another selection, which begins with its first page. */
  #change({ order = this.#query.get("order") ?? "" }: { readonly order?: string }): void {
    const query: Query = {
      ...{ filter: this.#filter.value, state: this.#state.value, type: this.#type.value },
      order: order === "name" ? "" : order,
    };
    this.#context.router.replace(hrefOf("groups", [], query));
  }

  async #refresh(signal: AbortSignal): Promise<void> {
    const query = Object.fromEntries(
      NAMES.map((name) => [name, this.#query.get(name) ?? undefined]),
    );
    // The value of a row may be empty, and the order by name has none.
    const state = await askGroupRows(query, signal).catch((error: unknown) => {
      if (!signal.aborted) this.#fail(error);
    });
    if (state !== undefined && !signal.aborted) this.#show(state);
  }

  #fail(error: unknown): void {
    this.#note.classList.add("failure");
    setText(this.#note, error instanceof Error ? error.message : String(error));
  }

  #show(state: GroupRows): void {
    const { rows, matching, isComplete, next } = state;
    this.#note.classList.remove("failure");
    const some = isComplete ? "" : " of the first ones by name; filter to compare others";
    setText(this.#note, `${countOf(matching, "group")}${some}`);
    this.#see(rows);
    this.#table.show(rows);
    this.#table.root.hidden = rows.length === 0;
    if (rows.length > 0) this.#empty.replaceChildren();
    else if (this.#empty.childElementCount === 0) this.#empty.append(this.#nothing());
    const here = Object.fromEntries(NAMES.map((name) => [name, this.#query.get(name) ?? ""]));
    const first = hrefOf("groups", [], { ...here, after: "", value: "" });
    const links = [
      ...(this.#query.has("after") ? [link("First page", first)] : []),
      ...(next === null ? [] : [link("Next page", hrefOf("groups", [], { ...here, ...next }))]),
    ];
    this.#pages.replaceChildren(...links);
  }

  #nothing(): HTMLElement {
    const isChosen = NAMES.some((name) => name !== "order" && this.#query.has(name));
    if (isChosen) return emptyState("No group matches.", link("Show all groups", hrefOf("groups")));
    if (this.#context.session.user !== null)
      return emptyState("There are no groups that you may see.");
    const { address } = this.#context.model.overview ?? {};
    const broker = address === undefined ? "" : ` --broker ${address}`;
    return emptyState(
      "There are no groups yet. A group appears when a consumer joins it or commits an offset for it, for example:",
      element("code", {}, `rustlog consume TOPIC --group NAME${broker}`),
    );
  }

  #see(rows: readonly GroupRow[]): void {
    const ms = performance.now();
    const seen = new Map<string, readonly Seen[]>();
    for (const { group, lag } of rows) {
      if (lag === null) continue;
      const before = this.#seen.get(group) ?? [];
      // Keep one that is old enough.
      const from = Math.max(
        0,
        before.findLastIndex((each) => ms - each.ms >= TREND_MS),
      );
      seen.set(group, [...before.slice(from), { ms, lag }]);
    }
    this.#seen = seen;
  }

  #trendOf(group: string): string {
    const seen = this.#seen.get(group) ?? [];
    const [first] = seen;
    const last = seen.at(-1);
    if (first === undefined || last === undefined || last.ms - first.ms < TREND_MS_MIN) return "…";
    const perSecond = (last.lag - first.lag) / ((last.ms - first.ms) / 1000);
    if (perSecond === 0) return last.lag === 0 ? "—" : "steady";
    return perSecond > 0 ? `▲ ${formatRate(perSecond)}/s` : `▼ ${formatRate(-perSecond)}/s`;
  }
}
