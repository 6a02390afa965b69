// Time from starting the process to serving, compared with `--version`.
// Leaves to others: starts after a crash.
import { BrokerProcess, executable } from "../../test/support/binary.js";
import { makeBatch } from "./load.js";
import { barRow, barSection, type Section } from "../report.js";
import { type Bench, inPairs } from "./setup.js";

const SEGMENT_BYTES = 1024;

/** Flags that make a broker seal a segment after each batch of `addSegments`. */
export const SMALL_SEGMENTS = ["--segment-bytes", `${SEGMENT_BYTES}`] as const;

/** The bars of starting: an empty directory, and one of many sealed segments after a clean stop. */
export async function startBars(bench: Bench): Promise<Section> {
  const { rounds, sealedSegments } = bench.scale;
  const empty = await inPairs(rounds, () => startMs(bench.path()), versionMs);
  const filled = bench.path();
  await fillSegments(bench, filled, sealedSegments);
  const full = await inPairs(rounds, () => startMs(filled), versionMs);
  return barSection("Start: from the process to its first line of output, against --version", [
    barRow("start to ready, empty directory", "ms", "≤", 3, empty.first, empty.second),
    barRow(
      `start to ready, ${sealedSegments} sealed segments, clean stop`,
      ...(["ms", "≤", 10, full.first, full.second] as const),
    ),
  ]);
}

/** Milliseconds until a broker serves. Then stops it cleanly. */
export async function startMs(dataDir: string, ...args: string[]): Promise<number> {
  await executable();
  const began = performance.now();
  await using broker = await BrokerProcess.start(dataDir, ...args);
  const taken = performance.now() - began;
  await broker.end("SIGTERM");
  return taken;
}

async function versionMs(): Promise<number> {
  const path = await executable();
  const began = performance.now();
  const child = Bun.spawn([path, "--version"], { stdout: "pipe" });
  await child.stdout.getReader().read();
  const taken = performance.now() - began;
  await child.exited;
  return taken;
}

/** Creates a partition with `segments` sealed segments, and stops its broker cleanly. */
async function fillSegments(bench: Bench, dataDir: string, segments: number): Promise<void> {
  await using broker = await BrokerProcess.start(dataDir, "--flush", "never", ...SMALL_SEGMENTS);
  await addSegments(bench, broker, "sealed", segments);
  await broker.end("SIGTERM");
}

/** Adds sealed segments of one batch each to a topic of a broker whose segments hold no more. */
export async function addSegments(
  bench: Bench,
  broker: BrokerProcess,
  topic: string,
  segments: number,
): Promise<void> {
  const shape = { recordBytes: SEGMENT_BYTES - 100, batchBytes: SEGMENT_BYTES };
  const { batch } = makeBatch(shape.recordBytes, shape.batchBytes);
  await bench.run({
    ...{ kind: "produce", port: broker.port, topic, ...shape },
    ...{ partitions: 1, connections: 1, inFlight: 1 },
    // One more batch, which stays in the active segment.
    ...{ bytesMax: (segments + 1) * batch.length, secondsMax: Number.MAX_SAFE_INTEGER },
  });
}
