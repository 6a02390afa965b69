// One access control rule, as Kafka's: a principal may, or may not, do an operation on the resources of a pattern.
// Leaves to others: deciding by many rules (authorizer.ts), and storing them.
import { isIP } from "node:net";
import { CLUSTER_NAME, type Operation, OPERATIONS_OF, type ResourceType } from "./permission.js";
import type { Principal } from "./identity.js";

/** Kafka's numbers (org.apache.kafka.common.resource.PatternType). */
export const PATTERN_TYPES = { LITERAL: 3, PREFIXED: 4 } as const;

export type PatternType = keyof typeof PATTERN_TYPES;

/** Kafka's numbers (org.apache.kafka.common.acl.AclPermissionType). */
export const PERMISSION_TYPES = { DENY: 2, ALLOW: 3 } as const;

export type PermissionType = keyof typeof PERMISSION_TYPES;

/** As a principal, a host or the name of a resource: all of them. */
export const WILDCARD = "*";

export interface Acl {
  readonly resourceType: ResourceType;
  /** A whole name, or `*` for all; with PREFIXED the beginning of names. */
  readonly resourceName: string;
  readonly patternType: PatternType;
  readonly principal: Principal;
  /** An IP address, or `*`. */
  readonly host: string;
  readonly operation: Operation;
  readonly permissionType: PermissionType;
}

/** Why a rule can't be added, or undefined. */
export function aclFault(acl: Acl): string | undefined {
  const { resourceType, resourceName, principal, host, operation } = acl;
  if (resourceName === "") return "the name of the resource is empty";
  if (resourceType === "CLUSTER" && resourceName !== CLUSTER_NAME)
    return `the name of the cluster is ${CLUSTER_NAME}`;
  if (operation !== "ALL" && !OPERATIONS_OF[resourceType].includes(operation))
    return `a resource of type ${resourceType} has no operation ${operation}`;
  if (!/^User:./.test(principal)) return `the principal '${principal}' is not User:NAME`;
  if (host !== WILDCARD && (isIP(host) === 0 || host.includes("%")))
    return `the host '${host}' is no IP address`;
  return undefined;
}

/**
 * A rule with its host in the form in which addresses of clients are compared. There are many ways to write an address of IPv6,
 * and a rule that denies must not depend on the one chosen.
 */
export function withPlainHost<Rule extends { readonly host: string }>(rule: Rule): Rule {
  const host = plainHost(rule.host);
  return host === rule.host ? rule : { ...rule, host };
}

/** An address as `withPlainHost` writes it; any other text as it is. */
export function plainHost(host: string): string {
  if (isIP(host) !== 6) return host;
  const found = URL.parse(`http://[${host}]`)?.hostname.slice(1, -1) ?? host;
  const mapped = /^::ffff:([\da-f]{1,4}):([\da-f]{1,4})$/.exec(found);
  if (mapped === null) return found;
  const [high, low] = [mapped[1], mapped[2]].map((hex) => Number.parseInt(hex ?? "", 16));
  return [high! >>> 8, high! & 255, low! >>> 8, low! & 255].join(".");
}

/** A text that is the same for equal rules only. */
export function aclKey(acl: Acl): string {
  const { resourceType, resourceName, patternType, principal, host, operation } = acl;
  const fields = [resourceType, patternType, resourceName, principal, host, operation];
  return JSON.stringify([...fields, acl.permissionType]);
}
