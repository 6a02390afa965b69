// ACLs, users with passwords, and quotas.
import { ACLS_CHANGED_MAX, CREDENTIALS_CHANGED_MAX } from "../../limits.js";
import {
  api,
  array,
  bool,
  bytes,
  float64,
  int8,
  int16,
  int32,
  string,
  throttleTimeMs,
} from "./schema.js";

/** Numbers that Kafka uses only in filters. */
export const ANY = 1;
export const PATTERN_MATCH = 2;

/** In versions without the type of a pattern. */
const PATTERN_LITERAL = 3;

/** Which rules are meant. */
const FILTER = {
  resourceTypeFilter: int8(),
  resourceNameFilter: string({ nullable: 0 }),
  patternTypeFilter: int8({ since: 1, absent: PATTERN_LITERAL }),
  principalFilter: string({ nullable: 0 }),
  hostFilter: string({ nullable: 0 }),
  operation: int8(),
  permissionType: int8(),
} as const;

/** Who may, or may not, do what. */
const ENTRY = {
  principal: string(),
  host: string(),
  operation: int8(),
  permissionType: int8(),
} as const;

/** The resources that rules are about. */
const RESOURCE_PATTERN = {
  resourceType: int8(),
  resourceName: string(),
  patternType: int8({ since: 1 }),
} as const;

export const DescribeAcls = api({
  key: 29,
  versions: [1, 3],
  flexibleSince: 2,
  request: FILTER,
  response: {
    throttleTimeMs: throttleTimeMs(),
    errorCode: int16(),
    errorMessage: string({ nullable: 0 }),
    resources: array({
      ...RESOURCE_PATTERN,
      acls: array(ENTRY),
    }),
  },
});

export const CreateAcls = api({
  key: 30,
  itemsMax: ACLS_CHANGED_MAX,
  versions: [1, 3],
  flexibleSince: 2,
  request: {
    creations: array({
      resourceType: int8(),
      resourceName: string(),
      resourcePatternType: int8({ since: 1, absent: PATTERN_LITERAL }),
      ...ENTRY,
    }),
  },
  response: {
    throttleTimeMs: throttleTimeMs(),
    results: array({ errorCode: int16(), errorMessage: string({ nullable: 0 }) }),
  },
});

export const DeleteAcls = api({
  key: 31,
  itemsMax: ACLS_CHANGED_MAX,
  versions: [1, 3],
  flexibleSince: 2,
  request: {
    filters: array(FILTER),
  },
  response: {
    throttleTimeMs: throttleTimeMs(),
    filterResults: array({
      errorCode: int16(),
      errorMessage: string({ nullable: 0 }),
      matchingAcls: array({
        errorCode: int16(),
        errorMessage: string({ nullable: 0 }),
        ...RESOURCE_PATTERN,
        ...ENTRY,
      }),
    }),
  },
});

export const DescribeUserScramCredentials = api({
  key: 50,
  versions: [0, 0],
  flexibleSince: 0,
  request: { users: array({ name: string() }, { nullable: 0 }) },
  response: {
    throttleTimeMs: throttleTimeMs(),
    errorCode: int16(),
    errorMessage: string({ nullable: 0 }),
    results: array({
      user: string(),
      errorCode: int16(),
      errorMessage: string({ nullable: 0 }),
      credentialInfos: array({ mechanism: int8(), iterations: int32() }),
    }),
  },
});

export const AlterUserScramCredentials = api({
  key: 51,
  itemsMax: CREDENTIALS_CHANGED_MAX,
  versions: [0, 0],
  flexibleSince: 0,
  request: {
    deletions: array({ name: string(), mechanism: int8() }),
    upsertions: array({
      name: string(),
      mechanism: int8(),
      iterations: int32(),
      salt: bytes(),
      saltedPassword: bytes(),
    }),
  },
  response: {
    throttleTimeMs: throttleTimeMs(),
    results: array({
      user: string(),
      errorCode: int16(),
      errorMessage: string({ nullable: 0 }),
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

export const AlterClientQuotas = api({
  key: 49,
  versions: [0, 1],
  flexibleSince: 1,
  request: {
    entries: array({
      entity: array({ entityType: string(), entityName: string({ nullable: 0 }) }),
      ops: array({ key: string(), value: float64(), remove: bool() }),
    }),
    validateOnly: bool(),
  },
  response: {
    throttleTimeMs: throttleTimeMs(),
    entries: array({
      errorCode: int16(),
      errorMessage: string({ nullable: 0 }),
      entity: array({ entityType: string(), entityName: string({ nullable: 0 }) }),
    }),
  },
});
