// Finds rules, and changes them.
// Leaves to others: who may do so (services/acls.ts), what rules mean (authorizer.ts), and storing them (security.ts).
import { RustLogError } from "../errors.js";
import { ACLS_MAX } from "../limits.js";
import { type Acl, aclFault, aclKey, type PatternType, WILDCARD } from "./acl.js";
import type { Security } from "./security.js";

/** Which rules are meant: those that have all of these. What is undefined matters not. */
export interface AclFilter {
  readonly resourceType?: Acl["resourceType"] | undefined;
  readonly resourceName?: string | undefined;
  /** MATCH stands for the rules that apply to the resource of this name, whatever their pattern. */
  readonly patternType?: PatternType | "MATCH" | undefined;
  readonly principal?: string | undefined;
  readonly host?: string | undefined;
  readonly operation?: Acl["operation"] | undefined;
  readonly permissionType?: Acl["permissionType"] | undefined;
}

/** The rules that a filter means, in an order that stays the same. */
export function matchingAcls({ authorizer }: Security, filter: AclFilter): Acl[] {
  return [...authorizer.rules]
    .filter((acl) => isMeant(acl, filter))
    .sort((a, b) => (aclKey(a) < aclKey(b) ? -1 : 1));
}

/**
 * Adds and deletes rules as one change, all or none. Resolves with those that were new, and those that were there. Rejects with
 * INVALID_REQUEST for a rule that means nothing, or if there would be too many, and with the system's error.
 */
export async function alterAcls(
  security: Security,
  added: readonly Acl[],
  deleted: readonly Acl[],
): Promise<{ readonly added: readonly Acl[]; readonly deleted: readonly Acl[] }> {
  for (const acl of added) {
    const fault = aclFault(acl);
    if (fault !== undefined) throw new RustLogError("INVALID_REQUEST", fault);
  }
  const unique = (acls: readonly Acl[]): Acl[] => [
    ...new Map(acls.map((acl) => [aclKey(acl), acl])).values(),
  ];
  let changed = { added: unique(added), deleted: unique(deleted) };
  await security.change(() => {
    const known = new Set([...security.authorizer.rules].map(aclKey));
    const there = changed.deleted.filter((acl) => known.delete(aclKey(acl)));
    const fresh = changed.added.filter((acl) => !known.has(aclKey(acl)));
    changed = { added: fresh, deleted: there };
    checkAclCount(known.size + fresh.length);
    return { aclsAdded: added, aclsRemoved: deleted };
  });
  return changed;
}

/** Throws INVALID_REQUEST if these are too many rules. */
export function checkAclCount(acls: number): void {
  if (acls <= ACLS_MAX) return;
  const message = `there would be more than ${ACLS_MAX} rules; delete some, or use prefixes`;
  throw new RustLogError("INVALID_REQUEST", message);
}

function isMeant(acl: Acl, { patternType, resourceName, ...exact }: AclFilter): boolean {
  const isSame = Object.entries(exact).every(
    ([field, value]) => value === undefined || acl[field as keyof Acl] === value,
  );
  return isSame && isPatternMeant(acl, patternType, resourceName);
}

function isPatternMeant(
  acl: Acl,
  patternType: AclFilter["patternType"],
  name: string | undefined,
): boolean {
  if (patternType !== "MATCH") {
    if (patternType !== undefined && acl.patternType !== patternType) return false;
    return name === undefined || acl.resourceName === name;
  }
  if (name === undefined) return true;
  if (acl.patternType === "PREFIXED") return name.startsWith(acl.resourceName);
  return acl.resourceName === name || acl.resourceName === WILDCARD;
}
