// What every Kafka client of these tests can be asked to do, whatever its language: the interface that the scenario
// (scenario.ts) and the cross check (samples.ts) are written against.
// Leaves to others: the clients themselves (kafkajs.ts, platformatic.ts, kcat.ts, line-client.ts, native.ts).

/** Codecs of record batches, as Kafka's clients name them. */
export const CODECS = ["none", "gzip", "snappy", "lz4", "zstd"] as const;

export type Codec = (typeof CODECS)[number];

export interface TestHeader {
  readonly name: string;
  readonly value: Buffer | null;
}

/** A record to produce. */
export interface TestRecord {
  readonly partition: number;
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly TestHeader[];
}

/** A record as a client consumed it. */
export interface ReadRecord extends TestRecord {
  readonly offset: number;
}

export interface ProduceOptions {
  readonly codec?: Codec;
  readonly acks?: -1 | 0 | 1;
  readonly idempotent?: boolean;
}

/** Where a lookup starts: the ends of a partition, the largest timestamp, or a timestamp. */
export type OffsetAt = "earliest" | "latest" | "max" | number;

/** One client, connected to a broker. Throws `KafkaError` for the broker's errors and `Absent` for what it can't do. */
export interface TestedClient {
  version(): Promise<string>;
  create(
    topic: string,
    partitions: number,
    configs?: Readonly<Record<string, string>>,
  ): Promise<void>;
  partitions(topic: string): Promise<number>;
  addPartitions(topic: string, count: number): Promise<void>;
  delete(topic: string): Promise<void>;
  /** The offset of each record, or nothing if the client does not tell. */
  produce(
    topic: string,
    records: readonly TestRecord[],
    options?: ProduceOptions,
  ): Promise<readonly number[]>;
  /** Reads `count` records from an offset on; from "latest" it calls `ready` once it has found the end. */
  consume(
    topic: string,
    partition: number,
    from: number | "latest",
    count: number,
    ready?: () => void,
  ): Promise<readonly ReadRecord[]>;
  /** The offset; -1 if there is none. */
  offset(topic: string, partition: number, at: OffsetAt): Promise<number>;
  configs(topic: string): Promise<ReadonlyMap<string, string>>;
  setConfig(topic: string, name: string, value: string): Promise<void>;
  /** The new log start offset, or undefined if the client does not tell. */
  deleteRecords(topic: string, partition: number, offset: number): Promise<number | undefined>;
  /** `id host:port` of each broker. */
  brokers(): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** An error code that the broker answered; 0 if the client does not tell which. */
export class KafkaError extends Error {
  override name = "KafkaError";

  constructor(
    readonly code: number,
    message: string,
  ) {
    super(`${code}: ${message}`);
  }
}

/** The client has no such function. */
export class Absent extends Error {
  override name = "Absent";
}

/** The same client, whose errors are `KafkaError`s with the code that `codeOf` finds in the library's error. */
export function withErrorCodes(
  client: TestedClient,
  codeOf: (error: Error) => number,
): TestedClient {
  const wrap =
    <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      try {
        return await call(...args);
      } catch (error) {
        if (error instanceof Absent || !(error instanceof Error)) throw error;
        throw new KafkaError(codeOf(error), error.message);
      }
    };
  return {
    version: wrap(client.version),
    create: wrap(client.create),
    partitions: wrap(client.partitions),
    addPartitions: wrap(client.addPartitions),
    delete: wrap(client.delete),
    produce: wrap(client.produce),
    consume: wrap(client.consume),
    offset: wrap(client.offset),
    configs: wrap(client.configs),
    setConfig: wrap(client.setConfig),
    deleteRecords: wrap(client.deleteRecords),
    brokers: wrap(client.brokers),
    close: client.close,
  };
}

const RECORD: TestRecord = { partition: 0, timestamp: 0, key: null, value: null, headers: [] };

/** A record with the value given as text, and everything else by default: now, no key, no headers. */
export function textRecord(value: string, more: Partial<TestRecord> = {}): TestRecord {
  return { ...RECORD, timestamp: Date.now(), value: Buffer.from(value), ...more };
}

/** A record as one line of the line protocol (clients/README.md), with hexadecimal bytes; null is `-`. */
export function formatRecord(record: TestRecord): string {
  const headers = record.headers.map(
    ({ name, value }) => `${hex(Buffer.from(name))}=${hex(value)}`,
  );
  const { partition, timestamp, key, value } = record;
  return [partition, timestamp, hex(key), hex(value), ...headers].join("\t");
}

/** The record of a line that a client printed: as `formatRecord`, with the offset behind the partition. */
export function parseRecord(line: string): ReadRecord {
  const [partition, offset, timestamp, key = "-", value = "-", ...headers] = line.split("\t");
  return {
    partition: Number(partition),
    offset: Number(offset),
    timestamp: Number(timestamp),
    key: bytes(key),
    value: bytes(value),
    headers: headers.map((text) => {
      const [name = "", content = "-"] = text.split("=");
      return { name: Buffer.from(name, "hex").toString(), value: bytes(content) };
    }),
  };
}

function hex(value: Buffer | null): string {
  return value === null ? "-" : value.toString("hex");
}

function bytes(text: string): Buffer | null {
  return text === "-" ? null : Buffer.from(text, "hex");
}
