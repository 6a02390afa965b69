// What is wrong now, most severe first: one list for the page and GET /health. Everything in it was noticed before and is
// only looked up here; nothing is searched for.
// Leaves to others: noticing what is wrong with partitions (topics/faults.ts), and the sentences (http/page/problems/).
import { Portions } from "../log/event-loop.js";
import { joinPath } from "../log/disk/disk.js";
import { compareNaturally } from "../natural-order.js";
import type { FaultyPartition, NotedFault } from "../topics/faults.js";
import type { ServiceContext } from "./context.js";
import { mayOnCluster, mayOnTopic } from "./permissions.js";
import type { StuckGroup, StuckGroups } from "./stuck-groups.js";

/** `error`: clients are refused now. `warning`: somebody has to do something. `note`: worth knowing. */
export type Severity = "error" | "warning" | "note";

/** Partitions with the same problem; the first one, and how many there are. */
interface InPartitions {
  readonly topic: string;
  readonly partition: number;
  readonly partitions: number;
  readonly reason: string;
}

export type ProblemFacts =
  | { readonly kind: "disk"; readonly totalBytes: number; readonly usableBytes: number }
  /** Batches were refused because the disk is full. */
  | ({ readonly kind: "full" } & InPartitions)
  /** There are as many connections as there may be. */
  | { readonly kind: "connections"; readonly count: number }
  | { readonly kind: "certificate"; readonly endsMs: number }
  /** The files of the certificate were replaced by ones that can't be used. */
  | { readonly kind: "certificate-files"; readonly reason: string }
  /** `refused`: the last batches were not written. The others are as in topics/faults.ts. */
  | ({
      readonly kind: "refused" | "offline" | "compaction" | "uncompacted" | "retention";
    } & InPartitions)
  | ({ readonly kind: "damage"; readonly offset: number; readonly places: number } & InPartitions)
  | ({
      readonly kind: "truncated" | "untruncated";
      readonly bytes: number;
      readonly offset: number;
      readonly file: string | null;
    } & InPartitions)
  /** A file beside the log has what an earlier start truncated. */
  | ({ readonly kind: "kept"; readonly file: string } & Omit<InPartitions, "reason">)
  | ({ readonly kind: "group" } & StuckGroup)
  /** The broker before this one was not stopped cleanly. */
  | { readonly kind: "unclean" }
  /** Connections wait because their clients have used more than their quotas. */
  | { readonly kind: "throttled"; readonly count: number };

export type Problem = ProblemFacts & {
  readonly severity: Severity;
  /** Since when it is known, in milliseconds since the epoch; null if that is unknown. */
  readonly sinceMs: number | null;
};

export interface Problems {
  /** The most severe ones. */
  readonly problems: readonly Problem[];
  /** How many there are in all. */
  readonly counts: Readonly<Record<Severity, number>>;
  /** The file system of the data directory; null if it can't be asked, or the caller may not know. */
  readonly disk: { readonly totalBytes: number; readonly usableBytes: number } | null;
}

/** Problems in an answer. */
const PROBLEMS_LISTED_MAX = 50;

/** Less severe problems that are told apart; more are only counted. */
const COLLECTED_MAX = 1_000;

/** Faults looked at in one turn of the event loop. */
const FAULTS_PER_TURN = 250;

/** Below one of these, the disk is nearly full; below the others, it is about to be full. */
const LOW_SHARE = 0.1;
const LOW_BYTES = 2 ** 30;
const LOWEST_SHARE = 0.01;
const LOWEST_BYTES = 100 * 2 ** 20;

/** Time for the file system to say how much space it has, in milliseconds. */
const SPACE_MS_MAX = 1_000;

/** A refused batch is forgotten after this time, if nobody has tried again, in milliseconds. */
const REFUSED_MS_MAX = 86_400_000;

/** How long before its end a certificate is a problem, in milliseconds. */
const CERTIFICATE_MS = 30 * 86_400_000;

/** The order of problems that are equally severe. */
const ORDER: readonly Problem["kind"][] = [
  ...(["full", "disk", "connections", "certificate", "certificate-files"] as const),
  ...(["refused", "untruncated", "offline", "damage", "truncated", "group"] as const),
  ...(["compaction", "uncompacted", "retention", "unclean", "kept", "throttled"] as const),
];

const SEVERITIES: readonly Severity[] = ["error", "warning", "note"];

/** The problems that the caller may know of; groups only with `stuckGroups`. */
export async function readProblems(
  context: ServiceContext,
  stuckGroups?: StuckGroups,
): Promise<Problems> {
  const ofCluster = mayOnCluster(context, "DESCRIBE");
  const disk = ofCluster ? await spaceIfSoon(context) : null;
  const { found, omitted } = await faultProblems(context);
  if (disk !== null) found.push(...diskProblems(disk));
  if (ofCluster) found.push(...brokerProblems(context));
  for (const stuck of (await stuckGroups?.find(context)) ?? []) {
    found.push({ kind: "group", severity: "warning", sinceMs: stuck.lastCommitMs, ...stuck });
  }
  const counts = omitted;
  for (const { severity } of found) counts[severity]++;
  return { problems: await mostSevere(found), counts, disk };
}

/** The first problems in order. There may be one for each topic. */
async function mostSevere(found: readonly Problem[]): Promise<Problem[]> {
  const first: Problem[] = [];
  const portions = new Portions(FAULTS_PER_TURN);
  for (const problem of found) {
    const at = first.findLastIndex((other) => compare(other, problem) <= 0) + 1;
    if (at < PROBLEMS_LISTED_MAX) first.splice(at, 0, problem);
    if (first.length > PROBLEMS_LISTED_MAX) first.pop();
    await portions.next();
  }
  return first;
}

/** A file system that does not answer must not keep the rest from being told. */
async function spaceIfSoon({ logDirectory }: ServiceContext): Promise<Problems["disk"]> {
  const { promise: late, resolve } = Promise.withResolvers<null>();
  const timer = setTimeout(() => resolve(null), SPACE_MS_MAX);
  try {
    return await Promise.race([logDirectory.space().catch(() => null), late]);
  } finally {
    clearTimeout(timer);
  }
}

function compare(a: Problem, b: Problem): number {
  return (
    SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) ||
    ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind) ||
    compareNaturally(nameOf(a), nameOf(b)) ||
    partitionOf(a) - partitionOf(b)
  );
}

function nameOf(problem: Problem): string {
  return "topic" in problem ? problem.topic : "group" in problem ? problem.group : "";
}

function partitionOf(problem: Problem): number {
  return "partition" in problem ? problem.partition : 0;
}

function diskProblems({
  totalBytes,
  usableBytes,
}: {
  readonly totalBytes: number;
  readonly usableBytes: number;
}): Problem[] {
  const isBelow = (share: number, bytes: number): boolean =>
    usableBytes < Math.max(share * totalBytes, bytes);
  if (!isBelow(LOW_SHARE, LOW_BYTES)) return [];
  const severity = isBelow(LOWEST_SHARE, LOWEST_BYTES) ? "error" : "warning";
  return [{ kind: "disk", severity, sinceMs: null, totalBytes, usableBytes }];
}

function brokerProblems({ vitals, registry }: ServiceContext): Problem[] {
  const { startedMs, wasClean, connections, connectionsMax, mutedConnections } = vitals;
  const { certificate } = vitals;
  const found: Problem[] = [];
  if (connections >= connectionsMax)
    found.push({ kind: "connections", severity: "error", sinceMs: null, count: connections });
  if (certificate !== undefined) {
    const { endsMs, fault } = certificate;
    const leftMs = endsMs - registry.now();
    const severity = leftMs <= 0 ? "error" : "warning";
    if (leftMs < CERTIFICATE_MS)
      found.push({ kind: "certificate", severity, sinceMs: null, endsMs });
    if (fault !== undefined)
      found.push({
        ...{ kind: "certificate-files", severity: "warning", sinceMs: null, reason: fault },
      });
  }
  if (!wasClean) found.push({ kind: "unclean", severity: "note", sinceMs: startedMs });
  if (mutedConnections > 0)
    found.push({ kind: "throttled", severity: "note", sinceMs: null, count: mutedConnections });
  return found;
}

/** What is wrong with partitions, and how many less severe problems were only counted. */
async function faultProblems(
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
