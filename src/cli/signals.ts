// SIGINT and SIGTERM: the first asks a command to end well, the second ends it at once.
// Leaves to others: what ending well means.
import { EXIT } from "./exit.ts";

/** Listens for signals from when it is made. */
export class Interruption {
  #exitCode: number | undefined;
  readonly #waiting = new Set<() => void>();

  constructor() {
    process.on("SIGINT", () => this.#onSignal(EXIT.interrupted));
    process.on("SIGTERM", () => this.#onSignal(EXIT.terminated));
  }

  /** The exit code for a command that was cut short; undefined as long as no signal came. */
  get exitCode(): number | undefined {
    return this.#exitCode;
  }

  /** Resolves with the first signal. */
  requested(): Promise<void> {
    return this.orResult(new Promise<void>(() => {}));
  }

  /** Resolves with `result`, or with undefined as soon as a signal came. Nothing is kept once it did. */
  async orResult<T>(result: Promise<T>): Promise<T | undefined> {
    if (this.#exitCode !== undefined) return undefined;
    const { promise: interrupted, resolve } = Promise.withResolvers<undefined>();
    const wake = (): void => resolve(undefined);
    this.#waiting.add(wake);
    try {
      return await Promise.race([result, interrupted]);
    } finally {
      this.#waiting.delete(wake);
    }
  }

  #onSignal(code: number): void {
    if (this.#exitCode !== undefined) process.exit(code);
    this.#exitCode = code;
    for (const wake of this.#waiting) wake();
  }
}
