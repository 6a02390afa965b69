// The field `topicId` of the APIs that have it, from version 2 on: 16 bytes, all 0 for an id that is not said.
// Leaves to others: where in a body it stands (fetch.ts, offsets.ts, topics.ts).
import { UUID_BYTES, ZERO_UUID } from "../../record/bytes.ts";
import type { ByteReader } from "./reader.ts";
import type { ByteWriter } from "./writer.ts";

const SINCE = 2;

/** Writes the field, in a version that has it. */
export function writeTopicId(
  writer: ByteWriter,
  topicId: string | undefined,
  version: number,
): void {
  if (version >= SINCE) writer.uuid(topicId ?? ZERO_UUID);
}

/** Reads the field; undefined if the id is not said, or the version does not have it. */
export function readTopicId(reader: ByteReader, version: number): string | undefined {
  if (version < SINCE) return undefined;
  const topicId = reader.uuid("topicId");
  return topicId === ZERO_UUID ? undefined : topicId;
}

/** Bytes of the field in a version. */
export function topicIdBytes(version: number): number {
  return version >= SINCE ? UUID_BYTES : 0;
}
