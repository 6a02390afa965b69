// The client connections: how many speak which protocol and, when opened, each of them.
// Leaves to others: the state itself (http/api/connections.ts).
import { askConnections } from "../api.js";
import { element, setText } from "../parts/dom.js";
import { countOf, formatBytes, formatCount } from "../parts/format.js";
import type { ConnectionsState, ConnectionState } from "../wire.js";

/** Minimum time between refreshes; slow answers extend it. */
const REFRESH_MS = 2000;
const REST_FACTOR = 20;

const COLUMNS = ["protocol", "client", "library", "from", "in", "out"];

export class ConnectionsView {
  readonly #root: HTMLDetailsElement;
  readonly #summary = element("summary");
  readonly #rows = element("tbody");
  readonly #note = element("p", { class: "empty" });

  constructor(root: HTMLDetailsElement) {
    this.#root = root;
    const head = element("tr", {}, ...COLUMNS.map((name) => element("th", { scope: "col" }, name)));
    const table = element("table", {}, element("thead", {}, head), this.#rows);
    root.append(this.#summary, element("div", {}, table, this.#note));
  }

  /** Shows the connections, and again while the page is open. */
  start(): void {
    void this.#refresh();
  }

  async #refresh(): Promise<void> {
    const beganMs = performance.now();
    const state = document.hidden ? undefined : await askConnections().catch(() => undefined);
    if (state !== undefined) this.#show(state);
    const restMs = Math.max(REFRESH_MS, (performance.now() - beganMs) * REST_FACTOR);
    setTimeout(() => void this.#refresh(), restMs);
  }

  #show({ protocols, connections, hasMore }: ConnectionsState): void {
    const counts = Object.entries(protocols);
    const count = counts.reduce((sum, [, of]) => sum + of, 0);
    const parts = counts.map(([protocol, of]) => `${formatCount(of)} ${protocol}`).join(", ");
    this.#root.hidden = count === 0;
    setText(this.#summary, `${countOf(count, "connection")}: ${parts}`);
    this.#rows.replaceChildren(...connections.map(rowOf));
    setText(
      this.#note,
      hasMore ? `There are more: these ${connections.length} have the most traffic.` : "",
    );
  }
}

function rowOf(connection: ConnectionState): HTMLTableRowElement {
  const { protocol, clientId, software, address, receivedBytes, sentBytes } = connection;
  const bytes = [formatBytes(receivedBytes), formatBytes(sentBytes)];
  const cells = [protocol, clientId ?? "—", software ?? "—", address, ...bytes];
  return element("tr", {}, ...cells.map((text) => element("td", {}, text)));
}
