// Work that must not take longer with a million groups, for test/fairness.ts: creating and deleting topics, the compaction of
// committed offsets, and deleting a large group.
// Leaves to others: measuring the effect on another client.
import { connect } from "../../src/client/client.js";
import { BY_NO_MEMBER, OffsetCommit } from "../../src/protocol/native/offsets.js";
import type { BrokerProcess } from "../support/binary.js";
import { Session } from "../support/broker.js";
import { type Heavy, makeGroups } from "./heavy-requests.js";

const GROUPS = 1_000_000;
const WIDE = 5_000;

async function withAdmin(
  { address }: BrokerProcess,
  act: (admin: ReturnType<Awaited<ReturnType<typeof connect>>["admin"]>) => Promise<void>,
): Promise<void> {
  await using client = await connect({ broker: address, requestTimeoutMs: 120_000 });
  await act(client.admin());
}

/** Commits an offset for each of 5,000 partitions, again and again. */
async function commitWide(broker: BrokerProcess, group: string, times: number): Promise<void> {
  const offsets = Array.from({ length: WIDE }, (_, i) => ({ topic: "w", partition: i, offset: 0 }));
  using session = await Session.connect(broker.port);
  for (let id = 1; id <= times; id++) {
    session.client.send(OffsetCommit.encodeRequest(id, { ...BY_NO_MEMBER, group, offsets }));
    await session.client.response(id);
  }
}

async function prepare(broker: BrokerProcess): Promise<void> {
  await makeGroups(broker, GROUPS);
  await withAdmin(
    broker,
    async (admin) => void (await admin.createTopic("w", { partitions: WIDE })),
  );
}

/** All of them. */
export const MANY_GROUPS: readonly Heavy[] = [
  {
    name: "1,000,000 groups: 20 topics are created and deleted",
    prepare,
    run: async (broker) => {
      let longest = 0;
      await withAdmin(broker, async (admin) => {
        for (let i = 0; i < 20; i++) {
          const began = performance.now();
          await admin.createTopic(`new-${i}`);
          await admin.deleteTopic(`new-${i}`);
          longest = Math.max(longest, performance.now() - began);
        }
      });
      return `the slowest pair took ${longest.toFixed(0)} ms`;
    },
  },
  {
    name: "1,000,000 groups: their topic is deleted and recreated",
    prepare,
    run: async (broker) => {
      const began = performance.now();
      await withAdmin(broker, async (admin) => {
        await admin.deleteTopic("t");
        await admin.createTopic("t");
      });
      return `took ${(performance.now() - began).toFixed(0)} ms`;
    },
  },
  {
    name: "1,000,000 groups: their offsets are compacted",
    prepare,
    run: async (broker) => {
      let most = 0;
      for (let i = 0; i < 130; i++) {
        await commitWide(broker, "wide", 10);
        most = Math.max(most, await offsetsLogMiB(broker));
      }
      let now = most;
      for (let i = 0; now > most / 2 && i < 300; i++) {
        await Bun.sleep(100);
        now = await offsetsLogMiB(broker);
        most = Math.max(most, now);
      }
      return `the log had up to ${most.toFixed(0)} MiB, and has ${now.toFixed(0)} MiB now`;
    },
  },
  {
    name: "1,000,000 groups: one of 5,000 offsets is deleted, 20 times",
    prepare,
    run: async (broker) => {
      for (let i = 0; i < 20; i++) {
        await commitWide(broker, "wide", 1);
        await withAdmin(broker, (admin) => admin.deleteGroup("wide"));
      }
      return "done";
    },
  },
];

async function offsetsLogMiB(broker: BrokerProcess): Promise<number> {
  await using client = await connect({ broker: broker.address });
  const { partitions } = await client.admin().describeTopic("__consumer_offsets");
  return partitions[0]!.bytes / 1024 / 1024;
}
