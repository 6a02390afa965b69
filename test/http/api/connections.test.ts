// The client connections as the page gets them: what is known of each, order, filter, sums, limits, and closing one.
// Leaves to others: rates (connection-rates.test.ts), and who may do it (permissions.test.ts).
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type {
  ConnectionsState,
  ConnectionState,
} from "../../../src/http/page/connections/connection-wire.js";
import { KAFKA_APIS } from "../../../src/protocol/kafka/apis.js";
import { batchOf, type Session } from "../../support/broker.js";
import { KafkaClient } from "../../support/kafka-client.js";
import { type PageSample, startPage } from "../../support/page-sample.js";
import { addUsers, logInOnPage } from "../../support/page-users.js";
import { RawClient } from "../../support/raw-client.js";
import { until } from "../../support/until.js";

let page: PageSample;

beforeAll(async () => {
  page = await startPage();
  await page.broker.context.registry.create("orders", 1, {});
});
afterAll(() => page[Symbol.asyncDispose]());

async function list(query = ""): Promise<ConnectionsState> {
  const response = await fetch(`${page.url}api/connections?${query}`);
  expect(response.status).toBe(200);
  return (await response.json()) as ConnectionsState;
}

async function close(order: unknown): Promise<string> {
  const response = await fetch(`${page.url}api/connections/close`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(order),
  });
  return `${response.status} ${await response.text()}`;
}

const count = (expected: number) => until(() => page.broker.connections === expected);

/** Sends a fetch that waits for data. */
async function fetchAndWait(session: Session): Promise<void> {
  session.fetch({ topic: "orders", maxWaitMs: 60_000 }).catch(() => {});
  await until(() => page.broker.inflight.waits === 1);
}

async function kafkaClient(software: string, version: string): Promise<KafkaClient> {
  const kafka = await KafkaClient.connect(page.broker.port);
  const names = { clientSoftwareName: software, clientSoftwareVersion: version };
  await kafka.call(KAFKA_APIS.ApiVersions, 3, names);
  return kafka;
}

describe("connections", () => {
  test("say which protocol they speak, what their clients call themselves, and what is in flight", async () => {
    using native = await page.running.session();
    await native.ping();
    using kafka = await kafkaClient("franz-go", "1.22.3");
    using silent = await RawClient.connect(page.broker.port);
    await count(3);
    await fetchAndWait(native);
    const state = await list("order=since");
    expect(state.protocols).toEqual({ native: 1, kafka: 1, unknown: 1 });
    expect([state.hasMore, state.matching, state.sums]).toEqual([false, 3, null]);
    const [first, second, third] = state.connections;
    expect(first).toMatchObject({
      ...{ protocol: "native", clientId: null, software: null, user: null, isTls: false },
      ...{ inflightRequests: 1, waitingFetches: 1, isThrottled: false, throttledShare: 0 },
    });
    expect(first!.inflightBytes).toBeGreaterThan(20);
    expect(first!.address).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(Math.abs(first!.sinceMs - Date.now())).toBeLessThan(60_000);
    const named = { protocol: "kafka", clientId: "test", software: "franz-go 1.22.3" };
    expect(second).toMatchObject(named);
    expect(second!.receivedBytes).toBeGreaterThan(20);
    expect(second!.sentBytes).toBe(kafka.raw.bytesReceived);
    expect(third).toMatchObject({ protocol: "unknown", receivedBytes: 0, sentBytes: 0 });
    silent[Symbol.dispose]();
  });

  test("are filtered, and summed by what they have in common", async () => {
    await count(0);
    using _one = await kafkaClient("franz-go", "1.22.3");
    using _two = await kafkaClient("kcat", "1.7.1");
    using _three = await kafkaClient("kcat", "1.7.1");
    await count(3);
    const softwareOf = ({ connections }: ConnectionsState) =>
      connections.map(({ software }) => software);
    expect(softwareOf(await list("order=software"))).toEqual([
      ...["franz-go 1.22.3", "kcat 1.7.1", "kcat 1.7.1"],
    ]);
    expect(softwareOf(await list("filter=FRANZ"))).toEqual(["franz-go 1.22.3"]);
    expect((await list("filter=absent")).matching).toBe(0);
    const { sums, connections } = await list("by=software&order=-connections");
    expect(connections).toEqual([]);
    expect(sums!.map(({ name, connections: of }) => `${name}: ${of}`)).toEqual([
      ...["kcat 1.7.1: 2", "franz-go 1.22.3: 1"],
    ]);
    expect((await list("by=user")).sums).toMatchObject([{ name: null, connections: 3 }]);
    for (const query of ["by=age", "order=age", "by=user&order=since", "order=constructor"]) {
      expect((await fetch(`${page.url}api/connections?${query}`)).status).toBe(400);
    }
  });

  test("are throttled while a quota holds them back", async () => {
    await using limited = await startPage();
    const { quotas, registry } = limited.broker.context;
    await registry.create("orders", 1, {});
    const values = { producer_byte_rate: 1 };
    await quotas.change(() => [{ entity: { user: null }, values }]);
    using session = await limited.running.session();
    await session.produce("orders", 0, batchOf("x".repeat(100)));
    const state = async (query = "") => {
      const response = await fetch(`${limited.url}api/connections?${query}`);
      return (await response.json()) as ConnectionsState;
    };
    expect((await state()).connections[0]).toMatchObject({ isThrottled: true });
    expect((await state("by=host")).sums).toMatchObject([{ name: "127.0.0.1", throttled: 1 }]);
    await quotas.change(() => [{ entity: { user: null }, values: {} }]);
    expect((await state()).connections[0]).toMatchObject({ isThrottled: false });
  });

  test("are limited to the first 100 in their order", async () => {
    await count(0);
    using clients = new DisposableStack();
    for (let i = 0; i < 101; i++) clients.use(await RawClient.connect(page.broker.port));
    await count(101);
    const state = await list("order=-since");
    expect(state.connections).toHaveLength(100);
    expect([state.hasMore, state.protocols.unknown, state.matching]).toEqual([true, 101, 101]);
  });
});

describe("closing a connection", () => {
  const oldest = async (): Promise<ConnectionState> => (await list("order=since")).connections[0]!;

  test("resets it at once, and ends what waits on it", async () => {
    await count(0);
    using native = await page.running.session();
    await native.ping();
    await fetchAndWait(native);
    const { serial, address } = await oldest();
    expect(await close({ serial, address })).toBe("200 {}");
    expect([page.broker.connections, page.broker.inflight.waits]).toEqual([0, 0]);
    await native.client.closed;
    expect(page.running.lines.at(-1)).toStartWith(
      `closed the connection from ${address} because User:ANONYMOUS asked for it`,
    );
    expect(await close({ serial, address })).toContain(
      `the connection from ${address} is closed already`,
    );
  });

  test("spares another one that has its number since a restart", async () => {
    using native = await page.running.session();
    await native.ping();
    const { serial } = await oldest();
    expect(await close({ serial, address: "127.0.0.1:1" })).toStartWith("400 ");
    await native.ping();
  });

  test("is in the audit log, with who did it and whose it was", async () => {
    await using secured = await startPage();
    await addUsers(secured.broker.context, { root: "everything" });
    using client = await secured.running.session();
    await client.ping();
    const { fetch: send } = await logInOnPage(secured.url, "root");
    const state = (await (await send("api/connections")).json()) as ConnectionsState;
    const { serial, address, user } = state.connections[0]!;
    expect(user).toBe("ANONYMOUS");
    const init = { method: "POST", headers: { "content-type": "application/json" } };
    await send("api/connections/close", { ...init, body: JSON.stringify({ serial, address }) });
    expect(secured.running.lines).toContain(
      `audit: change: principal=User:root host=127.0.0.1 action=connection-closed address=${address} user=ANONYMOUS`,
    );
  });

  test.each([[{}], [{ serial: "1", address: "x" }], [{ serial: 1 }], [[]]])(
    "needs both: %j",
    async (order) => {
      expect(await close(order)).toStartWith("400 ");
    },
  );
});
