// The memory that requests and answers of all connections take, and what happens when it reaches its limit.
// Leaves to others: the bytes themselves (frame.ts, outbox.ts). Log data takes no memory.
//
// There are two kinds of bytes, and each may fill half of the budget:
//  - Working: complete requests without an answer. Above the limit the broker is behind, and reads no socket until half
//    of them are answered. This always ends, because every request is answered. Memory that a request needs beyond its
//    own bytes is charged; while much is charged, small requests begin and bulk requests do not. A request that waits for
//    data may take long, so what it was charged counts apart, and has a limit of its own.
//  - Kept: incomplete frames and unsent answers. They wait for their clients, possibly forever. Above the limit the
//    broker closes connections that keep more than an equal share, those whose clients have been inactive longest first,
//    until the rest fits. Above the limit there is always such a connection; one that keeps less is never closed.
import { collectGarbage } from "../collector.js";
import { CHARGED_SHARE_MAX, FETCH_WAITS_MAX, UNSENT_BYTES_MAX } from "../limits.js";
import type { Outbox } from "./outbox.js";

/** Approximate memory of the objects that represent a request. */
const REQUEST_OVERHEAD_BYTES = 256;

export interface ConnectionLimits {
  /** Longest payload of a frame. */
  readonly frameBytesMax: number;
  /** Unanswered request bytes plus unsent response bytes above which the socket is not read. */
  readonly connectionBytesMax: number;
  /** Unanswered requests plus unsent answers above which the socket is not read. */
  readonly connectionRequestsMax: number;
}

/** What counts for a request until it is settled. */
interface CountedBytes {
  readonly bytes: number;
  /** Memory needed beyond the request's own bytes: decoded objects, records written for it, a long answer. */
  readonly chargedBytes: number;
  /** What it had been charged when it began to wait for data. */
  readonly waitingBytes: number;
}

/** A request that waits for data. `cancel` may follow `finish` until the request is settled. */
export interface Wait {
  /** Answers soon with the data that exists, because the broker stops or the client has sent FIN. */
  finish(): void;
  /** Settles the request without an answer, because the connection is closed. */
  cancel(): void;
}

/** What a budget asks of a connection. */
export interface InflightHolder {
  /** Stops reading the socket until `resumeReading`, and answers all waiting requests. */
  pauseReading(): void;
  /** Reads the socket again, unless another limit is reached. */
  resumeReading(): void;
  /** Closes the connection and releases its memory. */
  giveUp(): void;
}

export class InflightBudget {
  readonly #half: number;
  readonly #accounts = new Set<InflightAccount>();
  /** Accounts that wait for their clients, the one that has waited longest first. */
  readonly #waitingForClient = new Set<InflightAccount>();
  readonly #chargedMax: number;
  #workingBytes = 0;
  #chargedBytes = 0;
  #waitingBytes = 0;
  #keptBytes = 0;
  #waits = 0;
  #isFull = false;
  #reliefQueued = false;
  #givenUp = 0;
  #garbageBytes = 0;

  constructor(bytesMax: number) {
    this.#half = bytesMax / 2;
    this.#chargedMax = bytesMax * CHARGED_SHARE_MAX;
  }

  /** Called when bulk requests may begin again. */
  onBulkMayBegin: () => void = () => {};

  /** Whether a request may begin that needs much more memory than its own bytes. */
  get mayBeginBulk(): boolean {
    return this.#chargedBytes < this.#chargedMax;
  }

  /** Memory that requests need beyond their own bytes. */
  get chargedBytes(): number {
    return this.#chargedBytes;
  }

  /** Bytes of complete requests without an answer. */
  get workingBytes(): number {
    return this.#workingBytes;
  }

  /** Bytes of incomplete frames and of unsent answers in memory. */
  get keptBytes(): number {
    return this.#keptBytes;
  }

  get waits(): number {
    return this.#waits;
  }

  /** Whether the broker is behind, so that no socket may be read. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** Number of connections given up since the last call. */
  takeGivenUp(): number {
    const count = this.#givenUp;
    this.#givenUp = 0;
    return count;
  }

  open(holder: InflightHolder, outbox: Outbox, limits: ConnectionLimits): InflightAccount {
    const account = new InflightAccount(this, holder, outbox, limits);
    this.#accounts.add(account);
    return account;
  }

  /** Removes an account. This and the following methods are for accounts only. */
  close(account: InflightAccount): void {
    this.#accounts.delete(account);
    this.#waitingForClient.delete(account);
  }

  /** Adds bytes of complete requests, or subtracts those of answered ones. */
  addWorking(bytes: number): void {
    this.#workingBytes += bytes;
    if (!this.#isFull && this.#workingBytes > this.#half) this.#holdAll();
    if (!this.#isFull || this.#reliefQueued || this.#workingBytes > this.#half / 2) return;
    this.#reliefQueued = true;
    queueMicrotask(() => this.#relieve());
  }

  /** Adds or subtracts memory that a request needs beyond its bytes. */
  addCharged(bytes: number): void {
    const mightBegin = this.mayBeginBulk;
    this.#chargedBytes += bytes;
    if (!mightBegin && this.mayBeginBulk) this.onBulkMayBegin();
    this.addWorking(bytes);
  }

  /** Adds or subtracts kept bytes of an account, and updates the order in which accounts wait for their clients. */
  addKept(account: InflightAccount, bytes: number, clientIsToMove: boolean, moved: boolean): void {
    this.#keptBytes += bytes;
    if (moved || !clientIsToMove) this.#waitingForClient.delete(account);
    if (clientIsToMove) this.#waitingForClient.add(account);
    if (bytes > 0 && this.#keptBytes > this.#half) this.#giveUpLongest();
  }

  addWaits(count: number): void {
    this.#waits += count;
  }

  /** Adds or subtracts memory of waiting requests beyond their bytes. */
  addWaiting(bytes: number): void {
    this.#waitingBytes += bytes;
  }

  /** Whether another request, with this much memory, may wait on a connection that already has `waits` of them. */
  mayWait(waits: number, bytes: number): boolean {
    if (this.#isFull || (bytes > 0 && this.#waitingBytes + bytes > this.#chargedMax)) return false;
    return this.#waits < FETCH_WAITS_MAX || waits < FETCH_WAITS_MAX / this.#accounts.size;
  }

  #holdAll(): void {
    this.#isFull = true;
    for (const account of this.#accounts) account.holder.pauseReading();
  }

  #relieve(): void {
    this.#reliefQueued = false;
    this.#isFull = false;
    for (const account of [...this.#accounts]) {
      if (this.#isFull) return;
      if (!this.#accounts.delete(account)) continue; // closed in the meantime
      this.#accounts.add(account); // at the end, so that accounts skipped now are read first next time
      account.holder.resumeReading();
    }
  }

  #giveUpLongest(): void {
    const share = this.#half / this.#accounts.size;
    for (const account of this.#waitingForClient) {
      if (this.#keptBytes <= this.#half) break;
      if (account.keptBytes <= share) continue;
      this.#garbageBytes += account.keptBytes;
      account.keep(0, false, false);
      this.#givenUp++;
      account.holder.giveUp();
    }
    // The garbage collector does not see how much memory these few objects hold.
    if (this.#garbageBytes < this.#half / 4) return;
    this.#garbageBytes = 0;
    collectGarbage();
  }
}

/** What one connection has in flight. */
export class InflightAccount {
  readonly holder: InflightHolder;
  readonly #budget: InflightBudget;
  limits: ConnectionLimits;
  readonly #outbox: Outbox;
  readonly #waits = new Set<Wait>();
  #requests = 0;
  #requestBytes = 0;
  #keptBytes = 0;
  #isMuted = false;
  #mutedUntilMs = 0;
  /** Time for which it was muted, with what is left of it. */
  #mutedMs = 0;

  constructor(
    budget: InflightBudget,
    holder: InflightHolder,
    outbox: Outbox,
    limits: ConnectionLimits,
  ) {
    this.#budget = budget;
    this.holder = holder;
    this.#outbox = outbox;
    this.limits = limits;
  }

  /** Number of requests without an answer. */
  get unanswered(): number {
    return this.#requests;
  }

  /** Number of requests without an answer, plus unsent pieces of answers. */
  get requests(): number {
    return this.#requests + this.#outbox.entries;
  }

  /** Number of requests that wait for data. */
  get waits(): number {
    return this.#waits.size;
  }

  /** Bytes of requests without an answer, plus unsent bytes of answers. */
  get bytes(): number {
    return this.#requestBytes + this.#outbox.bytes;
  }

  /** Kept bytes, as of the last call of `keep`. */
  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** Whether the client has used more than its quota, so that no request may be read for now. */
  get isMuted(): boolean {
    return this.#isMuted;
  }

  /** Until when it is muted, or when that ended; 0 if it never was. */
  get mutedUntilMs(): number {
    return this.#mutedUntilMs;
  }

  /** For how long it was muted so far. */
  mutedMs(nowMs: number): number {
    return this.#mutedMs - Math.max(0, this.#mutedUntilMs - nowMs);
  }

  /** Returns false if it is muted for as long already. */
  mute(nowMs: number, untilMs: number): boolean {
    if (untilMs <= this.#mutedUntilMs) return false;
    this.#mutedMs = this.mutedMs(nowMs) + untilMs - nowMs;
    this.#mutedUntilMs = untilMs;
    this.#isMuted = true;
    return true;
  }

  unmute(nowMs: number): void {
    this.#mutedMs = this.mutedMs(nowMs);
    this.#mutedUntilMs = nowMs;
    this.#isMuted = false;
  }

  /** Adds a complete request. This may stop the reading of all sockets. */
  began(bytes: number): void {
    this.#requests++;
    this.#requestBytes += bytes;
    this.#budget.addWorking(bytes + REQUEST_OVERHEAD_BYTES);
  }

  /** Adds memory that a request needs beyond its own bytes until it is settled. */
  charge(bytes: number): void {
    this.#requestBytes += bytes;
    this.#budget.addCharged(bytes);
  }

  /** Counts what a request was charged apart from now on, because it waits for data. */
  chargeWaiting(bytes: number): void {
    this.charge(-bytes);
    this.#budget.addWaiting(bytes);
  }

  /** Adds an answer that waits for earlier ones, or subtracts it. */
  keepEarly(bytes: number): void {
    this.#requestBytes += bytes;
    this.#budget.addWorking(bytes);
  }

  /** Subtracts a settled request. */
  ended({ bytes, chargedBytes, waitingBytes }: CountedBytes): void {
    this.#requests--;
    this.#budget.addWaiting(-waitingBytes);
    this.#requestBytes -= bytes + chargedBytes;
    if (chargedBytes > 0) this.#budget.addCharged(-chargedBytes);
    this.#budget.addWorking(-bytes - REQUEST_OVERHEAD_BYTES);
  }

  /**
   * Sets the kept bytes. `clientIsToMove` says that they wait for the client to send or read, `moved` that it just did.
   * This may close this connection or others.
   */
  keep(bytes: number, clientIsToMove: boolean, moved: boolean): void {
    // Nearly all: a small request came, and its answer left. The account is not among those that wait then.
    if (bytes === 0 && this.#keptBytes === 0) return;
    const more = bytes - this.#keptBytes;
    this.#keptBytes = bytes;
    this.#budget.addKept(this, more, clientIsToMove && bytes > 0, moved);
  }

  /** Whether this connection or all of them have too much in flight, so that no request may be read. */
  get isOverLimit(): boolean {
    const { connectionBytesMax, connectionRequestsMax } = this.limits;
    return (
      this.#isMuted ||
      this.#budget.isFull ||
      this.#outbox.memoryBytes > UNSENT_BYTES_MAX ||
      this.bytes > connectionBytesMax ||
      this.requests >= connectionRequestsMax
    );
  }

  /** Whether requests may be read again: below half of each limit, so that sockets are not paused for every request. */
  get isBelowHalf(): boolean {
    const { connectionBytesMax, connectionRequestsMax } = this.limits;
    return (
      !this.#isMuted &&
      !this.#budget.isFull &&
      this.#outbox.memoryBytes <= UNSENT_BYTES_MAX / 2 &&
      this.bytes <= connectionBytesMax / 2 &&
      this.requests <= connectionRequestsMax / 2
    );
  }

  /** Whether a request that was charged this much may wait for data. */
  mayWait(chargedBytes = 0): boolean {
    return this.#budget.mayWait(this.#waits.size, chargedBytes);
  }

  addWait(wait: Wait): void {
    this.#waits.add(wait);
    this.#budget.addWaits(1);
  }

  /** Removes a fetch that is no longer waiting. */
  removeWait(wait: Wait): void {
    if (this.#waits.delete(wait)) this.#budget.addWaits(-1);
  }

  finishWaits(): void {
    for (const wait of [...this.#waits]) wait.finish();
  }

  /** Settles all waiting requests without an answer. */
  cancelWaits(): void {
    for (const wait of [...this.#waits]) {
      this.removeWait(wait);
      wait.cancel();
    }
  }

  /** Cancels what waits. Requests that are being handled count until they are settled. */
  close(): void {
    this.cancelWaits();
    this.keep(0, false, false);
    this.#budget.close(this);
  }
}
