// SIGINT, SIGTERM and SIGHUP: the first asks a command to end well, a later one ends it at once.
// Leaves to others: what ending well means.
import { readFileSync } from "node:fs";
import { EXIT } from "./exit.ts";

/**
 * A signal that follows the first within this time asks for the same thing: Ctrl-C under `npm start` comes from
 * the terminal and from npm, and a closed terminal sends SIGHUP through the shell and by itself.
 */
const SAME_REQUEST_MS = 500;

/** Listens for signals from when it is made. */
export class Interruption {
  #exitCode: number | undefined;
  #firstMs = 0;
  readonly #nowMs: () => number;
  readonly #waiting = new Set<() => void>();

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
    process.on("SIGINT", () => this.#onSignal(EXIT.interrupted));
    process.on("SIGTERM", () => this.#onSignal(EXIT.terminated));
    // `nohup` has SIGHUP ignored, and a listener would end that.
    if (!isHangupIgnored()) process.on("SIGHUP", () => this.request(EXIT.hungUp));
  }

  /** The exit code for a command that was cut short; undefined as long as no signal came. */
  get exitCode(): number | undefined {
    return this.#exitCode;
  }

  /** Asks the command to end well, as the first signal does; `code` is its exit code. Does nothing after that. */
  request(code: number): void {
    if (this.#exitCode !== undefined) return;
    this.#exitCode = code;
    this.#firstMs = this.#nowMs();
    for (const wake of this.#waiting) wake();
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
    const isRequested = this.#exitCode !== undefined;
    if (isRequested && this.#nowMs() - this.#firstMs >= SAME_REQUEST_MS) process.exit(code);
    this.request(code);
  }
}

/** Whether SIGHUP was ignored when this process began; false where there is no /proc to ask. */
function isHangupIgnored(): boolean {
  try {
    const mask = /^SigIgn:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
    return mask !== undefined && (BigInt(`0x${mask}`) & 1n) === 1n;
  } catch {
    return false;
  }
}
