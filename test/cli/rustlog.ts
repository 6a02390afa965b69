// Runs the executable as a process, as a shell would. It is compiled once per test run: a process from the sources
// takes three to four times as much processor time.
// Leaves to others: the broker (a test starts one in its own process, or as another process).
import { Broker } from "../../src/broker/broker.js";
import type { BrokerOptions } from "../../src/broker/options.js";
import { executable } from "../support/binary.js";
import { tempDir } from "../support/tmp.js";

/** The path of the executable. Built while this file is loaded, so that no test's time limit covers it. */
export const RUSTLOG = await executable();

/** Options of a run in addition to its arguments. */
export interface RunOptions {
  readonly broker?: string;
  readonly stdin?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
}

/** The result of a run. */
export interface RunResult {
  readonly stdout: string;
  readonly bytes: Uint8Array;
  readonly stderr: string;
  readonly exitCode: number;
}

/** Starts `rustlog ARGS`, with stdin open for writing and both outputs as streams. */
export function spawn(args: readonly string[], options: RunOptions = {}) {
  return Bun.spawn([RUSTLOG, ...args], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
    env: environment(options),
  });
}

/** Runs `rustlog ARGS` to its end. */
export async function run(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const child = Bun.spawn([RUSTLOG, ...args], {
    stdin: Buffer.from(options.stdin ?? ""),
    stdout: "pipe",
    stderr: "pipe",
    env: environment(options),
  });
  return await resultOf(child);
}

/** The result of a process, once it has ended. */
async function resultOf(
  child: Bun.Subprocess<"ignore" | Uint8Array, "pipe", "pipe">,
): Promise<RunResult> {
  const [bytes, stderr, exitCode] = await Promise.all([
    new Response(child.stdout).bytes(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { stdout: new TextDecoder().decode(bytes), bytes, stderr, exitCode };
}

/** Runs `rustlog ARGS` on a terminal of 100 columns and returns its output. */
export async function runOnTerminal(
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  const child = Bun.spawn([RUSTLOG, ...args], {
    env: { TERM: "xterm", ...environment(options) },
    terminal: {
      cols: 100,
      rows: 40,
      data: (_terminal, bytes) => {
        text += decoder.decode(bytes, { stream: true });
      },
    },
  });
  await child.exited;
  return text;
}

/** Runs a shell script in which `rustlog` is the executable, and returns its outputs. */
export async function shell(script: string, options: RunOptions = {}): Promise<RunResult> {
  const define = `rustlog() { "${RUSTLOG}" "$@"; }\n`;
  const child = Bun.spawn(["bash", "-c", define + script], {
    stdout: "pipe",
    stderr: "pipe",
    env: environment(options),
  });
  return await resultOf(child);
}

/** Reads a stream until `isEnough` accepts the text so far. Fails if the stream ends before. */
export async function readUntil(
  stream: ReadableStream<Uint8Array>,
  isEnough: (text: string) => boolean,
): Promise<string> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let text = "";
  while (!isEnough(text)) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`the stream ended with: ${text}`);
    text += decoder.decode(value, { stream: true });
  }
  reader.releaseLock();
  return text;
}

/** The rest of a stream after readUntil. */
export async function readRest(stream: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of stream) text += decoder.decode(chunk, { stream: true });
  return text;
}

/** A broker in this process on a free port, with a temporary directory. */
export async function startBroker(
  options: Partial<BrokerOptions> = {},
): Promise<{ readonly broker: Broker; readonly address: string } & AsyncDisposable> {
  const directory = tempDir();
  const quiet = { flush: { kind: "never" }, log: () => {} } as const;
  const broker = await Broker.start({ dataDir: directory.path, port: 0, ...quiet, ...options });
  return {
    broker,
    address: broker.address,
    [Symbol.asyncDispose]: async () => {
      await broker.stop();
      directory[Symbol.dispose]();
    },
  };
}

function environment(options: RunOptions): Record<string, string> {
  const inherited: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && !name.startsWith("RUSTLOG_")) inherited[name] = value;
  }
  const broker = options.broker === undefined ? {} : { RUSTLOG_BROKER: options.broker };
  return { ...inherited, ...broker, ...options.env };
}
