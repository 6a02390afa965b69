// The client connections: how many speak which protocol and, when opened, each of them.
// Leaves to others: the state itself (http/api/connections.ts).
import { askConnections } from "../api.js";
import { element, setText } from "../parts/dom.js";
import type { View } from "../view.js";
import { type Column, Table } from "../parts/table.js";
import { countOf, formatBytes, formatCount } from "../parts/format.js";
import type { ConnectionsState, ConnectionState } from "../wire.js";

/** Minimum time between refreshes; slow answers extend it. */
const REFRESH_MS = 2000;
const REST_FACTOR = 20;

const COLUMNS: readonly Column<ConnectionState>[] = [
  { name: "protocol", title: "protocol", text: ({ protocol }) => protocol },
  { name: "client", title: "client", text: ({ clientId }) => clientId ?? "—" },
  { name: "library", title: "library", text: ({ software }) => software ?? "—" },
  { name: "from", title: "from", text: ({ address }) => address },
  {
    ...{ name: "in", title: "in", isNumber: true },
    text: ({ receivedBytes }) => formatBytes(receivedBytes),
    compare: (a, b) => a.receivedBytes - b.receivedBytes,
  },
  {
    ...{ name: "out", title: "out", isNumber: true },
    text: ({ sentBytes }) => formatBytes(sentBytes),
    compare: (a, b) => a.sentBytes - b.sentBytes,
  },
];

export class ConnectionsView implements View {
  readonly #summary = element("h2");
  readonly #table = new Table<ConnectionState>({
    caption: "Connections",
    columns: COLUMNS,
    keyOf: ({ address }) => address,
  });
  readonly #note = element("p", { class: "empty" });
  readonly root: HTMLElement;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isShown = false;

  constructor() {
    this.root = element(
      "section",
      { id: "connections", class: "connections" },
      this.#summary,
      this.#table.root,
    );
  }

  show(): string {
    this.#isShown = true;
    void this.#refresh();
    return "Connections";
  }

  hide(): void {
    this.#isShown = false;
    clearTimeout(this.#timer);
  }

  async #refresh(): Promise<void> {
    clearTimeout(this.#timer);
    const beganMs = performance.now();
    const state = document.hidden ? undefined : await askConnections().catch(() => undefined);
    if (!this.#isShown) return;
    if (state !== undefined) this.#show(state);
    const restMs = Math.max(REFRESH_MS, (performance.now() - beganMs) * REST_FACTOR);
    this.#timer = setTimeout(() => void this.#refresh(), restMs);
  }

  #show({ protocols, connections, hasMore }: ConnectionsState): void {
    const counts = Object.entries(protocols);
    const count = counts.reduce((sum, [, of]) => sum + of, 0);
    const parts = counts.map(([protocol, of]) => `${formatCount(of)} ${protocol}`).join(", ");
    setText(this.#summary, `${countOf(count, "connection")}: ${parts}`);
    this.#table.show(connections);
    setText(
      this.#note,
      hasMore ? `There are more: these ${connections.length} have the most traffic.` : "",
    );
  }
}
