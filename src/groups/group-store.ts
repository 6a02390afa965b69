// What is stored of groups beside their offsets: the records of each group, and their writes, one after another.
// Leaves to others: what records say (group-record.ts, consumer-group-record.ts), keeping them in memory
// (group-record-table.ts), and the log (offset-store.ts).
import { consumerGroupKey, isConsumerGroupKey } from "./consumer/consumer-group-record.js";
import type { GroupRecordChange } from "./group-record-table.js";
import {
  decodeGroupRecord,
  encodeGroupKey,
  encodeGroupRecord,
  GROUP_KEY_VERSION,
  type GroupRecord,
  keyVersion,
} from "./group-record.js";
import type { OffsetStore } from "./offsets/offset-store.js";

export class GroupStore {
  readonly #offsets: OffsetStore;
  readonly #report: (line: string) => void;
  /** The last write of each group. */
  readonly #writes = new Map<string, Promise<void>>();

  constructor(offsets: OffsetStore, report: (line: string) => void) {
    this.#offsets = offsets;
    this.#report = report;
  }

  /** Whether a group has records. */
  has(name: string): boolean {
    return this.#offsets.groupRecords.has(name);
  }

  /** Names of all groups that have records, in no order. Groups may come and go while the caller iterates. */
  names(): IterableIterator<string> {
    return this.#offsets.groupRecords.groups();
  }

  /** Keys and values of the records of a group. */
  recordsOf(name: string): Iterable<readonly [key: Uint8Array, value: Uint8Array]> {
    return this.#offsets.groupRecords.of(name);
  }

  /** The record of a classic group. */
  classic(name: string): GroupRecord | undefined {
    const value = this.#offsets.groupRecords.get(name, encodeGroupKey(name));
    return value === undefined ? undefined : decodeGroupRecord(value);
  }

  /** Whether the group is, or was with its last members, a consumer group. */
  isConsumer(name: string): boolean {
    return this.#offsets.groupRecords.get(name, consumerGroupKey(name)) !== undefined;
  }

  /** The records that replace those of a group, of either type, by a classic one. */
  classicRecords(name: string, record: GroupRecord): GroupRecordChange[] {
    const tombstones = this.tombstones(name, isConsumerGroupKey);
    return [...tombstones, [encodeGroupKey(name), encodeGroupRecord(record)]];
  }

  /** Tombstones for what a consumer group was before, if it was a classic one. */
  classicTombstones(name: string): GroupRecordChange[] {
    return this.tombstones(name, (version) => version === GROUP_KEY_VERSION);
  }

  /** Tombstones for the records of a group; by default, for all. */
  tombstones(
    name: string,
    isDeleted: (keyVersion: number) => boolean = () => true,
  ): GroupRecordChange[] {
    const tombstones: GroupRecordChange[] = [];
    for (const [key] of this.recordsOf(name)) {
      if (isDeleted(keyVersion(key))) tombstones.push([key, null]);
    }
    return tombstones;
  }

  /** Writes records of a group, one write after another. `changes` is called when it is their turn. */
  write(name: string, changes: () => readonly GroupRecordChange[]): Promise<void> {
    const before = this.#writes.get(name);
    const write =
      before === undefined
        ? this.#offsets.writeGroupRecords(changes())
        : before.then(() => this.#offsets.writeGroupRecords(changes()));
    this.#follow(name, write, (error) => {
      const reason = error instanceof Error ? error.message : String(error);
      this.#report(`group '${name}' could not be stored: ${reason}`);
    });
    return write;
  }

  /** Deletes all records of groups that are not being written. */
  async delete(names: readonly string[]): Promise<void> {
    const tombstones = names.flatMap((name) => this.tombstones(name));
    const written = this.#offsets.writeGroupRecords(tombstones);
    for (const name of names) this.#follow(name, written, () => {});
    await written;
  }

  /** The last write of a group, if it is not over; it never rejects. */
  writeOf(name: string): Promise<void> | undefined {
    return this.#writes.get(name);
  }

  /** Whether something is being written. */
  get isWriting(): boolean {
    return this.#writes.size > 0;
  }

  /** Resolves once everything that is being written now is over. */
  async written(): Promise<void> {
    await Promise.all(this.#writes.values());
  }

  /** Lets later writes of a group wait for this one. */
  #follow(name: string, write: Promise<void>, onFailed: (error: unknown) => void): void {
    const settled = write.catch(onFailed).finally(() => {
      if (this.#writes.get(name) === settled) this.#writes.delete(name);
    });
    this.#writes.set(name, settled);
  }
}
