// Member ids that were given out, and whose clients have not come back with them yet (Kafka's pending members).
// Leaves to others: giving them out (classic-group.ts), and waiting for them (classic-rebalance.ts).
//
// Whoever asks gets an id, so ids must cost little, and must not keep anybody from joining: they are not members, they
// hold no place in a group, and a group without members is not in memory for their sake. Beyond a number over all groups,
// the oldest one is forgotten. Its client, if there is one, is told UNKNOWN_MEMBER_ID, and asks for another.
import { SESSION_TIMEOUT_MS_MAX } from "../../limits.js";
import { Deadline, type GroupClock } from "../group-clock.js";

/** Ids over all groups. They take about 70 MB. */
const PENDING_MEMBERS_MAX = 100_000;

interface Pending {
  readonly group: string;
  readonly memberId: string;
  readonly expiresAt: number;
  /** Its neighbours among all. */
  before: Pending | undefined;
  after: Pending | undefined;
  /** Its neighbours among those of its group. */
  older: Pending | undefined;
  newer: Pending | undefined;
}

export class PendingMembers {
  readonly #clock: GroupClock;
  readonly #max: number;
  /** By member id, which has a random part. */
  readonly #byId = new Map<string, Pending>();
  #first: Pending | undefined;
  #last: Pending | undefined;
  /** The newest of each group. */
  readonly #newest = new Map<string, Pending>();
  /** Frees what nobody came back for after a flood. */
  readonly #cleanup: Deadline;

  constructor(clock: GroupClock, max = PENDING_MEMBERS_MAX) {
    this.#clock = clock;
    this.#max = max;
    this.#cleanup = new Deadline(clock, () => this.#clear());
  }

  get size(): number {
    return this.#byId.size;
  }

  /** Remembers an id for a time, in milliseconds. */
  add(group: string, memberId: string, ms: number): void {
    this.#forgetOld();
    const older = this.#newest.get(group);
    const expiresAt = this.#clock.now() + ms;
    const before = this.#last;
    const links = { before, after: undefined, older, newer: undefined };
    const pending: Pending = { group, memberId, expiresAt, ...links };
    if (before === undefined) this.#first = pending;
    else before.after = pending;
    this.#last = pending;
    if (older !== undefined) older.newer = pending;
    this.#newest.set(group, pending);
    this.#byId.set(memberId, pending);
    this.#cleanup.set(SESSION_TIMEOUT_MS_MAX);
  }

  /** Whether the id was given out for this group, and its time is not over. */
  has(group: string, memberId: string): boolean {
    const pending = this.#byId.get(memberId);
    return pending?.group === group && pending.expiresAt > this.#clock.now();
  }

  /** Forgets an id; whether it was one as in `has`. */
  take(group: string, memberId: string): boolean {
    const isPending = this.has(group, memberId);
    if (isPending) this.#forget(this.#byId.get(memberId)!);
    return isPending;
  }

  /** When the next id of a group expires, in milliseconds from now; undefined if it has none. Forgets those that have. */
  nextExpiry(group: string): number | undefined {
    const now = this.#clock.now();
    let next = Infinity;
    for (let each = this.#newest.get(group); each !== undefined; each = each.older) {
      if (each.expiresAt <= now) this.#forget(each);
      else next = Math.min(next, each.expiresAt);
    }
    return next === Infinity ? undefined : next - now;
  }

  /** Whether a group has ids; some may have expired. */
  isExpected(group: string): boolean {
    return this.#newest.has(group);
  }

  close(): void {
    this.#clear();
  }

  #forgetOld(): void {
    const now = this.#clock.now();
    for (let pending = this.#first; pending !== undefined; pending = pending.after) {
      if (pending.expiresAt > now && this.#byId.size < this.#max) return;
      this.#forget(pending);
    }
  }

  #forget(pending: Pending): void {
    const { group, memberId, before, after, older, newer } = pending;
    this.#byId.delete(memberId);
    if (before === undefined) this.#first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
    if (older !== undefined) older.newer = newer;
    if (newer !== undefined) newer.older = older;
    else if (older !== undefined) this.#newest.set(group, older);
    else this.#newest.delete(group);
    if (this.#byId.size === 0) this.#cleanup.clear();
  }

  #clear(): void {
    this.#cleanup.clear();
    this.#byId.clear();
    this.#newest.clear();
    this.#first = undefined;
    this.#last = undefined;
  }
}
