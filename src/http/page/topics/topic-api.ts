// Requests about topics. Leaves to others: sending them (api.ts), using the answers.
import { askFor, order } from "../api.js";
import type {
  AlterOrder,
  AlterOutcome,
  CompactionReport,
  CompactOrder,
  CreateOrder,
  NewTopic,
  PartitionRows,
  TopicDetail,
  TopicReaderRows,
  TopicSetting,
  TrimOrder,
  TrimOutcome,
  TrimPlan,
} from "./topic-wire.js";

function pathOf(topic: string, rest = ""): string {
  return `/api/topics/${encodeURIComponent(topic)}${rest}`;
}

export function askTopic(topic: string): Promise<TopicDetail> {
  return askFor(pathOf(topic));
}

export function askPartitions(topic: string, from: number): Promise<PartitionRows> {
  return askFor(pathOf(topic, `/partitions?from=${from}`));
}

export function askReaders(topic: string, after?: string): Promise<TopicReaderRows> {
  const query = after === undefined ? "" : `?${new URLSearchParams({ after })}`;
  return askFor(pathOf(topic, `/groups${query}`));
}

export function askSettings(): Promise<readonly TopicSetting[]> {
  return askFor("/api/topic-settings");
}

/** Creates a topic, or asks what would be created. */
export function createTopic(body: CreateOrder): Promise<NewTopic> {
  return order("POST", "/api/topics", body);
}

/** What a change would do. */
export function askChange(topic: string, change: AlterOrder): Promise<AlterOutcome> {
  const { id, set, unset, partitions } = change;
  const query = new URLSearchParams({ id });
  for (const [name, value] of Object.entries(set)) query.append("set", `${name}=${value}`);
  for (const name of unset) query.append("unset", name);
  if (partitions > 0) query.set("partitions", String(partitions));
  return askFor(pathOf(topic, `/alter?${query}`));
}

export function alterTopic(topic: string, change: AlterOrder): Promise<AlterOutcome> {
  return order("POST", pathOf(topic, "/alter"), change);
}

/** What a trim would delete. `partitions` are numbers with commas between them; "" means all. */
export function askTrim(topic: string, before: string, partitions: string): Promise<TrimPlan> {
  const query = new URLSearchParams({ before, partitions: partitions.replaceAll(" ", "") });
  return askFor(pathOf(topic, `/trim?${query}`));
}

export function trimTopic(topic: string, body: TrimOrder): Promise<TrimOutcome> {
  return order("POST", pathOf(topic, "/trim"), body);
}

/** Begins a compaction, or asks how far it is. */
export function compactTopic(topic: string, body: CompactOrder): Promise<CompactionReport> {
  return order("POST", pathOf(topic, "/compact"), body);
}

export function deleteTopic(topic: string, id: string): Promise<unknown> {
  return order("DELETE", pathOf(topic, `?${new URLSearchParams({ id })}`));
}
