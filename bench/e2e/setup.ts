// Shared by all parts of a measurement: the directory, the sizes, the processes, and runs in pairs.
// Leaves to others: the measurements.
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Client, connect } from "../../src/index.js";
import { BrokerProcess } from "../../test/support/binary.js";
import type { LoadQuestion, LoadResult, ProduceLoad } from "./load.js";
import { makeBatch, produceFrameBytes } from "./load.js";
import type { ProbeQuestion } from "./probe.js";
import { Worker } from "./worker.js";

const MiB = 1024 * 1024;
const TMPFS_MAGIC = 0x01021994;
const CLOCK_TICKS_A_SECOND = 100;

/** Amount of work. */
export interface Scale {
  /** Counted pairs of runs, after a warm-up pair. */
  readonly rounds: number;
  /** Maximum bytes and seconds of a run. */
  readonly runBytes: number;
  readonly runSeconds: number;
  /** Sizes of the matrix. */
  readonly recordSizes: readonly number[];
  readonly connections: readonly number[];
  /** Requests of a run for one latency. */
  readonly requests: number;
  /** Requests of a run that compares protocols. */
  readonly frames: number;
  /** Bytes of sealed data to fetch. */
  readonly sealedBytes: number;
  readonly sealedSegments: number;
  /** Records of a run of a producer or a consumer. */
  readonly records: number;
  readonly idleConnections: number;
  /** How long to watch an idle broker. */
  readonly idleSeconds: number;
  readonly memorySeconds: number;
}

/** The sizes of docs/PERFORMANCE.md, a reduced set, and a minimal one. */
export const SCALES = {
  whole: {
    rounds: 5,
    runBytes: 256 * MiB,
    runSeconds: 1.5,
    recordSizes: [100, 1024, 100 * 1024],
    connections: [1, 4, 64],
    requests: 500,
    frames: 200_000,
    sealedBytes: 256 * MiB,
    sealedSegments: 1_000,
    records: 3_000_000,
    idleConnections: 10_000,
    idleSeconds: 2,
    memorySeconds: 20,
  },
  quick: {
    rounds: 3,
    runBytes: 128 * MiB,
    runSeconds: 0.5,
    recordSizes: [1024],
    connections: [1, 64],
    requests: 200,
    frames: 100_000,
    sealedBytes: 128 * MiB,
    sealedSegments: 1_000,
    records: 1_000_000,
    idleConnections: 10_000,
    idleSeconds: 2,
    memorySeconds: 5,
  },
  tiny: {
    rounds: 1,
    runBytes: 128 * 1024,
    runSeconds: 0.02,
    recordSizes: [1024],
    connections: [2],
    requests: 3,
    frames: 10,
    sealedBytes: 4 * MiB,
    sealedSegments: 3,
    records: 200,
    idleConnections: 10,
    idleSeconds: 0.3,
    memorySeconds: 0.3,
  },
} as const satisfies Record<string, Scale>;

/** A directory for measurements, with helpers. Disposing of it, or the end of the process, removes it. */
export class Bench implements Disposable {
  readonly scale: Scale;
  readonly directory: string;
  #load: Worker<LoadQuestion> | undefined;
  #probe: Worker<ProbeQuestion> | undefined;
  #names = 0;

  /** Creates a directory in `parent`, by default on a real disk rather than in memory. */
  constructor(scale: Scale, parent: string = diskDirectory()) {
    this.scale = scale;
    mkdirSync(parent, { recursive: true });
    this.directory = mkdtempSync(join(parent, "rustlog-bench-"));
    for (const signal of ["SIGINT", "SIGTERM"] as const)
      process.once(signal, () => process.exit(1));
    process.on("exit", () => this[Symbol.dispose]());
  }

  /** The client side. It starts when it is first needed, in a warm-up. */
  get load(): Worker<LoadQuestion> {
    this.#load ??= new Worker("load-process.ts");
    return this.#load;
  }

  /** The bare server, likewise. */
  get probe(): Worker<ProbeQuestion> {
    this.#probe ??= new Worker("probe.ts");
    return this.#probe;
  }

  /** A new name. All names have the same length, so that frames do too. */
  name(): string {
    return `bench-${String(++this.#names).padStart(6, "0")}`;
  }

  /** A path in the directory. */
  path(name = this.name()): string {
    return join(this.directory, name);
  }

  /** A broker on a new directory. */
  async broker(...args: string[]): Promise<BrokerProcess> {
    return await BrokerProcess.start(this.path(), ...args);
  }

  /** Runs a load. Warms memory before one that writes. */
  run(load: LoadQuestion): Promise<LoadResult> {
    if (load.kind === "produce" || load.kind === "write") this.warmMemory();
    return this.load.ask(load);
  }

  /**
   * Writes and removes a file as large as the data of a run. On a virtual machine the first touch of memory is slow
   * (ten times slower was seen), and free memory returns to the host after seconds, so this runs before each run.
   */
  warmMemory(): void {
    const path = this.path("warm");
    const block = new Uint8Array(MiB).fill(1);
    const fd = openSync(path, "w");
    const bytes = this.scale.runBytes * 1.25;
    for (let done = 0; done < bytes; done += block.length) writeSync(fd, block);
    closeSync(fd);
    rmSync(path);
  }

  [Symbol.dispose](): void {
    this.#load?.[Symbol.dispose]();
    this.#probe?.[Symbol.dispose]();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function diskDirectory(): string {
  return statfsSync(tmpdir()).type === TMPFS_MAGIC ? "/var/tmp" : tmpdir();
}

/** A produce load without its destination. */
export type ProduceShape = Omit<ProduceLoad, "kind" | "port" | "topic" | "bytesMax" | "secondsMax">;

/** Result of a load, and the CPU time of the server. */
export interface ServedResult extends LoadResult {
  readonly cpuSeconds: number;
}

/** One run against a broker, on a new topic that is deleted afterwards. */
export async function produceToBroker(
  bench: Bench,
  broker: BrokerProcess,
  client: Client,
  shape: ProduceShape,
): Promise<ServedResult> {
  const topic = bench.name();
  await client.admin().createTopic(topic, { partitions: shape.partitions });
  const result = await served(bench, broker.pid, { ...shape, port: broker.port, topic });
  await client.admin().deleteTopic(topic);
  return result;
}

/** The same load against a bare server that appends all bytes. */
export async function produceToProbe(
  bench: Bench,
  shape: ProduceShape,
  flush: boolean,
): Promise<ServedResult> {
  const topic = bench.name();
  const { batch } = makeBatch(shape.recordBytes, shape.batchBytes);
  const frameBytes = produceFrameBytes(topic, batch.length);
  const file = bench.path();
  const port = await bench.probe.ask<number>({ kind: "produce", frameBytes, file, flush });
  const result = await served(bench, bench.probe.pid, { ...shape, port, topic });
  await bench.probe.ask({ kind: "stop" });
  return result;
}

async function served(
  bench: Bench,
  pid: number,
  load: ProduceShape & { readonly port: number; readonly topic: string },
): Promise<ServedResult> {
  const { runBytes, runSeconds } = bench.scale;
  const before = cpuSeconds(pid);
  const bounds = { bytesMax: runBytes, secondsMax: runSeconds };
  const result = await bench.run({ kind: "produce", ...load, ...bounds });
  return { ...result, cpuSeconds: cpuSeconds(pid) - before };
}

/** Results of `rounds` pairs in sequence, after a warm-up pair. */
export async function inPairs<A, B>(
  rounds: number,
  first: () => Promise<A>,
  second: () => Promise<B>,
): Promise<{ readonly first: A[]; readonly second: B[] }> {
  await first();
  await second();
  const results = { first: [] as A[], second: [] as B[] };
  for (let round = 0; round < rounds; round++) {
    results.first.push(await first());
    results.second.push(await second());
  }
  return results;
}

/** A client for setup around the measurements. */
export function adminClient(broker: BrokerProcess): Promise<Client> {
  return connect({ broker: broker.address });
}

/** Megabytes per second. */
export function megabytesASecond(result: LoadResult): number {
  return result.bytes / result.seconds / 1e6;
}

/** CPU seconds that a process has used, in user and kernel mode. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name of the program, in brackets, may contain spaces.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_A_SECOND;
}
