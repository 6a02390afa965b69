import { afterAll, beforeAll, expect, test } from "bun:test";
import { connect } from "../../src/index.js";
import { startBroker, type TestBroker } from "../support/broker.js";
import { run as rustlog } from "./rustlog.js";

let running: TestBroker;

beforeAll(async () => {
  running = await startBroker();
});

afterAll(() => running[Symbol.asyncDispose]());

function quotas(...args: readonly string[]) {
  return rustlog(["quotas", ...args, "--broker", running.broker.address]);
}

test("sets, lists and deletes quotas", async () => {
  const rates = ["--producer-byte-rate", "10MiB", "--request-percentage", "12.5"];
  const set = await quotas("set", "--for-user", "ann", "--for-default-client-id", ...rates);
  expect(set.stdout).toBe("Set 2 quotas of user 'ann', default client-id\n");
  await quotas("set", "--for-default-ip", "--connection-creation-rate", "20");
  const listed = await quotas("list");
  expect(listed.stdout.split("\n").map((line) => line.split(/ {2,}/))).toEqual([
    ["USER", "CLIENT ID", "IP", "QUOTA", "VALUE"],
    ["-", "-", "(default)", "connection_creation_rate", "20"],
    ["ann", "(default)", "-", "producer_byte_rate", "10.5 MB/s"],
    ["ann", "(default)", "-", "request_percentage", "12.5"],
    [""],
  ]);
  const some = await quotas("list", "--for-user", "ann", "--json");
  expect(JSON.parse(some.stdout)).toEqual([
    {
      entity: { user: "ann", clientId: null },
      values: { producer_byte_rate: 10 * 2 ** 20, request_percentage: 12.5 },
    },
  ]);
  const entity = ["--for-user", "ann", "--for-default-client-id"];
  const one = await quotas("delete", ...entity, "--producer-byte-rate", "--json");
  expect(JSON.parse(one.stdout)).toEqual({ deleted: 1 });
  // Another entity, although it has a part of the name.
  expect((await quotas("delete", "--for-user", "ann")).stdout).toBe(
    "Deleted 0 quotas of user 'ann'\n",
  );
  await quotas("delete", ...entity);
  await quotas("delete", "--for-default-ip");
  expect((await quotas("list", "--json")).stdout).toBe("[]\n");
});

test("says what is wrong", async () => {
  expect((await quotas("set", "--producer-byte-rate", "1")).stderr).toContain(
    "name the owner of the quota",
  );
  expect((await quotas("set", "--for-user", "ann")).stderr).toContain("name a quota");
  const mixed = await quotas("set", "--for-ip", "::1", "--producer-byte-rate", "1");
  expect(mixed).toMatchObject({ exitCode: 1 });
  expect(mixed.stderr).toContain("Invalid configuration key producer_byte_rate");
});

test("the library sets quotas, all or none, and an older value stays", async () => {
  await using own = await startBroker();
  await using client = await connect({ broker: own.broker.address });
  const admin = client.admin();
  await admin.alterQuotas([{ entity: { clientId: "x" }, values: { producer_byte_rate: 7 } }]);
  expect(
    admin.alterQuotas([
      { entity: { clientId: "x" }, values: { consumer_byte_rate: 8 } },
      { entity: { clientId: "y" }, values: { consumer_byte_rate: -8 } },
    ]),
  ).rejects.toThrow("must be greater than 0");
  expect(admin.alterQuotas([{ entity: { host: "x" } as never, values: {} }])).rejects.toThrow(
    "there is no entity type 'host'",
  );
  await admin.alterQuotas([{ entity: { clientId: "x" }, values: { request_percentage: 1e-7 } }]);
  expect(await admin.listQuotas()).toEqual([
    { entity: { clientId: "x" }, values: { producer_byte_rate: 7, request_percentage: 1e-7 } },
  ]);
  const removed = { producer_byte_rate: null, request_percentage: null };
  await admin.alterQuotas([{ entity: { clientId: "x" }, values: removed }]);
  expect(await admin.listQuotas()).toEqual([]);
});
