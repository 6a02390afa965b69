// The gate in front of the HTTP server. It limits the number of connections and passes bytes between each of them and
// the server. `Bun.serve` alone accepts every connection until the process has no descriptor left for the clients'
// port. Leaves to others: everything about HTTP (http-server.ts).
//
// While one side can't take bytes, they are kept and the other side is not read. So the server notices a slow client as
// if there were no gate.

import { clockMs } from "../clock.js";
import { TurnBudget } from "../log/event-loop.js";
import { plainAddress } from "../net/address.js";
import { Guests } from "../net/guests.js";
import { type AddressFlags, listenOn } from "../net/listen.js";
import { overTls, TlsHandshake } from "../net/tls-handshake.js";
import type { TlsFiles } from "../net/tls-files.js";

/** The address of the server behind the gate. */
export interface Behind {
  readonly hostname: string;
  readonly port: number;
}

interface GateOptions {
  readonly host: string;
  readonly port: number;
  readonly flags: AddressFlags;
  readonly behind: Behind;
  readonly connectionsMax: number;
  /** For HTTPS. */
  readonly tls?: TlsFiles | undefined;
  /** Writes a line to the broker's log, with a rate limit for each kind. */
  log(kind: string, line: string): void;
}

/** After one side has closed, time for the other to take the remaining bytes and close. */
const CLOSING_MS = 5_000;

/** Rejected clients that get a 503 at the same time, and for how long; others are disconnected without one. */
const REFUSED_MAX = 16;
const REFUSED_MS = 1_000;

/**
 * Chunks of clients that are passed on, and connections to the server that are begun, in one turn of the event loop, over all
 * gates: behind each chunk may be a request, and a flood must not hold the loop.
 */
const CHUNKS_PER_TURN = 16;
const chunks = new TurnBudget(CHUNKS_PER_TURN);
const arrivals = new TurnBudget(CHUNKS_PER_TURN);

const BUSY = new TextEncoder().encode(
  "HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
);

interface SilentClient {
  readonly client: { readonly address: string };
  readonly side: Side;
}

/** One of the two sockets of a connection. */
interface Side {
  socket: Bun.Socket<Side> | undefined;
  other: Side | undefined;
  /** Bytes the socket could not take yet. */
  waiting: Uint8Array[];
  /** Close once the waiting bytes are sent. */
  isEnding: boolean;
  onClosed: () => void;
  /** Called with the first bytes of a client. */
  onSpoken: () => void;
  /** Of a client with TLS, until it is over. */
  handshake: TlsHandshake | undefined;
}

export class HttpGate {
  readonly #options: GateOptions;
  readonly #listeners: readonly [Bun.TCPSocketListener<Side>, ...Bun.TCPSocketListener<Side>[]];
  readonly #clients = new Set<Side>();
  /** Clients that have sent nothing yet, also because their TLS handshake is not done. */
  readonly #silent = new Guests<SilentClient>();
  /** Addresses of the clients, by the port from which the gate has connected to the server for each. */
  readonly #addresses = new Map<number, string>();
  #refused = 0;

  /** Starts listening. Throws an error that says what to do if the address is unavailable. */
  constructor(options: GateOptions) {
    this.#options = options;
    // A client may half-close after sending its request.
    const allowHalfOpen = true;
    const { tls } = options;
    const socket: Bun.SocketHandler<Side> =
      tls === undefined
        ? { ...FROM_CLIENT, open: (opened) => this.#opened(opened, sideOf(opened)) }
        : {
            open: (opened) => this.#openedForTls(opened, tls),
            data: (opened, bytes) => this.#receivedForTls(opened, bytes),
          };
    this.#listeners = listenOn(options, (hostname, port) =>
      Bun.listen<Side>({ hostname, port, allowHalfOpen, socket }),
    );
  }

  get port(): number {
    return this.#listeners[0].port;
  }

  get connections(): number {
    return this.#clients.size;
  }

  /** Address of the client whose bytes reach the server from this port; undefined for a connection past the gate. */
  addressOf(port: number): string | undefined {
    return this.#addresses.get(port);
  }

  /** Stops listening and closes all connections. */
  stop(): void {
    for (const listener of this.#listeners) listener.stop(true);
    for (const { other } of this.#clients) other?.socket?.terminate();
  }

  #refuse(socket: Bun.Socket<Side>): void {
    if (this.#refused >= REFUSED_MAX) {
      socket.terminate();
      return;
    }
    this.#refused++;
    socket.write(BUSY);
    socket.shutdown();
    setTimeout(() => {
      this.#refused--;
      socket.terminate();
    }, REFUSED_MS).unref();
  }

  #openedForTls(socket: Bun.Socket<Side>, tls: TlsFiles): void {
    const client = sideOf(undefined);
    client.handshake = new TlsHandshake(clockMs());
    socket.data = client;
    // A handshake that takes too long ends when the server behind closes the connection.
    const secured = overTls(socket, client, tls.optionsForHttp, {
      ...FROM_CLIENT,
      handshake: (opened, isDone) => {
        client.handshake = undefined;
        if (!isDone) opened.terminate();
      },
    });
    client.socket = secured;
    this.#opened(secured, client);
  }

  /** Looks at the bytes that TLS gets. */
  #receivedForTls(socket: Bun.Socket<Side>, bytes: Uint8Array): void {
    const { handshake, socket: secured } = socket.data;
    const fault = handshake?.received(bytes);
    if (fault === undefined) return;
    const why = fault === "plain" ? `it is from a client without TLS; use https://` : fault;
    this.#options.log("TLS", `closed a connection to the HTTP port ${this.port}: ${why}`);
    secured?.terminate();
  }

  #opened(socket: Bun.Socket<Side>, client: Side): void {
    socket.data = client;
    if (this.#clients.size >= this.#options.connectionsMax) {
      this.#refuse(socket);
      return;
    }
    const address = plainAddress(socket.remoteAddress ?? "");
    this.#add(client, address);
    const server = sideOf(undefined);
    server.other = client;
    client.other = server;
    const turn = arrivals.next();
    if (turn === undefined) this.#connect(server, client, address);
    else {
      void turn.then(() => {
        if (client.other === server) this.#connect(server, client, address);
      });
    }
  }

  /** Silent clients get no more than half of the connections, so that they keep no other client out. */
  #add(client: Side, address: string): void {
    const silent = { client: { address }, side: client };
    this.#clients.add(client);
    this.#silent.add(silent, clockMs());
    client.onSpoken = () => {
      this.#silent.remove(silent);
      client.onSpoken = () => {};
    };
    client.onClosed = () => {
      this.#clients.delete(client);
      this.#silent.remove(silent);
    };
    this.#silent.excess(this.#options.connectionsMax)?.side.socket?.terminate();
  }

  #connect(server: Side, client: Side, address: string): void {
    Bun.connect<Side>({
      ...this.#options.behind,
      data: server,
      socket: {
        ...PASSING_ON,
        open: (opened) => {
          server.socket = opened;
          const port = opened.localPort;
          this.#addresses.set(port, address);
          server.onClosed = () => this.#addresses.delete(port);
          if (client.socket === undefined) opened.terminate();
          else flush(server);
        },
      },
      // The server behind the gate has stopped.
    }).catch(() => client.socket?.terminate());
  }
}

function sideOf(socket: Bun.Socket<Side> | undefined): Side {
  return {
    ...{ socket, other: undefined, waiting: [], isEnding: false },
    ...{ onClosed: () => {}, onSpoken: () => {}, handshake: undefined },
  };
}

/** The socket handlers of both sides. */
const PASSING_ON = {
  data: ({ data: side }: Bun.Socket<Side>, bytes: Uint8Array): void => {
    const { other } = side;
    if (other === undefined) return;
    other.waiting.push(bytes);
    flush(other);
  },
  end: ({ data: { other } }: Bun.Socket<Side>): void => {
    if (other === undefined) return;
    other.isEnding = true;
    flush(other);
  },
  drain: ({ data: side }: Bun.Socket<Side>): void => flush(side),
  error: (socket: Bun.Socket<Side>): void => {
    socket.terminate();
  },
  close: ({ data: side }: Bun.Socket<Side>): void => closed(side),
};

/** Those of the client's side. While its chunk waits for a turn, it is not read. */
const FROM_CLIENT = {
  ...PASSING_ON,
  data: (socket: Bun.Socket<Side>, bytes: Uint8Array): void => {
    const { other } = socket.data;
    if (other === undefined) return;
    socket.data.onSpoken();
    other.waiting.push(bytes);
    if (other.socket === undefined) {
      socket.pause(); // until there is a connection to the server
      return;
    }
    const turn = chunks.next();
    if (turn === undefined) {
      flush(other);
      return;
    }
    socket.pause();
    void turn.then(() => flush(other));
  },
};

/** Writes the waiting bytes of a side, and reads from the other side only once there are none. */
function flush(side: Side): void {
  const { socket, waiting, other } = side;
  if (socket === undefined) return;
  for (let bytes = waiting[0]; bytes !== undefined; bytes = waiting[0]) {
    const written = Math.max(0, socket.write(bytes));
    if (written < bytes.length) {
      waiting[0] = bytes.subarray(written);
      other?.socket?.pause();
      return;
    }
    waiting.shift();
  }
  if (side.isEnding) socket.shutdown();
  else other?.socket?.resume();
}

/** One side has closed: closes the other after it has taken the remaining bytes. */
function closed(side: Side | undefined): void {
  // A rejected connection has no other side.
  if (side === undefined) return;
  side.socket = undefined;
  side.waiting = [];
  side.onClosed();
  const { other } = side;
  side.other = undefined;
  if (other === undefined) return;
  other.other = undefined;
  const { socket } = other;
  if (socket === undefined) return;
  // The client may still be sending a request that was already answered. Closed immediately, it might never see the
  // answer.
  other.isEnding = true;
  socket.resume();
  setTimeout(() => socket.terminate(), CLOSING_MS).unref();
  flush(other);
}
