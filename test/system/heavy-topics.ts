// Creating and deleting topics of thousands of partitions or segments, for test/fairness.ts.
// Leaves to others: measuring the effect on another client.
import { readFileSync } from "node:fs";
import { connect } from "../../src/client/client.js";
import type { RustLogError } from "../../src/errors.js";
import type { BrokerProcess } from "../support/binary.js";
import { Session } from "../support/broker.js";
import type { Heavy } from "./heavy-requests.js";

const REQUEST_TIMEOUT_MS = 120_000;

/** Time for background work after an answer, in milliseconds. */
const AFTERWARDS_MS = 4_000;

type Admin = ReturnType<Awaited<ReturnType<typeof connect>>["admin"]>;

/** Runs a request; returns the duration, and the error, if any. */
async function timed(
  broker: BrokerProcess,
  request: (admin: Admin) => Promise<unknown>,
): Promise<string> {
  await using client = await connect({
    broker: broker.address,
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
  });
  const beganMs = performance.now();
  let outcome = "done";
  await request(client.admin()).catch((error: RustLogError) => {
    outcome = `${error.code}: ${error.message}`;
  });
  return `${outcome} after ${(performance.now() - beganMs).toFixed(0)} ms`;
}

const create =
  (partitions: number) =>
  async (broker: BrokerProcess): Promise<void> => {
    await timed(broker, (admin) => admin.createTopic("big", { partitions }));
  };

async function deleteBig(broker: BrokerProcess): Promise<string> {
  const note = await timed(broker, (admin) => admin.deleteTopic("big"));
  await Bun.sleep(AFTERWARDS_MS);
  return note;
}

/** A topic of one partition with this many segments. */
const createSegments =
  (segments: number) =>
  async (broker: BrokerProcess): Promise<void> => {
    await timed(broker, (admin) =>
      admin.createTopic("big", { partitions: 1, settings: { "segment.bytes": "1024" } }),
    );
    await using client = await connect({ broker: broker.address });
    const producer = client.producer({ lingerMs: 0, batchBytes: 1100 });
    for (let sent = 0; sent < segments; sent += 500) {
      const sends = Array.from({ length: 500 }, () =>
        producer.send("big", { value: "v".repeat(1000) }),
      );
      await Promise.all(sends);
    }
    await producer.close();
  };

/** Creates topics of one partition until one is rejected; then others connect, and the broker should be idle. */
async function createUntilRefused(broker: BrokerProcess): Promise<string> {
  let created = 0;
  await using client = await connect({ broker: broker.address });
  const refusal = await (async () => {
    for (; created < 10_000; created++) {
      try {
        await client.admin().createTopic(`t${created}`, { partitions: 1 });
      } catch (error) {
        return (error as RustLogError).message;
      }
    }
    return "nothing";
  })();
  const sessions = await Promise.all(
    Array.from({ length: 100 }, () => Session.connect(broker.port)),
  );
  for (const session of sessions) await session.ping();
  for (const session of sessions) session[Symbol.dispose]();
  const before = cpuTicks(broker);
  await Bun.sleep(2_000);
  const percent = (cpuTicks(broker) - before) / 2;
  return `${created} topics, ${broker.descriptors} descriptors, ${percent} % of a core; refused: ${refusal}`;
}

/** Processor time of a broker, in hundredths of a second. */
function cpuTicks({ pid }: BrokerProcess): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return Number(fields[11]) + Number(fields[12]);
}

/** All kinds. */
export const HEAVY_TOPICS: readonly Heavy[] = [
  ...[1_000, 9_000].map((partitions) => ({
    name: `topics: DeleteTopic of ${partitions} partitions`,
    prepare: create(partitions),
    run: deleteBig,
  })),
  {
    name: "topics: DeleteTopic of 8,000 segments",
    args: ["--flush", "never"],
    prepare: createSegments(8_000),
    run: deleteBig,
  },
  {
    name: "topics: CreateTopic of 9,000 partitions",
    prepare: async () => {},
    run: (broker) => timed(broker, (admin) => admin.createTopic("big", { partitions: 9_000 })),
  },
  {
    name: "topics: CreateTopic without enough descriptors",
    openFiles: 4_096,
    prepare: async () => {},
    run: (broker) => timed(broker, (admin) => admin.createTopic("big", { partitions: 9_000 })),
  },
  {
    name: "topics: a produce that creates 9,000 partitions",
    args: ["--default-partitions", "9000"],
    prepare: async (broker) => {
      await timed(broker, (admin) => admin.createTopic("steady", { partitions: 1 }));
    },
    run: async (broker) => {
      await using client = await connect({
        broker: broker.address,
        requestTimeoutMs: REQUEST_TIMEOUT_MS,
      });
      const producer = client.producer();
      await producer.send("big", { value: "x" });
      await producer.close();
      return "done";
    },
  },
  {
    name: "topics: created and deleted by eight clients at once",
    prepare: async () => {},
    run: async (broker) => {
      const notes = await Promise.all(
        Array.from({ length: 8 }, (_, i) =>
          timed(broker, async (admin) => {
            for (let round = 0; round < 5; round++) {
              await admin.createTopic(`t${i}`, { partitions: 200 });
              await admin.deleteTopic(`t${i}`);
            }
          }),
        ),
      );
      return notes[0] ?? "";
    },
  },
  {
    name: "topics: created until the descriptors run out",
    openFiles: 1_024,
    prepare: async () => {},
    run: createUntilRefused,
  },
];
