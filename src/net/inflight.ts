// The bytes that requests and answers of all connections keep in memory, and what is done when they are too
// many. Leaves to others: the bytes themselves (frame.ts, outbox.ts). Log data costs no memory.
//
// There are two kinds, and each may have half of the budget:
//  - Working: whole requests that are not answered. The broker is behind, so no socket is read until half of
//    that is answered. It ends by itself, because every request is answered. What a request needs beyond its
//    bytes is charged, and while much is charged no bulk request begins: small ones go on.
//  - Kept: unfinished frames, and answers that were not taken. These wait for their clients, perhaps for
//    ever. So of the connections that keep more than an equal share, the one whose client has moved nothing
//    for longest is given up, and the next, until the rest fits. As long as too much is kept, somebody keeps
//    more than an equal share; who keeps less is never touched.
import { collectGarbage } from "../collector.ts";
import { CHARGED_SHARE_MAX, FETCH_WAITS_MAX, UNSENT_BYTES_MAX } from "../limits.ts";
import type { Outbox } from "./outbox.ts";

/** What a request costs beside its bytes: the objects that remember it, about. */
const REQUEST_OVERHEAD_BYTES = 256;

/** What bounds one connection. */
export interface ConnectionLimits {
  /** Longest payload of a frame. */
  readonly frameBytesMax: number;
  /** Unanswered request bytes plus unsent response bytes, past which the socket is not read. */
  readonly connectionBytesMax: number;
  /** Unanswered requests plus unsent answers, past which the socket is not read. */
  readonly connectionRequestsMax: number;
}

/** A request that waits for data. `cancel` may be called after `finish`, as long as it is not settled. */
export interface Wait {
  /** Answers with what there is as soon as there is time: the broker stops, or the client will send no more. */
  finish(): void;
  /** Settles the request without an answer: the connection is gone. */
  cancel(): void;
}

/** What a budget asks of a connection. */
export interface InflightHolder {
  /** Stops reading the socket until `readOn`, and answers at once whatever waits for data. */
  hold(): void;
  /** Reads the socket again, if nothing else speaks against it. */
  readOn(): void;
  /** Ends the connection, and forgets what it keeps. */
  giveUp(): void;
}

export class InflightBudget {
  readonly #half: number;
  readonly #accounts = new Set<InflightAccount>();
  /** Those whose clients are to move, the longest waiting first. */
  readonly #waitingForClient = new Set<InflightAccount>();
  readonly #chargedMax: number;
  #workingBytes = 0;
  #chargedBytes = 0;
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

  /** Called when a bulk request may begin again. */
  onBulkMayBegin: () => void = () => {};

  /** Whether one more request may begin that needs much more than its bytes. */
  get mayBeginBulk(): boolean {
    return this.#chargedBytes < this.#chargedMax;
  }

  /** Bytes that requests need beyond their own. */
  get chargedBytes(): number {
    return this.#chargedBytes;
  }

  /** Bytes of whole requests that are not answered. */
  get workingBytes(): number {
    return this.#workingBytes;
  }

  /** Bytes of unfinished frames and of answers that were not taken. */
  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** Fetches that wait for data. */
  get waits(): number {
    return this.#waits;
  }

  /** Whether the broker is behind: sockets are not to be read. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** Connections that were given up since this was last asked. */
  takeGivenUp(): number {
    const count = this.#givenUp;
    this.#givenUp = 0;
    return count;
  }

  /** The account of a new connection. */
  open(holder: InflightHolder, outbox: Outbox, limits: ConnectionLimits): InflightAccount {
    const account = new InflightAccount(this, holder, outbox, limits);
    this.#accounts.add(account);
    return account;
  }

  /** For accounts: ends one. */
  close(account: InflightAccount): void {
    this.#accounts.delete(account);
    this.#waitingForClient.delete(account);
  }

  /** For accounts: counts whole requests that came (or, negative, were answered). */
  addWorking(bytes: number): void {
    this.#workingBytes += bytes;
    if (!this.#isFull && this.#workingBytes > this.#half) this.#holdAll();
    if (!this.#isFull || this.#reliefQueued || this.#workingBytes > this.#half / 2) return;
    this.#reliefQueued = true;
    queueMicrotask(() => this.#relieve());
  }

  /** For accounts: counts what a request needs beyond its bytes (or, negative, has needed). */
  addCharged(bytes: number): void {
    const mightBegin = this.mayBeginBulk;
    this.#chargedBytes += bytes;
    if (!mightBegin && this.mayBeginBulk) this.onBulkMayBegin();
    this.addWorking(bytes);
  }

  /** For accounts: counts what an account keeps, and how long it has been for its client to move. */
  addKept(account: InflightAccount, bytes: number, clientIsToMove: boolean, moved: boolean): void {
    this.#keptBytes += bytes;
    if (moved || !clientIsToMove) this.#waitingForClient.delete(account);
    if (clientIsToMove) this.#waitingForClient.add(account);
    if (bytes > 0 && this.#keptBytes > this.#half) this.#giveUpLongest();
  }

  /** For accounts: counts fetches that wait for data (or, negative, that have ended). */
  addWaits(count: number): void {
    this.#waits += count;
  }

  /** For accounts: whether one more fetch may wait, on a connection that has `waits` already. */
  mayWait(waits: number): boolean {
    if (this.#isFull) return false;
    return this.#waits < FETCH_WAITS_MAX || waits < FETCH_WAITS_MAX / this.#accounts.size;
  }

  #holdAll(): void {
    this.#isFull = true;
    for (const account of this.#accounts) account.holder.hold();
  }

  #relieve(): void {
    this.#reliefQueued = false;
    this.#isFull = false;
    for (const account of [...this.#accounts]) {
      if (this.#isFull) return;
      if (!this.#accounts.delete(account)) continue; // closed meanwhile
      this.#accounts.add(account); // so that the next time it is read after those that were not now
      account.holder.readOn();
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
    // The collector is in no hurry by itself: it doesn't see how much memory these few objects hold.
    if (this.#garbageBytes < this.#half / 4) return;
    this.#garbageBytes = 0;
    collectGarbage();
  }
}

/** What one connection has in flight. */
export class InflightAccount {
  readonly holder: InflightHolder;
  readonly #budget: InflightBudget;
  readonly #limits: ConnectionLimits;
  readonly #outbox: Outbox;
  readonly #waits = new Set<Wait>();
  #requests = 0;
  #requestBytes = 0;
  #keptBytes = 0;

  constructor(
    budget: InflightBudget,
    holder: InflightHolder,
    outbox: Outbox,
    limits: ConnectionLimits,
  ) {
    this.#budget = budget;
    this.holder = holder;
    this.#outbox = outbox;
    this.#limits = limits;
  }

  /** Requests that are not answered. */
  get unanswered(): number {
    return this.#requests;
  }

  /** Requests that are not answered, and pieces of answers that are not sent. */
  get requests(): number {
    return this.#requests + this.#outbox.entries;
  }

  /** Bytes of requests that are not answered and of answers that are not sent. */
  get bytes(): number {
    return this.#requestBytes + this.#outbox.bytes;
  }

  /** Bytes that were last said to be kept. */
  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** A whole request came. It may have the budget stop the reading of all sockets. */
  began(bytes: number): void {
    this.#requests++;
    this.#requestBytes += bytes;
    this.#budget.addWorking(bytes + REQUEST_OVERHEAD_BYTES);
  }

  /** A request needs more memory than its own bytes, until it has ended. */
  charge(bytes: number): void {
    this.#requestBytes += bytes;
    this.#budget.addCharged(bytes);
  }

  /** An answer waits for earlier ones (or, negative, waits no more). */
  keepEarly(bytes: number): void {
    this.#requestBytes += bytes;
    this.#budget.addWorking(bytes);
  }

  /** A request is settled. */
  ended(bytes: number, chargedBytes = 0): void {
    this.#requests--;
    this.#requestBytes -= bytes + chargedBytes;
    if (chargedBytes > 0) this.#budget.addCharged(-chargedBytes);
    this.#budget.addWorking(-bytes - REQUEST_OVERHEAD_BYTES);
  }

  /**
   * Says what is kept now, and whether it is for the client to move: `moved` when it just has. It may have
   * the budget give this connection up, or others.
   */
  keep(bytes: number, clientIsToMove: boolean, moved: boolean): void {
    const more = bytes - this.#keptBytes;
    this.#keptBytes = bytes;
    this.#budget.addKept(this, more, clientIsToMove && bytes > 0, moved);
  }

  /** Whether requests are not to be read, too much is in flight, here or in all. */
  get isOver(): boolean {
    const { connectionBytesMax, connectionRequestsMax } = this.#limits;
    return (
      this.#budget.isFull ||
      this.#outbox.memoryBytes > UNSENT_BYTES_MAX ||
      this.bytes > connectionBytesMax ||
      this.requests >= connectionRequestsMax
    );
  }

  /** Whether they may be read again: below half, so that a socket is not paused and resumed for each. */
  get isRelieved(): boolean {
    const { connectionBytesMax, connectionRequestsMax } = this.#limits;
    return (
      !this.#budget.isFull &&
      this.#outbox.memoryBytes <= UNSENT_BYTES_MAX / 2 &&
      this.bytes <= connectionBytesMax / 2 &&
      this.requests <= connectionRequestsMax / 2
    );
  }

  /** Whether one more fetch may wait for data. */
  get mayWait(): boolean {
    return this.#budget.mayWait(this.#waits.size);
  }

  /** A fetch begins to wait for data. */
  addWait(wait: Wait): void {
    this.#waits.add(wait);
    this.#budget.addWaits(1);
  }

  /** A fetch has ended to wait. */
  removeWait(wait: Wait): void {
    if (this.#waits.delete(wait)) this.#budget.addWaits(-1);
  }

  /** Answers at once whatever waits for data. */
  finishWaits(): void {
    for (const wait of [...this.#waits]) wait.finish();
  }

  /** The connection is closed: nothing waits any more. What is still worked on counts until it is done. */
  close(): void {
    for (const wait of [...this.#waits]) {
      this.removeWait(wait);
      wait.cancel();
    }
    this.keep(0, false, false);
    this.#budget.close(this);
  }
}
