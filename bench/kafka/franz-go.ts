// The Go program with franz-go (franz-go/main.go), and the brokers that it is run against.
// Leaves to others: what to measure (clients.ts).
import { join } from "node:path";
import { cpuSeconds } from "../e2e/setup.js";

/** A broker that speaks Kafka's protocol, and its process. */
export interface Target {
  readonly address: string;
  readonly pid: number;
}

/** An Apache Kafka that is running already. */
export class KafkaBroker implements Target {
  readonly address: string;
  readonly pid: number;

  private constructor(address: string, pid: number) {
    this.address = address;
    this.pid = pid;
  }

  /** Parses `HOST:PORT,PID`. */
  static parse(text: string): KafkaBroker {
    const [address = "", pid = ""] = text.split(",");
    if (!/:\d+$/.test(address) || !/^\d+$/.test(pid)) {
      throw new Error(`--kafka is HOST:PORT,PID, not ${text}`);
    }
    return new KafkaBroker(address, Number(pid));
  }
}

export interface FranzGoLoad {
  readonly mode: "create" | "delete" | "produce" | "consume" | "latency";
  readonly topic: string;
  readonly records?: number;
  /** Bytes of a value. */
  readonly bytes?: number;
  /** A setting of a new topic: `name=value`. */
  readonly config?: string;
}

/** What a run took. Latencies are those of the mode of that name, in milliseconds. */
export interface FranzGoResult {
  readonly recordsASecond: number;
  /** Microseconds of processor time for a record. */
  readonly brokerCpu: number;
  readonly clientCpu: number;
  readonly p50: number;
  readonly p99: number;
}

interface Output {
  readonly records: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly p50Ms?: number;
  readonly p99Ms?: number;
}

export class FranzGo {
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
  }

  /** Builds the program; undefined without Go. Throws if it can't be built. */
  static build(path: string): FranzGo | undefined {
    if (Bun.which("go") === null) return undefined;
    const built = Bun.spawnSync(["go", "build", "-o", path, "."], {
      cwd: join(import.meta.dir, "franz-go"),
      env: { ...process.env, GOTOOLCHAIN: "local", GOFLAGS: "-buildvcs=false" },
    });
    if (!built.success) throw new Error(`bench/kafka/franz-go: ${built.stderr.toString()}`);
    return new FranzGo(path);
  }

  async run({ address, pid }: Target, load: FranzGoLoad): Promise<FranzGoResult> {
    const args = Object.entries(load).flatMap(([name, value]) => [`-${name}`, String(value)]);
    const before = cpuSeconds(pid);
    const child = Bun.spawn([this.#path, "-broker", address, ...args], {
      stdout: "pipe",
      stderr: "inherit",
    });
    const text = await new Response(child.stdout).text();
    if ((await child.exited) !== 0) throw new Error(`franz-go failed: ${load.mode} on ${address}`);
    const {
      records,
      seconds,
      cpuSeconds: clientSeconds,
      p50Ms,
      p99Ms,
    } = JSON.parse(text) as Output;
    return {
      recordsASecond: records / seconds,
      brokerCpu: ((cpuSeconds(pid) - before) / records) * 1e6,
      clientCpu: (clientSeconds / records) * 1e6,
      p50: p50Ms ?? Number.NaN,
      p99: p99Ms ?? Number.NaN,
    };
  }
}
