// DescribeAcls, CreateAcls and DeleteAcls.
// Leaves to others: the rules (services/acls.ts).
import { RustLogError } from "../../../errors.js";
import { type Acl, PATTERN_TYPES, PERMISSION_TYPES } from "../../../security/acl.js";
import { OPERATIONS, RESOURCE_TYPES } from "../../../security/permission.js";
import type { AclFilter } from "../../../security/acl-changes.js";
import { addAcls, deleteAcls as remove, listAcls } from "../../../services/acls.js";
import type { ServiceContext } from "../../../services/context.js";
import {
  ANY,
  type CreateAcls,
  type DeleteAcls,
  type DescribeAcls,
  PATTERN_MATCH,
} from "../access.js";
import { CODE, kafkaCode } from "../error-codes.js";
import type { RequestOf, ResponseOf } from "../schema.js";
import type { Call } from "./call.js";
import { Portions } from "./portions.js";

type Filter = RequestOf<typeof DeleteAcls>["filters"][number];
type Described = ResponseOf<typeof DescribeAcls>;
type FilterResult = ResponseOf<typeof DeleteAcls>["filterResults"][number];

export async function describeAcls(
  context: ServiceContext,
  request: RequestOf<typeof DescribeAcls>,
  { connection }: Call,
): Promise<Described> {
  try {
    const acls = await listAcls(context, filterOf(request));
    const resources = await byResource(acls, new Portions(connection.turns));
    return { errorCode: CODE.NONE, errorMessage: "", resources };
  } catch (error) {
    return { ...faultOf(error), resources: [] };
  }
}

type Entry = Described["resources"][number]["acls"][number];

/** Kafka's response has one row for each pattern of resources. */
async function byResource(
  acls: readonly Acl[],
  portions: Portions,
): Promise<Described["resources"]> {
  const rows = new Map<string, Described["resources"][number] & { readonly acls: Entry[] }>();
  for (const acl of acls) {
    const { resourceType, resourceName, patternType } = acl;
    const key = `${resourceType} ${patternType} ${resourceName}`;
    let row = rows.get(key);
    if (row === undefined) {
      const type = RESOURCE_TYPES[resourceType];
      const pattern = PATTERN_TYPES[patternType];
      row = { resourceType: type, resourceName, patternType: pattern, acls: [] };
      rows.set(key, row);
    }
    row.acls.push({
      ...{ principal: acl.principal, host: acl.host, operation: OPERATIONS[acl.operation] },
      permissionType: PERMISSION_TYPES[acl.permissionType],
    });
    await portions.next();
  }
  return [...rows.values()];
}

export async function createAcls(
  context: ServiceContext,
  { creations }: RequestOf<typeof CreateAcls>,
): Promise<ResponseOf<typeof CreateAcls>> {
  const acls = creations.map(aclOf);
  try {
    const valid = acls.filter((acl): acl is Acl => !(acl instanceof RustLogError));
    const outcomes = (await addAcls(context, valid)).values();
    const results = acls.map((acl) => {
      const error = acl instanceof RustLogError ? acl : outcomes.next().value;
      return error === undefined ? { errorCode: CODE.NONE, errorMessage: "" } : faultOf(error);
    });
    return { results };
  } catch (error) {
    const fault = faultOf(error);
    return { results: creations.map(() => fault) };
  }
}

export async function deleteAcls(
  context: ServiceContext,
  { filters }: RequestOf<typeof DeleteAcls>,
): Promise<ResponseOf<typeof DeleteAcls>> {
  const known: (AclFilter | FilterResult)[] = filters.map((filter) => {
    try {
      return filterOf(filter);
    } catch (error) {
      return { ...faultOf(error), matchingAcls: [] };
    }
  });
  try {
    const found = (await remove(context, known.filter(isFilter))).values();
    const filterResults = known.map((each): FilterResult => {
      if (!isFilter(each)) return each;
      const deleted = found.next().value ?? [];
      return { errorCode: CODE.NONE, errorMessage: null, matchingAcls: deleted.map(rowOf) };
    });
    return { filterResults };
  } catch (error) {
    const fault = { ...faultOf(error), matchingAcls: [] };
    return { filterResults: filters.map(() => fault) };
  }
}

function isFilter(each: AclFilter | FilterResult): each is AclFilter {
  return !("errorCode" in each);
}

function rowOf(acl: Acl): FilterResult["matchingAcls"][number] {
  return {
    ...{ errorCode: CODE.NONE, errorMessage: null },
    resourceType: RESOURCE_TYPES[acl.resourceType],
    resourceName: acl.resourceName,
    patternType: PATTERN_TYPES[acl.patternType],
    ...{ principal: acl.principal, host: acl.host },
    operation: OPERATIONS[acl.operation],
    permissionType: PERMISSION_TYPES[acl.permissionType],
  };
}

/** Throws INVALID_REQUEST for a number that means nothing here. */
function filterOf(filter: Filter | RequestOf<typeof DescribeAcls>): AclFilter {
  const { resourceTypeFilter, patternTypeFilter, operation, permissionType } = filter;
  return {
    resourceType: filterName(RESOURCE_TYPES, resourceTypeFilter, "resource type"),
    resourceName: filter.resourceNameFilter ?? undefined,
    patternType:
      patternTypeFilter === PATTERN_MATCH
        ? "MATCH"
        : filterName(PATTERN_TYPES, patternTypeFilter, "pattern type"),
    principal: filter.principalFilter ?? undefined,
    host: filter.hostFilter ?? undefined,
    operation: filterName(OPERATIONS, operation, "operation"),
    permissionType: filterName(PERMISSION_TYPES, permissionType, "permission type"),
  };
}

function filterName<Name extends string>(
  numbers: Readonly<Record<Name, number>>,
  number: number,
  what: string,
): Name | undefined {
  return number === ANY ? undefined : nameOf(numbers, number, what);
}

function aclOf(creation: RequestOf<typeof CreateAcls>["creations"][number]): Acl | RustLogError {
  try {
    return {
      resourceType: nameOf(RESOURCE_TYPES, creation.resourceType, "resource type"),
      resourceName: creation.resourceName,
      patternType: nameOf(PATTERN_TYPES, creation.resourcePatternType, "pattern type"),
      // Checked with the rest of the rule.
      principal: creation.principal as Acl["principal"],
      host: creation.host,
      operation: nameOf(OPERATIONS, creation.operation, "operation"),
      permissionType: nameOf(PERMISSION_TYPES, creation.permissionType, "permission type"),
    };
  } catch (error) {
    if (error instanceof RustLogError) return error;
    throw error;
  }
}

function nameOf<Name extends string>(
  numbers: Readonly<Record<Name, number>>,
  number: number,
  what: string,
): Name {
  for (const name of Object.keys(numbers) as Name[]) if (numbers[name] === number) return name;
  throw new RustLogError("INVALID_REQUEST", `the ${what} ${number} is not supported`);
}

function faultOf(error: unknown): { readonly errorCode: number; readonly errorMessage: string } {
  if (!(error instanceof RustLogError)) throw error;
  return { errorCode: kafkaCode(error), errorMessage: error.message };
}
