// Rate limit for log lines that clients can cause: the first few of each kind are logged, the others counted, so that
// clients that send garbage can't flood the log.
// Leaves to others: the kinds (where lines are logged), and writing the lines.

/** Lines of one kind logged in a window by default. */
const LINES_PER_WINDOW = 5;

/** Length of a window, in milliseconds. */
const WINDOW_MS = 10_000;

/** Characters of the newest counted line that the summary repeats. */
const EXAMPLE_LENGTH_MAX = 200;

interface Window {
  count: number;
  /** The newest line that was counted and not logged. */
  example: string;
}

interface LogLimitOptions {
  /** Lines of one kind that are logged in 10 s. */
  readonly linesPerWindow?: number;
  readonly schedule?: Schedule;
}

/** Calls `call` after `ms`. Returns a function that cancels the call. */
type Schedule = (call: () => void, ms: number) => () => void;

const scheduleByTimer: Schedule = (call, ms) => {
  const timer = setTimeout(call, ms);
  timer.unref();
  return () => clearTimeout(timer);
};

export class LogLimit {
  readonly #log: (line: string) => void;
  readonly #linesPerWindow: number;
  readonly #schedule: Schedule;
  readonly #windows = new Map<string, Window>();
  readonly #cancels = new Map<string, () => void>();

  constructor(log: (line: string) => void, options: LogLimitOptions = {}) {
    this.#log = log;
    this.#linesPerWindow = options.linesPerWindow ?? LINES_PER_WINDOW;
    this.#schedule = options.schedule ?? scheduleByTimer;
  }

  /** Logs a line, or counts it if its kind has reached the limit. `kind` is one of a few fixed names. */
  line(kind: string, line: string): void {
    const window = this.#windows.get(kind) ?? this.#begin(kind);
    window.count++;
    if (window.count <= this.#linesPerWindow) this.#log(line);
    else window.example = line;
  }

  /** Logs how many lines were counted so far. */
  close(): void {
    for (const kind of [...this.#windows.keys()]) this.#end(kind);
  }

  #begin(kind: string): Window {
    const window: Window = { count: 0, example: "" };
    this.#windows.set(kind, window);
    this.#cancels.set(
      kind,
      this.#schedule(() => this.#end(kind), WINDOW_MS),
    );
    return window;
  }

  #end(kind: string): void {
    const window = this.#windows.get(kind);
    this.#windows.delete(kind);
    this.#cancels.get(kind)?.();
    this.#cancels.delete(kind);
    const more = (window?.count ?? 0) - this.#linesPerWindow;
    if (window === undefined || more <= 0) return;
    const example = window.example.split("\n", 1)[0]!.slice(0, EXAMPLE_LENGTH_MAX);
    this.#log(`${more} more like this in the last ${WINDOW_MS / 1000} s: ${example}`);
  }
}
