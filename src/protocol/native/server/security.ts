// DescribeUsers, AlterUser, DescribeAcls and AlterAcls.
// Leaves to others: the work (services/users.ts, services/acls.ts).
import { RustLogError } from "../../../errors.js";
import { PAGE_ITEMS_MAX } from "../../../limits.js";
import { type Acl, PATTERN_TYPES, PERMISSION_TYPES } from "../../../security/acl.js";
import { OPERATIONS, RESOURCE_TYPES } from "../../../security/permission.js";
import { SCRAM, type ScramMechanism } from "../../../security/scram.js";
import type { AclFilter } from "../../../security/acl-changes.js";
import { changeAcls, listAcls } from "../../../services/acls.js";
import type { ServiceContext } from "../../../services/context.js";
import { describeUsers as usersOf, replaceUser } from "../../../services/users.js";
import {
  type AclRow,
  AlterAcls,
  type AlterAclsRequest,
  AlterUser,
  type AlterUserRequest,
  DescribeAcls,
  type DescribeAclsRequest,
  DescribeUsers,
  type DescribeUsersRequest,
} from "../security.js";
import type { Exchange } from "./exchange.js";
import { answerList } from "./list.js";

/** Memory for a rule of a request. */
const ACL_BYTES = 500;

/** Answers a DescribeUsers request. */
export function describeUsers(
  context: ServiceContext,
  exchange: Exchange,
  { after, limit }: DescribeUsersRequest,
): Promise<void> {
  const users = usersOf(context)
    .filter(({ name }) => name > after)
    .map(({ name, mechanisms }) => ({
      user: name,
      mechanisms: mechanisms.map(({ mechanism }) => mechanism).join(),
    }));
  return answerList(exchange, DescribeUsers, users, limit, {});
}

/** Answers an AlterUser request. */
export async function alterUser(
  context: ServiceContext,
  exchange: Exchange,
  { user, isAdministrator, credentials }: AlterUserRequest,
): Promise<void> {
  const passwords = credentials.map(({ mechanism, ...salted }) => ({
    ...salted,
    mechanism: mechanismNamed(mechanism),
  }));
  const existed = await replaceUser(context, user, passwords, {
    asAdministrators: isAdministrator,
  });
  exchange.answer(AlterUser.encodeResponse(exchange.correlationId, { existed }));
}

function mechanismNamed(name: string): ScramMechanism {
  if (Object.hasOwn(SCRAM, name)) return name as ScramMechanism;
  const message = `there is no mechanism '${name}'; expected ${Object.keys(SCRAM).join(" or ")}`;
  throw new RustLogError("UNSUPPORTED_SASL_MECHANISM", message);
}

/** Answers a DescribeAcls request. */
export async function describeAcls(
  context: ServiceContext,
  exchange: Exchange,
  { skip, limit, ...filter }: DescribeAclsRequest,
): Promise<void> {
  const acls = await listAcls(context, filterOf(filter));
  // Each page is one answer, so the caller need not have them all at once.
  await answerList(exchange, DescribeAcls, acls.slice(skip, skip + PAGE_ITEMS_MAX + 1), limit, {});
}

function filterOf(row: AclRow): AclFilter {
  const { resourceType, resourceName, patternType, principal, host, operation } = row;
  return {
    resourceType: filterName(RESOURCE_TYPES, resourceType, "resource type"),
    resourceName: resourceName === "" ? undefined : resourceName,
    patternType:
      patternType === "MATCH" ? "MATCH" : filterName(PATTERN_TYPES, patternType, "pattern type"),
    principal: principal === "" ? undefined : principal,
    host: host === "" ? undefined : host,
    operation: filterName(OPERATIONS, operation, "operation"),
    permissionType: filterName(PERMISSION_TYPES, row.permissionType, "permission type"),
  };
}

function filterName<Name extends string>(
  names: Readonly<Record<Name, number>>,
  name: string,
  what: string,
): Name | undefined {
  return name === "" ? undefined : known(names, name, what);
}

function known<Name extends string>(
  names: Readonly<Record<Name, number>>,
  name: string,
  what: string,
): Name {
  if (Object.hasOwn(names, name)) return name as Name;
  const message = `there is no ${what} '${name}'; expected one of ${Object.keys(names).join(", ")}`;
  throw new RustLogError("INVALID_REQUEST", message);
}

/** Answers an AlterAcls request. */
export async function alterAcls(
  context: ServiceContext,
  exchange: Exchange,
  { added, deleted }: AlterAclsRequest,
): Promise<void> {
  exchange.charge((added.length + deleted.length) * ACL_BYTES);
  const counts = await changeAcls(context, added.map(aclOf), deleted.map(aclOf));
  exchange.answer(AlterAcls.encodeResponse(exchange.correlationId, counts));
}

function aclOf(row: AclRow): Acl {
  return {
    resourceType: known(RESOURCE_TYPES, row.resourceType, "resource type"),
    resourceName: row.resourceName,
    patternType: known(PATTERN_TYPES, row.patternType, "pattern type"),
    // Checked with the rest of the rule.
    principal: row.principal as Acl["principal"],
    host: row.host,
    operation: known(OPERATIONS, row.operation, "operation"),
    permissionType: known(PERMISSION_TYPES, row.permissionType, "permission type"),
  };
}
