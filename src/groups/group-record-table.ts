// The newest record of each key in the offsets topic that is not a committed offset: what has to be known about groups
// after a restart. Leaves to others: what the records say (group-record.ts), and storing them (offset-log.ts).
//
// A broker may have seen very many groups that have no members any more. Each of them has one short record, under a key
// that names only the group. So that record is kept as a text of its bytes, and its key is not kept: about 200 bytes for a
// group, a third of what two byte arrays in a map take.
import { readU16 } from "../record/bytes.js";
import { encodeGroupKey, groupOfKey, keyVersion } from "./group-record.js";

/** The key of a record and its newest value; null deletes it. */
export type GroupRecordChange = readonly [key: Uint8Array, value: Uint8Array | null];

/** Values by key, both as texts of their bytes. */
type Records = Map<string, string>;

/** The only record of a group, under a plain key: a character for the version of the key, and the value. */
type PlainRecord = string;

export class GroupRecordTable {
  readonly #groups = new Map<string, PlainRecord | Records>();

  /** Sets or deletes a record. Throws CORRUPT_MESSAGE if the key names no group. */
  apply([key, value]: GroupRecordChange): void {
    const group = groupOfKey(key);
    const before = this.get(group, key);
    const known = this.#groups.get(group);
    const isOnly = known === undefined || (typeof known === "string" && before !== undefined);
    if (isOnly && value === null) this.#groups.delete(group);
    else if (isOnly && value !== null && isPlain(key)) this.#groups.set(group, plain(key, value));
    else this.#change(group, key, value);
  }

  has(group: string): boolean {
    return this.#groups.has(group);
  }

  get(group: string, key: Uint8Array): Uint8Array | undefined {
    const records = this.#groups.get(group);
    if (typeof records === "string") {
      const isIt = isPlain(key) && records.charCodeAt(0) === keyVersion(key);
      return isIt ? bytesOf(records.slice(1)) : undefined;
    }
    const text = records?.get(textOf(key));
    return text === undefined ? undefined : bytesOf(text);
  }

  /** Names of the groups, in no order. Groups may come and go while the caller iterates. */
  groups(): IterableIterator<string> {
    return this.#groups.keys();
  }

  /** Keys and values of the records of a group, each as it is when the caller gets there. */
  *of(group: string): Generator<readonly [key: Uint8Array, value: Uint8Array], void> {
    for (const text of this.#records(group).keys()) {
      const key = bytesOf(text);
      // The map may not be the group's any more: a group with one record left has none.
      const value = this.get(group, key);
      if (value !== undefined) yield [key, value];
    }
  }

  /** Sets or deletes one of several records. */
  #change(group: string, key: Uint8Array, value: Uint8Array | null): void {
    const records = this.#records(group);
    if (value === null) records.delete(textOf(key));
    else records.set(textOf(key), textOf(value));
    if (records.size === 0) {
      this.#groups.delete(group);
      return;
    }
    const [only] = records.size === 1 ? records : [];
    const onlyKey = bytesOf(only?.[0] ?? "");
    const isAlone = only !== undefined && isPlain(onlyKey);
    this.#groups.set(group, isAlone ? plain(onlyKey, bytesOf(only[1])) : records);
  }

  #records(group: string): Records {
    const records = this.#groups.get(group);
    if (typeof records !== "string") return records ?? new Map();
    const key = encodeGroupKey(group, records.charCodeAt(0));
    return new Map([[textOf(key), records.slice(1)]]);
  }
}

/** Whether a key has nothing but its version, in one byte, and the group. */
function isPlain(key: Uint8Array): boolean {
  return key.length >= 4 && key[0] === 0 && key.length === 4 + readU16(key, 2);
}

function plain(key: Uint8Array, value: Uint8Array): PlainRecord {
  const bytes = Buffer.allocUnsafe(1 + value.length);
  bytes[0] = keyVersion(key);
  bytes.set(value, 1);
  return bytes.toString("latin1");
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}

function bytesOf(text: string): Uint8Array {
  return Buffer.from(text, "latin1");
}
