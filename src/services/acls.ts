// The rules: who may do what. Changing them needs ALTER on the cluster, seeing them DESCRIBE.
// Leaves to others: finding and changing them (security/acl-changes.ts), and what they mean (security/authorizer.ts).
import { RustLogError } from "../errors.js";
import { type Acl, aclFault, withPlainHost } from "../security/acl.js";
import { type AclFilter, alterAcls, checkAclCount, matchingAcls } from "../security/acl-changes.js";
import type { ServiceContext } from "./context.js";
import { loginFault } from "./login.js";
import { failureOf, type Outcome } from "./outcome.js";
import { requireOnCluster } from "./permissions.js";

/** The rules that a filter means. Rejects with CLUSTER_AUTHORIZATION_FAILED, and SECURITY_DISABLED without users. */
export async function listAcls(context: ServiceContext, filter: AclFilter): Promise<Acl[]> {
  requireOnCluster(context, "DESCRIBE");
  requireSecurity(context);
  return matchingAcls(context.security, filter);
}

/** Adds rules, as many as are valid, as one change. Resolves with the error of each, in order. Rejects as `listAcls` does. */
export async function addAcls(
  context: ServiceContext,
  acls: readonly Acl[],
): Promise<Outcome<undefined>[]> {
  requireChange(context);
  const outcomes = acls.map((acl): Outcome<undefined> => {
    const fault = aclFault(acl);
    return fault === undefined ? undefined : new RustLogError("INVALID_REQUEST", fault);
  });
  const valid = acls.filter((_, i) => outcomes[i] === undefined).map(withPlainHost);
  if (valid.length === 0) return outcomes;
  try {
    await context.security.change(() => {
      requireChange(context);
      const { authorizer } = context.security;
      checkAclCount(authorizer.size + valid.length);
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
  requireChange(context);
  const found: Acl[][] = [];
  await context.security.change(async () => {
    requireChange(context);
    for (const filter of filters) found.push(await matchingAcls(context.security, filter));
    return { aclsRemoved: found.flat() };
  });
  noteRules(context, "rule-deleted", found.flat());
  return found;
}

/**
 * Adds and deletes rules as one change, all or none. Resolves with how many were new, and how many were there. Rejects as
 * `listAcls` does, and with INVALID_REQUEST for a rule that means nothing.
 */
export async function changeAcls(
  context: ServiceContext,
  added: readonly Acl[],
  deleted: readonly Acl[],
): Promise<{ readonly added: number; readonly deleted: number }> {
  requireChange(context);
  const changed = await alterAcls(context.security, added, deleted, () => requireChange(context));
  noteRules(context, "rule-added", changed.added);
  noteRules(context, "rule-deleted", changed.deleted);
  return { added: changed.added.length, deleted: changed.deleted.length };
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

/** Throws unless the caller may change rules. Asked again when a change is made: an earlier one may take that away. */
function requireChange(context: ServiceContext): void {
  const fault = loginFault(context);
  if (fault !== undefined) throw fault;
  requireOnCluster(context, "ALTER");
  requireSecurity(context);
}

function requireSecurity({ security }: ServiceContext): void {
  if (security.isEnabled) return;
  throw new RustLogError("SECURITY_DISABLED", "No Authorizer is configured on the broker");
}
