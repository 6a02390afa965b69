// Lists and changes topics, offsets and groups of a broker.
// Leaves to others: the connection (link), encoding (protocol/).

import { RustLogError } from "../errors.js";
import {
  DeleteGroup,
  DescribeGroup,
  DescribeMembers,
  ListGroups,
  describeAfter,
} from "../protocol/native/groups.js";
import {
  BY_NO_MEMBER,
  OffsetCommit,
  OffsetDelete,
  OffsetFetch,
} from "../protocol/native/offsets.js";
import { pageAfter } from "../protocol/native/page.js";
import {
  type AclRow,
  AlterAcls,
  AlterUser,
  DescribeAcls,
  DescribeUsers,
} from "../protocol/native/security.js";
import { AlterQuotas, DescribeQuotas, type QuotaRow } from "../protocol/native/quotas.js";
import { createSalted, SCRAM_MECHANISMS } from "../security/scram.js";
import type { ResponseOf } from "../protocol/native/schema.js";
import {
  AlterTopic,
  COMPACTION_STATES,
  CompactTopic,
  CreateTopic,
  DeleteRecords,
  DeleteTopic,
  DescribeTopic,
  ListTopics,
  type ListedTopic,
} from "../protocol/native/topics.js";
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
  GroupMember,
  GroupOffset,
  GroupState,
  PartitionDescription,
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
import { abortable, checkSignal, type SignalOptions } from "./abort.js";
import {
  checkArray,
  checkBoolean,
  checkNatural,
  checkObject,
  checkString,
  wrongType,
} from "./argument-check.js";
import { type BrokerLink, type Call, callOf, type RetryPolicy } from "./link.js";
import { checkOffsetSpec, type OffsetSpec, resolveOffset } from "./offset-spec.js";
import { allOf, pagesOf } from "./pages.js";
import { offsetForTimestamp } from "./time-lookup.js";

/** What to do if a group has members, which alone may commit. */
const ONLY_MEMBERS = "Stop the members, join them with a balanced consumer, or use another group.";

/** In DeleteRecords, instead of an offset: the high watermark. */
const OFFSET_LATEST = -1;

/** Time between two looks at a compaction, in milliseconds. */
const COMPACTION_POLL_MS = 250;

/** Administers a broker. Created by `client.admin()`; it holds no resources and needs no closing. */
export class Admin {
  readonly #link: BrokerLink;
  readonly #policy: RetryPolicy;
  readonly #signal: AbortSignal | undefined;

  /** @internal Use `client.admin()`. */
  constructor(link: BrokerLink, policy: RetryPolicy = {}, options: SignalOptions = {}) {
    checkObject("INVALID_CONFIG", "the options of an admin", options);
    checkSignal(options.signal);
    this.#link = link;
    this.#signal = options.signal;
    this.#policy = options.signal === undefined ? policy : { ...policy, signal: options.signal };
  }

  /**
   * Creates a topic. Returns its id and its number of partitions (the broker's default unless the options have one).
   * Throws INVALID_TOPIC, TOPIC_ALREADY_EXISTS, INVALID_PARTITIONS, INVALID_CONFIG. Not retried after a lost connection,
   * because the topic may exist by then.
   */
  async createTopic(
    name: string,
    options: CreateTopicOptions = {},
  ): Promise<{ readonly partitions: number; readonly topicId: string | undefined }> {
    checkString("INVALID_TOPIC", "name of the topic", name);
    checkObject("INVALID_CONFIG", "the options of a topic", options);
    const partitions = options.partitions ?? 0;
    checkNatural("INVALID_PARTITIONS", `partitions of topic '${name}'`, partitions);
    if (options.partitions === 0) {
      throw new RustLogError("INVALID_PARTITIONS", `topic '${name}' needs at least one partition`);
    }
    const settings = settingsOf(name, options.settings);
    const created = await this.#request({
      ...callOf(CreateTopic, { topic: name, partitions, settings }),
      repeatable: false,
    });
    return { partitions: created.partitions, topicId: created.topicId };
  }

  /** Lists the topics by name; internal topics only on request. */
  async listTopics(options: { readonly internal?: boolean } = {}): Promise<TopicListing[]> {
    const pages = pagesOf<ListedTopic>(async (after) => {
      const page = pageAfter(after?.name);
      const { topics, more } = await this.#request(callOf(ListTopics, page));
      return { items: topics, more };
    });
    const topics = await allOf(pages);
    return topics
      .filter(({ internal }) => options.internal === true || !internal)
      .map(({ topicId, offline, ...topic }) => ({
        ...topic,
        topicId,
        ...(offline === 0 ? {} : { offlinePartitions: offline }),
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Describes a topic and its partitions. Throws UNKNOWN_TOPIC_OR_PARTITION. */
  async describeTopic(name: string): Promise<TopicDescription> {
    checkString("INVALID_TOPIC", "name of the topic", name);
    const { internal, settings, partitions, topicId } = await this.#request(
      callOf(DescribeTopic, { topic: name, createIfMissing: false }),
    );
    return {
      name,
      internal,
      topicId,
      settings: byName(settings.filter(({ source }) => source === "topic")),
      effectiveSettings: settings,
      partitions: partitions.map(({ offline, ...partition }) => ({
        ...partition,
        ...(offline === "" ? {} : { offline }),
      })),
    };
  }

  /**
   * Changes settings of a topic, adds partitions, or both; the broker checks everything first, and follows the settings at
   * once. Throws UNKNOWN_TOPIC_OR_PARTITION, INVALID_TOPIC, INVALID_CONFIG, INVALID_PARTITIONS (not more than now), and
   * UNSUPPORTED_VERSION if the broker can't change topics. A call with `partitions` is not retried, for the same reason as
   * createTopic.
   */
  async alterTopic(name: string, options: AlterTopicOptions): Promise<AlteredTopic> {
    checkString("INVALID_TOPIC", "name of the topic", name);
    checkObject("INVALID_CONFIG", "the changes of a topic", options);
    const { deleteSettings = [], partitions, validateOnly = false } = options;
    checkArray("INVALID_CONFIG", "deleteSettings", deleteSettings);
    for (const setting of deleteSettings) {
      checkString("INVALID_CONFIG", "an item of deleteSettings", setting);
    }
    if (partitions !== undefined) {
      checkNatural("INVALID_PARTITIONS", `partitions of topic '${name}'`, partitions);
    }
    if (partitions === 0) {
      throw new RustLogError("INVALID_PARTITIONS", `topic '${name}' needs at least one partition`);
    }
    checkBoolean("INVALID_CONFIG", "validateOnly", validateOnly);
    const request = {
      ...{ topic: name, partitions: partitions ?? 0, validateOnly },
      settings: settingsOf(name, options.settings),
      deletedSettings: deleteSettings.map((setting) => ({ name: setting })),
    };
    const call = { ...callOf(AlterTopic, request), repeatable: partitions === undefined };
    const { topicId, settings, ...counts } = await this.#request(call);
    return { topicId, ...counts, settings: byName(settings) };
  }

  /**
   * Deletes the records of partitions below an offset; their log start offset moves there. Returns it for each, in order.
   * An offset below the log start changes nothing. All partitions are checked before the first one changes. Throws
   * UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_ID if the topic of the given id was deleted, OFFSET_OUT_OF_RANGE (above the
   * high watermark), INVALID_TOPIC (an internal topic), and UNSUPPORTED_VERSION if the broker can't do it. A call with
   * `latest` is not retried: it would delete what was written in the meantime.
   */
  async deleteRecords(records: readonly RecordsToDelete[]): Promise<TrimmedPartition[]> {
    checkPartitions("records", records);
    const partitions = records.map(({ offset, ...place }) => {
      if (offset === "latest") return { ...place, offset: OFFSET_LATEST };
      checkNatural("INVALID_REQUEST", "offset of an item of records", offset);
      return { ...place, offset };
    });
    const repeatable = records.every(({ offset }) => offset !== "latest");
    const response = await this.#request({ ...callOf(DeleteRecords, { partitions }), repeatable });
    checkCount(response.partitions.length, records.length, "partitions");
    return records.map(({ topic, partition }, i) => ({
      ...{ topic, partition },
      logStartOffset: response.partitions[i]!.logStartOffset,
    }));
  }

  /**
   * Compacts partitions of a topic now, and returns what that saved in each, also where it failed. Begins a new segment
   * first, because only sealed ones are compacted. Throws UNKNOWN_TOPIC_OR_PARTITION, INVALID_TOPIC (an internal topic),
   * POLICY_VIOLATION if the topic is not compacted, and UNSUPPORTED_VERSION if the broker can't do it.
   */
  async compactTopic(name: string, options: CompactOptions = {}): Promise<CompactedPartition[]> {
    checkString("INVALID_TOPIC", "name of the topic", name);
    checkObject("INVALID_REQUEST", "the options of a compaction", options);
    checkArray("INVALID_REQUEST", "partitions", options.partitions ?? []);
    const partitions = (options.partitions ?? []).map((partition) => {
      checkNatural("INVALID_REQUEST", "an item of partitions", partition);
      return { partition };
    });
    const runId = crypto.randomUUID();
    let topicId: string | undefined;
    for (;;) {
      const request = { topic: name, topicId, runId, partitions, waitMs: COMPACTION_POLL_MS };
      const response = await this.#request(callOf(CompactTopic, request));
      topicId = response.topicId;
      const states = response.partitions.map(compactedOf);
      if (response.isDone) return states;
      options.onProgress?.(states);
    }
  }

  /** Deletes a topic, its records and its committed offsets. Not retried, for the same reason as createTopic. */
  async deleteTopic(name: string): Promise<void> {
    checkString("INVALID_TOPIC", "name of the topic", name);
    await this.#request({ ...callOf(DeleteTopic, { topic: name }), repeatable: false });
  }

  /**
   * The offset that `spec` currently stands for. For a timestamp, it is the offset of the first record at or after it, or
   * the high watermark if there is none. Throws UNKNOWN_TOPIC_OR_PARTITION.
   */
  async offsetFor(topic: string, partition: number, spec: OffsetSpec): Promise<number> {
    checkNatural("INVALID_REQUEST", "partition", partition);
    checkOffsetSpec("the offset that is asked for", spec);
    return await this.#offsetIn(await this.describeTopic(topic), partition, spec);
  }

  /**
   * The offsets that `spec` currently stands for in these partitions (default: all) of a topic, with the id of the topic.
   * Throws UNKNOWN_TOPIC_OR_PARTITION.
   */
  async offsetsFor(
    topic: string,
    spec: OffsetSpec,
    partitions?: readonly number[],
  ): Promise<PartitionOffset[]> {
    checkOffsetSpec("the offset that is asked for", spec);
    const described = await this.describeTopic(topic);
    const { topicId } = described;
    return await Promise.all(
      (partitions ?? described.partitions.map(({ partition }) => partition)).map(
        async (partition) => ({
          ...{ topic, topicId, partition },
          offset: await this.#offsetIn(described, partition, spec),
        }),
      ),
    );
  }

  async #offsetIn(topic: TopicDescription, partition: number, spec: OffsetSpec): Promise<number> {
    const { name, topicId, partitions } = topic;
    const range = partitions.find((row) => row.partition === partition);
    if (range === undefined) throw unknownPartition(name, partition, partitions.length);
    if (isOffline(range)) throw offlineError(name, range);
    return await resolveOffset(spec, range, (ms) =>
      abortable(
        offsetForTimestamp(this.#link, { topic: name, partition, topicId }, ms, this.#policy),
        this.#signal,
      ),
    );
  }

  /** Lists the groups that have members or committed offsets, by name. */
  async listGroups(): Promise<GroupListing[]> {
    const groups = await allOf(this.groupPages());
    return groups.sort((a, b) => (a.group < b.group ? -1 : 1));
  }

  /** The same in the pages of the broker, for lists that are too long for memory. */
  groupPages(): AsyncGenerator<readonly GroupListing[], void> {
    return pagesOf<GroupListing>(async (after) => {
      const page = pageAfter(after?.group);
      const { groups, more } = await this.#request(callOf(ListGroups, page));
      const items = groups.map(({ state, type, ...group }) => ({
        ...group,
        state: orUndefined(state),
        type: orUndefined(type),
      }));
      return { items, more };
    });
  }

  /** The committed offsets of a group, the member that reads each partition, and the offset range of each partition. Throws GROUP_NOT_FOUND. */
  async describeGroup(group: string): Promise<GroupOffset[]> {
    checkString("INVALID_GROUP", "group", group);
    const pages = pagesOf<GroupOffset>(async (after) => {
      const page = describeAfter(group, after);
      const { partitions, more } = await this.#request(callOf(DescribeGroup, page));
      const items = partitions.map(({ memberId, ...partition }) => ({
        ...partition,
        memberId: orUndefined(memberId),
      }));
      return { items, more };
    });
    return await allOf(pages);
  }

  /** The state and members of a group. Throws GROUP_NOT_FOUND, and UNSUPPORTED_VERSION if the broker knows no members. */
  async describeMembers(group: string): Promise<GroupState> {
    checkString("INVALID_GROUP", "group", group);
    let state: Omit<GroupState, "members"> | undefined;
    const pages = pagesOf<GroupMember>(async (last) => {
      const after = last?.memberId ?? "";
      const page = await this.#request(callOf(DescribeMembers, { group, after, limit: 0 }));
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

  /**
   * Commits offsets for a group, all or none. Throws INVALID_GROUP, OFFSET_OUT_OF_RANGE, UNKNOWN_MEMBER_ID if the group has
   * members, and UNKNOWN_TOPIC_ID if the topic of the given id was deleted.
   */
  async commitOffsets(group: string, offsets: readonly PartitionOffset[]): Promise<CommitResult> {
    checkString("INVALID_GROUP", "group", group);
    checkPartitions("offsets", offsets);
    for (const { offset } of offsets) {
      checkNatural("INVALID_REQUEST", "offset of an item of offsets", offset);
    }
    try {
      return await this.#request(callOf(OffsetCommit, { group, offsets, ...BY_NO_MEMBER }));
    } catch (error) {
      if (!(error instanceof RustLogError) || error.code !== "UNKNOWN_MEMBER_ID") throw error;
      // This is no member that has to join again.
      throw new RustLogError(error.code, error.message, { cause: error, help: ONLY_MEMBERS });
    }
  }

  /** The committed offsets of a group for these partitions, in their order. */
  async fetchOffsets(
    group: string,
    partitions: readonly TopicPartition[],
  ): Promise<CommittedOffset[]> {
    checkString("INVALID_GROUP", "group", group);
    checkPartitions("partitions", partitions);
    const { offsets } = await this.#request(callOf(OffsetFetch, { group, partitions }));
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

  /**
   * Deletes a group's committed offsets of these partitions, all or none. Returns what they were, in order; undefined for
   * a partition without one. Throws GROUP_NOT_FOUND if the group has no offsets at all. Not retried, for the same reason
   * as createTopic.
   */
  async deleteOffsets(
    group: string,
    partitions: readonly TopicPartition[],
  ): Promise<DeletedOffset[]> {
    checkString("INVALID_GROUP", "group", group);
    checkPartitions("partitions", partitions);
    const call = callOf(OffsetDelete, { group, partitions });
    const { offsets } = await this.#request({ ...call, repeatable: false });
    checkCount(offsets.length, partitions.length);
    return partitions.map(({ topic, partition }, i) => {
      const { offset } = offsets[i]!;
      return { topic, partition, offset: offset >= 0 ? offset : undefined };
    });
  }

  /** Deletes the committed offsets of a group. Throws GROUP_NOT_FOUND. Not retried, for the same reason as createTopic. */
  async deleteGroup(group: string): Promise<void> {
    checkString("INVALID_GROUP", "group", group);
    await this.#request({ ...callOf(DeleteGroup, { group }), repeatable: false });
  }

  /** Lists the users by name. Throws CLUSTER_AUTHORIZATION_FAILED. */
  async listUsers(): Promise<UserListing[]> {
    const pages = pagesOf<{ readonly user: string; readonly mechanisms: string }>(async (after) => {
      const page = { after: after?.user ?? "", limit: 0 };
      const { users, more } = await this.#request(callOf(DescribeUsers, page));
      return { items: users, more };
    });
    return (await allOf(pages)).map(({ user, mechanisms }) => ({
      name: user,
      mechanisms: mechanisms === "" ? [] : mechanisms.split(","),
    }));
  }

  /**
   * Sets the password of a user, who is created if missing; earlier passwords are gone, and the user's connections end. The
   * password stays here: the broker gets it salted. Returns whether there was such a user. Throws
   * CLUSTER_AUTHORIZATION_FAILED, UNACCEPTABLE_CREDENTIAL, and INVALID_REQUEST for a first user that is no administrator.
   */
  async setPassword(name: string, password: string, options: UserOptions = {}): Promise<boolean> {
    checkString("INVALID_REQUEST", "name of the user", name);
    checkString("INVALID_REQUEST", "password", password);
    checkObject("INVALID_REQUEST", "the options of a user", options);
    if (password === "") {
      throw new RustLogError("UNACCEPTABLE_CREDENTIAL", `the password of user '${name}' is empty`);
    }
    const isAdministrator = options.administrator ?? false;
    checkBoolean("INVALID_REQUEST", "administrator", isAdministrator);
    const credentials = await Promise.all(
      SCRAM_MECHANISMS.map((mechanism) => createSalted(mechanism, password)),
    );
    const request = { user: name, isAdministrator, credentials };
    return (await this.#request(callOf(AlterUser, request))).existed;
  }

  /** Deletes a user, but not its rules. Throws RESOURCE_NOT_FOUND, and INVALID_REQUEST for the last administrator. */
  async deleteUser(name: string): Promise<void> {
    checkString("INVALID_REQUEST", "name of the user", name);
    const request = { user: name, isAdministrator: false, credentials: [] };
    await this.#request({ ...callOf(AlterUser, request), repeatable: false });
  }

  /** Lists the rules that have all values of the filter. Throws CLUSTER_AUTHORIZATION_FAILED and SECURITY_DISABLED. */
  async listAcls(filter: AclFilter = {}): Promise<Acl[]> {
    checkObject("INVALID_REQUEST", "the filter of rules", filter);
    const row = { ...ANY_ACL, ...aclRow("a filter of rules", filter) };
    let skip = 0;
    const pages = pagesOf<AclRow>(async () => {
      const page = await this.#request(callOf(DescribeAcls, { skip, limit: 0, ...row }));
      skip += page.acls.length;
      return { items: page.acls, more: page.more };
    });
    // The broker has checked each when it was added.
    return (await allOf(pages)) as readonly AclRow[] as Acl[];
  }

  /**
   * Adds and deletes rules, all or none. Returns how many were new, and how many were there. Throws INVALID_REQUEST for a
   * rule that means nothing, CLUSTER_AUTHORIZATION_FAILED and SECURITY_DISABLED.
   */
  async alterAcls(change: {
    readonly add?: readonly Acl[];
    readonly delete?: readonly Acl[];
  }): Promise<{ readonly added: number; readonly deleted: number }> {
    checkObject("INVALID_REQUEST", "the change of rules", change);
    const rows = (what: string, acls: readonly Acl[] = []): AclRow[] => {
      checkArray("INVALID_REQUEST", what, acls);
      return acls.map((acl) => ({ ...ANY_ACL, ...aclRow(`an item of ${what}`, acl) }));
    };
    const request = { added: rows("add", change.add), deleted: rows("delete", change.delete) };
    return await this.#request(callOf(AlterAcls, request));
  }

  /** Lists the quotas, by entity. Throws CLUSTER_AUTHORIZATION_FAILED. */
  async listQuotas(): Promise<Quota[]> {
    let skip = 0;
    const pages = pagesOf<QuotaRow>(async () => {
      const page = await this.#request(callOf(DescribeQuotas, { skip, limit: 0 }));
      skip += page.quotas.length;
      return { items: page.quotas, more: page.more };
    });
    return (await allOf(pages)).map(quotaOf);
  }

  /**
   * Sets and removes quotas, all or none; they apply at once. Throws INVALID_REQUEST for a quota that means nothing, and
   * CLUSTER_AUTHORIZATION_FAILED.
   */
  async alterQuotas(changes: readonly QuotaChange[]): Promise<void> {
    checkArray("INVALID_REQUEST", "the changes of quotas", changes);
    await this.#request(callOf(AlterQuotas, { quotas: changes.map(quotaRow) }));
  }

  /** Information that the broker gave when the connection was opened. */
  brokerInfo(): BrokerInfo {
    const { brokerVersion, logDirectoryId, maxFrameBytes, maxBatchBytes } = this.#link.info;
    return { brokerVersion, logDirectoryId, maxFrameBytes, maxBatchBytes };
  }

  #request<T>(call: Call<T>): Promise<T> {
    const request = this.#link.request(call, this.#policy);
    return this.#signal === undefined ? request : abortable(request, this.#signal);
  }
}

/** Throws INVALID_REQUEST unless `items` is an array of objects that name a topic and a partition. */
function checkPartitions(what: string, items: readonly TopicPartition[]): void {
  checkArray("INVALID_REQUEST", what, items);
  for (const item of items) {
    checkObject("INVALID_REQUEST", `an item of ${what}`, item);
    checkString("INVALID_TOPIC", `topic of an item of ${what}`, item.topic);
    checkNatural("INVALID_REQUEST", `partition of an item of ${what}`, item.partition);
  }
}

/** Settings for a request. Throws INVALID_CONFIG for a value that is no string. */
function settingsOf(
  topic: string,
  settings: Readonly<Record<string, string>> = {},
): { readonly name: string; readonly value: string }[] {
  checkObject("INVALID_CONFIG", `settings of topic '${topic}'`, settings);
  return Object.entries(settings).map(([name, value]) => {
    checkString("INVALID_CONFIG", `setting ${name} of topic '${topic}'`, value);
    return { name, value };
  });
}

/** A filter that every rule passes. */
const ANY_ACL: AclRow = {
  ...{ resourceType: "", resourceName: "", patternType: "", principal: "" },
  ...{ host: "", operation: "", permissionType: "" },
};

function aclRow(what: string, fields: Readonly<Record<string, unknown>> | object): Partial<AclRow> {
  checkObject("INVALID_REQUEST", what, fields);
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  for (const [name, value] of given) {
    if (!(name in ANY_ACL))
      throw new RustLogError("INVALID_REQUEST", `${what} has no field ${name}`);
    checkString("INVALID_REQUEST", `${name} of ${what}`, value);
  }
  return Object.fromEntries(given);
}

/** Names of the broker for the fields of an entity. */
const ENTITY_TYPES = { user: "user", clientId: "client-id", ip: "ip" } as const;

function quotaOf({ entity, values }: QuotaRow): Quota {
  const nameOf = (type: string): string =>
    Object.entries(ENTITY_TYPES).find(([, wire]) => wire === type)?.[0] ?? type;
  return {
    entity: Object.fromEntries(
      entity.map(({ type, isDefault, name }) => [nameOf(type), isDefault ? null : name]),
    ),
    values: Object.fromEntries(values.map(({ key, value }) => [key, Number(value)])),
  };
}

function quotaRow(change: QuotaChange): QuotaRow {
  checkObject("INVALID_REQUEST", "a change of quotas", change);
  checkObject("INVALID_REQUEST", "the entity of a quota", change.entity);
  checkObject("INVALID_REQUEST", "the values of a quota", change.values);
  const entity = Object.entries(change.entity).filter(([, name]) => name !== undefined);
  const values = Object.entries(change.values).filter(([, value]) => value !== undefined);
  return {
    entity: entity.map(([field, name]: [string, unknown]) => {
      if (name !== null) checkString("INVALID_REQUEST", `${field} of a quota`, name);
      const type = Object.hasOwn(ENTITY_TYPES, field)
        ? ENTITY_TYPES[field as keyof typeof ENTITY_TYPES]
        : field;
      return { type, isDefault: name === null, name: name === null ? "" : String(name) };
    }),
    values: values.map(([key, value]: [string, unknown]) => {
      if (value !== null && typeof value !== "number") {
        throw wrongType("INVALID_REQUEST", `quota ${key}`, "a number or null", value);
      }
      return { key, value: value === null ? "" : String(value) };
    }),
  };
}

function compactedOf(
  row: ResponseOf<typeof CompactTopic>["partitions"][number],
): CompactedPartition {
  const { state, error, ...counts } = row;
  return {
    ...counts,
    state: COMPACTION_STATES[state] ?? "failed",
    ...(error === "" ? {} : { error }),
  };
}

function byName(
  settings: readonly { readonly name: string; readonly value: string }[],
): Readonly<Record<string, string>> {
  return Object.fromEntries(settings.map(({ name, value }) => [name, value]));
}

function orUndefined(text: string): string | undefined {
  return text === "" ? undefined : text;
}

/** Throws UNKNOWN_SERVER_ERROR unless the broker answered about each of the partitions. */
function checkCount(answered: number, asked: number, what = "committed offsets"): void {
  if (answered === asked) return;
  throw new RustLogError(
    "UNKNOWN_SERVER_ERROR",
    `asked for ${asked} ${what}, the broker answered with ${answered}`,
  );
}

/** Whether the broker can't serve a partition, so its offsets are unknown. */
export function isOffline({ highWatermark }: PartitionDescription): boolean {
  return highWatermark < 0;
}

/** The error for an offline partition. */
export function offlineError(
  topic: string,
  { partition, offline }: PartitionDescription,
): RustLogError {
  const why = offline === undefined ? "" : `: ${offline}`;
  return new RustLogError(
    "STORAGE_ERROR",
    `topic '${topic}', partition ${partition} is offline${why}`,
    { help: "See the broker's log. The other partitions can be read (-p) and written." },
  );
}

/** The error for a partition number that a topic of `count` partitions does not have. */
export function unknownPartition(topic: string, partition: number, count: number): RustLogError {
  return new RustLogError(
    "UNKNOWN_TOPIC_OR_PARTITION",
    `topic '${topic}' has no partition ${partition}; its partitions are 0 to ${count - 1}`,
  );
}
