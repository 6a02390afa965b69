// What the page asks about groups beyond its live events, and the changes of groups. What a reset would do is asked for with
// GET, and the same moves are then sent with POST.
// Leaves to others: the first groups of every page (feed/broker-watch.ts), the use cases, and who may do what (services/).
import { checkNotCancelled } from "../../cancelled.js";
import type { Broker } from "../../broker/broker.js";
import { Portions } from "../../log/event-loop.js";
import { EXPECTED_PLACE, tryParseOffset } from "../../offset-place.js";
import { printable } from "../../printable.js";
import { deleteTopicOffsets } from "../../services/committed-offsets.js";
import type { ServiceContext } from "../../services/context.js";
import { type GroupHistory, readGroupHistory } from "../../services/group-history.js";
import { type GroupPartition, NOT_COMMITTED } from "../../services/group-lag.js";
import {
  GROUP_ORDERS,
  type GroupOrder,
  type GroupPageQuery,
  readGroupPage,
} from "../../services/group-list.js";
import { describeMembers, type GroupMember } from "../../services/group-members.js";
import { applyReset, planReset, type ResetTarget } from "../../services/group-reset.js";
import { deleteGroup, describeGroup } from "../../services/groups.js";
import { mayOnCluster, mayOnGroup, mayOnTopic } from "../../services/permissions.js";
import type {
  GroupChange,
  GroupDetail,
  GroupMemberRow,
  GroupPartitionRow,
  GroupRows,
  GroupTopic,
  LagHistory,
  ResetMoveRow,
  ResetPlan,
} from "../page/groups/group-wire.js";
import { type PageHandler, type PageRoutes, visitorKey } from "./access.js";
import { answered, invalid } from "./answer.js";
import { type Body, jsonOf, someObjectsIn, textIn, wholeIn } from "./body.js";
import { FirstFew } from "./first-few.js";
import { Query } from "./query.js";
import { Queue } from "./queue.js";
import { RecentAnswers } from "./recent-answers.js";

/** Groups per page of the list. */
const PAGE_GROUPS_MAX = 100;

/** Members, topics and partitions described in one answer. The counts and the lag are those of all. */
const DETAIL_MEMBERS_MAX = 500;
const DETAIL_TOPICS_MAX = 1_000;
const DETAIL_PARTITIONS_MAX = 1_000;

/** Partitions with a history of their own in one answer. */
const HISTORIES_MAX = 200;

/** Partitions, and connections, looked at in one turn of the event loop. */
const PARTITIONS_PER_TURN = 200;
const CONNECTIONS_PER_TURN = 1_000;

/** The routes about groups. */
export function groupRoutes(broker: Broker, isReadOnly: boolean): PageRoutes {
  const queue = new Queue();
  const lists = new RecentAnswers<GroupRows>();
  // These may read much of a log.
  const searches = new Queue();
  const asked =
    (in_: Queue, work: (request: GroupRequest) => unknown): PageHandler =>
    ({ url, signal }, visitor) =>
      answered(() => {
        const { context } = visitor;
        return in_.answer(signal, visitor, () => work({ context, query: new Query(url), signal }));
      });
  const ordered =
    (work: (context: ServiceContext, order: Body) => Promise<GroupChange>): PageHandler =>
    (request, { context }) =>
      answered(async () => {
        const change = await work(context, await jsonOf(request));
        lists.clear();
        return change;
      });
  return {
    "/api/groups": {
      GET: asked(queue, (request) =>
        lists.get(`${visitorKey(request.context)} ${request.query.all}`, () => groupRows(request)),
      ),
    },
    "/api/groups/state": {
      GET: asked(queue, (request) => new DetailReader(broker, isReadOnly, request).read()),
    },
    "/api/groups/history": { GET: asked(searches, history) },
    "/api/groups/reset": { GET: asked(searches, plan), POST: ordered(reset) },
    "/api/groups/delete-offsets": { POST: ordered(removeOffsets) },
    "/api/groups/delete": { POST: ordered(removeGroup) },
  };
}

interface GroupRequest {
  readonly context: ServiceContext;
  readonly query: Query;
  readonly signal: AbortSignal;
}

async function groupRows({ context, query, signal }: GroupRequest): Promise<GroupRows> {
  const asked = pageQueryOf(query);
  const { rows, hasMore, matching, isComplete } = await readGroupPage(context, asked, signal);
  const last = rows.at(-1);
  return {
    rows: rows.map(({ value: _, lag, ...row }) => ({ ...row, lag: lag ?? null })),
    next: hasMore && last !== undefined ? { after: last.group, value: String(last.value) } : null,
    ...{ matching, isComplete },
  };
}

/** `order` is the name of a column, with `-` before it for descending. */
function pageQueryOf(query: Query): GroupPageQuery {
  const text = query.text("order") ?? "name";
  const name = text.replace(/^-/, "");
  const order = GROUP_ORDERS.find((each) => each === name);
  if (order === undefined) throw invalid(`order is '${text}'; expected ${GROUP_ORDERS.join(", ")}`);
  const after = query.text("after");
  return {
    ...{ filter: query.text("filter") ?? "", order, isDescending: text.startsWith("-") },
    states: listIn(query, "state"),
    types: listIn(query, "type"),
    after: after === undefined ? undefined : { group: after, value: valueIn(query, order) },
    groupsMax: PAGE_GROUPS_MAX,
  };
}

function valueIn(query: Query, order: GroupOrder): number | string {
  if (order === "name") return "";
  return order === "state" ? (query.text("value") ?? "") : query.needed("value");
}

function listIn(query: Query, name: string): string[] {
  const text = query.text(name) ?? "";
  return text === "" ? [] : text.split(",");
}

/** The group that is asked about. Its name is no part of the path, because it may be `..` or empty. */
function groupIn(query: Query): string {
  const group = query.text("group");
  if (group === undefined) throw invalid("group is missing");
  return group;
}

class DetailReader {
  readonly #broker: Broker;
  readonly #isReadOnly: boolean;
  readonly #request: GroupRequest;
  readonly #partitions = new FirstFew<GroupPartition>(
    DETAIL_PARTITIONS_MAX,
    (a, b) => b.lag - a.lag,
  );
  readonly #topics = new Map<string, GroupTopic>();
  readonly #readBy = new Map<string, number>();
  #partitionCount = 0;
  #lag = 0;

  constructor(broker: Broker, isReadOnly: boolean, request: GroupRequest) {
    this.#broker = broker;
    this.#isReadOnly = isReadOnly;
    this.#request = request;
  }

  async read(): Promise<GroupDetail> {
    const { context, query } = this.#request;
    const group = groupIn(query);
    const { members, assignmentEpoch, ...described } = await describeMembers(context, group);
    await this.#readPartitions(group);
    const may = (operation: "READ" | "DELETE"): boolean =>
      !this.#isReadOnly && mayOnGroup(context, operation, group);
    return {
      ...{ group, nowMs: Date.now(), ...described, assignmentEpoch: assignmentEpoch ?? null },
      coordinator: this.#broker.address,
      memberCount: members.length,
      members: await this.#memberRows(group, members.slice(0, DETAIL_MEMBERS_MAX)),
      partitionCount: this.#partitionCount,
      lag: this.#lag,
      topics: [...this.#topics.values().take(DETAIL_TOPICS_MAX)],
      partitions: this.#partitions
        .take()
        .toSorted(byPlace)
        .map((row) => partitionRow(context, row)),
      may: { reset: may("READ"), deleteOffsets: may("DELETE"), delete: may("DELETE") },
    };
  }

  async #readPartitions(group: string): Promise<void> {
    const { context, signal } = this.#request;
    const portions = new Portions(PARTITIONS_PER_TURN);
    for (const partition of await describeGroup(context, group)) {
      const { topic, lag, committedOffset, memberId } = partition;
      this.#partitionCount++;
      this.#lag += lag;
      const sum = this.#topics.get(topic);
      this.#topics.set(topic, {
        topic,
        partitions: (sum?.partitions ?? 0) + 1,
        committed: (sum?.committed ?? 0) + (committedOffset < 0 ? 0 : 1),
        lag: (sum?.lag ?? 0) + lag,
        mayRead: sum?.mayRead ?? mayOnTopic(context, "READ", topic),
      });
      if (memberId !== undefined) this.#readBy.set(memberId, (this.#readBy.get(memberId) ?? 0) + 1);
      this.#partitions.add(partition);
      await portions.next();
      checkNotCancelled(signal);
    }
  }

  async #memberRows(group: string, members: readonly GroupMember[]): Promise<GroupMemberRow[]> {
    const clients = await this.#clientsOf(group, members);
    return members.map((member) => ({
      id: printable(member.memberId),
      instanceId: member.instanceId === null ? null : printable(member.instanceId),
      clientId: printable(member.clientId),
      host: printable(member.host),
      ...(clients.get(clientKey(member.clientId, member.host)) ?? NO_CLIENT),
      epoch: member.epoch ?? null,
      partitions: this.#readBy.get(member.memberId) ?? 0,
    }));
  }

  /** What connections say about members, by client id and address: a group knows no connections. */
  async #clientsOf(
    group: string,
    members: readonly GroupMember[],
  ): Promise<ReadonlyMap<string, MemberClient>> {
    const found = new Map<string, MemberClient>();
    if (members.length === 0 || !mayOnCluster(this.#request.context, "DESCRIBE")) return found;
    const wanted = new Set(members.map(({ clientId, host }) => clientKey(clientId, host)));
    // In the native protocol, only the heartbeats have the client id. It can be told where a host has one for the group.
    const names = new Map<string, string | undefined>();
    for (const { clientId, host } of members) {
      names.set(host, names.has(host) && names.get(host) !== clientId ? undefined : clientId);
    }
    const portions = new Portions(CONNECTIONS_PER_TURN);
    for (const { client, user } of this.#broker.clients) {
      const name = client.group === group ? names.get(client.address) : undefined;
      const key = clientKey(client.id ?? name ?? "", client.address);
      if (wanted.has(key)) {
        const before = found.get(key) ?? NO_CLIENT;
        found.set(key, {
          software: shown(client.software) ?? before.software,
          user: shown(user) ?? before.user,
          // A client has several connections: it is as old as the first.
          connectedMs: Math.min(client.sinceMs, before.connectedMs ?? client.sinceMs),
          isNamed: before.isNamed || client.id !== undefined,
        });
      }
      await portions.next();
    }
    return found;
  }
}

type MemberClient = Pick<GroupMemberRow, "software" | "user" | "connectedMs" | "isNamed">;

const NO_CLIENT: MemberClient = {
  ...{ software: null, user: null, connectedMs: null, isNamed: false },
};

function shown(text: string | undefined): string | null {
  return text === undefined ? null : printable(text);
}

function byPlace(a: GroupPartition, b: GroupPartition): number {
  return a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : a.partition - b.partition;
}

function clientKey(clientId: string, host: string): string {
  return `${host} ${clientId}`;
}

function partitionRow({ registry }: ServiceContext, row: GroupPartition): GroupPartitionRow {
  const { topic, partition, committedOffset, commitTimestamp, logStartOffset, memberId } = row;
  const records = row.highWatermark - logStartOffset;
  const bytes = registry.findOnline(topic, partition)?.bytes ?? 0;
  return {
    ...{ topic, partition, committed: committedOffset, commitMs: commitTimestamp },
    metadata: printable(row.metadata),
    ...{ logStart: logStartOffset, end: row.highWatermark, lag: row.lag },
    recordBytes: records === 0 ? 0 : Math.round(bytes / records),
    member: memberId === undefined ? null : printable(memberId),
  };
}

async function history({ context, query, signal }: GroupRequest): Promise<LagHistory> {
  const read = await readGroupHistory(context, groupIn(query), Date.now(), signal);
  const lags = sumsOf(read);
  const isUncommitted = read.partitions.every(({ committed: [first] }) => first === NOT_COMMITTED);
  return {
    ...{ times: read.times, lags },
    gap: lags[0] !== null ? null : isUncommitted ? "uncommitted" : "compacted",
    partitions: read.partitions
      .slice(0, HISTORIES_MAX)
      .map(({ topic, partition, ends, committed, lags }) => ({
        ...{ topic, partition, ends },
        committed: committed.map(known),
        lags: lags.map(known),
      })),
  };
}

function sumsOf({ times, partitions }: GroupHistory): (number | null)[] {
  return times.map((_, i) => {
    // It did not exist, and all records there were are no lag of it.
    const isThere = partitions.some(({ committed }) => committed[i] !== NOT_COMMITTED);
    if (!isThere && i < times.length - 1) return null;
    return known(partitions.reduce((sum, { lags }) => sum + lags[i]!, 0));
  });
}

function known(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}

async function plan({ context, query, signal }: GroupRequest): Promise<ResetPlan> {
  const partitions = query.numbers("partitions");
  const order = {
    group: groupIn(query),
    to: targetIn(query),
    topic: query.text("topic"),
    partitions: partitions.length === 0 ? undefined : partitions,
  };
  const moves = await planReset(context, order, signal);
  return {
    moves: moves.map(({ logStartOffset: logStart, highWatermark: end, ...move }) => ({
      ...{ ...move, logStart, end },
    })),
  };
}

/** `to` is a place as on the command line, `shift` a number of offsets forward or, with `-`, back. */
function targetIn(query: Query): ResetTarget {
  const shift = query.text("shift");
  if (shift !== undefined) {
    if (/^[+-]?\d{1,15}$/.test(shift)) return { shiftBy: Number(shift) };
    throw invalid(`shift is '${shift}'; expected a whole number, such as 100 or -100`);
  }
  const to = (query.text("to") ?? "").trim();
  const place = tryParseOffset(to, Date.now());
  if (place === undefined) throw invalid(`'${printable(to)}' is no place. ${EXPECTED_PLACE}.`);
  return place;
}

async function reset(context: ServiceContext, order: Body): Promise<GroupChange> {
  const moves = someObjectsIn(order, "moves").map(moveOf);
  await applyReset(context, textIn(order, "group"), moves);
  return { partitions: moves.length };
}

function moveOf(move: Body): ResetMoveRow {
  return {
    topic: textIn(move, "topic"),
    topicId: textIn(move, "topicId"),
    partition: wholeIn(move, "partition"),
    from: wholeIn(move, "from", -1),
    to: wholeIn(move, "to"),
  };
}

async function removeOffsets(context: ServiceContext, order: Body): Promise<GroupChange> {
  const group = textIn(order, "group");
  const topic = textIn(order, "topic");
  return { partitions: await deleteTopicOffsets(context, group, topic) };
}

async function removeGroup(context: ServiceContext, order: Body): Promise<GroupChange> {
  const group = textIn(order, "group");
  await deleteGroup(context, group);
  return { partitions: 0 };
}
