// Asking the broker, and hearing from it. Leaves to others: what is done with the answers.
import type { GroupsState, Overview, ProduceOrder, ProduceReport, Refusal, Tick } from "./wire.ts";

/** How often a page says that it reads its events; one that does not is disconnected after a minute. */
const SAY_MS = 15_000;

/** The page is told that the broker is there, or that it is gone. */
export interface Listener {
  overview(overview: Overview): void;
  tick(tick: Tick): void;
  connected(isConnected: boolean): void;
}

/** Listens for as long as the page is open; after a break the browser connects again by itself. */
export function listen(listener: Listener): void {
  const source = new EventSource("/api/events");
  let page = "";
  let saidMs = 0;
  // By events, not by a timer: those of a page in the background hardly run.
  const sayThatItReads = (): void => {
    if (page === "" || performance.now() - saidMs < SAY_MS) return;
    saidMs = performance.now();
    fetch(`/api/events/${page}`, { method: "POST" }).catch(() => {});
  };
  source.addEventListener("open", () => listener.connected(true));
  source.addEventListener("error", () => {
    listener.connected(false);
    // Refused altogether, as by a broker that is just starting: the browser does not try again.
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

/** Asks about the groups whose name contains `filter`. */
export function askGroups(filter: string): Promise<GroupsState> {
  return answerOf<GroupsState>(fetch(`/api/groups?${new URLSearchParams({ filter })}`));
}

/** Writes a record. */
export function produce(order: ProduceOrder): Promise<ProduceReport> {
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify(order);
  return answerOf(fetch("/api/produce", { method: "POST", headers, body }));
}

async function answerOf<Answer>(asked: Promise<Response>): Promise<Answer> {
  const response = await asked.catch(() => undefined);
  if (response === undefined) throw new Error("the broker does not answer");
  const text = await response.text();
  if (response.ok) return JSON.parse(text) as Answer;
  const isJson = response.headers.get("content-type")?.startsWith("application/json") === true;
  throw new Error(isJson ? (JSON.parse(text) as Refusal).message : text.trim());
}
