// The listening socket: accepts connections up to a limit, passes socket events to them, and closes idle ones.
// Leaves to others: the state of one connection (connection.ts), and the meaning of requests (the dialects).
//
// Observed in Bun 1.4.5, and relied on here: with `allowHalfOpen`, a client's FIN calls `end` and leaves our side open,
// so requests sent before it are still answered; without it, the socket is closed. `listener.stop(false)` stops
// listening and leaves connections open. An error thrown by a callback goes to `error`, and the socket stays open.
import { clockMs } from "../clock.js";
import { InputCollector } from "../collector.js";
import { RustLogError } from "../errors.js";
import { REFUSED_CONNECTIONS_MAX } from "../limits.js";
import type { HostAndPort } from "./address.js";
import { Connection, type ConnectionHost, type NetMetrics } from "./connection.js";
import type { Dialect } from "./dialect.js";
import { Guests } from "./guests.js";
import { type ConnectionLimits, InflightBudget } from "./inflight.js";
import { listenOn } from "./listen.js";
import { LogLimit } from "./log-limit.js";
import { Turns } from "./turns.js";

/** Silence after which the kernel probes whether the client's machine is still reachable. */
const KEEP_ALIVE_MS = 60_000;

/** Longest time between two checks for idle connections, in milliseconds. */
const SWEEP_MS_MAX = 500;

/** Files that must be free before connections are accepted again. */
const FILES_TO_LISTEN = 16;

const FLAGS = { host: "--host", port: "--port" };

export interface ListenerOptions {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  /** The address that clients are told to use, instead of the one that they used. */
  readonly advertise?: HostAndPort | undefined;
  readonly connectionsMax: number;
  /** Memory that requests and answers of all connections may take. */
  readonly inflightBytesMax: number;
  readonly idleTimeoutMs: number;
  readonly limits: ConnectionLimits;
  /** Whether clients have to log in. */
  readonly requiresLogin: boolean;
  /** Time in which they have to. */
  readonly loginTimeoutMs: number;
  /** The protocols of the port; the first that accepts the first byte of a connection gets it. */
  readonly dialects: readonly Dialect[];
  /** Text that an HTTP client on this port gets. */
  readonly httpHint: string;
  readonly metrics: NetMetrics;
  log(line: string): void;
  /** Whether the process can open `count` more files. */
  canOpenFiles(count: number): boolean;
}

interface SocketData {
  connection: Connection | undefined;
}

export class Listener {
  readonly #options: ListenerOptions;
  /** One per address; none while the process cannot open more files. */
  #sockets: readonly Bun.TCPSocketListener<SocketData>[];
  readonly #host: ConnectionHost;
  readonly #logLimit: LogLimit;
  readonly port: number;
  readonly budget: InflightBudget;
  readonly #collector = new InputCollector();
  readonly #connections = new Set<Connection>();
  /** Connections over the limit, which get an error and do not count. */
  readonly #refused = new Set<Connection>();
  readonly #guests = new Guests<Connection>();
  readonly #sweeper: Timer;
  #emptied: (() => void) | undefined;

  /** Starts listening. Throws an error that says what to do if the address is not available. */
  constructor(options: ListenerOptions) {
    this.#options = options;
    this.budget = new InflightBudget(options.inflightBytesMax);
    this.#logLimit = new LogLimit(options.log);
    const turns = new Turns({ mayBeginBulk: () => this.budget.mayBeginBulk });
    this.budget.onBulkMayBegin = () => turns.bulkMayBegin();
    this.#host = {
      limits: options.limits,
      budget: this.budget,
      turns,
      metrics: options.metrics,
      dialects: options.dialects,
      httpHint: options.httpHint,
      advertise: options.advertise,
      becameKnown: (connection) => this.#guests.remove(connection),
      inputFreed: (bytes) => this.#collector.freed(bytes),
      log: (kind, line) => this.#logLimit.line(kind, line),
    };
    const sockets = this.#listen(options.port);
    this.#sockets = sockets;
    this.port = sockets[0].port;
    const sweepMs = Math.max(
      1,
      Math.min(SWEEP_MS_MAX, options.idleTimeoutMs / 4, options.loginTimeoutMs / 4),
    );
    this.#sweeper = setInterval(() => this.#sweep(), sweepMs);
  }

  get connections(): ReadonlySet<Connection> {
    return this.#connections;
  }

  /**
   * Stops accepting connections, answers requests in flight, refuses new ones, and closes every connection. Resets those
   * that are still open after `graceMs`. Resolves when all are closed.
   */
  async stop(graceMs: number): Promise<void> {
    this.#stopListening();
    const emptied = new Promise<void>((resolve) => {
      this.#emptied = resolve;
    });
    for (const connection of [...this.#connections]) connection.stop();
    this.#checkEmptied();
    const grace = setTimeout(() => this.terminate(), graceMs);
    await emptied;
    clearTimeout(grace);
    this.terminate(); // only refused clients are left
  }

  /** Stops listening and resets every connection at once. */
  terminate(): void {
    this.#stopListening();
    clearInterval(this.#sweeper);
    for (const connection of [...this.#connections, ...this.#refused]) {
      connection.terminate();
      this.#removed(connection);
    }
    this.#logLimit.close();
  }

  #listen(port: number): ReturnType<typeof listenOn<Bun.TCPSocketListener<SocketData>>> {
    const socket: Bun.SocketHandler<SocketData> = {
      open: (opened) => this.#opened(opened),
      data: ({ data }, chunk) => {
        data.connection?.received(chunk);
        this.#collector.received(chunk.length);
      },
      drain: ({ data }) => data.connection?.drained(),
      end: ({ data }) => data.connection?.inputEnded(),
      close: ({ data }) => this.#closed(data.connection),
      error: ({ data }, error) => this.#failed(data.connection, error),
    };
    return listenOn({ host: this.#options.host, port, flags: FLAGS }, (hostname, free) =>
      Bun.listen<SocketData>({ hostname, port: free, allowHalfOpen: true, socket }),
    );
  }

  #stopListening(): void {
    for (const socket of this.#sockets) socket.stop(false);
    this.#sockets = [];
  }

  /**
   * Stops listening while the process is out of descriptors. A connection that can't be accepted stays in the kernel's
   * queue and is reported again immediately: the loop would spin, and the client would wait. Without a listening socket, the
   * kernel refuses clients.
   */
  #watchOpenFiles(): void {
    if (this.#emptied !== undefined) return;
    const { log } = this.#options;
    if (this.#sockets.length > 0) {
      if (this.#options.canOpenFiles(1)) return;
      this.#stopListening();
      log("no more files can be opened (`ulimit -n`): new connections are refused for now");
    } else if (this.#options.canOpenFiles(FILES_TO_LISTEN)) {
      try {
        this.#sockets = this.#listen(this.port);
        log("files can be opened again: new connections are accepted");
      } catch (error) {
        this.#logLimit.line("listen", `${String(error)}; trying again`);
      }
    }
  }

  #opened(socket: Bun.Socket<SocketData>): void {
    const connection = new Connection(socket, this.#host);
    socket.data = { connection };
    if (this.#emptied !== undefined) {
      connection.terminate(); // it was accepted just before listening stopped
      return;
    }
    if (this.#connections.size >= this.#options.connectionsMax) {
      this.#refuse(connection);
      return;
    }
    this.#options.metrics.connectionsAccepted++;
    this.#connections.add(connection);
    this.#guests.add(connection, clockMs());
    if (this.#options.requiresLogin) this.#limitGuests();
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
  }

  #limitGuests(): void {
    const connection = this.#guests.excess(this.#options.connectionsMax);
    if (connection === undefined) return;
    this.#options.metrics.connectionFailed("TOO_MANY_CONNECTIONS");
    this.#logLimit.line(
      "too many guests",
      `closed a connection from ${connection.client.endpoint}: half of --max-connections have not logged in, and its address has most of them`,
    );
    connection.terminate();
    this.#removed(connection);
  }

  #refuse(connection: Connection): void {
    const { connectionsMax, metrics } = this.#options;
    metrics.connectionsRefused++;
    // In a flood of connections, descriptors matter more than telling each client.
    if (this.#refused.size >= REFUSED_CONNECTIONS_MAX) {
      connection.terminate();
      return;
    }
    this.#refused.add(connection);
    connection.refuseConnection(
      new RustLogError("TOO_MANY_CONNECTIONS", `connection limit reached (${connectionsMax})`),
    );
  }

  #failed(connection: Connection | undefined, error: Error): void {
    const line = `a connection failed and was closed: ${error.stack ?? error.message}`;
    this.#logLimit.line("connection failed", line);
    connection?.terminate();
  }

  #closed(connection: Connection | undefined): void {
    if (connection === undefined) return;
    connection.closed();
    this.#removed(connection);
  }

  #removed(connection: Connection): void {
    this.#connections.delete(connection);
    this.#refused.delete(connection);
    this.#guests.remove(connection);
    this.#checkEmptied();
  }

  #checkEmptied(): void {
    if (this.#connections.size === 0) this.#emptied?.();
  }

  #sweepGuests(nowMs: number): void {
    const { loginTimeoutMs } = this.#options;
    const message = `the client has not logged in within ${loginTimeoutMs} ms`;
    for (const connection of [...this.#guests.since(nowMs - loginTimeoutMs)]) {
      connection.end(new RustLogError("ILLEGAL_SASL_STATE", message));
    }
  }

  #sweep(): void {
    const nowMs = clockMs();
    const { idleTimeoutMs } = this.#options;
    for (const connection of this.#connections) connection.sweep(nowMs, idleTimeoutMs);
    for (const connection of this.#refused) connection.sweep(nowMs, idleTimeoutMs);
    if (this.#options.requiresLogin) this.#sweepGuests(nowMs);
    this.#watchOpenFiles();
    const givenUp = this.budget.takeGivenUp();
    if (givenUp > 0) {
      this.#logLimit.line(
        "connections given up",
        `${givenUp} connections closed: incomplete requests and unread answers had reached half of --max-inflight-bytes`,
      );
    }
  }
}
