// The rates of connections, on a clock of the test. Leaves to others: real connections (connections.test.ts).
import { expect, test } from "bun:test";
import type { ClientConnection } from "../../../src/broker/broker.js";
import { ConnectionRates, LOOK_MS } from "../../../src/http/api/connection-rates.js";

class FakeConnection {
  static #made = 0;
  readonly client = { serial: ++FakeConnection.#made };
  receivedBytes = 0;
  sentBytes = 0;
  muted = 0;
  readonly inflight = { mutedMs: () => this.muted };
}

function ratesOf(...connections: FakeConnection[]) {
  const clock = { nowMs: 5_000, looks: 0 };
  const rates = new ConnectionRates(
    () => {
      clock.looks++;
      return connections as unknown as Iterable<ClientConnection>;
    },
    () => clock.nowMs,
  );
  const look = async () => {
    const taken = await rates.look();
    const each = connections.map((connection) => {
      const { receivedRate, sentRate, mutedShare } = taken.rateOf(
        connection as unknown as ClientConnection,
      );
      return [receivedRate, sentRate, mutedShare];
    });
    return { spanMs: taken.spanMs, each };
  };
  return { clock, connections, look };
}

test("a first look has no rates; the next one has those of the time between", async () => {
  const connection = new FakeConnection();
  connection.receivedBytes = 1_000_000;
  const { clock, look } = ratesOf(connection);
  expect(await look()).toEqual({ spanMs: 0, each: [[0, 0, 0]] });
  clock.nowMs += 2_000;
  connection.receivedBytes += 500;
  connection.sentBytes += 3_000;
  connection.muted += 1_500;
  expect(await look()).toEqual({ spanMs: 2_000, each: [[250, 1_500, 0.75]] });
});

test("all pages share a look for a second", async () => {
  const { clock, look } = ratesOf(new FakeConnection());
  const [first, second] = await Promise.all([look(), look()]);
  expect(first).toEqual(second);
  clock.nowMs += LOOK_MS - 1;
  await look();
  expect(clock.looks).toBe(1);
  clock.nowMs += 1;
  await look();
  expect(clock.looks).toBe(2);
});

test("a new connection has sent its bytes since the last look, and none before its first one", async () => {
  const { clock, connections, look } = ratesOf(new FakeConnection());
  await look();
  const fresh = new FakeConnection();
  fresh.receivedBytes = 4_000;
  connections.splice(0, 1, fresh);
  expect((await look()).each).toEqual([[0, 0, 0]]);
  clock.nowMs += 1_000;
  expect(await look()).toEqual({ spanMs: 1_000, each: [[4_000, 0, 0]] });
});

test("after half a minute without a page, rates begin again", async () => {
  const { clock, look } = ratesOf(new FakeConnection());
  await look();
  clock.nowMs += 30_000;
  expect((await look()).spanMs).toBe(0);
});

test("thousands are looked at in several turns of the event loop", async () => {
  const { look } = ratesOf(...Array.from({ length: 1_200 }, () => new FakeConnection()));
  const running = look();
  const order: string[] = [];
  void running.then(() => order.push("look"));
  await new Promise((resolve) => setImmediate(resolve));
  order.push("turn");
  expect((await running).each).toHaveLength(1_200);
  expect(order[0]).toBe("turn");
});
