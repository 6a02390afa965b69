// The bytes that requests and answers of all connections keep in memory, and what is done when they are too
// many. Leaves to others: one connection's own limits (connection.ts), and log data, which costs no memory.
//
// There are two kinds, and each may have half of the budget:
//  - Working: whole requests that are not answered. The broker is behind, so no socket is read until half of
//    that is answered. It ends by itself, because every request is answered.
//  - Kept: unfinished frames, and answers that were not taken. These wait for their clients, perhaps for
//    ever. So of the connections that keep more than an equal share, the one whose client has moved nothing
//    for longest is given up, and the next, until the rest fits. As long as too much is kept, somebody keeps
//    more than an equal share; who keeps less is never touched.
import { FETCH_WAITS_MAX } from "../limits.ts";

/** What a request costs beside its bytes: the objects that remember it, about. */
const REQUEST_OVERHEAD_BYTES = 256;

/** What a budget asks of a connection. */
export interface InflightHolder {
  /** Stops reading the socket until `readOn`. */
  hold(): void;
  /** Reads the socket again, if nothing else speaks against it. */
  readOn(): void;
  /** Answers at once whatever waits for data. */
  finishWaits(): void;
  /** Ends the connection, and forgets what it keeps. */
  giveUp(): void;
}

/** The budget of one server. */
export class InflightBudget {
  readonly #half: number;
  readonly #accounts = new Set<InflightAccount>();
  /** Those whose clients are to move, the longest waiting first. */
  readonly #waitingForClient = new Set<InflightAccount>();
  #workingBytes = 0;
  #keptBytes = 0;
  #waits = 0;
  #isFull = false;
  #reliefQueued = false;

  constructor(bytesMax: number) {
    this.#half = bytesMax / 2;
  }

  /** Bytes of whole requests that are not answered. */
  get workingBytes(): number {
    return this.#workingBytes;
  }

  /** Bytes of unfinished frames and of answers that were not taken. */
  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** Whether the broker is behind: sockets are not to be read. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** The account of a new connection. */
  open(holder: InflightHolder): InflightAccount {
    const account = new InflightAccount(this, holder);
    this.#accounts.add(account);
    return account;
  }

  /** @internal Ends an account. */
  close(account: InflightAccount): void {
    this.#accounts.delete(account);
    this.#waitingForClient.delete(account);
  }

  /** @internal Counts whole requests that came (or, negative, were answered). */
  addWorking(bytes: number): void {
    this.#workingBytes += bytes;
    if (!this.#isFull && this.#workingBytes > this.#half) this.#holdAll();
    if (!this.#isFull || this.#reliefQueued || this.#workingBytes > this.#half / 2) return;
    this.#reliefQueued = true;
    queueMicrotask(() => this.#relieve());
  }

  /** @internal Counts what an account keeps, and how long it has been for its client to move. */
  addKept(account: InflightAccount, bytes: number, clientIsToMove: boolean, moved: boolean): void {
    this.#keptBytes += bytes;
    if (moved || !clientIsToMove) this.#waitingForClient.delete(account);
    if (clientIsToMove) this.#waitingForClient.add(account);
    if (bytes > 0 && this.#keptBytes > this.#half) this.#giveUpLongest();
  }

  /** @internal Counts fetches that wait for data (or, negative, that have ended). */
  addWaits(count: number): void {
    this.#waits += count;
  }

  /** @internal Whether one more fetch may wait, on a connection that has `waits` already. */
  mayWait(waits: number): boolean {
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
      if (this.#keptBytes <= this.#half) return;
      if (account.keptBytes <= share) continue;
      account.keep(0, false, false);
      account.holder.giveUp();
    }
  }
}

/** What one connection has in flight. */
export class InflightAccount {
  readonly holder: InflightHolder;
  readonly #budget: InflightBudget;
  #requests = 0;
  #requestBytes = 0;
  #keptBytes = 0;
  #waits = 0;

  /** @internal Use `InflightBudget.open`. */
  constructor(budget: InflightBudget, holder: InflightHolder) {
    this.#budget = budget;
    this.holder = holder;
  }

  /** Requests that are not answered. */
  get requests(): number {
    return this.#requests;
  }

  /** Bytes of requests that are not answered. */
  get requestBytes(): number {
    return this.#requestBytes;
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

  /** A request was answered, or never will be because it waited when its connection was closed. */
  ended(bytes: number): void {
    this.#requests--;
    this.#requestBytes -= bytes;
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

  /** Whether one more fetch may wait for data. */
  get mayWait(): boolean {
    return this.#budget.mayWait(this.#waits);
  }

  /** A fetch begins to wait for data. */
  waitBegan(): void {
    this.#waits++;
    this.#budget.addWaits(1);
  }

  /** A fetch has ended to wait. */
  waitEnded(): void {
    this.#waits--;
    this.#budget.addWaits(-1);
  }

  /** The connection is closed. What is still worked on counts until it is done. */
  close(): void {
    this.keep(0, false, false);
    this.#budget.close(this);
  }
}
