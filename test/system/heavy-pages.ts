// Pages, scrapes and lookups that cost a broker more than they cost the client, for test/fairness.ts.
// Leaves to others: requests on the clients' port (heavy-requests.ts), and measuring (../fairness.ts).
import { connect } from "../../src/client/client.js";
import { BY_NO_MEMBER, OffsetCommit } from "../../src/protocol/native/offsets.js";
import { BatchEncoder } from "../../src/record/encoder.js";
import type { BrokerProcess } from "../support/binary.js";
import { Session } from "../support/broker.js";
import { RawClient } from "../support/raw-client.js";
import { type Heavy, makeGroups } from "./heavy-requests.js";

const UI = ["--ui", "0"];

function urlOf({ lines }: BrokerProcess): URL {
  const url = lines.flatMap((line) => /^Page on (\S+)$/.exec(line)?.[1] ?? []).at(-1);
  if (url === undefined) throw new Error(`there is no page: ${lines.join("\n")}`);
  return new URL(url);
}

/** Requests paths concurrently; returns the lengths of the answers, and the duration of the last one. */
async function ask(broker: BrokerProcess, paths: readonly string[]): Promise<string> {
  const began = performance.now();
  const answers = paths.map(async (path) => {
    const response = await fetch(new URL(path, urlOf(broker)));
    return `${response.status}: ${(await response.text()).length} bytes`;
  });
  const said = new Set(await Promise.all(answers));
  return `${[...said].slice(0, 4).join(", ")} in ${(performance.now() - began).toFixed(0)} ms`;
}

/** Opens pages that never read, or read everything. */
async function pages(broker: BrokerProcess, count: number, isReading: boolean): Promise<string> {
  const { port, host } = urlOf(broker);
  const request = `GET /api/events HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
  let bytes = 0;
  const sockets = await Promise.all(
    Array.from({ length: count }, () =>
      Bun.connect({
        hostname: "127.0.0.1",
        port: Number(port),
        socket: {
          data: (_, chunk) => {
            bytes += chunk.length;
          },
        },
      }),
    ),
  );
  for (const socket of sockets) {
    if (!isReading) socket.pause();
    socket.write(request);
  }
  await Bun.sleep(8_000);
  for (const socket of sockets) socket.end();
  return `${count} pages, ${(bytes / 1024 / 1024).toFixed(1)} MiB were read`;
}

async function createTopics(broker: BrokerProcess, topics: number, partitions: number) {
  const client = await connect({ broker: broker.address, requestTimeoutMs: 120_000 });
  for (let i = 0; i < topics; i++) {
    await client.admin().createTopic(`topic-${String(i).padStart(4, "0")}`, { partitions });
  }
  await client.close();
}

/** 40 groups that have committed an offset for each of 5,000 partitions. */
async function commitWidely(broker: BrokerProcess): Promise<void> {
  await createTopics(broker, 1, 5_000);
  using session = await Session.connect(broker.port);
  const offsets = Array.from({ length: 5_000 }, (_, partition) => ({
    ...{ topic: "topic-0000", partition, offset: 0 },
  }));
  for (let i = 1; i <= 40; i++) {
    session.client.send(
      OffsetCommit.encodeRequest(i, { ...BY_NO_MEMBER, group: `group-${i}`, offsets }),
    );
    await session.client.response(i);
  }
}

/** All kinds. */
export const HEAVY_PAGES: readonly Heavy[] = [
  {
    name: "page: 5 lookups and 5 dumps of a batch that decompresses to 250 MB",
    args: UI,
    prepare: async (broker) => {
      using session = await Session.connect(broker.port);
      const encoder = new BatchEncoder({ codec: "gzip" });
      encoder.append(1000, "key", new Uint8Array(250_000_000));
      await session.produce("t", 0, encoder.finish());
    },
    run: (broker) =>
      ask(
        broker,
        Array.from({ length: 10 }, (_, i) =>
          i % 2 === 0
            ? "/api/topics/t/0/lookup?offset=0"
            : "/api/topics/t/0/batch?segment=0&position=0",
        ),
      ),
  },
  {
    name: "page: 64 pages that never read, 200,000 committed offsets",
    args: UI,
    prepare: commitWidely,
    run: (broker) => pages(broker, 64, false),
  },
  {
    name: "page: 64 pages that read, 200,000 committed offsets",
    args: UI,
    prepare: commitWidely,
    run: (broker) => pages(broker, 64, true),
  },
  {
    name: "page: 10 pages, 1,000,000 groups",
    args: [...UI, "--offsets", "memory"],
    prepare: (broker) => makeGroups(broker, 1_000_000),
    run: (broker) => pages(broker, 10, true),
  },
  {
    name: "page: 10 scrapes, 1,000,000 groups",
    args: [...UI, "--offsets", "memory"],
    prepare: (broker) => makeGroups(broker, 1_000_000),
    run: (broker) =>
      ask(
        broker,
        Array.from({ length: 10 }, () => "/metrics"),
      ),
  },
  {
    name: "page: 10 filters that find nothing, 1,000,000 groups",
    args: [...UI, "--offsets", "memory"],
    prepare: (broker) => makeGroups(broker, 1_000_000),
    run: (broker) =>
      ask(
        broker,
        Array.from({ length: 10 }, () => "/api/groups?filter=absent"),
      ),
  },
  {
    name: "page: 64 pages of 500 topics with 20 partitions each",
    args: UI,
    prepare: (broker) => createTopics(broker, 500, 20),
    run: (broker) => pages(broker, 64, true),
  },
  {
    name: "page: 8 scrapes of 500 topics with 20 partitions each",
    args: UI,
    prepare: (broker) => createTopics(broker, 500, 20),
    run: (broker) =>
      ask(
        broker,
        Array.from({ length: 8 }, () => "/metrics"),
      ),
  },
  {
    name: "page: 4,000 requests without a Host, 20 at a time",
    args: UI,
    prepare: (broker) => createTopics(broker, 1, 1),
    run: async (broker) => {
      const text = "GET /api/topics/topic-0000/0/segments HTTP/1.0\r\n\r\n";
      const bytes = new TextEncoder().encode(text);
      const port = Number(urlOf(broker).port);
      for (let i = 0; i < 200; i++) {
        const clients = await Promise.all(
          Array.from({ length: 20 }, () => RawClient.connect(port)),
        );
        for (const client of clients) client.send(bytes);
        await Promise.all(clients.map((client) => client.closed));
      }
      return "sent";
    },
  },
];
