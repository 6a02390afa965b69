// The rules: who may do what. Changing them needs ALTER on the cluster, seeing them DESCRIBE.
// Leaves to others: what they mean (security/authorizer.ts), and storing them (security/security.ts).
import { RustLogError } from "../errors.js";
import { ACLS_MAX } from "../limits.js";
import { type Acl, aclFault, aclKey, type PatternType, WILDCARD } from "../security/acl.js";
import type { ServiceContext } from "./context.js";
import { failureOf, type Outcome } from "./outcome.js";
import { requireOnCluster } from "./permissions.js";

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

/** The rules that a filter means. Throws CLUSTER_AUTHORIZATION_FAILED, and SECURITY_DISABLED without users. */
export function listAcls(context: ServiceContext, filter: AclFilter): Acl[] {
  requireOnCluster(context, "DESCRIBE");
  requireSecurity(context);
  return matching(context, filter);
}

/** Adds rules, as many as are valid, as one change. Resolves with the error of each, in order. Rejects as `listAcls` throws. */
export async function addAcls(
  context: ServiceContext,
  acls: readonly Acl[],
): Promise<Outcome<undefined>[]> {
  requireOnCluster(context, "ALTER");
  requireSecurity(context);
  const outcomes = acls.map((acl): Outcome<undefined> => {
    const fault = aclFault(acl);
    return fault === undefined ? undefined : new RustLogError("INVALID_REQUEST", fault);
  });
  const valid = acls.filter((_, i) => outcomes[i] === undefined);
  if (valid.length === 0) return outcomes;
  try {
    await context.security.change(() => {
      const { authorizer } = context.security;
      checkCount(authorizer.size + valid.length);
      return { aclsAdded: valid };
    });
    noteRules(context, "rule-added", valid);
    return outcomes;
  } catch (error) {
    const failure = failureOf(error);
    return outcomes.map((outcome) => outcome ?? failure);
  }
}

/** Deletes the rules that any of the filters means, as one change. Resolves with those of each filter. Rejects likewise. */
export async function deleteAcls(
  context: ServiceContext,
  filters: readonly AclFilter[],
): Promise<Acl[][]> {
  requireOnCluster(context, "ALTER");
  requireSecurity(context);
  let found: Acl[][] = [];
  await context.security.change(() => {
    found = filters.map((filter) => matching(context, filter));
    return { aclsRemoved: found.flat() };
  });
  noteRules(context, "rule-deleted", found.flat());
  return found;
}

/**
 * Adds and deletes rules as one change, all or none. Resolves with how many were new, and how many were there. Rejects as
 * `listAcls` throws, and with INVALID_REQUEST for a rule that means nothing.
 */
export async function changeAcls(
  context: ServiceContext,
  added: readonly Acl[],
  deleted: readonly Acl[],
): Promise<{ readonly added: number; readonly deleted: number }> {
  requireOnCluster(context, "ALTER");
  requireSecurity(context);
  for (const acl of added) {
    const fault = aclFault(acl);
    if (fault !== undefined) throw new RustLogError("INVALID_REQUEST", fault);
  }
  const counts = { added: 0, deleted: 0 };
  let isKnown = (_: Acl): boolean => false;
  await context.security.change(() => {
    const known = new Set([...context.security.authorizer.rules].map(aclKey));
    const before = new Set(known);
    isKnown = (acl) => before.has(aclKey(acl));
    for (const key of new Set(deleted.map(aclKey))) if (known.delete(key)) counts.deleted++;
    for (const key of new Set(added.map(aclKey))) if (!known.has(key)) counts.added++;
    checkCount(known.size + counts.added);
    return { aclsAdded: added, aclsRemoved: deleted };
  });
  noteRules(
    context,
    "rule-added",
    added.filter((acl) => !isKnown(acl)),
  );
  noteRules(context, "rule-deleted", deleted.filter(isKnown));
  return counts;
}

function noteRules(
  { audit, caller }: ServiceContext,
  action: "rule-added" | "rule-deleted",
  acls: readonly Acl[],
): void {
  for (const { principal, host, ...acl } of acls) {
    const { permissionType, operation, resourceType, resourceName, patternType } = acl;
    audit.changed(caller, action, {
      ...{ permissionType, for: principal, from: host, operation },
      ...{ resourceType, resourceName, patternType },
    });
  }
}

function checkCount(acls: number): void {
  if (acls <= ACLS_MAX) return;
  const message = `there would be more than ${ACLS_MAX} rules; delete some, or use prefixes`;
  throw new RustLogError("INVALID_REQUEST", message);
}

function matching({ security }: ServiceContext, filter: AclFilter): Acl[] {
  return [...security.authorizer.rules]
    .filter((acl) => isMeant(acl, filter))
    .sort((a, b) => (aclKey(a) < aclKey(b) ? -1 : 1));
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

function requireSecurity({ security }: ServiceContext): void {
  if (security.isEnabled) return;
  throw new RustLogError("SECURITY_DISABLED", "No Authorizer is configured on the broker");
}
