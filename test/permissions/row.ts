// One request in the table of permissions, and how its outcome is judged.
// Leaves to others: the requests (native-rows.ts, kafka-rows.ts), and sending them (permissions.test.ts).
import { type Acl, WILDCARD } from "../../src/security/acl.js";
import type { ErrorName } from "../../src/errors.js";
import {
  CLUSTER_NAME,
  type Operation,
  REFUSALS,
  type ResourceType,
} from "../../src/security/permission.js";

/** What a request names. All of it exists, or nothing does. */
export interface Names {
  readonly topic: string;
  readonly topicId: string;
  readonly group: string;
  /** A topic that does not exist in either case. */
  readonly newTopic: string;
  readonly user: string;
}

/** A permission: the operation, and the resource that it is on. */
export type Permission =
  `${Operation} ${"topic" | "newTopic" | "group" | "cluster" | "transaction"}`;

export interface Row<Request> {
  /** All that the request needs. Empty for one that everybody may send. */
  readonly needs: readonly Permission[];
  readonly request: (names: Names) => Request;
  /** The error without, if it is not that of the missing permission: another one would do as well. */
  readonly refusal?: ErrorName;
  /** For a listing, which names are left out without the permissions: there is no error. */
  readonly shows?: "topic" | "group";
  /** The error that the request fails with if it is permitted. */
  readonly failsWith?: string;
}

/** The name of the transactional id of a request. */
export const TRANSACTION = "a-transaction";

/** The rule for a permission. */
export function aclOf(
  permission: Permission,
  names: Names,
  permissionType: Acl["permissionType"] = "ALLOW",
): Acl {
  const [operation, on] = permission.split(" ") as [Operation, string];
  const [resourceType, resourceName] = resourceOf(on, names);
  return {
    ...{ resourceType, resourceName, patternType: "LITERAL", principal: "User:ann" },
    ...{ host: WILDCARD, operation, permissionType },
  };
}

/** The error of a request that lacks a permission. */
export function refusalOf(permission: Permission, names: Names): string {
  return REFUSALS[resourceOf(permission.split(" ")[1]!, names)[0]];
}

function resourceOf(on: string, names: Names): [ResourceType, string] {
  switch (on) {
    case "topic":
      return ["TOPIC", names.topic];
    case "newTopic":
      return ["TOPIC", names.newTopic];
    case "group":
      return ["GROUP", names.group];
    case "cluster":
      return ["CLUSTER", CLUSTER_NAME];
    default:
      return ["TRANSACTIONAL_ID", TRANSACTION];
  }
}
