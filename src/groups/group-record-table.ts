// The newest record of each key in the offsets topic that is not a committed offset: what has to be known about groups
// after a restart. Leaves to others: what the records say (group-record.ts), and storing them (offset-log.ts).
//
// A broker may have seen very many groups that have no members any more. Each of them has one short record, so it is kept
// as a text of its bytes: about half the memory of a byte array.
import { groupOfKey } from "./group-record.js";

/** The key of a record and its newest value; null deletes it. */
export type GroupRecordChange = readonly [key: Uint8Array, value: Uint8Array | null];

type Records = Map<string, string>;

export class GroupRecordTable {
  readonly #groups = new Map<string, Records>();
  #bytes = 0;

  /** Length of all keys and values. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Sets or deletes a record. Throws CORRUPT_MESSAGE if the key names no group. */
  apply([key, value]: GroupRecordChange): void {
    const group = groupOfKey(key);
    const keyText = latin1(key);
    const records = this.#groups.get(group);
    const before = records?.get(keyText);
    if (before !== undefined) this.#bytes -= keyText.length + before.length;
    if (value === null) {
      records?.delete(keyText);
      if (records?.size === 0) this.#groups.delete(group);
      return;
    }
    this.#bytes += key.length + value.length;
    if (records === undefined) this.#groups.set(group, new Map([[keyText, latin1(value)]]));
    else records.set(keyText, latin1(value));
  }

  has(group: string): boolean {
    return this.#groups.has(group);
  }

  get(group: string, key: Uint8Array): Uint8Array | undefined {
    const text = this.#groups.get(group)?.get(latin1(key));
    return text === undefined ? undefined : bytesOfLatin1(text);
  }

  /** Names of the groups, in no order. Groups may come and go while the caller iterates. */
  groups(): IterableIterator<string> {
    return this.#groups.keys();
  }

  /** Keys and values of the records of a group. */
  *of(group: string): Generator<readonly [key: Uint8Array, value: Uint8Array], void> {
    for (const [key, value] of this.#groups.get(group) ?? []) {
      yield [bytesOfLatin1(key), bytesOfLatin1(value)];
    }
  }

  /** All records, for a snapshot. Records may change while the caller iterates. */
  *all(): Generator<readonly [key: Uint8Array, value: Uint8Array], void> {
    for (const group of this.#groups.keys()) yield* this.of(group);
  }
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}

function bytesOfLatin1(text: string): Uint8Array {
  return Buffer.from(text, "latin1");
}
