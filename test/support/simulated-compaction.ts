// Compaction by hand, while no broker runs: a batch of a sealed segment is removed, or loses its records.
// Leaves to others: what must then be true (simulation-model.ts).
import { baseOffset, batchBytes, FIELD, nextOffset, producerId } from "../../src/record/batch.js";
import { writeI32, writeU32 } from "../../src/record/bytes.js";
import { crc32c } from "../../src/record/crc32c.js";
import { RecordCursor } from "../../src/record/cursor.js";
import type { Random } from "./random.js";
import type { SimulatedDisk } from "./simulated-disk.js";

/** The offsets that have no record any more, and the values that they had. */
export interface CompactedBatch {
  readonly first: number;
  readonly next: number;
  readonly values: readonly string[];
}

/** Compacts a batch of the log in `directory`, if it has a sealed segment. */
export function compactBatch(
  disk: SimulatedDisk,
  directory: string,
  random: Random,
): CompactedBatch | undefined {
  const sealed = disk.list(directory).filter((name) => name.endsWith(".log"));
  sealed.pop();
  if (sealed.length === 0) return undefined;
  const name = random.pick(sealed);
  const bytes = disk.readFile(`${directory}/${name}`);
  if (bytes === undefined || bytes.length === 0) return undefined;
  const starts = [0];
  for (let at = batchBytes(bytes, 0); at < bytes.length; at += batchBytes(bytes, at)) {
    starts.push(at);
  }
  const at = random.pick(starts);
  const end = at + batchBytes(bytes, at);
  const values: string[] = [];
  const cursor = new RecordCursor().reset(bytes, at, end);
  while (cursor.next()) values.push(cursor.valueText() ?? "");
  // A producer's batch keeps its sequence numbers, and no segment is ever empty.
  const isRemoved = producerId(bytes, at) < 0 && starts.length > 1 && random.chance(0.5);
  const kept = isRemoved ? new Uint8Array(0) : emptied(bytes.slice(at, at + FIELD.records));
  const compacted = Buffer.concat([bytes.subarray(0, at), kept, bytes.subarray(end)]);
  disk.overwrite(`${directory}/${name}`, new Uint8Array(compacted));
  for (const kind of ["index", "timeindex"]) {
    disk.overwrite(`${directory}/${name.replace(/log$/, kind)}`, undefined);
  }
  return { first: baseOffset(bytes, at), next: nextOffset(bytes, at), values };
}

function emptied(header: Uint8Array): Uint8Array {
  writeI32(header, FIELD.batchLength, header.length - FIELD.partitionLeaderEpoch);
  writeI32(header, FIELD.recordCount, 0);
  writeU32(header, FIELD.crc, crc32c(header, FIELD.attributes, header.length));
  return header;
}
