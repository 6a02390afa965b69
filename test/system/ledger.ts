// What was sent, acknowledged, seen and committed, noted after each acknowledgement; and the check of a log
// against it. Leaves to others: the load (crash-rounds.ts).
import type { Client } from "../../src/client/client.js";

/** The topics of the load, with their partitions. */
export const TOPICS: Readonly<Record<string, number>> = { plain: 1, wide: 3, packed: 2 };

/** A value states its producer, its number and its length: `producer/number/padding`. */
export function valueFor(producer: string, number: number, paddingBytes: number): string {
  return `${producer}/${number}/`.padEnd(paddingBytes, `${number}.`);
}

interface PartitionLedger {
  /** Checksums by offset, of records that were acknowledged or consumed. */
  readonly known: Map<number, number>;
}

/** A ledger. Its `check` throws an Error that says what is wrong. */
export class Ledger {
  readonly #partitions = new Map<string, PartitionLedger>();
  /** By `group topic partition`: the last acknowledged commit. */
  readonly #commits = new Map<string, number>();
  acknowledged = 0;

  /** Notes a record that is known to exist. */
  note(topic: string, partition: number, offset: number, value: string | Uint8Array): void {
    const { known } = this.#partition(`${topic}-${partition}`);
    const checksum = Bun.hash.crc32(value);
    const before = known.get(offset);
    if (before !== undefined && before !== checksum) {
      throw new Error(`${topic}-${partition}: offset ${offset} has two contents`);
    }
    known.set(offset, checksum);
  }

  /** Notes an acknowledged commit. */
  noteCommit(group: string, topic: string, partition: number, offset: number): void {
    this.#commits.set(`${group} ${topic} ${partition}`, offset);
  }

  /**
   * Reads the whole log. Every record that was known when the check began must exist, at its offset, with its
   * content; offsets have no gap; no value is duplicated, and those of a producer are in order. Committed
   * offsets are not below what was acknowledged, and not past the end. Returns the number of records.
   */
  async check(client: Client): Promise<number> {
    const commits = new Map(this.#commits);
    let records = 0;
    for (const [topic, partitions] of Object.entries(TOPICS)) {
      for (let partition = 0; partition < partitions; partition++) {
        const known = new Map(this.#partition(`${topic}-${partition}`).known);
        records += await checkPartition(client, topic, partition, known);
      }
    }
    await checkCommits(client, commits);
    return records;
  }

  #partition(name: string): PartitionLedger {
    let partition = this.#partitions.get(name);
    if (partition === undefined) {
      partition = { known: new Map() };
      this.#partitions.set(name, partition);
    }
    return partition;
  }
}

async function checkPartition(
  client: Client,
  topic: string,
  partition: number,
  known: ReadonlyMap<number, number>,
): Promise<number> {
  const name = `${topic}-${partition}`;
  await using consumer = client.consumer({ topic, partitions: [partition], follow: false });
  const last = new Map<string, number>();
  let next = 0;
  let found = 0;
  for (;;) {
    const batch = await consumer.nextBatch();
    if (batch === null) break;
    while (batch.next()) {
      const { offset } = batch.cursor;
      if (offset !== next) throw new Error(`${name}: ${offset} follows ${next - 1}`);
      const value = batch.cursor.value() ?? new Uint8Array(0);
      const checksum = known.get(next);
      if (checksum !== undefined) {
        if (checksum !== Bun.hash.crc32(value)) throw new Error(`${name}: ${next} has changed`);
        found++;
      }
      const [producer = "", number = ""] = new TextDecoder().decode(value).split("/", 2);
      const before = last.get(producer) ?? -1;
      if (Number(number) <= before) {
        throw new Error(`${name}: ${producer}/${number} at ${next} comes after number ${before}`);
      }
      last.set(producer, Number(number));
      next++;
    }
  }
  if (found < known.size) {
    const lost = [...known.keys()].filter((offset) => offset >= next);
    throw new Error(
      `${name}: ${lost.length} known records are lost, ${lost[0]} first; end ${next}`,
    );
  }
  return next;
}

async function checkCommits(client: Client, commits: ReadonlyMap<string, number>): Promise<void> {
  const admin = client.admin();
  for (const [key, acknowledged] of commits) {
    const [group = "", topic = "", partition = ""] = key.split(" ");
    const row = { topic, partition: Number(partition) };
    const [committed] = await admin.fetchOffsets(group, [row]);
    const end = await admin.offsetFor(topic, row.partition, "latest");
    const offset = committed?.offset ?? -1;
    if (offset < acknowledged) throw new Error(`${key}: ${acknowledged} went back to ${offset}`);
    if (offset > end) throw new Error(`${key}: committed ${offset} is past the end, ${end}`);
  }
}
