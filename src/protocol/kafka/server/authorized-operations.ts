// What the caller may do to a resource, as a set of bits: Metadata, DescribeCluster and descriptions of groups say so.
// Leaves to others: the permissions (security/).
import {
  CLUSTER_NAME,
  OPERATIONS,
  OPERATIONS_OF,
  type ResourceType,
} from "../../../security/permission.js";
import type { ServiceContext } from "../../../services/context.js";

/** Kafka's numbers of the operations are the places of their bits. None of what the caller may not see. */
export function authorizedOperations(
  { caller }: ServiceContext,
  type: ResourceType,
  name = CLUSTER_NAME,
): number {
  if (!caller.may("DESCRIBE", type, name)) return 0;
  let bits = 0;
  for (const operation of OPERATIONS_OF[type]) {
    if (caller.may(operation, type, name)) bits |= 1 << OPERATIONS[operation];
  }
  return bits;
}
