// Why a group is behind, in sentences: who reads nothing, who has not committed, and whether it will catch up.
// Leaves to others: the numbers (lag-series.ts), showing the sentences (group-summary.ts).
import { countOf, formatAge, formatBytes, formatCount } from "../parts/format.js";
import type { GroupDetail, GroupMemberRow, GroupPartitionRow } from "./group-wire.js";
import { formatRate, partitionWords } from "./group-words.js";
import { type GroupRate, sumOf } from "./lag-series.js";

export interface Finding {
  /** `good`: all is well; `problem`: somebody has to do something; `note`: worth knowing. */
  readonly kind: "good" | "note" | "problem";
  readonly text: string;
  /** The partition that it is about most, if the record that comes next there may be the reason. */
  readonly next?: GroupPartitionRow;
}

interface PartitionName {
  readonly topic: string;
  readonly partition: number;
}

/** What is known of a partition over time. */
interface PartitionPast {
  rate(row: GroupPartitionRow): GroupRate | undefined;
  /** Whether it has been behind without interruption since a time, in milliseconds since the epoch, or longer. */
  isBehindSince(row: GroupPartitionRow, ms: number): boolean;
  /** When members last got other partitions, if that is known. */
  readonly generationSince: number | undefined;
}

/** A member that has committed nothing for this long, although there is something to read, is stuck or slow. */
const STALE_MS = 120_000;

/** A commit in this time, in a group without members, shows that a client commits without being a member. */
const RECENT_MS = 60_000;

/** The same in a group that had members: shorter, because the last of them may have committed when it left. */
const RECENT_AFTER_MEMBERS_MS = 10_000;

/** Members, and topics, that are named one by one. */
const NAMED_MAX = 3;

/**
 * A group keeps up if the rates differ by less than this share, or if its lag comes in within these seconds: consumers commit
 * every few seconds, so the rate at which they read is known only in steps.
 */
const EVEN_SHARE = 0.1;
const EVEN_SECONDS = 10;

/** Share of the lag in one partition that is worth a sentence, and the least number of partitions. */
const UNEVEN_SHARE = 0.5;
const UNEVEN_PARTITIONS_MIN = 4;

const REBALANCING = ["PreparingRebalance", "CompletingRebalance", "Assigning", "Reconciling"];

/** The findings about a group, most important first. `offline` are partitions of its topics. */
export function diagnose(
  detail: GroupDetail,
  past: PartitionPast,
  offline: readonly PartitionName[] = [],
): readonly Finding[] {
  const findings = [
    ...unreadable(offline),
    ...whoReads(detail),
    ...staleMembers(detail, past),
    ...unreadPartitions(detail),
    ...pace(detail, past),
    ...oddOffsets(detail),
    ...unevenLag(detail),
    ...idleMembers(detail),
  ];
  const order = { problem: 0, good: 1, note: 2 };
  return findings.sort((a, b) => order[a.kind] - order[b.kind]);
}

function unreadable(offline: readonly PartitionName[]): Finding[] {
  if (offline.length === 0) return [];
  const text = `Nobody can read ${partitionWords(offline)}: offline. The lag there is unknown, and not counted.`;
  return [{ kind: "problem", text }];
}

function whoReads(detail: GroupDetail): Finding[] {
  const { state, memberCount, lag, nowMs } = detail;
  if (REBALANCING.includes(state)) {
    const text = "It is rebalancing: its members are being given their partitions.";
    return [{ kind: "note", text }];
  }
  if (memberCount > 0) return [];
  const last = lastCommit(detail);
  const ago = nowMs - last;
  if (isRead(detail)) {
    const text = `It has no members, but a client commits for it without being one, or it was reset: the last time ${formatAge(ago)} ago.`;
    return [{ kind: "note", text }];
  }
  const when = last < 0 ? "It has never committed." : `It last committed ${formatAge(ago)} ago.`;
  return [
    { kind: lag > 0 ? "problem" : "note", text: `Nobody reads: the group has no members. ${when}` },
  ];
}

function lastCommit({ partitions }: GroupDetail): number {
  return partitions.reduce((newest, { commitMs }) => Math.max(newest, commitMs), -1);
}

/** Whether anybody reads for the group: a member, or a client that only commits. */
function isRead(detail: GroupDetail): boolean {
  if (detail.memberCount > 0) return true;
  const recentMs = detail.type === "" ? RECENT_MS : RECENT_AFTER_MEMBERS_MS;
  return detail.nowMs - lastCommit(detail) < recentMs;
}

/** Partitions of which a member has read nothing for long, although there is something to read. */
function staleMembers({ members, partitions, nowMs }: GroupDetail, past: PartitionPast): Finding[] {
  const byMember = Map.groupBy(partitions, ({ member }) => member);
  const staleMs = nowMs - STALE_MS;
  const found = members.flatMap((member): Finding[] => {
    const its = byMember.get(member.id) ?? [];
    // It can't have read before that.
    const joined = Math.max(member.connectedMs ?? 0, past.generationSince ?? 0);
    const stale = its.filter(
      (row) => Math.max(joined, row.commitMs) <= staleMs && past.isBehindSince(row, staleMs),
    );
    if (stale.length === 0) return [];
    const last = stale.reduce((newest, { commitMs }) => Math.max(newest, commitMs), -1);
    const lag = formatCount(sum(stale.map((row) => row.lag)));
    const when =
      last < 0 ? "has never committed" : `has not committed for ${formatAge(nowMs - last)}`;
    const isAll = stale.length === its.length;
    const text = isAll
      ? `${memberName(member)} ${when}: lag ${lag} in ${partitionWords(stale)}.`
      : `${memberName(member)} ${when} in ${partitionWords(stale)}, unlike in others: lag ${lag}.`;
    const next = mostBehind(
      stale.filter(({ committed, end }) => committed >= 0 && committed < end),
    );
    return [{ kind: "problem", text, ...(next === undefined ? {} : { next }) }];
  });
  const left = found.length - NAMED_MAX;
  if (left <= 0) return found;
  const text = `${countOf(left, "more member")} like this.`;
  return [...found.slice(0, NAMED_MAX), { kind: "problem", text }];
}

function mostBehind(rows: readonly GroupPartitionRow[]): GroupPartitionRow | undefined {
  return rows.reduce<GroupPartitionRow | undefined>(
    (most, row) => (most === undefined || row.lag > most.lag ? row : most),
    undefined,
  );
}

function unreadPartitions(detail: GroupDetail): Finding[] {
  const { state, memberCount, partitions, partitionCount } = detail;
  // While members come and go nobody reads anything, and what is not listed may be read.
  if (state !== "Stable" || memberCount === 0 || partitions.length < partitionCount) return [];
  const byTopic = Map.groupBy(partitions, ({ topic }) => topic);
  const found = [...byTopic].flatMap(([topic, rows]): Finding[] => {
    const unread = rows.filter(({ member }) => member === null);
    if (unread.length === 0) return [];
    const lag = sum(unread.map((row) => row.lag));
    const isAll = unread.length === rows.length;
    const what = isAll ? `topic ${topic}` : partitionWords(unread);
    const text = `Nobody reads ${what}: lag ${formatCount(lag)}.`;
    return [{ kind: lag > 0 ? "problem" : "note", text }];
  });
  return found.slice(0, NAMED_MAX);
}

/** Whether it keeps up. */
function pace(detail: GroupDetail, past: PartitionPast): Finding[] {
  const { lag, partitions, memberCount } = detail;
  if (lag === 0) return [{ kind: "good", text: "It has read everything." }];
  if (!isRead(detail)) return [];
  const rates = partitions.map((row) => past.rate(row));
  const rate = sumOf(rates);
  if (rate === undefined || rate.out === null) return [];
  const { in: arrives, out: read } = rate;
  const readBytes = sum(partitions.map((row, i) => (rates[i]?.out ?? 0) * row.recordBytes));
  const inBytes = sum(partitions.map((row, i) => (rates[i]?.in ?? 0) * row.recordBytes));
  const words = `It reads ${rateWords(read, readBytes)}, and ${rateWords(arrives, inBytes)} come in`;
  const left = read - arrives;
  if (read === 0) {
    if (memberCount === 0) return [];
    const text = `It has committed nothing new in the last minute, and ${rateWords(arrives, inBytes)} come in.`;
    return [{ kind: "problem", text }];
  }
  if (Math.abs(left) < EVEN_SHARE * Math.max(read, arrives) || lag < EVEN_SECONDS * arrives)
    return [{ kind: "good", text: `${words}: it keeps up, ${formatCount(lag)} behind the end.` }];
  if (left < 0)
    return [
      { kind: "problem", text: `${words}: its lag grows by ${formatRate(-left)} per second.` },
    ];
  const text = `${words}: it catches up in about ${formatAge((lag / left) * 1000)}.`;
  return [{ kind: "good", text }];
}

/** Offsets where there is nothing to read. */
function oddOffsets({ partitions }: GroupDetail): Finding[] {
  const lost = partitions.filter(
    ({ committed, logStart }) => committed >= 0 && committed < logStart,
  );
  const beyond = partitions.filter(({ committed, end }) => committed > end);
  const findings: Finding[] = [];
  if (lost.length > 0) {
    const records = sum(lost.map(({ committed, logStart }) => logStart - committed));
    const text = `${formatCount(records)} offsets were deleted before it read them, in ${partitionWords(lost)}.`;
    findings.push({ kind: "problem", text });
  }
  if (beyond.length > 0) {
    const text = `Its offset is beyond the end of ${partitionWords(beyond)}: it reads nothing there until the log is as long.`;
    findings.push({ kind: "problem", text });
  }
  return findings;
}

function unevenLag({ lag, partitions, partitionCount }: GroupDetail): Finding[] {
  if (lag === 0 || partitionCount < UNEVEN_PARTITIONS_MIN) return [];
  const most = mostBehind(partitions);
  if (most === undefined || most.lag < UNEVEN_SHARE * lag) return [];
  const percent = Math.round((100 * most.lag) / lag);
  return [{ kind: "note", text: `${percent} % of the lag is in ${partitionWords([most])}.` }];
}

function idleMembers({ state, members, memberCount, partitionCount }: GroupDetail): Finding[] {
  if (state !== "Stable" || members.length < memberCount) return [];
  const idle = members.filter(({ partitions }) => partitions === 0);
  if (idle.length === 0) return [];
  const why =
    memberCount > partitionCount ? `: there are only ${countOf(partitionCount, "partition")}` : "";
  const text = `${formatCount(idle.length)} of ${countOf(memberCount, "member")} have nothing to read${why}.`;
  return [{ kind: "note", text }];
}

function memberName({ clientId, host, instanceId }: GroupMemberRow): string {
  const name = instanceId ?? clientId;
  return name === "" ? `The member at ${host}` : `${name} at ${host}`;
}

/** `340 records/s (1.2 MiB/s)`. */
function rateWords(records: number, bytes: number): string {
  const text = formatRate(records);
  const rate = `${text} ${text === "1" ? "record" : "records"}/s`;
  return bytes < 1024 ? rate : `${rate} (${formatBytes(bytes)}/s)`;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
