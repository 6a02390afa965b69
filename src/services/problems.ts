// What is wrong now, most severe first: one list for the page and GET /health. Everything in it was noticed before and is
// only looked up here; nothing is searched for.
// Leaves to others: what is wrong with partitions (partition-problems.ts), and the sentences (http/page/problems/).
import { Portions } from "../log/event-loop.js";
import { compareNaturally } from "../natural-order.js";
import type { ServiceContext } from "./context.js";
import { FAULTS_PER_TURN, partitionProblems } from "./partition-problems.js";
import { mayOnCluster } from "./permissions.js";
import { nameOf, type Problem, type Severity } from "./problem.js";
import type { StuckGroups } from "./stuck-groups.js";

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

/** Below one of these, the disk is nearly full; below the others, it is about to be full. */
const LOW_SHARE = 0.1;
const LOW_BYTES = 2 ** 30;
const LOWEST_SHARE = 0.01;
const LOWEST_BYTES = 100 * 2 ** 20;

/** Time for the file system to say how much space it has, in milliseconds. */
const SPACE_MS_MAX = 1_000;

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
  const { found, omitted } = await partitionProblems(context);
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
