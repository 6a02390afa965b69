// A client with a light, steady load that measures its waits: a ping and a 1 KiB produce every 10 ms.
// It runs in its own process, so that the work of the other clients does not count as the broker's time. As a
// program it runs until its stdin ends, and then prints the longest waits.
// Leaves to others: what the others do meanwhile (test/fairness.ts).
import { batchOf, pingFrame, Session } from "../support/broker.js";
import { encodeProduceRequest } from "../support/whole-frames.js";
import { Produce } from "../../src/protocol/native/produce.js";

const EVERY_MS = 10;
const VALUE = "v".repeat(1024);

/** The longest that a steady client waited, in milliseconds, counted from the time its request was due. */
export interface LongestWaits {
  readonly pingMs: number;
  readonly produceMs: number;
}

/** A steady client in its own process. */
export class SteadyClient {
  readonly #child: Bun.Subprocess<"pipe", "pipe", "inherit">;
  readonly #output;

  private constructor(child: Bun.Subprocess<"pipe", "pipe", "inherit">) {
    this.#child = child;
    this.#output = child.stdout.getReader();
  }

  /** Starts one; resolves once its first requests are answered. */
  static async start(port: number, topic: string): Promise<SteadyClient> {
    const command = [process.execPath, import.meta.path, String(port), topic];
    const io = { stdin: "pipe", stdout: "pipe", stderr: "inherit" } as const;
    const client = new SteadyClient(Bun.spawn(command, io));
    await client.#read();
    return client;
  }

  /** Ends it. */
  async stop(): Promise<LongestWaits> {
    await this.#child.stdin.end();
    const waits: LongestWaits = JSON.parse(await this.#read());
    await this.#child.exited;
    return waits;
  }

  async #read(): Promise<string> {
    const { value, done } = await this.#output.read();
    if (done) throw new Error("the steady client failed");
    return new TextDecoder().decode(value);
  }
}

/** Calls `ask` at a steady pace, one at a time, until `isOver`; resolves with the longest wait. */
async function longestWait(isOver: () => boolean, ask: () => Promise<unknown>): Promise<number> {
  let longest = 0;
  let dueMs = performance.now();
  while (!isOver()) {
    await ask();
    const nowMs = performance.now();
    longest = Math.max(longest, nowMs - dueMs);
    // A request that was due while the previous one was pending is not sent late: one stall counts once.
    dueMs = Math.max(dueMs + EVERY_MS, nowMs);
    await Bun.sleep(Math.max(0, dueMs - performance.now()));
    dueMs = Math.max(dueMs, performance.now() - 1);
  }
  return longest;
}

if (import.meta.main) {
  const [port = "", topic = ""] = process.argv.slice(2);
  using pings = await Session.connect(Number(port));
  using produces = await Session.connect(Number(port));
  const batch = batchOf(VALUE);
  await pings.ping();
  await produces.produce(topic, 0, batch);
  console.log("at work");
  let over = false;
  const isOver = (): boolean => over;
  const waits = Promise.all([
    longestWait(isOver, () => pings.call(pingFrame, () => {})),
    longestWait(isOver, () =>
      produces.call(
        (id) => encodeProduceRequest(id, { topic, partition: 0, batch }),
        Produce.decodeResponse,
      ),
    ),
  ]);
  await Bun.stdin.text();
  over = true;
  const [pingMs, produceMs] = await waits;
  console.log(JSON.stringify({ pingMs, produceMs }));
  process.exit(0);
}
