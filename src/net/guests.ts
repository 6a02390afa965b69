// Connections whose clients have to log in and have not done so. Each has limited time for it, and together they may take only
// a part of all connections, so that they never keep out a client that can log in.
// Leaves to others: what one of them may send (input.ts), and closing it (connection.ts).

/** Longest request before a login, in bytes. Tokens are the longest, with a few KiB. */
export const GUEST_REQUEST_BYTES_MAX = 32 * 1024;

/** One request at a time, and no next one before its answer is sent. */
export const GUEST_REQUESTS_MAX = 1;

/** Share of all connections that guests may have. */
const CONNECTIONS_SHARE_MAX = 1 / 2;

interface Guest {
  readonly client: { readonly address: string };
}

export class Guests<Connection extends Guest> {
  /** Time of arrival by address and connection, the oldest first. */
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
   * Returns the connection to close if there are too many guests: the oldest one of the address with the most. A client that
   * logs in takes milliseconds, so it is not the oldest.
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

  /** Connections opened at or before this time. */
  *since(timeMs: number): Generator<Connection> {
    for (const sameAddress of this.#arrivals.values()) {
      for (const [connection, cameAtMs] of sameAddress) {
        if (cameAtMs > timeMs) break;
        yield connection;
      }
    }
  }
}
