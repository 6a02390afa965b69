// Errors for what a group with members does not allow: they name the members, so that one knows what to stop.
// Leaves to others: which changes are refused (services/), and reading the members (groups-describe.ts).
import type { Admin } from "../client/admin.js";
import type { GroupMember } from "../client/admin-types.js";
import { type ErrorName, RustLogError } from "../errors.js";
import { MEMBERS_NAMED_MAX } from "../services/group-reset.js";
import { stateOf } from "./groups-describe.js";

const REFUSALS: readonly ErrorName[] = ["NON_EMPTY_GROUP", "GROUP_SUBSCRIBED_TO_TOPIC"];

/** Throws NON_EMPTY_GROUP if the group has members. `help` says what to do then, if not to stop them. */
export async function refuseMembers(admin: Admin, group: string, help?: string): Promise<void> {
  const names = await namesOfMembers(admin, group);
  if (names === undefined) return;
  throw new RustLogError("NON_EMPTY_GROUP", `group '${group}' has members: ${names}`, {
    ...(help === undefined ? {} : { help }),
  });
}

/** Runs a change. If the broker refuses it because of members, the error names them. */
export async function namingMembers<T>(
  admin: Admin,
  group: string,
  change: () => Promise<T>,
): Promise<T> {
  try {
    return await change();
  } catch (error) {
    if (!(error instanceof RustLogError) || !REFUSALS.includes(error.code)) throw error;
    const names = await namesOfMembers(admin, group);
    if (names === undefined) throw error;
    throw new RustLogError(error.code, `${error.message}: ${names}`, { cause: error });
  }
}

/** Undefined if there are none. */
async function namesOfMembers(admin: Admin, group: string): Promise<string | undefined> {
  const members = await membersOf(admin, group);
  if (members.length === 0) return undefined;
  const names = members
    .slice(0, MEMBERS_NAMED_MAX)
    .map(({ memberId, clientId, host }) => `${memberId} (${clientId} at ${host})`);
  const left = members.length - names.length;
  return names.join(", ") + (left > 0 ? ` and ${left} more` : "");
}

async function membersOf(admin: Admin, group: string): Promise<readonly GroupMember[]> {
  try {
    return (await stateOf(admin, group)).members;
  } catch (error) {
    if (error instanceof RustLogError && error.code === "GROUP_NOT_FOUND") return [];
    throw error;
  }
}
