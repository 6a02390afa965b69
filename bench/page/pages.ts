// Open pages without a browser, in a process of their own: each reads its events, says so, and asks what the script of its view
// asks, as often. The answers are read and thrown away.
// Leaves to others: what the broker makes of it (../page.ts). The paces are those of src/http/page: parts/poll.ts and the views.
import { answerQuestions } from "../e2e/worker.js";

/** The views. */
export const VIEWS = ["log", "records", "topics", "groups", "connections"] as const;

export type ViewName = (typeof VIEWS)[number];

/** A question to the process. */
export type PagesQuestion =
  | {
      readonly kind: "open";
      /** Address of the broker's page, with a slash at the end. */
      readonly url: string;
      readonly topic: string;
      readonly group: string;
      /** A view for each page. */
      readonly views: readonly ViewName[];
    }
  | { readonly kind: "close" };

/** What all pages have done since they were opened. */
export interface PagesResult {
  readonly events: number;
  readonly eventBytes: number;
  readonly answers: number;
  readonly answerBytes: number;
  readonly failures: number;
  /** Time until the answers were there, summed, by the path without its query. */
  readonly answerMs: Readonly<Record<string, number>>;
}

/** Requests of a page at a time: a browser opens six connections to a server, and one has the events. */
const REQUESTS_MAX = 5;

const SAY_MS = 15_000;
const TAIL_MS_MIN = 250;
const TAIL_MS_MAX = 2_000;

/** Time between two requests of a view, and the least as a multiple of the duration of the last. */
const LIST_MS = 2_000;
const TOPIC_MS = 5_000;
const TICKS_MS = 1_000;
const POLL_REST_FACTOR = 50;
const VIEW_REST_FACTOR = 20;

class Page {
  readonly #view: ViewName;
  readonly #open: Extract<PagesQuestion, { kind: "open" }>;
  readonly #end = new AbortController();
  readonly #began = Promise.withResolvers<void>();
  readonly #counts = { events: 0, eventBytes: 0, answers: 0, answerBytes: 0, failures: 0 };
  readonly #answerMs: Record<string, number> = {};
  #wake = (): void => {};
  #left = REQUESTS_MAX;
  readonly #waiting: (() => void)[] = [];

  constructor(view: ViewName, open: Extract<PagesQuestion, { kind: "open" }>) {
    this.#view = view;
    this.#open = open;
    void this.#listen().catch((error) => this.#began.reject(error));
  }

  /** Resolves with the first event. */
  get began(): Promise<void> {
    return this.#began.promise;
  }

  get result(): PagesResult {
    return { ...this.#counts, answerMs: this.#answerMs };
  }

  close(): void {
    this.#end.abort();
    this.#wake();
  }

  async #listen(): Promise<void> {
    const { signal } = this.#end;
    const { url, topic } = this.#open;
    const response = await fetch(`${url}api/events`, { signal });
    const decoder = new TextDecoder();
    const needle = `"topic":"${topic}"`;
    let id = "";
    let saidMs = performance.now();
    try {
      for await (const chunk of response.body!) {
        const text = decoder.decode(chunk, { stream: true });
        this.#counts.events += text.split("event: ").length - 1;
        this.#counts.eventBytes += chunk.length;
        if (id === "") {
          id = /"page":"([^"]+)"/.exec(text)?.[1] ?? "";
          if (id === "") continue;
          void this.#work();
          this.#began.resolve();
        }
        if (text.includes(needle)) this.#wake();
        if (performance.now() - saidMs < SAY_MS) continue;
        saidMs = performance.now();
        void fetch(`${url}api/events/${id}`, { method: "POST", signal }).catch(() => {});
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async #work(): Promise<void> {
    const { topic, group } = this.#open;
    const ofTopic = `api/topics/${topic}`;
    switch (this.#view) {
      case "log": {
        const rows = Array.from({ length: ROWS }, (): number[] => []);
        let ticks = 0;
        return await this.#repeat(TICKS_MS, 0, async () => {
          // A page asks for segments when there are new ones: one of 16 MiB is full after 2 s.
          const isRolled = ticks++ % 2 === 0;
          const work = rows.map((bases, partition) => this.#askTicks(partition, bases, isRolled));
          await Promise.all(work);
        });
      }
      case "records":
        return await this.#follow(`api/records/${topic}`);
      case "topics":
        return await this.#repeat(TOPIC_MS, VIEW_REST_FACTOR, async () => {
          await Promise.all([this.#ask(ofTopic), this.#ask(`${ofTopic}/partitions?from=0`)]);
        });
      case "groups":
        await this.#ask(`api/groups/history?group=${group}`);
        return await this.#repeat(LIST_MS, POLL_REST_FACTOR, async () => {
          await this.#ask(`api/groups/state?group=${group}`);
        });
      case "connections":
        return await this.#repeat(LIST_MS, VIEW_REST_FACTOR, async () => {
          await this.#ask("api/connections?order=-rate&filter=");
        });
    }
  }

  /** The new segments of a row of the drawing, which knows `bases`, and the index entries of the last ones. */
  async #askTicks(partition: number, bases: number[], isRolled: boolean): Promise<void> {
    const path = `api/topics/${this.#open.topic}/${partition}`;
    if (isRolled) {
      const query = bases.length < 2 ? "" : `?after=${bases.at(-2)}`;
      const news = await this.#ask<{ bases: number[] }>(`${path}/segments${query}`);
      bases.splice(query === "" ? 0 : bases.length - 1, bases.length, ...(news?.bases ?? []));
    }
    const ticked = bases.slice(-TICKED_SEGMENTS).join();
    await this.#ask(`${path}/index?bases=${ticked}&spacing=200000&from=0&to=2147483647`);
  }

  /** A live tail of all partitions. */
  async #follow(path: string): Promise<void> {
    let from = (await this.#ask<{ to: string }>(`${path}?from=latest&dir=older`))?.to ?? "latest";
    while (!this.#end.signal.aborted) {
      await Bun.sleep(TAIL_MS_MIN);
      const news = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      await Promise.race([news, Bun.sleep(TAIL_MS_MAX - TAIL_MS_MIN)]);
      from = (await this.#ask<{ to: string }>(`${path}?from=${from}&dir=older`))?.to ?? from;
    }
  }

  async #repeat(restMs: number, restFactor: number, work: () => Promise<void>): Promise<void> {
    while (!this.#end.signal.aborted) {
      const beganMs = performance.now();
      await work();
      await Bun.sleep(Math.max(restMs, (performance.now() - beganMs) * restFactor));
    }
  }

  /** Undefined if the request fails, as those do that wait when the page is closed. */
  async #ask<Answer>(path: string): Promise<Answer | undefined> {
    const { signal } = this.#end;
    if (this.#left > 0) this.#left--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    const beganMs = performance.now();
    try {
      signal.throwIfAborted();
      const response = await fetch(this.#open.url + path, { signal });
      const text = await response.text();
      this.#counts.answers++;
      this.#counts.answerBytes += text.length;
      if (!response.ok) this.#counts.failures++;
      const name = path
        .replace(/\?.*/, "")
        .replace(this.#open.topic, "T")
        .replace(/\/\d+\//, "/P/");
      this.#answerMs[name] = (this.#answerMs[name] ?? 0) + performance.now() - beganMs;
      return response.ok ? (JSON.parse(text) as Answer) : undefined;
    } catch {
      if (!signal.aborted) this.#counts.failures++;
      return undefined;
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#left++;
      else next();
    }
  }
}

/** Rows of the drawing on a screen, and segments of each that are wide enough to have ticks. */
const ROWS = 12;
const TICKED_SEGMENTS = 40;

const open: Page[] = [];

answerQuestions<PagesQuestion>(async (question) => {
  if (question.kind === "open") {
    for (const view of question.views) open.push(new Page(view, question));
    await Promise.all(open.map(({ began }) => began));
    return null;
  }
  const closed = open.splice(0);
  for (const page of closed) page.close();
  return sumOf(closed.map(({ result }) => result));
});

function sumOf(results: readonly PagesResult[]): PagesResult {
  const sum = { events: 0, eventBytes: 0, answers: 0, answerBytes: 0, failures: 0 };
  const answerMs: Record<string, number> = {};
  for (const result of results) {
    for (const field of Object.keys(sum) as (keyof typeof sum)[]) sum[field] += result[field];
    for (const [path, ms] of Object.entries(result.answerMs))
      answerMs[path] = (answerMs[path] ?? 0) + ms;
  }
  return { ...sum, answerMs };
}
