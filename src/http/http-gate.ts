// The door to the HTTP server: it accepts connections, no more than so many at once, and passes bytes between each and
// the server behind it. `Bun.serve` accepts all that come, until the process has no descriptor left for the clients'
// port. Leaves to others: everything about HTTP (http-server.ts).
//
// What one side can't take yet is kept, and the other side is not read meanwhile, so that the server behind the door
// notices a slow client as if there were no door.

/** How the server behind the door is reached. */
export type Behind =
  { readonly unix: string } | { readonly hostname: string; readonly port: number };

/** What a door is opened with. */
export interface GateOptions {
  readonly hostname: string;
  readonly port: number;
  readonly behind: Behind;
  readonly connectionsMax: number;
}

/** Time for one side to take what is left, and to close, when the other has closed. */
const CLOSING_MS = 5_000;

/** Clients that are told at a time that there are too many, and for how long; others are cut at once. */
const REFUSED_MAX = 16;
const REFUSED_MS = 1_000;

const BUSY = new TextEncoder().encode(
  "HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
);

/** One of the two sockets of a connection. */
interface Side {
  socket: Bun.Socket<Side> | undefined;
  other: Side | undefined;
  /** Bytes that it could not take yet. */
  waiting: Uint8Array[];
  /** Whether it is closed once it has taken them. */
  isEnding: boolean;
  onClosed: () => void;
}

export class HttpGate {
  readonly #options: GateOptions;
  readonly #listener: Bun.TCPSocketListener<Side>;
  readonly #clients = new Set<Side>();
  #refused = 0;

  /** Starts listening; throws the system's error when the address can't be had. */
  constructor(options: GateOptions) {
    this.#options = options;
    this.#listener = Bun.listen<Side>({
      hostname: options.hostname,
      port: options.port,
      // A client may close its side when it has sent its request.
      allowHalfOpen: true,
      socket: { ...PASSING_ON, open: (socket) => this.#opened(socket) },
    });
  }

  /** The port that is listened on. */
  get port(): number {
    return this.#listener.port;
  }

  get connections(): number {
    return this.#clients.size;
  }

  /** Stops listening, and cuts all connections. */
  stop(): void {
    this.#listener.stop(true);
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

  #opened(socket: Bun.Socket<Side>): void {
    const client = sideOf(socket);
    socket.data = client;
    if (this.#clients.size >= this.#options.connectionsMax) {
      this.#refuse(socket);
      return;
    }
    this.#clients.add(client);
    client.onClosed = () => this.#clients.delete(client);
    const server = sideOf(undefined);
    server.other = client;
    client.other = server;
    Bun.connect<Side>({
      ...(this.#options.behind as { hostname: string; port: number }),
      data: server,
      socket: {
        ...PASSING_ON,
        open: (opened) => {
          server.socket = opened;
          if (client.socket === undefined) opened.terminate();
          else flush(server);
        },
      },
      // The server behind the door has stopped.
    }).catch(() => socket.terminate());
  }
}

function sideOf(socket: Bun.Socket<Side> | undefined): Side {
  return { socket, other: undefined, waiting: [], isEnding: false, onClosed: () => {} };
}

/** The listeners of both sides. */
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

/** Writes what waits for a side, and reads from the other one only while nothing does. */
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

/** A side is gone: the other one is closed once it has taken what is left for it. */
function closed(side: Side | undefined): void {
  // One that was refused has no other side.
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
  // A client may still be sending a request that was refused already. Closed at once, it would never see why.
  other.isEnding = true;
  socket.resume();
  setTimeout(() => socket.terminate(), CLOSING_MS).unref();
  flush(other);
}
