// Groups that have members, and old records to read, but commit nothing. Only the first groups by name are looked at, the
// same as on the page. Leaves to others: lag (group-lag.ts).
import { Portions } from "../log/event-loop.js";
import { isDamage } from "../log/segment/segment-lookup.js";
import type { ServiceContext } from "./context.js";
import { type GroupPartition, readGroupLags } from "./group-lag.js";

/** How long a group has not committed, and how old its unread records are, in milliseconds. */
const STALE_MS = 120_000;

/** A group that has just come back reads before it commits, so it counts once it has been found for this long, in milliseconds. */
const CONFIRM_MS = 20_000;

/** A group that was not found for this long is no longer counted as found, in milliseconds. */
const FORGOTTEN_MS = 60_000;

/** Groups looked at, and their partitions. */
const WATCHED_GROUPS_MAX = 100;
const WATCHED_PARTITIONS_MAX = 500;

/** Groups whose logs are searched by time in one turn of the event loop. */
const SEARCHES_PER_TURN = 10;

export interface StuckGroup {
  readonly group: string;
  readonly members: number;
  /** Total over all partitions. */
  readonly lag: number;
  readonly lastCommitMs: number;
}

interface Sight {
  readonly firstMs: number;
  readonly lastMs: number;
}

export class StuckGroups {
  readonly #seen = new Map<string, Sight>();

  /** The stuck groups among those that the caller may see, in the order of their names. */
  async find(context: ServiceContext): Promise<StuckGroup[]> {
    const { registry, groups } = context;
    const bounds = { groupsMax: WATCHED_GROUPS_MAX, partitionsMax: WATCHED_PARTITIONS_MAX };
    const lags = await readGroupLags(context, bounds);
    const nowMs = registry.now();
    for (const [group, { lastMs }] of this.#seen)
      if (nowMs - lastMs > FORGOTTEN_MS) this.#seen.delete(group);
    const stuck: StuckGroup[] = [];
    const portions = new Portions(SEARCHES_PER_TURN);
    for (const { group, lag, partitions } of lags.groups) {
      const members = groups.memberCount(group);
      if (members === 0 || lag === 0 || groups.overview(group)?.state !== "Stable") continue;
      const lastCommitMs = partitions.reduce(
        (newest, { commitTimestamp }) => Math.max(newest, commitTimestamp),
        -1,
      );
      // A group that has never committed may keep its offsets elsewhere.
      if (lastCommitMs < 0 || nowMs - lastCommitMs < STALE_MS) continue;
      await portions.next();
      if (!(await hasOldRecords(context, partitions, nowMs - STALE_MS))) continue;
      if (this.#isConfirmed(group, nowMs)) stuck.push({ group, members, lag, lastCommitMs });
    }
    return stuck;
  }

  #isConfirmed(group: string, nowMs: number): boolean {
    const firstMs = this.#seen.get(group)?.firstMs ?? nowMs;
    this.#seen.set(group, { firstMs, lastMs: nowMs });
    return nowMs - firstMs >= CONFIRM_MS;
  }
}

/** Whether a member has not read records that came before `beforeMs`, by the partition in which it is most behind. */
async function hasOldRecords(
  { registry }: ServiceContext,
  partitions: readonly GroupPartition[],
  beforeMs: number,
): Promise<boolean> {
  const behind = partitions
    .filter(({ memberId, lag }) => memberId !== undefined && lag > 0)
    .sort((a, b) => b.lag - a.lag)[0];
  if (behind === undefined) return false;
  const partition = registry.findOnline(behind.topic, behind.partition);
  if (partition === undefined || partition.closed) return false;
  try {
    await partition.prepareTimeSearch(beforeMs);
    if (partition.closed) return false;
    const next = Math.max(behind.committedOffset, behind.logStartOffset);
    return next < partition.offsetForTimestamp(beforeMs).offset;
  } catch (error) {
    if (isDamage(error)) return false;
    throw error;
  }
}
