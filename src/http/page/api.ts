// Requests to the broker, and its events. Leaves to others: using the answers.
import type {
  ConnectionsState,
  GroupsState,
  Overview,
  ProduceOrder,
  ProduceReport,
  Refusal,
  Tick,
} from "./wire.js";

/** How often a page reports that it reads its events. A page that does not is disconnected after a minute. */
const SAY_MS = 15_000;

export interface Listener {
  overview(overview: Overview): void;
  tick(tick: Tick): void;
  connected(isConnected: boolean): void;
}

/** Listens while the page is open. The browser reconnects by itself after a break. */
export function listen(listener: Listener): void {
  const source = new EventSource("/api/events");
  let page = "";
  let saidMs = 0;
  // Driven by events, because timers of a background page hardly run.
  const sayThatItReads = (): void => {
    if (page === "" || performance.now() - saidMs < SAY_MS) return;
    saidMs = performance.now();
    fetch(`/api/events/${page}`, { method: "POST" }).catch(() => {});
  };
  source.addEventListener("open", () => listener.connected(true));
  source.addEventListener("error", () => {
    listener.connected(false);
    // The browser does not retry after an error response, as from a broker that is just starting.
    if (source.readyState === EventSource.CLOSED) setTimeout(() => listen(listener), 2000);
  });
  source.addEventListener("overview", ({ data }: MessageEvent<string>) => {
    const overview = JSON.parse(data) as Overview;
    if (page !== overview.page) saidMs = performance.now();
    page = overview.page;
    listener.overview(overview);
  });
  source.addEventListener("tick", ({ data }: MessageEvent<string>) => {
    listener.tick(JSON.parse(data) as Tick);
    sayThatItReads();
  });
}

/** Asks about a partition. Rejects with an error that says why there is no answer. */
export function ask<Answer>(
  topic: string,
  partition: number,
  question: string,
  query: Readonly<Record<string, string | number>> = {},
): Promise<Answer> {
  const parameters = new URLSearchParams(
    Object.entries(query).map(([name, value]) => [name, String(value)]),
  );
  const path = `/api/topics/${encodeURIComponent(topic)}/${partition}/${question}?${parameters}`;
  return answerOf<Answer>(fetch(path));
}

/** Asks for the groups whose name contains `filter`. */
export function askGroups(filter: string): Promise<GroupsState> {
  return answerOf<GroupsState>(fetch(`/api/groups?${new URLSearchParams({ filter })}`));
}

/** Asks which clients are connected. */
export function askConnections(): Promise<ConnectionsState> {
  return answerOf<ConnectionsState>(fetch("/api/connections"));
}

export function produce(order: ProduceOrder): Promise<ProduceReport> {
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify(order);
  return answerOf(fetch("/api/produce", { method: "POST", headers, body }));
}

async function answerOf<Answer>(asked: Promise<Response>): Promise<Answer> {
  const response = await asked.catch(() => undefined);
  if (response === undefined) throw new Error("the broker does not respond");
  const text = await response.text();
  if (response.ok) return JSON.parse(text) as Answer;
  const isJson = response.headers.get("content-type")?.startsWith("application/json") === true;
  throw new Error(isJson ? (JSON.parse(text) as Refusal).message : text.trim());
}
