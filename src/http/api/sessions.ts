// The sessions of people who have logged in on the page: kept in memory only, and by the hash of their id, so that a copy of
// the memory does not give away what a browser has to send.
// Leaves to others: logging in (login.ts), and the cookie (access.ts).
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { clockMs } from "../../clock.js";
import { type ServiceContext, withCaller } from "../../services/context.js";

/** Time after which a session ends that no page uses, and after which every session ends, in milliseconds. */
export const SESSION_IDLE_MS = 30 * 60_000;
export const SESSION_AGE_MS = 12 * 60 * 60_000;

/** Beyond them the one that was not used for longest ends: of the same user, and of all. */
export const USER_SESSIONS_MAX = 16;
export const SESSIONS_MAX = 256;

/** Addresses of a browser that are remembered. */
const SESSION_ADDRESSES_MAX = 4;

/** Bytes of an id, and of the token that a page sends with each change. */
const SECRET_BYTES = 32;

export class Session {
  /** The context in which the user has logged in. */
  readonly context: ServiceContext;
  /** Contexts of its requests by the address from which they come; the caller of each is the user. */
  readonly #contexts = new Map<string, ServiceContext>();
  /** What only a page of ours can know, since other pages can't read our answers. */
  readonly csrfToken = newSecret();
  readonly key: string;
  readonly openedMs: number;
  usedMs: number;

  constructor(context: ServiceContext, key: string, nowMs: number) {
    this.context = context;
    this.key = key;
    this.openedMs = nowMs;
    this.usedMs = nowMs;
  }

  /** The context of a request from this address. */
  contextAt(address: string): ServiceContext {
    const known = this.#contexts.get(address);
    if (known !== undefined) return known;
    const { caller, security } = this.context;
    const context = withCaller(this.context, security.callerAt(caller, { address }));
    const [oldest] = this.#contexts.keys();
    if (this.#contexts.size >= SESSION_ADDRESSES_MAX && oldest !== undefined)
      this.#contexts.delete(oldest);
    this.#contexts.set(address, context);
    return context;
  }
}

export class Sessions {
  /** By the hash of the id, the one that was used last at the end. */
  readonly #sessions = new Map<string, Session>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number = clockMs) {
    this.#nowMs = nowMs;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Opens a session for a context whose caller has logged in. Returns its id, which is known to nobody else. */
  open(context: ServiceContext): string {
    const id = newSecret();
    const key = hash(id).toString("base64");
    this.#makeRoom(context.caller.principal);
    this.#sessions.set(key, new Session(context, key, this.#nowMs()));
    return id;
  }

  /** The session with this id, if it has not ended; it counts as used. */
  use(id: string): Session | undefined {
    // Those that were not used for longest come first. Ends those that have expired, so that they take no memory.
    for (const oldest of this.#sessions.values()) if (this.holds(oldest)) break;
    const key = hash(id).toString("base64");
    const session = this.#sessions.get(key);
    if (session === undefined || !this.holds(session)) return undefined;
    session.usedMs = this.#nowMs();
    this.#sessions.delete(key);
    this.#sessions.set(key, session);
    return session;
  }

  /** Whether a session has not ended: by a logout, by time, or because the user was deleted or has another password. */
  holds(session: Session): boolean {
    if (this.#sessions.get(session.key) !== session) return false;
    const nowMs = this.#nowMs();
    const isYoung =
      nowMs - session.usedMs < SESSION_IDLE_MS && nowMs - session.openedMs < SESSION_AGE_MS;
    if (isYoung && session.context.caller.status === "known") return true;
    this.end(session);
    return false;
  }

  end({ key }: Session): void {
    this.#sessions.delete(key);
  }

  #makeRoom(principal: string): void {
    const sameUser: Session[] = [];
    for (const session of [...this.#sessions.values()]) {
      if (this.holds(session) && session.context.caller.principal === principal)
        sameUser.push(session);
    }
    const [oldest] = this.#sessions.values();
    if (sameUser.length >= USER_SESSIONS_MAX) this.end(sameUser[0]!);
    else if (this.#sessions.size >= SESSIONS_MAX && oldest !== undefined) this.end(oldest);
  }
}

/** Whether two texts are the same, in a time that does not depend on where they differ. */
export function isSameSecret(a: string, b: string): boolean {
  return timingSafeEqual(hash(a), hash(b));
}

function hash(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function newSecret(): string {
  return randomBytes(SECRET_BYTES).toString("base64url");
}
