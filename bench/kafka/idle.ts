// A broker with Kafka clients that ask for little: time from its start to the first Metadata response, and memory.
// Leaves to others: the native protocol's start and memory (../e2e/start.ts, ../e2e/memory.ts).
import { FrameDecoder } from "../../src/net/frame.js";
import { ApiVersions } from "../../src/protocol/kafka/api-versions.js";
import { encodeRequest } from "../../src/protocol/kafka/headers.js";
import { Metadata } from "../../src/protocol/kafka/metadata.js";
import { BrokerProcess, executable } from "../../test/support/binary.js";
import { adminClient, type Bench } from "../e2e/setup.js";
import { barRow, barSection, type Section } from "../report.js";

const FRAME_BYTES_MAX = 1024 * 1024;
const START_MS = 50;
const MEMORY_MIB = 60;
const CONNECTIONS = 100;
const RECORD_BYTES = 100;

/** The version that most clients use. */
const header = (apiVersion: number) => ({ apiVersion, correlationId: 1, clientId: "bench" });

/** Connects, sends a request and waits for its response. The caller closes the socket. */
async function ask(port: number, frame: Uint8Array): Promise<Bun.Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const decoder = new FrameDecoder({ frameBytesMax: FRAME_BYTES_MAX });
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      data(_socket, chunk) {
        decoder.feed(chunk);
        if (decoder.next() !== undefined) resolve();
      },
      close: () => reject(new Error("the connection was closed")),
    },
  });
  socket.write(frame);
  await promise;
  return socket;
}

export async function startBars(bench: Bench): Promise<Section> {
  const request = encodeRequest(Metadata, header(9), {
    ...{ topics: null, includeClusterAuthorizedOperations: false },
    includeTopicAuthorizedOperations: false,
  });
  await executable();
  const taken: number[] = [];
  for (let round = 0; round <= bench.scale.rounds; round++) {
    const beganMs = performance.now();
    await using broker = await BrokerProcess.start(bench.path());
    const socket = await ask(broker.port, request);
    if (round > 0) taken.push(performance.now() - beganMs);
    socket.end();
  }
  const what = "start to the first Metadata response, empty directory";
  return barSection("Kafka's protocol: start", [barRow(what, "ms", "≤", START_MS, taken)]);
}

export async function memoryBars(bench: Bench): Promise<Section> {
  await using broker = await bench.broker("--flush", "never");
  await using client = await adminClient(broker);
  const topic = bench.name();
  await client.admin().createTopic(topic);
  const batchBytes = 1_000_000;
  const requests = Math.ceil((bench.scale.records * RECORD_BYTES) / batchBytes);
  const { records } = await bench.run({
    ...{ kind: "frames", protocol: "kafka", api: "produce", port: broker.port, topic },
    ...{ recordBytes: RECORD_BYTES, batchBytes, inFlight: 5, places: 1, requests },
  });
  const hello = { clientSoftwareName: "bench", clientSoftwareVersion: "1" };
  const request = encodeRequest(ApiVersions, header(3), hello);
  const sockets: Bun.Socket[] = [];
  for (let i = 0; i < CONNECTIONS; i++) sockets.push(await ask(broker.port, request));
  const samples: number[] = [];
  const until = performance.now() + bench.scale.idleSeconds * 1000;
  do {
    samples.push(broker.rssAnonMiB);
    await Bun.sleep(50);
  } while (performance.now() < until);
  for (const socket of sockets) socket.terminate();
  const what = `anonymous memory after ${records} records, with ${CONNECTIONS} idle connections`;
  return barSection("Kafka's protocol: memory", [barRow(what, "MiB", "≤", MEMORY_MIB, samples)]);
}
