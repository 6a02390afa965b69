// What may be permitted: operations on resources, with Kafka's names and numbers (org.apache.kafka.common.acl.AclOperation
// and org.apache.kafka.common.resource.ResourceType). Leaves to others: who has a permission (caller.ts).
import type { ErrorName } from "../errors.js";

export const OPERATIONS = {
  ALL: 2,
  READ: 3,
  WRITE: 4,
  CREATE: 5,
  DELETE: 6,
  ALTER: 7,
  DESCRIBE: 8,
  CLUSTER_ACTION: 9,
  DESCRIBE_CONFIGS: 10,
  ALTER_CONFIGS: 11,
  IDEMPOTENT_WRITE: 12,
} as const;

export type Operation = keyof typeof OPERATIONS;

export const RESOURCE_TYPES = { TOPIC: 2, GROUP: 3, CLUSTER: 4, TRANSACTIONAL_ID: 5 } as const;

export type ResourceType = keyof typeof RESOURCE_TYPES;

/** The name of the one resource of type CLUSTER. */
export const CLUSTER_NAME = "kafka-cluster";

/** The error of a request that lacks a permission, by the type of the resource. */
export const REFUSALS = {
  TOPIC: "TOPIC_AUTHORIZATION_FAILED",
  GROUP: "GROUP_AUTHORIZATION_FAILED",
  CLUSTER: "CLUSTER_AUTHORIZATION_FAILED",
  TRANSACTIONAL_ID: "TRANSACTIONAL_ID_AUTHORIZATION_FAILED",
} as const satisfies Record<ResourceType, ErrorName>;

/** The operations that each type of resource has; org.apache.kafka.security.authorizer.AclEntry.supportedOperations. */
export const OPERATIONS_OF: Readonly<Record<ResourceType, readonly Operation[]>> = {
  TOPIC: [
    ...(["READ", "WRITE", "CREATE", "DESCRIBE", "DELETE", "ALTER"] as const),
    ...(["DESCRIBE_CONFIGS", "ALTER_CONFIGS"] as const),
  ],
  GROUP: ["READ", "DESCRIBE", "DELETE", "DESCRIBE_CONFIGS", "ALTER_CONFIGS"],
  CLUSTER: [
    ...(["CREATE", "CLUSTER_ACTION", "DESCRIBE_CONFIGS", "ALTER_CONFIGS"] as const),
    ...(["IDEMPOTENT_WRITE", "ALTER", "DESCRIBE"] as const),
  ],
  TRANSACTIONAL_ID: ["DESCRIBE", "WRITE"],
};
