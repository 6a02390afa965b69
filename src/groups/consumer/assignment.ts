// Partitions of topics as a set, for what a member is assigned, owns, or must give up.

/** Some partitions of a topic, as a request or a response names them. */
export interface TopicPartitions {
  readonly topicId: string;
  readonly partitions: readonly number[];
}

/** Partitions by topic id: ascending, each once, and at least one for each topic. */
export type Assignment = ReadonlyMap<string, readonly number[]>;

export const NOTHING: Assignment = new Map();

/** The set of the partitions in a list, which may repeat topics and partitions. */
export function assignmentOf(list: readonly TopicPartitions[]): Assignment {
  const all = new Map<string, number[]>();
  for (const { topicId, partitions } of list) {
    const its = all.get(topicId) ?? [];
    all.set(topicId, its);
    for (const partition of partitions) its.push(partition);
  }
  const topics = new Map<string, readonly number[]>();
  for (const [topicId, partitions] of all) {
    if (partitions.length > 0) topics.set(topicId, sortedOnce(partitions));
  }
  return topics;
}

export function listOf(assignment: Assignment): TopicPartitions[] {
  return [...assignment].map(([topicId, partitions]) => ({ topicId, partitions }));
}

export function countOf(assignment: Assignment): number {
  let count = 0;
  for (const partitions of assignment.values()) count += partitions.length;
  return count;
}

export function isSame(a: Assignment, b: Assignment): boolean {
  if (a === b) return true;
  if (a.size !== b.size) return false;
  for (const [topicId, partitions] of a) {
    const others = b.get(topicId);
    if (others === partitions) continue;
    if (others === undefined || others.length !== partitions.length) return false;
    for (let i = 0; i < partitions.length; i++) if (partitions[i] !== others[i]) return false;
  }
  return true;
}

/** The partitions that are in both sets. */
export function intersection(a: Assignment, b: Assignment): Assignment {
  return filtered(a, (topicId) => {
    const others = new Set(b.get(topicId));
    return (partition) => others.has(partition);
  });
}

/** The partitions of `a` that are not in `b`. */
export function difference(a: Assignment, b: Assignment): Assignment {
  if (b.size === 0) return a;
  return filtered(a, (topicId) => {
    const others = new Set(b.get(topicId));
    return (partition) => !others.has(partition);
  });
}

export function union(a: Assignment, b: Assignment): Assignment {
  if (a.size === 0) return b;
  if (b.size === 0) return a;
  return assignmentOf([...listOf(a), ...listOf(b)]);
}

/** The partitions for which a test holds, which is made once for each topic. */
export function filtered(
  assignment: Assignment,
  testOf: (topicId: string) => (partition: number) => boolean,
): Assignment {
  const topics = new Map<string, readonly number[]>();
  for (const [topicId, partitions] of assignment) {
    const kept = partitions.filter(testOf(topicId));
    if (kept.length > 0) topics.set(topicId, kept);
  }
  return topics;
}

function sortedOnce(partitions: number[]): readonly number[] {
  partitions.sort((a, b) => a - b);
  return partitions.filter((partition, i) => i === 0 || partition !== partitions[i - 1]);
}
