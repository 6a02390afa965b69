// Listening: accepts connections up to a limit, hands their events to them, and closes the idle ones.
// Leaves to others: one connection's state (connection.ts), and what requests mean (the dialects).
//
// Seen of Bun 1.4.5, and relied on here: with `allowHalfOpen` a client's FIN calls `end` and leaves our side
// open, so that requests sent before it are still answered; without, the socket would be closed under them.
// `listener.stop(false)` ends listening and leaves the connections; an error thrown by a callback goes to
// `error`, and the socket stays open.
import { InputCollector } from "../collector.ts";
import { RustLogError } from "../errors.ts";
import { REFUSED_CONNECTIONS_MAX } from "../limits.ts";
import { listenError } from "./address.ts";
import { Connection, type ConnectionHost, type NetMetrics } from "./connection.ts";
import type { Dialect } from "./dialect.ts";
import { type ConnectionLimits, InflightBudget } from "./inflight.ts";
import { LogLimit } from "./log-limit.ts";
import { Turns } from "./turns.ts";

/** Time of silence after which the kernel asks whether a client's machine is still there. */
const KEEP_ALIVE_MS = 60_000;

/** Longest time between two looks for idle connections, in milliseconds. */
const SWEEP_MS_MAX = 1_000;

/** Files that must be free before connections are accepted again. */
const FILES_TO_LISTEN = 16;

/** What sets the address that is listened on. */
const FLAGS = { host: "--host", port: "--port" };

/** What a listener is started with. */
export interface ListenerOptions {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  readonly connectionsMax: number;
  /** Bytes that requests and answers of all connections may keep in memory. */
  readonly inflightBytesMax: number;
  readonly idleTimeoutMs: number;
  readonly limits: ConnectionLimits;
  /** What is spoken on the port; a connection speaks the first of them that knows its first byte. */
  readonly dialects: readonly Dialect[];
  /** Text for an HTTP client that has come to this port. */
  readonly httpHint: string;
  readonly metrics: NetMetrics;
  /** Writes a line to the broker's log. */
  log(line: string): void;
  /** Whether so many more files can be opened. */
  canOpenFiles(count: number): boolean;
}

interface SocketData {
  connection: Connection | undefined;
}

/** A listening socket and its connections. */
export class Listener {
  readonly #options: ListenerOptions;
  /** Undefined while it does not listen, because no more files can be opened. */
  #socket: Bun.TCPSocketListener<SocketData> | undefined;
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
      log: (kind, line) => this.#logLimit.line(kind, line),
    };
    this.#socket = this.#listen(options.port);
    this.port = this.#socket.port;
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
    this.#socket?.stop(false);
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
    this.#socket?.stop(false);
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
    if (this.#socket !== undefined) {
      if (this.#options.canOpenFiles(1)) return;
      this.#socket.stop(false);
      this.#socket = undefined;
      log("no more files can be opened (`ulimit -n`): new connections are refused for now");
    } else if (this.#options.canOpenFiles(FILES_TO_LISTEN)) {
      try {
        this.#socket = this.#listen(this.port);
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
