// The audit log: who logged in or could not, what was refused to whom, and who changed what. One line for each event, in the
// file of --audit-log as JSON, or without one in the broker's log once the broker has security, except for logins.
// Leaves to others: the file (audit-file.ts), and noticing (services/).
//
// Everybody who reaches the broker can cause events. So in a minute, the same event has one line and a count; each caller has
// few lines of each kind, so that it can't hide what others do; and all together have not many more, so that they can't fill
// the disk. What is left out is counted, by caller.
import { printable, printableJson } from "../printable.js";
import type {
  Audit,
  AuditAction,
  AuditDetails,
  AuditedCaller,
  FailedLogin,
} from "../security/audit.js";
import type { Operation, ResourceType } from "../security/permission.js";

/** Length of a window, in milliseconds. */
const WINDOW_MS = 60_000;

type Kind = "login" | "login-failed" | "denied" | "change";

/** Different events with a line of their own in a window, of one caller and of all. */
const LINES_PER_WINDOW_MAX: Readonly<
  Record<Kind, { readonly caller: number; readonly all: number }>
> = {
  login: { caller: 20, all: 200 },
  "login-failed": { caller: 20, all: 200 },
  denied: { caller: 20, all: 200 },
  // Who may change something has more costly ways to fill the disk.
  change: { caller: 1_000, all: 2_000 },
};

/** Callers whose events are counted apart in a window. */
const CALLERS_MAX = 200;

/** Longest text of a field, in characters. */
const TEXT_LENGTH_MAX = 200;

/** Where lines go. */
export interface AuditSink {
  /** Whether it takes JSON; otherwise text for people. */
  readonly isJson: boolean;
  line(line: string): void;
}

/** Calls `call` after `ms`. Returns a function that cancels the call. */
type Schedule = (call: () => void, ms: number) => () => void;

const scheduleByTimer: Schedule = (call, ms) => {
  const timer = setTimeout(call, ms);
  timer.unref();
  return () => clearTimeout(timer);
};

interface AuditLogOptions {
  readonly sink: AuditSink;
  /** Whether there is anything to say; asked for each event. */
  readonly isEnabled: () => boolean;
  /** Mechanisms that are counted by their names. */
  readonly mechanisms: () => Iterable<string>;
  readonly now?: () => number;
  readonly schedule?: Schedule;
}

type Fields = Readonly<Record<string, string | number | undefined>>;

interface Repeated {
  readonly fields: Fields;
  /** How often it came after its line. */
  count: number;
}

/** What one caller did in a window. */
interface CallerWindow {
  readonly fields: Fields;
  lines: number;
  leftOut: number;
}

/** The events of one kind in a window. */
interface Window {
  readonly events: Map<string, Repeated>;
  readonly callers: Map<string, CallerWindow>;
  /** Events of callers beyond CALLERS_MAX. */
  leftOut: number;
  readonly cancel: () => void;
}

/** Counts by label, since the start. */
export class AuditCounters {
  /** By mechanism; one that the broker does not have is "other". */
  readonly logins = new Map<string, number>();
  readonly failedLogins = new Map<string, number>();
  /** By operation, then by type of resource. */
  readonly denied = new Map<Operation, Map<ResourceType, number>>();
}

export class AuditLog implements Audit {
  readonly counters = new AuditCounters();
  readonly #options: AuditLogOptions;
  readonly #now: () => number;
  readonly #schedule: Schedule;
  readonly #windows = new Map<Kind, Window>();

  constructor(options: AuditLogOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#schedule = options.schedule ?? scheduleByTimer;
  }

  loggedIn({ principal, host }: AuditedCaller, mechanism: string): void {
    addOne(this.counters.logins, this.#label(mechanism));
    // The broker's own log would consist of these.
    if (!this.#options.sink.isJson) return;
    this.#event("login", { principal, host }, { mechanism });
  }

  loginFailed({ host, mechanism, user, reason }: FailedLogin): void {
    const label = this.#label(mechanism);
    addOne(this.counters.failedLogins, label);
    this.#event("login-failed", { host }, { mechanism: label, user, reason });
  }

  denied(
    { principal, host }: AuditedCaller,
    operation: Operation,
    resourceType: ResourceType,
    name: string,
  ): void {
    const byType = this.counters.denied.get(operation) ?? new Map<ResourceType, number>();
    this.counters.denied.set(operation, byType);
    addOne(byType, resourceType);
    this.#event("denied", { principal, host }, { operation, resourceType, name });
  }

  changed({ principal, host }: AuditedCaller, action: AuditAction, details: AuditDetails): void {
    this.#event("change", { principal, host }, { action, ...details });
  }

  /** Writes what was counted so far. */
  close(): void {
    for (const kind of [...this.#windows.keys()]) this.#end(kind);
  }

  #label(mechanism: string): string {
    for (const known of this.#options.mechanisms()) if (known === mechanism) return known;
    return "other";
  }

  #event(kind: Kind, caller: Fields, what: Fields): void {
    if (!this.#options.isEnabled()) return;
    const window = this.#windows.get(kind) ?? this.#begin(kind);
    const fields = shortened({ ...caller, ...what });
    const key = JSON.stringify(fields);
    const repeated = window.events.get(key);
    if (repeated !== undefined) {
      repeated.count++;
      return;
    }
    const from = callerIn(window, shortened(caller));
    if (from === undefined) {
      window.leftOut++;
      return;
    }
    const max = LINES_PER_WINDOW_MAX[kind];
    if (from.lines >= max.caller || window.events.size >= max.all) {
      from.leftOut++;
      return;
    }
    from.lines++;
    window.events.set(key, { fields, count: 0 });
    this.#write(kind, fields);
  }

  #begin(kind: Kind): Window {
    const window: Window = {
      ...{ events: new Map(), callers: new Map(), leftOut: 0 },
      cancel: this.#schedule(() => this.#end(kind), WINDOW_MS),
    };
    this.#windows.set(kind, window);
    return window;
  }

  #end(kind: Kind): void {
    const window = this.#windows.get(kind);
    if (window === undefined) return;
    this.#windows.delete(kind);
    window.cancel();
    for (const { fields, count } of window.events.values()) {
      if (count > 0) this.#write(kind, { ...fields, repeated: count });
    }
    for (const { fields, leftOut } of window.callers.values()) {
      if (leftOut > 0) this.#write(kind, { ...fields, leftOut });
    }
    if (window.leftOut > 0) this.#write(kind, { leftOut: window.leftOut });
  }

  #write(kind: Kind, fields: Fields): void {
    const { sink } = this.#options;
    const time = new Date(this.#now()).toISOString();
    sink.line(sink.isJson ? printableJson({ time, event: kind, ...fields }) : textOf(kind, fields));
  }
}

/** Undefined if it is one too many. */
function callerIn({ callers }: Window, fields: Fields): CallerWindow | undefined {
  const key = JSON.stringify(fields);
  const known = callers.get(key);
  if (known !== undefined) return known;
  if (callers.size >= CALLERS_MAX) return undefined;
  const caller = { fields, lines: 0, leftOut: 0 };
  callers.set(key, caller);
  return caller;
}

function shortened(fields: Fields): Fields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => {
      if (typeof value !== "string" || value.length <= TEXT_LENGTH_MAX) return [name, value];
      return [name, `${value.slice(0, TEXT_LENGTH_MAX)}…`];
    }),
  );
}

const TITLES: Readonly<Record<Kind, string>> = {
  login: "login",
  "login-failed": "login failed",
  denied: "denied",
  change: "change",
};

/** A line for the broker's log: `audit: denied: principal=User:ann host=10.0.0.7 operation=WRITE …`. */
function textOf(kind: Kind, fields: Fields): string {
  const pairs = Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${quoted(String(value))}`],
  );
  return `audit: ${TITLES[kind]}: ${pairs.join(" ")}`;
}

/** A client chooses some of the values, and must not make up others. */
function quoted(text: string): string {
  return /^[\w.:/*-]+$/.test(text) ? text : printable(JSON.stringify(text));
}

function addOne<Label>(counts: Map<Label, number>, label: Label): void {
  counts.set(label, (counts.get(label) ?? 0) + 1);
}
