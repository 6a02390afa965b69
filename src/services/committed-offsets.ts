// OffsetCommit, OffsetFetch and OffsetDelete: storing, reading and deleting the offsets of groups.
// Leaves to others: storage (groups/), and comparing offsets with the logs (group-lag.ts).
import { RustLogError } from "../errors.js";
import type { CommittedOffset } from "../groups/offset-record.js";
import { OffsetStore } from "../groups/offset-store.js";
import type { ServiceContext } from "./context.js";
import { type NamedPartition, partitionOf } from "./named-partition.js";
import { failureOf, type Outcome } from "./outcome.js";

interface PartitionCommit extends NamedPartition {
  /** Offset of the next record that the group wants. */
  readonly offset: number;
}

/**
 * Commits offsets for a group: all of them, or none if any can't be committed. Resolves with the error of each offset,
 * in order, or undefined for a valid one. Rejects with INVALID_GROUP, INVALID_REQUEST (a partition is named twice), and
 * the errors of the offset store.
 */
export async function commitOffsets(
  context: ServiceContext,
  group: string,
  commits: readonly PartitionCommit[],
): Promise<readonly Outcome<undefined>[]> {
  OffsetStore.checkGroup(group);
  refuseRepeated(commits);
  const outcomes = commits.map((commit) => {
    try {
      checkCommit(context, commit);
      return undefined;
    } catch (error) {
      return failureOf(error);
    }
  });
  if (outcomes.every((outcome) => outcome === undefined)) {
    await context.offsets.commit(group, commits);
  }
  return outcomes;
}

/** The group's committed offset for each partition, in order; undefined for none. Throws INVALID_GROUP. */
export function fetchOffsets(
  context: ServiceContext,
  group: string,
  partitions: readonly NamedPartition[],
): Outcome<CommittedOffset | undefined>[] {
  OffsetStore.checkGroup(group);
  return partitions.map((named) => {
    try {
      partitionOf(context, named);
      return context.offsets.fetch(group, named.topic, named.partition);
    } catch (error) {
      return failureOf(error);
    }
  });
}

/**
 * Deletes a group's committed offsets of these partitions: all of them, or none if one of the partitions does not exist.
 * Resolves with what each was, in order; undefined for none. Rejects with INVALID_GROUP and GROUP_NOT_FOUND.
 */
export async function deleteOffsets(
  context: ServiceContext,
  group: string,
  partitions: readonly NamedPartition[],
): Promise<readonly Outcome<CommittedOffset | undefined>[]> {
  const outcomes = fetchOffsets(context, group, partitions);
  if (outcomes.some((outcome) => outcome instanceof RustLogError)) return outcomes;
  return await context.offsets.deleteOffsets(group, partitions);
}

function checkCommit(context: ServiceContext, commit: PartitionCommit): void {
  const { name, highWatermark } = partitionOf(context, commit);
  if (commit.offset >= 0 && commit.offset <= highWatermark) return;
  throw new RustLogError(
    "OFFSET_OUT_OF_RANGE",
    `offset ${commit.offset} can't be committed for ${name}; expected 0 to ${highWatermark}`,
  );
}

/** Throws INVALID_REQUEST if a partition is named twice, because it is unclear which of the two offsets is meant. */
function refuseRepeated(commits: readonly PartitionCommit[]): void {
  const seen = new Map<string, Set<number>>();
  for (const { topic, partition } of commits) {
    const partitions = seen.get(topic) ?? new Set<number>();
    seen.set(topic, partitions);
    if (partitions.has(partition)) {
      throw new RustLogError(
        "INVALID_REQUEST",
        `${topic}-${partition} is named twice: a commit has one offset for each partition`,
      );
    }
    partitions.add(partition);
  }
}
