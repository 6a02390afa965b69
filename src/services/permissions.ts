// Who may do what: the question that each use case asks of its caller, and one rule for all callers: they may read internal
// topics and nothing else. Leaves to others: the answers (security/), and the contents of internal topics (groups/).
import { RustLogError } from "../errors.js";
import {
  CLUSTER_NAME,
  type Operation,
  REFUSALS,
  type ResourceType,
} from "../security/permission.js";
import { isInternalTopic } from "../topics/internal-topics.js";
import type { ServiceContext } from "./context.js";

/** Throws INVALID_TOPIC if `name` is an internal topic. `what` is the refused action ("produced to", …). */
export function refuseInternalTopic(name: string, what: string): void {
  if (!isInternalTopic(name)) return;
  throw new RustLogError(
    "INVALID_TOPIC",
    `topic '${name}' can't be ${what}: it belongs to the broker`,
  );
}

/** Throws TOPIC_AUTHORIZATION_FAILED unless the caller may do this, whether there is such a topic or not. */
export function requireOnTopic(context: ServiceContext, operation: Operation, name: string): void {
  if (!context.caller.may(operation, "TOPIC", name)) refuse(context, operation, "TOPIC", name);
}

/** Throws GROUP_AUTHORIZATION_FAILED likewise. */
export function requireOnGroup(context: ServiceContext, operation: Operation, name: string): void {
  if (!context.caller.may(operation, "GROUP", name)) refuse(context, operation, "GROUP", name);
}

/** Throws CLUSTER_AUTHORIZATION_FAILED likewise. */
export function requireOnCluster(context: ServiceContext, operation: Operation): void {
  if (mayOnCluster(context, operation)) return;
  refuse(context, operation, "CLUSTER", CLUSTER_NAME);
}

/** Throws TOPIC_AUTHORIZATION_FAILED unless the caller may create this topic, or any. */
export function requireCreation(context: ServiceContext, name: string): void {
  if (!mayOnCluster(context, "CREATE")) requireOnTopic(context, "CREATE", name);
}

/** Throws CLUSTER_AUTHORIZATION_FAILED unless the caller may create topics, of any name or of some. */
export function requireSomeCreation(context: ServiceContext): void {
  if (!mayCreateSome(context)) requireOnCluster(context, "CREATE");
}

/** Throws CLUSTER_AUTHORIZATION_FAILED unless the caller may be an idempotent producer: it may write to some topic. */
export function requireIdempotence(context: ServiceContext): void {
  if (context.caller.mayOnAny("WRITE", "TOPIC")) return;
  requireOnCluster(context, "IDEMPOTENT_WRITE");
}

/** Whether the caller may do this, for a request that is refused otherwise: the refusal is noted. */
export function isPermitted(
  context: ServiceContext,
  operation: Operation,
  type: ResourceType,
  name: string,
): boolean {
  const isAllowed = context.caller.may(operation, type, name);
  if (!isAllowed) context.audit.denied(context.caller, operation, type, name);
  return isAllowed;
}

/** The same on the cluster. */
export function isPermittedOnCluster(context: ServiceContext, operation: Operation): boolean {
  return isPermitted(context, operation, "CLUSTER", CLUSTER_NAME);
}

// For what is left out of an answer: that is no refusal.

export function mayOnTopic(
  { caller }: ServiceContext,
  operation: Operation,
  name: string,
): boolean {
  return caller.may(operation, "TOPIC", name);
}

export function mayOnGroup(
  { caller }: ServiceContext,
  operation: Operation,
  name: string,
): boolean {
  return caller.may(operation, "GROUP", name);
}

/** Whether the caller may create topics, of any name or of some. */
export function mayCreateSome(context: ServiceContext): boolean {
  return mayOnCluster(context, "CREATE") || context.caller.mayOnAny("CREATE", "TOPIC");
}

export function mayOnCluster({ caller }: ServiceContext, operation: Operation): boolean {
  return caller.may(operation, "CLUSTER", CLUSTER_NAME);
}

function refuse(
  context: ServiceContext,
  operation: Operation,
  type: ResourceType,
  name: string,
): never {
  context.audit.denied(context.caller, operation, type, name);
  const what = type === "CLUSTER" ? "the cluster" : `${type.toLowerCase()} '${name}'`;
  throw new RustLogError(
    REFUSALS[type],
    `${context.caller.principal} has no permission ${operation} on ${what}`,
  );
}
