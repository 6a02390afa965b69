// ApiVersions: what the broker serves. A client asks this first, in a version that the broker may not know.
import { API_VERSIONS_KEY } from "./headers.js";
import { api, array, int16, int32, int64, bool, string, throttleTimeMs } from "./schema.js";

export const ApiVersions = api({
  key: API_VERSIONS_KEY,
  versions: [0, 5],
  flexibleSince: 3,
  request: {
    clientSoftwareName: string({ since: 3 }),
    clientSoftwareVersion: string({ since: 3 }),
    clusterId: string({ since: 5, nullable: 5, absent: null }),
    nodeId: int32({ since: 5, absent: -1 }),
  },
  response: {
    errorCode: int16(),
    apiKeys: array({ apiKey: int16(), minVersion: int16(), maxVersion: int16() }),
    throttleTimeMs: throttleTimeMs(1),
    supportedFeatures: array(
      { name: string(), minVersion: int16(), maxVersion: int16() },
      { since: 3, tag: 0 },
    ),
    finalizedFeaturesEpoch: int64({ since: 3, tag: 1, absent: -1 }),
    finalizedFeatures: array(
      { name: string(), maxVersionLevel: int16(), minVersionLevel: int16() },
      { since: 3, tag: 2 },
    ),
    zkMigrationReady: bool({ since: 3, tag: 3 }),
  },
});
