// Listening: accepts connections up to a limit, hands their events to them, and closes the idle ones.
// Leaves to others: one connection's state (connection.ts), and what requests mean (handlers/).
//
// Seen of Bun 1.4.5, and relied on here: with `allowHalfOpen` a client's FIN calls `end` and leaves our side
// open, so that requests sent before it are still answered; without, the socket would be closed under them.
// `listener.stop(false)` ends listening and leaves the connections; an error thrown by a callback goes to
// `error`, and the socket stays open.
import { RustLogError } from "../errors.ts";
import { REFUSED_CONNECTIONS_MAX } from "../limits.ts";
import type { RequestHeader } from "../protocol/native/messages.ts";
import type { Tail } from "../record/bytes.ts";
import { listenError } from "./address.ts";
import { InputCollector } from "./collector.ts";
import { Connection } from "./connection.ts";
import type { ConnectionHost, ConnectionLimits } from "./connection-host.ts";
import type { Exchange } from "./exchange.ts";
import { InflightBudget } from "./inflight-budget.ts";
import { LogLimit } from "./log-limit.ts";
import type { BrokerMetrics } from "./metrics.ts";
import { canOpenFiles } from "./open-files.ts";
import { Turns } from "./turns.ts";

/** Time of silence after which the kernel asks whether a client's machine is still there. */
const KEEP_ALIVE_MS = 60_000;

/** Longest time between two looks for idle connections, in milliseconds. */
const SWEEP_MS_MAX = 1_000;

/** Files that must be free before connections are accepted again. */
const FILES_TO_LISTEN = 16;

/** What sets the address that is listened on. */
const FLAGS = { host: "--host", port: "--port" };

/** What a server is started with. */
export interface ServerOptions {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  readonly connectionsMax: number;
  /** Bytes that requests and answers of all connections may keep in memory. */
  readonly inflightBytesMax: number;
  readonly idleTimeoutMs: number;
  readonly limits: ConnectionLimits;
  /** Where what happens is counted. */
  readonly metrics: BrokerMetrics;
  /** Handles a request, answering through the exchange. */
  dispatch(exchange: Exchange, header: RequestHeader, payload: Uint8Array, tail: Tail): void;
  /** Writes a line to the broker's log. */
  log(line: string): void;
  /** Whether so many more files can be opened; asks the system unless given. */
  canOpenFiles?(count: number): boolean;
}

interface SocketData {
  connection: Connection | undefined;
}

/** A listening socket and its connections. */
export class Server {
  readonly #options: ServerOptions;
  /** Undefined while it does not listen, because no more files can be opened. */
  #listener: Bun.TCPSocketListener<SocketData> | undefined;
  readonly #host: ConnectionHost;
  readonly #logLimit: LogLimit;
  /** The port that is listened on. */
  readonly port: number;
  /** What all connections have in flight. */
  readonly budget: InflightBudget;
  readonly #collector = new InputCollector();
  readonly #connections = new Set<Connection>();
  /** Those over the limit: they are told so and do not count. */
  readonly #refused = new Set<Connection>();
  readonly #sweeper: Timer;
  #emptied: (() => void) | undefined;

  /** Starts listening. Throws an error that says what to do when the address can't be had. */
  constructor(options: ServerOptions) {
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
      dispatch: options.dispatch,
      log: (kind, line) => this.#logLimit.line(kind, line),
    };
    this.#listener = this.#listen(options.port);
    this.port = this.#listener.port;
    const sweepMs = Math.max(1, Math.min(SWEEP_MS_MAX, options.idleTimeoutMs / 4));
    this.#sweeper = setInterval(() => this.#sweep(), sweepMs);
  }

  get connections(): ReadonlySet<Connection> {
    return this.#connections;
  }

  /**
   * Accepts no more, answers what is in flight, refuses what comes meanwhile, and closes all connections;
   * those that are not done after `graceMs` are cut. Resolves when none is left.
   */
  async stop(graceMs: number): Promise<void> {
    this.#listener?.stop(false);
    const emptied = new Promise<void>((resolve) => {
      this.#emptied = resolve;
    });
    for (const connection of [...this.#connections]) connection.stop();
    this.#checkEmptied();
    const grace = setTimeout(() => this.terminate(), graceMs);
    await emptied;
    clearTimeout(grace);
    this.terminate(); // nothing is left but clients that were refused
  }

  /** Stops listening and cuts every connection at once, answering nothing more. */
  terminate(): void {
    this.#listener?.stop(false);
    clearInterval(this.#sweeper);
    for (const connection of [...this.#connections, ...this.#refused]) {
      connection.terminate();
      this.#removed(connection);
    }
    this.#logLimit.close();
  }

  #listen(port: number): Bun.TCPSocketListener<SocketData> {
    const { host } = this.#options;
    try {
      return Bun.listen<SocketData>({
        hostname: host,
        port,
        allowHalfOpen: true,
        socket: {
          open: (socket) => this.#opened(socket),
          data: (socket, chunk) => {
            socket.data.connection?.received(chunk);
            this.#collector.received(chunk.length);
          },
          drain: (socket) => socket.data.connection?.drained(),
          end: (socket) => socket.data.connection?.inputEnded(),
          close: (socket) => this.#closed(socket.data.connection),
          error: (socket, error) => this.#failed(socket.data.connection, error),
        },
      });
    } catch (error) {
      throw listenError(host, port, FLAGS, error);
    }
  }

  /**
   * A connection that can't be accepted for lack of a descriptor stays in the queue of the kernel, which reports it again
   * at once: the loop would spin, and the client would wait for an answer. So nothing is listened on meanwhile, and
   * clients are refused by the kernel.
   */
  #watchOpenFiles(): void {
    if (this.#emptied !== undefined) return;
    const { log } = this.#options;
    const mayOpen = this.#options.canOpenFiles ?? canOpenFiles;
    if (this.#listener !== undefined) {
      if (mayOpen(1)) return;
      this.#listener.stop(false);
      this.#listener = undefined;
      log("no more files can be opened (`ulimit -n`): new connections are refused for now");
    } else if (mayOpen(FILES_TO_LISTEN)) {
      try {
        this.#listener = this.#listen(this.port);
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
      connection.terminate(); // it came between the last look for clients and the end of listening
      return;
    }
    if (this.#connections.size >= this.#options.connectionsMax) {
      this.#refuse(connection);
      return;
    }
    this.#options.metrics.connectionsAccepted++;
    this.#connections.add(connection);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
  }

  #refuse(connection: Connection): void {
    const { connectionsMax, metrics } = this.#options;
    metrics.connectionsRefused++;
    // Told in good order while there are few; in a flood of them, descriptors matter more than words.
    if (this.#refused.size >= REFUSED_CONNECTIONS_MAX) {
      connection.terminate();
      return;
    }
    this.#refused.add(connection);
    connection.refuseConnection(
      new RustLogError(
        "TOO_MANY_CONNECTIONS",
        `the broker serves ${connectionsMax} connections at most, and has them`,
      ),
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
    this.#checkEmptied();
  }

  #checkEmptied(): void {
    if (this.#connections.size === 0) this.#emptied?.();
  }

  #sweep(): void {
    const nowMs = performance.now();
    const { idleTimeoutMs } = this.#options;
    for (const connection of this.#connections) connection.sweep(nowMs, idleTimeoutMs);
    for (const connection of this.#refused) connection.sweep(nowMs, idleTimeoutMs);
    this.#watchOpenFiles();
    const givenUp = this.budget.takeGivenUp();
    if (givenUp > 0) {
      this.#logLimit.line(
        "connections given up",
        `${givenUp} connections closed: unfinished requests and untaken answers had reached half of --max-inflight-bytes`,
      );
    }
  }
}
