// The page's side of the stream that pages share: with a worker, without one, and with one that does not work.
// Leaves to others: the worker (shared-feed.test.ts).
import { afterEach, expect, jest, test } from "bun:test";
import { FeedChoice } from "../../../src/http/page/feed-choice.js";
import type { ToPage } from "../../../src/http/page/shared-feed.js";

/** A page, and what it does: said to the worker, done with a stream of its own, and told. */
class Sample {
  readonly done: string[] = [];
  #take: (message: ToPage) => void = () => {};
  #failed: () => void = () => {};
  readonly feed: FeedChoice;

  constructor(worker: "there" | "missing" | "forbidden" = "there") {
    const listener = {
      overview: () => this.done.push("overview"),
      tick: () => this.done.push("tick"),
      connected: (isConnected: boolean) => this.done.push(`connected ${isConnected}`),
      ended: () => this.done.push("ended"),
    };
    this.feed = new FeedChoice(
      listener,
      "token",
      (take, failed) => {
        this.#take = take;
        this.#failed = failed;
        if (worker === "missing") return undefined;
        if (worker === "forbidden") throw new Error("access is denied");
        this.done.push("connect");
        return {
          say: ({ kind }) => this.done.push(kind),
          close: () => this.done.push("close port"),
        };
      },
      () => ({ open: () => this.done.push("open"), close: () => this.done.push("close") }),
    );
  }

  tell(message: ToPage): void {
    this.#take(message);
  }

  fail(): void {
    this.#failed();
  }

  /** What was done since the last call. */
  news(): string[] {
    return this.done.splice(0);
  }
}

const LOST: ToPage = { kind: "connected", isConnected: false };

afterEach(() => {
  jest.useRealTimers();
});

test("reads what the worker tells until it leaves, and listens through the same port again", () => {
  const sample = new Sample();
  sample.feed.open();
  sample.feed.open();
  expect(sample.news()).toEqual(["connect", "listen"]);
  sample.tell(LOST);
  sample.tell({ kind: "here" });
  sample.tell({ kind: "ended" });
  expect(sample.news()).toEqual(["connected false", "read", "read", "ended", "read"]);
  sample.feed.close();
  sample.feed.close();
  sample.tell(LOST);
  expect(sample.news()).toEqual(["close", "leave"]);
  sample.feed.open();
  expect(sample.news()).toEqual(["listen"]);
  sample.feed.close();
});

test.each(["missing", "forbidden"] as const)(
  "has a stream of its own where a worker is %s",
  (worker) => {
    const sample = new Sample(worker);
    sample.feed.open();
    sample.feed.close();
    sample.feed.open();
    expect(sample.news()).toEqual(["open", "close", "open"]);
  },
);

test("has a stream of its own if the worker can't be started", () => {
  const sample = new Sample();
  sample.feed.open();
  sample.fail();
  expect(sample.news()).toEqual(["connect", "listen", "leave", "close port", "open"]);
  sample.feed.close();
  sample.feed.open();
  expect(sample.news()).toEqual(["close", "open"]);
  sample.feed.close();
});

test("does without a worker that is silent, until the page is shown again", () => {
  jest.useFakeTimers();
  const sample = new Sample();
  sample.feed.open();
  for (let i = 0; i < 5; i++) {
    jest.advanceTimersByTime(11_000);
    sample.tell({ kind: "here" });
  }
  expect(sample.news()).not.toContain("open");
  jest.advanceTimersByTime(13_000);
  expect(sample.news()).toEqual(["leave", "close port", "open"]);
  sample.feed.close();
  sample.feed.open();
  expect(sample.news()).toEqual(["close", "connect", "listen"]);
  sample.feed.close();
});
