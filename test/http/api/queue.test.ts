// The order of questions that wait for one another.
import { expect, test } from "bun:test";
import { RustLogError } from "../../../src/errors.js";
import { Queue } from "../../../src/http/api/queue.js";

const STAYS = new AbortController().signal;

/** A queue whose questions are begun by hand, and the names of those that were answered. */
class Asked {
  readonly queue = new Queue();
  readonly answers: string[] = [];
  readonly outcomes: Promise<string>[] = [];
  readonly #gate = Promise.withResolvers<void>();

  constructor() {
    void this.queue.answer(STAYS, { share: "nobody" }, () => this.#gate.promise);
  }

  ask(share: string, count = 1, signal = STAYS): void {
    for (let i = 0; i < count; i++) {
      const asked = this.queue.answer(signal, { share }, () => {
        this.answers.push(share);
        return share;
      });
      this.outcomes.push(
        asked.catch((error: unknown) =>
          error instanceof RustLogError ? `${error.code}: ${error.message}` : String(error),
        ),
      );
    }
  }

  begin(): Promise<string[]> {
    this.#gate.resolve();
    return Promise.all(this.outcomes);
  }
}

test("visitors take turns, however many questions one of them asks", async () => {
  const asked = new Asked();
  asked.ask("a", 4);
  asked.ask("b", 2);
  asked.ask("c");
  await asked.begin();
  expect(asked.answers.join("")).toBe("abcabaa");
});

test("a visitor can't take all places", async () => {
  const asked = new Asked();
  asked.ask("a", 33);
  asked.ask("b", 32);
  asked.ask("c");
  const outcomes = await asked.begin();
  expect(outcomes[32]).toBe("BROKER_OVERLOADED: too many questions of yours are waiting (32)");
  expect(outcomes[64]).toBe("b");
  expect(outcomes[65]).toBe("BROKER_OVERLOADED: too many questions from pages are waiting (64)");
});

test("a question that was cancelled is passed over, and one that fails ends its turn", async () => {
  const asked = new Asked();
  const gone = new AbortController();
  asked.ask("a", 1, gone.signal);
  const failing = asked.queue
    .answer(STAYS, { share: "a" }, () => Promise.reject(new Error("no")))
    .catch(String);
  asked.ask("a");
  gone.abort();
  const [cancelled, last] = await asked.begin();
  expect(await failing).toBe("Error: no");
  expect(cancelled).toStartWith("INVALID_REQUEST");
  expect(last).toBe("a");
  expect(await asked.queue.answer(STAYS, { share: "b" }, () => 1)).toBe(1);
});
