// Finds rules, and changes them.
// Leaves to others: who may do so (services/acls.ts), what rules mean (authorizer.ts), and storing them (security.ts).
import { RustLogError } from "../errors.js";
import { Portions } from "../log/event-loop.js";
import { ACLS_MAX } from "../limits.js";
import {
  type Acl,
  aclFault,
  aclKey,
  type PatternType,
  plainHost,
  WILDCARD,
  withPlainHost,
} from "./acl.js";
import type { Security } from "./security.js";

/** Selects the rules that have all of these values. A field that is undefined matches any value. */
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

/** Rules looked at in one turn of the event loop. */
const RULES_PER_TURN = 2_000;

/** The rules that a filter means, in the order in which they were added. */
export async function matchingAcls({ authorizer }: Security, wanted: AclFilter): Promise<Acl[]> {
  const { host } = wanted;
  const filter = host === undefined ? wanted : { ...wanted, host: plainHost(host) };
  const whole = wholeAcl(filter);
  if (whole !== undefined) return authorizer.has(whole) ? [whole] : [];
  const portions = new Portions(RULES_PER_TURN);
  const found: Acl[] = [];
  for (const acl of authorizer.rules) {
    if (isMeant(acl, filter)) found.push(acl);
    await portions.next();
  }
  return found;
}

/** The one rule that a filter with all fields means: a client that deletes rules names each of them. */
function wholeAcl({ patternType, ...filter }: AclFilter): Acl | undefined {
  if (patternType === undefined || patternType === "MATCH") return undefined;
  const { resourceType, resourceName, principal, host, operation, permissionType } = filter;
  if (resourceType === undefined || resourceName === undefined) return undefined;
  if (principal === undefined || host === undefined) return undefined;
  if (operation === undefined || permissionType === undefined) return undefined;
  return {
    ...{ resourceType, resourceName, patternType, host, operation, permissionType },
    principal: principal as Acl["principal"],
  };
}

/**
 * Adds and deletes rules as one change, all or none. `check` may refuse it when all earlier changes are made. Resolves with
 * those that were new, and those that were there. Rejects with INVALID_REQUEST for a rule that means nothing, or if there would
 * be too many, DISK_FULL and STORAGE_ERROR.
 */
export async function alterAcls(
  security: Security,
  added: readonly Acl[],
  deleted: readonly Acl[],
  check: () => void = () => {},
): Promise<{ readonly added: readonly Acl[]; readonly deleted: readonly Acl[] }> {
  for (const acl of added) {
    const fault = aclFault(acl);
    if (fault !== undefined) throw new RustLogError("INVALID_REQUEST", fault);
  }
  const unique = (acls: readonly Acl[]): Acl[] => [
    ...new Map(acls.map(withPlainHost).map((acl) => [aclKey(acl), acl])).values(),
  ];
  let changed = { added: unique(added), deleted: unique(deleted) };
  await security.change(() => {
    check();
    const { authorizer } = security;
    const there = changed.deleted.filter((acl) => authorizer.has(acl));
    const left = new Set(there.map(aclKey));
    const fresh = changed.added.filter((acl) => left.has(aclKey(acl)) || !authorizer.has(acl));
    changed = { added: fresh, deleted: there };
    checkAclCount(authorizer.size - there.length + fresh.length);
    return { aclsAdded: fresh, aclsRemoved: there };
  });
  return changed;
}

/** Throws INVALID_REQUEST if these are too many rules. */
export function checkAclCount(acls: number): void {
  if (acls <= ACLS_MAX) return;
  const message = `there would be more than ${ACLS_MAX} rules; delete some, or use prefixes`;
  throw new RustLogError("INVALID_REQUEST", message);
}

function isMeant(acl: Acl, filter: AclFilter): boolean {
  for (const field of EXACT_FIELDS) {
    const wanted = filter[field];
    if (wanted !== undefined && acl[field] !== wanted) return false;
  }
  return isPatternMeant(acl, filter.patternType, filter.resourceName);
}

const EXACT_FIELDS = [
  "resourceType",
  "principal",
  "host",
  "operation",
  "permissionType",
] as const satisfies (keyof Acl)[];

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
