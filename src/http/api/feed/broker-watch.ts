// The broker's state as shown on open pages: topics, partitions, the first groups. A look only reads numbers held in
// memory, never records, and yields after each portion so that it blocks nobody.
// Leaves to others: when to look (page-feed.ts), what a visitor may see of it (visitor-watch.ts), and what each page has been
// sent (page-stream.ts).
import type { Broker } from "../../../broker/broker.js";
import { VERSION } from "../../../broker/version.js";
import type { ServiceContext } from "../../../services/context.js";
import { readGroupLags } from "../../../services/group-lag.js";
import { describeMembers, type GroupMember } from "../../../services/group-members.js";
import { mayOnCluster, mayOnTopic } from "../../../services/permissions.js";
import { groupsWithoutOffsets } from "../../../services/group-names.js";
import { printable } from "../../../printable.js";
import { Portions } from "../../../log/event-loop.js";
import type { Partition } from "../../../topics/partition.js";
import type { Topic } from "../../../topics/topic.js";
import type { GroupsState, Overview, PartitionState, TopicState, Totals } from "../../page/wire.js";

/** Limit on topics shown, and on offline partitions shown per topic. */
const TOPICS_MAX = 2_000;
const OFFLINE_MAX = 20;

/**
 * Delay per topic before the list is compared, and perhaps sent, again. Creating many topics does not send many lists.
 */
const TOPIC_REST_MS = 1;

/** Limit on groups shown at a time, and on their partitions. */
const GROUPS_MAX = 100;
const SHOWN_GROUP_PARTITIONS_MAX = 500;

/** Limit on members shown, of all groups together. */
const SHOWN_MEMBERS_MAX = 200;

/** Partitions read per turn of the event loop. */
const PARTITIONS_PER_TURN = 100;

export interface Changes {
  /** Whether topics were created or deleted. */
  readonly isNew: boolean;
  readonly partitions: readonly Partition[];
  readonly hasNewGroups: boolean;
}

interface Entry {
  readonly state: PartitionState;
  readonly json: string;
}

export class BrokerWatch {
  readonly #broker: Broker;
  readonly #flush: string;
  readonly #entries = new Map<Partition, Entry>();
  #topics: readonly Topic[] = [];
  #topicCount = 0;
  #hasLooked = false;
  #topicsDueMs = 0;
  /** For those who may see everything. */
  #overviewJson = "";

  /** `flush` is the broker's flush policy as text. */
  constructor(broker: Broker, flush: string) {
    this.#broker = broker;
    this.#flush = flush;
  }

  /** Whether there is something to show yet. */
  get isReady(): boolean {
    return this.#hasLooked;
  }

  /** The partitions of the shown topics that have been read so far. */
  partitions(): Iterable<Partition> {
    return this.#entries.keys();
  }

  /** The state of a partition as JSON; undefined if the partition is gone. */
  partitionJson(partition: Partition): string | undefined {
    return this.#entries.get(partition)?.json;
  }

  /** The shown topics that a caller may see, and how many there are, as JSON without the closing brace. */
  topicsJson(context: ServiceContext): string {
    const topics = this.#topics.filter(({ name }) => mayOnTopic(context, "DESCRIBE", name));
    const isAll = topics.length === this.#topics.length && mayOnCluster(context, "DESCRIBE");
    if (isAll && this.#overviewJson !== "") return this.#overviewJson;
    const overview: Omit<Overview, "page" | "totals"> = {
      version: VERSION,
      address: this.#broker.address,
      flush: this.#flush,
      topics: topics.map(topicState),
      // How many others there are is not for everyone.
      topicCount: isAll ? this.#topicCount : topics.length,
    };
    const json = JSON.stringify(overview).slice(0, -1);
    if (isAll) this.#overviewJson = json;
    return json;
  }

  totalsJson(context: ServiceContext): string {
    const { receivedBytes, sentBytes } = this.#broker.metrics;
    const { connections } = this.#broker;
    const atMs = performance.now();
    const totals: Totals = mayOnCluster(context, "DESCRIBE")
      ? { atMs, receivedBytes, sentBytes, connections }
      : { atMs, receivedBytes: 0, sentBytes: 0, connections: 0 };
    return JSON.stringify(totals);
  }

  /** Reads everything but the groups. */
  async look(): Promise<Omit<Changes, "hasNewGroups">> {
    const isNew = await this.#lookAtTopics();
    return { isNew, partitions: await this.#lookAtPartitions() };
  }

  /** Clears the state until the next look. */
  forget(): void {
    this.#entries.clear();
    this.#topics = [];
    this.#hasLooked = false;
    this.#topicsDueMs = 0;
    this.#overviewJson = "";
  }

  async #lookAtTopics(): Promise<boolean> {
    const nowMs = performance.now();
    if (nowMs < this.#topicsDueMs) return false;
    const all = this.#broker.context.registry.list();
    const before = this.#topics;
    const topics = all.slice(0, TOPICS_MAX);
    this.#topicsDueMs = nowMs + topics.length * TOPIC_REST_MS;
    const isSame =
      this.#hasLooked &&
      all.length === this.#topicCount &&
      topics.every((topic, i) => topic === before[i]);
    if (isSame) return false;
    this.#topics = topics;
    this.#topicCount = all.length;
    this.#hasLooked = true;
    this.#overviewJson = "";
    const shown = new Set(topics);
    const portions = new Portions(PARTITIONS_PER_TURN);
    for (const topic of before) {
      if (shown.has(topic)) continue;
      for (const partition of topic.online) {
        this.#entries.delete(partition);
        await portions.next();
      }
    }
    return true;
  }

  async #lookAtPartitions(): Promise<Partition[]> {
    const changed: Partition[] = [];
    const portions = new Portions(PARTITIONS_PER_TURN);
    for (const topic of this.#topics) {
      for (const partition of topic.online) {
        // A deletion closes the partitions of a topic before the next look notices it.
        if (!partition.closed && this.#hasChanged(partition)) changed.push(partition);
        await portions.next();
      }
    }
    return changed;
  }

  #hasChanged(partition: Partition): boolean {
    const before = this.#entries.get(partition)?.state;
    const state = stateOf(partition, before);
    if (state === before) return false;
    this.#entries.set(partition, { state, json: JSON.stringify(state) });
    return true;
  }
}

/** The first groups with their lag. */
export async function groupsState(context: ServiceContext): Promise<GroupsState> {
  const bounds = { groupsMax: GROUPS_MAX, partitionsMax: SHOWN_GROUP_PARTITIONS_MAX };
  const { groups, hasMore } = await readGroupLags(context, bounds);
  const others = await groupsWithoutOffsets(context, undefined);
  const names = new Map<string, string>();
  let membersLeft = SHOWN_MEMBERS_MAX;
  const rows: GroupsState["groups"][number][] = [];
  const portions = new Portions(PARTITIONS_PER_TURN);
  for (const { group, lag, partitionCount: partitions } of groups) {
    await portions.next();
    const state = context.groups.overview(group)?.state ?? "Empty";
    const all = await membersIfAny(context, group, portions);
    for (const { memberId, clientId, host } of all) {
      names.set(memberId, printable(`${clientId} at ${host}`));
    }
    const members = all
      .slice(0, membersLeft)
      .map(({ memberId: id }) => ({ id, name: names.get(id) ?? "" }));
    membersLeft -= members.length;
    rows.push({ group, lag, partitions, state, memberCount: all.length, members });
  }
  const all = context.offsets.groupCount + others.length;
  return {
    // How many others there are is not for everyone.
    count: mayOnCluster(context, "DESCRIBE") ? all : groups.length,
    hasMore,
    groups: rows,
    offsets: groups.flatMap(({ group, partitions }) =>
      partitions.map(({ topic, partition, committedOffset: offset, lag, memberId }) => ({
        ...{ group, topic, partition, offset, lag, member: memberId ?? null },
        reader: memberId === undefined ? null : (names.get(memberId) ?? printable(memberId)),
      })),
    ),
  };
}

/** Most groups have no members. */
async function membersIfAny(
  context: ServiceContext,
  group: string,
  portions: Portions,
): Promise<readonly GroupMember[]> {
  if (context.groups.memberCount(group) === 0) return [];
  return (await describeMembers(context, group, portions)).members;
}

function topicState({ name, id, internal, partitions, offline, logSettings }: Topic): TopicState {
  const { deletes, compacts, retentionMs, retentionBytes } = logSettings.current;
  const policies = [...(compacts ? ["compact"] : []), ...(deletes ? ["delete"] : [])];
  return {
    ...{ name, id, internal, partitions: partitions.length },
    ...{ cleanup: policies.join(), retentionMs, retentionBytes },
    offline: offline.slice(0, OFFLINE_MAX).map(({ index, offline: reason }) => ({
      ...{ partition: index, reason },
    })),
  };
}

/** The state of a partition; returns `before` itself if nothing changed. */
function stateOf(partition: Partition, before: PartitionState | undefined): PartitionState {
  const { segments, end } = partition.layout;
  const { sealed, active } = segments;
  const { logStartOffset, logEndOffset } = partition;
  const firstBase = (sealed[0] ?? active).baseOffset;
  const { revision, firstDirtyOffset } = partition.compaction;
  const compactedTo = partition.settings.compacts ? firstDirtyOffset : null;
  const isSameList =
    before !== undefined &&
    before.revision === revision &&
    before.sealedCount === sealed.length &&
    before.firstBase === firstBase &&
    before.activeBase === active.baseOffset;
  if (
    isSameList &&
    before.highWatermark === end.offset &&
    before.activeBytes === active.writtenBytes &&
    before.logStart === logStartOffset &&
    before.logEnd === logEndOffset &&
    before.compactedTo === compactedTo
  ) {
    return before;
  }
  return {
    topic: partition.topic,
    partition: partition.index,
    firstBase,
    logStart: logStartOffset,
    highWatermark: end.offset,
    endSegment: end.segment,
    endPosition: end.position,
    logEnd: logEndOffset,
    activeBase: active.baseOffset,
    activeBytes: active.writtenBytes,
    sealedCount: sealed.length,
    sealedBytes: isSameList ? before.sealedBytes : segments.bytes - active.bytes,
    revision,
    newestMs: newestMs(segments),
    compactedTo,
  };
}

function newestMs({ sealed, active }: Partition["layout"]["segments"]): number | null {
  if (Number.isFinite(active.maxTimestamp)) return active.maxTimestamp;
  const last = sealed.at(-1);
  return last?.isReadyForTimes === true && Number.isFinite(last.maxTimestamp)
    ? last.maxTimestamp
    : null;
}
