// SIGINT, SIGTERM and SIGHUP: the first asks a command to end cleanly, a later one ends it immediately.
// Leaves to others: what a clean end is.
import { readFileSync } from "node:fs";
import { EXIT } from "./exit.js";

/** How long to wait after a signal for acknowledgements of records in flight, in milliseconds. */
export const GRACE_MS = 2_000;

/**
 * Signals within this time count as one request. Ctrl-C under `npm start` arrives from the terminal and from npm, and a
 * closed terminal sends SIGHUP both directly and through the shell.
 */
const SAME_REQUEST_MS = 500;

/** Listens for signals as soon as it is constructed. */
export class Interruption {
  #exitCode: number | undefined;
  #firstMs = 0;
  readonly #nowMs: () => number;
  readonly #waiting = new Set<() => void>();
  #onHangup = (): void => this.request(EXIT.hungUp);

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
    process.on("SIGINT", () => this.#onSignal(EXIT.interrupted));
    process.on("SIGTERM", () => this.#onSignal(EXIT.terminated));
    // `nohup` ignores SIGHUP; a listener would undo that.
    if (!isHangupIgnored()) process.on("SIGHUP", () => this.#onHangup());
  }

  /** The exit code once a signal has arrived, else undefined. */
  get exitCode(): number | undefined {
    return this.#exitCode;
  }

  /** Requests a clean end, as the first signal does, with exit code `code`. Later calls do nothing. */
  request(code: number): void {
    if (this.#exitCode !== undefined) return;
    this.#exitCode = code;
    this.#firstMs = this.#nowMs();
    for (const wake of this.#waiting) wake();
  }

  /** Makes SIGHUP do this from now on instead of requesting an end. */
  onHangup(act: () => void): void {
    this.#onHangup = act;
  }

  requested(): Promise<void> {
    return this.orResult(new Promise<void>(() => {}));
  }

  /** Resolves with `result`, or with undefined once a signal arrives. Keeps no reference afterwards. */
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

/** Whether the process was started with SIGHUP ignored; false without /proc. */
function isHangupIgnored(): boolean {
  try {
    const mask = /^SigIgn:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
    return mask !== undefined && (BigInt(`0x${mask}`) & 1n) === 1n;
  } catch {
    return false;
  }
}
