// Where the system refuses a mapping, reads by position answer the same.
import { expect, test } from "bun:test";
import { RustLogError } from "../../src/errors.js";
import type { Log } from "../../src/log/log.js";
import { readAll } from "../../src/log/segment/log-slice.js";
import {
  allRecords,
  appendAll,
  batchOf,
  DIRECTORY,
  diskWithDirectory,
  openLog,
  recordsIn,
} from "../support/log-fixture.js";
import type { SimulatedDisk } from "../support/simulated-disk.js";

const BATCHES = 30;

/** Ten sealed segments of three batches, one of which is longer than a single read. */
async function tenSegments(): Promise<SimulatedDisk> {
  const disk = await diskWithDirectory();
  const log = await openLog(disk);
  for (let i = 0; i < BATCHES; i++) {
    if (i % 3 === 0) await log.roll();
    const bytes = i === 7 ? 600_000 : 2_000;
    await appendAll(log, [batchOf([`${i}`.padEnd(bytes, "x")], 1_000 + i)]);
  }
  await log.roll();
  log.close();
  return disk;
}

/** What a read at each offset gives. */
function answers(log: Log): string[] {
  return Array.from({ length: BATCHES }, (_, offset) => {
    try {
      const read = log.segments.read(offset, 1, log.pushedEnd);
      const [record] = recordsIn(readAll(read), offset);
      return `${record?.offset}: ${record?.value.length} ${record?.value.slice(0, 3)}`;
    } catch (error) {
      if (error instanceof RustLogError) return error.message;
      throw error;
    }
  });
}

test("all records are read, and times are found", async () => {
  const disk = await tenSegments();
  const mapped = await openLog(disk);
  const right = answers(mapped);
  disk.refusedMappings = 1;
  const log = await openLog(disk);
  expect(answers(log)).toEqual(right);
  expect(allRecords(log)).toEqual(allRecords(mapped));
  for (let time = 999; time < 1_031; time++) {
    expect(log.findTimestamp(time, log.pushedEnd)).toEqual(
      mapped.findTimestamp(time, mapped.pushedEnd),
    );
  }
});

test("a slice keeps its own bytes while another segment is read", async () => {
  const disk = await tenSegments();
  disk.refusedMappings = 1;
  const log = await openLog(disk);
  const first = log.segments.read(0, 1, log.pushedEnd);
  const other = log.segments.read(20, 1, log.pushedEnd);
  expect(recordsIn(readAll(other), 20)[0]?.value).toStartWith("20");
  expect(recordsIn(readAll(first), 0)[0]?.value).toStartWith("0x");
});

test("damage is found and reported as in a mapping", async () => {
  const disk = await tenSegments();
  const path = `${DIRECTORY}/00000000000000000006.log`;
  const size = disk.fileSize(path)!;
  for (let bit = 3; bit < size * 8; bit += bit < 1_200 ? 19 : 100_003) {
    disk.flipBit(path, bit);
    disk.refusedMappings = 0;
    const mapped = await openLog(disk);
    const right = answers(mapped);
    mapped.close();
    disk.refusedMappings = 1;
    const log = await openLog(disk);
    expect(answers(log)).toEqual(right);
    log.close();
    disk.flipBit(path, bit);
  }
});
