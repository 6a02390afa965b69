// The names of all groups in order: those with committed offsets, and those that only have members.
// Leaves to others: what is known about each (groups.ts, group-members.ts, group-lag.ts).
import { OffsetStore } from "../groups/offsets/offset-store.js";
import type { GroupSummary } from "../groups/offsets/offset-table.js";
import { Portions, sortInPortions } from "../log/event-loop.js";
import type { ServiceContext } from "./context.js";

/** Groups read from the table of offsets at a time. */
const LOOKUP_GROUPS = 200;

/** Groups with members looked at in a turn of the event loop. */
const GROUPS_PER_TURN = 200;

/** Names of the groups after `after` that have members and no committed offsets, in order. */
export async function groupsWithoutOffsets(
  { groups, offsets }: ServiceContext,
  after: string | undefined,
): Promise<readonly string[]> {
  const names: string[] = [];
  const portions = new Portions(GROUPS_PER_TURN);
  for (const { name } of groups.inMemory()) {
    const isAfter = after === undefined || name > after;
    if (isAfter && offsets.topicsOf(name).length === 0) names.push(name);
    await portions.next();
  }
  return await sortInPortions(names, (a, b) => (a < b ? -1 : 1));
}

/**
 * All groups whose name comes after `after` (undefined: all), by name: those with offsets, and the `others`. The caller may
 * yield between two; groups may be created or deleted in between.
 */
export function* groupsAfter(
  { offsets }: ServiceContext,
  after: string | undefined,
  others: readonly string[] = [],
): Generator<GroupSummary, void> {
  let next = 0;
  for (let from = after; ;) {
    const page = offsets.page(from, LOOKUP_GROUPS);
    for (const summary of page) {
      for (; next < others.length && others[next]! < summary.group; next++)
        yield without(others[next]!);
      // It has committed its first offset since the names were collected.
      if (others[next] === summary.group) next++;
      yield summary;
    }
    from = page.at(-1)?.group;
    if (from === undefined || page.length < LOOKUP_GROUPS) break;
  }
  for (; next < others.length; next++) yield without(others[next]!);
}

function without(group: string): GroupSummary {
  return { group, partitions: 0 };
}

/** Throws INVALID_GROUP. There is a group without a name only if a Kafka client has committed without one. */
export function checkName({ groups }: ServiceContext, group: string): void {
  if (group !== "" || !groups.has(group)) OffsetStore.checkGroup(group);
}
