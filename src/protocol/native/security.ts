// DescribeUsers, AlterUser, DescribeAcls and AlterAcls: who may log in, and what they may do.
// Leaves to others: what it means (security/), and logging in (authenticate.ts).
import { ACLS_CHANGED_MAX } from "../../limits.js";
import { api, array, type RequestOf } from "./schema.js";

export const DescribeUsers = api("DescribeUsers", {
  request: {
    /** Name of the last user of the previous page; empty for the first page. */
    after: "string",
    /** Maximum number of users; 0 for as many as fit a page. */
    limit: "u32",
  },
  response: {
    /** By name. */
    users: array({
      user: "string",
      /** Names of the SCRAM mechanisms for which there is a password, separated by commas. */
      mechanisms: "string",
    }),
    more: "bool",
  },
});

/** Sets the password of a user, or deletes the user. */
export const AlterUser = api("AlterUser", {
  request: {
    user: "string",
    /** Whether a new user gets all permissions. */
    isAdministrator: "bool",
    /** The password for each mechanism, salted as RFC 5802 says; without any the user is deleted. */
    credentials: array({
      mechanism: "string",
      iterations: "u32",
      salt: "bytes",
      saltedPassword: "bytes",
    }),
  },
  response: {
    /** Whether there was a user of this name before. */
    existed: "bool",
  },
});

/** The fields of a rule. */
const ACL = {
  resourceType: "string",
  resourceName: "string",
  patternType: "string",
  principal: "string",
  host: "string",
  operation: "string",
  permissionType: "string",
} as const;

export const DescribeAcls = api("DescribeAcls", {
  request: {
    /** Number of rules to skip: those of the previous pages. */
    skip: "u32",
    /** Maximum number of rules; 0 for as many as fit a page. */
    limit: "u32",
    /** Only rules that have these values; an empty one matters not. */
    ...ACL,
  },
  response: { acls: array(ACL), more: "bool" },
});

/** Adds and deletes rules, all or none. */
export const AlterAcls = api("AlterAcls", {
  request: {
    added: array(ACL, ACLS_CHANGED_MAX),
    deleted: array(ACL, ACLS_CHANGED_MAX),
  },
  response: {
    /** How many of the rules were not there before. */
    added: "u32",
    /** How many were there. */
    deleted: "u32",
  },
});

export type DescribeUsersRequest = RequestOf<typeof DescribeUsers>;
export type AlterUserRequest = RequestOf<typeof AlterUser>;
export type DescribeAclsRequest = RequestOf<typeof DescribeAcls>;
export type AlterAclsRequest = RequestOf<typeof AlterAcls>;
/** A rule, with names that need not be valid. */
export type AclRow = AlterAclsRequest["added"][number];
