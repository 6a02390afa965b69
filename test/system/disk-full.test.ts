// The compiled broker on a disk that is really full: it reports it, continues to read, and writes again when there is
// space, without a restart.
import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type Client, connect } from "../../src/client/client.js";
import { RustLogError } from "../../src/errors.js";
import { BrokerProcess } from "../support/binary.js";
import { batchOf, Session } from "../support/broker.js";
import { type SmallDisk, smallDisk } from "../support/small-disk.js";

const TIMEOUT_MS = 60_000;
const probe = smallDisk(1);
probe?.[Symbol.dispose]();

/** A broker on a small disk, and a client without retries. */
async function onSmallDisk(
  args: readonly string[],
  body: (disk: SmallDisk, broker: BrokerProcess, client: Client) => Promise<void>,
): Promise<void> {
  using disk = smallDisk(4);
  if (disk === undefined) throw new Error("it could be mounted before");
  await using broker = await BrokerProcess.start(join(disk.path, "data"), ...args);
  await using client = await connect({ broker: broker.address, retries: 0 });
  await body(disk, broker, client);
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "none";
  } catch (error) {
    if (error instanceof RustLogError) return error.code;
    throw error;
  }
}

/** The values of a topic, in the order of their offsets, which must have no gap. */
async function valuesOf(client: Client, topic: string): Promise<string[]> {
  const values: string[] = [];
  for await (const { offset, value } of client.consumer({ topic, follow: false })) {
    if (offset !== values.length) throw new Error(`offset ${offset} follows ${values.length - 1}`);
    values.push(new TextDecoder().decode(value ?? undefined));
  }
  return values;
}

describe.skipIf(probe === undefined)("a full disk", () => {
  for (const args of [["--segment-bytes", "64KiB"], ["--flush", "never"], []]) {
    test(
      `refuses a produce with DISK_FULL and keeps no torn batch (${args.join(" ") || "defaults"})`,
      async () => {
        await onSmallDisk(args, async (disk, broker, client) => {
          using session = await Session.connect(broker.port);
          const kept: string[] = [];
          const send = async (value: string): Promise<string> => {
            const code = await codeOf(session.produce("t", 0, batchOf(value)));
            if (code === "none") kept.push(value);
            return code;
          };
          for (let i = 0; i < 20; i++) expect(await send(`${i}`.padEnd(9_000, "x"))).toBe("none");
          disk.fill(30_000);
          const codes: string[] = [];
          for (let i = 0; i < 40; i++) codes.push(await send(`full ${i}`.padEnd(9_000, "y")));
          expect(codes).toContain("DISK_FULL");
          expect(new Set(codes)).toEqual(new Set(["none", "DISK_FULL"]));
          expect(codes.at(-1)).toBe("DISK_FULL");
          expect(await valuesOf(client, "t")).toEqual(kept);

          disk.makeSpace();
          for (let i = 0; i < 20; i++)
            expect(await send(`after ${i}`.padEnd(9_000, "z"))).toBe("none");
          expect(await valuesOf(client, "t")).toEqual(kept);

          await broker.end("SIGKILL");
          await using again = await BrokerProcess.start(join(disk.path, "data"), ...args);
          await using reader = await connect({ broker: again.address });
          expect(await valuesOf(reader, "t")).toEqual(kept);
        });
      },
      TIMEOUT_MS,
    );
  }

  test(
    "is no reason to fail for a stop or for a start that reads",
    async () => {
      await onSmallDisk([], async (disk, broker, client) => {
        const producer = client.producer({ lingerMs: 0 });
        for (const value of ["1", "2", "3"]) await producer.send("t", { value });
        disk.fill(0);
        expect(await broker.end("SIGTERM")).toBe(0);
        expect(broker.lines.join("\n")).toContain(
          "clean-shutdown.json could not be written: ENOSPC",
        );
        expect(readdirSync(join(disk.path, "data")).join()).not.toContain("tmp");
        await using again = await BrokerProcess.start(join(disk.path, "data"));
        await using reader = await connect({ broker: again.address });
        expect(await valuesOf(reader, "t")).toEqual(["1", "2", "3"]);
        expect(await again.end("SIGTERM")).toBe(0);
      });
    },
    TIMEOUT_MS,
  );

  test(
    "refuses a new topic and a commit with DISK_FULL, leaves nothing of them, and takes them later",
    async () => {
      await onSmallDisk([], async (disk, broker, client) => {
        const admin = client.admin();
        const producer = client.producer({ lingerMs: 0 });
        await producer.send("t", { value: "v" });
        await admin.commitOffsets("g", [{ topic: "t", partition: 0, offset: 0 }]);
        disk.fill(0);
        expect(await codeOf(admin.createTopic("new", { partitions: 3 }))).toBe("DISK_FULL");
        const commit = () => admin.commitOffsets("g", [{ topic: "t", partition: 0, offset: 1 }]);
        const codes: string[] = [];
        // A page of the file may have space for some.
        for (let i = 0; i < 200 && !codes.includes("DISK_FULL"); i++)
          codes.push(await codeOf(commit()));
        expect(codes).toContain("DISK_FULL");
        expect((await admin.listTopics()).map(({ name }) => name)).toEqual(["t"]);
        expect(await valuesOf(client, "t")).toEqual(["v"]);

        disk.makeSpace();
        await admin.createTopic("new", { partitions: 3 });
        await commit();
        await broker.end("SIGKILL");
        await using again = await BrokerProcess.start(join(disk.path, "data"));
        await using reader = await connect({ broker: again.address });
        const [committed] = await reader.admin().fetchOffsets("g", [{ topic: "t", partition: 0 }]);
        expect(committed?.offset).toBe(1);
        expect((await reader.admin().describeTopic("new")).partitions).toHaveLength(3);
      });
    },
    TIMEOUT_MS,
  );
});
