// Requests about groups. Leaves to others: sending them (api.ts), using the answers.
import { askFor, order } from "../api.js";
import type {
  GroupChange,
  GroupDeletionOrder,
  GroupDetail,
  GroupRows,
  LagHistory,
  OffsetDeletionOrder,
  ResetOrder,
  ResetPlan,
} from "./group-wire.js";

type Parameters = Readonly<Record<string, string | undefined>>;

export function askGroupRows(query: Parameters, signal: AbortSignal): Promise<GroupRows> {
  return askFor(pathOf("", query), signal);
}

export function askGroup(group: string, signal: AbortSignal): Promise<GroupDetail> {
  return askFor(pathOf("state", { group }), signal);
}

export function askLagHistory(group: string, signal: AbortSignal): Promise<LagHistory> {
  return askFor(pathOf("history", { group }), signal);
}

/** Asks what a reset would change. */
export function askResetPlan(query: Parameters, signal: AbortSignal): Promise<ResetPlan> {
  return askFor(pathOf("reset", query), signal);
}

export function resetOffsets(body: ResetOrder): Promise<GroupChange> {
  return order("POST", pathOf("reset"), body);
}

export function deleteTopicOffsets(body: OffsetDeletionOrder): Promise<GroupChange> {
  return order("POST", pathOf("delete-offsets"), body);
}

export function deleteGroup(body: GroupDeletionOrder): Promise<GroupChange> {
  return order("POST", pathOf("delete"), body);
}

function pathOf(name: string, query: Parameters = {}): string {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined) parameters.set(key, value);
  }
  const text = parameters.toString();
  return `/api/groups${name === "" ? "" : `/${name}`}${text === "" ? "" : `?${text}`}`;
}
