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
import { freeChunk } from "./chunks.js";
import { Connection, type ConnectionHost, type NetMetrics } from "./connection.js";
import type { Dialect } from "./dialect.js";
import { Guests } from "./guests.js";
import { type ConnectionLimits, InflightBudget } from "./inflight.js";
import { type AddressFlags, listenOn } from "./listen.js";
import { LogLimit } from "./log-limit.js";
import {
  clientCertificate,
  handshakeFault,
  overTls,
  TlsHandshake,
  type TlsSocket,
} from "./tls-handshake.js";
import type { TlsFiles } from "./tls-files.js";
import { Mutes } from "./mutes.js";
import { Tally } from "./tally.js";
import { Turns } from "./turns.js";

/** Silence after which the kernel probes whether the client's machine is still reachable. */
const KEEP_ALIVE_MS = 60_000;

/** Longest time between two checks for idle connections, in milliseconds. */
const SWEEP_MS_MAX = 500;

/** Time between a change of users and the check whose login has ended, in milliseconds. Several changes are checked at once. */
const LOGIN_CHECK_MS = 50;

/** Files that must be free before connections are accepted again. */
const FILES_TO_LISTEN = 16;

/** An address to listen on. */
export interface Endpoint {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  /** For a port with TLS. */
  readonly tls?: TlsFiles | undefined;
  /** The address that clients are told to use, instead of the one that they used. */
  readonly advertise?: HostAndPort | undefined;
  readonly flags: AddressFlags;
}

export interface ListenerOptions {
  readonly endpoints: readonly [Endpoint, ...Endpoint[]];
  readonly connectionsMax: number;
  /** Connections from one address, and of one user who has logged in; no limit by default. */
  readonly connectionsPerIpMax?: number;
  readonly connectionsPerUserMax?: number;
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
  /** Why a new connection from an address is refused; undefined if it is not. */
  refusalOf?(address: string): RustLogError | undefined;
  /** Whether the process can open `count` more files. */
  canOpenFiles(count: number): boolean;
}

interface SocketData {
  connection: Connection | undefined;
  /** Of a connection to a port with TLS, until it is over. */
  handshake: TlsHandshake | undefined;
}

/** An endpoint and its port, once it is known. */
interface Open extends Endpoint {
  readonly connections: ConnectionHost;
}

type ListeningSocket = Bun.TCPSocketListener<SocketData>;

export class Listener {
  readonly #options: ListenerOptions;
  readonly #endpoints: readonly [Open, ...Open[]];
  /** One per address; none while the process cannot open more files. */
  #sockets: readonly ListeningSocket[] = [];
  readonly #logLimit: LogLimit;
  readonly budget: InflightBudget;
  readonly #collector = new InputCollector();
  readonly #connections = new Set<Connection>();
  /** Connections over the limit, which get an error and do not count. */
  readonly #refused = new Set<Connection>();
  readonly #guests = new Guests<Connection>();
  /** Connections in their TLS handshake, the oldest first. */
  readonly #handshakes = new Map<Connection, TlsHandshake>();
  readonly #perIp = new Tally<Connection>();
  readonly #perUser = new Tally<Connection>();
  readonly #mutes = new Mutes<Connection>({
    nowMs: clockMs,
    after: (ms, call) => {
      const timer = setTimeout(call, ms);
      return () => clearTimeout(timer);
    },
  });
  readonly #sweeper: Timer;
  #loginCheck: Timer | undefined;
  #emptied: (() => void) | undefined;

  /** Starts listening. Throws an error that says what to do if the address is not available. */
  constructor(options: ListenerOptions) {
    this.#options = options;
    this.budget = new InflightBudget(options.inflightBytesMax);
    this.#logLimit = new LogLimit(options.log);
    const turns = new Turns({ mayBeginBulk: () => this.budget.mayBeginBulk });
    this.budget.onBulkMayBegin = () => turns.bulkMayBegin();
    const common = {
      limits: options.limits,
      budget: this.budget,
      turns,
      metrics: options.metrics,
      dialects: options.dialects,
      httpHint: options.httpHint,
      tlsHint: () => this.#hint(true),
      becameKnown: (connection: Connection) => this.#becameKnown(connection),
      mutes: this.#mutes,
      inputFreed: (bytes: number) => this.#collector.freed(bytes),
      log: (kind: string, line: string) => this.#logLimit.line(kind, line),
    };
    const [first, ...others] = options.endpoints.map((endpoint) => ({
      ...endpoint,
      connections: {
        ...common,
        advertise: endpoint.advertise,
        isTls: endpoint.tls !== undefined,
      },
    }));
    this.#endpoints = this.#listenOnAll([first!, ...others]);
    const sweepMs = Math.max(
      1,
      Math.min(SWEEP_MS_MAX, options.idleTimeoutMs / 4, options.loginTimeoutMs / 4),
    );
    this.#sweeper = setInterval(() => this.#sweep(), sweepMs);
  }

  /** The first port. */
  get port(): number {
    return this.#endpoints[0].port;
  }

  /** Where it listens, with the ports that were free where any was asked for. */
  get endpoints(): readonly Endpoint[] {
    return this.#endpoints;
  }

  get connections(): ReadonlySet<Connection> {
    return this.#connections;
  }

  /** How many there may be. */
  get connectionsMax(): number {
    return this.#options.connectionsMax;
  }

  /** Number of connections that are not read, because their clients have used more than their quotas. */
  get muted(): number {
    return this.#mutes.size;
  }

  /** Reads muted connections again. */
  unmuteAll(): void {
    this.#mutes.endAll();
  }

  /** Closes the connections whose logins have ended, soon. */
  checkLogins(): void {
    this.#loginCheck ??= setTimeout(() => {
      this.#loginCheck = undefined;
      this.#sweepConnections(clockMs());
    }, LOGIN_CHECK_MS);
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
    const shaking = [...this.#handshakes.keys()];
    this.#handshakes.clear();
    for (const connection of shaking) connection.terminate();
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
    clearTimeout(this.#loginCheck);
    this.#handshakes.clear();
    this.#mutes.close();
    for (const connection of [...this.#connections, ...this.#refused]) {
      connection.terminate();
      this.#removed(connection);
    }
    this.#logLimit.close();
  }

  /** Listens on all endpoints or on none. Returns them with their ports. */
  #listenOnAll(endpoints: readonly [Open, ...Open[]]): readonly [Open, ...Open[]] {
    const sockets: ListeningSocket[] = [];
    try {
      const [first, ...others] = endpoints.map((endpoint) => {
        const opened = this.#listen(endpoint);
        sockets.push(...opened);
        return { ...endpoint, port: opened[0].port };
      });
      this.#sockets = sockets;
      return [first!, ...others];
    } catch (error) {
      for (const socket of sockets) socket.stop(true);
      throw error;
    }
  }

  #listen(endpoint: Open): ReturnType<typeof listenOn<ListeningSocket>> {
    const { tls } = endpoint;
    const handler: Bun.SocketHandler<SocketData> = {
      data: ({ data }, chunk) => {
        data.connection?.received(chunk);
        this.#collector.received(chunk.length);
      },
      drain: ({ data }) => data.connection?.drained(),
      end: ({ data }) => data.connection?.inputEnded(),
      close: ({ data }) => this.#closed(data.connection),
      error: ({ data }, error) => this.#failed(data.connection, error),
    };
    const accepting: Bun.SocketHandler<SocketData> =
      tls === undefined
        ? { ...handler, open: (socket) => this.#opened(socket, endpoint) }
        : {
            open: (socket) => this.#openedForTls(socket, endpoint, tls, handler),
            data: (socket, chunk) => this.#receivedForTls(socket, chunk),
            error: ({ data }, error) => this.#failed(data.connection, error),
          };
    return listenOn(endpoint, (hostname, port) =>
      Bun.listen<SocketData>({ hostname, port, allowHalfOpen: true, socket: accepting }),
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
        this.#listenOnAll(this.#endpoints);
        log("files can be opened again: new connections are accepted");
      } catch (error) {
        this.#logLimit.line("listen", `${String(error)}; trying again`);
      }
    }
  }

  #openedForTls(
    socket: Bun.Socket<SocketData>,
    endpoint: Open,
    tls: TlsFiles,
    handler: Bun.SocketHandler<SocketData>,
  ): void {
    const data: SocketData = { connection: undefined, handshake: new TlsHandshake(clockMs()) };
    socket.data = data;
    const secured = overTls(socket, data, tls.options, {
      ...handler,
      handshake: (opened, isDone, error) => this.#shookHands(opened, tls, isDone, error),
    });
    this.#opened(secured, endpoint, data);
  }

  /** Looks at the bytes that TLS gets. */
  #receivedForTls({ data }: Bun.Socket<SocketData>, chunk: Uint8Array): void {
    const { connection, handshake } = data;
    const fault = handshake?.received(chunk);
    this.#collector.received(chunk.length - freeChunk(chunk));
    if (connection === undefined || fault === undefined) return;
    this.#failHandshake(connection, fault === "plain" ? this.#plainClient(connection) : fault);
  }

  #plainClient(connection: Connection): string {
    return `it is from a client without TLS on port ${connection.localPort}, which uses TLS; ${this.#hint(false)}`;
  }

  /** Which port a client has to use instead. */
  #hint(isForTls: boolean): string {
    const ports = this.#endpoints.filter(({ tls }) => (tls !== undefined) === isForTls);
    const kind = isForTls ? "with TLS" : "without TLS";
    if (ports.length === 0) return `there is no port ${kind}`;
    return `clients ${kind} use port ${ports.map(({ port }) => port).join(" or ")}`;
  }

  #shookHands(
    socket: TlsSocket<SocketData>,
    tls: TlsFiles,
    isDone: boolean,
    error: Error | null,
  ): void {
    const { connection } = socket.data;
    if (connection === undefined || !this.#handshakes.has(connection)) return;
    const certificate = isDone ? clientCertificate(socket) : undefined;
    if (!isDone) {
      this.#noteFailedHandshake(connection, handshakeFault(error));
    } else if (certificate !== undefined && !socket.authorized) {
      this.#failHandshake(connection, `its certificate is refused: ${handshakeFault(error)}`);
    } else {
      socket.data.handshake = undefined;
      this.#handshakes.delete(connection);
      const name = socket.getServername() || tls.nameFor(connection.localAddress);
      connection.secured(certificate, name);
    }
  }

  /** Closes a connection that has not got as far as TLS. */
  #failHandshake(connection: Connection, reason: string): void {
    this.#noteFailedHandshake(connection, reason);
    connection.terminate();
    this.#removed(connection);
  }

  #noteFailedHandshake(connection: Connection, reason: string): void {
    const isSilent = this.#handshakes.get(connection)?.isSilent === true;
    this.#handshakes.delete(connection);
    if (isSilent) return;
    this.#options.metrics.connectionFailed("INVALID_REQUEST");
    const line = `closed a connection from ${connection.client.endpoint} before its TLS handshake was done: ${reason}`;
    this.#logLimit.line("TLS handshake", line);
  }

  #opened(
    socket: Bun.Socket<SocketData>,
    { connections }: Open,
    data: SocketData = { connection: undefined, handshake: undefined },
  ): void {
    const connection = new Connection(socket, connections);
    data.connection = connection;
    socket.data = data;
    if (this.#emptied !== undefined) {
      connection.terminate(); // it was accepted just before listening stopped
      return;
    }
    const refusal = this.#refusalOf(connection.client.address);
    if (refusal !== undefined) {
      this.#refuse(connection, refusal, data.handshake !== undefined);
      return;
    }
    if (data.handshake !== undefined) this.#handshakes.set(connection, data.handshake);
    this.#perIp.add(connection.client.address, connection);
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

  #refusalOf(address: string): RustLogError | undefined {
    const { connectionsMax, connectionsPerIpMax = Number.POSITIVE_INFINITY } = this.#options;
    if (this.#connections.size >= connectionsMax) {
      return tooMany(`connection limit reached (${connectionsMax})`);
    }
    if (this.#perIp.count(address) >= connectionsPerIpMax) {
      return tooMany(`connection limit of ${address} reached (${connectionsPerIpMax})`);
    }
    return this.#options.refusalOf?.(address);
  }

  #becameKnown(connection: Connection): void {
    this.#guests.remove(connection);
    const { user } = connection;
    if (user === undefined || !this.#connections.has(connection)) return;
    const { connectionsPerUserMax = Number.POSITIVE_INFINITY } = this.#options;
    if (this.#perUser.count(user) < connectionsPerUserMax) this.#perUser.add(user, connection);
    else {
      connection.fail(
        tooMany(`connection limit of user '${user}' reached (${connectionsPerUserMax})`),
      );
    }
  }

  #refuse(connection: Connection, refusal: RustLogError, isForTls: boolean): void {
    const { metrics } = this.#options;
    metrics.connectionsRefused++;
    // In a flood of connections, descriptors matter more than telling each client, and so does the work of a handshake.
    if (isForTls || this.#refused.size >= REFUSED_CONNECTIONS_MAX) {
      connection.terminate();
      return;
    }
    this.#refused.add(connection);
    connection.refuseConnection(refusal);
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
    this.#handshakes.delete(connection);
    this.#perIp.remove(connection);
    this.#perUser.remove(connection);
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

  #sweepHandshakes(nowMs: number): void {
    for (const [connection, handshake] of [...this.#handshakes]) {
      if (!handshake.isLate(nowMs)) break;
      this.#failHandshake(connection, "it took too long");
    }
  }

  #sweepConnections(nowMs: number): void {
    const { idleTimeoutMs } = this.#options;
    for (const connection of this.#connections) connection.sweep(nowMs, idleTimeoutMs);
  }

  #sweep(): void {
    const nowMs = clockMs();
    const { idleTimeoutMs } = this.#options;
    this.#sweepConnections(nowMs);
    for (const connection of this.#refused) connection.sweep(nowMs, idleTimeoutMs);
    if (this.#options.requiresLogin) this.#sweepGuests(nowMs);
    this.#sweepHandshakes(nowMs);
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

function tooMany(message: string): RustLogError {
  return new RustLogError("TOO_MANY_CONNECTIONS", message);
}
