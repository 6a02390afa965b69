import { expect, test } from "bun:test";
import fc from "fast-check";
import type { QuotaEntity, QuotaKey, QuotaValues } from "../../src/security/quota.js";
import { quotaFault } from "../../src/security/quota.js";
import { Quotas } from "../../src/security/quotas.js";
import { TokenBucket, WINDOW_SECONDS } from "../../src/security/token-bucket.js";
import { Random } from "../support/random.js";
import { SimulatedDisk } from "../support/simulated-disk.js";

test("who waits as told never uses more than the rate and one window, plus the last use", () => {
  const uses = fc.array(
    fc.record({ amount: fc.integer({ min: 0, max: 50_000 }), pauseMs: fc.nat(20_000) }),
    { minLength: 1, maxLength: 60 },
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5_000 }), uses, (rate, steps) => {
      const bucket = new TokenBucket(rate, 0);
      const used: { readonly atMs: number; readonly amount: number }[] = [];
      let nowMs = 0;
      for (const { amount, pauseMs } of steps) {
        nowMs += pauseMs;
        bucket.take(amount, nowMs);
        used.push({ atMs: nowMs, amount });
        const waitMs = bucket.waitMs(nowMs);
        // What it had before this use is what a model with all uses says: full, and empty at least once since.
        nowMs += waitMs;
        expect(bucket.waitMs(nowMs)).toBeLessThan(1e-3);
      }
      for (let from = 0; from < used.length; from++) {
        let sum = 0;
        for (let to = from; to < used.length; to++) {
          const seconds = (used[to]!.atMs - used[from]!.atMs) / 1000;
          // The last use may begin with nothing left, and is not refused.
          expect(sum).toBeLessThanOrEqual(rate * (seconds + WINDOW_SECONDS) + 1e-3);
          sum += used[to]!.amount;
        }
      }
    }),
  );
});

test("a steady client is held to its rate, and waits for each use as long as the rate needs", () => {
  const bucket = new TokenBucket(1_000, 0);
  let nowMs = 0;
  for (let i = 0; i < WINDOW_SECONDS; i++) {
    bucket.take(1_000, nowMs);
    expect(bucket.waitMs(nowMs)).toBe(0);
  }
  for (let i = 0; i < 20; i++) {
    bucket.take(250, nowMs);
    expect(bucket.waitMs(nowMs)).toBeCloseTo(250);
    nowMs += bucket.waitMs(nowMs);
  }
  expect(nowMs).toBeCloseTo(5_000);
  expect(bucket.isFull(nowMs)).toBe(false);
  expect(bucket.isFull(nowMs + 11_001)).toBe(true);
});

async function quotasOf(
  entries: readonly (readonly [QuotaEntity, QuotaValues])[],
): Promise<Quotas> {
  const quotas = new Quotas([], undefined, () => 0);
  await quotas.change(() => entries.map(([entity, values]) => ({ entity, values })));
  return quotas;
}

test("the most specific quota applies, in Kafka's order, and each kind is looked up on its own", async () => {
  const order: readonly QuotaEntity[] = [
    { user: "ann", "client-id": "x" },
    { user: "ann", "client-id": null },
    { user: "ann" },
    { user: null, "client-id": "x" },
    { user: null, "client-id": null },
    { user: null },
    { "client-id": "x" },
    { "client-id": null },
  ];
  const key: QuotaKey = "producer_byte_rate";
  for (let first = 0; first < order.length; first++) {
    const quotas = await quotasOf(
      order.slice(first).map((entity, i) => [entity, { [key]: 100 + first + i }]),
    );
    expect(quotas.bucketOf(key, "ann", "x")?.rate).toBe(100 + first);
    expect(quotas.bucketOf("consumer_byte_rate", "ann", "x")).toBeUndefined();
  }
  const mixed = await quotasOf([
    [{ user: "ann" }, { consumer_byte_rate: 1 }],
    [{ "client-id": "x" }, { [key]: 2 }],
  ]);
  expect(mixed.bucketOf(key, "ann", "x")?.rate).toBe(2);
  expect(mixed.bucketOf(key, "ann", "y")).toBeUndefined();
  expect(mixed.bucketOf(key, "ann", "")).toBeUndefined();
});

test("clients of one name share, and each name has its own share of a default", async () => {
  const key: QuotaKey = "producer_byte_rate";
  const ofUsers = await quotasOf([[{ user: null }, { [key]: 5 }]]);
  expect(ofUsers.bucketOf(key, "ann", "a")).toBe(ofUsers.bucketOf(key, "ann", "b")!);
  expect(ofUsers.bucketOf(key, "ann", "a")).not.toBe(ofUsers.bucketOf(key, "bob", "a")!);
  const ofIds = await quotasOf([[{ "client-id": null }, { [key]: 5 }]]);
  expect(ofIds.bucketOf(key, "ann", "a")).toBe(ofIds.bucketOf(key, "bob", "a")!);
  expect(ofIds.bucketOf(key, "ann", "a")).not.toBe(ofIds.bucketOf(key, "ann", "b")!);
});

test("a quota that stays keeps its debts, and a changed one begins again", async () => {
  const key: QuotaKey = "producer_byte_rate";
  const quotas = await quotasOf([
    [{ user: "ann" }, { [key]: 5 }],
    [{ user: "bob" }, { [key]: 5 }],
  ]);
  for (const user of ["ann", "bob"]) quotas.bucketOf(key, user, "")!.take(1_000, 0);
  await quotas.change(() => [{ entity: { user: "ann" }, values: { [key]: 6 } }]);
  expect(quotas.bucketOf(key, "ann", "")!.waitMs(0)).toBe(0);
  expect(quotas.bucketOf(key, "bob", "")!.waitMs(0)).toBeGreaterThan(0);
});

test("connections of an address are counted, with a default for all others", async () => {
  const quotas = await quotasOf([
    [{ ip: "10.0.0.1" }, { connection_creation_rate: 1 }],
    [{ ip: null }, { connection_creation_rate: 2 }],
  ]);
  const opened = (ip: string): number => {
    let count = 0;
    while (count < 100 && quotas.connectionFrom(ip) === undefined) count++;
    return count;
  };
  expect([opened("10.0.0.1"), opened("10.0.0.2"), opened("10.0.0.3")]).toEqual([12, 23, 23]);
  expect(quotas.connectionFrom("10.0.0.1")).toBe(1);
});

test("however many names clients give themselves, memory is bounded, and debts are kept", async () => {
  const key: QuotaKey = "producer_byte_rate";
  const quotas = await quotasOf([[{ "client-id": null }, { [key]: 5 }]]);
  const greedy = quotas.bucketOf(key, "", "greedy")!;
  for (let i = 0; i < 15; i++) quotas.bucketOf(key, "", `early-${i}`);
  greedy.take(1_000, 0);
  for (let i = 0; i < 10_005; i++) quotas.bucketOf(key, "", `id-${i}`);
  expect(quotas.bucketOf(key, "", "greedy")).toBe(greedy);
});

test("quotas are there after a restart, and a file that is unusable stops the start", async () => {
  const disk = new SimulatedDisk(new Random(1));
  disk.makeDirectory("data");
  const quotas = Quotas.open(disk, "data");
  expect([quotas.areAny, quotas.size]).toEqual([false, 0]);
  const entries = [
    { entity: { user: "ann", "client-id": null }, values: { producer_byte_rate: 10 } },
    { entity: { ip: "::1" }, values: { connection_creation_rate: 3 } },
  ];
  await quotas.change(() => entries);
  const again = Quotas.open(disk, "data");
  expect([again.areAny, again.list()]).toEqual([true, entries]);
  await again.change(() => [{ entity: { ip: "::1" }, values: {} }]);
  expect(Quotas.open(disk, "data").list()).toEqual([entries[0]!]);
  const damaged = new SimulatedDisk(new Random(1));
  damaged.makeDirectory("data");
  const text = '{"version":1,"quotas":[{"entity":{},"values":{}}]}';
  await damaged.writeFile("data/quotas.json", Buffer.from(text));
  expect(() => Quotas.open(damaged, "data")).toThrow("quotas.json can't be used");
});

test("a quota that means nothing is refused in Kafka's words", () => {
  const ofUser = (key: string, value: number) => quotaFault({ user: "u" }, [[key, value]]);
  expect(quotaFault({}, [])).toBe("Invalid empty client quota entity");
  expect(quotaFault({ user: "" }, [])).toBe("Empty user not supported");
  expect(quotaFault({ ip: "host" }, [])).toBe("host is not a valid IP or resolvable host.");
  expect(quotaFault({ ip: null, user: "u" }, [])).toStartWith("Invalid quota entity combination");
  expect(ofUser("nonsense", 1)).toBe("Invalid configuration key nonsense");
  expect(ofUser("connection_creation_rate", 1)).toStartWith("Invalid configuration key");
  expect(ofUser("producer_byte_rate", 0)).toBe("Quota producer_byte_rate must be greater than 0");
  expect(ofUser("producer_byte_rate", 1.5)).toBe(
    "producer_byte_rate cannot be a fractional value.",
  );
  expect(ofUser("producer_byte_rate", 1e300)).toEndWith("is too large for a LONG.");
  expect(ofUser("request_percentage", Number.NaN)).toEndWith("must be a finite number");
  expect(ofUser("request_percentage", 0.5)).toBeUndefined();
});
