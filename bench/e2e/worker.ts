// A helper process that answers questions over IPC, one at a time. Loads and probes run in such processes.
// Leaves to others: questions and answers (load-process.ts, probe.ts). The processes end with the benchmark that
// started them.
import { join } from "node:path";

const ANSWER_MS_MAX = 15 * 60_000;

type Reply<Answer> = { readonly answer: Answer } | { readonly error: string };

const alive = new Set<Bun.Subprocess>();

process.on("exit", () => {
  for (const child of alive) child.kill("SIGKILL");
});

/** A process that runs a script of this folder. Disposing of it kills it. */
export class Worker<Question> implements Disposable {
  readonly #child: Bun.Subprocess<"ignore", "inherit", "inherit">;
  readonly #name: string;
  #asked: PromiseWithResolvers<unknown> | undefined;

  /** Starts `script`, which calls `answerQuestions`. */
  constructor(script: string) {
    this.#name = script;
    this.#child = Bun.spawn([process.execPath, join(import.meta.dir, script)], {
      stdio: ["ignore", "inherit", "inherit"],
      ipc: (message) => this.#receive(message as Reply<unknown>),
      onExit: () => this.#asked?.reject(new Error(`${script} has ended`)),
    });
    alive.add(this.#child);
  }

  /** Its process. */
  get pid(): number {
    return this.#child.pid;
  }

  /** Asks, and resolves with the answer; throws what the other process threw. */
  async ask<Answer>(question: Question): Promise<Answer> {
    if (this.#asked !== undefined) throw new Error(`${this.#name} is busy`);
    this.#asked = Promise.withResolvers();
    const timer = setTimeout(
      () => this.#asked?.reject(new Error(`${this.#name} gave no answer`)),
      ANSWER_MS_MAX,
    );
    try {
      this.#child.send(question);
      return (await this.#asked.promise) as Answer;
    } finally {
      clearTimeout(timer);
      this.#asked = undefined;
    }
  }

  #receive(reply: Reply<unknown>): void {
    if ("error" in reply) this.#asked?.reject(new Error(`${this.#name}: ${reply.error}`));
    else this.#asked?.resolve(reply.answer);
  }

  [Symbol.dispose](): void {
    this.#child.kill("SIGKILL");
    alive.delete(this.#child);
  }
}

/** In the helper process: answers each question with the result of `answer`. */
export function answerQuestions<Question>(answer: (question: Question) => unknown): void {
  const reply = async (question: Question): Promise<Reply<unknown>> => {
    try {
      return { answer: (await answer(question)) ?? null };
    } catch (error) {
      return { error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
    }
  };
  process.on("message", async (question: Question) => process.send?.(await reply(question)));
  process.on("disconnect", () => process.exit(0));
}
