// Requests to the broker, and its events. Leaves to others: using the answers.
import type {
  CloseOrder,
  ConnectionsState,
  Overview,
  ProduceOrder,
  ProduceReport,
  Refusal,
  SessionState,
  Tick,
} from "./wire.js";

/** How often a page reports that it reads its events. A page that does not is disconnected after a minute. */
const SAY_MS = 15_000;

/**
 * A broker that sends nothing for this long does not respond, though its connection is open, in milliseconds: it says
 * something every second, and every 5 s if it is very busy.
 */
const UNHEARD_MS_MAX = 12_000;

/** What a request has to carry that changes something; none while the broker has no security. */
let changeHeaders: Readonly<Record<string, string>> = {};

/** Asks who looks at the page. Later requests are made in that session. */
export async function askSession(): Promise<SessionState> {
  const state = await answerOf<SessionState>(fetch("/api/session"));
  changeHeaders = state.csrfToken === null ? {} : { "x-csrf-token": state.csrfToken };
  return state;
}

/** Ends the session, and shows the form to log in. */
export async function logOut(): Promise<void> {
  await fetch("/logout", { method: "POST", headers: changeHeaders });
  location.reload();
}

/** How long a page must be hidden until it stops listening, in milliseconds. */
const HIDDEN_MS = 2000;

/** Time until a broker is asked again that refused to be listened to, in milliseconds. */
const RETRY_MS = 2000;

export interface Listener {
  overview(overview: Overview): void;
  tick(tick: Tick): void;
  connected(isConnected: boolean): void;
}

/**
 * Listens while the page can be seen. The browser reconnects by itself after a break. A hidden page listens to nothing: it
 * costs the broker nothing, and a browser has only six connections for all pages of a broker.
 */
export function listen(listener: Listener): void {
  const feed = new Feed(listener);
  feed.open();
  let hidden: ReturnType<typeof setTimeout> | undefined;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hidden);
    if (document.hidden) hidden = setTimeout(() => feed.close(), HIDDEN_MS);
    else feed.open();
  });
}

class Feed {
  readonly #listener: Listener;
  #source: EventSource | undefined;
  #page = "";
  #saidMs = 0;
  #isHeard = false;
  #silence: ReturnType<typeof setTimeout> | undefined;
  #again: ReturnType<typeof setTimeout> | undefined;

  constructor(listener: Listener) {
    this.#listener = listener;
  }

  open(): void {
    if (this.#source !== undefined) return;
    clearTimeout(this.#again);
    const source = new EventSource("/api/events");
    this.#source = source;
    this.#page = "";
    source.addEventListener("open", () => this.#heard());
    source.addEventListener("error", () => {
      this.#lost();
      // The browser does not retry after an error response, as from a broker that is just starting.
      if (source.readyState !== EventSource.CLOSED) return;
      this.close();
      this.#again = setTimeout(() => void this.#reopen(), RETRY_MS);
    });
    source.addEventListener("overview", ({ data }: MessageEvent<string>) => {
      this.#heard();
      const overview = JSON.parse(data) as Overview;
      if (this.#page !== overview.page) this.#saidMs = performance.now();
      this.#page = overview.page;
      this.#listener.overview(overview);
    });
    source.addEventListener("tick", ({ data }: MessageEvent<string>) => {
      this.#heard();
      this.#listener.tick(JSON.parse(data) as Tick);
      this.#sayThatItReads();
    });
  }

  close(): void {
    clearTimeout(this.#silence);
    clearTimeout(this.#again);
    this.#source?.close();
    this.#source = undefined;
  }

  /** Listens again, in the session that there is now. */
  async #reopen(): Promise<void> {
    await askSession().catch(() => undefined);
    if (!document.hidden) this.open();
  }

  #heard(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#lost(), UNHEARD_MS_MAX);
    if (this.#isHeard) return;
    this.#isHeard = true;
    this.#listener.connected(true);
  }

  #lost(): void {
    clearTimeout(this.#silence);
    this.#isHeard = false;
    this.#listener.connected(false);
  }

  /** Driven by events, because timers of a background page hardly run. */
  #sayThatItReads(): void {
    if (this.#page === "" || performance.now() - this.#saidMs < SAY_MS) return;
    this.#saidMs = performance.now();
    const headers = changeHeaders;
    fetch(`/api/events/${this.#page}`, { method: "POST", headers }).catch(() => {});
  }
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
  return askFor(`/api/topics/${encodeURIComponent(topic)}/${partition}/${question}?${parameters}`);
}

/** Asks which clients are connected, in an order and with a filter. */
export function askConnections(query: string, signal: AbortSignal): Promise<ConnectionsState> {
  return askFor(`/api/connections?${query}`, signal);
}

export async function closeConnection(connection: CloseOrder): Promise<void> {
  await order("POST", "/api/connections/close", connection);
}

export function produce(record: ProduceOrder): Promise<ProduceReport> {
  return order("POST", "/api/produce", record);
}

/** The broker has refused a request. */
export class Refused extends Error {
  readonly code: string;

  constructor({ code, message }: Refusal) {
    super(message);
    this.code = code;
  }
}

/** Asks for what is at a path of the broker. Rejects with an error that says why there is no answer. */
export function askFor<Answer>(path: string, signal?: AbortSignal): Promise<Answer> {
  return answerOf<Answer>(fetch(path, signal === undefined ? {} : { signal }));
}

/** Sends a change, as JSON. */
export function order<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
  const headers = { "content-type": "application/json", ...changeHeaders };
  const text = body === undefined ? null : JSON.stringify(body);
  return answerOf<Answer>(fetch(path, { method, headers, body: text }));
}

async function answerOf<Answer>(asked: Promise<Response>): Promise<Answer> {
  const response = await asked.catch(() => undefined);
  if (response === undefined) throw new Error("the broker does not respond");
  // The session has ended: the page is now the form to log in.
  if (response.status === 401) location.reload();
  const text = await response.text();
  if (response.ok) return JSON.parse(text) as Answer;
  const isJson = response.headers.get("content-type")?.startsWith("application/json") === true;
  if (isJson) throw new Refused(JSON.parse(text) as Refusal);
  throw new Error(text.trim());
}
