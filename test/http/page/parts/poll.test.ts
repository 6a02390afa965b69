// Questions that are repeated while somebody looks at the page.
import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import { Poll } from "../../../../src/http/page/parts/poll.js";

/** As much of a document as is asked for. */
class FakeDocument extends EventTarget {
  hidden = false;

  show(isShown: boolean): void {
    this.hidden = !isShown;
    this.dispatchEvent(new Event("visibilitychange"));
  }
}

const page = new FakeDocument();

beforeEach(() => {
  jest.useFakeTimers();
  Object.defineProperty(globalThis, "document", { value: page, configurable: true });
});
afterEach(() => {
  jest.useRealTimers();
  Reflect.deleteProperty(globalThis, "document");
});

/** Lets what is due happen after a time. */
async function pass(ms: number): Promise<void> {
  jest.advanceTimersByTime(ms);
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

test("a page in the background asks nothing, and asks at once when it is shown", async () => {
  page.hidden = true;
  let asked = 0;
  const work = async (): Promise<void> => void asked++;
  const poll = new Poll(work, { restMs: () => 5000, restFactor: 0 });
  poll.start();
  await pass(60_000);
  expect(asked).toBe(0);
  page.show(true);
  await pass(0);
  expect(asked).toBe(1);
  // The pause holds for a page that is hidden and shown meanwhile.
  page.show(false);
  page.show(true);
  await pass(4_999);
  expect(asked).toBe(1);
  await pass(1);
  expect(asked).toBe(2);
  page.show(false);
  poll.stop();
  page.show(true);
  await pass(60_000);
  expect(asked).toBe(2);
});
