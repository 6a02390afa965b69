// A consumer gets past every kind of damage anywhere in the log, and loses only the damaged records.
// Against the real broker, whose files are damaged while it is stopped.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect, DamagedRecordsError } from "../../src/index.js";
import { batchBytes, FIELD, lastOffset, baseOffset } from "../../src/record/batch.js";
import { writeI32 } from "../../src/record/bytes.js";
import { batchOf, startBroker } from "../support/broker.js";
import { tempDir } from "../support/tmp.js";

const BATCHES = 60;
const RECORDS = 3;
/** Which batch is damaged: one in the middle, the very first, or the last of a sealed segment. */
const PLACES = ["20", "0", "last"];

/** Damages a batch that starts at `at`. */
const DAMAGE: Readonly<Record<string, (log: Buffer, at: number) => void>> = {
  "a value": (log, at) =>
    log.writeUInt8(log[at + FIELD.records + 20]! ^ 1, at + FIELD.records + 20),
  "its CRC": (log, at) => log.writeUInt8(log[at + FIELD.crc]! ^ 1, at + FIELD.crc),
  "its magic byte": (log, at) => log.writeUInt8(7, at + FIELD.magic),
  "its length, made short": (log, at) => log.writeInt32BE(60, at + FIELD.batchLength),
  "its length, made long": (log, at) => log.writeInt32BE(2 ** 30, at + FIELD.batchLength),
  "its length, made negative": (log, at) => log.writeInt32BE(-5, at + FIELD.batchLength),
  "its record count": (log, at) => writeI32(log, at + FIELD.recordCount, 1000),
  "its timestamps": (log, at) => log.fill(0x11, at + FIELD.baseTimestamp, at + FIELD.producerId),
  "its last offset delta": (log, at) => writeI32(log, at + FIELD.lastOffsetDelta, 77),
  "its record count and last offset delta, not alike": (log, at) => {
    writeI32(log, at + FIELD.recordCount, 1000);
    writeI32(log, at + FIELD.lastOffsetDelta, 77);
  },
  "all of it": (log, at) => log.fill(0xaa, at, at + batchBytes(log, at)),
};

const optionsOf = (dataDir: string, isSealed: boolean) => ({
  dataDir,
  flush: { kind: "never" } as const,
  segmentBytes: isSealed ? 8 * 1024 : 2 ** 26,
});

/** Data directories with a topic of many batches, in many segments or in one; copied by each test. */
const whole = { sealed: tempDir(), active: tempDir() };
const wholeOf = (isSealed: boolean): string => whole[isSealed ? "sealed" : "active"].path;

beforeAll(async () => {
  for (const isSealed of [true, false]) {
    await using running = await startBroker(optionsOf(wholeOf(isSealed), isSealed));
    using session = await running.session();
    for (let i = 0; i < BATCHES; i++) {
      const values = Array.from({ length: RECORDS }, (_, j) => `${i * RECORDS + j}`.padEnd(300));
      await session.produce("t", 0, batchOf(...values));
    }
  }
});
afterAll(() => {
  for (const directory of Object.values(whole)) directory[Symbol.dispose]();
});

/** A topic of many batches, its files damaged by `damage`; `isSealed`: in a segment that is no longer written. */
async function consumeDamaged(
  damage: (log: Buffer, at: number) => void,
  isSealed: boolean,
  place: string,
) {
  using directory = tempDir();
  const options = optionsOf(directory.path, isSealed);
  cpSync(wholeOf(isSealed), directory.path, { recursive: true });
  const partition = join(directory.path, "topics/t/0");
  const files = readdirSync(partition)
    .filter((name) => name.endsWith(".log"))
    .sort();
  if (isSealed) expect(files.length).toBeGreaterThan(2);
  let range: { from: number; to: number } | undefined;
  for (const file of files) {
    const log = readFileSync(join(partition, file));
    for (let at = 0; at < log.length && range === undefined;) {
      const size = batchBytes(log, at);
      const isLast = lastOffset(log, at) >= 20 * RECORDS && at + size === log.length;
      if (place === "last" ? isLast : lastOffset(log, at) >= Number(place) * RECORDS) {
        range = { from: baseOffset(log, at), to: lastOffset(log, at) + 1 };
        damage(log, at);
        writeFileSync(join(partition, file), log);
      }
      at += size;
    }
  }

  await using second = await startBroker(options);
  await using client = await connect({ broker: second.broker.address });
  const skips: DamagedRecordsError[] = [];
  const consume = async (offset: number): Promise<number[]> => {
    const offsets: number[] = [];
    await using consumer = client.consumer({
      topic: "t",
      offset,
      follow: false,
      onDamaged: "skip",
      onSkip: (skip) => skips.push(skip),
    });
    for await (const record of consumer) {
      expect(`${Buffer.from(record.value!)}`.trim()).toBe(`${record.offset}`);
      offsets.push(record.offset);
    }
    return offsets;
  };
  const offsets = await consume(0);
  const thrown = await Array.fromAsync(
    client.consumer({ topic: "t", follow: false }),
    ({ offset }) => offset,
  ).catch((error: unknown) => error);
  return { range: range!, offsets, skips: [...skips], thrown, rest: await consume(range!.to) };
}

for (const isSealed of [true, false]) {
  const where = isSealed ? "a sealed segment" : "the active segment";
  for (const [what, damage] of Object.entries(DAMAGE)) {
    test.each(isSealed ? PLACES : PLACES.slice(0, 2))(
      `damage to a batch in ${where} is passed: ${what}, of batch %p`,
      async (place) => {
        const { range, offsets, skips, thrown, rest } = await consumeDamaged(
          damage,
          isSealed,
          place,
        );
        const end = BATCHES * RECORDS;
        // Each record was either returned or reported as skipped, in order.
        const covered = [...offsets, ...skips.flatMap(({ from, to }) => span(from, to))];
        expect(covered.sort((a, b) => a - b)).toEqual(span(0, end));
        expect(offsets.slice(0, range.from)).toEqual(span(0, range.from));
        expect(skips[0]).toMatchObject({ topic: "t", partition: 0, from: range.from });
        // A lost header may cost the batches up to the next index entry.
        expect(skips.at(-1)!.to).toBeLessThanOrEqual(range.to + 6 * RECORDS);
        expect(thrown).toBeInstanceOf(DamagedRecordsError);
        expect(thrown).toMatchObject({ topic: "t", partition: 0, from: range.from });
        expect(rest.at(-1)).toBe(end - 1);
      },
    );
  }
}

const span = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, i) => from + i);
