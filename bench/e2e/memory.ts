// Anonymous memory of the broker: idle, at full speed with a slow reader, with thousands of silent connections.
// Leaves to others: hostile clients (test/clients.ts).
import type { BrokerProcess } from "../../test/support/binary.js";
import type { LoadQuestion } from "./load.js";
import { median } from "../numbers.js";
import { barRow, barSection, type BarRow, type Section } from "../report.js";
import { adminClient, type Bench } from "./setup.js";
import { Worker } from "./worker.js";

const KiB = 1024;
const MiB = KiB * KiB;
const SAMPLE_MS = 250;
const SLOW_READERS = 1;

/** Seconds until the load moves on to a new topic. */
const TOPIC_SECONDS = 5;
const TOPIC_BYTES = 8 * KiB * MiB;

/** The bars of memory. */
export async function memoryBars(bench: Bench): Promise<Section> {
  return barSection("Memory: RssAnon of the broker", [
    await idle(bench),
    ...(await fullSpeed(bench)),
    await idleConnections(bench),
  ]);
}

async function idle(bench: Bench): Promise<BarRow> {
  await using broker = await bench.broker();
  const samples = await sampledWhile(broker, Bun.sleep(bench.scale.idleSeconds * 1000));
  return barRow("idle", "MiB", "≤", 60, samples);
}

/**
 * A producer at full speed, and a reader that lags behind. Retention runs every five minutes, when the disk could
 * already be full, so the topic is replaced after some seconds.
 */
async function fullSpeed(bench: Bench): Promise<BarRow[]> {
  const seconds = bench.scale.memorySeconds;
  await using broker = await bench.broker("--flush", "never", "--segment-bytes", "64MiB");
  await using client = await adminClient(broker);
  using readers = new Worker<LoadQuestion>("load-process.ts");
  const { port } = broker;
  let bytes = 0;
  const work = async (): Promise<void> => {
    const until = performance.now() + seconds * 1000;
    for (let left = seconds; left > 0; left = (until - performance.now()) / 1000) {
      const topic = bench.name();
      await client.admin().createTopic(topic);
      const secondsMax = Math.min(left, TOPIC_SECONDS);
      const slow = { readers: SLOW_READERS, pauseMs: 200, seconds: secondsMax };
      const produced = bench.run({
        ...{ kind: "produce", port, topic, partitions: 1, connections: 1, inFlight: 16 },
        ...{ recordBytes: KiB, batchBytes: MiB, bytesMax: TOPIC_BYTES, secondsMax },
      });
      await Promise.all([produced, readers.ask({ kind: "slow readers", port, topic, ...slow })]);
      bytes += (await produced).bytes;
      await client.admin().deleteTopic(topic);
    }
  };
  const samples = await sampledWhile(broker, work());
  const third = Math.ceil(samples.length / 3);
  const [before, last] = [samples.slice(third, 2 * third), samples.slice(-third)];
  const gigabytes = (bytes / 1e9).toFixed(1);
  const what = `${seconds} s at full speed (${gigabytes} GB), a slow reader`;
  return [
    barRow(`${what}, at most`, "MiB", "≤", 200, [Math.max(...samples)]),
    barRow(
      `${what}, last third against the one before`,
      ...(["MiB", "≤", 1.2, [median(last)], [median(before)]] as const),
    ),
  ];
}

async function idleConnections(bench: Bench): Promise<BarRow> {
  const connections = bench.scale.idleConnections;
  await using broker = await bench.broker();
  await bench.run({ kind: "connect", port: broker.port, connections });
  const samples = await sampledWhile(broker, Bun.sleep(bench.scale.idleSeconds * 1000));
  await bench.run({ kind: "disconnect" });
  return barRow(`${connections} idle connections`, "MiB", "≤", 150, samples);
}

/** Samples the broker's memory until `done` settles. */
async function sampledWhile(broker: BrokerProcess, done: Promise<unknown>): Promise<number[]> {
  const samples: number[] = [];
  const timer = setInterval(() => samples.push(broker.rssAnonMiB), SAMPLE_MS);
  try {
    await done;
  } finally {
    clearInterval(timer);
  }
  samples.push(broker.rssAnonMiB);
  return samples;
}
