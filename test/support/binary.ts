// The compiled executable as a process: built once per run, started on a data directory, observed through /proc, and
// killed at the end of its test, even if that fails. Leaves to others: the requests to it.
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "../..");
/** The first address, of several. */
const STARTED = /^Broker started on (\S+)(?: and .+)?$/;

const alive = new Set<Bun.Subprocess>();
let built: Promise<string> | undefined;

/** Whether this process is one of several that `bun test --parallel` has started: they share an executable. */
const isWorker = process.env.BUN_TEST_WORKER_ID !== undefined;

const directory = join(tmpdir(), "rustlog-test-binaries");
const path = join(directory, nameOf(isWorker ? process.ppid : process.pid) ?? "unknown");
/** A link that names the process that builds for all workers. */
const builder = `${path}.builder`;

/** A name for a process that no later one gets: its id, and when it was started. Undefined if it has ended. */
function nameOf(pid: number): string | undefined {
  try {
    const afterName = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1) ?? "";
    return `${pid}-${afterName.split(" ")[19]}`;
  } catch {
    return undefined;
  }
}

// For benchmarks and long tests. `bun test` calls no exit listener, so a later run cleans up.
process.on("exit", () => {
  for (const child of alive) child.kill("SIGKILL");
  if (!isWorker) rmSync(path, { force: true });
});

/** Names an executable that is there already: a test that starts a script which needs one passes it its own. */
export const EXECUTABLE_VARIABLE = "TEST_EXECUTABLE";

/** The path of the executable; the first call builds it. */
export function executable(): Promise<string> {
  const given = process.env[EXECUTABLE_VARIABLE];
  built ??= given === undefined ? build() : Promise.resolve(given);
  return built;
}

async function build(): Promise<string> {
  mkdirSync(directory, { recursive: true });
  removeOld();
  while (!existsSync(path)) {
    if (isFirst()) await compile();
    else await Bun.sleep(20);
  }
  return path;
}

/** Whether this process is the one that builds for its run. */
function isFirst(): boolean {
  if (!isWorker) return true;
  try {
    symlinkSync(`${process.pid}`, builder);
    return true;
  } catch {
    if (hasEnded(builder)) rmSync(builder, { force: true });
    return false;
  }
}

/** Whether the process that a link names has ended without removing the link. */
function hasEnded(link: string): boolean {
  try {
    return !existsSync(`/proc/${readlinkSync(link)}`);
  } catch {
    return false;
  }
}

async function compile(): Promise<void> {
  const output = `${path}.new`;
  const child = Bun.spawn([process.execPath, ...buildArguments(output)], {
    cwd: directory,
    stdout: "ignore",
    stderr: "pipe",
  });
  const stderr = await new Response(child.stderr).text();
  if ((await child.exited) === 0) renameSync(output, path);
  // Another worker may try, and says then why it fails.
  if (isWorker) rmSync(builder, { force: true });
  if (!existsSync(path)) throw new Error(`the executable could not be built: ${stderr}`);
}

/** The arguments of `npm run build`, with another output path, so that tests run the same executable as users. */
function buildArguments(path: string): string[] {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const [bun, ...words] = String(scripts.build).split(" ");
  const output = words.indexOf("--outfile") + 1;
  const isEntry = (word: string): boolean => word.startsWith("src/");
  if (bun !== "bun" || output === 0 || !words.some(isEntry)) {
    throw new Error(`unexpected build script: ${scripts.build}`);
  }
  return words.with(output, path).map((word) => (isEntry(word) ? join(ROOT, word) : word));
}

/** Removes the executables of runs that have ended. */
function removeOld(): void {
  for (const name of readdirSync(directory)) {
    const [run = "", pid] = /^(\d+)[^.]*/.exec(name) ?? [];
    if (pid !== undefined && nameOf(Number(pid)) !== run)
      rmSync(join(directory, name), { force: true });
  }
}

/** Settings of RustLog, and those of the runtime, which users don't have. */
const OF_TESTS = /^(?:RUSTLOG|BUN_JSC)_/;

/** The environment of a run: ours without such settings, plus `more`. */
export function environment(more: Readonly<Record<string, string>> = {}): Record<string, string> {
  const ours = Object.entries(process.env).filter(([name]) => !OF_TESTS.test(name));
  return { ...Object.fromEntries(ours.map(([name, value]) => [name, value ?? ""])), ...more };
}

/** The output of a run. */
export interface BinaryResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/** Runs a bash script to its end. `$RUSTLOG` is the executable, and RUSTLOG_BROKER the broker. */
export async function runScript(script: string, broker = ""): Promise<BinaryResult> {
  const env = environment({ RUSTLOG: await executable(), RUSTLOG_BROKER: broker });
  const child = Bun.spawn(["bash", "-c", script], { stdout: "pipe", stderr: "pipe", env });
  alive.add(child);
  const [stdout, stderr, exitCode] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  alive.delete(child);
  return { stdout, stderr, exitCode };
}

/** A broker in its own process. Disposing of it kills it. */
export class BrokerProcess implements AsyncDisposable {
  readonly #child: Bun.Subprocess<"ignore", "pipe", "pipe">;
  /** Lines printed so far, including stderr. */
  readonly lines: string[] = [];
  readonly #started = Promise.withResolvers<string | undefined>();
  readonly #read: Promise<unknown>;
  /** `host:port`; empty before it has started. */
  address = "";

  readonly dataDir: string;

  private constructor(child: Bun.Subprocess<"ignore", "pipe", "pipe">, dataDir: string) {
    this.#child = child;
    this.dataDir = dataDir;
    alive.add(child);
    this.#read = Promise.all([this.#readLines(child.stdout), this.#readLines(child.stderr)]).then(
      () => this.#started.resolve(undefined),
    );
  }

  /** Launches a broker, by default on a free port of this machine. */
  static async launch(dataDir: string, ...args: string[]): Promise<BrokerProcess> {
    const command = [await executable(), "broker", "--port", "0", "--data-dir", dataDir, ...args];
    const io = { stdin: "ignore", stdout: "pipe", stderr: "pipe" } as const;
    return new BrokerProcess(Bun.spawn(command, { ...io, env: environment() }), dataDir);
  }

  /** Starts a broker and waits until it serves. Throws its output if it ends instead. */
  static async start(dataDir: string, ...args: string[]): Promise<BrokerProcess> {
    const broker = await BrokerProcess.launch(dataDir, ...args);
    if (!(await broker.hasStarted())) {
      throw new Error(`the broker did not start: ${broker.lines.join("\n")}`);
    }
    return broker;
  }

  /** Like `start`, with a limit on open files, including sockets. */
  static async startWithOpenFiles(
    openFiles: number,
    dataDir: string,
    ...args: string[]
  ): Promise<BrokerProcess> {
    const limited = ["bash", "-c", `ulimit -n ${openFiles} && exec "$@"`, "bash"];
    const command = [await executable(), "broker", "--port", "0", "--data-dir", dataDir, ...args];
    const io = { stdin: "ignore", stdout: "pipe", stderr: "pipe" } as const;
    const broker = new BrokerProcess(
      Bun.spawn([...limited, ...command], { ...io, env: environment() }),
      dataDir,
    );
    await broker.hasStarted();
    return broker;
  }

  /** Resolves with true when it serves, or with false when it has ended. */
  async hasStarted(): Promise<boolean> {
    return (await this.#started.promise) !== undefined;
  }

  get pid(): number {
    return this.#child.pid;
  }

  get port(): number {
    return Number(this.address.split(":").at(-1));
  }

  /** Lines that report something, without the banner, the listening address, and clients of other protocols. */
  get reports(): string[] {
    const usual =
      /^[╔║╚]|^Data directory:|^Broker started on|^Stopping:|^Broker stopped|^\d+ connections will be|a connection was closed: (?:it is (?:of|from) an? |it starts with |its first frame|no protocol)/;
    return this.lines.filter((line) => !usual.test(line));
  }

  /** Sends a signal. Resolves with the exit code, or the negative number of the signal that ended the process. */
  async end(signal: "SIGTERM" | "SIGINT" | "SIGKILL"): Promise<number> {
    this.#child.kill(signal);
    return await this.exited();
  }

  /** Resolves when the process has ended and its output is read. */
  async exited(): Promise<number> {
    await this.#child.exited;
    await this.#read;
    alive.delete(this.#child);
    return this.#child.exitCode ?? -1;
  }

  /** Resident anonymous memory, in MiB: without mappings of files. */
  get rssAnonMiB(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, "utf8");
    return Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
  }

  /** Number of open descriptors. */
  get descriptors(): number {
    return readdirSync(`/proc/${this.pid}/fd`).length;
  }

  /** Number of mappings of files in the data directory. */
  get mappings(): number {
    const maps = readFileSync(`/proc/${this.pid}/maps`, "utf8");
    return maps.split("\n").filter((line) => line.includes(this.dataDir)).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end("SIGKILL");
  }

  async #readLines(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of stream) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.#takeLine(line);
    }
    if (rest !== "") this.#takeLine(rest);
  }

  #takeLine(line: string): void {
    this.lines.push(line);
    const address = STARTED.exec(line)?.[1];
    if (address === undefined || this.address !== "") return; // those with TLS follow
    this.address = address;
    this.#started.resolve(address);
  }
}

/** A port that nobody listens on, outside the range of ephemeral ports. */
export function quietPort(): number {
  for (;;) {
    const port = 10_240 + Math.floor(Math.random() * 22_000);
    try {
      Bun.listen({ hostname: "127.0.0.1", port, socket: { data() {} } }).stop(true);
      return port;
    } catch {
      // In use: try another one.
    }
  }
}
