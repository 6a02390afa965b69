// What an administrator asks about groups and their committed offsets.
// Leaves to others: what each call promises (admin), and sending it (admin-requests).

import { RustLogError } from "../errors.js";
import {
  DeleteGroup,
  describeAfter,
  DescribeGroup,
  DescribeMembers,
  ListGroups,
} from "../protocol/native/groups.js";
import {
  BY_NO_MEMBER,
  OffsetCommit,
  OffsetDelete,
  OffsetFetch,
} from "../protocol/native/offsets.js";
import { pageAfter } from "../protocol/native/page.js";
import type { AdminRequests } from "./admin-requests.js";
import type {
  CommitResult,
  CommittedOffset,
  DeletedOffset,
  GroupListing,
  GroupMember,
  GroupOffset,
  GroupState,
  PartitionOffset,
  TopicPartition,
} from "./admin-types.js";
import { checkNatural, checkString } from "./argument-check.js";
import { callOf } from "./link.js";
import { allOf, pagesOf } from "./pages.js";
import { checkCount, checkPartitions } from "./partition-checks.js";

/** What to do if a group has members, which alone may commit. */
const ONLY_MEMBERS = "Stop the members, join them with a balanced consumer, or use another group.";

export class GroupAdmin {
  readonly #requests: AdminRequests;

  constructor(requests: AdminRequests) {
    this.#requests = requests;
  }

  async list(): Promise<GroupListing[]> {
    const groups = await allOf(this.pages());
    return groups.sort((a, b) => (a.group < b.group ? -1 : 1));
  }

  pages(): AsyncGenerator<readonly GroupListing[], void> {
    return pagesOf<GroupListing>(async (after) => {
      const page = pageAfter(after?.group);
      const { groups, more } = await this.#requests.send(callOf(ListGroups, page));
      const items = groups.map(({ state, type, ...group }) => ({
        ...group,
        state: orUndefined(state),
        type: orUndefined(type),
      }));
      return { items, more };
    });
  }

  async describe(group: string): Promise<GroupOffset[]> {
    checkString("INVALID_GROUP", "group", group);
    const pages = pagesOf<GroupOffset>(async (after) => {
      const page = describeAfter(group, after);
      const { partitions, more } = await this.#requests.send(callOf(DescribeGroup, page));
      const items = partitions.map(({ memberId, ...partition }) => ({
        ...partition,
        memberId: orUndefined(memberId),
      }));
      return { items, more };
    });
    return await allOf(pages);
  }

  async describeMembers(group: string): Promise<GroupState> {
    checkString("INVALID_GROUP", "group", group);
    let state: Omit<GroupState, "members"> | undefined;
    const pages = pagesOf<GroupMember>(async (last) => {
      const after = last?.memberId ?? "";
      const page = await this.#requests.send(callOf(DescribeMembers, { group, after, limit: 0 }));
      const { members, more, type, protocolType, assignor, ...rest } = page;
      state ??= {
        ...rest,
        type: orUndefined(type),
        protocolType: orUndefined(protocolType),
        assignor: orUndefined(assignor),
      };
      const items = members.map(({ instanceId, ...member }) => ({
        ...member,
        instanceId: orUndefined(instanceId),
      }));
      return { items, more };
    });
    const members = await allOf(pages);
    return { ...state!, members };
  }

  async commitOffsets(group: string, offsets: readonly PartitionOffset[]): Promise<CommitResult> {
    checkString("INVALID_GROUP", "group", group);
    checkPartitions("offsets", offsets);
    for (const { offset } of offsets) {
      checkNatural("INVALID_REQUEST", "offset of an item of offsets", offset);
    }
    try {
      return await this.#requests.send(callOf(OffsetCommit, { group, offsets, ...BY_NO_MEMBER }));
    } catch (error) {
      if (!(error instanceof RustLogError) || error.code !== "UNKNOWN_MEMBER_ID") throw error;
      // This is no member that has to join again.
      throw new RustLogError(error.code, error.message, { cause: error, help: ONLY_MEMBERS });
    }
  }

  async fetchOffsets(
    group: string,
    partitions: readonly TopicPartition[],
  ): Promise<CommittedOffset[]> {
    checkString("INVALID_GROUP", "group", group);
    checkPartitions("partitions", partitions);
    const { offsets } = await this.#requests.send(callOf(OffsetFetch, { group, partitions }));
    checkCount(offsets.length, partitions.length);
    return partitions.map(({ topic, partition }, i) => {
      const { offset, commitTimestamp } = offsets[i]!;
      const isCommitted = offset >= 0;
      return {
        topic,
        partition,
        offset: isCommitted ? offset : undefined,
        commitTimestamp: isCommitted ? commitTimestamp : undefined,
      };
    });
  }

  async deleteOffsets(
    group: string,
    partitions: readonly TopicPartition[],
  ): Promise<DeletedOffset[]> {
    checkString("INVALID_GROUP", "group", group);
    checkPartitions("partitions", partitions);
    const call = callOf(OffsetDelete, { group, partitions });
    const { offsets } = await this.#requests.send({ ...call, repeatable: false });
    checkCount(offsets.length, partitions.length);
    return partitions.map(({ topic, partition }, i) => {
      const { offset } = offsets[i]!;
      return { topic, partition, offset: offset >= 0 ? offset : undefined };
    });
  }

  async delete(group: string): Promise<void> {
    checkString("INVALID_GROUP", "group", group);
    await this.#requests.send({ ...callOf(DeleteGroup, { group }), repeatable: false });
  }
}

function orUndefined(text: string): string | undefined {
  return text === "" ? undefined : text;
}
