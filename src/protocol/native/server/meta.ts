// Ping and ApiVersions.
// Leaves to others: the table of supported versions (api-versions.ts).
import { API_NAMES, APIS } from "../api-versions.js";
import { API } from "../messages.js";
import { ApiVersions, Ping } from "../meta.js";
import type { ServiceContext } from "../../../services/context.js";
import type { Exchange } from "./exchange.js";

const VERSIONS = API_NAMES.map((name) => ({
  apiKey: API[name],
  minVersion: APIS[name].versions.min,
  maxVersion: APIS[name].versions.max,
}));

export function ping(_context: ServiceContext, exchange: Exchange): void {
  exchange.answer(Ping.encodeResponse(exchange.correlationId, {}));
}

export function apiVersions(context: ServiceContext, exchange: Exchange): void {
  const { brokerVersion, logDirectoryId, batchBytesMax } = context;
  exchange.answer(
    ApiVersions.encodeResponse(exchange.correlationId, {
      brokerVersion,
      logDirectoryId,
      maxFrameBytes: exchange.connection.frameBytesMax,
      maxBatchBytes: batchBytesMax,
      apis: VERSIONS,
    }),
  );
}
