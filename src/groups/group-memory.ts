// What groups and their members take in memory, and the account of it for the whole broker.
// Leaves to others: the limit of one group, which is about what it says on the wire and on disk (classic-members.ts).
//
// The numbers are measured: the growth of the process (RssAnon) by many of a kind, including the records that are kept of
// them. A member with short names takes twenty times the bytes in which it introduces itself.
import { RustLogError } from "../errors.js";
import { GROUPS_MEMORY_BYTES_MAX } from "../limits.js";
import type { GroupType } from "./group.js";

/** A group, beside its members. */
const GROUP_BYTES: Readonly<Record<GroupType, number>> = { classic: 2_400, consumer: 6_500 };

/** A member of a classic group, beside its names and protocols. */
export const CLASSIC_MEMBER_BYTES = 2_000;

/** A protocol that such a member offers, beside name and metadata. */
export const PROTOCOL_BYTES = 500;

/** A member of a consumer group, beside its names and subscription. */
export const CONSUMER_MEMBER_BYTES = 4_500;

/** A topic that a member of a consumer group names, beside the name. */
export const NAMED_TOPIC_BYTES = 650;

/** A topic of a member's target assignment, and a partition: in targets, in what members read, and in records. */
const ASSIGNED_TOPIC_BYTES = 450;
const ASSIGNED_PARTITION_BYTES = 100;

/** The part of the memory that may be in use before it is scarce. */
const SCARCE_SHARE = 3 / 4;

/** What is kept of a text or bytes of a member: once in the member, and once in its record. */
export function keptBytes(bytes: number): number {
  return 2 * bytes;
}

/** Memory of an assignment, by its numbers of topics and partitions. */
export function assignmentBytes(topics: number, partitions: number): number {
  return topics * ASSIGNED_TOPIC_BYTES + partitions * ASSIGNED_PARTITION_BYTES;
}

export function groupBytes(name: string, type: GroupType): number {
  return GROUP_BYTES[type] + keptBytes(Buffer.byteLength(name));
}

/** The account of all groups together. */
export class GroupMemory {
  readonly #max: number;
  readonly #onScarce: () => void;
  #bytes = 0;

  /** `onScarce` is called when memory is taken, or refused, while little is left. */
  constructor(max = GROUPS_MEMORY_BYTES_MAX, onScarce: () => void = () => {}) {
    this.#max = max;
    this.#onScarce = onScarce;
  }

  get isScarce(): boolean {
    return this.#bytes > this.#max * SCARCE_SHARE;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes that may still be taken; negative if more is in use than allowed, as what was restored at start may be. */
  get left(): number {
    return this.#max - this.#bytes;
  }

  /** Accounts for more or, if negative, for less, whatever the limit. */
  add(bytes: number): void {
    this.#bytes += bytes;
    if (bytes > 0 && this.isScarce) this.#onScarce();
  }

  /** Throws GROUP_MAX_SIZE_REACHED unless there is so much left. */
  check(bytes: number): void {
    if (this.hasRoomFor(bytes)) return;
    this.#onScarce();
    throw new RustLogError("GROUP_MAX_SIZE_REACHED", this.limit);
  }

  hasRoomFor(bytes: number): boolean {
    return bytes <= 0 || bytes <= this.left;
  }

  /** Names the limit. */
  get limit(): string {
    return `the groups of this broker take ${this.#max} bytes of memory, the maximum (GROUPS_MEMORY_BYTES_MAX)`;
  }
}
