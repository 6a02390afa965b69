// What an administrator can ask of a broker, call by call: topics, offsets, groups, users, rules and quotas.
// Leaves to others: what a call checks and sends (admin-topics, admin-groups, admin-security), and encoding (protocol/).

import { checkSignal, type SignalOptions } from "./abort.js";
import { GroupAdmin } from "./admin-groups.js";
import { AdminRequests } from "./admin-requests.js";
import { SecurityAdmin } from "./admin-security.js";
import { TopicAdmin } from "./admin-topics.js";
import type {
  Acl,
  AclFilter,
  AlteredTopic,
  AlterTopicOptions,
  BrokerInfo,
  CommitResult,
  CommittedOffset,
  CompactedPartition,
  CompactOptions,
  CreateTopicOptions,
  DeletedOffset,
  GroupListing,
  GroupOffset,
  GroupState,
  PartitionOffset,
  Quota,
  QuotaChange,
  RecordsToDelete,
  TopicDescription,
  TopicListing,
  TopicPartition,
  TrimmedPartition,
  UserListing,
  UserOptions,
} from "./admin-types.js";
import { checkObject } from "./argument-check.js";
import type { BrokerLink, RetryPolicy } from "./link.js";
import type { OffsetSpec } from "./offset-spec.js";

/** Administers a broker. Created by `client.admin()`; it holds no resources and needs no closing. */
export class Admin {
  readonly #link: BrokerLink;
  readonly #topics: TopicAdmin;
  readonly #groups: GroupAdmin;
  readonly #security: SecurityAdmin;

  /** @internal Use `client.admin()`. */
  constructor(link: BrokerLink, policy: RetryPolicy = {}, options: SignalOptions = {}) {
    checkObject("INVALID_CONFIG", "the options of an admin", options);
    checkSignal(options.signal);
    const requests = new AdminRequests(link, policy, options.signal);
    this.#link = link;
    this.#topics = new TopicAdmin(requests);
    this.#groups = new GroupAdmin(requests);
    this.#security = new SecurityAdmin(requests);
  }

  /**
   * Creates a topic. Returns its id and its number of partitions (the broker's default unless the options have one).
   * Throws INVALID_TOPIC, TOPIC_ALREADY_EXISTS, INVALID_PARTITIONS, INVALID_CONFIG. Not retried after a lost connection,
   * because the topic may exist by then.
   */
  createTopic(
    name: string,
    options: CreateTopicOptions = {},
  ): Promise<{ readonly partitions: number; readonly topicId: string | undefined }> {
    return this.#topics.create(name, options);
  }

  /** Lists the topics by name; internal topics only on request. */
  listTopics(options: { readonly internal?: boolean } = {}): Promise<TopicListing[]> {
    return this.#topics.list(options);
  }

  /** Describes a topic and its partitions. Throws UNKNOWN_TOPIC_OR_PARTITION. */
  describeTopic(name: string): Promise<TopicDescription> {
    return this.#topics.describe(name);
  }

  /**
   * Changes settings of a topic, adds partitions, or both; the broker checks everything first, and follows the settings at
   * once. Throws UNKNOWN_TOPIC_OR_PARTITION, INVALID_TOPIC, INVALID_CONFIG, INVALID_PARTITIONS (not more than now), and
   * UNSUPPORTED_VERSION if the broker can't change topics. A call with `partitions` is not retried, for the same reason as
   * createTopic.
   */
  alterTopic(name: string, options: AlterTopicOptions): Promise<AlteredTopic> {
    return this.#topics.alter(name, options);
  }

  /**
   * Deletes the records of partitions below an offset; their log start offset moves there. Returns it for each, in order.
   * An offset below the log start changes nothing. All partitions are checked before the first one changes. Throws
   * UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_ID if the topic of the given id was deleted, OFFSET_OUT_OF_RANGE (above the
   * high watermark), INVALID_TOPIC (an internal topic), and UNSUPPORTED_VERSION if the broker can't do it. A call with
   * `latest` is not retried: it would delete what was written in the meantime.
   */
  deleteRecords(records: readonly RecordsToDelete[]): Promise<TrimmedPartition[]> {
    return this.#topics.deleteRecords(records);
  }

  /**
   * Compacts partitions of a topic now, and returns what that saved in each, also where it failed. Begins a new segment
   * first, because only sealed ones are compacted. Throws UNKNOWN_TOPIC_OR_PARTITION, INVALID_TOPIC (an internal topic),
   * POLICY_VIOLATION if the topic is not compacted, and UNSUPPORTED_VERSION if the broker can't do it.
   */
  compactTopic(name: string, options: CompactOptions = {}): Promise<CompactedPartition[]> {
    return this.#topics.compact(name, options);
  }

  /** Deletes a topic, its records and its committed offsets. Not retried, for the same reason as createTopic. */
  deleteTopic(name: string): Promise<void> {
    return this.#topics.delete(name);
  }

  /**
   * The offset that `spec` currently stands for. For a timestamp, it is the offset of the first record at or after it, or
   * the high watermark if there is none. Throws UNKNOWN_TOPIC_OR_PARTITION.
   */
  offsetFor(topic: string, partition: number, spec: OffsetSpec): Promise<number> {
    return this.#topics.offsetFor(topic, partition, spec);
  }

  /**
   * The offsets that `spec` currently stands for in these partitions (default: all) of a topic, with the id of the topic.
   * Throws UNKNOWN_TOPIC_OR_PARTITION.
   */
  offsetsFor(
    topic: string,
    spec: OffsetSpec,
    partitions?: readonly number[],
  ): Promise<PartitionOffset[]> {
    return this.#topics.offsetsFor(topic, spec, partitions);
  }

  /** Lists the groups that have members or committed offsets, by name. */
  listGroups(): Promise<GroupListing[]> {
    return this.#groups.list();
  }

  /** The same in the pages of the broker, for lists that are too long for memory. */
  groupPages(): AsyncGenerator<readonly GroupListing[], void> {
    return this.#groups.pages();
  }

  /** The committed offsets of a group, the member that reads each partition, and the offset range of each partition. Throws GROUP_NOT_FOUND. */
  describeGroup(group: string): Promise<GroupOffset[]> {
    return this.#groups.describe(group);
  }

  /** The state and members of a group. Throws GROUP_NOT_FOUND, and UNSUPPORTED_VERSION if the broker knows no members. */
  describeMembers(group: string): Promise<GroupState> {
    return this.#groups.describeMembers(group);
  }

  /**
   * Commits offsets for a group, all or none. Throws INVALID_GROUP, OFFSET_OUT_OF_RANGE, UNKNOWN_MEMBER_ID if the group has
   * members, and UNKNOWN_TOPIC_ID if the topic of the given id was deleted.
   */
  commitOffsets(group: string, offsets: readonly PartitionOffset[]): Promise<CommitResult> {
    return this.#groups.commitOffsets(group, offsets);
  }

  /** The committed offsets of a group for these partitions, in their order. */
  fetchOffsets(group: string, partitions: readonly TopicPartition[]): Promise<CommittedOffset[]> {
    return this.#groups.fetchOffsets(group, partitions);
  }

  /**
   * Deletes a group's committed offsets of these partitions, all or none. Returns what they were, in order; undefined for
   * a partition without one. Throws GROUP_NOT_FOUND if the group has no offsets at all. Not retried, for the same reason
   * as createTopic.
   */
  deleteOffsets(group: string, partitions: readonly TopicPartition[]): Promise<DeletedOffset[]> {
    return this.#groups.deleteOffsets(group, partitions);
  }

  /** Deletes the committed offsets of a group. Throws GROUP_NOT_FOUND. Not retried, for the same reason as createTopic. */
  deleteGroup(group: string): Promise<void> {
    return this.#groups.delete(group);
  }

  /** Lists the users by name. Throws CLUSTER_AUTHORIZATION_FAILED. */
  listUsers(): Promise<UserListing[]> {
    return this.#security.listUsers();
  }

  /**
   * Sets the password of a user, who is created if missing; earlier passwords are gone, and the user's connections end. The
   * password stays here: the broker gets it salted. Returns whether there was such a user. Throws
   * CLUSTER_AUTHORIZATION_FAILED, UNACCEPTABLE_CREDENTIAL, and INVALID_REQUEST for a first user that is no administrator.
   */
  setPassword(name: string, password: string, options: UserOptions = {}): Promise<boolean> {
    return this.#security.setPassword(name, password, options);
  }

  /** Deletes a user, but not its rules. Throws RESOURCE_NOT_FOUND, and INVALID_REQUEST for the last administrator. */
  deleteUser(name: string): Promise<void> {
    return this.#security.deleteUser(name);
  }

  /** Lists the rules that have all values of the filter. Throws CLUSTER_AUTHORIZATION_FAILED and SECURITY_DISABLED. */
  listAcls(filter: AclFilter = {}): Promise<Acl[]> {
    return this.#security.listAcls(filter);
  }

  /**
   * Adds and deletes rules, all or none. Returns how many were new, and how many were there. Throws INVALID_REQUEST for a
   * rule that means nothing, CLUSTER_AUTHORIZATION_FAILED and SECURITY_DISABLED.
   */
  alterAcls(change: {
    readonly add?: readonly Acl[];
    readonly delete?: readonly Acl[];
  }): Promise<{ readonly added: number; readonly deleted: number }> {
    return this.#security.alterAcls(change);
  }

  /** Lists the quotas, by entity. Throws CLUSTER_AUTHORIZATION_FAILED. */
  listQuotas(): Promise<Quota[]> {
    return this.#security.listQuotas();
  }

  /**
   * Sets and removes quotas, all or none; they apply at once. Throws INVALID_REQUEST for a quota that means nothing, and
   * CLUSTER_AUTHORIZATION_FAILED.
   */
  alterQuotas(changes: readonly QuotaChange[]): Promise<void> {
    return this.#security.alterQuotas(changes);
  }

  /** Information that the broker gave when the connection was opened. */
  brokerInfo(): BrokerInfo {
    const { brokerVersion, logDirectoryId, maxFrameBytes, maxBatchBytes } = this.#link.info;
    return { brokerVersion, logDirectoryId, maxFrameBytes, maxBatchBytes };
  }
}
