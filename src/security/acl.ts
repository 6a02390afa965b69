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
  if (host !== WILDCARD && isIP(host) === 0) return `the host '${host}' is no IP address`;
  return undefined;
}

/** A text that is the same for equal rules only. */
export function aclKey(acl: Acl): string {
  const { resourceType, resourceName, patternType, principal, host, operation } = acl;
  const fields = [resourceType, patternType, resourceName, principal, host, operation];
  return JSON.stringify([...fields, acl.permissionType]);
}
