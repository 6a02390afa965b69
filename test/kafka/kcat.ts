// kcat as a `TestedClient`: one process a call. It has no admin functions, keeps no timestamps of ours, and leaves out
// empty messages or writes them as null (`-Z`).
import {
  Absent,
  type TestedClient,
  KafkaError,
  type OffsetAt,
  type ReadRecord,
  type TestHeader,
  type TestRecord,
} from "./client.js";

/** Longer than librdkafka's own time limits in these tests. */
const TIMEOUT_MS = 20_000;

const KEY_END = "<key>";
const RECORD_END = "<end>";

/** What kcat prints of each record: lengths, then the bytes, which may hold anything. */
const FORMAT = `%o %T %K %S\\n%k%s%h${RECORD_END}`;

/** Texts of librdkafka, and the codes that they stand for. */
const ERRORS: readonly (readonly [string, number])[] = [
  ["Offset out of range", 1],
  ["Unknown topic or partition", 3],
  ["Message size too large", 10],
  ["Topic authorization failed", 29],
];

/** kcat at `executable`, used on a broker. */
export function kcatClient(
  executable: string,
  env: Readonly<Record<string, string>>,
  broker: string,
  settings: Readonly<Record<string, string>> = {},
): TestedClient {
  const common = Object.entries(settings).flatMap(([name, value]) => ["-X", `${name}=${value}`]);
  const run = async (args: readonly string[], input: Uint8Array = new Uint8Array()) => {
    const child = Bun.spawn([executable, "-b", broker, ...common, ...args], {
      stdin: input,
      stdout: "pipe",
      stderr: "pipe",
      env: { ...process.env, ...env },
    });
    const timer = setTimeout(() => child.kill("SIGKILL"), TIMEOUT_MS);
    const [output, errors] = await Promise.all([
      new Response(child.stdout).bytes(),
      new Response(child.stderr).text(),
    ]);
    const exitCode = await child.exited;
    clearTimeout(timer);
    if (exitCode !== 0 || errors.includes("Delivery failed")) throw errorOf(errors);
    return Buffer.from(output);
  };
  const metadata = async (): Promise<Metadata> => JSON.parse((await run(["-L", "-J"])).toString());
  const absent = async (): Promise<never> => {
    throw new Absent();
  };
  const offset: TestedClient["offset"] = async (topic, partition, at) => {
    const output = await run(["-Q", "-t", `${topic}:${partition}:${timestampOf(at)}`]);
    return Number(/offset (-?\d+)/.exec(output.toString())?.[1]);
  };
  return {
    version: async () => {
      const child = Bun.spawn([executable, "-V"], {
        stdout: "pipe",
        env: { ...process.env, ...env },
      });
      const text = await new Response(child.stdout).text();
      const [, own, library] = /Version (\S+) .*librdkafka (\S+) /.exec(text) ?? [];
      return `${own} (librdkafka ${library})`;
    },
    create: absent,
    partitions: async (topic) => {
      // Asking for a topic by name would create it.
      const found = (await metadata()).topics.find((one) => one.topic === topic);
      if (found === undefined) throw errorOf("Unknown topic or partition");
      return found.partitions.length;
    },
    addPartitions: absent,
    delete: absent,
    produce: async (topic, records, { codec = "none", acks = -1, idempotent = false } = {}) => {
      const producing = [
        `acks=${acks}`,
        `enable.idempotence=${idempotent}`,
        "message.timeout.ms=8000",
      ];
      for (const group of groupByArguments(records)) {
        const [first] = group;
        const args = [
          "-P",
          "-t",
          topic,
          "-p",
          `${first?.partition}`,
          "-z",
          codec,
          "-D",
          RECORD_END,
        ];
        for (const setting of producing) args.push("-X", setting);
        for (const { name, value } of first?.headers ?? []) {
          args.push("-H", value === null ? name : `${name}=${value}`);
        }
        if (first?.key !== null) args.push("-Z", "-K", KEY_END);
        await run(args, Buffer.concat(group.map(inputOf)));
      }
      return [];
    },
    consume: async (topic, partition, from, count, ready) => {
      const start = from === "latest" ? await offset(topic, partition, "latest") : from;
      ready?.();
      const args = [
        "-C",
        "-q",
        "-t",
        topic,
        "-p",
        `${partition}`,
        "-o",
        `${start}`,
        "-c",
        `${count}`,
      ];
      args.push("-X", "auto.offset.reset=error", "-X", "fetch.wait.max.ms=50", "-f", FORMAT);
      return parse(partition, await run(args));
    },
    offset,
    configs: absent,
    setConfig: absent,
    deleteRecords: absent,
    brokers: async () => (await metadata()).brokers.map(({ id, name }) => `${id} ${name}`),
    close: async () => {},
  };
}

interface Metadata {
  readonly brokers: readonly { readonly id: number; readonly name: string }[];
  readonly topics: readonly { readonly topic: string; readonly partitions: readonly unknown[] }[];
}

function errorOf(text: string): KafkaError {
  const known = ERRORS.find(([message]) => text.includes(message));
  return new KafkaError(known?.[1] ?? 0, text.trim());
}

function timestampOf(at: OffsetAt): number {
  if (at === "max") throw new Absent();
  if (at === "latest") return -1;
  return at === "earliest" ? -2 : at;
}

/** Consecutive records that one call of kcat can write: its headers and partition are arguments. */
function groupByArguments(records: readonly TestRecord[]): TestRecord[][] {
  const groups: TestRecord[][] = [];
  let last: string | undefined;
  for (const record of [...records].sort((a, b) => a.partition - b.partition)) {
    const { partition, key, headers } = record;
    const like = JSON.stringify([
      partition,
      key === null,
      headers.map(({ name, value }) => [name, `${value}`]),
    ]);
    if (like !== last) groups.push([]);
    groups.at(-1)?.push(record);
    last = like;
  }
  return groups;
}

function inputOf({ key, value }: TestRecord): Buffer {
  const keyed = key === null ? [] : [key, Buffer.from(KEY_END)];
  return Buffer.concat([...keyed, value ?? Buffer.alloc(0), Buffer.from(RECORD_END)]);
}

function parse(partition: number, output: Buffer): ReadRecord[] {
  const records: ReadRecord[] = [];
  for (let at = 0; at < output.length;) {
    const body = output.indexOf("\n", at) + 1;
    const numbers = output.subarray(at, body).toString().split(" ").map(Number);
    const [offset = -1, timestamp = -1, keyLength = -1, valueLength = -1] = numbers;
    const valueAt = body + Math.max(keyLength, 0);
    const headersAt = valueAt + Math.max(valueLength, 0);
    const end = output.indexOf(RECORD_END, headersAt);
    records.push({
      partition,
      offset,
      timestamp,
      key: keyLength < 0 ? null : output.subarray(body, valueAt),
      value: valueLength < 0 ? null : output.subarray(valueAt, headersAt),
      headers: parseHeaders(output.subarray(headersAt, end)),
    });
    at = end + RECORD_END.length;
  }
  return records;
}

/** `name=value,name=value` without escapes; the names of our samples are letters and dashes. */
function parseHeaders(bytes: Buffer): TestHeader[] {
  if (bytes.length === 0) return [];
  return bytes
    .toString("latin1")
    .split(/,(?=[a-z-]+=)/)
    .map((text) => {
      const at = text.indexOf("=");
      const value = text.slice(at + 1);
      return {
        name: text.slice(0, at),
        value: value === "NULL" ? null : Buffer.from(value, "latin1"),
      };
    });
}
