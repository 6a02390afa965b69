// The end of a compiled broker: by kill -9 at any moment, by SIGTERM under load; and two brokers on one directory.
import { describe, expect, test } from "bun:test";
import { connect } from "../../src/client/client.js";
import { RustLogError } from "../../src/errors.js";
import { BrokerProcess } from "../support/binary.js";
import { batchOf, Session } from "../support/broker.js";
import { tempDir } from "../support/tmp.js";
import { until } from "../support/until.js";
import { crashRounds } from "./crash-rounds.js";
import { securityRounds } from "./security-rounds.js";

const TIMEOUT_MS = 60_000;

describe("kill -9 under load", () => {
  test(
    "loses, doubles and moves nothing that was acknowledged, and no commit",
    async () => {
      const summary = await crashRounds({ rounds: 4, seed: 3, loadMsMax: 250 });
      expect(summary.acknowledged).toBeGreaterThan(0);
      expect(summary.commits).toBeGreaterThan(0);
      expect(summary.records).toBe(summary.acknowledged);
    },
    TIMEOUT_MS,
  );
});

describe("kill -9 while users, rules and quotas change", () => {
  test(
    "loses no change that was acknowledged, and makes no half of one",
    async () => {
      const summary = await securityRounds({ rounds: 2, seed: 3, loadMsMax: 300 });
      expect(summary.acknowledged).toBeGreaterThan(0);
    },
    TIMEOUT_MS,
  );
});

describe("SIGTERM under load", () => {
  test(
    "answers or closes everything, and the next start scans nothing",
    async () => {
      using directory = tempDir();
      await using broker = await BrokerProcess.start(directory.path);
      const acknowledged = new Map<number, string>();
      const ends: string[] = [];
      const work = Array.from({ length: 8 }, async (_, worker) => {
        using session = await Session.connect(broker.port);
        try {
          for (let i = 0; ; i++) {
            const value = `${worker}-${i}`;
            acknowledged.set(await session.produce("t", 0, batchOf(value)), value);
          }
        } catch (error) {
          ends.push(error instanceof RustLogError ? error.code : String(error));
        }
      });
      await until(() => acknowledged.size > 200);
      expect(await broker.end("SIGTERM")).toBe(0);
      await Promise.all(work);
      expect(ends).toHaveLength(8);
      for (const end of ends) expect(end).toMatch(/^BROKER_STOPPING$|the connection ended/);
      expect(broker.lines.at(-1)).toBe("Broker stopped");

      await using again = await BrokerProcess.start(directory.path);
      expect(again.reports).toEqual([]);
      await using client = await connect({ broker: again.address });
      const found = new Map<number, string>();
      for await (const { offset, value } of client.consumer({ topic: "t", follow: false })) {
        found.set(offset, new TextDecoder().decode(value ?? undefined));
      }
      expect([...found.keys()]).toEqual([...found.keys()].map((_, i) => i));
      for (const [offset, value] of acknowledged) expect(found.get(offset)).toBe(value);
      expect(await again.end("SIGINT")).toBe(0);
    },
    TIMEOUT_MS,
  );
});

describe("a data directory", () => {
  test(
    "is one broker's: a second is refused with the pid of the first, a third starts after kill -9",
    async () => {
      using directory = tempDir();
      await using first = await BrokerProcess.start(directory.path);
      await using second = await BrokerProcess.launch(directory.path);
      expect(await second.hasStarted()).toBe(false);
      expect(await second.exited()).toBe(1);
      expect(second.reports).toHaveLength(1);
      expect(second.reports[0]).toContain(`process ${first.pid}`);
      await first.end("SIGKILL");
      await using third = await BrokerProcess.start(directory.path);
      await using client = await connect({ broker: third.address });
      await client.ping();
    },
    TIMEOUT_MS,
  );
});
