// The records of the broker's own topic, which are binary, in words: committed offsets and groups.
// Leaves to others: their formats (groups/offsets/offset-record.ts, groups/group-record.ts, groups/consumer/consumer-group-record.ts).
import { RustLogError } from "../../errors.js";
import { isConsumerGroupKey } from "../../groups/consumer/consumer-group-record.js";
import {
  decodeGroupRecord,
  GROUP_KEY_VERSION,
  groupOfKey,
  keyVersion,
  OFFSET_KEY_VERSION_MAX,
} from "../../groups/group-record.js";
import { decodeOffsetKey, decodeOffsetValue } from "../../groups/offsets/offset-record.js";

/** What the records of a consumer group are about, by the version of their key (KIP-848). */
const CONSUMER_RECORDS: Readonly<Record<number, string>> = {
  3: "epoch",
  4: "partitions",
  5: "a member",
  6: "assignment epoch",
  7: "target assignment of a member",
  8: "current assignment of a member",
  16: "a regular expression",
};

/** What a record of the offsets topic says; undefined if it can't be decoded. */
export function decodedRecord(
  key: Uint8Array | null,
  value: Uint8Array | null,
): string | undefined {
  try {
    return key === null ? undefined : decoded(key, value);
  } catch (error) {
    if (error instanceof RustLogError) return undefined;
    throw error;
  }
}

function decoded(key: Uint8Array, value: Uint8Array | null): string | undefined {
  const version = keyVersion(key);
  if (version >= 0 && version <= OFFSET_KEY_VERSION_MAX) {
    const { group, topic, partition } = decodeOffsetKey(key);
    const place = `group ${group}, ${topic} ${partition}`;
    if (value === null) return `${place}: offset deleted`;
    const { offset, details } = decodeOffsetValue(value);
    const metadata =
      details === undefined || details.metadata === "" ? "" : `, ${details.metadata}`;
    return `${place}: offset ${offset}${metadata}`;
  }
  const isClassic = version === GROUP_KEY_VERSION;
  if (!isClassic && !isConsumerGroupKey(version)) return undefined;
  const group = `group ${groupOfKey(key)}`;
  if (value === null) return `${group}: deleted`;
  if (!isClassic) return `${group}: ${CONSUMER_RECORDS[version] ?? `record ${version}`}`;
  const { generation, protocol, members } = decodeGroupRecord(value);
  const count = members.length === 1 ? "1 member" : `${members.length} members`;
  return `${group}: generation ${generation}, ${protocol ?? "no protocol"}, ${count}`;
}
