// DescribeAcls and DescribeClientQuotas.
import { api, array, bool, float64, int8, int16, string, throttleTimeMs } from "./schema.js";

export const DescribeAcls = api({
  key: 29,
  versions: [1, 3],
  flexibleSince: 2,
  request: {
    resourceTypeFilter: int8(),
    resourceNameFilter: string({ nullable: 0 }),
    patternTypeFilter: int8({ since: 1 }),
    principalFilter: string({ nullable: 0 }),
    hostFilter: string({ nullable: 0 }),
    operation: int8(),
    permissionType: int8(),
  },
  response: {
    throttleTimeMs: throttleTimeMs(),
    errorCode: int16(),
    errorMessage: string({ nullable: 0 }),
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      patternType: int8({ since: 1 }),
      acls: array({
        principal: string(),
        host: string(),
        operation: int8(),
        permissionType: int8(),
      }),
    }),
  },
});

/** How a filter names entities: one by name, the default one, or all that are named. */
export const MATCH = { exact: 0, default: 1, any: 2 } as const;

export const DescribeClientQuotas = api({
  key: 48,
  versions: [0, 1],
  flexibleSince: 1,
  request: {
    components: array({
      entityType: string(),
      matchType: int8(),
      match: string({ nullable: 0 }),
    }),
    strict: bool(),
  },
  response: {
    throttleTimeMs: throttleTimeMs(),
    errorCode: int16(),
    errorMessage: string({ nullable: 0 }),
    entries: array(
      {
        entity: array({ entityType: string(), entityName: string({ nullable: 0 }) }),
        values: array({ key: string(), value: float64() }),
      },
      { nullable: 0 },
    ),
  },
});
