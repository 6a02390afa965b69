// A Kafka client in another language as a `TestedClient`: a program that answers one request a line
// (clients/README.md). Leaves to others: building the program (installs.ts).
import {
  Absent,
  formatRecord,
  type TestedClient,
  KafkaError,
  type OffsetAt,
  parseRecord,
} from "./client.js";

/** How long a program may take for one answer; its own calls fail long before. */
const ANSWER_MS = 40_000;

/** Starts a program, whose last argument is the broker. */
export function startLineClient(
  command: readonly string[],
  broker: string,
  env: Readonly<Record<string, string>> = {},
): TestedClient {
  const program = new LineProgram([...command, broker], env);
  const ask = (...words: (string | number)[]): Promise<string[]> => program.ask(words.join("\t"));
  const number = async (...words: (string | number)[]): Promise<number> =>
    Number((await ask(...words))[0]);
  return {
    version: async () => (await ask("version"))[0] ?? "",
    create: async (topic, partitions, configs = {}) => {
      const pairs = Object.entries(configs).map(([name, value]) => `${name}=${value}`);
      await ask("create", topic, partitions, ...pairs);
    },
    partitions: async (topic) => await number("partitions", topic),
    addPartitions: async (topic, count) => void (await ask("add-partitions", topic, count)),
    delete: async (topic) => void (await ask("delete", topic)),
    produce: async (topic, records, { codec = "none", acks = -1, idempotent = false } = {}) => {
      const head = ["produce", topic, codec, acks, `${idempotent}`, records.length].join("\t");
      const lines = await program.ask([head, ...records.map(formatRecord)].join("\n"));
      return lines.map(Number);
    },
    consume: async (topic, partition, from, count, ready) => {
      const offset = from === "latest" ? -1 : from;
      const request = ["consume", topic, partition, offset, count].join("\t");
      return (await program.ask(request, ready)).map(parseRecord);
    },
    offset: async (topic, partition, at: OffsetAt) => await number("offset", topic, partition, at),
    configs: async (topic) => {
      const lines = await ask("configs", topic);
      return new Map(lines.map((line): [string, string] => splitOnce(line, "=")));
    },
    setConfig: async (topic, name, value) => void (await ask("set-config", topic, name, value)),
    deleteRecords: async (topic, partition, offset) => {
      const [start] = await ask("delete-records", topic, partition, offset);
      return start === undefined ? undefined : Number(start);
    },
    brokers: async () => (await ask("brokers")).map((line) => line.replace("\t", " ")),
    close: async () => await program.close(),
  };
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return [text.slice(0, at), text.slice(at + 1)];
}

/** A process that answers each request with lines and one line that begins with a dot. */
class LineProgram {
  readonly #child: Bun.Subprocess<"pipe", "pipe", "pipe">;
  readonly #lines: AsyncGenerator<string>;
  readonly #errors: Promise<string>;

  constructor(command: readonly string[], env: Readonly<Record<string, string>>) {
    const io = { stdin: "pipe", stdout: "pipe", stderr: "pipe" } as const;
    this.#child = Bun.spawn([...command], { ...io, env: { ...process.env, ...env } });
    this.#lines = linesOf(this.#child.stdout);
    this.#errors = new Response(this.#child.stderr).text();
  }

  async ask(request: string, ready?: () => void): Promise<string[]> {
    this.#child.stdin.write(`${request}\n`);
    this.#child.stdin.flush();
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), ANSWER_MS);
    try {
      return await this.#answer(ready);
    } finally {
      clearTimeout(timer);
    }
  }

  async #answer(ready?: () => void): Promise<string[]> {
    const lines: string[] = [];
    for (;;) {
      const { value: line, done } = await this.#lines.next();
      if (done === true) throw new Error(`the program ended: ${(await this.#errors).slice(-500)}`);
      if (line === ".ok") return lines;
      if (line === ".absent") throw new Absent();
      if (line.startsWith(".error\t")) {
        const [code = "", message = ""] = splitOnce(line.slice(".error\t".length), "\t");
        throw new KafkaError(Number(code), message);
      }
      if (line === "ready") ready?.();
      else lines.push(line);
    }
  }

  async close(): Promise<void> {
    this.#child.stdin.end();
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), 3_000);
    await this.#child.exited;
    clearTimeout(timer);
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}
