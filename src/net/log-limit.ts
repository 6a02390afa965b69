// Lines that clients can provoke: the first few of each kind are logged, the others counted, so that whoever sends
// nonsense fills neither the log nor the time of the broker.
// Leaves to others: which kinds there are (where they are logged), and writing the lines.

/** Lines of one kind that are logged in a window, unless said otherwise. */
const LINES_PER_WINDOW = 5;

/** Length of a window, in milliseconds. */
const WINDOW_MS = 10_000;

/** Longest part of a line that is repeated when the others like it are counted. */
const EXAMPLE_LENGTH_MAX = 200;

/** What was logged of a kind since its window began. */
interface Window {
  count: number;
  /** The newest line that was only counted. */
  example: string;
}

/** What a limit can be told; all of it has a default. */
export interface LogLimitOptions {
  /** Lines of one kind that are logged in 10 s. */
  readonly linesPerWindow?: number;
  readonly schedule?: Schedule;
}

/** Calls `call` after `ms` and returns what cancels it. */
export type Schedule = (call: () => void, ms: number) => () => void;

const scheduleByTimer: Schedule = (call, ms) => {
  const timer = setTimeout(call, ms);
  timer.unref();
  return () => clearTimeout(timer);
};

/** Logs lines by kind, no more than a few of each in a while. */
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

  /** Logs a line, or counts it if there were enough of its kind; `kind` is one of a few fixed names. */
  line(kind: string, line: string): void {
    const window = this.#windows.get(kind) ?? this.#begin(kind);
    window.count++;
    if (window.count <= this.#linesPerWindow) this.#log(line);
    else window.example = line;
  }

  /** Logs what was counted so far. */
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
