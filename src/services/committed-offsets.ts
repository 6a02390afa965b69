// OffsetCommit, OffsetFetch and OffsetDelete: storing, reading and deleting the offsets of groups. The native protocol commits
// all or nothing, within the log; Kafka's commits whatever it can, at any offset.
// Leaves to others: storage (groups/), and comparing offsets with the logs (group-lag.ts).
import { RustLogError } from "../errors.js";
import {
  type CommittedOffset,
  detailsOf,
  NO_DETAILS,
  type OffsetKey,
} from "../groups/offsets/offset-record.js";
import { groupNotFound, type OffsetCommit, OffsetStore } from "../groups/offsets/offset-store.js";
import { type CommittingMember, NO_MEMBER } from "../groups/group.js";
import type { OffsetRow } from "../groups/offsets/offset-table.js";
import { OFFSET_ENTRIES_MAX, OFFSET_METADATA_LENGTH_MAX } from "../limits.js";
import { Portions } from "../log/event-loop.js";
import type { ServiceContext } from "./context.js";
import type { Pause } from "./few-at-a-time.js";
import {
  anyPartitionOf,
  type NamedPartition,
  partitionOf,
  refuseRepeated,
} from "./named-partition.js";
import { failureOf, type Outcome, valuesOf } from "./outcome.js";
import { mayOnTopic, requireOnGroup, requireOnTopic } from "./permissions.js";

interface PartitionCommit extends NamedPartition {
  /** Offset of the next record that the group wants. */
  readonly offset: number;
}

/** A commit as Kafka's clients make it. */
export interface DetailedCommit extends PartitionCommit {
  /** -1 if it is not known. */
  readonly leaderEpoch: number;
  readonly metadata: string;
}

/** Partitions handled before `pause` is called. */
const PORTION = 500;

/**
 * Commits offsets for a group: all of them, or none if any can't be committed. Resolves with the error of each offset,
 * in order, or undefined for a valid one. Rejects with INVALID_GROUP, INVALID_REQUEST (a partition is named twice),
 * UNKNOWN_MEMBER_ID (the group has members, and this is not one of them), STALE_MEMBER_EPOCH, and the errors of the offset store.
 */
export async function commitOffsets(
  context: ServiceContext,
  group: string,
  commits: readonly PartitionCommit[],
  member: CommittingMember = NO_MEMBER,
): Promise<readonly Outcome<undefined>[]> {
  OffsetStore.checkGroup(group);
  requireOnGroup(context, "READ", group);
  refuseRepeated(commits, "a commit has one offset for each partition");
  const outcomes = commits.map((commit) => {
    try {
      checkCommit(context, commit);
      return undefined;
    } catch (error) {
      return failureOf(error);
    }
  });
  if (outcomes.every((outcome) => outcome === undefined)) {
    const checkMember = (): void => context.groups.checkCommit(group, member);
    checkMember();
    await context.offsets.commit(group, commits, checkMember);
  }
  return outcomes;
}

/**
 * Commits offsets for a group as Kafka does: whichever are valid, at any offset; of a partition that is named twice, the last
 * one. Resolves with the error of each, in order, or undefined. If the caller may not commit, all have that error, and if
 * the member may not, all valid ones. The group's name may be empty.
 */
export async function commitEach(
  context: ServiceContext,
  group: string,
  member: CommittingMember,
  commits: readonly DetailedCommit[],
  pause: Pause,
): Promise<Outcome<undefined>[]> {
  const outcomes = new Array<Outcome<undefined>>(commits.length).fill(undefined);
  try {
    requireOnGroup(context, "READ", group);
  } catch (error) {
    return outcomes.fill(failureOf(error));
  }
  const found: OffsetCommit[] = [];
  /** Positions of the `found` ones in the request. */
  let places: number[] = [];
  for (const [i, commit] of commits.entries()) {
    try {
      found.push(resolveCommit(context, commit));
      places.push(i);
    } catch (error) {
      outcomes[i] = failureOf(error);
    }
    if (i % PORTION === PORTION - 1) await pause(PORTION);
  }
  // Like Kafka, which then does not check the member.
  if (found.length === 0) return outcomes;
  const checkMember = (): void =>
    context.groups.checkCommit(group, { ...member, partitions: found });
  try {
    OffsetStore.checkGroup(group, 0);
    checkMember();
  } catch (error) {
    const failure = failureOf(error);
    for (const place of places) outcomes[place] = failure;
    return outcomes;
  }
  const valid = found.filter(({ details }, i) => {
    const failure = metadataFault(details?.metadata ?? "");
    if (failure === undefined) return true;
    outcomes[places[i]!] = failure;
    return false;
  });
  places = places.filter((place) => outcomes[place] === undefined);
  // Each of these is one batch.
  for (let from = 0; from < valid.length; from += OFFSET_ENTRIES_MAX) {
    const to = from + OFFSET_ENTRIES_MAX;
    try {
      await context.offsets.commit(group, valid.slice(from, to), checkMember);
    } catch (error) {
      const failure = failureOf(error);
      for (const place of places.slice(from, to)) outcomes[place] = failure;
    }
  }
  return outcomes;
}

/**
 * The group's committed offset for each partition, in order. Undefined for none, and for a negative one, which says the
 * same in Kafka. Throws INVALID_GROUP.
 */
export function fetchOffsets(
  context: ServiceContext,
  group: string,
  partitions: readonly NamedPartition[],
): Outcome<CommittedOffset | undefined>[] {
  OffsetStore.checkGroup(group);
  requireOnGroup(context, "DESCRIBE", group);
  return partitions.map((named) => {
    try {
      partitionOf(context, "DESCRIBE", named);
      return position(context.offsets.fetch(group, named.topic, named.partition));
    } catch (error) {
      return failureOf(error);
    }
  });
}

/** A negative offset, which Kafka's clients may commit, says that the group has none. */
export function position(committed: CommittedOffset | undefined): CommittedOffset | undefined {
  return committed !== undefined && committed.offset >= 0 ? committed : undefined;
}

/** A committed offset as Kafka's clients know it. */
export interface StoredOffset {
  readonly offset: number;
  readonly leaderEpoch: number;
  readonly metadata: string;
}

const NOTHING_STORED: StoredOffset = { offset: -1, ...NO_DETAILS };

/**
 * The committed offset of a partition, or -1; there need not be such a topic or partition. Throws STORAGE_ERROR if the
 * log of committed offsets is offline.
 */
export function storedOffset(
  context: ServiceContext,
  group: string,
  topic: string,
  partition: number,
): StoredOffset {
  requireOnTopic(context, "DESCRIBE", topic);
  const { offsets } = context;
  const committed = offsets.fetch(group, topic, partition);
  if (committed === undefined) return NOTHING_STORED;
  const { leaderEpoch, metadata } = committed.details ?? NO_DETAILS;
  return { offset: committed.offset, leaderEpoch, metadata };
}

/** Throws unless a member may fetch offsets now: UNKNOWN_MEMBER_ID and STALE_MEMBER_EPOCH in a consumer group. */
export function checkFetch(context: ServiceContext, group: string, member: CommittingMember): void {
  requireOnGroup(context, "DESCRIBE", group);
  const { groups } = context;
  groups.checkFetch(group, member);
}

/**
 * All committed offsets of a group, by topic and partition; none if it does not exist. The caller may yield between two.
 * Throws STORAGE_ERROR as `storedOffset` does.
 */
export function storedOffsets(
  context: ServiceContext,
  group: string,
): Iterable<StoredOffset & Pick<OffsetRow, "topic" | "topicId" | "partition">> {
  const { offsets } = context;
  offsets.checkOnline();
  return offsets
    .rowsOf(group)
    .filter(({ topic }) => mayOnTopic(context, "DESCRIBE", topic))
    .map(({ details, ...row }) => ({ ...row, ...(details ?? NO_DETAILS) }));
}

/**
 * Deletes a group's committed offsets of these partitions: all of them, or none if one of the partitions does not exist or
 * its topic is read by a member. Resolves with what each was, in order; undefined for none. Rejects with INVALID_GROUP,
 * GROUP_NOT_FOUND, NON_EMPTY_GROUP, and the errors of the offset store.
 */
export async function deleteOffsets(
  context: ServiceContext,
  group: string,
  partitions: readonly NamedPartition[],
): Promise<readonly Outcome<CommittedOffset | undefined>[]> {
  checkDeletion(context, group);
  const faults = partitions.map((named) => {
    try {
      const { topic } = partitionOf(context, "READ", named);
      if (context.groups.isSubscribedTo(group, topic)) throw subscribed(group, topic);
      return undefined;
    } catch (error) {
      return failureOf(error);
    }
  });
  if (faults.some((fault) => fault !== undefined)) return faults;
  const deleted = await context.offsets.deleteOffsets(group, partitions);
  noteDeletion(context, group, partitions.length);
  return deleted.map((committed) => position(committed));
}

/**
 * Deletes a group's committed offsets of all partitions of a topic. Resolves with how many there were. Rejects likewise, with
 * TOPIC_AUTHORIZATION_FAILED, and with INVALID_REQUEST if there are none.
 */
export async function deleteTopicOffsets(
  context: ServiceContext,
  group: string,
  topic: string,
): Promise<number> {
  checkDeletion(context, group);
  // Before anything tells whether the group reads the topic.
  requireOnTopic(context, "READ", topic);
  const partitions: NamedPartition[] = [];
  const portions = new Portions(PORTION);
  for (const row of context.offsets.rowsOf(group)) {
    if (row.topic === topic) partitions.push({ topic, partition: row.partition });
    await portions.next();
  }
  if (partitions.length === 0) {
    const message = `group '${group}' has committed no offset in topic '${topic}'`;
    throw new RustLogError("INVALID_REQUEST", message);
  }
  return valuesOf(await deleteOffsets(context, group, partitions)).length;
}

/**
 * The same as Kafka does it: deletes what can be deleted, and resolves with the error of each partition, in order, or
 * undefined.
 */
export async function deleteEach(
  context: ServiceContext,
  group: string,
  partitions: readonly NamedPartition[],
  pause: Pause,
): Promise<Outcome<undefined>[]> {
  checkDeletion(context, group);
  const { offsets, groups } = context;
  const outcomes: Outcome<undefined>[] = [];
  const found: Omit<OffsetKey, "group">[] = [];
  for (const named of partitions) {
    try {
      const { topic, index } = anyPartitionOf(context, "READ", named);
      if (groups.isSubscribedTo(group, topic)) throw subscribed(group, topic);
      found.push({ topic, partition: index });
      outcomes.push(undefined);
    } catch (error) {
      outcomes.push(failureOf(error));
    }
    if (outcomes.length % PORTION === 0) await pause(PORTION);
  }
  for (let from = 0; from < found.length; from += OFFSET_ENTRIES_MAX) {
    await offsets.deleteOffsets(group, found.slice(from, from + OFFSET_ENTRIES_MAX));
  }
  if (found.length > 0) noteDeletion(context, group, found.length);
  return outcomes;
}

function noteDeletion({ audit, caller }: ServiceContext, group: string, partitions: number): void {
  audit.changed(caller, "offsets-deleted", { group, partitions });
}

function checkDeletion(context: ServiceContext, group: string): void {
  OffsetStore.checkGroup(group);
  requireOnGroup(context, "DELETE", group);
  const { offsets, groups } = context;
  offsets.checkOnline();
  if (!groups.has(group)) throw groupNotFound(group);
  const members = groups.find(group);
  if (members === undefined || members.memberCount === 0) return;
  if (members.protocolType === "consumer") return;
  const message = `group '${group}' has members, and it is not known what they read`;
  throw new RustLogError("NON_EMPTY_GROUP", message);
}

function subscribed(group: string, topic: string): RustLogError {
  const message = `group '${group}' has members that read topic '${topic}'`;
  return new RustLogError("GROUP_SUBSCRIBED_TO_TOPIC", message);
}

/** A commit with the name of its topic, and what is to be stored. Throws if there is no such partition. */
function resolveCommit(context: ServiceContext, commit: DetailedCommit): OffsetCommit {
  const partition = anyPartitionOf(context, "READ", commit);
  const { offset, leaderEpoch, metadata } = commit;
  if (!Number.isSafeInteger(offset)) {
    throw new RustLogError(
      "INVALID_COMMIT_OFFSET_SIZE",
      `offset ${offset} can't be committed for ${partition.name}: it is beyond 2^53`,
    );
  }
  const isAhead = partition.offline === undefined && offset > partition.highWatermark;
  const details = detailsOf(leaderEpoch, metadata, isAhead);
  return { topic: partition.topic, partition: partition.index, offset, details };
}

/** Counts as Kafka does: in units of UTF-16, although the setting is in bytes. */
function metadataFault(metadata: string): RustLogError | undefined {
  if (metadata.length <= OFFSET_METADATA_LENGTH_MAX) return undefined;
  return new RustLogError(
    "OFFSET_METADATA_TOO_LARGE",
    `the metadata of a committed offset has ${metadata.length} characters; at most ` +
      `${OFFSET_METADATA_LENGTH_MAX} are allowed (offset.metadata.max.bytes)`,
  );
}

function checkCommit(context: ServiceContext, commit: PartitionCommit): void {
  const { name, highWatermark } = partitionOf(context, "READ", commit);
  if (commit.offset >= 0 && commit.offset <= highWatermark) return;
  throw new RustLogError(
    "OFFSET_OUT_OF_RANGE",
    `offset ${commit.offset} can't be committed for ${name}; expected 0 to ${highWatermark}`,
  );
}
