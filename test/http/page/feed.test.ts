// The stream of events: refusals, sessions that end, and the report that it is read.
// Leaves to others: what the broker does with it (http/api/feed/page-feed.test.ts), and a real stream (frame.browser.ts).
import { afterEach, beforeEach, expect, jest, spyOn, test } from "bun:test";
import { Feed } from "../../../src/http/page/feed.js";

/** A stream that the test fills. */
class FakeSource extends EventTarget {
  static readonly CLOSED = 2;
  static all: FakeSource[] = [];
  readyState = 1;

  constructor() {
    super();
    FakeSource.all.push(this);
  }

  close(): void {
    this.readyState = FakeSource.CLOSED;
  }

  /** The broker answers with an error. */
  refuse(): void {
    this.close();
    this.dispatchEvent(new Event("error"));
  }

  send(name: string, data: unknown): void {
    this.dispatchEvent(new MessageEvent(name, { data: JSON.stringify(data) }));
  }
}

const RealSource = globalThis.EventSource;
const RealFetch = globalThis.fetch;
let asked: string[] = [];
let answer: () => Response | Promise<Response>;
let nowMs = 0;
let clock: ReturnType<typeof spyOn>;

beforeEach(() => {
  jest.useFakeTimers();
  FakeSource.all = [];
  asked = [];
  nowMs = 0;
  clock = spyOn(performance, "now").mockImplementation(() => nowMs);
  Object.assign(globalThis, {
    EventSource: FakeSource,
    fetch: async (path: string, { method = "GET", headers = {} }: RequestInit = {}) => {
      const token = (headers as Record<string, string>)["x-csrf-token"];
      asked.push([method, path, ...(token === undefined ? [] : [token])].join(" "));
      return answer();
    },
  });
});
afterEach(() => {
  Object.assign(globalThis, { EventSource: RealSource, fetch: RealFetch });
  clock.mockRestore();
  jest.useRealTimers();
});

/** Lets what is due happen after a time. */
async function pass(ms: number): Promise<void> {
  jest.advanceTimersByTime(ms);
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

function listening(): { feed: Feed; told: string[] } {
  const told: string[] = [];
  const feed = new Feed({
    overview: ({ page }) => told.push(`overview ${page}`),
    tick: () => told.push("tick"),
    connected: (isConnected) => told.push(isConnected ? "connected" : "lost"),
    ended: () => told.push("ended"),
  });
  feed.open();
  return { feed, told };
}

test("a broker that refuses is asked again, and one that is silent is taken for lost", async () => {
  answer = () => new Response("starting", { status: 503 });
  const { feed, told } = listening();
  FakeSource.all[0]!.refuse();
  await pass(1999);
  expect(FakeSource.all.length).toBe(1);
  await pass(1);
  expect(FakeSource.all.length).toBe(2);
  FakeSource.all[1]!.send("overview", { page: "1" });
  await pass(12_000);
  expect(told).toEqual(["lost", "connected", "overview 1", "lost"]);
  feed.close();
});

test("says that the session has ended, unless it was opened anew meanwhile", async () => {
  answer = () => new Response("", { status: 401 });
  const { feed, told } = listening();
  FakeSource.all[0]!.refuse();
  await pass(2000);
  expect(told).toEqual(["lost", "ended"]);
  const late = Promise.withResolvers<Response>();
  answer = () => late.promise;
  FakeSource.all[1]!.refuse();
  await pass(2000);
  feed.close();
  feed.open();
  late.resolve(new Response("", { status: 401 }));
  await pass(0);
  expect(told).toEqual(["lost", "ended", "lost"]);
  expect(FakeSource.all.length).toBe(3);
  feed.close();
});

test("reports every 15 s that it is read, with the token of the session that there is then", async () => {
  answer = () => Response.json({ csrfToken: "newest" });
  const { feed } = listening();
  const source = FakeSource.all[0]!;
  source.send("overview", { page: "p" });
  for (nowMs = 1000; nowMs <= 31_000; nowMs += 1000) {
    source.send("tick", {});
    await pass(0);
  }
  const report = ["GET /api/session", "POST /api/events/p newest"];
  expect(asked).toEqual([...report, ...report]);
  feed.close();
});
