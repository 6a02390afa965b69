// The versions of each API, and the one that a client and a broker use together.
// Leaves to others: the fields of each version (produce.ts, fetch.ts, …).
//
// A field that an API did not have before means a new version: raise `max` here, and read and write the field in
// the API's codec if the version is high enough. Version 1 is never removed: clients that know only it go on working.
import { API, type ApiName } from "./messages.ts";

/** The versions of an API that someone understands. */
export interface VersionRange {
  readonly min: number;
  readonly max: number;
}

/** The version of all requests to a broker that does not say which versions it understands. */
export const FIRST_VERSION = 1;

const ONLY_FIRST: VersionRange = { min: FIRST_VERSION, max: FIRST_VERSION };

/** Version 2 has topic ids, or pages. */
const TO_2: VersionRange = { min: FIRST_VERSION, max: 2 };

/** Version 3 has offline partitions, after topic ids. */
const TO_3: VersionRange = { min: FIRST_VERSION, max: 3 };

/** Version 3 has pages, version 4 offline partitions. */
const TO_4: VersionRange = { min: FIRST_VERSION, max: 4 };

/** The versions that this code understands, as broker and as client. */
export const API_VERSIONS: Readonly<Record<ApiName, VersionRange>> = {
  Produce: ONLY_FIRST,
  Fetch: TO_2,
  OffsetCommit: TO_2,
  OffsetFetch: TO_2,
  CreateTopic: TO_2,
  ListTopics: TO_4,
  DescribeTopic: TO_3,
  DeleteTopic: ONLY_FIRST,
  ListOffsets: TO_2,
  Ping: ONLY_FIRST,
  ListGroups: TO_2,
  DescribeGroup: TO_2,
  DeleteGroup: ONLY_FIRST,
  ApiVersions: ONLY_FIRST,
};

export const API_NAMES = Object.keys(API) as readonly ApiName[];

/** The highest version that both sides understand; undefined when there is no such version. */
export function commonVersion(ours: VersionRange, theirs: VersionRange): number | undefined {
  const version = Math.min(ours.max, theirs.max);
  return version >= Math.max(ours.min, theirs.min) ? version : undefined;
}
