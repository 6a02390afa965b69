// Arrays with more items than their limit: a request of a few megabytes is rejected by its count.
import { expect, test } from "bun:test";
import { OFFSET_ENTRIES_MAX, TOPIC_SETTINGS_MAX } from "../../src/limits.js";
import {
  BY_NO_MEMBER,
  OffsetCommit,
  OffsetDelete,
  OffsetFetch,
} from "../../src/protocol/native/offsets.js";
import { AlterTopic, CreateTopic, DeleteRecords } from "../../src/protocol/native/topics.js";

/** A byte that is not UTF-8. */
const BROKEN = 0xff;

const ARRAYS = [
  {
    field: "offsets",
    itemsMax: OFFSET_ENTRIES_MAX,
    decode: OffsetCommit.decodeRequest,
    encode: (items: number) =>
      OffsetCommit.encodeRequest(1, {
        ...BY_NO_MEMBER,
        group: "g",
        offsets: Array.from({ length: items }, (_, partition) => ({
          topic: "t",
          partition,
          offset: 0,
        })),
      }),
    firstItemAt: 4 + 6 + 3 + 4,
  },
  {
    field: "partitions",
    itemsMax: OFFSET_ENTRIES_MAX,
    decode: OffsetFetch.decodeRequest,
    encode: (items: number) =>
      OffsetFetch.encodeRequest(1, {
        group: "g",
        partitions: Array.from({ length: items }, (_, partition) => ({ topic: "t", partition })),
      }),
    firstItemAt: 4 + 6 + 3 + 4,
  },
  {
    field: "partitions",
    itemsMax: OFFSET_ENTRIES_MAX,
    decode: OffsetDelete.decodeRequest,
    encode: (items: number) =>
      OffsetDelete.encodeRequest(1, {
        group: "g",
        partitions: Array.from({ length: items }, (_, partition) => ({ topic: "t", partition })),
      }),
    firstItemAt: 4 + 6 + 3 + 4,
  },
  {
    field: "settings",
    itemsMax: TOPIC_SETTINGS_MAX,
    decode: CreateTopic.decodeRequest,
    encode: (items: number) =>
      CreateTopic.encodeRequest(1, {
        topic: "t",
        partitions: 1,
        settings: Array.from({ length: items }, () => ({ name: "n", value: "v" })),
      }),
    firstItemAt: 4 + 6 + 3 + 4 + 4,
  },
  {
    field: "settings",
    itemsMax: TOPIC_SETTINGS_MAX,
    decode: AlterTopic.decodeRequest,
    encode: (items: number) =>
      AlterTopic.encodeRequest(1, {
        topic: "t",
        settings: Array.from({ length: items }, () => ({ name: "n", value: "v" })),
        deletedSettings: [],
        partitions: 0,
        validateOnly: false,
      }),
    firstItemAt: 4 + 6 + 3 + 4,
  },
  {
    field: "deletedSettings",
    itemsMax: TOPIC_SETTINGS_MAX,
    decode: AlterTopic.decodeRequest,
    encode: (items: number) =>
      AlterTopic.encodeRequest(1, {
        topic: "t",
        settings: [],
        deletedSettings: Array.from({ length: items }, () => ({ name: "n" })),
        partitions: 0,
        validateOnly: false,
      }),
    firstItemAt: 4 + 6 + 3 + 4 + 4,
  },
  {
    field: "partitions",
    itemsMax: OFFSET_ENTRIES_MAX,
    decode: DeleteRecords.decodeRequest,
    encode: (items: number) =>
      DeleteRecords.encodeRequest(1, {
        partitions: Array.from({ length: items }, (_, partition) => ({
          topic: "t",
          partition,
          offset: 0,
        })),
      }),
    firstItemAt: 4 + 6 + 4,
  },
];

test.each(ARRAYS)("as many $field as the limit are read", ({ itemsMax, encode, decode }) => {
  expect(() => decode(encode(itemsMax).subarray(4))).not.toThrow();
});

test.each(ARRAYS)(
  "one more of $field is refused before the first is read",
  ({ field, itemsMax, encode, decode, firstItemAt }) => {
    const frame = encode(itemsMax + 1);
    // The first item is an invalid string: reading it would fail for that reason instead.
    frame[firstItemAt + 2] = BROKEN;
    expect(() => decode(frame.subarray(4))).toThrow(
      `field '${field}': ${itemsMax + 1} items are over the limit of ${itemsMax}`,
    );
  },
);
