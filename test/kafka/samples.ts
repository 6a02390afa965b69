// Records of every kind, written by each client with each codec it has, and what the others must read: the same bytes.
import { isUtf8 } from "node:buffer";
import {
  CODECS,
  type Codec,
  type TestedClient,
  type ReadRecord,
  type TestRecord,
} from "./client.js";

/** What a client can't write, or does not tell apart when it reads. */
export interface Quirks {
  /** Writes no header with a null value. */
  readonly noNullHeaders?: true;
  /** Reads an empty key or value as null. */
  readonly readsEmptyAsNull?: true;
  /** Writes no timestamp but the current time. */
  readonly noTimestamps?: true;
  /** Writes neither an empty value nor an empty key. */
  readonly noEmptyBytes?: true;
  /** Writes and reads only text in header values. */
  readonly onlyTextHeaders?: true;
  /** Codecs that it lacks. */
  readonly noCodecs?: readonly Codec[];
}

/** How many partitions a topic of samples has. */
export const SAMPLE_PARTITIONS = 3;

const ALL_BYTES = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));

const BINARY_HEADER = "binary";

const LARGE = 100 * 1024;

/** The records that a client writes, by codec. */
export function samplesFor(quirks: Quirks): Map<Codec, TestRecord[]> {
  const start = Date.now() - 60_000;
  const codecs = CODECS.filter((codec) => quirks.noCodecs?.includes(codec) !== true);
  return new Map(
    codecs.map((codec, i): [Codec, TestRecord[]] => [
      codec,
      samples(codec, start + i * 1000, quirks),
    ]),
  );
}

function samples(codec: Codec, start: number, quirks: Quirks): TestRecord[] {
  const all: Partial<TestRecord>[] = [
    { key: Buffer.from(`key-${codec}`), value: Buffer.from("value") },
    { value: Buffer.from("no key") },
    { key: Buffer.from("tombstone") },
    { key: Buffer.alloc(0), value: Buffer.alloc(0) },
    { key: ALL_BYTES, value: ALL_BYTES },
    { key: Buffer.from("ключ"), value: Buffer.from("väärtus ✓") },
    {
      value: Buffer.from("headers"),
      headers: [
        { name: "content-type", value: Buffer.from("text/plain") },
        { name: "twice", value: Buffer.from("1") },
        { name: "twice", value: Buffer.from("2") },
      ],
    },
    { value: Buffer.from("empty header"), headers: [{ name: "empty", value: Buffer.alloc(0) }] },
    { value: Buffer.from("binary header"), headers: [{ name: BINARY_HEADER, value: ALL_BYTES }] },
    { value: Buffer.from("null header"), headers: [{ name: "null", value: null }] },
    { value: Buffer.from(`${codec} `.repeat(LARGE)).subarray(0, LARGE) },
    { value: noise(LARGE) },
    ...Array.from({ length: 30 }, (_, i) => ({ value: Buffer.from(`small ${i}`) })),
  ];
  return all
    .map((part, i) => ({
      partition: i % SAMPLE_PARTITIONS,
      timestamp: start + i * 7,
      key: null,
      value: null,
      headers: [],
      ...part,
    }))
    .filter((record) => canWrite(record, quirks));
}

/** Bytes that no codec makes smaller, the same in every run. */
function noise(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = 1;
  for (let i = 0; i < length; i++) {
    state = (state * 48_271) % 2_147_483_647;
    bytes[i] = state & 0xff;
  }
  return bytes;
}

function canWrite(record: TestRecord, quirks: Quirks): boolean {
  const { key, value, headers } = record;
  const contents = [key, value, ...headers.map((header) => header.value)];
  if (quirks.noNullHeaders && headers.some((header) => header.value === null)) return false;
  if (quirks.noEmptyBytes && contents.some((bytes) => bytes?.length === 0)) return false;
  return !(quirks.onlyTextHeaders && headers.some((header) => !isText(header.value)));
}

function isText(bytes: Buffer | null): boolean {
  return bytes === null || (isUtf8(bytes) && !bytes.includes(0));
}

/** Writes all samples of a client to a topic, and returns what must be read, by partition. */
export async function writeSamples(
  client: TestedClient,
  topic: string,
  quirks: Quirks,
): Promise<ReadRecord[][]> {
  const partitions: ReadRecord[][] = Array.from({ length: SAMPLE_PARTITIONS }, () => []);
  for (const [codec, records] of samplesFor(quirks)) {
    await client.produce(topic, records, { codec });
    for (const record of records) {
      const partition = partitions[record.partition] ?? [];
      partition.push({ ...record, offset: partition.length });
    }
  }
  return partitions;
}

/** Reads a topic with a client and says how it differs from what was written, or returns undefined. */
export async function compareSamples(
  reader: TestedClient,
  topic: string,
  written: readonly (readonly ReadRecord[])[],
  quirks: { readonly reader: Quirks; readonly writer: Quirks },
): Promise<string | undefined> {
  for (const [partition, expected] of written.entries()) {
    const read = await reader.consume(topic, partition, 0, expected.length);
    for (const [i, record] of expected.entries()) {
      const want = describe(record, quirks);
      const got = describe(read[i], quirks);
      if (want !== got) return `partition ${partition}: expected ${want}, read ${got}`;
    }
    if (read.length > expected.length) return `partition ${partition}: too many records`;
  }
  return undefined;
}

/** A record as text in which everything must be equal, long bytes as their length and hash. */
function describe(
  record: ReadRecord | undefined,
  quirks: { readonly reader: Quirks; readonly writer: Quirks },
): string {
  if (record === undefined) return "nothing";
  const show = (bytes: Buffer | null): string => {
    if (bytes === null || (quirks.reader.readsEmptyAsNull && bytes.length === 0)) return "null";
    if (bytes.length > 100) return `${bytes.length} bytes ${Bun.hash(bytes)}`;
    return JSON.stringify(bytes.toString("latin1"));
  };
  const time = quirks.writer.noTimestamps ? "" : ` at ${record.timestamp}`;
  const headers = record.headers.map(({ name, value }) =>
    quirks.reader.onlyTextHeaders && name === BINARY_HEADER
      ? ` ${name}`
      : ` ${name}=${show(value)}`,
  );
  return `${record.offset}${time} ${show(record.key)}: ${show(record.value)}${headers.join("")}`;
}
