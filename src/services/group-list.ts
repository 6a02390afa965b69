// A page of the groups in an order that people ask for: by name, lag, members or state. There may be a million groups, so only
// the rows of one page are kept while the groups are compared, in portions.
// Leaves to others: the groups (groups.ts), and the lag of each (group-lag.ts).
import { checkNotCancelled } from "../cancelled.js";
import { firstNotBefore } from "../binary-search.js";
import type { GroupState, GroupType } from "../groups/group.js";
import { Portions } from "../log/event-loop.js";
import { compareNaturally } from "../natural-order.js";
import type { ServiceContext } from "./context.js";
import { groupPartitions } from "./group-lag.js";
import { partitionOwners, typeOf } from "./group-members.js";
import { groupsAfter, groupsWithoutOffsets } from "./group-names.js";
import { mayOnCluster, mayOnGroup } from "./permissions.js";

/** What a page of groups may be ordered by. */
export const GROUP_ORDERS = ["name", "lag", "members", "state"] as const;

export type GroupOrder = (typeof GROUP_ORDERS)[number];

/** A row's place in the order: names decide between equal values. */
interface OrderedGroup {
  readonly group: string;
  /** The lag, the members, or the state; for the order by name, "". */
  readonly value: number | string;
}

export interface GroupPageQuery {
  /** Only groups whose name contains this, in upper or lower case. */
  readonly filter: string;
  /** Only groups in one of these states, and of one of these types; empty for all. */
  readonly states: readonly string[];
  readonly types: readonly string[];
  readonly order: GroupOrder;
  readonly isDescending: boolean;
  /** Begin after this row of the page before. */
  readonly after: OrderedGroup | undefined;
  readonly groupsMax: number;
}

interface GroupPageRow extends OrderedGroup {
  readonly state: GroupState;
  readonly type: GroupType | "";
  readonly members: number;
  readonly partitions: number;
  /** Undefined if too many partitions had been visited for this answer before. */
  readonly lag: number | undefined;
}

interface GroupPage {
  readonly rows: readonly GroupPageRow[];
  readonly hasMore: boolean;
  /** Groups that match, of those that were compared. */
  readonly matching: number;
  /** Whether all groups were compared. */
  readonly isComplete: boolean;
}

/** Groups looked at for one answer: by their names only, and by more. And those in one turn of the event loop. */
const NAMED_GROUPS_MAX = 2_000_000;
const COMPARED_GROUPS_MAX = 200_000;
const GROUPS_PER_TURN = 250;

/** Partitions visited for one answer, and in one turn of the event loop. */
const VISITS_MAX = 300_000;
const VISITS_PER_TURN = 200;

/** The page of groups that the caller may see. Rejects with INVALID_REQUEST once `signal` is aborted. */
export async function readGroupPage(
  context: ServiceContext,
  query: GroupPageQuery,
  signal: AbortSignal,
): Promise<GroupPage> {
  context.offsets.checkOnline();
  return await new GroupPageReader(context, query, signal).read();
}

class GroupPageReader {
  readonly #context: ServiceContext;
  readonly #query: GroupPageQuery;
  readonly #signal: AbortSignal;
  readonly #portions = new Portions(VISITS_PER_TURN);
  readonly #filter: string;
  readonly #first: OrderedGroup[] = [];
  #visitsLeft = VISITS_MAX;
  #matching = 0;
  #isComplete = true;
  #hasMore = false;

  constructor(context: ServiceContext, query: GroupPageQuery, signal: AbortSignal) {
    this.#context = context;
    this.#query = query;
    this.#signal = signal;
    this.#filter = query.filter.toLowerCase();
  }

  async read(): Promise<GroupPage> {
    await this.#compareAll();
    const rows: GroupPageRow[] = [];
    for (const row of this.#first) {
      const complete = await this.#rowOf(row);
      if (complete !== undefined) rows.push(complete);
    }
    return {
      rows,
      hasMore: this.#hasMore,
      matching: this.#matching,
      isComplete: this.#isComplete,
    };
  }

  async #compareAll(): Promise<void> {
    const mayAll = mayOnCluster(this.#context, "DESCRIBE");
    const others = await groupsWithoutOffsets(this.#context, undefined);
    const portions = new Portions(GROUPS_PER_TURN);
    const { order, states, types } = this.#query;
    const isByName = order === "name" && states.length === 0 && types.length === 0;
    let left = isByName ? NAMED_GROUPS_MAX : COMPARED_GROUPS_MAX;
    for (const { group } of groupsAfter(this.#context, undefined, others)) {
      if (--left < 0 || this.#visitsLeft <= 0) {
        this.#isComplete = false;
        return;
      }
      if (this.#isChosen(group) && (mayAll || mayOnGroup(this.#context, "DESCRIBE", group))) {
        await this.#compare(group);
      }
      await portions.next();
      checkNotCancelled(this.#signal);
    }
  }

  #isChosen(group: string): boolean {
    const { states, types } = this.#query;
    if (this.#filter !== "" && !group.toLowerCase().includes(this.#filter)) return false;
    if (states.length === 0 && types.length === 0) return true;
    const overview = this.#context.groups.overview(group);
    if (overview === undefined) return false;
    const isInState = states.length === 0 || states.includes(overview.state);
    return isInState && (types.length === 0 || types.includes(typeOf(overview)));
  }

  /** Keeps a group if it belongs on the page, as far as is known. */
  async #compare(group: string): Promise<void> {
    this.#matching++;
    const row = { group, value: await this.#valueOf(group) };
    const { after, groupsMax } = this.#query;
    if (after !== undefined && this.#compareRows(row, after) <= 0) return;
    const rows = this.#first;
    const at = firstNotBefore(rows.length, (i) => this.#compareRows(rows[i]!, row) < 0);
    if (at >= groupsMax) {
      this.#hasMore = true;
      return;
    }
    rows.splice(at, 0, row);
    if (rows.length <= groupsMax) return;
    rows.pop();
    this.#hasMore = true;
  }

  #compareRows(a: OrderedGroup, b: OrderedGroup): number {
    const { order, isDescending } = this.#query;
    const sign = isDescending ? -1 : 1;
    const byName = compareNaturally(a.group, b.group);
    return sign * compareValues(a.value, b.value) || (order === "name" ? sign : 1) * byName;
  }

  async #valueOf(group: string): Promise<number | string> {
    const { groups } = this.#context;
    switch (this.#query.order) {
      case "name":
        return "";
      case "lag":
        return (await this.#lagOf(group)).lag;
      case "members":
        return groups.memberCount(group);
      case "state":
        return groups.overview(group)?.state ?? "";
    }
  }

  async #lagOf(group: string): Promise<{ readonly lag: number; readonly partitions: number }> {
    let lag = 0;
    let partitions = 0;
    const owners = await partitionOwners(this.#context, group, this.#portions);
    for (const partition of groupPartitions(this.#context, group, owners)) {
      lag += partition.lag;
      partitions++;
      this.#visitsLeft--;
      await this.#portions.next();
    }
    return { lag, partitions };
  }

  /** Undefined if the group was deleted since. */
  async #rowOf(row: OrderedGroup): Promise<GroupPageRow | undefined> {
    const { groups } = this.#context;
    const overview = groups.overview(row.group);
    if (overview === undefined) return undefined;
    const { state } = overview;
    const common = {
      ...row,
      state,
      type: typeOf(overview),
      members: groups.memberCount(row.group),
    };
    // One large group is read in any case.
    if (this.#visitsLeft <= 0) return { ...common, partitions: 0, lag: undefined };
    return { ...common, ...(await this.#lagOf(row.group)) };
  }
}

function compareValues(a: number | string, b: number | string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
