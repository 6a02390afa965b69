// Regular expressions that members subscribe with, and the topics that match them. Kafka's syntax, RE2: without
// backreferences and lookaround, and so without an input on which matching takes exponential time.
// Leaves to others: what a group does when other topics match (consumer-group.ts).
//
// An expression must match the whole name. It is evaluated once for all topics, in small portions, and then only for
// topics that are created. Topics of the broker never match: a member that wants one names it.
import type { RE2JS } from "re2js";
import { RustLogError } from "../../errors.js";
import { nextTurn } from "../../log/event-loop.js";

/** Longest regular expression, in characters. */
export const PATTERN_LENGTH_MAX = 2_000;

/** Largest program that an expression may be compiled to, in RE2's instructions: `a{1000}` has 1,003. */
const PROGRAM_SIZE_MAX = 1_200;

/** Expressions in use at the same time. */
export const PATTERNS_MAX = 500;

/** Time after which others get a turn, in milliseconds. */
const PORTION_MS = 3;

export interface PatternContext<User> {
  /** The names of all topics that an expression may match. */
  readonly names: () => Iterable<string>;
  readonly exists: (name: string) => boolean;
  /** Called for each user of an expression when other topics match, or one of them has more partitions. */
  readonly onChanged: (user: User) => void;
}

interface Entry<User> {
  readonly regex: RE2JS;
  readonly topics: Set<string>;
  readonly users: Set<User>;
  /** Set while a request needs the expression, which may have no user yet. */
  holds: number;
  /** Resolves once all topics were tried. */
  evaluated: Promise<void>;
}

const NONE: ReadonlySet<string> = new Set();

export class TopicPatterns<User> {
  readonly #context: PatternContext<User>;
  readonly #entries = new Map<string, Entry<User>>();
  /** Topics that have changed, and are still to be tried. */
  readonly #changed = new Set<string>();
  /** One evaluation at a time, so that many of them do not take more of each turn than one. */
  #last: Promise<void> = Promise.resolve();

  constructor(context: PatternContext<User>) {
    this.#context = context;
  }

  /** Number of expressions in use. */
  get size(): number {
    return this.#entries.size;
  }

  /**
   * Runs `work` once the topics that match an expression are known. Rejects with INVALID_REGULAR_EXPRESSION. The
   * expression is forgotten afterwards if nobody uses it.
   */
  async with<T>(pattern: string, work: () => T | Promise<T>): Promise<T> {
    const entry = await this.#entry(pattern);
    entry.holds++;
    try {
      await entry.evaluated;
      return await work();
    } finally {
      entry.holds--;
      this.#forgetUnused(pattern, entry);
    }
  }

  /** Whether the topics that match an expression are known already. */
  has(pattern: string): boolean {
    return this.#entries.has(pattern);
  }

  /** Topics that match; none if nobody uses the expression. */
  topicsOf(pattern: string): ReadonlySet<string> {
    return this.#entries.get(pattern)?.topics ?? NONE;
  }

  /** Keeps an expression that `with` has evaluated, until `unuse`. */
  use(pattern: string, user: User): void {
    this.#entries.get(pattern)?.users.add(user);
  }

  unuse(pattern: string, user: User): void {
    const entry = this.#entries.get(pattern);
    if (entry === undefined) return;
    entry.users.delete(user);
    this.#forgetUnused(pattern, entry);
  }

  /** The topic was created, or has more partitions. */
  topicChanged(name: string): void {
    if (this.#entries.size === 0) return;
    this.#changed.add(name);
    // Tried together with all that change before it is their turn.
    if (this.#changed.size > 1) return;
    const tried = this.#next(() => this.#tryChanged());
    for (const entry of this.#entries.values()) entry.evaluated = tried;
  }

  topicDeleted(name: string): void {
    for (const entry of this.#entries.values()) {
      if (entry.topics.delete(name)) this.#notify(entry);
    }
  }

  async #tryChanged(): Promise<void> {
    const names = [...this.#changed];
    this.#changed.clear();
    for (const entry of this.#entries.values()) {
      await this.#evaluate(entry, names);
      if (names.some((name) => entry.topics.has(name))) this.#notify(entry);
    }
  }

  #notify({ users }: Entry<User>): void {
    for (const user of users) this.#context.onChanged(user);
  }

  async #entry(pattern: string): Promise<Entry<User>> {
    const regex = this.#entries.get(pattern)?.regex ?? (await compile(pattern));
    const known = this.#entries.get(pattern);
    if (known !== undefined) return known;
    if (this.#entries.size >= PATTERNS_MAX) {
      const message = `the members of all groups subscribe with ${PATTERNS_MAX} regular expressions already`;
      throw new RustLogError("INVALID_REGULAR_EXPRESSION", message);
    }
    const evaluated = Promise.resolve();
    const entry: Entry<User> = { regex, topics: new Set(), users: new Set(), holds: 0, evaluated };
    this.#entries.set(pattern, entry);
    entry.evaluated = this.#next(async () => {
      await this.#evaluate(entry, [...this.#context.names()]);
    });
    return entry;
  }

  #next(work: () => Promise<void>): Promise<void> {
    this.#last = this.#last.then(work);
    return this.#last;
  }

  /** Adds the topics that match. */
  async #evaluate({ regex, topics }: Entry<User>, names: readonly string[]): Promise<void> {
    let began = performance.now();
    for (const name of names) {
      if (!topics.has(name) && regex.testExact(name) && this.#context.exists(name)) {
        topics.add(name);
      }
      if (performance.now() - began < PORTION_MS) continue;
      await nextTurn();
      began = performance.now();
    }
  }

  #forgetUnused(pattern: string, entry: Entry<User>): void {
    if (entry.users.size > 0 || entry.holds > 0) return;
    if (this.#entries.get(pattern) === entry) this.#entries.delete(pattern);
  }
}

/** Throws INVALID_REGULAR_EXPRESSION. */
async function compile(pattern: string): Promise<RE2JS> {
  const invalid = (why: string): RustLogError => {
    const shown = pattern.length > 100 ? `${pattern.slice(0, 100)}...` : pattern;
    const message = `'${shown}' is not a valid regular expression: ${why}`;
    return new RustLogError("INVALID_REGULAR_EXPRESSION", message);
  };
  if (pattern.length > PATTERN_LENGTH_MAX) {
    throw invalid(`it has ${pattern.length} characters; at most ${PATTERN_LENGTH_MAX} are allowed`);
  }
  if (repeatedSize(pattern) > PROGRAM_SIZE_MAX) throw invalid("its repetitions make it too large");
  // Loaded on first use: most brokers never need it.
  const { RE2JS, RE2JSSyntaxException } = await import("re2js");
  let regex: RE2JS;
  try {
    regex = RE2JS.compile(pattern);
  } catch (error) {
    if (!(error instanceof RE2JSSyntaxException)) throw error;
    throw invalid(error.message);
  }
  if (regex.programSize() > PROGRAM_SIZE_MAX) {
    throw invalid(
      `its program has ${regex.programSize()} steps; at most ${PROGRAM_SIZE_MAX} are allowed`,
    );
  }
  return regex;
}

/**
 * The size of an expression with its repetitions written out, approximately: compiling a large one would take long. An
 * expression that is not valid has any size.
 */
function repeatedSize(pattern: string): number {
  const tokens = /\\p\{[^}]*\}|\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{(\d+)(?:,(\d*))?\}|[()]|./gsu;
  const open: number[] = [];
  let total = 0;
  /** Size of what a repetition would apply to. */
  let last = 0;
  for (const [token, least, most] of pattern.matchAll(tokens)) {
    if (least !== undefined) {
      const more = last * (Math.max(Number(least), Number(most ?? 0)) - 1);
      total += more;
      last += more;
    } else if (token === "(") {
      open.push(total);
      last = 0;
    } else if (token === ")") last = total - (open.pop() ?? 0);
    else {
      total++;
      last = 1;
    }
  }
  return total;
}
