// The connections whose clients have not said who they are, if they must. Each has a time by which it has to do so, and
// together they may take only a part of all connections, so that they never keep a client out that can log in.
// Leaves to others: what one of them may send (input.ts), and closing it (connection.ts).

/** Longest request before a login, in bytes. Tokens are the longest, with a few KiB. */
export const GUEST_REQUEST_BYTES_MAX = 32 * 1024;

/** One request at a time, and no next one before its answer is sent. */
export const GUEST_REQUESTS_MAX = 1;

/** Part of all connections that guests may have. */
const CONNECTIONS_SHARE_MAX = 1 / 2;

interface Guest {
  readonly client: { readonly address: string };
}

export class Guests<Connection extends Guest> {
  /** When each came, by its address; the oldest first. */
  readonly #arrivals = new Map<string, Map<Connection, number>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(connection: Connection, nowMs: number): void {
    const { address } = connection.client;
    let sameAddress = this.#arrivals.get(address);
    if (sameAddress === undefined) {
      sameAddress = new Map();
      this.#arrivals.set(address, sameAddress);
    }
    sameAddress.set(connection, nowMs);
    this.#size++;
  }

  /** Removes a connection that is closed, or known now. */
  remove(connection: Connection): void {
    const { address } = connection.client;
    const sameAddress = this.#arrivals.get(address);
    if (sameAddress === undefined || !sameAddress.delete(connection)) return;
    this.#size--;
    if (sameAddress.size === 0) this.#arrivals.delete(address);
  }

  /**
   * The one to close if there are too many: the oldest of the address that has most. A client that logs in needs
   * milliseconds, so it is not the oldest.
   */
  excess(connectionsMax: number): Connection | undefined {
    if (this.#size <= Math.max(1, Math.floor(connectionsMax * CONNECTIONS_SHARE_MAX))) return;
    let most = new Map<Connection, number>();
    for (const sameAddress of this.#arrivals.values()) {
      if (sameAddress.size > most.size) most = sameAddress;
    }
    const [oldest] = most.keys();
    return oldest;
  }

  /** Those that came before or at this time. */
  *since(timeMs: number): Generator<Connection> {
    for (const sameAddress of this.#arrivals.values()) {
      for (const [connection, cameAtMs] of sameAddress) {
        if (cameAtMs > timeMs) break;
        yield connection;
      }
    }
  }
}
