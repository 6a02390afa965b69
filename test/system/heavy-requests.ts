// Requests that cost a broker much more than they cost their sender, for test/fairness.ts.
// Leaves to others: measuring the effect on another client.
import { connect } from "../../src/client/client.js";
import { pageAfter } from "../../src/protocol/native/page.js";
import { BY_NO_MEMBER, OffsetCommit, OffsetFetch } from "../../src/protocol/native/offsets.js";
import { CreateTopic, DescribeTopic, ListTopics } from "../../src/protocol/native/topics.js";
import { describeAfter, DescribeGroup, ListGroups } from "../../src/protocol/native/groups.js";
import { Fetch } from "../../src/protocol/native/fetch.js";
import type { BrokerProcess } from "../support/binary.js";
import { batchOf, errorOf, pingFrame, Session } from "../support/broker.js";
import { RawClient } from "../support/raw-client.js";
import { encodeProduceRequest } from "../support/whole-frames.js";
import { StuckClients } from "./stuck-clients.js";
import { concat } from "../support/bytes.js";

/** One kind of heavy client. */
export interface Heavy {
  readonly name: string;
  /** Flags of the broker. */
  readonly args?: readonly string[];
  /** Limit on its open files. */
  readonly openFiles?: number;
  /** Creates the topics and groups, before anything is measured. */
  prepare(broker: BrokerProcess): Promise<void>;
  /** Sends the heavy requests; resolves with their outcome when all of them are answered or sent. */
  run(broker: BrokerProcess): Promise<string>;
}

const MiB = 1024 * 1024;
const FRAME_BYTES = 10 * MiB;

async function createTopic(broker: BrokerProcess, topic: string, partitions = 1): Promise<void> {
  const client = await connect({ broker: broker.address, requestTimeoutMs: 120_000 });
  await client.admin().createTopic(topic, { partitions });
  await client.close();
}

/** A topic of one partition, without records. */
const oneTopic = (broker: BrokerProcess) => createTopic(broker, "t");

/** Sends one frame on each of `count` connections, and returns the answers. */
async function together(port: number, count: number, frame: Uint8Array): Promise<string> {
  const clients = await Promise.all(Array.from({ length: count }, () => RawClient.connect(port)));
  const answers = clients.map((client) => {
    client.send(frame);
    return client.response(1).then(
      (payload) => errorOf(payload)?.slice(0, 90) ?? `${payload.length} bytes`,
      () => "connection lost",
    );
  });
  const said = new Set(await Promise.all(answers));
  for (const client of clients) client[Symbol.dispose]();
  return `answers: ${[...said].join(", ")}`;
}

/** Sends the same request `requests` times on each of `count` connections that never read. */
async function neverRead(
  port: number,
  count: number,
  requests: number,
  encode: (id: number) => Uint8Array,
): Promise<string> {
  const frames = concat(Array.from({ length: requests }, (_, i) => encode(i + 1)));
  using stuck = await StuckClients.connect(port, count, (client) => {
    client.pause();
    client.send(frames);
  });
  await Bun.sleep(8_000);
  return `${stuck.ended} of ${count} connections were closed`;
}

function commitOf(group: string, topic: string, entries: number): Uint8Array {
  const offsets = Array.from({ length: entries }, () => ({ topic, partition: 0, offset: 0 }));
  return OffsetCommit.encodeRequest(1, { ...BY_NO_MEMBER, group, offsets });
}

/** Creates groups `g-0000000` and so on with one committed offset each. */
export async function makeGroups(broker: BrokerProcess, count: number): Promise<void> {
  await oneTopic(broker);
  using session = await Session.connect(broker.port);
  const offsets = [{ topic: "t", partition: 0, offset: 0 }];
  for (let first = 0; first < count; first += 4_000) {
    const ids = Array.from({ length: Math.min(4_000, count - first) }, (_, i) => first + i + 1);
    const group = (id: number) => `g-${String(id).padStart(7, "0")}`;
    session.client.send(
      concat(
        ids.map((id) =>
          OffsetCommit.encodeRequest(id, { ...BY_NO_MEMBER, group: group(id), offsets }),
        ),
      ),
    );
    await session.client.response(ids.at(-1)!);
  }
}

/** A group that has committed an offset for each of 3 topics with 1,600 partitions. */
async function makeWideGroup(broker: BrokerProcess): Promise<void> {
  const client = await connect({ broker: broker.address, requestTimeoutMs: 120_000 });
  for (const topic of ["a", "b", "c"]) {
    await client.admin().createTopic(topic, { partitions: 1_600 });
    const offsets = Array.from({ length: 1_600 }, (_, partition) => ({
      topic,
      partition,
      offset: 0,
    }));
    using session = await Session.connect(broker.port);
    session.client.send(OffsetCommit.encodeRequest(1, { ...BY_NO_MEMBER, group: "wide", offsets }));
    await session.client.response(1);
  }
  await client.close();
}

/** All kinds. */
export const HEAVY: readonly Heavy[] = [
  {
    name: "nothing else",
    prepare: oneTopic,
    run: () => Bun.sleep(3_000).then(() => "idle"),
  },
  {
    name: "8 x OffsetCommit, one partition 699,033 times",
    prepare: oneTopic,
    run: ({ port }) => together(port, 8, commitOf("g".repeat(249), "t", 699_033)),
  },
  {
    name: "8 x OffsetCommit, one partition 10,000 times",
    prepare: oneTopic,
    run: ({ port }) => together(port, 8, commitOf("g".repeat(249), "t", 10_000)),
  },
  {
    name: "8 x 10 legal OffsetCommits of 5,000 partitions",
    prepare: (broker) => createTopic(broker, "t", 5_000),
    run: async ({ port }) => {
      const offsets = Array.from({ length: 5_000 }, (_, i) => ({
        topic: "t",
        partition: i,
        offset: 0,
      }));
      const clients = await Promise.all(Array.from({ length: 8 }, () => RawClient.connect(port)));
      const answers = clients.map((client, c) => {
        for (let id = 1; id <= 10; id++) {
          const group = `${c}-${id}`.padEnd(249, "g");
          client.send(OffsetCommit.encodeRequest(id, { ...BY_NO_MEMBER, group, offsets }));
        }
        return client.response(10).then((payload) => errorOf(payload) ?? "done");
      });
      return [...new Set(await Promise.all(answers))].join(", ");
    },
  },
  {
    name: "4 x OffsetFetch of 1.5M partitions",
    prepare: oneTopic,
    run: ({ port }) => {
      const partitions = Array.from({ length: 1_490_000 }, () => ({ topic: "t", partition: 0 }));
      return together(port, 4, OffsetFetch.encodeRequest(1, { group: "g", partitions }));
    },
  },
  {
    name: "4 x CreateTopic with 1M settings",
    prepare: oneTopic,
    run: ({ port }) => {
      const settings = Array.from({ length: FRAME_BYTES / 10 }, () => ({ name: "", value: "1" }));
      const request = { topic: "s", partitions: 1, settings };
      return together(port, 4, CreateTopic.encodeRequest(1, request));
    },
  },
  {
    name: "300 connections pipeline DescribeTopic of 3,000 partitions, never read",
    prepare: (broker) => createTopic(broker, "t", 3_000),
    run: ({ port }) =>
      neverRead(port, 300, 1_000, (id) =>
        DescribeTopic.encodeRequest(id, { topic: "t", createIfMissing: false }),
      ),
  },
  {
    name: "300 connections, one DescribeTopic of 5,000 partitions each",
    prepare: (broker) => createTopic(broker, "t", 5_000),
    run: ({ port }) =>
      together(port, 300, DescribeTopic.encodeRequest(1, { topic: "t", createIfMissing: false })),
  },
  {
    name: "100 connections pipeline ListTopics of 4,000 topics, never read",
    prepare: async (broker) => {
      const client = await connect({ broker: broker.address, requestTimeoutMs: 120_000 });
      for (let i = 0; i < 4_000; i += 50) {
        await Promise.all(
          Array.from({ length: 50 }, (_, j) =>
            client.admin().createTopic(`topic-${i + j}`.padEnd(200, "x"), { partitions: 1 }),
          ),
        );
      }
      await client.close();
    },
    run: ({ port }) =>
      neverRead(port, 100, 1_000, (id) => ListTopics.encodeRequest(id, pageAfter())),
  },
  {
    name: "100 connections pipeline DescribeGroup of 4,800 rows, never read",
    prepare: makeWideGroup,
    run: ({ port }) =>
      neverRead(port, 100, 1_000, (id) => DescribeGroup.encodeRequest(id, describeAfter("wide"))),
  },
  {
    name: "20 x ListGroups of 1,000,000 groups",
    args: ["--offsets", "memory"],
    prepare: (broker) => makeGroups(broker, 1_000_000),
    run: ({ port }) => together(port, 20, ListGroups.encodeRequest(1, pageAfter())),
  },
  {
    name: "500 connections flood pings",
    prepare: oneTopic,
    run: async ({ port }) => {
      const frames = concat(Array.from({ length: 50_000 }, (_, i) => pingFrame(i + 1)));
      const clients = await Promise.all(Array.from({ length: 500 }, () => RawClient.connect(port)));
      for (const client of clients) client.send(frames);
      await Bun.sleep(5_000);
      for (const client of clients) client[Symbol.dispose]();
      return "sent";
    },
  },
  {
    name: "40 connections flood 7 MiB batches",
    args: ["--flush", "never"],
    prepare: oneTopic,
    run: async ({ port }) => {
      const batch = batchOf("v".repeat(7 * 1024 * 1024));
      const frame = encodeProduceRequest(1, { topic: "t", partition: 0, batch });
      const clients = await Promise.all(Array.from({ length: 40 }, () => RawClient.connect(port)));
      const done = clients.map(async (client) => {
        client.send(frame);
        await client.response(1);
        client[Symbol.dispose]();
      });
      await Promise.allSettled(done);
      return "produced";
    },
  },
  {
    name: "97,500 fetches wait for one batch",
    args: ["--flush", "never"],
    prepare: oneTopic,
    run: async ({ port }) => {
      using session = await Session.connect(port);
      const fetches = concat(
        Array.from({ length: 3_900 }, (_, i) => fetchOf(i + 1, { minBytes: 1, maxWaitMs: 60_000 })),
      );
      const clients = await Promise.all(Array.from({ length: 25 }, () => RawClient.connect(port)));
      for (const client of clients) client.send(fetches);
      await Bun.sleep(2_000);
      await session.produce("t", 0, batchOf("v"));
      await Promise.all(clients.map((client) => client.response(3_900)));
      for (const client of clients) client[Symbol.dispose]();
      return "answered";
    },
  },
  {
    name: "50 connections fetch 10 MiB of 4,000 segments of 1 KiB",
    args: ["--flush", "never", "--segment-bytes", "1KiB"],
    prepare: async (broker) => {
      await oneTopic(broker);
      using session = await Session.connect(broker.port);
      const batch = batchOf("v".repeat(1_000));
      for (let i = 0; i < 4_000; i++) await session.produce("t", 0, batch);
    },
    run: ({ port }) => together(port, 50, fetchOf(1, {})),
  },
  {
    name: "60 connections read 180 MiB each",
    args: ["--flush", "never"],
    prepare: async (broker) => {
      await oneTopic(broker);
      using session = await Session.connect(broker.port);
      const batch = batchOf("v".repeat(1024 * 1024));
      for (let i = 0; i < 32; i++) await session.produce("t", 0, batch);
    },
    run: async ({ port }) => {
      const frames = concat(Array.from({ length: 20 }, (_, i) => fetchOf(i + 1, {})));
      await Promise.all(Array.from({ length: 60 }, () => readBytes(port, frames, 180 * MiB)));
      return "read";
    },
  },
];

/** Sends requests, and reads that many bytes of answers. */
function readBytes(port: number, frames: Uint8Array, bytes: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let left = bytes;
  void Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      open: (socket) => void socket.write(frames),
      data(socket, chunk) {
        left -= chunk.length;
        if (left <= 0) {
          resolve();
          socket.end();
        }
      },
      close: () => reject(new Error(`closed with ${left} bytes to read`)),
    },
  });
  return promise;
}

/** A Fetch of 10 MiB from the start of the topic of `oneTopic`. */
function fetchOf(
  id: number,
  { minBytes = 0, maxWaitMs = 0 }: { minBytes?: number; maxWaitMs?: number },
): Uint8Array {
  const range = { group: "", topic: "t", partition: 0, offset: 0, maxBytes: FRAME_BYTES };
  return Fetch.encodeRequest(id, { ...range, minBytes, maxWaitMs });
}
