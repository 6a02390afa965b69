// How fast each client sends and receives: two looks at the counters of all connections, at least a second apart. Looks are
// taken only while pages ask, and shared by all of them.
// Leaves to others: counting (net/connection.ts), and what a page gets of it (connections.ts).
import type { ClientConnection } from "../../broker/broker.js";
import { clockMs } from "../../clock.js";
import { Portions } from "../../log/event-loop.js";

/** Shortest time between two looks, in milliseconds. */
export const LOOK_MS = 1_000;

/** Time after which a look says nothing about the present, and is forgotten. */
const KEPT_MS = 30_000;

/** Connections looked at per turn of the event loop. */
const PORTION = 500;

/** What a connection does, in bytes per second. */
export interface ConnectionRate {
  readonly receivedRate: number;
  readonly sentRate: number;
  /** Share of the time in which it was not read because of quotas, from 0 to 1. */
  readonly mutedShare: number;
}

const NO_RATE: ConnectionRate = { receivedRate: 0, sentRate: 0, mutedShare: 0 };

/** The counters of a connection at one moment, and its rates since the look before. */
interface Counters extends ConnectionRate {
  readonly atMs: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly mutedMs: number;
}

/** The rates of all connections. */
export class Look {
  /** The time that the rates are of; 0 for a first look, which has none. */
  readonly spanMs: number;
  readonly #rates: ReadonlyMap<number, ConnectionRate>;

  constructor(spanMs: number, bySerial: ReadonlyMap<number, ConnectionRate>) {
    this.spanMs = spanMs;
    this.#rates = bySerial;
  }

  /** None for a connection that was opened after the look. */
  rateOf({ client }: Pick<ClientConnection, "client">): ConnectionRate {
    return this.#rates.get(client.serial) ?? NO_RATE;
  }
}

interface KeptLook {
  readonly atMs: number;
  /** By the connections' numbers, so that closed ones are not kept in memory. Complete once there is a result. */
  readonly bySerial: Map<number, Counters>;
  readonly result: Promise<Look>;
}

export class ConnectionRates {
  readonly #connections: () => Iterable<ClientConnection>;
  readonly #nowMs: () => number;
  #latest: KeptLook | undefined;
  #forgetting: ReturnType<typeof setTimeout> | undefined;

  constructor(connections: () => Iterable<ClientConnection>, nowMs: () => number = clockMs) {
    this.#connections = connections;
    this.#nowMs = nowMs;
  }

  /** The present rates. Takes a look unless there was one a moment ago. */
  look(): Promise<Look> {
    const nowMs = this.#nowMs();
    const latest = this.#latest;
    if (latest !== undefined && nowMs - latest.atMs < LOOK_MS) return latest.result;
    const before = latest !== undefined && nowMs - latest.atMs < KEPT_MS ? latest : undefined;
    const bySerial = new Map<number, Counters>();
    const result = this.#take(bySerial, before, nowMs);
    this.#latest = { atMs: nowMs, result, bySerial };
    this.#forgetLater();
    return result;
  }

  async #take(
    bySerial: Map<number, Counters>,
    before: KeptLook | undefined,
    beganMs: number,
  ): Promise<Look> {
    await before?.result;
    const spanMs = before === undefined ? 0 : beganMs - before.atMs;
    const portions = new Portions(PORTION);
    for (const connection of this.#connections()) {
      const { serial } = connection.client;
      bySerial.set(serial, this.#lookAt(connection, before?.bySerial.get(serial), spanMs));
      const turn = portions.next();
      if (turn !== undefined) await turn;
    }
    return new Look(spanMs, bySerial);
  }

  #lookAt(connection: ClientConnection, before: Counters | undefined, spanMs: number): Counters {
    const { receivedBytes, sentBytes } = connection;
    const atMs = this.#nowMs();
    const mutedMs = connection.inflight.mutedMs(atMs);
    // A connection that was not there at the look before has sent all of its bytes since.
    const sinceMs = before === undefined ? spanMs : atMs - before.atMs;
    const perSecond = (count: number): number => (sinceMs === 0 ? 0 : (count * 1_000) / sinceMs);
    return {
      atMs,
      receivedBytes,
      sentBytes,
      mutedMs,
      receivedRate: perSecond(receivedBytes - (before?.receivedBytes ?? 0)),
      sentRate: perSecond(sentBytes - (before?.sentBytes ?? 0)),
      mutedShare: Math.min(1, perSecond(mutedMs - (before?.mutedMs ?? 0)) / 1_000),
    };
  }

  #forgetLater(): void {
    clearTimeout(this.#forgetting);
    this.#forgetting = setTimeout(() => {
      this.#latest = undefined;
    }, KEPT_MS);
    this.#forgetting.unref();
  }
}
