// All APIs, their versions, and choosing the version that a client and a broker use.
// Leaves to others: the fields of each version (produce.ts, fetch.ts, …).
//
// A new field in an API needs a new version: the next one in the API's table. Version 1 is never removed, so that
// clients that only support it keep working.
import { Authenticate } from "./authenticate.js";
import { Fetch } from "./fetch.js";
import { DeleteGroup, DescribeGroup, DescribeMembers, ListGroups } from "./groups.js";
import { API, type ApiName } from "./messages.js";
import { GroupHeartbeat } from "./membership.js";
import { ApiVersions, Ping } from "./meta.js";
import { ListOffsets, OffsetCommit, OffsetDelete, OffsetFetch } from "./offsets.js";
import { Produce } from "./produce.js";
import { AlterQuotas, DescribeQuotas } from "./quotas.js";
import { AlterAcls, AlterUser, DescribeAcls, DescribeUsers } from "./security.js";
import {
  AlterTopic,
  CompactTopic,
  CreateTopic,
  DeleteRecords,
  DeleteTopic,
  DescribeTopic,
  ListTopics,
} from "./topics.js";

/** The versions of an API that one side supports. */
export interface VersionRange {
  readonly min: number;
  readonly max: number;
}

/** The version for all requests to a broker that does not list its versions. */
export const FIRST_VERSION = 1;

export const APIS = {
  Produce,
  Fetch,
  OffsetCommit,
  OffsetFetch,
  CreateTopic,
  ListTopics,
  DescribeTopic,
  DeleteTopic,
  ListOffsets,
  Ping,
  ListGroups,
  DescribeGroup,
  DeleteGroup,
  ApiVersions,
  OffsetDelete,
  DescribeMembers,
  GroupHeartbeat,
  AlterTopic,
  DeleteRecords,
  CompactTopic,
  Authenticate,
  DescribeUsers,
  AlterUser,
  DescribeAcls,
  AlterAcls,
  DescribeQuotas,
  AlterQuotas,
} as const;

export const API_NAMES = Object.keys(API) as readonly ApiName[];

/** The highest version that both sides support; undefined if there is none. */
export function commonVersion(ours: VersionRange, theirs: VersionRange): number | undefined {
  const version = Math.min(ours.max, theirs.max);
  return version >= Math.max(ours.min, theirs.min) ? version : undefined;
}
