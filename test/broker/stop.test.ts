import { describe, expect, test } from "bun:test";
import { Broker } from "../../src/broker/broker.js";
import type { AppendFile } from "../../src/log/disk/disk.js";
import { RealDisk } from "../../src/log/disk/real-disk.js";
import {
  batchOf,
  errorOf,
  pingFrame,
  recordsIn,
  type Session,
  startBroker,
} from "../support/broker.js";
import { withTempDir } from "../support/tmp.js";
import { until } from "../support/until.js";
import { encodeProduceRequest } from "../support/whole-frames.js";

/** Produces without end, several at a time, and keeps what was acknowledged; ends with the connection. */
async function produceUntilLost(
  session: Session,
  name: string,
  acknowledged: Map<number, string>,
): Promise<string[]> {
  const ends: string[] = [];
  const loop = async (worker: number): Promise<void> => {
    for (let i = 0; ; i++) {
      const value = `${name}-${worker}-${i}`;
      try {
        acknowledged.set(await session.produce("t", 0, batchOf(value)), value);
      } catch (error) {
        ends.push(error instanceof Error && "code" in error ? String(error.code) : String(error));
        return;
      }
    }
  };
  await Promise.all([loop(0), loop(1), loop(2), loop(3)]);
  return ends;
}

describe("a stop", () => {
  test("under load answers or closes everything, and acknowledged records survive", async () => {
    await withTempDir(async (dataDir) => {
      const acknowledged = new Map<number, string>();
      const before = await startBroker({ dataDir });
      const sessions = await Promise.all([before.session(), before.session(), before.session()]);
      const loops = sessions.map((session, i) => produceUntilLost(session, `s${i}`, acknowledged));
      await until(() => acknowledged.size > 100);
      await before.broker.stop();
      const ends = (await Promise.all(loops)).flat();
      expect(ends).toHaveLength(12);
      for (const end of ends) expect(end).toMatch(/^(BROKER_STOPPING|Error: the connection ended)/);
      expect(before.lines).toEqual([]);

      await using after = await startBroker({ dataDir });
      using session = await after.session();
      expect(after.lines).toEqual([]);
      const found = new Map<string, string>();
      for (let offset = 0; ;) {
        const fetched = await session.fetch({ topic: "t", offset });
        if (fetched.nextOffset === offset) break;
        for (const record of recordsIn(fetched.batches)) {
          const [at = "", value = ""] = record.split(":");
          found.set(at, value);
        }
        offset = fetched.nextOffset;
      }
      for (const [offset, value] of acknowledged) expect(found.get(String(offset))).toBe(value);
      expect(await session.produce("t", 0, batchOf("next"))).toBe(found.size);
    });
  });

  test("can be requested twice, and frees the port and the directory", async () => {
    await withTempDir(async (dataDir) => {
      const { broker } = await startBroker({ dataDir });
      const stopped = broker.stop();
      expect(broker.stop()).toBe(stopped);
      await stopped;
      await using again = await startBroker({ dataDir });
      expect(again.broker.port).toBeGreaterThan(0);
    });
  });

  test("does not wait forever for a client that never reads", async () => {
    await using broker = await startBroker({ flush: { kind: "never" }, stopGraceMs: 20 });
    using session = await broker.session();
    for (let i = 0; i < 8; i++) await session.produce("t", 0, batchOf("x".repeat(2_000_000)));
    using stuck = await broker.session();
    stuck.client.pause();
    const fetched = [1, 2, 3].map(() => stuck.fetch({ topic: "t", maxBytes: 9_000_000 }));
    const settled = Promise.allSettled(fetched);
    await session.ping();
    await broker.broker.stop();
    stuck.client.resume();
    const outcomes = (await settled).map((outcome) => outcome.status);
    expect(outcomes).toContain("rejected");
  });
});

/** A disk whose flushes fail once told to. */
class FailingDisk extends RealDisk {
  failing = false;

  override openAppend(path: string): AppendFile {
    return this.#withFailingSync(super.openAppend(path));
  }

  override createAppend(path: string): AppendFile {
    return this.#withFailingSync(super.createAppend(path));
  }

  #withFailingSync(file: AppendFile): AppendFile {
    const sync = file.sync.bind(file);
    file.sync = () => (this.failing ? Promise.reject(new Error("EIO: the disk is gone")) : sync());
    return file;
  }
}

describe("a failed flush", () => {
  test("ends the broker: nothing more is acknowledged, and a start recovers", async () => {
    await withTempDir(async (dataDir) => {
      const disk = new FailingDisk();
      const fatal: Error[] = [];
      const test = await startBroker({ dataDir, onFatal: (error) => fatal.push(error) }, disk);
      using session = await test.session();
      using other = await test.session();
      expect(await session.produce("t", 0, batchOf("kept"))).toBe(0);
      await other.ping();
      disk.failing = true;
      const { client } = session;
      client.send(encodeProduceRequest(90, { topic: "t", partition: 0, batch: batchOf("lost") }));
      await client.closed;
      await other.client.closed;
      expect(client.has(90)).toBe(false);
      expect(fatal).toHaveLength(1);
      expect(test.lines.join()).toContain("fatal: t-0: the disk failed: EIO");
      await expect(Broker.start({ dataDir, port: 0 })).rejects.toMatchObject({
        code: "DATA_DIRECTORY_UNUSABLE",
      });
      await test.broker.stop();

      await using after = await startBroker({ dataDir });
      using reader = await after.session();
      const fetched = await reader.fetch({ topic: "t" });
      expect(recordsIn(fetched.batches)[0]).toBe("0:kept");
      reader.client.send(pingFrame(99));
      expect(errorOf(await reader.client.response(99))).toBeUndefined();
    });
  });
});
