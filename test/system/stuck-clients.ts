// Clients that cost memory: half-sent frames, answers that are never read, silence.
// Leaves to others: how much they may cost (hostile.test.ts, test/clients.ts).
import { Fetch } from "../../src/protocol/native/fetch.js";
import { batchOf, Session } from "../support/broker.js";
import { RawClient } from "../support/raw-client.js";
import { framed } from "./hostile-input.js";
import { DescribeTopic } from "../../src/protocol/native/topics.js";
import { concat } from "../support/bytes.js";

/** Connections; disposing closes all of them. */
export class StuckClients implements Disposable {
  readonly clients: RawClient[] = [];

  private constructor(clients: RawClient[]) {
    this.clients = clients;
  }

  /** Connects `count` clients, a few at a time, and calls `begin` with each. */
  static async connect(
    port: number,
    count: number,
    begin: (client: RawClient) => void,
  ): Promise<StuckClients> {
    const stuck = new StuckClients([]);
    while (stuck.clients.length < count) {
      const more = Math.min(100, count - stuck.clients.length);
      const connecting = Array.from({ length: more }, () => RawClient.connect(port));
      const connected = await Promise.all(connecting);
      stuck.clients.push(...connected);
      connected.forEach(begin);
    }
    return stuck;
  }

  /** The clients that the broker has disconnected. */
  get ended(): number {
    return this.clients.filter((client) => client.ended).length;
  }

  /** Resolves when each of them has sent everything, or was disconnected by the broker. */
  async settled(): Promise<void> {
    while (this.clients.some((client) => !client.ended && client.unsentBytes > 0)) {
      await Bun.sleep(2);
    }
  }

  [Symbol.dispose](): void {
    for (const client of this.clients) client[Symbol.dispose]();
  }
}

/** Each sends `bytes` of a frame that states `frameBytes`, and nothing more. */
export function holdHalfFrames(
  port: number,
  count: number,
  frameBytes: number,
  bytes: number,
): Promise<StuckClients> {
  const half = framed(frameBytes, new Uint8Array(bytes).fill(1));
  return StuckClients.connect(port, count, (client) => client.send(half));
}

/** Creates `topic`, with about `mebibytes` in its partition 0. */
export async function fillTopic(port: number, topic: string, mebibytes: number): Promise<void> {
  using session = await Session.connect(port);
  const batch = batchOf("v".repeat(1024 * 1024 - 100));
  for (let i = 0; i < mebibytes; i++) await session.produce(topic, 0, batch);
}

/** Each fetches 8 MiB of a filled topic `fetches` times, and reads no response. */
export function neverReadFetches(
  port: number,
  count: number,
  topic: string,
  fetches: number,
): Promise<StuckClients> {
  const range = { group: "", topic, partition: 0, offset: 0, minBytes: 1, maxWaitMs: 0 };
  const requests = concat(
    Array.from({ length: fetches }, (_, i) =>
      Fetch.encodeRequest(i + 1, { ...range, maxBytes: 8 * 1024 * 1024 }),
    ),
  );
  return StuckClients.connect(port, count, (client) => {
    client.pause();
    client.send(requests);
  });
}

/** Each requests a description, which is built in memory, `requests` times, and reads no response. */
export function neverReadDescriptions(
  port: number,
  count: number,
  topic: string,
  requests: number,
): Promise<StuckClients> {
  const frames = concat(
    Array.from({ length: requests }, (_, i) =>
      DescribeTopic.encodeRequest(i + 1, { topic, createIfMissing: false }),
    ),
  );
  return StuckClients.connect(port, count, (client) => {
    client.pause();
    client.send(frames);
  });
}
