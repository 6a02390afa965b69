// Which of many clients has the most traffic, on connections and a clock of the test.
// Leaves to others: real connections (connections.test.ts).
import { expect, test } from "bun:test";
import type { ClientConnection } from "../../../src/broker/broker.js";
import type { Visitor } from "../../../src/http/api/access.js";
import { ConnectionRates } from "../../../src/http/api/connection-rates.js";
import { connectionRoutes } from "../../../src/http/api/connections.js";
import { RecentTopics } from "../../../src/net/client.js";
import type { ConnectionsState } from "../../../src/http/page/connections/connection-wire.js";

const VISITOR = { context: { caller: { may: () => true } } } as unknown as Visitor;

/** A connection with the traffic of a second. */
interface Traffic {
  readonly host: string;
  readonly id?: string;
  readonly received: number;
  readonly sent?: number;
}

const peer = (serial: number) => ({
  ...{ serial, sinceMs: serial, writes: new RecentTopics(), reads: new RecentTopics() },
});

/** What a page gets after a second in which the connections had this traffic. */
async function stateAfter(traffic: readonly Traffic[], query = ""): Promise<ConnectionsState> {
  const clients = traffic.map(({ host, id }, serial) => ({
    ...{ protocol: "kafka", user: undefined, isTls: false, isGone: false },
    ...{ receivedBytes: 0, sentBytes: 0 },
    client: { ...peer(serial), endpoint: `${host}:${serial}`, address: host, id },
    inflight: { bytes: 0, unanswered: 0, waits: 0, isMuted: false, mutedMs: () => 0 },
  }));
  let nowMs = 10_000;
  const broker = { clients: clients as unknown as Iterable<ClientConnection> };
  const rates = new ConnectionRates(
    () => broker.clients,
    () => nowMs,
  );
  const get = connectionRoutes(broker, rates)["/api/connections"]?.GET as unknown as (
    request: Request,
    visitor: Visitor,
  ) => Promise<Response>;
  const ask = async () => (await get(new Request(`http://x/?${query}`), VISITOR)).json();
  expect(await ask()).toMatchObject({ spanMs: 0, receivedRate: 0, busiest: null });
  nowMs += 1_000;
  for (const [i, { received, sent = 0 }] of traffic.entries()) {
    const client = clients[i]!;
    client.receivedBytes = received;
    client.sentBytes = sent;
  }
  return (await ask()) as ConnectionsState;
}

test("the connections with the most traffic come first, however old they are", async () => {
  // In an order that is neither that of the rates nor of the ages.
  const traffic = Array.from({ length: 700 }, (_, i) => ({
    ...{ host: "10.0.0.1", id: `client-${i}`, received: (i * 271) % 701, sent: i % 3 },
  }));
  const state = await stateAfter(traffic);
  const sorted = traffic
    .toSorted((a, b) => b.received + b.sent - a.received - a.sent)
    .map(({ received, sent }) => received + sent);
  const shown = state.connections.map(({ receivedRate, sentRate }) => receivedRate + sentRate);
  expect(shown).toEqual(sorted.slice(0, 100));
  expect([state.matching, state.hasMore]).toEqual([700, true]);
  const total = sorted.reduce((sum, rate) => sum + rate, 0);
  expect(state.receivedRate + state.sentRate).toBe(total);
});

test("a client that floods the broker over many connections is named, also beside a filter", async () => {
  const many = Array.from({ length: 50 }, () => ({ host: "10.0.0.2", id: "flood", received: 90 }));
  const one = { host: "10.0.0.3", id: "single", received: 1_000, sent: 500 };
  const state = await stateAfter([one, ...many], "filter=single");
  expect(state.connections.map(({ clientId }) => clientId)).toEqual(["single"]);
  expect(state.busiest).toMatchObject({
    ...{ by: "client", name: "flood", connections: 50, receivedRate: 4_500, sentRate: 0 },
  });
  const { sums } = await stateAfter([one, ...many], "by=client");
  expect(sums?.map(({ name }) => name)).toEqual(["flood", "single"]);
});

test("the connection that has nearly all the traffic of a client is named, another one is not", async () => {
  const host = "10.0.0.2";
  const idle = Array.from({ length: 11 }, () => ({ host, received: 1 }));
  const flood = { host, received: 990 };
  const { busiest } = await stateAfter([...idle, flood]);
  expect(busiest).toMatchObject({ by: "host", name: host, connections: 12 });
  expect(busiest?.chief).toMatchObject({ address: `${host}:11`, receivedRate: 990 });
  const spread = await stateAfter([flood, flood, { host: "10.0.0.3", id: "one", received: 1_900 }]);
  expect(spread.busiest).toMatchObject({ name: host, chief: null });
});

test("a client without a client id is known by its address", async () => {
  const named = { host: "10.0.0.1", id: "meter", received: 10 };
  const nameless = { host: "10.0.0.2", received: 8 };
  const state = await stateAfter([named, nameless, nameless]);
  expect(state.busiest).toMatchObject({ by: "host", name: "10.0.0.2", connections: 2 });
});
