// The connections view: which clients use the broker, those with the most traffic first, and how to close a connection.
// Leaves to others: the state itself (http/api/connections.ts), the columns (connection-columns.ts), the words
// (connection-words.ts).
import { button, element, failure, setText } from "../parts/dom.js";
import { emptyState } from "../parts/empty.js";
import { choice, field, filterInput } from "../parts/fields.js";
import { countOf } from "../parts/format.js";
import { Poll } from "../parts/poll.js";
import { Table } from "../parts/table.js";
import { hrefOf, type Route } from "../router.js";
import type { PageContext, View } from "../view.js";
import type {
  ClientGroup,
  ClientSum,
  ConnectionsState,
  ConnectionState,
} from "./connection-wire.js";
import { askToClose } from "./close-dialog.js";
import { askConnections } from "./connection-api.js";
import { connectionColumns, sumColumns } from "./connection-columns.js";
import { busiestPieces, countText, emptyText, trafficText } from "./connection-words.js";

/** Minimum time between refreshes; slow answers extend it. */
const REFRESH_MS = 2000;
const REFRESH_FACTOR = 20;

/** The broker measures rates over at least a second; after that the first ones are there. */
const FIRST_RATES_MS = 1100;

/** Time without a key after which a filter is applied. */
const TYPING_MS = 200;

const BY = {
  "": "each connection",
  client: "sums by client id",
  user: "sums by user",
  host: "sums by address",
  software: "sums by library",
  writes: "sums by topic written",
  reads: "sums by topic read",
  group: "sums by group",
} as const;

const ORDER = "-rate";

export class ConnectionsView implements View {
  readonly #context: PageContext;
  readonly #title = element("h2", {}, "Connections");
  readonly #traffic = element("span");
  readonly #busiest = element("span");
  readonly #filter = filterInput("Filter by client, user, topic …", () => this.#typed());
  readonly #by = choice("by", BY);
  readonly #said = element("div", { class: "said" });
  readonly #table: Table<ConnectionState>;
  readonly #sums: Table<ClientSum>;
  readonly #empty = element("div");
  readonly #note = element("p", { class: "muted note" });
  readonly root: HTMLElement;
  #order = ORDER;
  #state: ConnectionsState | undefined;
  /** Keys of the rows as they are shown. */
  #shown: readonly string[] = [];
  readonly #poll = new Poll((signal) => this.#refresh(signal), {
    restMs: () => (this.#state?.spanMs === 0 ? FIRST_RATES_MS : REFRESH_MS),
    restFactor: REFRESH_FACTOR,
  });
  #typing: ReturnType<typeof setTimeout> | undefined;

  constructor(context: PageContext) {
    this.#context = context;
    const stateOf = (): ConnectionsState | undefined => this.#state;
    const close = context.session.mayCloseConnections
      ? (connection: ConnectionState) => void this.#close(connection)
      : undefined;
    const onOrder = (order: string): void => this.#go({ order });
    this.#table = new Table<ConnectionState>({
      caption: "Connections",
      columns: connectionColumns(stateOf, context.session.user !== null, close),
      keyOf: keyOfConnection,
      order: ORDER,
      onOrder,
    });
    this.#sums = new Table<ClientSum>({
      caption: "Connections, summed",
      columns: sumColumns(stateOf, () => this.#by.value as ClientGroup),
      keyOf: (sum) => this.#keyOfSum(sum),
      order: ORDER,
      onOrder,
    });
    this.#sums.root.hidden = true;
    this.#by.addEventListener("change", () => this.#go({ by: this.#by.value, order: ORDER }));
    this.root = element(
      "div",
      { id: "connections", class: "connections" },
      element("div", { class: "view-head" }, this.#title, this.#filter, field("show", this.#by)),
      element("p", { class: "traffic-line" }, this.#traffic, this.#busiest),
      this.#said,
      this.#table.root,
      this.#sums.root,
      this.#empty,
      this.#note,
    );
  }

  show({ query }: Route): string {
    const by = query.get("by") ?? "";
    this.#by.value = Object.hasOwn(BY, by) ? by : "";
    this.#filter.value = query.get("filter") ?? "";
    const order = query.get("order") ?? ORDER;
    this.#order = (this.#by.value === "" ? this.#table : this.#sums).has(order) ? order : ORDER;
    this.#table.order = this.#order;
    this.#sums.order = this.#order;
    this.#shown = [];
    clearTimeout(this.#typing);
    this.#poll.start();
    return "Connections";
  }

  hide(): void {
    clearTimeout(this.#typing);
    this.#poll.stop();
  }

  /** The address of what is shown, with changes. */
  #href(change: { readonly by?: string; readonly order?: string } = {}): string {
    const { by = this.#by.value, order = this.#order } = change;
    return hrefOf("connections", [], {
      ...{ filter: this.#filter.value, by },
      order: order === ORDER ? undefined : order,
    });
  }

  #go(change: { readonly by?: string; readonly order?: string }): void {
    this.#context.router.go(this.#href(change));
  }

  #typed(): void {
    this.#context.router.note(this.#href());
    clearTimeout(this.#typing);
    this.#typing = setTimeout(() => this.#poll.start(), TYPING_MS);
  }

  async #refresh(signal: AbortSignal): Promise<void> {
    const query = new URLSearchParams({ order: this.#order, filter: this.#filter.value });
    if (this.#by.value !== "") query.set("by", this.#by.value);
    try {
      this.#show(await askConnections(query.toString(), signal));
    } catch (error) {
      if (!signal.aborted) this.#failed(error);
    }
  }

  /** Keeps the rows. Removes the note that there are no connections: a broker that stops closes its clients first. */
  #failed(error: unknown): void {
    this.#said.replaceChildren(failure(error));
    this.#showEmpty(false);
  }

  #show(state: ConnectionsState): void {
    this.#state = state;
    this.#said.replaceChildren();
    setText(this.#title, countText(state));
    this.#showTraffic(state);
    const { connections, sums, matching, hasMore } = state;
    const count = sums === null ? connections.length : sums.length;
    this.#table.root.hidden = count === 0 || sums !== null;
    this.#sums.root.hidden = count === 0 || sums === null;
    const isHeld =
      sums === null
        ? this.#fill(this.#table, connections, keyOfConnection)
        : this.#fill(this.#sums, sums, (sum) => this.#keyOfSum(sum));
    this.#showEmpty(count === 0);
    const what = sums === null ? countOf(matching, "connection") : "more";
    const more = hasMore ? `These are the first ${count} of ${what}: filter to see others.` : "";
    setText(this.#note, isHeld ? `${more} The order is kept while a row is in use.`.trim() : more);
  }

  /** Shows rows, in the order that they have while a person points at one or has the focus in one. */
  #fill<Row>(table: Table<Row>, rows: readonly Row[], keyOf: (row: Row) => string): boolean {
    const body = table.root.querySelector("tbody");
    const isInUse = body?.matches(":hover, :focus-within") === true;
    const places = new Map(this.#shown.map((key, i) => [key, i]));
    const placeOf = (row: Row): number => places.get(keyOf(row)) ?? places.size;
    const kept = isInUse ? rows.toSorted((a, b) => placeOf(a) - placeOf(b)) : rows;
    this.#shown = kept.map(keyOf);
    table.show(kept);
    return isInUse && kept.some((row, i) => row !== rows[i]);
  }

  #showTraffic(state: ConnectionsState): void {
    setText(this.#traffic, trafficText(state) ?? "measuring the traffic …");
    const pieces = busiestPieces(state);
    // A link that has not changed keeps the focus.
    if (this.#busiest.textContent === pieces.map(({ text }) => text).join("")) return;
    this.#busiest.replaceChildren(
      ...pieces.map(({ text, href }) => (href === undefined ? text : element("a", { href }, text))),
    );
  }

  #showEmpty(isEmpty: boolean): void {
    const filter = this.#filter.value;
    const address = this.#context.model.overview?.address;
    const said = isEmpty && address !== undefined ? `${address} for ${filter}` : "";
    if (this.#empty.dataset.said === said) return;
    this.#empty.dataset.said = said;
    this.#empty.replaceChildren();
    if (said === "") return;
    this.#empty.append(
      filter === ""
        ? emptyState(
            `No client is connected. Clients of RustLog and of Kafka connect to ${address}, for example:`,
            element("code", {}, `rustlog consume TOPIC --follow --broker ${address}`),
          )
        : emptyState(
            emptyText(filter),
            button("Show all", () => this.#context.router.go(hrefOf("connections"))),
          ),
    );
  }

  #keyOfSum({ name }: ClientSum): string {
    const by = this.#by.value;
    return name === null ? by : `${by} ${name}`;
  }

  /** Asks with the numbers of now: a row keeps the connection that it was made for. */
  async #close({ serial, address }: ConnectionState): Promise<void> {
    const connection = this.#state?.connections.find((each) => each.serial === serial);
    if (connection === undefined) {
      this.#context.notices.say(`The connection from ${address} is closed already.`);
      return;
    }
    const hasUsers = this.#context.session.user !== null;
    if (!(await askToClose(connection, hasUsers))) return;
    this.#context.notices.say(`The connection from ${address} is closed.`);
    // Its row goes, and the one of a client that connects again at once comes where it belongs.
    this.#shown = [];
    this.#table.root.focus({ preventScroll: true });
    if (this.root.isConnected) this.#poll.start();
  }
}

function keyOfConnection({ serial }: ConnectionState): string {
  return String(serial);
}
