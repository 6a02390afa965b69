// What a hostile client sends: random bytes, valid frames that were mutated, and valid requests whose length
// fields hold extremes. Leaves to others: sending it, and what is expected (fuzz-port.ts).
import { API, encodeRequest } from "../../src/protocol/native/messages.js";
import { Fetch } from "../../src/protocol/native/fetch.js";
import {
  describeAfter,
  DeleteGroup,
  DescribeGroup,
  DescribeMembers,
} from "../../src/protocol/native/groups.js";
import { ApiVersions, Ping } from "../../src/protocol/native/meta.js";
import {
  BY_NO_MEMBER,
  ListOffsets,
  OffsetCommit,
  OffsetDelete,
  OffsetFetch,
} from "../../src/protocol/native/offsets.js";
import {
  AlterTopic,
  CreateTopic,
  DeleteRecords,
  DeleteTopic,
  DescribeTopic,
} from "../../src/protocol/native/topics.js";
import { batchOf } from "../support/broker.js";
import type { Random } from "../support/random.js";
import { encodeProduceRequest } from "../support/whole-frames.js";
import { concat } from "../support/bytes.js";

/** The topic of hostile requests; the good client has another. */
export const TARGET = "target";

const topic = TARGET;
const GROUP = "hostile";
const FRAME_BYTES_MAX = 10 * 1024 * 1024;

/** Numbers that are likely to be handled wrongly. */
const EXTREMES = [0, 1, 2, 127, 128, 255, 65_535, 65_536, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];

/** Lengths of frames: none, the shortest, around the limit, and what is negative in 32 bits. */
export const FRAME_LENGTHS = [
  0,
  1,
  5,
  FRAME_BYTES_MAX,
  FRAME_BYTES_MAX + 1,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
];

/** A valid frame of every API. None waits, and none deletes what later ones need. */
export function validFrames(random: Random): Uint8Array[] {
  const partition = random.below(2);
  const offset = random.below(4);
  const id = 1 + random.below(1000);
  const batch = batchOf("a", "bb".repeat(random.below(200)), "");
  const fetch = { group: "", topic, partition, offset, maxBytes: 5_000, minBytes: 1, maxWaitMs: 0 };
  return [
    encodeProduceRequest(id, { topic, partition, batch }),
    Fetch.encodeRequest(id, fetch),
    Fetch.encodeRequest(id, { ...fetch, group: GROUP, maxWaitMs: 5, minBytes: 1_000_000 }),
    OffsetCommit.encodeRequest(id, {
      ...BY_NO_MEMBER,
      group: GROUP,
      offsets: [{ topic, partition, offset: 0 }],
    }),
    OffsetFetch.encodeRequest(id, { group: GROUP, partitions: [{ topic, partition }] }),
    OffsetDelete.encodeRequest(id, { group: GROUP, partitions: [{ topic, partition }] }),
    CreateTopic.encodeRequest(id, {
      topic: "bad/name",
      partitions: 2,
      settings: [{ name: "segment.bytes", value: "1024" }],
    }),
    DescribeTopic.encodeRequest(id, { topic, createIfMissing: false }),
    DeleteTopic.encodeRequest(id, { topic: "not-there" }),
    AlterTopic.encodeRequest(id, {
      topic,
      settings: [{ name: "segment.bytes", value: "few" }],
      deletedSettings: [{ name: "retention.ms" }],
      partitions: 0,
      validateOnly: true,
    }),
    DeleteRecords.encodeRequest(id, { partitions: [{ topic, partition, offset: 0 }] }),
    ListOffsets.encodeRequest(id, { topic, partition, timestamp: offset }),
    DescribeGroup.encodeRequest(id, describeAfter(GROUP)),
    DescribeMembers.encodeRequest(id, { group: GROUP, after: "", limit: 0 }),
    DeleteGroup.encodeRequest(id, { group: GROUP }),
    Ping.encodeRequest(id, {}),
    ApiVersions.encodeRequest(id, {}),
    encodeRequest(API.ListTopics, id, () => {}),
    encodeRequest(API.ListGroups, id, () => {}),
  ];
}

/** One case: what one connection sends. */
export function hostileInput(random: Random): Uint8Array {
  const frames = validFrames(random);
  switch (random.below(7)) {
    case 0:
      return random.bytes(random.below(random.chance(0.05) ? 100_000 : 400));
    case 1:
      return random.pick(frames).subarray(0, random.below(100));
    case 2:
      return mutated(random.pick(frames), random);
    case 3:
      return withExtreme(random.pick(frames), random);
    case 4:
      return framed(random.pick(FRAME_LENGTHS), random.bytes(random.below(100)));
    case 5: {
      // The body of another API, in a complete frame.
      const body = random.bytes(random.below(60));
      return encodeRequest(1 + random.below(16), 7, (writer) => writer.raw(body));
    }
    default: {
      const run = Array.from({ length: 1 + random.below(30) }, () => random.pick(frames));
      return mutated(concat(run), random);
    }
  }
}

/** Some bytes changed, removed, or doubled. */
export function mutated(bytes: Uint8Array, random: Random): Uint8Array {
  const changed = bytes.slice();
  for (let i = random.below(6); i >= 0; i--)
    changed[random.below(changed.length)] = random.below(256);
  const at = random.below(changed.length);
  if (random.chance(0.2)) return concat([changed.subarray(0, at), changed.subarray(at + 1)]);
  if (random.chance(0.2)) return concat([changed.subarray(0, at), changed.subarray(at >> 1)]);
  return changed;
}

/** A field of 1, 2 or 4 bytes anywhere after the frame's length is set to an extreme; the frame stays complete. */
export function withExtreme(bytes: Uint8Array, random: Random): Uint8Array {
  const changed = bytes.slice();
  const width = random.pick([1, 2, 4, 4, 8]);
  let value = random.pick(EXTREMES);
  const at = 4 + random.below(Math.max(1, changed.length - 4 - width));
  for (let i = Math.min(width, changed.length - at) - 1; i >= 0; i--) {
    changed[at + i] = value % 256;
    value = width === 8 && random.chance(0.1) ? 255 : Math.floor(value / 256);
  }
  return changed;
}

/** A length, and a different number of bytes. */
export function framed(length: number, payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(4 + payload.length);
  new DataView(frame.buffer).setUint32(0, length);
  frame.set(payload, 4);
  return frame;
}
