// What is wrong with partitions, as problems: those of a topic with the same fault are one.
// Leaves to others: noticing it (topics/faults.ts), and the order (problems.ts).
import { joinPath } from "../log/disk/disk.js";
import { Portions } from "../log/event-loop.js";
import type { FaultyPartition, NotedFault } from "../topics/faults.js";
import type { ServiceContext } from "./context.js";
import { mayOnTopic } from "./permissions.js";
import { nameOf, type Problem, type Severity } from "./problem.js";

/** Less severe problems that are told apart; more are only counted. */
const COLLECTED_MAX = 1_000;

/** Faults looked at in one turn of the event loop. */
export const FAULTS_PER_TURN = 250;

/** A refused batch is forgotten after this time, if nobody has tried again, in milliseconds. */
const REFUSED_MS_MAX = 86_400_000;

/** What is wrong with partitions, and how many less severe problems were only counted. */
export async function partitionProblems(
  context: ServiceContext,
): Promise<{ readonly found: Problem[]; readonly omitted: Record<Severity, number> }> {
  const { registry } = context;
  const byKey = new Map<string, Problem>();
  const portions = new Portions(FAULTS_PER_TURN);
  const omitted = { error: 0, warning: 0, note: 0 };
  for (const [partition, fault] of registry.faults.list((it, one) => isOver(context, it, one))) {
    if (mayOnTopic(context, "DESCRIBE", partition.topic)) {
      const problem = problemOf(partition, fault);
      const key = keyOf(problem);
      const before = byKey.get(key);
      if (before !== undefined) byKey.set(key, together(before, problem));
      else if (problem.severity === "error" || byKey.size < COLLECTED_MAX) byKey.set(key, problem);
      else omitted[problem.severity]++;
    }
    await portions.next();
  }
  return { found: [...byKey.values()], omitted };
}

function isOver({ registry }: ServiceContext, faulty: FaultyPartition, fault: NotedFault): boolean {
  const partition = registry.find(faulty.topic)?.partitions[faulty.index];
  // Its topic was deleted, and perhaps created again.
  if (partition === undefined || partition !== faulty) return true;
  if (partition.offline !== undefined) return false;
  switch (fault.kind) {
    case "damage":
      return fault.offset < partition.logStartOffset;
    case "refused":
      return registry.now() - fault.lastMs > REFUSED_MS_MAX;
    case "kept":
    case "truncated": {
      // Somebody has dealt with the bytes that were kept.
      const { directory, disk } = partition.layout;
      return (
        fault.file !== undefined && disk.fileSize(joinPath(directory, fault.file)) === undefined
      );
    }
    default:
      return false;
  }
}

function problemOf({ topic, index }: FaultyPartition, fault: NotedFault): Problem {
  const { sinceMs } = fault;
  const place = { sinceMs, topic, partition: index, partitions: 1 };
  if (fault.kind === "kept") return { kind: "kept", severity: "note", ...place, file: fault.file };
  // The sentence names the partition.
  const known = { ...place, reason: fault.reason.replace(`${topic}-${index}: `, "") };
  switch (fault.kind) {
    case "damage":
      return { kind: "damage", severity: "warning", ...known, offset: fault.offset, places: 1 };
    case "truncated":
    case "untruncated": {
      const { kind, bytes, offset, file = null } = fault;
      const ofTruncated = file === null ? "note" : "warning";
      const severity = kind === "untruncated" ? "error" : ofTruncated;
      return { kind, severity, ...known, bytes, offset, file };
    }
    case "refused":
      return { kind: fault.isDiskFull ? "full" : "refused", severity: "error", ...known };
    case "offline":
      return { kind: "offline", severity: "error", ...known };
    default:
      return { kind: fault.kind, severity: "warning", ...known };
  }
}

/** Problems with the same key are one. */
function keyOf(problem: Problem): string {
  switch (problem.kind) {
    case "full":
      return "full";
    case "damage":
    case "truncated":
    case "untruncated":
      return `${problem.kind} ${problem.topic} ${problem.partition}`;
    default:
      return `${problem.kind} ${nameOf(problem)}`;
  }
}

/** Two problems with the same key as one, which is about the first of them. */
function together(a: Problem, b: Problem): Problem {
  if (!("partitions" in a) || !("partitions" in b)) return a;
  const sinceMs = Math.min(a.sinceMs ?? 0, b.sinceMs ?? 0);
  if (a.kind === "damage" && b.kind === "damage") {
    const first = a.offset <= b.offset ? a : b;
    return { ...first, sinceMs, places: a.places + b.places };
  }
  const first = a.topic === b.topic && a.partition > b.partition ? b : a;
  return { ...first, sinceMs, partitions: a.partitions + b.partitions };
}
