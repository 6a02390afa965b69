// A TCP proxy that notes when each connection was opened and closed, on the clock of Date.now(): what a broker does to clients in other
// languages is seen from outside of them. Leaves to others: expectations.
import type { Socket } from "bun";

interface WatchedConnection {
  readonly openedAtMs: number;
  closedAtMs?: number;
}

interface Ends {
  readonly connection: WatchedConnection;
  peer: Socket<Ends> | undefined;
  readonly waiting: Uint8Array[];
}

export class WatchingProxy implements Disposable {
  readonly connections: WatchedConnection[] = [];
  readonly #listener: Bun.TCPSocketListener<Ends>;
  /** The port to forward to. */
  target = 0;

  constructor() {
    this.#listener = Bun.listen<Ends>({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        open: (client) => this.#opened(client),
        data: (client, chunk) => {
          // Before there is a connection to the broker, it waits where that begins.
          if (client.data.peer === undefined) this.#early(client).push(chunk.slice());
          else pass(client.data.peer, chunk);
        },
        drain: send,
        close: (client) => {
          client.data.connection.closedAtMs ??= Date.now();
          client.data.peer?.end();
        },
      },
    });
  }

  get address(): string {
    return `127.0.0.1:${this.#listener.port}`;
  }

  readonly #earlyChunks = new WeakMap<Socket<Ends>, Uint8Array[]>();

  #early(client: Socket<Ends>): Uint8Array[] {
    const chunks = this.#earlyChunks.get(client) ?? [];
    this.#earlyChunks.set(client, chunks);
    return chunks;
  }

  #opened(client: Socket<Ends>): void {
    const connection: WatchedConnection = { openedAtMs: Date.now() };
    this.connections.push(connection);
    client.data = { connection, peer: undefined, waiting: [] };
    void Bun.connect<Ends>({
      hostname: "127.0.0.1",
      port: this.target,
      data: { connection, peer: client, waiting: this.#early(client) },
      socket: {
        open: (broker) => {
          client.data.peer = broker;
          send(broker);
        },
        data: (broker, chunk) => pass(broker.data.peer, chunk),
        drain: send,
        close: () => {
          connection.closedAtMs ??= Date.now();
          client.end();
        },
      },
    }).catch(() => client.terminate());
  }

  [Symbol.dispose](): void {
    this.#listener.stop(true);
  }
}

function pass(to: Socket<Ends> | undefined, chunk: Uint8Array): void {
  if (to === undefined) return;
  to.data.waiting.push(chunk);
  send(to);
}

function send(socket: Socket<Ends>): void {
  const { waiting } = socket.data;
  for (let chunk = waiting[0]; chunk !== undefined; chunk = waiting[0]) {
    const taken = socket.write(chunk);
    if (taken < chunk.length) {
      waiting[0] = chunk.subarray(Math.max(0, taken));
      return;
    }
    waiting.shift();
  }
}
