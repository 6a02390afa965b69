// A TCP proxy that closes connections at random, so that a client can't know whether its request was handled.
// Leaves to others: the protocol.
import type { Socket } from "bun";
import type { Random } from "./random.js";

interface Ends {
  peer: Socket<Ends> | undefined;
  waiting: Uint8Array[];
}

/** A proxy to a local port. */
export interface CuttingProxy extends Disposable {
  readonly address: string;
  /** Number of connections closed so far. */
  readonly cuts: number;
  /** Stops closing connections. */
  heal(): void;
}

/**
 * Listens on a free port and forwards bytes to `port`. Each chunk that comes back is dropped with probability
 * `cutChance`, and both sides are then closed.
 */
export function cuttingProxy(port: number, cutChance: number, random: Random): CuttingProxy {
  let cuts = 0;
  let chance = cutChance;
  const send = (socket: Socket<Ends>): void => {
    const { waiting } = socket.data;
    for (let chunk = waiting[0]; chunk !== undefined; chunk = waiting[0]) {
      const taken = socket.write(chunk);
      if (taken < chunk.length) {
        waiting[0] = chunk.subarray(Math.max(0, taken));
        return;
      }
      waiting.shift();
    }
  };
  const pass = (to: Socket<Ends> | undefined, chunk: Uint8Array): void => {
    if (to === undefined) return;
    to.data.waiting.push(chunk);
    send(to);
  };
  const listener = Bun.listen<Ends>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(client) {
        client.data = { peer: undefined, waiting: [] };
        const early: Uint8Array[] = [];
        client.data.waiting = [];
        void Bun.connect<Ends>({
          hostname: "127.0.0.1",
          port,
          data: { peer: client, waiting: early },
          socket: {
            open(broker) {
              broker.data.waiting.push(...held(client));
              client.data.peer = broker;
              send(broker);
            },
            data(broker, chunk) {
              if (random.chance(chance)) {
                cuts++;
                broker.terminate();
                client.terminate();
              } else pass(broker.data.peer, chunk);
            },
            drain: send,
            close() {
              client.end();
            },
          },
        }).catch(() => client.terminate());
      },
      data(client, chunk) {
        if (client.data.peer === undefined) held(client).push(chunk);
        else pass(client.data.peer, chunk);
      },
      drain: send,
      close(client) {
        client.data.peer?.end();
      },
    },
  });
  const beforePeer = new WeakMap<Socket<Ends>, Uint8Array[]>();
  function held(client: Socket<Ends>): Uint8Array[] {
    const chunks = beforePeer.get(client) ?? [];
    beforePeer.set(client, chunks);
    return chunks;
  }
  return {
    address: `127.0.0.1:${listener.port}`,
    get cuts() {
      return cuts;
    },
    heal() {
      chance = 0;
    },
    [Symbol.dispose]: () => listener.stop(true),
  };
}
