// Ping and ApiVersions: is anyone there, and who.
// Leaves to others: the table of what is supported (api-versions.ts).
import { API_NAMES, API_VERSIONS } from "../api-versions.ts";
import { API } from "../messages.ts";
import { encodeApiVersionsResponse, encodePingResponse } from "../meta.ts";
import type { ServiceContext } from "../../../services/context.ts";
import type { Exchange } from "./exchange.ts";

const APIS = API_NAMES.map((name) => ({
  apiKey: API[name],
  minVersion: API_VERSIONS[name].min,
  maxVersion: API_VERSIONS[name].max,
}));

export function ping(_context: ServiceContext, exchange: Exchange): void {
  exchange.answer(encodePingResponse(exchange.correlationId, {}));
}

export function apiVersions(context: ServiceContext, exchange: Exchange): void {
  const { brokerVersion, logDirectoryId, batchBytesMax } = context;
  exchange.answer(
    encodeApiVersionsResponse(exchange.correlationId, {
      brokerVersion,
      logDirectoryId,
      maxFrameBytes: exchange.connection.frameBytesMax,
      maxBatchBytes: batchBytesMax,
      apis: APIS,
    }),
  );
}
