// Our own command line as a `TestedClient`: it writes and reads over the native protocol, as a user would.
import {
  Absent,
  type TestedClient,
  type ReadRecord,
  type TestHeader,
  type TestRecord,
} from "./client.js";

/** The command line at `executable`, used on a broker. */
export function nativeClient(
  executable: string,
  broker: string,
  env: Readonly<Record<string, string>> = {},
): TestedClient {
  const run = async (args: readonly string[], input = ""): Promise<string> => {
    const child = Bun.spawn([executable, ...args, "--broker", broker], {
      stdin: Buffer.from(input),
      env: { ...process.env, ...env },
      stdout: "pipe",
      stderr: "pipe",
    });
    const [output, errors] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    if ((await child.exited) !== 0) throw new Error(errors.trim());
    return output;
  };
  const absent = async (): Promise<never> => {
    throw new Absent();
  };
  return {
    version: async () => {
      const child = Bun.spawn([executable, "--version"], { stdout: "pipe" });
      return (await new Response(child.stdout).text()).trim();
    },
    create: async (topic, partitions) =>
      void (await run(["topics", "create", topic, "--partitions", `${partitions}`])),
    partitions: absent,
    addPartitions: absent,
    delete: async (topic) => void (await run(["topics", "delete", topic])),
    produce: async (topic, records, { codec = "none" } = {}) => {
      const lines = records.map((record) => `${JSON.stringify(toJson(record))}\n`);
      await run(["produce", topic, "--json", "--compression", codec], lines.join(""));
      return [];
    },
    consume: async (topic, partition, from, count) => {
      if (from === "latest") return await absent();
      const range = ["--partition", `${partition}`, "--offset", `${from}`, "-n", `${count}`];
      const output = await run(["consume", topic, "--json", ...range]);
      return output.split("\n").filter(Boolean).map(fromJson);
    },
    offset: absent,
    configs: absent,
    setConfig: absent,
    deleteRecords: absent,
    brokers: absent,
    close: async () => {},
  };
}

interface JsonHeader {
  readonly name: string;
  readonly value: string | null;
  readonly valueEncoding?: "base64";
}

interface JsonRecord {
  readonly partition: number;
  readonly offset?: number;
  readonly timestamp: number;
  readonly key: string | null;
  readonly keyEncoding?: "base64";
  readonly value: string | null;
  readonly valueEncoding?: "base64";
  readonly headers: readonly JsonHeader[];
}

function toJson({ partition, timestamp, key, value, headers }: TestRecord): JsonRecord {
  const encode = (bytes: Buffer | null): string | null => bytes?.toString("base64") ?? null;
  return {
    partition,
    timestamp,
    key: encode(key),
    ...(key === null ? {} : { keyEncoding: "base64" }),
    value: encode(value),
    ...(value === null ? {} : { valueEncoding: "base64" }),
    headers: headers.map(({ name, value: content }) => ({
      name,
      value: encode(content),
      ...(content === null ? {} : { valueEncoding: "base64" }),
    })),
  };
}

function fromJson(line: string): ReadRecord {
  const record: JsonRecord = JSON.parse(line);
  return {
    partition: record.partition,
    offset: record.offset ?? Number.NaN,
    timestamp: record.timestamp,
    key: decode(record.key, record.keyEncoding),
    value: decode(record.value, record.valueEncoding),
    headers: record.headers.map(({ name, value, valueEncoding }): TestHeader => ({
      name,
      value: decode(value, valueEncoding),
    })),
  };
}

function decode(text: string | null, encoding: "base64" | undefined): Buffer | null {
  return text === null ? null : Buffer.from(text, encoding ?? "utf8");
}
