// ApiVersions: the APIs and versions that this broker serves.
import { KAFKA_API_NAMES, KAFKA_APIS } from "../apis.js";
import { ApiVersions } from "../api-versions.js";
import { CODE } from "../error-codes.js";
import { encodeResponse } from "../headers.js";
import type { RequestOf, ResponseOf } from "../schema.js";
import type { Call } from "./call.js";
import type { ServiceContext } from "../../../services/context.js";
import { clusterId, NODE_ID } from "./cluster-of-one.js";

/** What KIP-511 allows in the name and version of client software. */
const SOFTWARE = /^[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?$/;

/**
 * Produce is listed from version 0, as by Kafka 4, which closes the connection too if a client sends versions 0 to 2.
 * Older librdkafka (seen with 2.0.2) takes a list without version 0 as a broker without gzip and snappy, and sends
 * records uncompressed without a word. It never uses that version.
 */
const PRODUCE_LISTED_MIN = 0;

const KEYS = KAFKA_API_NAMES.map((name) => ({
  apiKey: KAFKA_APIS[name].key,
  minVersion: name === "Produce" ? PRODUCE_LISTED_MIN : KAFKA_APIS[name].min,
  maxVersion: KAFKA_APIS[name].max,
}));

/** The level of Kafka 4.4. User interfaces take it for the broker's version. */
const METADATA_VERSION = { name: "metadata.version", level: 33, levelMin: 7 };

const FEATURES = {
  supportedFeatures: [
    {
      name: METADATA_VERSION.name,
      minVersion: METADATA_VERSION.levelMin,
      maxVersion: METADATA_VERSION.level,
    },
  ],
  finalizedFeaturesEpoch: 0,
  finalizedFeatures: [
    {
      name: METADATA_VERSION.name,
      maxVersionLevel: METADATA_VERSION.level,
      minVersionLevel: METADATA_VERSION.level,
    },
  ],
};

type Request = RequestOf<typeof ApiVersions>;

export function apiVersions(
  context: ServiceContext,
  request: Request,
  { version, connection }: Call,
): ResponseOf<typeof ApiVersions> {
  const { clientSoftwareName, clientSoftwareVersion } = request;
  const isNamed = SOFTWARE.test(clientSoftwareName) && SOFTWARE.test(clientSoftwareVersion);
  if (version >= 3 && !isNamed) return { errorCode: CODE.INVALID_REQUEST, apiKeys: [] };
  const fault = addresseeFault(context, request);
  if (fault !== undefined) return { errorCode: fault, apiKeys: [] };
  if (version >= 3) {
    connection.client.name = clientSoftwareName;
    connection.client.version = clientSoftwareVersion;
  }
  return { errorCode: CODE.NONE, apiKeys: KEYS, ...FEATURES };
}

/** A client that expects another broker at this address has to start again from its bootstrap servers. */
function addresseeFault(context: ServiceContext, request: Request): number | undefined {
  const isNodeNamed = request.nodeId !== -1;
  if (isNodeNamed !== (request.clusterId !== null)) return CODE.INVALID_REQUEST;
  if (!isNodeNamed) return undefined;
  const isMeant = request.clusterId === clusterId(context) && request.nodeId === NODE_ID;
  return isMeant ? undefined : CODE.REBOOTSTRAP_REQUIRED;
}

/**
 * The answer in a version that the broker does not know: in the layout of version 0, with the versions of this API, so
 * that the client can ask again.
 */
export function unknownApiVersions({ header }: Call): Uint8Array {
  const { key, min, max } = ApiVersions;
  return encodeResponse(
    ApiVersions,
    { correlationId: header.correlationId, apiVersion: 0 },
    {
      errorCode: CODE.UNSUPPORTED_VERSION,
      apiKeys: [{ apiKey: key, minVersion: min, maxVersion: max }],
    },
  );
}
